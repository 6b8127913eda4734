"""Where the text of a function is."""

from __future__ import annotations

import ast
import inspect
import io
import itertools
import linecache
import re
import textwrap
import tokenize
import types
from typing import Any, TypeGuard

from .. import _C


LAMBDA = "a lambda cannot be scripted; write it as a `def`"


def text_of(fn: types.FunctionType, ignored_as: str | None = None) -> tuple[str, str, int]:
    """(file, text, number of the text's first line) of a function; OSError when there is no source, SyntaxError when it
    cannot be compiled. `ignored_as`: the name by which a script calls it where it is marked @ignore."""
    code = fn.__code__
    if fn.__name__ == "<lambda>":
        raise _C.SyntaxError(f"{code.co_filename}:{code.co_firstlineno}:1: {LAMBDA}")
    try:
        lines, first = _lines_of(fn)
    except (OSError, TypeError, IndexError) as error:
        raise OSError(
            f"Can't get source for `{fn.__module__}.{fn.__qualname__}` ({code.co_filename}:{code.co_firstlineno}). Scripting compiles source text, "
            "so the function must come from a file: one typed at the prompt or made by exec() has none. "
            f"({error})") from None
    # Decorators are Python's affair.
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    at = next((i for i, line in enumerate(lines) if line.startswith((indent + "def ", indent + "async def "))), 0)
    text = "".join(lines[at:])
    if getattr(fn, "_tine_jit_mark", None) == "unused":
        text = _only_raises(fn, text)
    elif ignored_as is not None:
        text = _only_calls(fn, text, ignored_as)
    return code.co_filename, text, max(first, 1) + at


# As src/syntax/type_comments.cpp tells a type from prose.
_TYPE_COMMENT = re.compile(r"#\s*type:\s*(\(.*->.*|(?!ignore\b)[\w.]+\s*(?:[\[|].*)?)$")


def _comments(text: str) -> tuple[str, dict[str | None, str], str | None]:
    """Of a function: its text up to the colon in front of the body, {parameter: the type that a comment gives it}, and the
    types of a whole signature in a comment."""
    types_of: dict[str | None, str] = {}
    parameter, is_next = None, False
    depth = 0
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    for token in itertools.dropwhile(lambda token: token.string != "def", tokens):
        comment = _TYPE_COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if comment is not None:
            types_of[parameter] = comment[1]
        elif token.type == tokenize.NAME and is_next:
            parameter, is_next = token.string, False
        elif token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            is_next = (is_next and token.string in ("*", "**")) or (depth == 1 and token.string in "(,")
            if depth == 0 and token.string == ":":
                break
    row, column = token.end
    lines = io.StringIO(text).readlines()
    signature, has_docstring = None, False
    for token in tokens:
        comment = _TYPE_COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if comment is not None:
            signature = comment[1]
            break
        if token.type == tokenize.STRING and not has_docstring:
            has_docstring = True
        elif token.type not in (tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT):
            break
    return "".join(lines[: row - 1]) + lines[row - 1][:column], types_of, signature


def _head(fn: types.FunctionType, text: str, is_method: bool = False) -> Any:
    """The tree of a function without its body, with annotations in place of the types in its comments."""
    head, types_of, signature = _comments(textwrap.dedent(text))
    made: Any = ast.parse(head + " pass").body[0]
    own = made.args
    parameters = [*own.posonlyargs, *own.args, *filter(None, [own.vararg]), *own.kwonlyargs, *filter(None, [own.kwarg])]

    def read(said: str, mode: Any) -> Any:
        try:
            return ast.parse(said, mode=mode)
        except SyntaxError as error:
            raise refusal(fn, f"the comment `# type: {said}` cannot be read: {error.msg}") from None

    def agreed(annotation: Any, said: Any, of: str) -> Any:
        if annotation is not None and ast.dump(annotation) != ast.dump(said):
            raise refusal(fn, f"the annotation of {of} and its type in a comment are different; keep one")
        return said

    if None in types_of:
        raise refusal(fn, f"a type in a comment is read after a parameter; `# type: {types_of[None]}` stands in front of all")
    for each in parameters:
        if each.arg in types_of:
            each.annotation = agreed(each.annotation, read(types_of[each.arg], "eval").body, f"`{each.arg}`")
    if signature is not None:
        said = read(signature, "func_type")
        is_method = is_method or "." in fn.__qualname__.rpartition("<locals>.")[2]
        if len(said.argtypes) == 1 and isinstance(said.argtypes[0], ast.Constant) and said.argtypes[0].value is ...:
            said.argtypes = []
        elif len(said.argtypes) == len(parameters) - 1 and is_method:  # `self` has no type there
            del parameters[0]
        elif len(said.argtypes) != len(parameters):
            raise refusal(fn, f"the comment `# type: {signature}` has the types of {len(said.argtypes)} parameters, but "
                          f"`{fn.__name__}` takes {len(parameters)}")
        for each, type_of_one in zip(parameters, said.argtypes):
            each.annotation = agreed(each.annotation, type_of_one, f"`{each.arg}`")
        made.returns = agreed(made.returns, said.returns, "the result")
    return made


def _signature(fn: types.FunctionType, text: str) -> Any:
    """The head of a function that stays Python's, with what its annotations leave open."""
    made = _head(fn, text)
    parameters = made.args
    parameters.vararg = parameters.kwarg = None
    for parameter in parameters.posonlyargs + parameters.args + parameters.kwonlyargs:
        parameter.annotation = parameter.annotation or ast.Name("Any")
    made.returns = made.returns or ast.Name("Tensor")
    return made


