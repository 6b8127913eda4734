"""Makes a program that shows a difference as small as it can while it shows that difference.

Statements are taken out, blocks are put in place of the statements that hold them, expressions are replaced by parts of them
and by literals. What remains is well typed if the finding is a difference, because it compiles.
"""

import ast
import copy
import re
import time

LITERALS = [ast.Constant(v) for v in (0, 1, 0.0, "", True, None)] + [ast.List([], ast.Load())]
# Where a program gets to these, its values differ for reasons that docs/differences.md gives.
BEYOND = re.compile(r"\b(inf|nan)\b|\d{19}")
WHOLE = re.compile(r"(?<=\d)\.0\b")
IN_PYTHON = ("NameError", "UnboundLocalError", "TypeError", "AttributeError")


def alike(first, other):
    """Whether `other` is the finding that `first` is, and not another that shrinking made."""
    if other is None or not first.same_as(other):
        return False
    if first.kind == "refused":
        return other.python == first.python or other.python not in IN_PYTHON
    if first.kind in ("printed", "value") and WHOLE.sub("", other.python) == WHOLE.sub("", other.script):
        return False  # an int where a float is declared
    return not BEYOND.search(f"{other.python} {other.script}") or bool(BEYOND.search(f"{first.python} {first.script}"))


def shrink(text, finds, seconds=60.0, now=time.process_time):
    """The smallest text found that finds() still accepts, within some seconds of the processor."""
    return Shrinking(text, finds, now() + seconds, now).smallest()


class Shrinking:
    def __init__(self, text, finds, end, now):
        self.tree, self.finds, self.end, self.now = ast.parse(text), finds, end, now
        self.text = ast.unparse(self.tree)

    def smallest(self):
        before = None
        while before != self.text and self.now() < self.end:
            before = self.text
            self.take_out_statements()
            self.take_out_parameters()
            self.take_out_results()
            self.unwrap()
            self.simplify_expressions()
        return self.text + "\n"

    def better(self):
        """Whether the tree, as it is now, is kept."""
        if self.now() >= self.end:
            return False
        text = ast.unparse(ast.fix_missing_locations(self.tree))
        if text == self.text or not self.finds(text + "\n"):
            return False
        self.text = text
        return True

    def bodies(self):
        """The lists of statements, outermost first."""
        for node in ast.walk(self.tree):
            for name in ("body", "orelse"):
                if isinstance(block := getattr(node, name, None), list):
                    yield node, name, block

    def take_out_statements(self):
        for _, name, block in list(self.bodies()):
            size = len(block)
            while size >= 1:
                at = 0
                while at < len(block):
                    kept = block[:]
                    block[at : at + size] = []
                    if not block and name == "body":
                        block.append(ast.Pass())
                    if not self.better():
                        block[:] = kept
                        at += size
                size //= 2

    def take_out_parameters(self):
        """Parameters of main, each with its argument."""
        main, arguments = (self.function(name) for name in ("main", "arguments"))
        params, values = main.args.args, arguments.body[-1].value.elts
        for at in reversed(range(len(params))):
            kept = params[:], values[:]
            del params[at], values[at]
            if not self.better():
                params[:], values[:] = kept

    def take_out_results(self):
        """Elements of the tuple that main returns, in its type and in each of its returns."""
        main = self.function("main")
        returned = [node.value for node in ast.walk(main) if isinstance(node, ast.Return)]
        types = getattr(getattr(main.returns, "slice", None), "elts", [])
        if not all(isinstance(value, ast.Tuple) and len(value.elts) == len(types) for value in returned):
            return
        for at in reversed(range(len(types))):
            lists = [types, *(value.elts for value in returned)]
            kept = [one[:] for one in lists]
            for one in lists:
                del one[at]
            if not types or not self.better():
                for one, before in zip(lists, kept):
                    one[:] = before

    def function(self, name):
        return next(node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name)

    def unwrap(self):
        """Puts the blocks of a compound statement in its place."""
        for _, _, block in list(self.bodies()):
            at = 0
            while at < len(block):
                node = block[at]
                parts = [getattr(node, name, None) or [] for name in ("body", "orelse")]
                if isinstance(node, (ast.If, ast.For, ast.While, ast.With)):
                    for new in parts[0] + parts[1], parts[0], parts[1]:
                        kept = block[:]
                        block[at : at + 1] = new
                        if new and self.better():
                            break
                        block[:] = kept
                at += 1

    def simplify_expressions(self):
        given = set(ast.walk(self.function("arguments")))  # they are of the types that main declares
        for parent in [node for node in ast.walk(self.tree) if node not in given]:
            for name, value in ast.iter_fields(parent):
                if name in ("annotation", "returns", "targets", "target", "bases", "decorator_list", "func"):
                    continue
                if isinstance(value, ast.expr):
                    self.simplify(parent, name)
                elif isinstance(value, list) and value and isinstance(value[0], (ast.expr, ast.keyword)):
                    self.shorten(value)
                    for at in range(len(value)):
                        self.simplify(value, at)

    def shorten(self, items):
        at = 0
        while at < len(items):
            kept = items[:]
            del items[at]
            try:
                fits = self.better()
            except (ValueError, IndexError, AttributeError):
                fits = False  # no Python any more, like an operator without a second side
            if not fits:
                items[:] = kept
                at += 1

    def simplify(self, holder, where):
        def put(node):
            if isinstance(holder, list):
                holder[where] = node
            else:
                setattr(holder, where, node)

        def held():
            return holder[where] if isinstance(holder, list) else getattr(holder, where)

        smaller = True
        while smaller and isinstance(held(), ast.expr) and not isinstance(held(), (ast.Constant, ast.Name)):
            node, smaller = held(), False
            for new in [*LITERALS, *self.parts(node)]:
                put(copy.deepcopy(new))
                if self.better():
                    smaller = True
                    break
                put(node)

    def parts(self, node):
        return [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
