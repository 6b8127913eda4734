"""The backend's registration with PyTorch: its options, its start, and taking TENSORPIPE's place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import torch.distributed.rpc as rpc
from torch.distributed.rpc import api, backend_registry

from tine.distributed.rpc.options import _seconds as _checked_seconds
from tine.pytorch._futures import install_futures, uninstall_futures

NAME = "TINE"


class TineRpcBackendOptions(rpc.RpcBackendOptions):
    """What init_rpc takes for BackendType.TINE.

    num_worker_threads: threads that run requests before more are started for those that block.
    rpc_timeout: seconds a call may take unless it says otherwise; 0: for ever.
    init_method: where the workers meet: env://, tcp://host:port or file:///path.
    host: the address, or address:port, to listen at; unless set TINE_HOST, else 127.0.0.1.
    plaintext_beyond_loopback: whether that may be an address beyond loopback without TLS (TINE_TLS_CERT and others); unless
        set whether TINE_PLAINTEXT is 1.
    secret: what the workers prove to each other; unless set TINE_AUTH_KEY, else the user's key file.
    transports: the ways between workers, nearest first: another worker is reached by the first that leads to it. "shm":
        memory that two processes of one machine share; "unix": sockets between such processes; "tcp".
    heartbeat_interval, heartbeat_timeout: seconds after which a silent worker is asked for a sign of life, and after which
        it counts as dead; interval 0: never. A process that ends is seen at once, without them.
    """

    def __init__(
        self,
        *,
        num_worker_threads: int = 16,
        rpc_timeout: float = 60.0,
        init_method: str = "env://",
        host: str = "",
        secret: str = "",
        transports: Iterable[str] = ("shm", "unix", "tcp"),
        plaintext_beyond_loopback: bool | None = None,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 30.0,
        _polling_us: int = 150,
    ) -> None:
        if num_worker_threads <= 0:
            raise ValueError(f"num_worker_threads must be positive, got {num_worker_threads}")
        rpc.RpcBackendOptions.__init__(
            self, rpc_timeout=_seconds("rpc_timeout", rpc_timeout), init_method=init_method
        )
        self.num_worker_threads = num_worker_threads
        self.host = host
        self.secret = secret
        self.transports = list(transports)
        self.plaintext_beyond_loopback = plaintext_beyond_loopback
        self.heartbeat_interval = _seconds("heartbeat_interval", heartbeat_interval)
        self.heartbeat_timeout = _seconds("heartbeat_timeout", heartbeat_timeout)
        self._polling_us = _polling_us
        # PyTorch asks every agent's options for these.
        self.device_maps: dict[str, Any] = {}
        self.devices: list[Any] = []


def _seconds(name: str, given: Any) -> float:
    """A number that PyTorch's stores and tine's clock can count with: a century is as long as it takes."""
    return min(_checked_seconds(name, given, none_is_zero=True), 3e9)


NO_DEVICES = (
    "tine has no device maps yet: leave device_maps and devices out, send tensor.cpu(), and move it to a device where it "
    "has arrived"
)


def own_options(options: Any) -> TineRpcBackendOptions:
    """The options as tine's; PyTorch's are taken, too."""
    if getattr(options, "device_maps", None) or getattr(options, "devices", None):
        raise ValueError(NO_DEVICES)
    if isinstance(options, TineRpcBackendOptions):
        return options
    pytorchs: Any = getattr(rpc, "TensorPipeRpcBackendOptions", ())
    if not isinstance(options, pytorchs):
        raise TypeError(
            "`rpc_backend_options` must be a `TensorPipeRpcBackendOptions` or tine's own `TineRpcBackendOptions`, not "
            f"{options!r}"
        )
    return TineRpcBackendOptions(
        num_worker_threads=getattr(options, "num_worker_threads", 16),
        rpc_timeout=options.rpc_timeout,
        init_method=options.init_method,
    )


def agent_arguments(options: TineRpcBackendOptions) -> dict[str, Any]:
    """What the agent's constructor takes of them, and of the environment."""
    from tine.pytorch._build import protocol

    plaintext = options.plaintext_beyond_loopback
    return {
        "num_worker_threads": options.num_worker_threads,
        "rpc_timeout": options.rpc_timeout,
        "host": options.host or os.environ.get("TINE_HOST", ""),
        "secret": options.secret,
        "protocol": protocol(),
        "transports": options.transports,
        "plaintext_beyond_loopback": os.environ.get("TINE_PLAINTEXT") == "1" if plaintext is None else bool(plaintext),
        "heartbeat_interval": options.heartbeat_interval,
        "heartbeat_timeout": options.heartbeat_timeout,
        "polling_us": options._polling_us,
    }


