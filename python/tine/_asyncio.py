"""The bridge to asyncio; imported by the first use."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from tine._C import Cancelled, Future, _Canceller, _context_here, _enter_context, _in_context, _leave_context, _on_cancel, _Promise

if TYPE_CHECKING:
    from contextvars import Context

    from tine._C import _AsCompleted

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Future[Any])


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: Any) -> None:
    """Calls it on the loop's thread; may be called on any thread. Nothing happens if the loop has closed."""
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        if not loop.is_closed():
            raise


def await_future(future: Future[_T]) -> Generator[Any, Any, _T]:
    """The iterator that ``await future`` runs: cancelling the task cancels the future, and its Context ends the wait."""
    woken = first = None
    if not future.done():
        first = _in_context(future)
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake(woken: asyncio.Future[None] = woken) -> None:
            if not woken.done():
                woken.set_result(None)

        first.add_done_callback(lambda _: _tell(loop, wake))
        try:
            yield from woken
        except asyncio.CancelledError:
            future.cancel()
            del future, woken, first
            raise
    try:
        if first is not None and not future.done():
            first.value()  # raises what ended the Context
        return future.value()
    finally:
        del future, woken, first  # the exception has this frame, and the future the exception


async def next_completed(completed: _AsCompleted[_F]) -> _F:
    """What ``async for`` awaits of as_completed()."""
    while True:
        future = completed._take()
        if future is not None:
            return future
        if not completed.__length_hint__():
            raise StopAsyncIteration
        arrival, seconds = completed._arrival(), completed._seconds_left()
        try:
            if seconds is None:
                await arrival
            else:
                await asyncio.wait_for(arrival, max(seconds, 0))
        except asyncio.TimeoutError:
            future = completed._take()
            if future is not None:
                return future
            completed._time_is_up()
        except Cancelled:
            pass  # by another task that iterates and was cancelled or ran into its timeout


def wrap_future(future: Future[_T], loop: asyncio.AbstractEventLoop | None) -> asyncio.Future[_T]:
    if not isinstance(future, Future):
        raise TypeError(f"wrap_future(): expected a tine Future, got {future!r} of type {type(future).__name__}")
    loop = loop or asyncio.get_running_loop()
    wrapped = loop.create_future()
    cancel = _Canceller(future)
    wrapped.add_done_callback(lambda wrapped: cancel(wrapped.cancelled()))

    def copy(future: Future[_T]) -> None:
        if wrapped.done():
            return
        if future.cancelled():
            wrapped.cancel()
            return
        error = future.exception()
        if error is None:
            wrapped.set_result(future.value())
            return
        if isinstance(error, StopIteration):
            refused = RuntimeError("the Future failed with StopIteration, which asyncio cannot pass on")
            refused.__cause__ = error
            error = refused
        wrapped.set_exception(error)

    # The loop keeps it until it has run, so that the Future that it is given is the one there is now.
    future.add_done_callback(lambda future: _tell(loop, copy, future))
    return wrapped


def from_asyncio(
    awaitable: Awaitable[_T], loop: asyncio.AbstractEventLoop | None, variables: Context | None = None, keeps_words: bool = False
) -> Future[_T]:
    """variables: where a coroutine runs; None: in a copy of what there is here, as a task does.

    keeps_words: one that raises CancelledError with a text fails with Cancelled of that text; else it is cancelled.
    """
    if not (asyncio.isfuture(awaitable) or hasattr(awaitable, "__await__")):
        raise TypeError(
            f"from_asyncio(): expected a coroutine, a task or another awaitable, got {awaitable!r} of type "
            f"{type(awaitable).__name__}"
        )
    if asyncio.isfuture(awaitable):
        owner = awaitable.get_loop()
        if loop is not None and loop is not owner:
            raise ValueError("from_asyncio(): the task belongs to another loop than the one given")
        loop = owner
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    loop = loop or running
    if loop is None:
        raise RuntimeError("from_asyncio(): no loop is running on this thread; give the one that is to run it")
    promise: _Promise[_T] = _Promise()
    future = promise.future()
    context = _context_here()  # a task has the variables of the code that makes it, which is start()

    def start(promise: _Promise[_T], future: Future[_T], awaitable: Awaitable[_T]) -> None:
        if future.cancelled():  # before it began
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            elif asyncio.isfuture(awaitable):
                awaitable.cancel()
            return
        token = None if context is None else _enter_context(context)
        try:
            if variables is not None and asyncio.iscoroutine(awaitable):
                task = loop.create_task(awaitable, context=variables)
            else:
                task = asyncio.ensure_future(awaitable, loop=loop)
        except BaseException as error:
            promise.set_exception(error)
            return
        finally:
            if token is not None:
                _leave_context(token)
        task.add_done_callback(lambda task: _finish(promise, task, keeps_words))
        # Weakly: a task that the loop has forgotten ends, and with it the promise.
        known = weakref.ref(task)

        def cancel() -> None:
            task = known()
            if task is not None:
                task.cancel()

        _on_cancel(future, lambda: _tell(loop, cancel))

    if loop is running:
        start(promise, future, awaitable)
    else:
        loop.call_soon_threadsafe(start, promise, future, awaitable)  # raises when it has closed
    return future


def _finish(promise: _Promise[_T], task: asyncio.Future[_T], keeps_words: bool) -> None:
    if task.cancelled():
        words = _words(task) if keeps_words else ""
        if words:
            promise.set_exception(Cancelled(words))
        else:
            promise.cancel()
    elif (error := task.exception()) is not None:
        promise.set_exception(error)
    else:
        promise.set_result(task.result())


def _words(task: asyncio.Future[Any]) -> str:
    try:
        task.result()
    except asyncio.CancelledError as error:
        return str(error)
    return ""
