"""How other libraries' futures are asked; imported when the first one comes.

A future is whatever has add_done_callback() and value() or result(); done(), cancelled(), exception() and cancel() are
used where they are there. No library is imported: torch.futures, c10d, concurrent.futures and asyncio all fit.
"""

import weakref


def _method(source, name):
    method = getattr(source, name, None)
    return method if callable(method) else None


def attach(source, promise):
    """Has source keep the promise; returns what cancels source, or None; NotImplemented for what is no future."""
    add = None if isinstance(source, type) else _method(source, "add_done_callback")
    if add is None or (_method(source, "value") or _method(source, "result")) is None:
        return NotImplemented
    done = _method(source, "done")
    if done is not None and done():
        _settle(promise, source)
        return None
    loop = _loop_of(source)
    if loop is None or loop is _running_loop():
        add(lambda source: _settle(promise, source))
    else:  # what belongs to a loop may be touched by its thread only
        loop.call_soon_threadsafe(add, lambda source: _settle(promise, source))
    cancel = _method(source, "cancel")
    try:
        known = weakref.ref(source)
    except TypeError:
        cancel = None
    # Weakly, as the promise is: what its library has forgotten ends, and with it the promise.
    return None if cancel is None else lambda: _cancel(known(), loop)


def _settle(promise, source):
    promise.came_from(source)
    error = None
    try:
        done, cancelled, exception = (_method(source, name) for name in ("done", "cancelled", "exception"))
        if done is not None and not done():
            raise RuntimeError(f"a {type(source).__qualname__} called back before it was done")
        if cancelled is not None and cancelled():
            promise.cancel()
            return
        if exception is not None:
            error = exception()
            if error is not None and not isinstance(error, BaseException):
                raise TypeError(
                    f"{type(source).__qualname__}.exception(): expected an exception or None, got {error!r}"
                )
        if error is None:
            result = (_method(source, "value") or _method(source, "result"))()
    except BaseException as raised:  # what it failed with, or what is wrong with it
        error = raised
    if error is None:
        promise.set_result(result)
    else:
        promise.set_exception(error)
        error = None  # its traceback has this frame


def _cancel(source, loop):
    if source is None:
        return
    if loop is None:
        source.cancel()
    else:
        from tine._asyncio import _tell

        _tell(loop, source.cancel)


def _loop_of(source):
    """The event loop of asyncio that completes it, or None."""
    return source.get_loop() if getattr(source, "_asyncio_future_blocking", None) is not None else None


def _running_loop():
    from sys import modules

    asyncio = modules.get("asyncio.events")
    return None if asyncio is None else asyncio._get_running_loop()


def refuse_to_block(sources):
    """RuntimeError when this thread runs the loop that one of them is waiting for."""
    running = _running_loop()
    for i, source in enumerate(sources if running is not None else ()):
        if _loop_of(source) is running and not source.done():
            raise RuntimeError(
                f"wait_all() on the thread of the event loop that is to complete element {i}: it would wait for ever; "
                "write `await tine.futures.gather(...)`"
            )
