"""An async generator, or another async iterator, that another worker reads as a stream."""
from __future__ import annotations

from ._coroutines import coroutines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator
    from typing import Any

    from ... import _C


class AsyncItems:
    """Its items, one after the other, on the asyncio loop of the worker."""

    def __init__(self, items: AsyncIterator[Any]) -> None:
        self._items = items
        self._step: asyncio.Task[Any] | None = None

    def next(self, end: object) -> _C.Future[Any]:
        """The next item, or `end`."""
        return coroutines.run(self._next(end))

    def close(self) -> _C.Future[Any]:
        """Nobody reads any more: what waits in the iterator is cancelled, then it is closed."""
        return coroutines.run(self._close())

    async def _next(self, end: object) -> Any:
        import asyncio

        self._step = asyncio.current_task()
        try:
            return await self._items.__anext__()
        except StopAsyncIteration:
            return end
        finally:
            self._step = None

    async def _close(self) -> None:
        import asyncio

        step = self._step
        if step is not None:
            step.cancel()
            await asyncio.wait([step])
        close = getattr(self._items, "aclose", None)
        if close is not None:
            await close()
