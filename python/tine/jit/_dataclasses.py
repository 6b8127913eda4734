"""The methods that `@dataclass` makes, as source text for the compiler: Python keeps none of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from ._records import UnknownType, is_enum

_ORDER = {"__lt__": ("<", "False"), "__le__": ("<", "True"), "__gt__": (">", "False"), "__ge__": (">", "True")}


def written_out(cls: type, name: str) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """(text, the names in it that are the text's own, defaults) of a method; None where there is no such one for scripts.

    UnknownType says why a method that there is cannot be written.
    """
    if name == "__init__":
        return _init(cls)
    compared = [field.name for field in dataclasses.fields(cls) if field.compare]
    if name == "__eq__":
        return _eq(compared), {"_Class": cls}, {}
    if name in _ORDER:
        return _order(name, compared), {"_Class": cls}, {}
    return None


def _init(cls: type) -> tuple[str, dict[str, Any], dict[str, Any]]:
    if getattr(cls, "__dataclass_params__").frozen:
        raise UnknownType(f"the dataclass `{cls.__name__}` is frozen, which scripts cannot hold to; leave `frozen=True` out")
    own: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    positions, keywords = ["self"], []  # type: list[str], list[str]
    body: list[str] = []
    passed_on: list[str] = []
    for field in getattr(cls, "__dataclass_fields__").values():
        kind = field._field_type.name
        if kind == "_FIELD_CLASSVAR":
            continue
        annotation = field.type.type if isinstance(field.type, dataclasses.InitVar) else field.type
        if isinstance(annotation, str):
            annotation = annotation.removeprefix("dataclasses.")
            if kind == "_FIELD_INITVAR" and annotation.startswith("InitVar["):
                annotation = annotation[len("InitVar["):-1]
            type_name = repr(annotation)
        else:
            type_name = f"_type_{field.name}"
            own[type_name] = annotation
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            if field.default_factory not in (list, dict):
                raise UnknownType(f"the default_factory of `{cls.__name__}.{field.name}` is neither `list` nor `dict`, "
                                  "which are those that scripts can call; set the attribute in `__post_init__`")
            default = field.default_factory()
        if field.init:
            parameter = f"{field.name}: {type_name}"
            if default is not dataclasses.MISSING:
                defaults[field.name] = default
                parameter += " = None"  # the value is in `defaults`
            (keywords if field.kw_only else positions).append(parameter)
            if kind == "_FIELD_INITVAR":
                passed_on.append(field.name)
            else:
                body.append(f"self.{field.name}: {type_name} = {field.name}")
        elif default is not dataclasses.MISSING:
            if field.default_factory is not dataclasses.MISSING:
                text = repr(default)  # [] or {}
            elif default is None or is_enum(type(default)) or isinstance(default, (bool, int, float, str)):
                text = f"_default_{field.name}"
                own[text] = default
            else:
                raise UnknownType(f"the default of `{cls.__name__}.{field.name}` is not a constant; set the attribute in "
                                  "`__post_init__`")
            body.append(f"self.{field.name}: {type_name} = {text}")
    if hasattr(cls, "__post_init__"):
        body.append(f"self.__post_init__({', '.join(passed_on)})")
    parameters = ", ".join(positions + (["*", *keywords] if keywords else []))
    lines = [f"def __init__({parameters}):", *(f"    {line}" for line in body or ["pass"])]
    return "\n".join(lines) + "\n", own, defaults


def _differs(name: str) -> list[str]:
    """The head of a branch that is taken where the field has two values of which none is None, and differ."""
    return [f"    a_{name} = self.{name}", f"    b_{name} = other.{name}", f"    if a_{name} is None or b_{name} is None:",
            f"        if a_{name} is not None or b_{name} is not None:", "            return False",
            f"    elif a_{name} != b_{name}:"]


def _eq(compared: list[str]) -> str:
    lines = ["def __eq__(self, other: _Class) -> bool:"]
    for name in compared:
        lines += [*_differs(name), "        return False"]
    return "\n".join([*lines, "    return True"]) + "\n"


def _order(name: str, compared: list[str]) -> str:
    sign, if_equal = _ORDER[name]
    lines = [f"def {name}(self, other: _Class) -> bool:"]
    for field in compared:
        lines += [f"    if self.{field} != other.{field}:", f"        return self.{field} {sign} other.{field}"]
    return "\n".join([*lines, f"    return {if_equal}"]) + "\n"
