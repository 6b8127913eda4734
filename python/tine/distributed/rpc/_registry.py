"""Functions that other workers call by a name: register, unregister."""
from __future__ import annotations

import functools

from ... import _C
from . import _pickling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_functions: dict[str, Any] = {}
# Of functions that are passed as themselves: the name for a callee or caller that runs registered functions alone.
names: dict[Any, str] = {}


def _identity(func: Any) -> tuple[Any, Any]:
    return getattr(func, "__module__", None), getattr(func, "__qualname__", None)


def register(func: Any = None, /, name: str | None = None) -> Any:
    """Lets other workers call a function of this one by a name: ``@rpc.register``, ``@rpc.register("name")``.

    The function is called by ``rpc_sync(to, "name", args=...)`` from Python, C++ and scripts. Called by itself,
    ``rpc_sync(to, func, args=...)``, it is a function like any other; between two workers of which one has ``allow="registered"``
    it is called by the name, if the caller has registered it, too. Numbers, str, None, tensors, RRefs, and lists,
    tuples and dicts of these are its arguments and results without a pickle. It may be an async_execution function, ``async def``, or a
    generator, for :func:`stream`. A worker
    that was started with ``allow="registered"`` runs such functions for others and nothing else.

    Args:
        func: the function, or its name: then what is returned is the decorator.
        name: the name under which others call it; by default its ``__name__``. Not that of an operator or a script function,
            nor one with a single colon, which names a Python function (``"module:function"``).

    Returns:
        The function itself.

    Raises:
        ValueError: another function has that name. One that is defined anew, as when a module is reloaded, takes the place of
            its former self.
    """
    if isinstance(func, str):
        if name is not None:
            raise TypeError(f"register: two names were given, {func!r} and {name!r}")
        func, name = None, func
    if name is not None and not isinstance(name, str):
        raise TypeError(f"register: name: expected a str, got {name!r}")
    if func is None:
        return functools.partial(register, name=name)
    if not callable(func):
        raise TypeError(f"register: expected a function, got {func!r}")
    if name is None:
        name = getattr(func, "__name__", None)
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"register: {func!r} has no name of its own: give it one, as in register(func, name=\"scale\")")
    if name.count(":") == 1:
        raise _C.ValueError(f"register: {name!r}: a name with one colon in it is that of a Python function of a module: give it another one")
    known = _functions.get(name)
    if known is not None:
        if known is func:
            return func
        if _identity(known) != _identity(func):
            raise _C.ValueError(
                f"register: {name!r} is the name of {_pickling.name_of(known)} of the module {known.__module__} already: "
                f"give {_pickling.name_of(func)} another one, as in @rpc.register(\"other\")"
            )
        _C._rpc.stop_serving(name)
        _forget(known)
    _C._rpc.serve(name, func)
    _functions[name] = func
    try:
        names[func] = name
    except TypeError:
        pass  # it cannot be a key: then it is called by its name alone
    return func


def _forget(func: Any) -> None:
    try:
        names.pop(func, None)
    except TypeError:
        pass


def unregister(name: str) -> None:
    """Calls that come in from now on do not find the function; those that run go on. Nothing happens without one."""
    if not isinstance(name, str):
        raise _C.TypeError(f"unregister: expected the name of a function as a str, got {name!r}")
    known = _functions.pop(name, None)
    if known is not None:
        _C._rpc.stop_serving(name)
        _forget(known)


# What lies deeper cannot travel.
_DEEPEST = 60
_PLAIN = frozenset((type(None), bool, float, str, _C.Tensor, _C._rpc.RRef))


def travels(value: Any, depth: int = 0) -> bool:
    """Whether the value travels without a pickle and comes out as it went in."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is int:
        return bool(-(2**63) <= value < 2**63)
    if depth == _DEEPEST:
        return False
    if kind is tuple or kind is list:
        return all(travels(item, depth + 1) for item in value)
    if kind is dict:
        return all(type(key) is str and travels(item, depth + 1) for key, item in value.items())
    return False


def name_for(to: Any, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """The name to call a function by that was passed as itself, or None: then it is called as one that nobody has registered."""
    try:
        name = names.get(func)
    except TypeError:
        return None
    if name is not None and _C._rpc.is_restricted(to) and travels(args) and travels(kwargs):
        return name
    return None
