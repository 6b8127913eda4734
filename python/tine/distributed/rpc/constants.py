"""The defaults of init_rpc and of calls, under PyTorch's names."""
DEFAULT_RPC_TIMEOUT_SEC = 60.0
DEFAULT_INIT_METHOD = "env://"
DEFAULT_SHUTDOWN_TIMEOUT = 0.0
DEFAULT_NUM_WORKER_THREADS = 16
# What stands for "no timeout was given".
UNSET_RPC_TIMEOUT = -1.0
