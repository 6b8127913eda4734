"""tine: one asynchronous runtime for tensor programs.

The same Future whether the work runs on another thread, inside a compiled script, or on another machine.
It speaks PyTorch's names: ``import tine as torch`` runs programs of torch.futures, torch.jit and
torch.distributed.rpc. docs/differences.md lists where it differs.
"""

from tine import _C, futures
from tine._C import (
    Abandoned,
    AuthError,
    Cancelled,
    DeadlineExceeded,
    PeerDied,
    RemoteError,
    ShapeError,
    SyntaxError,
)

__version__ = "0.1.0"
