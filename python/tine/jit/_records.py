"""Classes of named tuples and enums, and the script types that they stand for.

Values that leave a script are objects of the very class.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
import threading
import typing
import weakref
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from .. import _C
from ..futures import Future
from ._registry import clean_name

_Lookup = Callable[[str], Any]
_TextOf = Callable[[Any, _Lookup], str]


class UnknownType(Exception):
    """An annotation that no script type stands for; the text says why."""


# Reentrant: the garbage collector may run code that needs it. It is not held while annotations are evaluated.
_lock = threading.RLock()
_names: WeakKeyDictionary[type, str] = WeakKeyDictionary()  # class -> name of its type
# Each name that was ever given out, since types may live longer than their classes -> the last number after it.
_numbers: dict[str, int] = {}


class _Open(threading.local):
    """The classes whose fields a thread is looking at."""

    def __init__(self) -> None:
        self.classes: set[type] = set()


_open = _Open()


if sys.version_info >= (3, 14):  # a class evaluates its annotations when it is asked for them (PEP 649, PEP 749)
    from annotationlib import Format, get_annotations

    def own_annotations(cls: type) -> dict[str, Any]:
        """Of the class alone, as they are written."""
        return get_annotations(cls, format=Format.FORWARDREF)
else:
    own_annotations = inspect.get_annotations


# What annotations need no import for.
_KNOWN_TO_ALL: dict[str, Any] = {**vars(typing), "Tensor": _C.Tensor, "Future": Future}


class _Names(dict[str, Any]):
    """The names that the annotations of a class may use, for eval()."""

    def __init__(self, cls: type, lookup: _Lookup | None) -> None:
        super().__init__({cls.__name__: cls})
        own: list[_Lookup] = [space.__getitem__ for base in cls.__mro__ if base is not object
                              for space in (vars(base), vars(sys.modules.get(base.__module__, typing)))]
        around: list[_Lookup] = [] if lookup is None else [lookup]
        # The names around a class in a function hide those of the module.
        self._finders = [*(around + own if "<locals>" in cls.__qualname__ else own + around), _KNOWN_TO_ALL.__getitem__]

    def __missing__(self, name: str) -> Any:
        for find in self._finders:
            try:
                return find(name)
            except (KeyError, NameError, UnknownType):
                pass
        raise KeyError(name)  # which leaves it to the builtins


def evaluator(cls: type, lookup: _Lookup | None = None) -> _Lookup:
    """What says what an annotation of the class means that is a text; UnknownType for one that means nothing.

    `lookup` finds names that stand around the class, where that is a function.
    """
    names = _Names(cls, lookup)

    def evaluate(text: str) -> Any:
        try:
            return eval(text, {}, names)
        except Exception as error:
            raise UnknownType(f"`{cls.__name__}`, in which the annotation {text!r} means nothing: {error}") from None

    return evaluate


def is_named_tuple(obj: object) -> bool:
    """Whether it is such a class."""
    return isinstance(obj, type) and issubclass(obj, tuple) and isinstance(getattr(obj, "_fields", None), tuple)


def is_enum(obj: object) -> bool:
    """Whether it is such a class."""
    return isinstance(obj, enum.EnumMeta)


def is_record(obj: object) -> bool:
    """Whether it is the class of a named tuple or an enum."""
    return is_named_tuple(obj) or is_enum(obj)


def type_name(cls: Any, text_of: _TextOf, lookup: _Lookup | None = None) -> str:
    """The name of the script type of a named tuple or an enum; UnknownType for a class that scripts cannot have.

    `text_of` is _types.type_text, which knows the types of fields. `lookup` finds the names of annotations that are texts, where the module of the class does not have them.
    """
    known = _names.get(cls)
    if known is not None:
        return known
    if cls in _open.classes:
        raise UnknownType(f"the named tuple `{cls.__name__}`, which contains itself; scripts have no such types")
    _open.classes.add(cls)
    try:
        rest = _members(cls) if is_enum(cls) else _fields(cls, text_of, lookup)
    finally:
        _open.classes.discard(cls)
    base = clean_name(cls)
    with _lock:
        known = _names.get(cls)  # another thread may have been faster
        name = known or base
        while known is None and not define(cls, name, f"{'Enum' if is_enum(cls) else 'NamedTuple'}({', '.join([name, *rest])})"):
            _numbers[base] += 1
            name = f"{base}___tine_{_numbers[base]}"
    return name


def define(cls: type, name: str, definition: str) -> bool:
    """The class has that type from now on, for as long as it lives. False if another class has, or had, one of that name."""
    with _lock:
        if name in _numbers:
            return False
        _numbers[name] = 0
        _C._define_type(cls, name, definition)
        _names[cls] = name
        weakref.finalize(cls, _C._forget_type, name).atexit = False
        return True


def _checked(name: str, what: str, cls: type) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return name
    raise UnknownType(f"`{cls.__name__}`, whose {what} `{name}` is not a name in ASCII")


def _fields(cls: Any, text_of: _TextOf, lookup: _Lookup | None) -> list[str]:
    annotations: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        annotations.update(own_annotations(base))
    evaluate = evaluator(cls, lookup)
    fields = []
    for field in cls._fields:
        try:
            # As in PyTorch, what nothing is said of is a Tensor.
            text = text_of(annotations[field], evaluate) if field in annotations else "Tensor"
        except UnknownType as why:
            raise UnknownType(f"`{cls.__name__}`, whose field `{field}` scripts cannot hold: {why}") from None
        fields.append(f"{_checked(field, 'field', cls)} : {text}")
    return fields


def _members(cls: type[enum.Enum]) -> list[str]:
    members: list[enum.Enum] = list(cls)
    kinds = {type(member.value) for member in members}
    if not members:
        raise UnknownType(f"the enum `{cls.__name__}`, which has no members")
    if len(kinds) != 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UnknownType(f"the enum `{cls.__name__}`, whose values are of different types ({names}); scripts need one")
    kind = kinds.pop()
    if kind not in (int, float, str):
        raise UnknownType(f"the enum `{cls.__name__}`, whose values are of type {kind.__name__}; scripts have enums of int, float "
                          "and str")
    if kind is int and any(not -(1 << 63) <= member.value < 1 << 63 for member in members):
        raise UnknownType(f"the enum `{cls.__name__}`, which has a value beyond 64 bits")
    return [kind.__name__, *(f"{_checked(member.name, 'member', cls)} = {_literal(member.value)}" for member in members)]


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _literal(value: Any) -> str:
    return f'"{value.translate(_ESCAPES)}"' if isinstance(value, str) else repr(value)


def defaults_of(cls: Any) -> dict[str, Any]:
    """{field: default} of a named tuple."""
    return dict(getattr(cls, "_field_defaults", {}))
