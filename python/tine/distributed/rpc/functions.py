"""Decorators for functions that other workers call."""
import functools

from ... import _C


def async_execution(fn):
    """Marks a function whose return value is a :class:`tine.futures.Future`, so that a callee can pause.

    The callee takes the Future that ``fn`` returns and sends its value as the reply once it is there; no thread
    waits meanwhile. The Future may come from :func:`~tine.distributed.rpc.rpc_async`,
    :meth:`~tine.futures.Future.then`, be made by hand, or be another library's (what
    :func:`~tine.futures.gather` takes). It exists on the callee only and is never sent.

    With :func:`tine.jit.script` this decorator is the outermost one. With ``@staticmethod`` and ``@classmethod`` it
    is the inner one. It also works for methods that an RRef's ``rpc_sync()``, ``rpc_async()`` and ``remote()`` call.

    Args:
        fn: a function or script function that returns a Future. A result of another type is a TypeError
            at the caller that names the function.

    Returns:
        a function that calls ``fn``, with ``_wrapped_async_rpc_function`` set to it.

    Source: ``torch.distributed.rpc.functions``.
    """

    if isinstance(fn, (classmethod, staticmethod)):
        kind = type(fn).__name__
        raise _C.TypeError(
            f"async_execution: {fn.__func__.__qualname__} is a {kind} object, which cannot be called: write @{kind} above "
            "@rpc.functions.async_execution"
        )
    if not callable(fn):
        raise _C.TypeError(f"async_execution: expected a function that returns a Future, got {fn!r}")

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        return fn(*args, **kwargs)

    wrapper._wrapped_async_rpc_function = fn
    return wrapper


__all__ = ["async_execution"]