def _lines_of(fn: types.FunctionType) -> tuple[list[str], int]:
    """As inspect.getsourcelines(), without its search through all modules and its tokenizer, where the code itself says enough."""
    code = fn.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, fn.__globals__)
    first = code.co_firstlineno
    end = _last_line(code)
    if not 0 < first <= end <= len(lines) or any(sign in lines[end - 1] for sign in ('"""', "'''", ";", "\\")):
        return inspect.getsourcelines(code)
    # Statements at the end may have left no trace in the code. One of several lines is for the tokenizer.
    indent = _indent(lines[first - 1])
    for at in range(end, len(lines)):
        rest = lines[at].lstrip()
        if rest and not rest.startswith("#"):
            if rest[0] not in ")]}" and _indent(lines[at]) <= indent:
                break
            if not _ONE_LINE.isdisjoint(rest):
                return inspect.getsourcelines(code)
            end = at + 1
    return lines[first - 1 : end], first


_ONE_LINE = frozenset("([{}])\\\"'")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _last_line(code: types.CodeType) -> int:
    """0 where the code does not say."""
    ends = [end for _, end, _, _ in code.co_positions() if end is not None]
    ends += [_last_line(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)]
    return max(ends, default=0)


def head_of(fn: types.FunctionType) -> ast.FunctionDef:
    """The tree of a method, or a function that becomes one, without its body, with annotations in place of types in comments."""
    head: ast.FunctionDef = _head(fn, text_of(fn)[1], is_method=True)
    return head


def _only_calls(fn: types.FunctionType, text: str, name: str) -> str:
    """An @ignore function as a script has it: its signature, and a body that calls Python."""
    made = _signature(fn, text)
    parameters = made.args
    names = [ast.Name(p.arg) for p in parameters.posonlyargs + parameters.args + parameters.kwonlyargs]
    call = ast.Call(ast.Name("__call_python__"), [ast.Constant(name), *names], [])
    gives_none = isinstance(made.returns, ast.Constant) and made.returns.value is None
    made.body = [ast.Expr(call) if gives_none else ast.Return(call)]
    return ast.unparse(ast.fix_missing_locations(made)) + "\n"


def _only_raises(fn: types.FunctionType, text: str) -> str:
    """An @unused function as a script has it: its signature, and a body that raises an exception."""
    made = _signature(fn, text)
    why = f"`{fn.__qualname__}` is marked @unused: This Python function is annotated to be ignored and cannot be run"
    made.body = [ast.Raise(ast.Call(ast.Name("RuntimeError"), [ast.Constant(why)], []))]
    return ast.unparse(ast.fix_missing_locations(made)) + "\n"


def overload_text(declared: types.FunctionType, fn: types.FunctionType) -> tuple[str, str, int]:
    """As text_of(): the body of `fn` below the signature that an overload declares."""
    made = _head(declared, inspect.getsource(declared))
    lines, first = inspect.getsourcelines(fn)
    plain = textwrap.dedent("".join(lines))
    own: Any = ast.parse(plain).body[0]
    returns = f" -> {ast.unparse(made.returns)}" if made.returns is not None else ""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    at = own.body[0].lineno - 1
    body = lines[at:]
    in_front = indent + io.StringIO(plain).readlines()[at].encode()[: own.body[0].col_offset].decode()
    if in_front.strip():  # the head ends on that line
        body[0] = " " * len(in_front) + body[0][len(in_front):]
    text = f"{indent}def {fn.__name__}({ast.unparse(made.args)}){returns}:\n{''.join(body)}"
    return fn.__code__.co_filename, text, first + at - 1


def defaults_of(fn: types.FunctionType) -> dict[str, Any]:
    """{parameter: default}, as Python has evaluated them."""
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
    values = fn.__defaults__ or ()
    return dict(zip(names[len(names) - len(values):], values), **(fn.__kwdefaults__ or {}))


def refuse_kind(fn: types.FunctionType) -> str | None:
    """Why this Python function cannot be compiled, or None."""
    if getattr(fn, "_tine_jit_mark", None) == "ignore":  # whatever it is, Python runs it
        return None
    flags = fn.__code__.co_flags
    if flags & inspect.CO_GENERATOR:
        return f"`{fn.__qualname__}` is a generator; scripts have no `yield`: return a List"
    if flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return f"`{fn.__qualname__}` is a coroutine; scripts use torch.jit.fork and wait"
    return None


class NotAScript(_C.SyntaxError, TypeError):
    """script() was given an object that is none of functions, classes and modules, or one that scripts cannot have."""


def refusal(obj: Any, why: str) -> NotAScript:
    """The error that marks where this function or class begins."""
    try:
        lines, first = inspect.getsourcelines(obj)
        file = inspect.getsourcefile(obj)
    except (OSError, TypeError):
        return NotAScript(why)
    at, line = next(((i, l) for i, l in enumerate(lines) if l.lstrip().startswith(("def ", "async def ", "class "))),
                    (0, lines[0]))
    line = line.rstrip()
    column = line.index(obj.__name__) if obj.__name__ in line else len(line) - len(line.lstrip())
    marker = re.sub(r"[^\t]", " ", line[:column]) + "^" * len(obj.__name__)
    return NotAScript(f"{file}:{max(first, 1) + at}:{column + 1}: {why}\n  {line}\n  {marker}")


def is_plain(fn: object) -> TypeGuard[types.FunctionType]:
    return isinstance(fn, types.FunctionType)
