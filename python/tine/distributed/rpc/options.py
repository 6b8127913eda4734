"""What init_rpc can be told about its backend; PyTorch's names, for programs that pass them."""
from __future__ import annotations

import enum
import os
import sys
from collections.abc import Iterable, Mapping

from ... import _C
from .constants import DEFAULT_INIT_METHOD, DEFAULT_NUM_WORKER_THREADS, DEFAULT_RPC_TIMEOUT_SEC, UNSET_RPC_TIMEOUT

DEFAULT_MAX_HANDLER_THREADS = 4096
DEFAULT_TRANSPORTS = ("shm", "unix", "tcp")
DEFAULT_MAX_SEND_BUFFER_BYTES = 64 << 20
DEFAULT_MAX_MAPPED_BYTES = 4 << 30
DEFAULT_MAX_CALLS_IN_FLIGHT = 65536
DEFAULT_HEARTBEAT_INTERVAL = 5.0
DEFAULT_HEARTBEAT_TIMEOUT = 30.0
DEFAULT_POLLING = 50e-6
TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from typing import Any

_LONGEST = 1e6  # seconds: eleven days and a half
_MOST_HANDLER_THREADS = 32768
_CPU_ONLY = "tine has CPU tensors only: device_maps and devices other than \"cpu\" cannot be used"


def _cpus(what: str, devices: Any) -> list[str]:
    """Devices, each of which is the CPU: "cpu", "cpu:0" or a device of that name."""
    if isinstance(devices, (str, bytes)) or not isinstance(devices, Iterable):
        raise TypeError(f"{what}: expected a list of devices, got {devices!r}")
    for device in devices:
        if isinstance(device, bool) or str(device) not in ("cpu", "cpu:0"):
            raise _C.ValueError(f"{_CPU_ONLY} ({what}: {device!r})")
    return ["cpu" for _ in devices]


def _cpu_map(to: Any, device_map: Any) -> dict[str, str]:
    if not isinstance(to, str):
        raise TypeError(f"device map: expected the name of a worker, got {to!r}")
    what = f"device map for worker {to!r}"
    if not isinstance(device_map, Mapping):
        raise TypeError(f"{what}: expected a dict of devices, got {device_map!r}")
    pairs = list(device_map.items())
    mapped = dict(zip(_cpus(what, [k for k, _ in pairs]), _cpus(what, [v for _, v in pairs])))
    if len(pairs) > 1:
        raise _C.ValueError(f"{what}: only supports 1-to-1 mapping, got {len(pairs)} pairs for one CPU")
    return mapped




def _is_timedelta(given: Any) -> bool:
    timedelta: Any = getattr(sys.modules.get("datetime"), "timedelta", ())  # who has one has imported it
    return isinstance(given, timedelta)


def _number(name: str, given: Any, expected: str) -> float:
    """Seconds as a number, or as a datetime.timedelta. A str of a number is not one."""
    if _is_timedelta(given):
        seconds: float = given.total_seconds()
        return seconds
    try:
        if isinstance(given, (str, bytes, bytearray)):
            raise TypeError
        return float(given)
    except OverflowError:
        raise _C.ValueError(f"{name}: expected {expected}, got a number with more than 300 digits") from None
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected {expected}, got {given!r} of type {type(given).__qualname__}") from None


def _seconds(name: str, given: Any, none_is_zero: bool) -> float:
    seconds = _number(name, given, "seconds")
    if seconds > 0 or (none_is_zero and seconds == 0):
        return seconds
    raise _C.ValueError(f"{name}: expected seconds, {'0 (none) or more' if none_is_zero else 'more than 0'}, got {given}")


def call_timeout(given: Any) -> float:
    """The timeout of one call: seconds, 0 for none, -1 for that of init_rpc. More than 30 years are as good as none."""
    seconds = _number("timeout", given, "seconds (0 for none)")
    # A timedelta of -1 second is a time, not the mark for the default.
    if seconds >= 0 or (seconds == UNSET_RPC_TIMEOUT and not _is_timedelta(given)):
        return seconds
    raise _C.ValueError(f"timeout: expected seconds (0 for none), got {given}")


def _at_most(name: str, given: Any, most: float, none_is_zero: bool) -> float:
    seconds = _seconds(name, given, none_is_zero)
    if seconds > most:
        raise _C.ValueError(f"{name}: expected at most {most:g} seconds, got {given}")
    return seconds


