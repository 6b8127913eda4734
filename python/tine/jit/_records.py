"""Classes of named tuples and enums, and the script types that they stand for.

Values that leave a script are objects of the very class.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
import typing
import weakref
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from .. import _C

_Lookup = Callable[[str], Any]
_TextOf = Callable[[Any, _Lookup], str]


class UnknownType(Exception):
    """An annotation that no script type stands for; the text says why."""


_names: WeakKeyDictionary[type, str] = WeakKeyDictionary()  # class -> name of its type
_owners: WeakValueDictionary[str, type] = WeakValueDictionary()
_numbers: dict[str, int] = {}  # name without a number -> the last number given out
_open: set[type] = set()  # classes whose fields are being looked at


if sys.version_info >= (3, 14):  # a class evaluates its annotations when it is asked for them (PEP 649, PEP 749)
    from annotationlib import Format, get_annotations

    def own_annotations(cls: type) -> dict[str, Any]:
        """Of the class alone, as they are written."""
        return get_annotations(cls, format=Format.FORWARDREF)
else:
    own_annotations = inspect.get_annotations


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
    if cls in _open:
        raise UnknownType(f"the named tuple `{cls.__name__}`, which contains itself; scripts have no such types")
    _open.add(cls)
    try:
        rest = _members(cls) if is_enum(cls) else _fields(cls, text_of, lookup)
    finally:
        _open.discard(cls)
    name = _free_name(cls)
    define(cls, name, f"{'Enum' if is_enum(cls) else 'NamedTuple'}({', '.join([name, *rest])})")
    return name


def define(cls: type, name: str, definition: str) -> None:
    """The class has that type from now on, for as long as it lives. The name must be free."""
    _C._define_type(cls, name, definition)
    _numbers.setdefault(name, 0)  # types of this name may live longer than the class
    _names[cls] = name
    _owners[name] = cls
    weakref.finalize(cls, _C._forget_type, name).atexit = False


def _free_name(cls: type) -> str:
    parts = f"{cls.__module__}.{cls.__qualname__}".replace("<locals>.", "").split(".")
    name = base = ".".join(re.sub(r"^(?=\d)|\W", "_", part, flags=re.ASCII) or "_" for part in parts)
    while not is_free(name):
        _numbers[base] = number = _numbers.get(base, 0) + 1
        name = f"{base}___tine_{number}"
    return name


def is_free(name: str) -> bool:
    """Whether no class has, or had, a type of that name."""
    return name not in _owners and name not in _numbers


def _checked(name: str, what: str, cls: type) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return name
    raise UnknownType(f"`{cls.__name__}`, whose {what} `{name}` is not a name in ASCII")


def _fields(cls: Any, text_of: _TextOf, lookup: _Lookup | None) -> list[str]:
    annotations: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        annotations.update(own_annotations(base))
    space = vars(sys.modules.get(cls.__module__, typing))

    def evaluate(text: str) -> Any:
        try:
            return eval(text, dict(space), _Names(lookup))
        except Exception as error:
            raise UnknownType(f"`{cls.__name__}`, in which the annotation {text!r} means nothing: {error}") from None

    fields = []
    for field in cls._fields:
        try:
            # As in PyTorch, what nothing is said of is a Tensor.
            text = text_of(annotations[field], evaluate) if field in annotations else "Tensor"
        except UnknownType as why:
            raise UnknownType(f"`{cls.__name__}`, whose field `{field}` scripts cannot hold: {why}") from None
        fields.append(f"{_checked(field, 'field', cls)} : {text}")
    return fields


class _Names(dict[str, Any]):
    """The names that a function sees, for eval()."""

    def __init__(self, lookup: _Lookup | None) -> None:
        super().__init__()
        self._lookup = lookup

    def __missing__(self, name: str) -> Any:
        if self._lookup is None:
            raise KeyError(name)
        return self._lookup(name)


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
