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
    """`x`, which is not None; in a script it is then a T and no Optional[T]."""
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
    """Marks a function that is not compiled. A script may call it, and the call raises RuntimeError if it is reached."""
    _mark(fn, "unused")
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Marks a function that is left to Python: a script that calls it is refused at compile time, unless the call
    stands in a branch that is not compiled. With `drop=True` it is as if marked @unused.

    PyTorch would call back into Python; a tine script never takes the interpreter's lock.
    """
    if callable(drop):
        _mark(drop, "ignore")
        return drop

    def mark(fn: _F) -> _F:
        _mark(fn, "unused" if drop else "ignore")
        return fn

    return mark


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
