"""The bridge to concurrent.futures; imported by the first use."""

from __future__ import annotations

import weakref
from concurrent.futures import Future as ConcurrentFuture

from typing import TypeVar

from tine._C import Future, _Canceller, _on_cancel, _Promise

_T = TypeVar("_T")


def to_concurrent(future: Future[_T]) -> ConcurrentFuture[_T]:
    if not isinstance(future, Future):
        raise TypeError(f"to_concurrent(): expected a tine Future, got {future!r} of type {type(future).__name__}")
    made: ConcurrentFuture[_T] = ConcurrentFuture()
    cancel = _Canceller(future)
    made.add_done_callback(lambda made: cancel(made.cancelled()))

    def copy(future: Future[_T]) -> None:
        if future.cancelled():
            made.cancel()
        if not made.set_running_or_notify_cancel():
            return
        error = future.exception()
        if error is None:
            made.set_result(future.value())
        else:
            made.set_exception(error)

    future.add_done_callback(copy)
    return made


def from_concurrent(source: ConcurrentFuture[_T]) -> Future[_T]:
    if not isinstance(source, ConcurrentFuture):
        raise TypeError(
            f"from_concurrent(): expected a concurrent.futures.Future, got {source!r} of type {type(source).__name__}"
        )
    promise: _Promise[_T] = _Promise()
    future = promise.future()
    # Weakly: one that its executor has forgotten is gone, and with it the promise.
    known = weakref.ref(source)

    def finish(source: ConcurrentFuture[_T]) -> None:
        if source.cancelled():
            promise.cancel()
        elif (error := source.exception()) is not None:
            promise.set_exception(error)
        else:
            promise.set_result(source.result())

    def cancel() -> None:
        source = known()
        if source is not None:
            source.cancel()

    source.add_done_callback(finish)
    _on_cancel(future, cancel)
    return future
