"""Calls between workers: init_rpc, rpc_sync, rpc_async, remote, shutdown."""
from __future__ import annotations

import atexit
import operator
import os
from urllib.parse import urlsplit

from ... import _C
from ... import _failure
from . import _internal, _registry
from .constants import DEFAULT_SHUTDOWN_TIMEOUT, UNSET_RPC_TIMEOUT
from .options import ALLOW, BackendType, RpcBackendOptions, _allow, _seconds, _tls_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeVar

    from tine._C import Future
    from tine._C._rpc import _To

    _R = TypeVar("_R")
    _Args = tuple[Any, ...] | list[Any] | None
    _Kwargs = dict[str, Any] | None

WorkerInfo = _C._rpc.WorkerInfo
RRef = _C._rpc.RRef
# Another name of the same class, for annotations that say where it may stand.
PyRRef = RRef


class DestinationError(_C.TypeError, ValueError):
    """A destination that is not a name, a rank or a WorkerInfo; PyTorch raises ValueError."""


def _address(init_method: str) -> str:
    if init_method == "env://":
        missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
        if missing:
            raise ValueError(
                f"init_rpc: init_method env:// needs the environment variable{'s' if len(missing) > 1 else ''} "
                f"{' and '.join(missing)} (`tine launch` sets them), or pass init_method=\"tcp://host:port\""
            )
        return f"tcp://{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    parts = urlsplit(init_method)
    if parts.scheme != "tcp" or not parts.hostname or parts.port is None:
        raise ValueError(f'init_rpc: init_method: expected "env://" or "tcp://host:port", got {init_method!r}')
    return f"tcp://{parts.netloc.rpartition('@')[2]}"


# The handshake carries ranks in 32 bits; a worker runs out of descriptors long before that.
_MOST_WORKERS = 2**20


def _number(given: Any, missing: object, variable: str) -> int:
    what = variable.lower()
    if given == missing:
        if variable not in os.environ:
            raise ValueError(
                f"init_rpc: {what} was not given and the environment variable {variable} is not set"
            )
        given, what = os.environ[variable], f"the environment variable {variable}"
    try:
        number = int(given) if isinstance(given, str) else operator.index(given)
    except (TypeError, ValueError):
        raise _C.ValueError(f"init_rpc: {what}: expected a whole number, got {given!r}") from None
    return number


def _check_world(name: str, rank: int, world_size: int) -> None:
    WorkerInfo(name, 0)  # PyTorch's rule of names
    if not 1 <= world_size <= _MOST_WORKERS:
        raise _C.ValueError(f"init_rpc: world_size: expected 1 to {_MOST_WORKERS} workers, got {world_size}")
    if not 0 <= rank < world_size:
        raise _C.ValueError(
            f"init_rpc: worker {name!r}: rank {rank} in a world of {world_size}: expected a rank from 0 to {world_size - 1}"
        )


def init_rpc(
    name: str,
    backend: BackendType | None = None,
    rank: int = -1,
    world_size: int | None = None,
    rpc_backend_options: RpcBackendOptions | None = None,
) -> None:
    """Makes this process a worker and waits until all workers are connected.

    Args:
        name: this worker's name, unique in the world: letters, digits, ``-``, ``_`` and ``:``, fewer than 128.
        backend: BackendType.TENSORPIPE or None; there is one backend.
        rank: 0 to world_size - 1; -1 takes the environment's RANK.
        world_size: how many workers there are; None takes the environment's WORLD_SIZE.
        rpc_backend_options: RpcBackendOptions or TensorPipeRpcBackendOptions.

    Raises:
        ValueError: an argument or the environment is not usable; it says which.
        RuntimeError: RPC is initialized already, a name or rank is taken, the address is in use; each ValueError
            about the world is one, too.
        TimeoutError: not all workers came in time; it says who is missing.
        PermissionError: another process does not share the secret (TINE_AUTH_KEY or the user's key file), or a certificate
            is not right.

    Source: ``torch.distributed.rpc.init_rpc``.
    """
    if backend is not None and not isinstance(backend, BackendType):
        raise TypeError(f"init_rpc: backend: expected a BackendType or None, got {backend!r}")
    options = rpc_backend_options if rpc_backend_options is not None else RpcBackendOptions()
    if not isinstance(options, RpcBackendOptions):
        raise TypeError(f"init_rpc: rpc_backend_options: expected RpcBackendOptions, got {options!r}")
    rank = _number(rank, -1, "RANK")
    world_size = _number(world_size, None, "WORLD_SIZE")
    _check_world(name, rank, world_size)
    # Options may have been changed since they were made. The clock ends after 292 years: a century is as long as it takes.
    rpc_timeout = _seconds("rpc_timeout", options.rpc_timeout, none_is_zero=True)
    init_timeout = min(_seconds("init_timeout", options.init_timeout, none_is_zero=False), 3e9)
    _C._rpc.start(
        name,
        rank,
        world_size,
        _address(options.init_method),
        rpc_timeout,
        init_timeout,
        os.environ.get("TINE_PLAINTEXT", "") == "1",
        options.num_worker_threads,
        options.max_handler_threads,
        options.max_send_buffer_bytes,
        options.max_calls_in_flight,
        options.heartbeat_interval,
        options.heartbeat_timeout,
        options.polling,
        options.transports,
        _tls_paths(options.tls),
        ALLOW[_allow(options.allow)],
    )
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)


