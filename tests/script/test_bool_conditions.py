"""A condition that is a bool of any origin decides as in Python, in each statement that has a condition."""

import itertools

import pytest

import tine as torch

# How a turn's condition is found: each gives the next one of `flags`, of which the last is False.
ORIGINS = {
    "item": "flags[k]",
    "call": "at(flags, k)",
    "negation": "not unset(flags, k)",
    "both": "flags[k] and k < 100",
    "either": "flags[k] or k > 100",
    "ternary": "(flags[k] if k < 100 else True)",
    "comparison_of_bools": "flags[k] == True",
}

FORMS = """
def at(flags: List[bool], k: int) -> bool:
    return flags[k]
def unset(flags: List[bool], k: int) -> bool:
    return not flags[k]
def while_it(flags: List[bool]) -> int:
    k = 0
    while {origin}:
        k = k + 1
    return k
def while_variable(flags: List[bool]) -> int:
    k = 0
    go = {origin}
    while go:
        k = k + 1
        go = {origin}
    return k
def while_with_a_continue(flags: List[bool]) -> int:
    k = 0
    go = {origin}
    while go:
        k = k + 1
        go = {origin}
        if k % 2 == 0:
            continue
        k = k + 0
    return k
def breaks(flags: List[bool]) -> int:
    k = 0
    while True:
        if not ({origin}):
            break
        k = k + 1
    return k
def breaks_a_for(flags: List[bool]) -> int:
    n = 0
    for k in range(len(flags)):
        go = {origin}
        if not go:
            break
        n = n + 1
    return n
def returns_from_a_loop(flags: List[bool]) -> int:
    for k in range(len(flags)):
        if {origin}:
            continue
        return k
    return -1
"""


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_loop_ends_at_the_first_condition_that_is_false(origin):
    unit = torch.jit.CompilationUnit(FORMS.format(origin=ORIGINS[origin]))
    for turns in range(5):
        flags = [True] * turns + [False]
        for name in ("while_it", "while_variable", "while_with_a_continue", "breaks", "breaks_a_for", "returns_from_a_loop"):
            assert getattr(unit, name)(flags) == turns, (name, turns)


CHOICES = """
def if_else(a: bool, b: bool) -> int:
    if {text}:
        return 1
    else:
        return 0
def ternary(a: bool, b: bool) -> int:
    return 1 if {text} else 0
def variable(a: bool, b: bool) -> int:
    c = {text}
    n = 0
    if c:
        n = 1
    return n
def asserted(a: bool, b: bool) -> int:
    assert {text}
    return 1
def while_once(a: bool, b: bool) -> int:
    n = 0
    while {text}:
        n = n + 1
        return n
    return n
"""


@pytest.mark.parametrize(
    "text",
    ["a", "not a", "a and b", "a or b", "not (a and b)", "not (a or b)", "not a and b", "a or not b", "a == b", "a != b", "(a and b) or (not a and not b)", "(b if a else not b)"],
)
def test_each_choice_is_pythons_for_all_values_of_its_bools(text):
    unit = torch.jit.CompilationUnit(CHOICES.format(text=text))
    for a, b in itertools.product([False, True], repeat=2):
        expected = int(eval(text))
        for name in ("if_else", "ternary", "variable", "while_once"):
            assert getattr(unit, name)(a, b) == expected, (name, a, b)
        if expected:
            assert unit.asserted(a, b) == 1
        else:
            with pytest.raises(AssertionError):
                unit.asserted(a, b)
