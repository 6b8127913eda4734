"""What a function that another worker calls can ask about the call."""
from __future__ import annotations

from ... import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tine._C import Context
    from tine._C._rpc import WorkerInfo


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