def _at_exit() -> None:
    # A program that ends without shutdown(): the others see a goodbye, nobody here waits.
    if _C._rpc.is_initialized():
        _C._rpc.stop(False, 0.0, _failure.tell())


def shutdown(graceful: bool = True, timeout: float = DEFAULT_SHUTDOWN_TIMEOUT) -> None:
    """Ends this worker.

    Args:
        graceful: wait until every worker has called shutdown and no call is running anywhere; otherwise
            pending calls fail at once.
        timeout: seconds that a graceful shutdown may take, then an error names the stragglers; 0 is as long as
            the workers live (a dead one ends the wait).
    """
    _C._rpc.stop(bool(graceful), float(timeout), "")


def is_initialized() -> bool:
    """Whether this process is a worker now."""
    return _C._rpc.is_initialized()


def get_worker_info(worker_name: str | int | WorkerInfo | None = None) -> WorkerInfo:
    """The WorkerInfo of the worker of that name, of this one for None.

    An unknown one is a ValueError (and RuntimeError) that lists the known names.
    """
    return _C._rpc.self() if worker_name is None else _C._rpc.worker_info(worker_name)


def get_rpc_timeout() -> float:
    """Seconds after which a call fails that names no timeout; 0 for none."""
    return _C._rpc.get_rpc_timeout()


def _set_rpc_timeout(seconds: float) -> None:
    _C._rpc.set_rpc_timeout(_seconds("rpc_timeout", seconds, none_is_zero=True))


def _number_of_seconds(timeout: Any) -> float:
    try:
        return float(timeout)
    except (TypeError, ValueError):
        raise TypeError(f"timeout: expected seconds (0 for none), got {timeout!r}") from None


def _send(
    named: Callable[..., _R],
    python: Callable[..., _R],
    to: _To,
    func: Any,
    args: _Args,
    kwargs: _Kwargs,
    timeout: float,
) -> _R:
    """Sends a call of `func`: by name when it is one, an operator or a script function, else pickled."""
    if args is None:
        args = ()
    elif not isinstance(args, (tuple, list)):
        raise TypeError(f"args: expected a tuple of the callee's arguments, got {type(args).__qualname__}; write args=(x,)")
    args = tuple(args)
    if kwargs is None:
        kwargs = {}
    elif not isinstance(kwargs, dict):
        raise TypeError(f"kwargs: expected a dict of the callee's arguments by name, got {type(kwargs).__qualname__}")
    else:
        for name in kwargs:
            if not isinstance(name, str):
                raise TypeError(f"kwargs: expected the names of the callee's arguments as str, got {name!r}")
    if type(timeout) is not float:
        timeout = _number_of_seconds(timeout)
    if type(func) is _C.Builtin:
        return named(to, func.op_name, args, kwargs, timeout, False)
    script = getattr(func, "_wrapped_async_rpc_function", func)
    if type(script) is _C.ScriptFunction:
        return named(to, script.qualified_name, args, kwargs, timeout, script is not func)
    if type(func) is str:
        return named(to, func, args, kwargs, timeout, False)
    if _registry.names:
        registered = _registry.name_for(func, args, kwargs)
        if registered is not None:
            return named(to, registered, args, kwargs, timeout, False)
    if not callable(func):
        raise TypeError(f"func: expected something that can be called, or the name of a function, got {func!r}")
    data, leaves = _internal.call_to_pickle(func, args, kwargs)
    return python(to, _internal.name_of(func), data, leaves, timeout, None)


