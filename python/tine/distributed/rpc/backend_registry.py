"""The backends by name, as in PyTorch. There is one, and init_rpc runs no other."""
from __future__ import annotations

import collections
import enum

from ... import _C
from .constants import DEFAULT_INIT_METHOD, DEFAULT_RPC_TIMEOUT_SEC
from .options import TensorPipeRpcBackendOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# How the options of a backend are made, and how it is started.
BackendValue = collections.namedtuple("BackendValue", ["construct_rpc_backend_options_handler", "init_backend_handler"])


def _options(rpc_timeout: float, init_method: str, **kwargs: Any) -> TensorPipeRpcBackendOptions:
    return TensorPipeRpcBackendOptions(rpc_timeout=rpc_timeout, init_method=init_method, **kwargs)


def _init(*, name: str, rank: int = -1, world_size: int | None = None, rpc_backend_options: Any = None, store: Any = None) -> Any:
    from .api import _get_current_rpc_agent, init_rpc

    init_rpc(name, rank=rank, world_size=world_size, rpc_backend_options=rpc_backend_options)
    return _get_current_rpc_agent()


def _told(self: enum.Enum) -> str:
    return f"BackendType.{self.name}"


class BackendType(enum.Enum):
    """The backends by name: the one there is, and those that a program has registered."""

    TENSORPIPE = BackendValue(_options, _init)

    __repr__ = _told


def is_own(backend: object) -> bool:
    """Whether it names the one there is. Registering a backend makes another class, as in PyTorch."""
    if not isinstance(backend, enum.Enum) or type(backend).__name__ != "BackendType":
        raise TypeError(f"init_rpc: backend: expected a BackendType or None, got {backend!r}")
    return backend.name == "TENSORPIPE"


def backend_registered(backend_name: str) -> bool:
    """Whether there is a backend of that name."""
    return backend_name in BackendType.__members__


def register_backend(
    backend_name: str,
    construct_rpc_backend_options_handler: Callable[..., Any],
    init_backend_handler: Callable[..., Any],
) -> Any:
    """Adds a backend, for programs that start it by :func:`init_backend`. ``init_rpc`` refuses it by name."""
    if not isinstance(backend_name, str):
        raise TypeError(f"register_backend: backend_name: expected a str, got {backend_name!r}")
    if backend_registered(backend_name):
        raise RuntimeError(f"RPC backend {backend_name}: already registered")
    members: dict[str, Any] = {backend_name: BackendValue(construct_rpc_backend_options_handler, init_backend_handler)}
    members.update((member.name, member.value) for member in BackendType)
    make: Any = enum.Enum
    made = make("BackendType", members, module=__name__)
    made.__repr__ = _told
    globals()["BackendType"] = made
    return made[backend_name]


def construct_rpc_backend_options(
    backend: Any, rpc_timeout: float = DEFAULT_RPC_TIMEOUT_SEC, init_method: str = DEFAULT_INIT_METHOD, **kwargs: Any
) -> Any:
    """The options of that backend."""
    return backend.value.construct_rpc_backend_options_handler(rpc_timeout, init_method, **kwargs)


def init_backend(backend: Any, *args: Any, **kwargs: Any) -> Any:
    """Starts that backend, and returns its agent."""
    return backend.value.init_backend_handler(*args, **kwargs)


def refuse(backend: Any) -> _C.ValueError:
    return _C.ValueError(
        f"init_rpc: backend {backend.name}: tine has one backend, BackendType.TENSORPIPE; start yours by "
        "backend_registry.init_backend"
    )


__all__ = [
    "BackendType",
    "BackendValue",
    "backend_registered",
    "construct_rpc_backend_options",
    "init_backend",
    "register_backend",
]
