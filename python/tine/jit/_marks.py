"""What the compiler recognises in source, and what these do when Python runs them."""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    _T = TypeVar("_T")
    _F = TypeVar("_F", bound=Callable[..., object])


def _mark(fn: Any, mark: str) -> None:
    fn._tine_jit_mark = mark


def annotate(the_type: Any, the_value: _T) -> _T:
    """Returns `the_value`; in a script it also gives the value that type: `annotate(List[int], [])`."""
    return the_value


def isinstance(obj: object, target_type: Any) -> bool:
    """True when `obj` is of that type. Looks into lists, dicts, tuples and Optionals, as a script does."""
    from ._types import value_fits

    targets = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return any(value_fits(obj, target) for target in targets)


def _unwrap_optional(x: _T | None) -> _T:
    """`x`, which in a script is then a T and no Optional[T]. AssertionError for None; in a script a RuntimeError."""
    assert x is not None, "Unwrapping null optional"
    return x


def is_scripting() -> bool:
    """False: in a script the compiler puts True here."""
    return False


def is_tracing() -> bool:
    """True while `tine.jit.trace` runs the function that it records."""
    from ._async import _tracer

    return _tracer() is not None


def export(fn: _F) -> _F:
    """Marks a method so that `script(module)` compiles it although `forward` does not call it."""
    _mark(fn, "export")
    return fn


def unused(fn: _F) -> _F:
    """Marks a function that is not compiled. A script may call it, and the call raises RuntimeError if it is reached. A property
    stays Python's, and scripts cannot use it."""
    _mark(fn.fget if builtins.isinstance(fn, property) else fn, "unused")
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Marks a function that is left to Python, which a script may call. With `drop=True` it is as if marked @unused.

    The script is suspended meanwhile: the function runs on another thread, with the interpreter's lock, and nothing else
    of the script holds that. It gets copies of lists and dicts. Such a script cannot be sent to another worker.
    """
    if callable(drop):
        _mark(drop, "ignore")
        return drop

    def mark(fn: _F) -> _F:
        _mark(fn, "unused" if drop else "ignore")
        return fn

    return mark


# Name of a module and of a function in it -> the signatures that are declared for the function.
_overloads: dict[tuple[str, str], list[Any]] = {}


def _overload(fn: _F) -> _F:
    """Declares one signature of a function: `def` with its types and no body. The function itself follows, under the same
    name. A script compiles it with each signature that its calls need."""
    key = (fn.__module__, fn.__qualname__)
    known = _overloads.setdefault(key, [])
    if known and not _stands_before(known[-1], fn):
        known.clear()  # the module is loaded again, or the function around it runs again
    known.append(fn)
    return fn


def _stands_before(declared: Any, fn: Any) -> bool:
    return declared.__globals__ is fn.__globals__ and declared.__code__.co_firstlineno < fn.__code__.co_firstlineno


_overload_method = _overload


def declared_overloads(fn: Any) -> list[Any]:
    """Of a function that a name means now: what was declared before it."""
    known = _overloads.get((fn.__module__, fn.__qualname__), []) if _overloads else []
    return known if known and _stands_before(known[-1], fn) else []


class Attribute(tuple):  # type: ignore[type-arg]
    """A value together with the type that a scripted module's attribute is to have."""

    __slots__ = ()

    def __new__(cls, value: Any, type: Any) -> Self:
        return super().__new__(cls, (value, type))

    @property
    def value(self) -> Any:
        """The value."""
        return self[0]

    @property
    def type(self) -> Any:
        """The annotation that the attribute is to have."""
        return self[1]

    def __repr__(self) -> str:
        return f"Attribute(value={self[0]!r}, type={self[1]!r})"
