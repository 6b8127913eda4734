"""Calls between processes: torch.distributed.rpc, on tine.

Peers prove a shared secret before anything is decoded: ``TINE_AUTH_KEY``, else a key file of the user.

    >>> from tine.distributed import rpc
    >>> rpc.init_rpc("worker0", rank=0, world_size=2)
    >>> rpc.rpc_sync("worker1", tine.add, args=(tine.ones(2), 3))
    >>> rpc.shutdown()
"""
from __future__ import annotations

from . import constants, functions
from ..._trail import Hop
from ._current_call import CurrentCall, current_call
from .api import (
    RRef,
    PyRRef,
    WorkerInfo,
    get_rpc_timeout,
    get_worker_info,
    init_rpc,
    is_initialized,
    remote,
    rpc_async,
    rpc_sync,
    shutdown,
    _set_rpc_timeout,
)
from .options import BackendType, RpcBackendOptions, TensorPipeRpcBackendOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def is_available() -> bool:
    """Always True."""
    return True


__all__ = [
    "BackendType",
    "CurrentCall",
    "Hop",
    "PyRRef",
    "RRef",
    "RpcBackendOptions",
    "TensorPipeRpcBackendOptions",
    "WorkerInfo",
    "constants",
    "current_call",
    "functions",
    "get_rpc_timeout",
    "get_worker_info",
    "init_rpc",
    "is_available",
    "is_initialized",
    "remote",
    "rpc_async",
    "rpc_sync",
    "shutdown",
]


def __getattr__(name: str) -> NoReturn:
    from ..._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