def rpc_async(
    to: str | int | WorkerInfo,
    func: Callable[..., Any] | str,
    args: tuple[Any, ...] | list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    timeout: float = UNSET_RPC_TIMEOUT,
) -> Future[Any]:
    """Calls ``func(*args, **kwargs)`` on worker ``to`` and returns a Future of its result at once.

    Args:
        to: name, rank or WorkerInfo of the callee.
        func: an operator (``tine.add``), a script function, or a Python function that the callee can import. Or a name:
            that of an operator (``"aten::add"``), of a script function, else of a function that the callee, a C++ program,
            serves. An object that only Python can read cannot be an argument of those.
        args: positional arguments. A tensor is sent from its own memory: do not change it until the Future is done,
            or the callee may see the change, or half of it; pass ``x.clone()`` to go on with ``x``. To this worker
            itself tensors are passed, not copied. A Future cannot be sent.
        kwargs: keyword arguments.
        timeout: seconds until the Future fails with TimeoutError; 0 for none; default: get_rpc_timeout().

    Returns:
        :class:`tine.futures.Future`. What the callee raises is raised by its wait(): same type, args and str(),
        with the remote traceback as its cause. A worker that dies fails it at once with ConnectionError.

    Source: ``torch.distributed.rpc.rpc_async``.
    """
    return _send(_C._rpc.call_named, _C._rpc.call_python, to, func, args, kwargs, timeout)


def rpc_sync(
    to: str | int | WorkerInfo,
    func: Callable[..., Any] | str,
    args: tuple[Any, ...] | list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    timeout: float = UNSET_RPC_TIMEOUT,
) -> Any:
    """As :func:`rpc_async`, but waits and returns the result."""
    return _send(_C._rpc.call_named, _C._rpc.call_python, to, func, args, kwargs, timeout).wait()


def remote(
    to: str | int | WorkerInfo,
    func: Callable[..., Any] | str,
    args: tuple[Any, ...] | list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    timeout: float = UNSET_RPC_TIMEOUT,
) -> RRef[Any]:
    """Calls ``func(*args, **kwargs)`` on worker ``to``, keeps the result there, and returns an RRef to it at once.

    Args and source as :func:`rpc_async`; ``func`` may be a class. An error of the call is raised by ``to_here()``; when
    nobody asks, it is told once. Arguments that an operator or a script does not take are an error here and now.
    """
    return _send(_C._rpc.remote_named, _C._rpc.remote_python, to, func, args, kwargs, timeout)


# Looked up on instances by the standard library, to find out what an object is: no calls of a method.
_PROBED = frozenset(("__copy__", "__deepcopy__", "__setstate__", "__wrapped__", "__isabstractmethod__", "__array_interface__", "__array_struct__"))


class _Proxy:
    """What RRef.rpc_sync(), rpc_async() and remote() return: its attributes are the methods of the value."""

    __slots__ = ("_rref", "_timeout", "_how")

    def __init__(self, rref: RRef[Any], timeout: float, how: str) -> None:
        self._rref = rref
        self._timeout = timeout
        self._how = how

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(
            f"'_Proxy' object is not callable: name the method of the value: rref.{self._how}().forward(x) of a module, "
            f"rref.{self._how}().__call__(x) of anything that can be called"
        )

    def __getattribute__(self, name: str) -> Any:
        if name == "__call__":  # written out it is a method like any other; proxy(x) does not come here
            return self.__getattr__(name)
        return object.__getattribute__(self, name)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method in _PROBED:
            raise AttributeError(
                f"a proxy of an RRef does not call {method} remotely; call a function that does, with the RRef as its argument"
            )
        if method in _Proxy.__slots__:
            raise AttributeError("this proxy was made without its RRef: call rref.rpc_sync(), rpc_async() or remote()")
        rref, timeout, how = self._rref, self._timeout, self._how

        def call(*args: Any, **kwargs: Any) -> Any:
            data, leaves = _internal.call_to_pickle(_internal.MethodCall(rref, method), args, kwargs)
            send: Any = _C._rpc.remote_python if how == "remote" else _C._rpc.call_python
            result = send(rref.owner(), f"RRef.{method}", data, leaves, timeout, rref)
            return result.wait() if how == "rpc_sync" else result

        return call

    def __repr__(self) -> str:
        return f"<{self._how} proxy of {self._rref!r}>"


def _proxy_method(how: str, text: str) -> Any:
    def method(self: RRef[Any], timeout: float = UNSET_RPC_TIMEOUT) -> _Proxy:
        return _Proxy(self, _number_of_seconds(timeout), how)

    method.__name__ = how
    method.__qualname__ = f"RRef.{how}"
    method.__doc__ = text
    return method


for _how, _text in {
    "rpc_sync": "``rref.rpc_sync().f(x)`` calls method f of the value on its owner and waits.",
    "rpc_async": "``rref.rpc_async().f(x)`` calls method f on the owner; returns a Future.",
    "remote": "``rref.remote().f(x)`` calls method f on the owner; returns an RRef.",
}.items():
    setattr(RRef, _how, _proxy_method(_how, _text))
