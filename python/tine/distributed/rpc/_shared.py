"""Tensors in memory that the workers of one machine share."""
from __future__ import annotations

import operator
from collections.abc import Sequence

from ... import _C


def shared_empty(*size: int | Sequence[int], dtype: _C.dtype | None = None) -> _C.Tensor:
    """A tensor whose elements, which are not set, other workers of this machine use in place.

    It and its views, and NumPy arrays on its memory, are sent to them and come back in their answers without a copy. So both
    sides have the same memory: what one writes, the other sees. So a caller writes to it again after the call, and a callee that
    keeps what it received calls ``clone()``. To a worker on another machine, over another
    transport, or with ``allow="registered"``, it is sent as any tensor is, as a copy.

    Making one costs what fresh pages cost, 1 us for 4 KiB: use it again. Where such memory cannot be had the tensor is an
    ordinary one, and the log says so once; so it is below 4 KiB. docs/spec/shm.md, "Memory that is lent".

    Args:
        size: as of :func:`tine.empty`: ints, or one sequence of them.
        dtype: float32 unless it is given.

    >>> batch = rpc.shared_empty(64, 3, 224, 224)
    >>> fill(batch)
    >>> rpc.rpc_sync("worker1", train, args=(batch,))
    """
    given = size[0] if len(size) == 1 and isinstance(size[0], Sequence) else size
    if isinstance(given, str):
        raise TypeError(f"shared_empty: expected the sizes of a tensor, got {given!r}")
    sizes = tuple(operator.index(n) for n in given)  # type: ignore[arg-type]
    return _C._rpc.shared_empty(sizes, _C.float32 if dtype is None else dtype)
