"""Futures: values that are not there yet, and what can be done with several of them.

The rules are those of torch.futures: a Future is completed once; callbacks run in the order in which they
were added, on the thread that completes it, at once when it is done already; `then` hands its callback the
Future itself, after a failure too. Beyond PyTorch: timeouts, cancellation, ``await``, futures that fail instead
of hanging when nobody is left who could complete them, and bridges to asyncio and concurrent.futures.

Errors: each function says which it raises; exceptions travel as the very object that was raised.
Source: torch.futures (PyTorch 1.8 and later).
"""

from tine._C import (
    Future,
    _submit,
    as_completed,
    collect_all,
    collect_all_settled,
    collect_any,
    set_unobserved_error_hook,
    wait_all,
)
from tine._C import _gather as gather

__all__ = [
    "Future",
    "as_completed",
    "collect_all",
    "collect_all_settled",
    "collect_any",
    "from_asyncio",
    "from_concurrent",
    "gather",
    "pool",
    "set_unobserved_error_hook",
    "to_concurrent",
    "wait_all",
    "wrap_future",
]


class _Pool:
    """The threads that run tine's tasks, as an executor: pool.submit(function, *args, **kwargs) -> Future.

    There are tine.get_num_threads() of them. While one blocks in a wait, another thread stands in for it.
    """

    __slots__ = ()
    submit = staticmethod(_submit)

    def __repr__(self):
        return "tine.futures.pool"


pool = _Pool()


def wrap_future(future, *, loop=None):
    """An asyncio.Future that becomes what this Future becomes; cancelling either cancels the other.

    loop: the running one by default. The Future may be completed by any thread. An asyncio.Future cannot hold
    StopIteration: that arrives as the cause of a RuntimeError.
    """
    from tine._asyncio import wrap_future

    return wrap_future(future, loop)


def from_asyncio(awaitable, loop=None):
    """A Future of what a coroutine, a task or another awaitable of asyncio gives; cancelling either cancels the other.

    loop: where it is to run; the running one by default. Given one, this may be called on any thread.
    """
    from tine._asyncio import from_asyncio

    return from_asyncio(awaitable, loop)


def to_concurrent(future):
    """A concurrent.futures.Future that becomes what this Future becomes; cancelling either cancels the other."""
    from tine._concurrent import to_concurrent

    return to_concurrent(future)


def from_concurrent(future):
    """A Future that becomes what a concurrent.futures.Future becomes; cancelling either cancels the other.

    One that has begun to run cannot be cancelled: then the new Future is, and the result is dropped.
    """
    from tine._concurrent import from_concurrent

    return from_concurrent(future)


def __getattr__(name):
    from ._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
