"""The types of random programs, and what else their parts know of each other: signatures, and how much may run."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Type(NamedTuple):
    """kind: int, float, bool, str, none, tensor (shape, dtype), list (T), dict (K, V), tuple (T, ...), optional (T),
    union (T, ...), enum (name), record (name: a named tuple), object (name: a class or dataclass)."""

    kind: str
    args: tuple = ()


INT, FLOAT, BOOL, STR, NONE = map(Type, ["int", "float", "bool", "str", "none"])
SCALARS = [INT, FLOAT, BOOL, STR]
ROW, GRID, SQUARE = [Type("tensor", (shape, "float32")) for shape in [(3,), (2, 3), (2, 2)]]
WHOLE = Type("tensor", ((3,), "int64"))
TENSORS = [ROW, GRID, SQUARE, WHOLE]
TEXTS = ['""', '"a"', '"ab"', '"x y"', '"Tine"', '"中€"', '"0"', '"a,b,,c"', '" q "', '"zz"']


def list_of(t):
    return Type("list", (t,))


def dict_of(k, v):
    return Type("dict", (k, v))


def tuple_of(*ts):
    return Type("tuple", ts)


def optional(t):
    return Type("optional", (t,))


def union(*ts):
    return Type("union", ts)


def written(t, modern=False):
    """The annotation of a type, in the spelling of `typing` or in that of PEP 585 and 604."""

    def inner(t):
        return written(t, modern)

    match t.kind:
        case "none":
            return "None"
        case "tensor":
            return "Tensor"
        case "list":
            return f"{'list' if modern else 'List'}[{inner(t.args[0])}]"
        case "dict" | "tuple":
            name = t.kind if modern else t.kind.title()
            return f"{name}[{', '.join(map(inner, t.args))}]"
        case "optional":
            return f"{inner(t.args[0])} | None" if modern else f"Optional[{inner(t.args[0])}]"
        case "union":
            return " | ".join(map(inner, t.args)) if modern else f"Union[{', '.join(map(inner, t.args))}]"
        case "enum" | "record" | "object":
            return t.args[0]
    return t.kind


def asked(t):
    """What isinstance() is given for a member of a Union."""
    return {"list": "list", "tensor": "Tensor"}.get(t.kind) or written(t)


def needs_annotation(t):
    """Whether a variable of it is declared: its first value may be of a narrower type, or `[]` and `{}`."""
    return t.kind in ("list", "dict", "optional", "union") or (t.kind == "tuple" and any(map(needs_annotation, t.args)))


def has_union(t):
    return t.kind == "union" or any(has_union(a) for a in t.args if isinstance(a, Type))


def has_tensor(t):
    """Whether its text may be long: a named tuple can hold anything."""
    return t.kind in ("tensor", "record", "object") or any(has_tensor(a) for a in t.args if isinstance(a, Type))


def copied(t):
    """Whether a task can be given a copy of it in one expression, so that nothing is shared with it."""
    return t.kind in ("int", "float", "bool", "str", "tensor", "enum") or (t.kind == "list" and t.args[0] in SCALARS)


@dataclass
class Signature:
    """A function or method. cost: statements that it runs at most. silent: neither it nor what it calls prints."""

    name: str
    params: list  # of (name, type, default or None)
    result: Type
    cost: int = 1
    silent: bool = True


@dataclass
class Record:
    """A named tuple."""

    name: str
    fields: dict
    defaults: dict


@dataclass
class Object:
    """A class. signs: the operators that it has, each a Signature that takes one parameter beside self or none."""

    name: str
    init: Signature
    fields: dict
    methods: list = field(default_factory=list)
    statics: list = field(default_factory=list)
    properties: dict = field(default_factory=dict)
    signs: dict = field(default_factory=dict)
    equal: bool = False
    manager: bool = False


@dataclass
class Enumeration:
    name: str
    members: list
    value: Type
