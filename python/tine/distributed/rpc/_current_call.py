"""What a function that another worker calls can ask about the call."""
from __future__ import annotations

from ... import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from tine._C import Context, Future
    from tine._C._rpc import WorkerInfo


class CancelCallback:
    """What on_cancel() returns. close(), the end of a `with` statement or the end of this object take the callback back."""

    __slots__ = ("_watch",)

    def __init__(self, context: Context, callback: Callable[[], Any]) -> None:
        token = _C._enter_context(context)
        try:
            self._watch: Future[None] | None = _C.Future()  # ends with the Context
        finally:
            _C._leave_context(token)
        _C._on_cancel(self._watch, callback)

    def close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_watch"):
            self.close()


class CurrentCall:
    """The call whose work runs here. It may be kept, and asked from any thread."""

    __slots__ = ("name", "caller", "_context")

    def __init__(self, name: str, caller: WorkerInfo, context: Context) -> None:
        self.name = name
        self.caller = caller
        self._context = context

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more: the caller cancelled, died or left, or the time is over."""
        return self._context.stopped

    @property
    def deadline(self) -> float | None:
        """When the caller stops waiting, on the clock of time.monotonic(); None when it does not."""
        return self._context.deadline

    @property
    def remaining(self) -> float | None:
        """Seconds until then, negative afterwards; None when there is no deadline."""
        return self._context.remaining

    def on_cancel(self, callback: Callable[[], Any]) -> CancelCallback:
        """Has callback() called once, on a thread of tine's, when nobody waits for the answer any more; now, if that is so already.

        Keep what it returns for as long as the callback is wanted: closing or dropping that takes the callback back. It can end
        what blocks this function outside of tine:

        >>> with rpc.current_call().on_cancel(lambda: connection.shutdown(socket.SHUT_RDWR)):
        ...     data = connection.recv(4096)
        """
        if not callable(callback):
            raise TypeError(f"on_cancel(): expected a callable that takes no argument, got {callback!r} of type {type(callback).__name__}")
        return CancelCallback(self._context, callback)

    def __repr__(self) -> str:
        return f"<call of {self.name} by {self.caller.name}{', cancelled' if self.cancelled else ''}>"


def current_call() -> CurrentCall | None:
    """The call whose work runs here, in its function or in what that started; None in other code.

    What a called function starts and waits for ends with the call: it need ask only in a loop of its own.

    >>> while not rpc.current_call().cancelled:
    ...     step()
    """
    call = _C.Context.current()._call
    return None if call is None else CurrentCall(*call)
