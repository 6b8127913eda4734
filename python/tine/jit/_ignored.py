"""Functions that are marked @ignore: a script that calls one is suspended while Python runs it."""

from __future__ import annotations

import types
from typing import Any
from weakref import WeakValueDictionary

from .. import _C
from ..nn.module import Module

# Held by whoever holds the script that calls them: its globals, its closure, its class.
_functions: WeakValueDictionary[str, types.FunctionType] = WeakValueDictionary()
# The object that scripts have of a module, by its address, and the module that Python has of it.
_modules: WeakValueDictionary[int, Module] = WeakValueDictionary()


def add(name: str, fn: types.FunctionType) -> None:
    """Scripts may call the function by this name from now on: that of the script function that stands for it."""
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
    return fn(*map(_python_side, args))


def _python_side(arg: Any) -> Any:
    if not isinstance(arg, _C.ScriptObject):
        return arg
    module = _modules.get(arg.address)
    if module is None:
        raise RuntimeError("a method that is marked @ignore was called on a module that Python no longer holds")
    return module
