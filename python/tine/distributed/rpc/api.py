"""Calls between workers: init_rpc, rpc_sync, rpc_async, remote, shutdown."""
from __future__ import annotations

import atexit
import functools
import operator
import os
import types

from ... import _C
from ... import _failure
from . import _agent, _gather, _pickling, _registry, backend_registry
from ._coroutines import coroutines
from .constants import DEFAULT_SHUTDOWN_TIMEOUT, UNSET_RPC_TIMEOUT
from .options import ALLOW, RpcBackendOptions, _allow, _seconds, _tls_paths, call_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ParamSpec, TypeVar

    from tine._C._rpc import _Seconds, _To

    _P = ParamSpec("_P")
    _R = TypeVar("_R")
    _Args = tuple[Any, ...] | list[Any] | None
    _Kwargs = dict[str, Any] | None

WorkerInfo = _C._rpc.WorkerInfo
RRef = _C._rpc.RRef
# Another name of the same class, for annotations that say where it may stand.
PyRRef = RRef
Future = _C.Future
_all_gather = _gather.all_gather
_wait_all = _gather.wait_all


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
    if not isinstance(init_method, str):
        raise _C.TypeError(f"init_rpc: init_method: expected a str, got {init_method!r}")
    if init_method.startswith("file:"):
        return init_method  # the core knows what is one
    from urllib.parse import urlsplit

    parts = urlsplit(init_method)
    if parts.scheme != "tcp" or not parts.hostname or parts.port is None:
        raise ValueError(f'init_rpc: init_method: expected "env://", "tcp://host:port" or "file:///path", got {init_method!r}')
    return f"tcp://{parts.netloc.rpartition('@')[2]}"


# The handshake carries ranks in 32 bits; a worker runs out of descriptors long before that.
_MOST_WORKERS = 2**20


_NOT_GIVEN = -1  # the core's word for a rank that the register is to choose
_MOST_RANKS = 65536  # of a world that changes


def _number(given: Any, missing: object, variable: str) -> int:
    what = variable.lower()
    if given is None or given == missing:
        if variable not in os.environ:
            return _NOT_GIVEN
        given, what = os.environ[variable], f"the environment variable {variable}"
    try:
        if isinstance(given, bool):
            raise TypeError
        number = int(given) if isinstance(given, str) else operator.index(given)
    except (TypeError, ValueError):
        raise _C.ValueError(f"init_rpc: {what}: expected a whole number, got {given!r}") from None
    return number


def _check_world(name: str, rank: int, world_size: int) -> None:
    WorkerInfo(name, 0)  # PyTorch's rule of names
    if world_size == 0:
        if not _NOT_GIVEN <= rank < _MOST_RANKS:
            raise _C.ValueError(
                f"init_rpc: worker {name!r}: rank {rank}: expected a rank from 0 to {_MOST_RANKS - 1}, or None for the next free one"
            )
        return
    if not 1 <= world_size <= _MOST_WORKERS:
        raise _C.ValueError(f"init_rpc: world_size: expected 1 to {_MOST_WORKERS} workers, got {world_size}")
    if not 0 <= rank < world_size:
        raise _C.ValueError(
            f"init_rpc: worker {name!r}: rank {rank} in a world of {world_size}: expected a rank from 0 to {world_size - 1}"
        )


