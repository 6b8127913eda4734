"""Functions that are run twice, in plain Python and scripted: how they are gathered and compared."""

import enum
import importlib.util
import re

import pytest

import tine as torch
from tine import Tensor


class Cases:
    """The parameters of one test: functions, each with the arguments of some calls."""

    def __init__(self):
        self.params = []

    def __call__(self, *calls):
        """Marks a function as a case. calls: of each the arguments, or a function that makes them anew each time."""

        def mark(fn):
            for args in calls:
                name = fn.__name__ if callable(args) else f"{fn.__name__}{args}"[:60]
                self.params.append(pytest.param(fn, args, id=name))
            return fn

        return mark


def same(a, b):
    """Equal, of the same types down to the last element; members of enums are the very members, dicts have one order."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, enum.Enum):
        return a is b
    if isinstance(a, dict):
        return type(a) is type(b) and same(list(a.items()), list(b.items()))
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return type(b) is float and a == b
    return type(a) is type(b) and a == b


def load(path, **names):
    """That file as a module, which nothing else imports. It finds those names."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    vars(module).update(names)
    spec.loader.exec_module(module)
    return module


def refused(thing, **options):
    """The error that refuses to script it, as text."""
    with pytest.raises(torch.SyntaxError) as caught:
        torch.jit.script(thing, **options)
    return str(caught.value)


def parts(refusal):
    """The file and the line that a refusal names, what it says, and the part of the line that it marks."""
    first, *rest = refusal.splitlines()
    file, line, said = re.fullmatch(r"(.*?):(\d+):\d+: (.*)", first).groups()
    shown, carets = next((a, b) for a, b in zip(rest, rest[1:]) if set(b.strip()) == {"^"})
    return file, int(line), said, shown[carets.index("^") : len(carets)]
