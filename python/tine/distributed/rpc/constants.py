"""The defaults of init_rpc and of calls, under PyTorch's names."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime

    DEFAULT_PROCESS_GROUP_TIMEOUT: datetime.timedelta

DEFAULT_RPC_TIMEOUT_SEC = 60.0
DEFAULT_INIT_METHOD = "env://"
DEFAULT_SHUTDOWN_TIMEOUT = 0.0
DEFAULT_NUM_WORKER_THREADS = 16
# What stands for "no timeout was given".
UNSET_RPC_TIMEOUT = -1.0


def __getattr__(name: str) -> datetime.timedelta:
    # PyTorch's of a group of processes that tine does not need. Few ask for it, and a worker that does not can do without the
    # memory of the module.
    if name == "DEFAULT_PROCESS_GROUP_TIMEOUT":
        from datetime import timedelta

        return timedelta(milliseconds=2**31 - 1)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
