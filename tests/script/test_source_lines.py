"""The lines of a function: what the code itself says of them is what inspect finds with its tokenizer."""

import importlib
import inspect
import pkgutil
import sys
import types

import pytest

from tine.jit import _source

PROGRAM = '''
import functools


def one_line(x): return x


def docstring():
    """One
over several
    lines."""


def docstring_and_code(x):
    """One line."""
    y = """
low
"""
    return x, y


def dead_code(x):
    return x
    x = 1
    # a comment
    if x:
        pass

# not a part


def dead_text():
    return 1
    """
low"""
    2


def dead_brackets():
    return 1
    [1,
2]
    3


def ends_in_pass(x):
    if x:
        x = 1
    else:
        pass


def while_true():
    while True:
        if 0:
            x = 1
        # at the end of the loop


def inner(x):
    def below():
        return x
    pass


def comprehension(xs):
    return [x
            for x in xs
            if x]


@functools.lru_cache(
    maxsize=3)
def decorated(
    x=(1,
       2),
):
    return (x,
            [1])


def closing_bracket(x, y):
    y[0] = (
x
)


def below_a_constant(x):
    x: int = (
x
)


def goes_on(x): return x; """
a"""


def after_a_backslash(x):
    return x ; \\
pass


def closure(x):
    y = 1
    def inner():
        return x + y
    return inner


class Class:
    def method(self):
        pass

    async def coroutine(self):
        pass

    def last(self):
        if __debug__:
            return 1
        else:
            return 2
'''


def functions_of(holder):
    for found in list(vars(holder).values()):
        found = getattr(found, "__wrapped__", found)
        if isinstance(found, types.FunctionType) and found.__module__ == getattr(holder, "__module__", holder.__name__):
            yield found
        elif isinstance(found, type) and found.__module__ == holder.__name__:
            yield from functions_of(found)


def compare(module):
    count = 0
    for fn in functions_of(module):
        try:
            lines, first = inspect.getsourcelines(fn.__code__)
        except OSError:
            continue
        ours, at = _source._lines_of(fn)
        assert at == first, fn
        # A comment at the end belongs to the next function as well as to this one.
        assert without_comments_at_the_end(ours) == without_comments_at_the_end(lines), fn
        count += 1
    return count


def without_comments_at_the_end(lines):
    lines = [line.rstrip("\n") for line in lines]
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return lines


def test_of_every_kind(tmp_path, monkeypatch):
    (tmp_path / "kinds_of_functions.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("kinds_of_functions")
    assert compare(module) == 19
    del sys.modules["kinds_of_functions"]


@pytest.mark.parametrize("name", ["argparse", "ast", "asyncio.base_events", "dataclasses", "_pydecimal", "email.message", "inspect", "json.decoder",
                                  "logging", "shutil", "pickle", "statistics", "tarfile", "typing", "unittest.mock", "zipfile"])
def test_of_modules_of_the_library(name):
    assert compare(importlib.import_module(name)) > 3


def test_of_the_package():
    import tine

    count = 0
    for found in pkgutil.walk_packages(tine.__path__, "tine."):
        if found.name in sys.modules:
            count += compare(sys.modules[found.name])
    assert count > 100
