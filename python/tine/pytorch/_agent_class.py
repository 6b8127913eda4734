"""The agent as PyTorch's Python code sees it; the work is done in C++ (python/pytorch)."""

from __future__ import annotations

from typing import Any

from tine.pytorch import _build, _group

_native: Any = _build.load()


def _tensorpipe_agent() -> Any:
    from torch._C import _distributed_rpc

    return getattr(_distributed_rpc, "TensorPipeAgent", None)


class _Shared:
    """The part that the agent and its faulty variant have in common."""

    # The native class, and what it has.
    _native_class: Any
    is_static_group: bool
    known: Any
    forget: Any

    # Set by _group.start(), after the native constructor.
    store: Any = None
    _options: Any = None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # PyTorch's shutdown() lets a worker leave a group that workers come to and go from if isinstance(agent,
        # TensorPipeAgent), and waits for all of them otherwise.
        return type(self) if self.is_static_group else _tensorpipe_agent() or type(self)

    def _get_backend_options(self) -> Any:
        return self._options

    def _get_device_map(self, dst: str) -> dict[Any, Any]:
        return {}

    def _update_group_membership(
        self, worker_info: Any, my_devices: Any, reverse_device_map: Any, is_join: bool
    ) -> None:
        if is_join:
            _group.worker_came(worker_info.name)
            self.known([(worker_info.name, worker_info.id)])
        else:
            self.forget(worker_info.name)

    def shutdown(self) -> None:
        try:
            self._native_class.shutdown(self)
        finally:
            _group.ended(self)


class Agent(_Shared, _native.Agent):
    _native_class = _native.Agent

    def join(self, shutdown: bool = False, timeout: float = 0) -> None:
        try:
            _native.Agent.join(self, shutdown, timeout)
        except RuntimeError as error:
            raise _group.with_deaths(error) from None
        if shutdown and not self.is_static_group:
            _group.leave(self)


class FaultyAgent(_Shared, _native.FaultyAgent):
    _native_class = _native.FaultyAgent
    join = Agent.join
