"""What init_rpc can be told about its backend; PyTorch's names, for programs that pass them."""
import enum

DEFAULT_RPC_TIMEOUT_SEC = 60.0
DEFAULT_INIT_METHOD = "env://"
DEFAULT_NUM_WORKER_THREADS = 16
DEFAULT_MAX_HANDLER_THREADS = 4096
_MOST_HANDLER_THREADS = 32768


class BackendType(enum.Enum):
    """The one backend, under PyTorch's name."""

    TENSORPIPE = "TENSORPIPE"


class RpcBackendOptions:
    """How a worker is set up.

    Args:
        rpc_timeout: seconds after which a call fails that names no timeout of its own; 0 for none.
        init_method: ``"env://"`` (MASTER_ADDR and MASTER_PORT) or ``"tcp://host:port"``, where rank 0 listens.
        init_timeout: seconds within which all workers must have come together.
    """

    num_worker_threads = DEFAULT_NUM_WORKER_THREADS
    max_handler_threads = DEFAULT_MAX_HANDLER_THREADS

    def __init__(
        self, rpc_timeout=DEFAULT_RPC_TIMEOUT_SEC, init_method=DEFAULT_INIT_METHOD, *, init_timeout=60.0
    ):
        if rpc_timeout < 0:
            raise ValueError(f"rpc_timeout: expected seconds, 0 or more, got {rpc_timeout}")
        self.rpc_timeout = float(rpc_timeout)
        self.init_method = init_method
        self.init_timeout = float(init_timeout)

    def __repr__(self):
        return f"{type(self).__name__}(rpc_timeout={self.rpc_timeout}, init_method={self.init_method!r})"


def _threads(name, value, least):
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if not least <= value <= _MOST_HANDLER_THREADS:
        words = f"{name} must be positive, got {value}" if value < 1 else f"{name} is {value}"
        raise ValueError(f"{words}: expected {least} to {_MOST_HANDLER_THREADS}")
    return value


class TensorPipeRpcBackendOptions(RpcBackendOptions):
    """PyTorch's options, and how many threads may run what others call here.

    Args:
        num_worker_threads: so many threads run Python handlers before anybody asks whether those get on. When
            none does, because all sleep or wait for something, more threads come: handlers that block hold up
            no other. Idle threads end; one that is there costs what handlers have touched of its
            stack of 8 MiB, some 30 KiB.
        max_handler_threads: at most so many, by default 4,096 or num_worker_threads, whichever is more. A call that
            finds them all blocked fails at its caller with an error that says so.
        device_maps, devices: devices other than the CPU are refused.
        _transports, _channels: accepted, no effect: transports are chosen by distance.

    The others are RpcBackendOptions'. Source: ``torch.distributed.rpc.TensorPipeRpcBackendOptions``.
    """

    def __init__(
        self,
        *,
        num_worker_threads=DEFAULT_NUM_WORKER_THREADS,
        max_handler_threads=None,
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
            raise ValueError("tine has CPU tensors only: device_maps and devices other than \"cpu\" cannot be used")
        self.num_worker_threads = _threads("num_worker_threads", num_worker_threads, 1)
        if max_handler_threads is None:
            max_handler_threads = max(DEFAULT_MAX_HANDLER_THREADS, num_worker_threads)
        self.max_handler_threads = _threads("max_handler_threads", max_handler_threads, num_worker_threads)
        self.device_maps = {}
        self.devices = []


__all__ = ["BackendType", "RpcBackendOptions", "TensorPipeRpcBackendOptions", "DEFAULT_RPC_TIMEOUT_SEC"]
