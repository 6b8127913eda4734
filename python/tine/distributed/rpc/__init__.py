"""Calls between processes: torch.distributed.rpc, on tine.

Peers prove a shared secret before anything is decoded: ``TINE_AUTH_KEY``, else a key file of the user.

    >>> from tine.distributed import rpc
    >>> rpc.init_rpc("worker0", rank=0, world_size=2)
    >>> rpc.rpc_sync("worker1", tine.add, args=(tine.ones(2), 3))
    >>> rpc.shutdown()
"""
from __future__ import annotations

from . import _internal, _rref, api, backend_registry, constants, functions, internal, options
from ._agent import RpcAgent, TensorPipeAgent, _get_debug_info, _rref_context_get_debug_info, debug_info
from ..._trail import Hop
from ._current_call import CurrentCall, current_call
from .api import (
    Future,
    RRef,
    PyRRef,
    WorkerInfo,
    call,
    get_rpc_timeout,
    get_worker_info,
    init_rpc,
    is_initialized,
    on_worker_joined,
    on_worker_lost,
    remote,
    remove_worker_hook,
    rpc_async,
    rpc_sync,
    shutdown,
    _all_gather,
    _barrier,
    _get_current_rpc_agent,
    _invoke_remote_builtin,
    _invoke_remote_python_udf,
    _invoke_remote_torchscript,
    _invoke_rpc_builtin,
    _invoke_rpc_python_udf,
    _invoke_rpc_torchscript,
    _is_current_rpc_agent_set,
    _require_initialized,
    _set_rpc_timeout,
    _wait_all,
)
from ._registry import register, unregister
from ._shared import shared_empty
from ._streams import Stream, stream
from .backend_registry import BackendType
from .constants import DEFAULT_INIT_METHOD as _DEFAULT_INIT_METHOD
from .constants import DEFAULT_NUM_WORKER_THREADS as _DEFAULT_NUM_WORKER_THREADS
from .constants import DEFAULT_RPC_TIMEOUT_SEC as _DEFAULT_RPC_TIMEOUT_SEC
from .constants import UNSET_RPC_TIMEOUT as _UNSET_RPC_TIMEOUT
from .options import RpcBackendOptions, TensorPipeRpcBackendOptions, TlsOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def is_available() -> bool:
    """Always True."""
    return True


__all__ = [
    "BackendType",
    "CurrentCall",
    "Future",
    "Hop",
    "PyRRef",
    "RRef",
    "RpcAgent",
    "RpcBackendOptions",
    "Stream",
    "TensorPipeAgent",
    "TensorPipeRpcBackendOptions",
    "TlsOptions",
    "WorkerInfo",
    "call",
    "constants",
    "current_call",
    "debug_info",
    "functions",
    "get_rpc_timeout",
    "get_worker_info",
    "init_rpc",
    "is_available",
    "is_initialized",
    "on_worker_joined",
    "on_worker_lost",
    "register",
    "remote",
    "remove_worker_hook",
    "rpc_async",
    "rpc_sync",
    "shared_empty",
    "shutdown",
    "stream",
    "unregister",
]


def __getattr__(name: str) -> NoReturn:
    from ..._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
