"""The agent of this worker, as programs of PyTorch ask it for names and numbers."""
from __future__ import annotations

from ... import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tine._C._rpc import _Seconds

    from .options import RpcBackendOptions


class RpcAgent:
    """This worker. There is one, and ``_get_current_rpc_agent()`` returns it."""

    def join(self, shutdown: bool = False, timeout: _Seconds = 0) -> None:
        """Waits until all workers have called it; with ``shutdown`` it ends this worker as rpc.shutdown() does."""
        from . import api

        if shutdown:
            api.shutdown(timeout=timeout)
        else:
            api._all_gather(None, timeout=timeout)

    def sync(self) -> None:
        """Nothing has to be synchronised."""

    def shutdown(self) -> None:
        """Ends this worker at once."""
        from . import api

        api.shutdown(graceful=False)

    def get_worker_info(self, workerName: str | int | None = None, /) -> _C._rpc.WorkerInfo:
        """Of this worker, or of the one of that name or rank."""
        return _C._rpc.self() if workerName is None else _C._rpc.worker_info(workerName)

    def get_worker_infos(self) -> list[_C._rpc.WorkerInfo]:
        """The workers of the world, by rank."""
        return _C._rpc.workers()

    def get_debug_info(self) -> dict[str, str]:
        """Numbers as text, under PyTorch's names; 0 for what tine does not count apart: asynchronous calls."""
        info = _C._rpc.debug_info()
        return {
            "agent.client_active_calls": str(info["calls_pending"]),
            "agent.server_active_calls": str(info["calls_running"]),
            "agent.server_active_async_calls": "0",
            "agent.thread_pool_size": str(info["handler_threads"]),
            "agent.num_idle_threads": str(info["handler_threads_idle"]),
        }

    get_metrics = get_debug_info

    def _get_device_map(self, dst: _C._rpc.WorkerInfo) -> dict[Any, Any]:
        options = self._get_backend_options()
        maps: dict[str, dict[Any, Any]] = getattr(options, "device_maps", {})
        return maps.get(dst.name, {})

    def _get_backend_options(self) -> RpcBackendOptions:
        """Those of init_rpc."""
        options: RpcBackendOptions = options_now
        return options

    @property
    def is_static_group(self) -> bool:
        """Whether init_rpc was given a world_size."""
        return static_now


def debug_info() -> dict[str, Any]:
    """What this worker waits for, holds and has queued; for people who look for what is stuck.

    Numbers by name: ``calls_pending``, ``calls_running``, ``references_owned`` (values here that others refer to),
    ``references_held`` (here, to values of others), ``references_passed`` (on, and not confirmed yet), those of the
    handler threads; and ``workers``, a dict for each: ``rank``, ``name``, ``address``, ``transport``, ``death`` (None while it
    lives), ``calls`` (without an answer: ``name``, ``count`` and the age of the ``oldest`` in seconds), ``calls_running``,
    ``bytes_queued``, ``frames_sent``, ``bytes_sent``, ``frames_received``, ``bytes_received``. ``RuntimeError`` when this
    process is not a worker.
    """
    return _C._rpc.report()


def _get_debug_info() -> dict[str, str]:
    """The numbers of debug_info() as text, some under PyTorch's names."""
    info = _C._rpc.report()
    return {
        **_rref_context_get_debug_info(),
        **the_agent.get_debug_info(),
        **{name: str(number) for name, number in info.items() if isinstance(number, int)},
    }


def _rref_context_get_debug_info() -> dict[str, str]:
    """The same of references. Those that are not confirmed yet are not counted apart: 0."""
    info = _C._rpc.report()
    return {
        "num_owner_rrefs": str(info["references_owned"]),
        "num_forks": str(info["references_passed"]),
        "num_pending_users": "0",
        "num_pending_futures": "0",
    }


class TensorPipeAgent(RpcAgent):
    """The agent of the one backend, under PyTorch's name."""


options_now: Any = None
static_now = True
the_agent = TensorPipeAgent()