def init_rpc(
    name: str,
    backend: Any = None,
    rank: int | None = -1,
    world_size: int | None = None,
    rpc_backend_options: RpcBackendOptions | None = None,
) -> None:
    """Makes this process a worker and waits until all workers are connected.

    Without a world_size the world changes: workers join and leave while calls run, and init_rpc waits for no others.
    Rank 0 is the first, and keeps the register by which the others find each other.

    Args:
        name: this worker's name, unique in the world: letters, digits, ``-``, ``_`` and ``:``, fewer than 128.
        backend: BackendType.TENSORPIPE or None; there is one backend.
        rank: 0 to world_size - 1; None or -1 takes the environment's RANK. In a world that changes, 0 to 65535; when nobody
            gives one it is the next that is free.
        world_size: how many workers there are; None takes the environment's WORLD_SIZE, and when that is not set the world
            changes.
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
    if backend is not None and not backend_registry.is_own(backend):
        raise backend_registry.refuse(backend)
    options = rpc_backend_options if rpc_backend_options is not None else RpcBackendOptions()
    if not isinstance(options, RpcBackendOptions):
        raise TypeError(f"init_rpc: rpc_backend_options: expected RpcBackendOptions, got {options!r}")
    size = _number(world_size, None, "WORLD_SIZE")
    changes = world_size is None and "WORLD_SIZE" not in os.environ
    if size == 0 and not changes:
        raise _C.ValueError("init_rpc: world_size: expected 1 or more workers, or None for a world that changes, got 0")
    size = 0 if changes else size
    number = _number(rank, -1, "RANK")
    if number == _NOT_GIVEN and not changes:
        raise _C.ValueError("init_rpc: rank was not given and the environment variable RANK is not set")
    _check_world(name, number, size)
    # Options may have been changed since they were made. The clock ends after 292 years: a century is as long as it takes.
    rpc_timeout = _seconds("rpc_timeout", options.rpc_timeout, none_is_zero=True)
    init_timeout = min(_seconds("init_timeout", options.init_timeout, none_is_zero=False), 3e9)
    _C._rpc.start(
        name,
        number,
        size,
        _address(options.init_method),
        rpc_timeout,
        init_timeout,
        os.environ.get("TINE_PLAINTEXT", "") == "1",
        options.num_worker_threads,
        options.max_handler_threads,
        options.max_send_buffer_bytes,
        options.max_mapped_bytes,
        options.max_calls_in_flight,
        options.heartbeat_interval,
        options.heartbeat_timeout,
        options.polling,
        options.transports,
        _tls_paths(options.tls),
        ALLOW[_allow(options.allow)],
    )
    _agent.options_now, _agent.static_now = options, not changes
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)


def _at_exit() -> None:
    # A program that ends without shutdown(): the others see a goodbye, nobody here waits.
    if _C._rpc.is_initialized():
        _C._rpc.stop(False, 0.0, _failure.tell())
    coroutines.stop()


def shutdown(graceful: bool = True, timeout: _Seconds = DEFAULT_SHUTDOWN_TIMEOUT) -> None:
    """Ends this worker.

    Args:
        graceful: wait until every worker has called shutdown and no call is running anywhere; otherwise
            pending calls fail at once. In a world that changes: wait until the calls of this worker are answered, and those
            of others here; rank 0 waits until all others have left.
        timeout: seconds, or a datetime.timedelta, that a graceful shutdown may take, then an error names the stragglers; 0 is as long as
            the workers live (a dead one ends the wait).

    While another thread is in a graceful shutdown, ``graceful=False`` ends that one at once, and it is that one that raises Cancelled.
    """
    seconds = min(_seconds("timeout", timeout, none_is_zero=True), 3e9)
    try:
        _C._rpc.stop(bool(graceful), seconds, "")
    finally:
        if not _C._rpc.is_initialized():  # else another thread's shutdown goes on
            coroutines.stop()
            _gather.forget()


_joined: list[Callable[[WorkerInfo], object]] = []
_lost: list[Callable[[WorkerInfo, BaseException], object]] = []


def on_worker_joined(f: Callable[[WorkerInfo], _R]) -> Callable[[WorkerInfo], _R]:
    """From now on ``f(info)`` is called when a worker has joined the world after this one; returns ``f``.

    Hooks are called on a thread of callbacks, one at a time, in the order in which workers came and went. What one raises is
    logged. They stay for every world that this process joins, until :func:`remove_worker_hook`.
    """
    _add_hook(_joined, f)
    return f


def on_worker_lost(f: Callable[[WorkerInfo, BaseException], _R]) -> Callable[[WorkerInfo, BaseException], _R]:
    """From now on ``f(info, cause)`` is called when a worker has left or died; returns ``f``.

    ``cause`` is the ConnectionError with which calls to it fail. Workers whose end this worker's own shutdown brings about
    are not told of. Otherwise as :func:`on_worker_joined`.
    """
    _add_hook(_lost, f)
    return f


def _add_hook(hooks: list[Any], f: Any) -> None:
    if not callable(f):
        raise _C.TypeError(f"a hook for workers: expected a function, got {f!r}")
    hooks.append(f)


def remove_worker_hook(f: Callable[..., object]) -> None:
    """Takes back :func:`on_worker_joined` or :func:`on_worker_lost`; a ValueError when ``f`` is not a hook."""
    for hooks in (_joined, _lost):
        if f in hooks:
            hooks.remove(f)
            return
    raise _C.ValueError(f"{f!r} is not a hook for workers")


def _tell(hooks: list[Any], *args: object) -> None:
    failed: BaseException | None = None
    for f in tuple(hooks):
        try:
            f(*args)
        except Exception as error:
            failed = error
    if failed is not None:
        raise failed


_C._rpc.set_worker_hooks(lambda info: _tell(_joined, info), lambda info, cause: _tell(_lost, info, cause))


def is_initialized() -> bool:
    """Whether this process is a worker now."""
    return _C._rpc.is_initialized()


def get_worker_info(worker_name: str | int | WorkerInfo | None = None) -> WorkerInfo:
    """The WorkerInfo of the worker of that name, of this one for None.

    An unknown one, or one that has left a world that changes, is a ValueError (and RuntimeError) that lists the known names.
    """
    return _C._rpc.self() if worker_name is None else _C._rpc.worker_info(worker_name)


def _require_initialized(func: Callable[_P, _R]) -> Callable[_P, _R]:
    """A decorator: the function raises a RuntimeError while this process is not a worker."""

    @functools.wraps(func)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not is_initialized():
            _C._rpc.self()  # raises
        return func(*args, **kwargs)

    return wrapper


def _is_current_rpc_agent_set() -> bool:
    return is_initialized()


def _get_current_rpc_agent() -> _agent.TensorPipeAgent:
    """The agent of this worker; RuntimeError when it is none."""
    _C._rpc.self()
    return _agent.the_agent


def _barrier(worker_names: Iterable[str]) -> None:
    """Returns when all these workers, of which this is one, have called it."""
    _all_gather(None, worker_names)


def _wait_all_workers(timeout: _Seconds = DEFAULT_SHUTDOWN_TIMEOUT) -> None:
    """Returns when all workers have called it."""
    _all_gather(None, timeout=timeout)


def get_rpc_timeout() -> float:
    """Seconds after which a call fails that names no timeout; 0 for none."""
    return _C._rpc.get_rpc_timeout()


def _set_rpc_timeout(seconds: _Seconds) -> None:
    _C._rpc.set_rpc_timeout(_seconds("rpc_timeout", seconds, none_is_zero=True))


# What a pickle sends by its name alone.
_NAMED = frozenset((types.FunctionType, type))


# For a callee by its name, one with plain arguments, and one in a pickle.
_CALL = (_C._rpc.call_named, _C._rpc.call_plain, _C._rpc.call_python)
_AWAITED = (_C._rpc.awaited_named, _C._rpc.awaited_plain, _C._rpc.awaited_python)
_REMOTE = (_C._rpc.remote_named, _C._rpc.remote_plain, _C._rpc.remote_python)


def _send(
    how: tuple[Callable[..., _R], Callable[..., _R | None], Callable[..., _R]],
    to: _To,
    func: Any,
    args: _Args,
    kwargs: _Kwargs,
    timeout: _Seconds,
) -> _R:
    """Sends a call of `func`: by name when it is one, an operator or a script function, or a function with plain arguments.

    Else pickled.
    """
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
    if timeout is not UNSET_RPC_TIMEOUT:
        timeout = call_timeout(timeout)
    named, plain, python = how
    if type(func) is _C.Builtin:
        return named(to, func.op_name, args, kwargs, timeout, False)
    script = getattr(func, "_wrapped_async_rpc_function", func)
    if type(script) is _C.ScriptFunction:
        return named(to, script.qualified_name, args, kwargs, timeout, script is not func)
    if type(func) is str:
        return named(to, func, args, kwargs, timeout, False)
    if _registry.names:
        registered = _registry.name_for(to, func, args, kwargs)
        if registered is not None:
            return named(to, registered, args, kwargs, timeout, False)
    by_name = False
    if type(func) in _NAMED:
        sent = plain(to, func, args, kwargs, timeout, None)
        if sent is not None:
            return sent
        by_name = _C._rpc.has_name(func)
    if not callable(func):
        raise TypeError(f"func: expected something that can be called, or the name of a function, got {func!r}")
    data, leaves = _pickling.call_to_pickle(func, args, kwargs, by_name)
    return python(to, func if by_name else _pickling.name_of(func), data, leaves, timeout, None)


def rpc_async(
    to: str | int | WorkerInfo,
    func: Callable[..., Any] | str,
    args: tuple[Any, ...] | list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    timeout: _Seconds = UNSET_RPC_TIMEOUT,
) -> Future[Any]:
    """Calls ``func(*args, **kwargs)`` on worker ``to`` and returns a Future of its result at once.

    Args:
        to: name, rank or WorkerInfo of the callee.
        func: an operator (``tine.add``), a script function, or a Python function that the callee can import. Or a name:
            that of an operator (``"aten::add"``), of a script function, else of a function that the callee serves (C++) or
            has registered (:func:`register`), or ``"module:qualname"``, a Python function that it can import. An object that only Python can read cannot be an argument of those.
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
    made = _send(_CALL, to, func, args, kwargs, timeout)
    if _gather.waiting:
        _gather.made(made)
    return made


