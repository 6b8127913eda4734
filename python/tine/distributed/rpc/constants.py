"""The defaults of init_rpc and of calls, under PyTorch's names."""
import datetime

DEFAULT_RPC_TIMEOUT_SEC = 60.0
DEFAULT_INIT_METHOD = "env://"
DEFAULT_SHUTDOWN_TIMEOUT = 0.0
DEFAULT_NUM_WORKER_THREADS = 16
# PyTorch's of a group of processes that tine does not need.
DEFAULT_PROCESS_GROUP_TIMEOUT = datetime.timedelta(milliseconds=2**31 - 1)
# What stands for "no timeout was given".
UNSET_RPC_TIMEOUT = -1.0
