import enum
from typing import Any, Callable, Generic, Mapping, Optional, Sequence, TypeVar, Union, overload

from tine.futures import Future

from . import constants as constants
from . import functions as functions

_T = TypeVar("_T")
_To = Union[str, int, "WorkerInfo"]

class WorkerInfo:
    def __init__(self, name: str, id: int) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def id(self) -> int: ...

class RRef(Generic[_T]):
    def __init__(self, value: _T, type_hint: Optional[type] = None) -> None: ...
    def owner(self) -> WorkerInfo: ...
    def owner_name(self) -> str: ...
    def is_owner(self) -> bool: ...
    def confirmed_by_owner(self) -> bool: ...
    def to_here(self, timeout: float = -1.0) -> _T: ...
    def to_here_async(self, timeout: float = -1.0) -> Future[_T]: ...
    def local_value(self) -> _T: ...
    # The methods of the value, called on its owner.
    def rpc_sync(self, timeout: float = -1.0) -> Any: ...
    def rpc_async(self, timeout: float = -1.0) -> Any: ...
    def remote(self, timeout: float = -1.0) -> Any: ...

PyRRef = RRef

class BackendType(enum.Enum):
    TENSORPIPE = "TENSORPIPE"

class RpcBackendOptions:
    rpc_timeout: float
    init_method: str
    init_timeout: float
    max_send_buffer_bytes: int
    max_calls_in_flight: int
    heartbeat_interval: float
    heartbeat_timeout: float
    polling: float
    transports: list[str]
    def __init__(
        self,
        rpc_timeout: float = 60.0,
        init_method: str = "env://",
        *,
        init_timeout: float = 60.0,
        max_send_buffer_bytes: int = ...,
        max_calls_in_flight: int = 65536,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 30.0,
        polling: float = 50e-6,
        transports: Sequence[str] = ...,
    ) -> None: ...

class TensorPipeRpcBackendOptions(RpcBackendOptions):
    num_worker_threads: int
    max_handler_threads: int
    device_maps: dict[str, Any]
    devices: list[Any]
    def __init__(
        self,
        *,
        num_worker_threads: int = 16,
        max_handler_threads: Optional[int] = None,
        rpc_timeout: float = 60.0,
        init_method: str = "env://",
        device_maps: Optional[Mapping[str, Any]] = None,
        devices: Optional[Sequence[Any]] = None,
        init_timeout: float = 60.0,
        max_send_buffer_bytes: int = ...,
        max_calls_in_flight: int = 65536,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 30.0,
        polling: float = 50e-6,
        transports: Sequence[str] = ...,
        _transports: Optional[Sequence[str]] = None,
        _channels: Optional[Sequence[str]] = None,
    ) -> None: ...
    def set_device_map(self, to: str, device_map: Mapping[Any, Any]) -> None: ...
    def set_devices(self, devices: Sequence[Any]) -> None: ...

def init_rpc(
    name: str,
    backend: Optional[BackendType] = None,
    rank: int = -1,
    world_size: Optional[int] = None,
    rpc_backend_options: Optional[RpcBackendOptions] = None,
) -> None: ...
def shutdown(graceful: bool = True, timeout: float = 0.0) -> None: ...
def is_available() -> bool: ...
def is_initialized() -> bool: ...
def get_worker_info(worker_name: Optional[str] = None) -> WorkerInfo: ...
def get_rpc_timeout() -> float: ...
@overload
def rpc_async(
    to: _To,
    func: Callable[..., _T],
    args: Optional[Sequence[Any]] = None,
    kwargs: Optional[Mapping[str, Any]] = None,
    timeout: float = -1.0,
) -> Future[_T]: ...
@overload
def rpc_async(
    to: _To,
    func: str,
    args: Optional[Sequence[Any]] = None,
    kwargs: Optional[Mapping[str, Any]] = None,
    timeout: float = -1.0,
) -> Future[Any]: ...
@overload
def rpc_sync(
    to: _To,
    func: Callable[..., _T],
    args: Optional[Sequence[Any]] = None,
    kwargs: Optional[Mapping[str, Any]] = None,
    timeout: float = -1.0,
) -> _T: ...
@overload
def rpc_sync(
    to: _To,
    func: str,
    args: Optional[Sequence[Any]] = None,
    kwargs: Optional[Mapping[str, Any]] = None,
    timeout: float = -1.0,
) -> Any: ...
@overload
def remote(
    to: _To,
    func: Callable[..., _T],
    args: Optional[Sequence[Any]] = None,
    kwargs: Optional[Mapping[str, Any]] = None,
    timeout: float = -1.0,
) -> RRef[_T]: ...
@overload
def remote(
    to: _To,
    func: str,
    args: Optional[Sequence[Any]] = None,
    kwargs: Optional[Mapping[str, Any]] = None,
    timeout: float = -1.0,
) -> RRef[Any]: ...
def _set_rpc_timeout(seconds: float) -> None: ...
