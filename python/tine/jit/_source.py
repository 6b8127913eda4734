"""Where the text of a function is."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
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
        text = _only_calls(text, ignored_as)
    return code.co_filename, text, max(first, 1) + at


def _signature(text: str) -> Any:
    """The tree of a function that stays Python's, with what its annotations leave open."""
    made: Any = ast.parse(textwrap.dedent(text)).body[0]
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
    if not lines or end is None or not 0 < first <= end <= len(lines):
        return inspect.getsourcelines(code)
    # Statements at the end may have left no trace in the code. One of several lines is for the tokenizer.
    indent = _indent(lines[first - 1])
    for at in range(end, len(lines)):
        rest = lines[at].lstrip()
        if rest and not rest.startswith("#"):
            if _indent(lines[at]) <= indent:
                break
            if not _ONE_LINE.isdisjoint(rest):
                return inspect.getsourcelines(code)
            end = at + 1
    return lines[first - 1 : end], first


_ONE_LINE = frozenset("([{\\\"'")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _last_line(code: types.CodeType) -> int | None:
    ends = [end for _, end, _, _ in code.co_positions()]
    ends += [_last_line(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)]
    return None if not ends or None in ends else max(ends)  # type: ignore[type-var]


def signature_of(fn: types.FunctionType) -> ast.FunctionDef:
    """The tree of its `def`, without the body."""
    made = ast.parse(textwrap.dedent(text_of(fn)[1])).body[0]
    assert isinstance(made, ast.FunctionDef)
    return made


def _only_calls(text: str, name: str) -> str:
    """An @ignore function as a script has it: its signature, and a body that calls Python."""
    made = _signature(text)
    parameters = made.args
    names = [ast.Name(p.arg) for p in parameters.posonlyargs + parameters.args + parameters.kwonlyargs]
    call = ast.Call(ast.Name("__call_python__"), [ast.Constant(name), *names], [])
    gives_none = isinstance(made.returns, ast.Constant) and made.returns.value is None
    made.body = [ast.Expr(call) if gives_none else ast.Return(call)]
    return ast.unparse(ast.fix_missing_locations(made)) + "\n"


def _only_raises(fn: types.FunctionType, text: str) -> str:
    """An @unused function as a script has it: its signature, and a body that raises an exception."""
    made = _signature(text)
    why = f"`{fn.__qualname__}` is marked @unused: This Python function is annotated to be ignored and cannot be run"
    made.body = [ast.Raise(ast.Call(ast.Name("RuntimeError"), [ast.Constant(why)], []))]
    return ast.unparse(ast.fix_missing_locations(made)) + "\n"


def overload_text(declared: types.FunctionType, fn: types.FunctionType) -> tuple[str, str, int]:
    """As text_of(): the body of `fn` below the signature that an overload declares."""
    made = ast.parse(textwrap.dedent(inspect.getsource(declared)), type_comments=True).body[0]
    lines, first = inspect.getsourcelines(fn)
    own = ast.parse(textwrap.dedent("".join(lines))).body[0]
    assert isinstance(made, ast.FunctionDef) and isinstance(own, ast.FunctionDef)
    parameters = made.args.posonlyargs + made.args.args + made.args.kwonlyargs
    if made.type_comment is not None:
        types_of = ast.parse(made.type_comment, mode="func_type")
        # `self` has no type there.
        for parameter, annotation in zip(parameters[len(parameters) - len(types_of.argtypes):], types_of.argtypes):
            parameter.annotation = annotation
        made.returns = types_of.returns
    returns = f" -> {ast.unparse(made.returns)}" if made.returns is not None else ""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    at = own.body[0].lineno - 1
    text = f"{indent}def {fn.__name__}({ast.unparse(made.args)}){returns}:\n{''.join(lines[at:])}"
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
