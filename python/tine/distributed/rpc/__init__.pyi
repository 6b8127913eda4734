from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple, Unpack, overload

from tine._C._rpc import _To
from tine.futures import Future

from . import constants as constants
from . import functions as functions
from ..._trail import Hop as Hop
from ._current_call import CurrentCall as CurrentCall
from ._current_call import current_call as current_call
from .api import PyRRef as PyRRef
from .api import RRef as RRef
from .api import WorkerInfo as WorkerInfo
from .api import _set_rpc_timeout as _set_rpc_timeout
from .api import get_rpc_timeout as get_rpc_timeout
from .api import get_worker_info as get_worker_info
from .api import init_rpc as init_rpc
from .api import is_initialized as is_initialized
from .api import shutdown as shutdown
from .options import BackendType as BackendType
from .options import RpcBackendOptions as RpcBackendOptions
from .options import TensorPipeRpcBackendOptions as TensorPipeRpcBackendOptions

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_Args = tuple[Any, ...] | list[Any] | None
_Kwargs = dict[str, Any] | None
_Function = Callable[[Unpack[_Ts]], _T]
# The callee's Future is not sent: its value is.
_Async = Callable[[Unpack[_Ts]], Future[_T]]
_AnyAsync = Callable[..., Future[_T]]

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

def is_available() -> bool: ...

# The arguments are checked where `args` is a tuple, and no `kwargs` are given. No type says what a list or a dict is to
# hold for a callee, or what a callee takes that is only named.
@overload
def rpc_async(
    to: _To, func: _Async[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: float = -1.0
) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[[], Future[_T]], args: None = None, kwargs: None = None, timeout: float = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: _AnyAsync[_T], args: _Args = None, *, kwargs: _Kwargs, timeout: float = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: _AnyAsync[_T], args: _Args, kwargs: _Kwargs, timeout: float = -1.0) -> Future[_T]: ...
@overload
def rpc_async(
    to: _To, func: _Function[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: float = -1.0
) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[[], _T], args: None = None, kwargs: None = None, timeout: float = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[..., _T], args: _Args = None, *, kwargs: _Kwargs, timeout: float = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[..., _T], args: _Args, kwargs: _Kwargs, timeout: float = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: str, args: _Args = None, kwargs: _Kwargs = None, timeout: float = -1.0) -> Future[Any]: ...
@overload
def rpc_sync(
    to: _To, func: _Async[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: float = -1.0
) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[[], Future[_T]], args: None = None, kwargs: None = None, timeout: float = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: _AnyAsync[_T], args: _Args = None, *, kwargs: _Kwargs, timeout: float = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: _AnyAsync[_T], args: _Args, kwargs: _Kwargs, timeout: float = -1.0) -> _T: ...
@overload
def rpc_sync(
    to: _To, func: _Function[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: float = -1.0
) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[[], _T], args: None = None, kwargs: None = None, timeout: float = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[..., _T], args: _Args = None, *, kwargs: _Kwargs, timeout: float = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[..., _T], args: _Args, kwargs: _Kwargs, timeout: float = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: str, args: _Args = None, kwargs: _Kwargs = None, timeout: float = -1.0) -> Any: ...
@overload
def remote(
    to: _To, func: _Async[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: float = -1.0
) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[[], Future[_T]], args: None = None, kwargs: None = None, timeout: float = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: _AnyAsync[_T], args: _Args = None, *, kwargs: _Kwargs, timeout: float = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: _AnyAsync[_T], args: _Args, kwargs: _Kwargs, timeout: float = -1.0) -> RRef[_T]: ...
@overload
def remote(
    to: _To, func: _Function[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: float = -1.0
) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[[], _T], args: None = None, kwargs: None = None, timeout: float = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[..., _T], args: _Args = None, *, kwargs: _Kwargs, timeout: float = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[..., _T], args: _Args, kwargs: _Kwargs, timeout: float = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: str, args: _Args = None, kwargs: _Kwargs = None, timeout: float = -1.0) -> RRef[Any]: ...
