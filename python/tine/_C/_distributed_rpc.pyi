"""PyTorch's private name of the classes of tine.distributed.rpc."""

from ._rpc import RRef as PyRRef
from ._rpc import WorkerInfo as WorkerInfo