def _whole(name: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if not least <= value <= most:
        words = f"{name} must be positive, got {value}" if least == 1 > value else f"{name} is {value}"
        raise _C.ValueError(f"{words}: expected {least} to {most}")
    return value


def _threads(name: str, value: object, least: int) -> int:
    return _whole(name, value, least, _MOST_HANDLER_THREADS)


class TlsOptions:
    """The files that make a worker's TCP connections encrypted, by TLS 1.3. ``tine keys`` makes such files.

    Args:
        cert: this worker's certificate in PEM, followed by those between it and ``ca``. It names the worker.
        key: its private key in PEM, which no other user may read.
        ca: the authorities that the other workers' certificates must come from.
    """

    __slots__ = ("cert", "key", "ca")

    def __init__(self, cert: str | os.PathLike[str], key: str | os.PathLike[str], ca: str | os.PathLike[str]) -> None:
        self.cert = _path("cert", cert)
        self.key = _path("key", key)
        self.ca = _path("ca", ca)

    def __repr__(self) -> str:
        return f"TlsOptions(cert={self.cert!r}, key={self.key!r}, ca={self.ca!r})"


def _path(name: str, given: Any) -> str:
    try:
        path = os.fsdecode(given)
    except TypeError:
        raise TypeError(f"{name}: expected the path of a file, got {given!r}") from None
    if not path:
        raise ValueError(f"{name}: expected the path of a file, got an empty text")
    return path


def _tls(given: object) -> TlsOptions | None:
    if given is None or isinstance(given, TlsOptions):
        return given
    raise TypeError(f"tls: expected TlsOptions or None, got {given!r}")


def _tls_paths(given: object) -> tuple[str, str, str]:
    """For the core, which asks the environment where all are empty."""
    tls = _tls(given)
    return (tls.cert, tls.key, tls.ca) if tls else ("", "", "")


# Whether only registered functions run for others.
ALLOW = {"all": False, "registered": True}


def _allow(given: object) -> str:
    if isinstance(given, str) and given in ALLOW:
        return given
    raise ValueError(f'allow: expected "all" or "registered", got {given!r}')


def _names(name: str, given: str | Iterable[str]) -> list[str]:
    """Whether there is such a transport is known to the core, which init_rpc asks."""
    names = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(n, str) for n in names):
        raise TypeError(f"{name}: expected a list of names, got {given!r}")
    return names


class RpcBackendOptions:
    """How a worker is set up.

    Args:
        rpc_timeout: seconds after which a call fails that names no timeout of its own; 0 for none.
        init_method: ``"env://"`` (MASTER_ADDR and MASTER_PORT) or ``"tcp://host:port"``, where rank 0 listens. Or
            ``"file:///path"``, a file in which rank 0 says where it listens, and which it removes;
            ``"file:///path?host=name"`` with the name of its machine if others are on another one.
        init_timeout: seconds within which all workers must have come together; infinity waits as long as it takes.
        max_send_buffer_bytes: so much memory that was copied to be sent to one worker (pickles, strings, lists; a tensor
            is sent from where it lies) may wait before callers wait, and handlers with their answers. Nothing fails.
        max_mapped_bytes: so much of other workers' shared memory (:func:`shared_empty`) is used in place, of one worker half.
            Beyond it, and always with ``allow="registered"``, its tensors are copied.
        max_calls_in_flight: so many calls to one worker may be without an answer before callers wait.
        heartbeat_interval: seconds of silence after which a worker is asked for a sign of life; 0: it is never asked.
        heartbeat_timeout: seconds of silence after which it is dead.
        polling: seconds for which a thread that waits for an answer looks for it before it sleeps, as long as
            that pays; 0: it sleeps at once.
        transports: the ways between workers, nearest first: another worker is reached by the first that leads to it.
            ``"shm"``: memory that two processes of one machine share. ``"unix"``: sockets between such
            processes. ``"tcp"``: needed for init_method.
        tls: the files that encrypt TCP. None: those that TINE_TLS_CERT, TINE_TLS_KEY and TINE_TLS_CA name in the environment;
            where these are not set either, TCP is plain text, and addresses beyond loopback are refused unless
            TINE_PLAINTEXT=1 says that the network is trusted.
        allow: what other workers may make this one run. ``"all"``: operators, scripts, and every Python function that it can
            import. ``"registered"``: functions that it has registered (:func:`register`), and nothing else; it reads no
            pickle of theirs, also not as an answer or as an exception.
    """

    num_worker_threads = DEFAULT_NUM_WORKER_THREADS
    max_handler_threads = DEFAULT_MAX_HANDLER_THREADS

    def __init__(
        self,
        rpc_timeout: float | datetime.timedelta = DEFAULT_RPC_TIMEOUT_SEC,
        init_method: str = DEFAULT_INIT_METHOD,
        *,
        init_timeout: float | datetime.timedelta = 60.0,
        max_send_buffer_bytes: int = DEFAULT_MAX_SEND_BUFFER_BYTES,
        max_mapped_bytes: int = DEFAULT_MAX_MAPPED_BYTES,
        max_calls_in_flight: int = DEFAULT_MAX_CALLS_IN_FLIGHT,
        heartbeat_interval: float = DEFAULT_HEARTBEAT_INTERVAL,
        heartbeat_timeout: float = DEFAULT_HEARTBEAT_TIMEOUT,
        polling: float = DEFAULT_POLLING,
        transports: str | Iterable[str] = DEFAULT_TRANSPORTS,
        tls: TlsOptions | None = None,
        allow: str = "all",
    ) -> None:
        self.rpc_timeout = _seconds("rpc_timeout", rpc_timeout, none_is_zero=True)
        self.init_method = init_method
        self.init_timeout = _seconds("init_timeout", init_timeout, none_is_zero=False)
        self.max_send_buffer_bytes = _whole("max_send_buffer_bytes", max_send_buffer_bytes, 1, 2**63 - 1)
        self.max_mapped_bytes = _whole("max_mapped_bytes", max_mapped_bytes, 0, 2**63 - 1)
        self.max_calls_in_flight = _whole("max_calls_in_flight", max_calls_in_flight, 1, 2**31 - 1)
        self.heartbeat_interval = _at_most("heartbeat_interval", heartbeat_interval, _LONGEST, none_is_zero=True)
        self.heartbeat_timeout = _at_most("heartbeat_timeout", heartbeat_timeout, _LONGEST, none_is_zero=False)
        self.polling = _at_most("polling", polling, 1.0, none_is_zero=True)
        self.transports = _names("transports", transports)
        self.tls = _tls(tls)
        self.allow = _allow(allow)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


