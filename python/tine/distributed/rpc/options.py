"""What init_rpc can be told about its backend; PyTorch's names, for programs that pass them."""
import enum

DEFAULT_RPC_TIMEOUT_SEC = 60.0
DEFAULT_INIT_METHOD = "env://"
DEFAULT_NUM_WORKER_THREADS = 16


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
            raise ValueError("tine has CPU tensors only: device_maps and devices other than \"cpu\" cannot be used")
        self.num_worker_threads = num_worker_threads
        self.device_maps = {}
        self.devices = []


__all__ = ["BackendType", "RpcBackendOptions", "TensorPipeRpcBackendOptions", "DEFAULT_RPC_TIMEOUT_SEC"]
