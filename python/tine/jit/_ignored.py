"""Functions that are marked @ignore: a script that calls one is suspended while Python runs it."""

from __future__ import annotations

import types
import typing
from typing import Any
from weakref import WeakValueDictionary

from .. import _C
from ..nn.module import Module

# Held by whoever holds the script that calls them: its globals, its closure, its class.
_functions: WeakValueDictionary[str, types.FunctionType] = WeakValueDictionary()
# The object that scripts have of a module, by its address, and the module that Python has of it.
_modules: WeakValueDictionary[int, Module] = WeakValueDictionary()


def add(name: str, fn: types.FunctionType) -> None:
    """Scripts may call the function by this name from now on."""
    _functions[name] = fn
    _C._call_ignored_by(_call)  # of each Runtime: a child of os.fork() has one of its own


def add_module(module: Module) -> None:
    """A method of it that is marked @ignore gets the module itself."""
    _modules[module.__dict__["_c"].address] = module


def _call(name: str, args: tuple[Any, ...]) -> Any:
    fn = _functions.get(name)
    if fn is None:
        raise RuntimeError(f"`{name}` is marked @ignore, so it stays a function of Python, and is gone: keep it as long as the "
                           "script that calls it")
    result = fn(*map(_python_side, args))
    try:
        declared = typing.get_type_hints(fn).get("return", Any)
    except Exception:  # an annotation that only the compiler can read
        return result
    return _as_declared(result, declared)


def _python_side(arg: Any) -> Any:
    if not isinstance(arg, _C.ScriptObject):
        return arg
    module = _modules.get(arg.address)
    if module is None:
        raise RuntimeError("a method that is marked @ignore was called on a module that Python no longer holds")
    return module


def _as_declared(value: Any, declared: Any) -> Any:
    """An int where a float was promised is a float, in containers as well; all else the script checks."""
    if declared is float:
        return float(value) if type(value) is int else value
    args = typing.get_args(declared)
    origin = typing.get_origin(declared)
    if origin is list and isinstance(value, list):
        return [_as_declared(v, args[0]) for v in value]
    if origin is tuple and isinstance(value, tuple) and len(args) == len(value):
        return tuple(_as_declared(v, a) for v, a in zip(value, args))
    if origin is dict and isinstance(value, dict):
        return {k: _as_declared(v, args[1]) for k, v in value.items()}
    if value is not None and type(None) in args and len(args) == 2:
        return _as_declared(value, next(a for a in args if a is not type(None)))
    return value
