"""What init_rpc can be told about its backend; PyTorch's names, for programs that pass them."""
import enum

from .constants import DEFAULT_INIT_METHOD, DEFAULT_NUM_WORKER_THREADS, DEFAULT_RPC_TIMEOUT_SEC

_CPU_ONLY = "tine has CPU tensors only: device_maps and devices other than \"cpu\" cannot be used"


class BackendType(enum.Enum):
    """The one backend, under PyTorch's name."""

    TENSORPIPE = "TENSORPIPE"


def _seconds(name, given, none_is_zero):
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected seconds, got {given!r} of type {type(given).__qualname__}") from None
    if seconds > 0 or (none_is_zero and seconds == 0):
        return seconds
    raise ValueError(f"{name}: expected seconds, {'0 (none) or more' if none_is_zero else 'more than 0'}, got {given}")


class RpcBackendOptions:
    """How a worker is set up.

    Args:
        rpc_timeout: seconds after which a call fails that names no timeout of its own; 0 for none.
        init_method: ``"env://"`` (MASTER_ADDR and MASTER_PORT) or ``"tcp://host:port"``, where rank 0 listens.
        init_timeout: seconds within which all workers must have come together; infinity waits as long as it takes.
    """

    def __init__(
        self, rpc_timeout=DEFAULT_RPC_TIMEOUT_SEC, init_method=DEFAULT_INIT_METHOD, *, init_timeout=60.0
    ):
        self.rpc_timeout = _seconds("rpc_timeout", rpc_timeout, none_is_zero=True)
        self.init_method = init_method
        self.init_timeout = _seconds("init_timeout", init_timeout, none_is_zero=False)

    def __repr__(self):
        return f"{type(self).__name__}(rpc_timeout={self.rpc_timeout}, init_method={self.init_method!r})"


class TensorPipeRpcBackendOptions(RpcBackendOptions):
    """PyTorch's options. Devices other than the CPU are refused; `num_worker_threads`, `_transports` and
    `_channels` are accepted and have no effect: threads come on demand, transports are chosen by distance.
    """

    def __init__(
        self,
        *,
        num_worker_threads=DEFAULT_NUM_WORKER_THREADS,
        rpc_timeout=DEFAULT_RPC_TIMEOUT_SEC,
        init_method=DEFAULT_INIT_METHOD,
        device_maps=None,
        devices=None,
        init_timeout=60.0,
        _transports=None,
        _channels=None,
    ):
        super().__init__(rpc_timeout, init_method, init_timeout=init_timeout)
        if device_maps or (devices and any(str(d) != "cpu" for d in devices)):
            raise ValueError(_CPU_ONLY)
        self.num_worker_threads = num_worker_threads
        self.device_maps = {}
        self.devices = []

    def set_device_map(self, to, device_map):
        """A map of CPU to CPU changes nothing; another one is a ValueError."""
        if any(str(device) != "cpu" for pair in dict(device_map).items() for device in pair):
            raise ValueError(f"{_CPU_ONLY} (set_device_map for worker {to!r})")

    def set_devices(self, devices):
        """Only "cpu"; another device is a ValueError."""
        if any(str(device) != "cpu" for device in devices):
            raise ValueError(f"{_CPU_ONLY} (set_devices)")


__all__ = ["BackendType", "RpcBackendOptions", "TensorPipeRpcBackendOptions", "DEFAULT_RPC_TIMEOUT_SEC"]
