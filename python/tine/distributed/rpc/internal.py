"""Calls in the two steps that PyTorch's own code makes: what is called becomes bytes and tensors, which are then sent."""
from __future__ import annotations

import collections
import enum

from . import _pickling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RPCExecMode(enum.Enum):
    """How a call is made."""

    SYNC = "sync"
    ASYNC = "async"
    ASYNC_JIT = "async_jit"
    REMOTE = "remote"


# A call of a Python function.
PythonUDF = collections.namedtuple("PythonUDF", ["func", "args", "kwargs"])


class _InternalRPCPickler:
    """Makes bytes, and what travels beside them, of an object, and back."""

    def serialize(self, obj: Any) -> tuple[bytes, list[Any]]:
        if isinstance(obj, PythonUDF):
            return _pickling.call_to_pickle(obj.func, tuple(obj.args or ()), dict(obj.kwargs or {}))
        return _pickling.to_pickle(obj, "the object")

    def deserialize(self, binary_data: bytes, tensor_table: list[Any]) -> Any:
        return _pickling.from_pickle(binary_data, list(tensor_table))


_internal_rpc_pickler = _InternalRPCPickler()


def serialize(obj: Any) -> tuple[bytes, list[Any]]:
    return _internal_rpc_pickler.serialize(obj)


def deserialize(binary_data: bytes, tensor_table: list[Any]) -> Any:
    return _internal_rpc_pickler.deserialize(binary_data, tensor_table)


__all__ = ["PythonUDF", "RPCExecMode", "deserialize", "serialize"]