class TensorPipeRpcBackendOptions(RpcBackendOptions):
    """PyTorch's options, and how many threads may run what others call here.

    Args:
        num_worker_threads: so many threads run Python handlers before anybody asks whether those get on. When
            none does, because all sleep or wait for something, more threads come: handlers that block hold up
            no other. Idle threads end; one that is there costs what handlers have touched of its
            stack of 8 MiB, some 30 KiB.
        max_handler_threads: at most so many, by default 4,096 or num_worker_threads, whichever is more. A call that
            finds them all blocked, for a tenth of a second where it cannot be known, fails at its caller with an
            error that says so.
        device_maps, devices: devices other than the CPU are refused.
        _transports, _channels: accepted, no effect: PyTorch's names for what it has. See transports.

    The others are RpcBackendOptions'. Source: ``torch.distributed.rpc.TensorPipeRpcBackendOptions``.
    """

    def __init__(
        self,
        *,
        num_worker_threads: int = DEFAULT_NUM_WORKER_THREADS,
        max_handler_threads: int | None = None,
        rpc_timeout: float | datetime.timedelta = DEFAULT_RPC_TIMEOUT_SEC,
        init_method: str = DEFAULT_INIT_METHOD,
        device_maps: Mapping[str, Any] | None = None,
        devices: Iterable[Any] | None = None,
        init_timeout: float | datetime.timedelta = 60.0,
        max_send_buffer_bytes: int = DEFAULT_MAX_SEND_BUFFER_BYTES,
        max_mapped_bytes: int = DEFAULT_MAX_MAPPED_BYTES,
        max_calls_in_flight: int = DEFAULT_MAX_CALLS_IN_FLIGHT,
        heartbeat_interval: float = DEFAULT_HEARTBEAT_INTERVAL,
        heartbeat_timeout: float = DEFAULT_HEARTBEAT_TIMEOUT,
        polling: float = DEFAULT_POLLING,
        transports: str | Iterable[str] = DEFAULT_TRANSPORTS,
        tls: TlsOptions | None = None,
        allow: str = "all",
        _transports: Iterable[str] | None = None,
        _channels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(
            rpc_timeout,
            init_method,
            init_timeout=init_timeout,
            max_send_buffer_bytes=max_send_buffer_bytes,
            max_mapped_bytes=max_mapped_bytes,
            max_calls_in_flight=max_calls_in_flight,
            heartbeat_interval=heartbeat_interval,
            heartbeat_timeout=heartbeat_timeout,
            polling=polling,
            transports=transports,
            tls=tls,
            allow=allow,
        )
        self.num_worker_threads = _threads("num_worker_threads", num_worker_threads, 1)
        if max_handler_threads is None:
            max_handler_threads = max(DEFAULT_MAX_HANDLER_THREADS, num_worker_threads)
        self.max_handler_threads = _threads("max_handler_threads", max_handler_threads, num_worker_threads)
        self.device_maps = {to: _cpu_map(to, given) for to, given in dict(device_maps or {}).items()}
        self.devices = _cpus("devices", [] if devices is None else devices)

    def set_device_map(self, to: str, device_map: Mapping[Any, Any]) -> None:
        """A map of CPU to CPU changes nothing; another one is a ValueError."""
        mapped = _cpu_map(to, device_map)
        self.device_maps.setdefault(to, {}).update(mapped)

    def set_devices(self, devices: Iterable[Any]) -> None:
        """Only "cpu"; another device is a ValueError."""
        self.devices = _cpus("set_devices", devices)


__all__ = ["RpcBackendOptions", "TensorPipeRpcBackendOptions", "TlsOptions", "DEFAULT_RPC_TIMEOUT_SEC"]
