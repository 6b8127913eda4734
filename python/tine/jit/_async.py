"""fork and wait, as Python runs them."""

from .. import _C
from ..futures import Future

_active = None  # tine.jit._trace puts its own function here when it is loaded


def _tracer():
    """The trace that records this thread now, or None."""
    return None if _active is None else _active()


def fork(func, *args, **kwargs):
    r"""Starts `func(*args, **kwargs)` and returns a `Future` of its result.

    In a script the call runs as a task of its own, on any thread of the pool; `tine.jit.wait` gives its result.
    Called from Python it runs here and now, and the Future that it returns is complete. While tracing it
    also runs at once, and the fork is recorded in the graph with its subgraph.

    `func` is a function, a method or a `tine.nn.Module`. When it returns a `T` the result is a `Future[T]`. Calls may be
    nested, with positional and keyword arguments. Tasks run in any order: fork functions that do not
    write to what others read.

    Errors: what `func` raises is the Future's exception; `wait` raises it, the same object.
    """
    tracer = _tracer()
    if tracer is not None:
        return tracer.fork(func, args, kwargs)
    if not callable(func):
        raise TypeError(f"fork: expected a function or a module as the first argument, got {type(func).__name__}")
    try:
        result = func(*args, **kwargs)
    except Exception as error:
        return _failed(error)  # made in another frame than the one that the error has
    future = Future()
    future.set_result(result)
    return future


def _failed(error):
    future = Future()
    future.set_exception(error)
    return future


def wait(future):
    """Waits for a `Future` and returns its value, or raises its exception.

    It is the builtin operator `aten::wait`: in a script an instruction that suspends the caller without
    holding a thread, called from Python one that blocks, with Ctrl-C answered at once.
    """
    if future is None:
        raise _C.TypeError("Future can't be None: wait() takes the Future that fork() or a call has returned")
    tracer = _tracer()
    if tracer is not None:
        return tracer.wait(future)
    return _C._wait(future)


_fork = fork
_wait = wait
