"""Deadlines, cancel scopes, the current call."""

from datetime import timedelta

import tine
from tine.distributed import rpc

with tine.deadline(2.0) as limit:
    reveal_type(limit.remaining)  # revealed: float | None
tine.deadline(timedelta(seconds=1))
tine.deadline("2")  # error: arg-type

with tine.CancelScope(shield=True) as scope:
    reveal_type(scope.cancel())  # revealed: bool
    reveal_type(scope.cancelled)  # revealed: bool
tine.Context.current().check()

call = rpc.current_call()
call.name  # error: union-attr
if call is not None:
    reveal_type(call.caller.name)  # revealed: str
    reveal_type(call.deadline)  # revealed: float | None

try:
    rpc.rpc_sync("worker1", tine.add, args=(1, 2))
except RuntimeError as error:
    for note in error.__notes__:
        if isinstance(note, rpc.Hop):
            reveal_type(note.began)  # revealed: float
