"""The asyncio loop of a worker: `async def` functions that are called remotely run on it, in one thread.

The first such call starts the thread. shutdown() cancels what runs, closes the async iterators that others still read, and
joins it; the next call starts another one.
"""
from __future__ import annotations

import os
import threading

from ... import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from contextvars import Context
    from typing import Any

    from ._async_items import AsyncItems

_LONGEST_END = 2.0  # seconds for what runs to take note of its cancellation


class _Coroutines:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self.open: set[AsyncItems] = set()  # those that have begun and were not closed; used on their loop's thread

    def run(self, coroutine: Coroutine[Any, Any, Any], variables: Context | None = None) -> _C.Future[Any]:
        """Begins it on the loop, in `variables` if there are any. Cancelling the Future cancels its task."""
        future = self._begin(coroutine, variables, starts=True)
        assert future is not None
        return future

    def run_if_going(self, coroutine: Coroutine[Any, Any, Any], variables: Context) -> _C.Future[Any] | None:
        """The same on a loop that is there; else nothing."""
        return self._begin(coroutine, variables, starts=False)

    def _begin(self, coroutine: Coroutine[Any, Any, Any], variables: Context | None, starts: bool) -> _C.Future[Any] | None:
        from ..._asyncio import from_asyncio

        if self._process != os.getpid():  # a fork has neither the thread nor, perhaps, the lock
            self.__init__()  # type: ignore[misc]
        with self._lock:
            try:
                if self._loop is None:
                    if not starts:
                        coroutine.close()
                        return None
                    self._start()
                return from_asyncio(coroutine, self._loop, variables, keeps_words=True)
            except BaseException:
                coroutine.close()
                raise

    def _start(self) -> None:
        import asyncio

        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(loop,), name="tine-rpc-asyncio", daemon=True)
        try:
            thread.start()
        except BaseException:
            loop.close()
            raise
        self._loop, self._thread = loop, thread

    def stop(self) -> None:
        if self._process != os.getpid():
            return
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        try:
            loop.call_soon_threadsafe(loop.stop)
        except RuntimeError:
            return  # it has closed
        if thread is not threading.current_thread():
            thread.join(_LONGEST_END)


_blocked: set[tuple[str, str]] = set()  # the functions that were warned of


def _warn(file: str, line: int, function: str) -> None:
    if not file or (file, function) in _blocked:
        return
    _blocked.add((file, function))
    import warnings

    warnings.warn_explicit(
        f"{function} waits for a Future in line {line} and so holds up the asyncio loop, on which all `async def` functions of this "
        "worker run: use `await rpc.call(...)` in place of rpc_sync, and `await future` in place of future.wait()",
        RuntimeWarning,
        file,
        line,
    )


def _run(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    _C._rpc.warn_of_waits(_warn)
    try:
        while True:
            try:
                loop.run_forever()
                break
            except (SystemExit, KeyboardInterrupt):
                pass  # a task's, whose caller gets it; the others go on
        loop.run_until_complete(_end(loop))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        _C._rpc.warn_of_waits(None)
        asyncio.set_event_loop(None)
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    await asyncio.sleep(0)  # what was handed over before the loop stopped becomes tasks
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for closing in [items.end() for items in tuple(coroutines.open) if items.loop is loop]:
        try:
            await closing
        except (Exception, asyncio.CancelledError) as error:
            loop.call_exception_handler({"message": "a stream could not be closed", "exception": error, "task": closing})


coroutines = _Coroutines()
