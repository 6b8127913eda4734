"""What the compiler recognises in source, and what these do when Python runs them."""

import builtins


def annotate(the_type, the_value):
    """Returns `the_value`; in a script it also gives the value that type: `annotate(List[int], [])`."""
    return the_value


def isinstance(obj, target_type):
    """True when `obj` is of that type. Looks into lists, dicts, tuples and Optionals, as a script does."""
    from ._types import value_fits

    targets = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return any(value_fits(obj, target) for target in targets)


def is_scripting():
    """False: in a script the compiler puts True here."""
    return False


def is_tracing():
    """True while `tine.jit.trace` runs the function that it records."""
    from ._async import _tracer

    return _tracer() is not None


def export(fn):
    """Marks a method so that `script(module)` compiles it although `forward` does not call it."""
    fn._tine_jit_mark = "export"
    return fn


def unused(fn):
    """Marks a function that is not compiled. A script may call it, and the call raises RuntimeError if it is reached."""
    fn._tine_jit_mark = "unused"
    return fn


def ignore(drop=False, **kwargs):
    """Marks a function that is left to Python: a script that calls it is refused at compile time, unless the call
    stands in a branch that is not compiled. With `drop=True` it is as if marked @unused.

    PyTorch would call back into Python; a tine script never takes the interpreter's lock.
    """
    if callable(drop):
        drop._tine_jit_mark = "ignore"
        return drop

    def mark(fn):
        fn._tine_jit_mark = "unused" if drop else "ignore"
        return fn

    return mark


class Attribute(tuple):
    """A value together with the type that a scripted module's attribute is to have."""

    __slots__ = ()

    def __new__(cls, value, type):
        return super().__new__(cls, (value, type))

    value = property(lambda self: self[0])
    type = property(lambda self: self[1])

    def __repr__(self):
        return f"Attribute(value={self[0]!r}, type={self[1]!r})"
