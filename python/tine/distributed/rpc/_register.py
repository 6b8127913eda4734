"""Functions that other workers, also those in C++, call by a name."""
from __future__ import annotations

from ... import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def register(name: Any, function: Any = None) -> Any:
    """From now on other workers may call the function by its name: ``rpc_sync("here", "scale", args=(x, 2.0))``.

        >>> @rpc.register("scale")
        ... def scale(x, by): return x * by
        >>> @rpc.register              # by "module:scale"
        ... def scale(x, by): return x * by
        >>> rpc.register("scale", scale)

    Workers in C++ call it so, too: ``worker.call<Tensor>("here", "scale", x, 2.0)``. Its arguments and results are values that
    every worker knows: None, numbers, str, tensors, RRefs, and lists, tuples and dicts of these; what else it returns,
    only Python can read. It may be ``async def``, a generator (for :func:`stream`) or decorated with ``async_execution``. A worker
    with ``allow="registered"`` runs such functions alone. Register before :func:`init_rpc`, or callers may come too early.

    Args:
        name: a text that is not empty, not the name of an operator or a script function, and not registered yet; or
            the function. Its own name is then "module:qualname", by which a worker that allows all calls finds it, too.
        function: what is called.

    Returns:
        the function, or a decorator where only a name is given.
    """
    if callable(name) and function is None:
        return register(_own_name(name), name)
    if not isinstance(name, str):
        raise _C.TypeError(f"register: expected the name of a function as a str, or the function, got {name!r}")
    if function is None:
        return lambda decorated: register(name, decorated)
    if not callable(function):
        raise _C.TypeError(f"register: expected a function, got {function!r}")
    _C._rpc.serve(name, function)
    return function


def unregister(name: str) -> None:
    """Calls that come in from now on do not find the function; those that run go on. Nothing happens without one."""
    if not isinstance(name, str):
        raise _C.TypeError(f"unregister: expected the name of a function as a str, got {name!r}")
    _C._rpc.stop_serving(name)


def _own_name(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise _C.TypeError(f"register: {function!r} has no name of its own: write register(\"name\", function)")
    return f"{module}:{name}"
