"""Random bodies of functions: statements, of which each name that is read has been given a value on every path."""

from .changes import Changes
from .containers import Containers
from .expressions import Expressions
from .kinds import BOOL, FLOAT, GRID, INT, NONE, ROW, SCALARS, STR, TEXTS, asked, has_union, list_of
from .kinds import needs_annotation, union, written

ERRORS = ["ValueError", "RuntimeError", "KeyError", "IndexError", "TypeError", "NotImplementedError"]


class Body(Expressions, Containers, Changes):
    """The body of one function. silent: it must not print, because its order among tasks is not known."""

    def __init__(self, program, params, result, silent=False, depth=3, budget=3000):
        self.program, self.rng = program, program.rng
        self.result, self.silent, self.depth, self.budget = result, silent, depth, budget
        self.scopes = [dict(params)]
        self.lines, self.indent = [], 1
        self.weight, self.cost = 1, 1  # how often the statement at hand may run, and how many may in all
        self.calm = False  # in a loop over a list itself: nothing may change any list
        self.calls_noise = False
        self.loops = 0
        self.declared = {name for name, _ in params}  # they keep their type
        self.never_assigned = {"self"}

    def fresh(self):
        self.program.names += 1
        return f"v{self.program.names}"

    def bind(self, name, t):
        """A variable without an annotation. A Union is not assigned to: where its members meet, it has no type."""
        self.scopes[-1][name] = t
        if has_union(t):
            self.never_assigned.add(name)

    def line(self, text):
        self.lines.append("    " * self.indent + text)

    # -- blocks

    def finished(self, count):
        self.statements(count)
        if self.result != NONE:
            self.line(f"return {self.expr(self.result, declared=True)}")
        return self.lines

    def statements(self, count):
        """False if the last one leaves the block."""
        before = len(self.lines)
        for _ in range(count):
            if self.statement():
                return
        if len(self.lines) == before:
            self.line("pass")

    def block(self, count, names=(), weight=1):
        self.scopes.append(dict(names))
        self.indent += 1
        self.weight *= weight
        self.statements(count)
        self.weight //= weight
        self.indent -= 1
        self.scopes.pop()

    def statement(self):
        """Writes one. True if nothing can follow it."""
        self.cost += self.weight
        ways = [(self.define, 8), (self.assign, 6), (self.unpack, 2), (self.print_, 3), (self.call_alone, 3)]
        if self.indent < 4:
            ways += [(self.if_, 4), (self.refine, 5), (self.for_, 4), (self.while_, 2), (self.with_, 1)]
        ways += [(self.fork, 3), (self.leave, 2), (self.raise_, 1), (self.assert_, 1), (self.risky, 0.7)]
        if not self.calm:
            ways += [(self.change_list, 3), (self.change_dict, 3), (self.change_attribute, 4)]
        ways += [(self.change_tensor, 5)]
        for _ in range(6):
            (way, _), = self.rng.choices(ways, [w for _, w in ways])
            done = way()
            if done is not None:
                return done == "leaves"
        self.define()
        return False

    # -- variables

    def define(self):
        t = self.program.some_type(self.rng)
        value = self.expr(t, declared=needs_annotation(t))
        name = self.fresh()
        if needs_annotation(t) or self.chance(0.2):
            self.line(f"{name}: {written(t, self.program.modern)} = {value}")
            self.declared.add(name)
        elif self.chance(0.1):
            other = self.fresh()
            self.line(f"{name} = {other} = {value}")
            self.scopes[-1][other] = t
            self.used("two names for one value")
        else:
            self.line(f"{name} = {value}")
        self.scopes[-1][name] = t
        self.used(f"variable of kind {t.kind}")
        return True

    def assignable(self, *kinds):
        return [(n, t) for n, t in self.visible().items() if n not in self.never_assigned and (not kinds or t.kind in kinds)]

    def assign(self):
        found = self.some(self.assignable())
        if not found:
            return None
        name, t = found
        if name in self.scopes[-1] and name not in self.declared and self.chance(0.15):
            t = self.rng.choice(SCALARS)
            self.line(f"{name} = {self.expr(t)}")
            self.scopes[-1][name] = t
            self.used("variable that changes its type")
            return True
        if t in (INT, FLOAT, STR) and self.chance(0.5):
            return self.augment(name, t)
        if self.chance(0.2) and (other := self.some([n for n, kind in self.assignable() if kind == t and n != name])):
            self.line(f"{name}, {other} = {other}, {name}")
            self.used("swap")
            return True
        self.line(f"{name} = {self.expr(t, declared=name in self.declared)}")
        return True

    def augment(self, name, t):
        sign = self.rng.choice("+-*") if t != STR else "+"
        self.line(f"{name} {sign}= {self.expr(t)}")
        self.line(f"{name} = {self.made_small(t, name)}")
        self.used("augmented assignment")
        return True

    def unpack(self):
        found = [(name, t.args) for name, t in self.variables("tuple")]
        found += [(name, tuple(self.program.record_fields(t).values())) for name, t in self.variables("record")]
        found = self.some(found)
        if found:
            value, parts = found
        else:
            parts = tuple(self.rng.choice(SCALARS) for _ in range(2))
            value = ", ".join(self.expr(t) for t in parts)
        names = [self.fresh() for _ in parts]
        self.line(f"{', '.join(names)}{',' * (len(names) == 1)} = {value}")
        for name, t in zip(names, parts):
            self.bind(name, t)
        self.used("unpacking")
        return True

    # -- branches and loops

    def if_(self):
        thing = self.some(self.variables("int", "float", "str", "list", "dict")) if self.chance(0.15) else None
        self.line(f"if {thing[0] if thing else self.expr(BOOL)}:")
        self.block(self.rng.randrange(1, 4))
        if self.chance(0.3):
            self.line(f"elif {self.expr(BOOL)}:")
            self.block(self.rng.randrange(1, 3))
            self.used("elif")
        if self.chance(0.5):
            self.line("else:")
            self.block(self.rng.randrange(1, 3))
        self.used("if")
        return True

    def refine(self):
        found = self.some(self.variables("optional", "union"))
        if not found:
            return None
        name, t = found
        if t.kind == "union":
            return self.refine_union(name, t)
        (of,) = t.args
        how = self.rng.randrange(4)
        self.used("optional refined by a statement")
        if how == 0:
            self.line(f"if {name} is not None:")
            self.block(self.rng.randrange(1, 4), {name: of})
            if self.chance(0.5):
                self.line("else:")
                self.block(1)
            return True
        if how == 1:
            self.line(f"if {name} is None:")
            self.block(1)
            self.line("else:")
            self.block(self.rng.randrange(1, 4), {name: of})
            return True
        if how == 2 and name not in self.never_assigned:
            # The value of a declared variable is narrowed where both paths meet.
            self.line(f"if {name} is None:")
            self.line(f"    {name} = {self.expr(of)}")
            self.scopes[-1][name] = of
            return True
        self.line(f"if {name} is None:")
        self.indent += 1
        self.rng.choice([self.leave, self.leave, self.leave, self.raise_])(always=True)
        self.indent -= 1
        self.scopes[-1][name] = of
        self.used("optional refined by leaving")
        return True

    def refine_union(self, name, t):
        self.used("union refined by a statement")
        members = list(t.args)
        self.rng.shuffle(members)
        if len(members) == 3 and self.chance(0.5):
            first, *two = members
            self.line(f"if isinstance({name}, ({', '.join(map(asked, two))})):")
            self.block(self.rng.randrange(1, 3), {name: union(*two)})
            self.line("else:")
            self.block(self.rng.randrange(1, 3), {name: first})
            self.used("isinstance of several types")
            return True
        for i, member in enumerate(members):
            last = i == len(members) - 1
            self.line("else:" if last and i else f"{'el' if i else ''}if isinstance({name}, {asked(member)}):")
            self.block(self.rng.randrange(1, 3), {name: member})
        return True

    def over(self):
        """What a loop runs over: (text, the targets with their types)."""
        x, y = self.fresh(), self.fresh()
        ways = [(f"range({self.rng.choice(['3', '1, 4', '5, 0, -2', f'abs({self.expr(INT, 1)}) % 4'])})", {x: INT}, "range")]
        ways.append((f"{self.expr(STR, 1)}[:4]", {x: STR}, "a str"))
        if found := self.some(self.variables("list")):
            name, of = found[0], found[1].args[0]
            ways.append((f"{name}[:4]", {x: of}, "a list"))
            ways.append((f"enumerate({name}[:4])", {x: INT, y: of}, "enumerate"))
            ways.append((f"zip({name}[:3], range(5))", {x: of, y: INT}, "zip"))
            ways.append((f"zip({name}[:3], list(reversed({name})))", {x: of, y: of}, "zip"))
            ways.append((f"reversed({name}[-3:])", {x: of}, "reversed"))
        if found := self.some(self.variables("dict")):
            name, (k, v) = found[0], found[1].args
            ways.append((f"list({name}.items())[:4]", {x: k, y: v}, "items()"))
            ways.append((f"list({name}.keys())[:4]", {x: k}, "keys()"))
            ways.append((f"list({name}.values())[:4]", {x: v}, "values()"))
        if found := self.some(self.paths(GRID)):
            ways.append((found, {x: ROW}, "a Tensor"))
        ways.append((f"({self.expr(INT, 1)}, {self.expr(INT, 1)})", {x: INT}, "a tuple"))
        if self.program.enums and self.chance(0.5):
            e = self.some(list(self.program.enums.values()))
            ways.append((e.name, {x: self.program.type_of(e)}, "an enum"))
        text, names, feature = self.rng.choice(ways)
        self.used(f"for over {feature}")
        return text, names, feature not in ("a tuple", "an enum")

    def for_(self):
        if self.weight > 60 or self.calm:
            return None
        if self.chance(0.2) and (found := self.some(self.variables("list", "dict"))):
            text, t = found
            names = {self.fresh(): t.args[0]}
            may_leave, self.calm = True, True
            self.used("for over a list or dict itself")
        else:
            text, names, may_leave = self.over()
        self.line(f"for {', '.join(names)} in {text}:")
        kept, self.never_assigned = self.never_assigned, self.never_assigned | set(names)
        loops, self.loops = self.loops, self.loops + 1 if may_leave else 0
        self.block(self.rng.randrange(1, 4), names, weight=4)
        self.loops = loops
        self.never_assigned = kept
        self.calm = False
        return True

    def while_(self):
        if self.weight > 60 or self.calm:
            return None
        turn, limit = self.fresh(), self.rng.randrange(1, 5)
        self.line(f"{turn} = 0")
        c = f"{turn} < {limit}" if self.chance(0.7) else f"{turn} < {limit} and {self.expr(BOOL)}"
        endless = self.chance(0.2)
        self.line("while True:" if endless else f"while {c}:")
        # The counter is counted first, so that `continue` cannot pass it by.
        self.line(f"    {turn} += 1")
        if endless:
            self.line(f"    if {turn} > {limit}:")
            self.line("        break")
        kept, self.never_assigned = self.never_assigned, self.never_assigned | {turn}
        self.loops += 1
        self.block(self.rng.randrange(1, 4), {turn: INT}, weight=4)
        self.loops -= 1
        self.never_assigned = kept
        self.scopes[-1][turn] = INT
        self.used("while True" if endless else "while")
        return True

    def with_(self):
        manager = self.some([c for c in self.program.classes.values() if c.manager])
        if not manager or self.silent or self.calm:
            return None
        name = self.fresh()
        self.line(f"with {self.make_object(self.program.type_of(manager), 1, False)} as {name}:")
        self.calls_noise = True
        self.block(self.rng.randrange(1, 3), {name: self.program.type_of(manager)})
        self.used("with")
        return True

    def leave(self, always=False):
        ways = ["return"] + ["break", "continue"] * (self.loops > 0)
        word = self.rng.choice(ways)
        if word == "return" and self.indent == 1 and not always and self.chance(0.5):
            return None
        self.used("early return" if word == "return" else word)
        if word == "return" and self.result != NONE:
            word = f"return {self.expr(self.result, 2, declared=True)}"
        return self.guarded(word, always)

    def guarded(self, text, always=False):
        """Under a condition, or as the last statement of its block."""
        if always or (self.indent > 1 and self.chance(0.4)):
            self.line(text)
            return "leaves"
        self.line(f"if {self.expr(BOOL)}:")
        self.line(f"    {text}")
        return True

    # -- errors

    def raise_(self, always=False):
        self.used("raise")
        text = f"raise {self.rng.choice(ERRORS)}({self.expr(STR)})"
        if always or self.chance(0.1):
            return self.guarded(text, always)
        # Most conditions do not hold: a program that raises early shows little.
        self.line(f"if {self.expr(BOOL)} and {self.expr(INT)} == {self.expr(INT)}:")
        self.line(f"    {text}")
        return True

    def assert_(self):
        self.used("assert")
        more = f" or {self.expr(INT)} < 900" if self.chance(0.8) else ""
        self.line(f"assert {self.expr(BOOL)} or {self.expr(BOOL)}{more}" + (f", {self.expr(STR)}" if self.chance(0.7) else ""))
        return True

    def risky(self):
        """What may raise, in print(), which uses the result."""
        if self.silent:
            return None
        ways = [f"{self.expr(INT)} {self.rng.choice(['//', '%'])} {self.expr(INT)}", f"{self.expr(STR)}[{self.expr(INT, 1)}]"]
        ways += [f"int({self.expr(STR)})", f"{self.expr(STR)}.index({self.rng.choice(TEXTS)})", f"float({self.expr(STR)})"]
        if found := self.some(self.paths(list_of(INT))):
            ways += [f"{found}[{self.expr(INT, 1)}]", f"{found}[0]", f"{found}[-1]", f"max({found})"]
            ways += [f"{found}.index({self.expr(INT, 1)})"]
            ways += [f"{found}.pop()"] * (not self.calm)
        self.line(f"print({self.rng.choice(ways)})")
        self.calls_noise = True
        self.used("operation that may raise")
        return True

    # -- what can be seen outside

    def print_(self):
        if self.silent:
            return None
        t = [t for t in (self.program.some_type(self.rng) for _ in range(3)) if self.program.printable(t)]
        self.line(f"print({', '.join(self.expr(one, 2) for one in t)})")
        self.calls_noise = True
        return True

    def print_all(self):
        """Every variable, in the end."""
        if self.silent:
            return
        shown = []
        for name, t in self.scopes[0].items():
            shown += [name] if self.program.printable(t) else []
            if t.kind == "object":
                shown += [f"{name}.{f}" for f, of in self.program.fields(t).items() if self.program.printable(of)]
        self.line(f"print({', '.join(shown[-12:])})")
        self.calls_noise = True

    def call_alone(self):
        found = [(f.name, f) for f in self.program.functions if self.can_call(f)]
        for name, t in self.variables("object"):
            found += [(f"{name}.{m.name}", m) for m in self.program.classes[t.args[0]].methods if self.can_call(m)]
        found = self.some(found)
        if not found:
            return None
        self.line(self.call(*found, 2))
        self.used("call whose result is not used")
        return True