def rpc_sync(
    to: str | int | WorkerInfo,
    func: Callable[..., Any] | str,
    args: tuple[Any, ...] | list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    timeout: _Seconds = UNSET_RPC_TIMEOUT,
) -> Any:
    """As :func:`rpc_async`, but waits and returns the result."""
    return _send(_AWAITED, to, func, args, kwargs, timeout).wait()


def call(to: str | int | WorkerInfo, func: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> Future[Any]:
    """As :func:`rpc_async`, with the arguments as they are in a call: ``await rpc.call("w1", f, x, key=y)``."""
    return rpc_async(to, func, args, kwargs)


def remote(
    to: str | int | WorkerInfo,
    func: Callable[..., Any] | str,
    args: tuple[Any, ...] | list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    timeout: _Seconds = UNSET_RPC_TIMEOUT,
) -> RRef[Any]:
    """Calls ``func(*args, **kwargs)`` on worker ``to``, keeps the result there, and returns an RRef to it at once.

    Args and source as :func:`rpc_async`; ``func`` may be a class. An error of the call is raised by ``to_here()``; when
    nobody asks, it is told once. Arguments that an operator or a script does not take are an error here and now.
    """
    return _send(_REMOTE, to, func, args, kwargs, timeout)


def _invoke_rpc_builtin(dst: _To, opName: str, rpcTimeoutSeconds: _Seconds, /, *args: Any, **kwargs: Any) -> Future[Any]:
    """A call of an operator by its name, as PyTorch's own code makes it. So are those below."""
    return _C._rpc.call_named(dst, opName, args, kwargs, call_timeout(rpcTimeoutSeconds), False)


def _invoke_rpc_torchscript(
    dstWorkerName: _To, qualifiedNameStr: str, argsTuple: tuple[Any, ...], kwargsDict: dict[str, Any], rpcTimeoutSeconds: _Seconds, isAsyncExecution: bool, /
) -> Future[Any]:
    return _C._rpc.call_named(
        dstWorkerName, qualifiedNameStr, argsTuple, kwargsDict, call_timeout(rpcTimeoutSeconds), bool(isAsyncExecution)
    )


def _invoke_rpc_python_udf(
    dst: _To, pickledPythonUDF: bytes, tensors: list[Any], rpcTimeoutSeconds: _Seconds, isAsyncExecution: bool, /
) -> Future[Any]:
    """Of what internal.serialize() makes. The callee sees for itself whether the function is an async one."""
    return _C._rpc.call_python(dst, _A_FUNCTION, pickledPythonUDF, list(tensors), call_timeout(rpcTimeoutSeconds), None)


def _invoke_remote_builtin(dst: _To, opName: str, rpcTimeoutSeconds: _Seconds, /, *args: Any, **kwargs: Any) -> RRef[Any]:
    return _C._rpc.remote_named(dst, opName, args, kwargs, call_timeout(rpcTimeoutSeconds), False)


def _invoke_remote_torchscript(
    dstWorkerName: _To, qualifiedNameStr: str, rpcTimeoutSeconds: _Seconds, isAsyncExecution: bool, /, *args: Any, **kwargs: Any
) -> RRef[Any]:
    return _C._rpc.remote_named(dstWorkerName, qualifiedNameStr, args, kwargs, call_timeout(rpcTimeoutSeconds), bool(isAsyncExecution))


def _invoke_remote_python_udf(
    dst: _To, pickledPythonUDF: bytes, tensors: list[Any], rpcTimeoutSeconds: _Seconds, isAsyncExecution: bool, /
) -> RRef[Any]:
    return _C._rpc.remote_python(dst, _A_FUNCTION, pickledPythonUDF, list(tensors), call_timeout(rpcTimeoutSeconds), None)


_A_FUNCTION = "a pickled Python function"
