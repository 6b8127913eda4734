"""Functions that are run twice, in plain Python and scripted: how they are gathered and compared."""

import math

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
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return type(b) is float and (a == b or math.isclose(a, b, rel_tol=1e-14))
    return type(a) is type(b) and a == b
