"""ScriptModule as a base class: which methods are compiled when `__init__` has ended, and methods from texts."""

from __future__ import annotations

import ast
import textwrap
import types
import typing
from typing import Any

from .. import _C
from .._C import Tensor
from . import _registry
from ._names import Names

# What a text may name without importing it, as in PyTorch.
_IN_TEXTS: dict[str, Any] = {"Tensor": Tensor, **{name: getattr(typing, name) for name in
                                                 ("Any", "Dict", "Final", "List", "Optional", "Tuple", "Union")}}


class ScriptMethodStub:
    """What `script_method` makes of a method: on a module it is the compiled one."""

    def __init__(self, function: types.FunctionType) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, module: Any, cls: type) -> Any:
        if module is None:
            return self
        name = self.function.__name__
        done = module.__dict__.get("_tine_methods", {}).get(name)
        if done is None:
            raise RuntimeError(f"`{cls.__name__}.{name}` is compiled when `__init__` has ended; it cannot be called before")
        return done


def script_method(fn: Any) -> Any:
    """Marks a method of a class that derives from `ScriptModule`: it is compiled as soon as `__init__` of an object has ended."""
    if not isinstance(fn, types.FunctionType):
        raise TypeError(f"script_method: expected a method, got {type(fn).__name__}")
    return ScriptMethodStub(fn)


class _FrameNames(Names):
    """The names of a text: what its caller can name."""

    def __init__(self, frame: types.FrameType) -> None:
        self._registry = _registry.registry
        self._globals = frame.f_globals
        self._cells = {}
        self._frame = None
        self._locals = dict(frame.f_locals) if frame.f_locals is not frame.f_globals else {}

    def _first(self, name: str) -> Any:
        if name in self._locals:
            return self._locals[name]
        if name not in self._globals and name in _IN_TEXTS:
            return _IN_TEXTS[name]
        return super()._first(name)

    def _is_own_name(self, name: str, obj: object) -> bool:
        return False


class FunctionText:
    """One `def` of a text, and what its names mean."""

    def __init__(self, name: str, text: str, line: int, names: Names) -> None:
        self.name = name
        self.text = text
        self._line = line
        self._names = names

    def source(self, qualified_name: str, self_type: _C.ObjectType) -> _C.FunctionSource:
        """What the compiler takes for it."""
        return _C.FunctionSource(qualified_name, "<define>", self.text, self._line, self.name, self._names, self_type)


def functions_of(text: str, frame: types.FrameType) -> list[FunctionText]:
    """The functions of a text for `define`, in order; SyntaxError where there is anything else."""
    text = textwrap.dedent(text)
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        shown = (text.splitlines() + [""])[line - 1]
        raise _C.SyntaxError(f"<define>:{line}:{column}: {error.msg}\n  {shown}\n  {' ' * (column - 1)}^") from None
    names = _FrameNames(frame)
    lines = text.splitlines(keepends=True)
    found = []
    for node in body:
        if not isinstance(node, ast.FunctionDef):
            raise _C.SyntaxError(f"<define>:{node.lineno}:1: define takes methods, each a `def name(self, ...):`\n"
                                 f"  {lines[node.lineno - 1].rstrip()}\n  ^")
        found.append(FunctionText(node.name, "".join(lines[node.lineno - 1 : node.end_lineno]) + "\n", node.lineno, names))
    return found
