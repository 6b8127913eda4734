"""How other libraries' futures are asked; imported when the first one comes.

A future is whatever has add_done_callback() and value() or result(); done(), cancelled(), exception() and cancel() are
used where they are there. No library is imported: torch.futures, c10d, concurrent.futures and asyncio all fit.
"""

from __future__ import annotations

import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable
    from typing import Any

    from tine._C import _Promise


class _Kind:
    """The methods that futures of one type have."""

    __slots__ = ("is_future", "has_value", "has_done", "has_cancelled", "has_exception", "has_cancel", "is_asyncios")

    def __init__(self, holder: object) -> None:
        def has(name: str) -> bool:
            return callable(getattr(holder, name, None))

        self.has_value = has("value")
        self.is_future = has("add_done_callback") and (self.has_value or has("result"))
        self.has_done = has("done")
        self.has_cancelled = has("cancelled")
        self.has_exception = has("exception")
        self.has_cancel = has("cancel")
        self.is_asyncios = getattr(holder, "_asyncio_future_blocking", None) is not None


_kinds: dict[type, _Kind] = {}
_MOST = 100  # types that are remembered; they are kept alive


def _kind_of(source: object) -> _Kind | None:
    cls = type(source)
    kind = _kinds.get(cls)
    if kind is None:
        kind = _Kind(cls)
        if not kind.is_future:  # the object itself may have them
            return None if isinstance(source, type) else _Kind(source)
        if len(_kinds) >= _MOST:
            _kinds.clear()
        _kinds[cls] = kind
    return kind


def attach(source: Any, promise: _Promise[Any]) -> Any:
    """Makes source complete the promise. Returns a function that cancels source, or None; NotImplemented if source is not
    a future."""
    kind = _kind_of(source)
    if kind is None or not kind.is_future:
        return NotImplemented
    loop = None
    if not kind.is_asyncios:
        source.add_done_callback(lambda source: _settle(promise, source))
    elif source.done():  # asyncio's call back later
        _settle(promise, source)
        return None
    else:
        loop = source.get_loop()
        if loop is _running_loop():
            source.add_done_callback(lambda source: _settle(promise, source))
        else:  # what belongs to a loop may be touched by its thread only
            loop.call_soon_threadsafe(source.add_done_callback, lambda source: _settle(promise, source))
    if not kind.has_cancel:
        return None
    try:
        known = weakref.ref(source)
    except TypeError:
        return None
    # Weakly, as the promise is: what its library has forgotten ends, and with it the promise.
    return lambda: _cancel(known(), loop)


def _settle(promise: _Promise[Any], source: Any) -> None:
    error = None
    try:
        kind = _kind_of(source)
        if kind is None or not kind.is_future:
            raise TypeError(f"a future called back with {source!r} of type {type(source).__name__}, not with itself")
        promise.came_from(source)
        if kind.has_cancelled and source.cancelled():
            promise.cancel()
            return
        if kind.has_done and not kind.has_value and not source.done():  # result() may block
            raise RuntimeError(f"a {type(source).__qualname__} called back before it was done")
        if kind.has_exception:
            error = source.exception()
            if error is not None and not isinstance(error, BaseException):
                raise TypeError(
                    f"{type(source).__qualname__}.exception(): expected an exception or None, got {error!r}"
                )
        if error is None:
            result = source.value() if kind.has_value else source.result()
    except BaseException as raised:  # what it failed with, or what is wrong with it
        # Without this frame, which knows the source.
        error = raised.with_traceback(raised.__traceback__.tb_next)  # type: ignore[union-attr]
    if error is None:
        promise.set_result(result)
    else:
        promise.set_exception(error)
        error = None  # its traceback has this frame


def _cancel(source: Any, loop: asyncio.AbstractEventLoop | None) -> None:
    if source is None:
        return
    if loop is None:
        source.cancel()
    else:
        from tine._asyncio import _tell

        _tell(loop, source.cancel)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    from sys import modules

    asyncio = modules.get("asyncio.events")
    return None if asyncio is None else asyncio._get_running_loop()


def refuse_to_block(sources: Iterable[Any]) -> None:
    """RuntimeError when this thread runs the loop that one of them is waiting for."""
    running = _running_loop()
    for i, source in enumerate(sources if running is not None else ()):
        if getattr(source, "_asyncio_future_blocking", None) is None or source.done():
            continue
        if source.get_loop() is running:
            raise RuntimeError(
                f"wait_all() on the thread of the event loop that is to complete element {i}: it would wait for ever; "
                "write `await tine.futures.gather(...)`"
            )
