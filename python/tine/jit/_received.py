"""Classes for named tuples and enums that came without one: from another worker, or from a text."""

from __future__ import annotations

import enum
import sys
import threading
from collections import OrderedDict, namedtuple
from typing import Any, cast

from . import _records
from ._types import record_name

_received: OrderedDict[str, type] = OrderedDict()  # by their definitions; what was used last stays
_MOST_RECEIVED = 1024
_lock = threading.RLock()  # the garbage collector may run code that needs it


def class_of(name: str, definition: str, fields: tuple[str, ...] | None, members: dict[str, Any] | None) -> type:
    """The class of a type that was not made from a class here: one of that name in a module that is loaded, if it is the same,
    and otherwise a new one."""
    done = _last(definition)
    if done is not None:
        return done
    done = _loaded(name, fields, members)
    if done is not None:
        try:
            record_name(done)
        except _records.UnknownType:
            pass  # no script here can have it
        return done
    module, _, short = name.rpartition(".")
    short = short.partition("___tine_")[0]
    made: Any = namedtuple(short, fields) if fields is not None else enum.Enum(short, members or {})
    made.__module__ = module
    oldest = None
    with _lock:
        done = _last(definition)  # another thread may have been faster
        if done is not None:
            return done
        _received[definition] = made
        if len(_received) > _MOST_RECEIVED:
            oldest = _received.popitem(last=False)
        _records.define(made, name, definition)
    del oldest  # not under the lock
    return cast(type, made)


def _last(definition: str) -> type | None:
    with _lock:
        if definition in _received:
            _received.move_to_end(definition)
        return _received.get(definition)


def _loaded(name: str, fields: tuple[str, ...] | None, members: dict[str, Any] | None) -> type | None:
    parts = name.split(".")
    for at in range(len(parts) - 1, 0, -1):
        obj: Any = sys.modules.get(".".join(parts[:at]))
        if obj is None:
            continue
        for part in parts[at:]:
            obj = getattr(obj, part, None)
        same = _records.is_named_tuple(obj) and obj._fields == fields if fields is not None else (
            _records.is_enum(obj) and {member.name: member.value for member in obj} == members)
        return obj if same else None
    return None
