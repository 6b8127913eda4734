"""Python annotations and values, and the names of the script types that they stand for."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from typing import Any

from .. import _C
from .._C import dtype
from ..futures import Future
from . import _records, _registry
from ._records import UnknownType

Tensor = _C.Tensor

_SIMPLE = {int: "int", float: "float", bool: "bool", str: "str", type(None): "NoneType", None: "NoneType",
           typing.Any: "Any"}


def type_text(annotation: Any, evaluate: Callable[[str], Any] | None = None) -> str:
    """`List[int]` for typing.List[int]: the script type's name. UnknownType when there is none.

    `evaluate` says what an annotation that is a text means. Without it the text is the type's name.
    """
    def inner(part: Any) -> str:
        return type_text(part, evaluate)

    try:
        if annotation in _SIMPLE:
            return _SIMPLE[annotation]
    except TypeError:  # not hashable
        pass
    if isinstance(annotation, type) and issubclass(annotation, Tensor):
        return "Tensor"
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return annotation if evaluate is None else inner(evaluate(annotation))
    origin = typing.get_origin(annotation)
    args = typing.get_args(annotation)
    if origin is typing.Final or origin is typing.ClassVar:
        return inner(args[0])
    if origin in (list, dict, tuple):
        name = {list: "List", dict: "Dict", tuple: "Tuple"}[origin]
        if Ellipsis in args:
            raise UnknownType(f"{annotation}: scripts have no tuples of unknown length; use a List")
        return f"{name}[{', '.join(map(inner, args))}]" if args else name
    if origin is typing.Union or type(annotation).__name__ == "UnionType":
        args = args or annotation.__args__
        rest = [a for a in args if a is not type(None)]
        if len(rest) == 1 and len(rest) != len(args):
            return f"Optional[{inner(rest[0])}]"
        return f"Union[{', '.join(map(inner, args))}]"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Future):
        return f"Future[{inner(args[0])}]"
    if annotation is Future:
        return "Future[Tensor]"
    if origin is not None and origin.__name__ in ("RRef", "PyRRef"):
        return f"RRef[{inner(args[0])}]"
    if annotation is list or annotation is typing.List:
        raise UnknownType("List without an element type; write List[int], say")
    if annotation is dict or annotation is typing.Dict:
        raise UnknownType("Dict without its types; write Dict[str, int], say")
    if annotation is tuple or annotation is typing.Tuple:
        raise UnknownType("Tuple without its types; write Tuple[int, str], say")
    if is_dtype_class(annotation):
        return "int"
    if _is_device_class(annotation):
        return "Device"
    if _records.is_record(annotation):
        return record_name(annotation, evaluate)
    if isinstance(annotation, type):
        known = _registry.meet_class(annotation, _registry.registry)
        if not isinstance(known, str):
            class_name: str = known.type.name
            return class_name
    raise UnknownType(f"`{getattr(annotation, '__name__', annotation)}` is not a type that scripts know; they have int, float, "
                      "bool, str, Tensor, List, Dict, Tuple, Optional, Union, Future, RRef, Any, named tuples, enums, and scripted "
                      "modules")


def record_name(cls: Any, lookup: Callable[[str], Any] | None = None) -> str:
    """The script type of a named tuple or an enum. `lookup` finds names in annotations that are texts."""
    return _records.type_name(cls, type_text, lookup)


def _is_device_class(obj: object) -> bool:
    import tine

    return obj is tine.device


def is_dtype_class(obj: object) -> bool:
    return isinstance(obj, type) and obj is type(_some_dtype())


def _some_dtype() -> dtype:
    import tine

    return tine.float32


def is_dtype(obj: object) -> bool:
    return type(obj) is type(_some_dtype())


def value_type_text(value: object) -> str:
    """The script type of a Python value, as an attribute of a module has it; UnknownType when there is none."""
    if value is None:
        return "NoneType"
    if _records.is_record(type(value)):
        return record_name(type(value))
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "Device" if _is_device_class(type(value)) else "str"
    if isinstance(value, Tensor):
        return "Tensor"
    if isinstance(value, Future):
        raise UnknownType("a Future without its type; annotate it in the class: `name: Future[Tensor]`")
    if isinstance(value, list):
        if not value:
            raise UnknownType("an empty list; annotate it in the class: `name: List[int]`")
        return f"List[{_common(map(value_type_text, value), 'list whose elements are')}]"
    if isinstance(value, tuple):
        return f"Tuple[{', '.join(map(value_type_text, value))}]" if value else "Tuple[]"
    if isinstance(value, dict):
        if not value:
            raise UnknownType("an empty dict; annotate it in the class: `name: Dict[str, int]`")
        key = _common(map(value_type_text, value.keys()), "dict whose keys are")
        return f"Dict[{key}, {_common(map(value_type_text, value.values()), 'dict whose values are')}]"
    if is_dtype(value):
        return "int"
    if type(value).__name__ == "RRef":
        raise UnknownType("an RRef, and the type of its value is not known; annotate it in the class, `name: RRef[Tensor]`, or pass it "
                          "to the method as an argument of that type")
    known = _registry.meet_class(type(value), _registry.registry)
    if not isinstance(known, str):
        try:
            known.complete()
            # Which fails where the object has not the attributes that `__init__` gives it.
            _C.ScriptObject(_C.ObjectType("attribute", [("value", known.type)]), [value])
        except (_C.SyntaxError, OSError, TypeError) as why:
            raise UnknownType(f"a {type(value).__name__}, whose class scripts cannot have: {why}") from None
        class_name: str = known.type.name
        return class_name
    raise UnknownType(f"a value of type {type(value).__name__}, which scripts cannot hold; pass what is needed of it as an "
                      "argument, or keep numbers, strings, Tensors, lists, dicts and tuples of them in attributes")


def _common(types: Iterable[str], what: str) -> str:
    names = list(dict.fromkeys(types))
    if len(names) == 2 and "NoneType" in names:
        names.remove("NoneType")
        return f"Optional[{names[0]}]"
    if len(names) != 1:
        raise UnknownType(f"a {what} of different types: {', '.join(names)}")
    return names[0]


def value_fits(value: Any, target: Any) -> bool:
    """True when the value is of the annotated type; looks into containers."""
    if target is None or target is type(None):
        return value is None
    if target is typing.Any:
        return True
    origin = typing.get_origin(target)
    args = typing.get_args(target)
    if origin is list:
        return isinstance(value, list) and all(value_fits(v, args[0]) for v in value)
    if origin is dict:
        return isinstance(value, dict) and all(value_fits(k, args[0]) and value_fits(v, args[1])
                                               for k, v in value.items())
    if origin is tuple:
        return (isinstance(value, tuple) and len(value) == len(args)
                and all(value_fits(v, a) for v, a in zip(value, args)))
    if origin is typing.Union or type(target).__name__ == "UnionType":
        return any(value_fits(value, a) for a in args)
    if origin is not None:
        return isinstance(value, origin)
    if target is int or target is float:  # as in scripts, a bool is not a number
        return isinstance(value, target) and not isinstance(value, bool)
    return isinstance(value, target)
