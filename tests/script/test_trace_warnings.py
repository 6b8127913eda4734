"""What leaves a traced tensor as a Python value is fixed in the trace: a warning says so, on the line that read it."""

import math
import operator
import warnings

import pytest

import tine as torch
from tine.jit import TracerWarning

READS = {
    "bool": bool,
    "if": lambda t: 1 if t else 0,
    "not": operator.not_,
    "float": float,
    "int": int,
    "index": lambda t: [0, 1, 2, 3][t.to(torch.int64)],
    "item": lambda t: t.item(),
    "trunc": lambda t: math.floor(float(t)),
    "in a list": lambda t: t in [torch.ones(())],
}


@pytest.mark.parametrize("name", READS)
def test_a_number_that_leaves_a_traced_tensor_is_warned_about_on_its_line(name):
    read = READS[name]

    def fn(x):
        total = x.sum()
        read(total)
        return x * 2

    with pytest.warns(TracerWarning) as caught:
        torch.jit.trace(fn, (torch.ones(2),))
    assert caught, name
    assert all("trace" in str(each.message) for each in caught)
    assert {each.filename for each in caught} == {__file__}


def test_the_length_and_the_rows_of_a_traced_tensor_are_warned_about():
    for read in (len, list, iter, lambda x: [row for row in x]):
        with pytest.warns(TracerWarning):
            torch.jit.trace(lambda x: (read(x), x * 2)[1], (torch.ones(2),))


def test_what_is_no_part_of_the_trace_is_read_without_a_warning():
    outside = torch.ones(())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.jit.trace(lambda x: x * float(outside) if outside else x, (torch.ones(2),))
        assert float(outside) == 1.0 and bool(outside) and len(torch.ones(2)) == 2
