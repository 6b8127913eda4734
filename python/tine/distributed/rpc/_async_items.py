"""An async generator, or another async iterator, that another worker reads as a stream."""
from __future__ import annotations

from ._coroutines import coroutines
from ._errors import as_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextvars import Context
    from typing import Any

    from ... import _C


class AsyncItems:
    """Its items, one after the other, on the asyncio loop of the worker and in one contextvars.Context."""

    def __init__(self, items: AsyncIterator[Any], variables: Context) -> None:
        self._items = items
        self._variables = variables
        self._step: asyncio.Task[Any] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None  # on which it has begun

    def next(self, end: object) -> _C.Future[Any]:
        """The next item, or `end`."""
        return coroutines.run(_as_errors(self._next, end), self._variables)

    def close(self) -> _C.Future[Any] | None:
        """Nobody reads any more: what waits in the iterator is cancelled, then it is closed. The end of the loop has done so, too."""
        return coroutines.run_if_going(_as_errors(self._close), self._variables)

    def end(self) -> asyncio.Task[Any]:
        """As close(), on the thread of the loop, which ends."""
        assert self.loop is not None
        return self.loop.create_task(_as_errors(self._close), context=self._variables)

    async def _next(self, end: object) -> Any:
        import asyncio

        if self.loop is None:
            self.loop = asyncio.get_running_loop()
            coroutines.open.add(self)
        self._step = asyncio.current_task()
        try:
            return await self._items.__anext__()
        except StopAsyncIteration:
            return end
        finally:
            self._step = None

    async def _close(self) -> None:
        import asyncio

        try:
            step = self._step
            if step is not None:
                step.cancel()
                await asyncio.wait([step])
            close = getattr(self._items, "aclose", None)
            if close is not None:
                await close()
        finally:
            coroutines.open.discard(self)


async def _as_errors(function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """A SystemExit, KeyboardInterrupt or the like of the iterator's is an error for its reader, and does not end the loop of all."""
    import asyncio

    try:
        return await function(*args)
    except (Exception, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise as_cause(error)