def _construct_options(
    rpc_timeout: float,
    init_method: str,
    num_worker_threads: int = 16,
    _transports: Any = None,
    _channels: Any = None,
    **more: Any,
) -> TineRpcBackendOptions:
    if more.pop("device_maps", None) or more.pop("devices", None):
        raise ValueError(NO_DEVICES)
    return TineRpcBackendOptions(
        rpc_timeout=rpc_timeout, init_method=init_method, num_worker_threads=num_worker_threads, **more
    )


def _init(store: Any, name: str, rank: int, world_size: int | None, rpc_backend_options: Any) -> Any:
    from tine.pytorch._agent_class import Agent
    from tine.pytorch._group import start

    options = own_options(rpc_backend_options)
    return start(Agent, store, name, rank, world_size, options, agent_arguments(options))


_enums: set[Any] = set()  # all that a program may have imported


def add_backend(name: str, construct_options: Callable[..., Any], init: Callable[..., Any]) -> None:
    """Registers a backend with PyTorch, also for modules that have already imported its enum or a member of it."""
    _enums.update((rpc.BackendType, backend_registry.BackendType))
    members = list(backend_registry.BackendType)
    backend_registry.register_backend(name, construct_options, init)
    # register_backend makes a new enum with new members, and init_rpc takes members of that one only.
    now = backend_registry.BackendType
    rpc.BackendType = now
    for member in members:
        member.__class__ = now
        now._member_map_[member.name] = now._value2member_map_[member.value] = member
        type.__setattr__(now, member.name, member)
    for old in _enums:
        for member in now:
            old._member_map_[member.name] = member
            type.__setattr__(old, member.name, member)


def register() -> None:
    if not rpc.is_available():
        raise ImportError("this PyTorch was built without torch.distributed.rpc, which tine.pytorch is a backend of")
    if not backend_registry.backend_registered(NAME):
        add_backend(NAME, _construct_options, _init)


_before_install: Any = None


def _current_tensorpipe() -> Any:
    return backend_registry.BackendType["TENSORPIPE"]


def install() -> None:
    """From now on init_rpc starts tine where a program names TENSORPIPE or no backend, and torch.futures' functions of
    many futures take tine's, too (install_futures)."""
    global _before_install
    install_futures()
    if _before_install is not None:
        return
    member = _current_tensorpipe()
    _before_install = member.value
    # Options stay PyTorch's own objects, so that programs that make, extend or ask them find what they expect.
    member._value_ = backend_registry.BackendValue(
        construct_rpc_backend_options_handler=member.value.construct_rpc_backend_options_handler,
        init_backend_handler=_init,
    )


def uninstall() -> None:
    """Undoes install(). A running agent is not affected."""
    global _before_install
    uninstall_futures()
    if _before_install is None:
        return
    _current_tensorpipe()._value_ = _before_install
    _before_install = None


def running_agent() -> Any:
    """The current agent if it is tine's."""
    if not rpc._is_current_rpc_agent_set():
        return None
    agent = api._get_current_rpc_agent()
    return agent if hasattr(type(agent), "card") else None
