from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack, overload

from tine._C._rpc import _Seconds, _To
from tine.futures import Future as Future

from . import api as api
from . import backend_registry as backend_registry
from . import constants as constants
from . import functions as functions
from . import internal as internal
from . import options as options
from ._agent import RpcAgent as RpcAgent
from ._agent import TensorPipeAgent as TensorPipeAgent
from ._agent import _get_debug_info as _get_debug_info
from ._agent import _rref_context_get_debug_info as _rref_context_get_debug_info
from ._agent import debug_info as debug_info
from ..._trail import Hop as Hop
from ._current_call import CurrentCall as CurrentCall
from ._current_call import current_call as current_call
from .api import PyRRef as PyRRef
from .api import RRef as RRef
from .api import WorkerInfo as WorkerInfo
from .api import _all_gather as _all_gather
from .api import _barrier as _barrier
from .api import _get_current_rpc_agent as _get_current_rpc_agent
from .api import _invoke_remote_builtin as _invoke_remote_builtin
from .api import _invoke_remote_python_udf as _invoke_remote_python_udf
from .api import _invoke_remote_torchscript as _invoke_remote_torchscript
from .api import _invoke_rpc_builtin as _invoke_rpc_builtin
from .api import _invoke_rpc_python_udf as _invoke_rpc_python_udf
from .api import _invoke_rpc_torchscript as _invoke_rpc_torchscript
from .api import _is_current_rpc_agent_set as _is_current_rpc_agent_set
from .api import _require_initialized as _require_initialized
from .api import _set_rpc_timeout as _set_rpc_timeout
from .api import _wait_all as _wait_all
from .api import get_rpc_timeout as get_rpc_timeout
from .api import get_worker_info as get_worker_info
from .api import init_rpc as init_rpc
from .api import is_initialized as is_initialized
from .api import on_worker_joined as on_worker_joined
from .api import on_worker_lost as on_worker_lost
from .api import remove_worker_hook as remove_worker_hook
from .api import shutdown as shutdown
from .backend_registry import BackendType as BackendType
from .options import RpcBackendOptions as RpcBackendOptions
from .options import TensorPipeRpcBackendOptions as TensorPipeRpcBackendOptions
from ._shared import shared_empty as shared_empty
from ._streams import Stream as Stream
from ._streams import stream as stream
from .options import TlsOptions as TlsOptions

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])
_Ts = TypeVarTuple("_Ts")
_Args = tuple[Any, ...] | list[Any] | None
_Kwargs = dict[str, Any] | None
_Function = Callable[[Unpack[_Ts]], _T]
# The callee's Future is not sent: its value is. So is the value of a coroutine.
_Later = Future[_T] | Coroutine[Any, Any, _T]
_Async = Callable[[Unpack[_Ts]], _Later[_T]]
_AnyAsync = Callable[..., _Later[_T]]

_DEFAULT_INIT_METHOD: str
_DEFAULT_NUM_WORKER_THREADS: int
_DEFAULT_RPC_TIMEOUT_SEC: float
_UNSET_RPC_TIMEOUT: float

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

def is_available() -> bool: ...
def unregister(name: str) -> None: ...

_P = ParamSpec("_P")

@overload
def call(to: _To, func: Callable[_P, _Later[_T]], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]: ...
@overload
def call(to: _To, func: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]: ...
@overload
def call(to: _To, func: str, /, *args: Any, **kwargs: Any) -> Future[Any]: ...

@overload
def register(func: _F, /, name: str | None = None) -> _F: ...
@overload
def register(func: str, /, name: None = None) -> Callable[[_F], _F]: ...
@overload
def register(func: None = None, /, name: str | None = None) -> Callable[[_F], _F]: ...

# The arguments are checked where `args` is a tuple, and no `kwargs` are given. No type says what a list or a dict is to
# hold for a callee, or what a callee takes that is only named.
@overload
def rpc_async(
    to: _To, func: _Async[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: _Seconds = -1.0
) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[[], _Later[_T]], args: None = None, kwargs: None = None, timeout: _Seconds = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: _AnyAsync[_T], args: _Args = None, *, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: _AnyAsync[_T], args: _Args, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> Future[_T]: ...
@overload
def rpc_async(
    to: _To, func: _Function[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: _Seconds = -1.0
) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[[], _T], args: None = None, kwargs: None = None, timeout: _Seconds = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[..., _T], args: _Args = None, *, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: Callable[..., _T], args: _Args, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> Future[_T]: ...
@overload
def rpc_async(to: _To, func: str, args: _Args = None, kwargs: _Kwargs = None, timeout: _Seconds = -1.0) -> Future[Any]: ...
@overload
def rpc_sync(
    to: _To, func: _Async[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: _Seconds = -1.0
) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[[], _Later[_T]], args: None = None, kwargs: None = None, timeout: _Seconds = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: _AnyAsync[_T], args: _Args = None, *, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: _AnyAsync[_T], args: _Args, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> _T: ...
@overload
def rpc_sync(
    to: _To, func: _Function[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: _Seconds = -1.0
) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[[], _T], args: None = None, kwargs: None = None, timeout: _Seconds = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[..., _T], args: _Args = None, *, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: Callable[..., _T], args: _Args, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> _T: ...
@overload
def rpc_sync(to: _To, func: str, args: _Args = None, kwargs: _Kwargs = None, timeout: _Seconds = -1.0) -> Any: ...
@overload
def remote(
    to: _To, func: _Async[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: _Seconds = -1.0
) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[[], _Later[_T]], args: None = None, kwargs: None = None, timeout: _Seconds = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: _AnyAsync[_T], args: _Args = None, *, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: _AnyAsync[_T], args: _Args, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> RRef[_T]: ...
@overload
def remote(
    to: _To, func: _Function[Unpack[_Ts], _T], args: tuple[Unpack[_Ts]] | list[Any], kwargs: None = None, timeout: _Seconds = -1.0
) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[[], _T], args: None = None, kwargs: None = None, timeout: _Seconds = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[..., _T], args: _Args = None, *, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: Callable[..., _T], args: _Args, kwargs: _Kwargs, timeout: _Seconds = -1.0) -> RRef[_T]: ...
@overload
def remote(to: _To, func: str, args: _Args = None, kwargs: _Kwargs = None, timeout: _Seconds = -1.0) -> RRef[Any]: ...
