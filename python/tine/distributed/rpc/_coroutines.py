"""The asyncio loop of a worker: `async def` functions that are called remotely run on it, in one thread.

The first such call starts the thread. shutdown() cancels what runs, and joins it; the next call starts another one.
"""
from __future__ import annotations

import os
import threading

from ... import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from typing import Any

_LONGEST_END = 2.0  # seconds for what runs to take note of its cancellation


class _Coroutines:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> _C.Future[Any]:
        """Begins it on the loop. Cancelling the Future cancels its task."""
        from ..._asyncio import from_asyncio

        if self._process != os.getpid():  # a fork has neither the thread nor, perhaps, the lock
            self.__init__()  # type: ignore[misc]
        with self._lock:
            try:
                if self._loop is None:
                    self._start()
                return from_asyncio(coroutine, self._loop)
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


def _run(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    try:
        while True:
            try:
                loop.run_forever()
                break
            except (SystemExit, KeyboardInterrupt):
                pass  # a task's, whose caller gets it; the others go on
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


coroutines = _Coroutines()
