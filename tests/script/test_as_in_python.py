"""Calls and comparisons whose parts must come in Python's order: what a script returns is held against CPython."""
from typing import Any, Dict, List, Tuple

import pytest

import tine as torch
from tine import nn


class Counter:
    def __init__(self):
        self.n = 0
        self.pair = (1, 2)

    def bump(self) -> Tuple[int, int]:
        self.n += 1
        self.pair = (self.n, 10 * self.n)
        return self.pair

    @property
    def next(self) -> int:
        self.n += 1
        return self.n

    def plus(self, a: int, b: int) -> int:
        return 1000 * self.n + 10 * a + b


class Holder:
    def __init__(self):
        self.counter = Counter()

    def renew(self) -> Tuple[int, int]:
        self.counter = Counter()
        self.counter.n = 7
        return (5, 6)


def digits(a: int, b: int, c: int) -> int:
    return 100 * a + 10 * b + c


def digits_of(xs: List[int], d: Dict[str, float], b: int, c: int) -> int:
    return 100 * len(xs) + len(d) + 10 * b + c


def an_attribute_before() -> int:
    c = Counter()
    return digits(c.n, *c.bump())


def a_property_before() -> int:
    c = Counter()
    return digits(c.next, *c.bump())


def a_call_before_an_attribute() -> int:
    c = Counter()
    return digits(c.bump()[0] + 4, *c.pair)


def two_stars() -> int:
    c = Counter()
    return digits(*(c.n,), *c.bump())


def an_attribute_after() -> int:
    c = Counter()
    return digits(*c.bump(), c.n)


def empty_containers_before() -> int:
    c = Counter()
    return digits_of([], {}, *c.bump())


def a_method_in_fork() -> int:
    c = Counter()
    return torch.jit.wait(torch.jit.fork(c.plus, *c.bump()))


def the_object_of_a_method_in_fork() -> int:
    h = Holder()
    return torch.jit.wait(torch.jit.fork(h.counter.plus, *h.renew()))


def spread_over() -> Tuple[List[int], int, List[int], int, int]:
    held = ([1, 2, 3],)
    both = ([1, 2], [3, 4])
    start = ([5, 6], 10)
    pairs = ([(1, 2), (3, 4)],)
    made = list(*held)
    s = 0
    for a, b in zip(*both):
        s = 100 * s + 10 * a + b
    numbered = [i + x for i, x in enumerate(*start)]
    t = 0
    for x in reversed(*held):
        t = 10 * t + x
    return made, s, numbered, t, len(dict(*pairs))


class Equal:
    def __init__(self, says: bool):
        self.says = says

    def __eq__(self, other: Any) -> bool:
        return self.says


class Unequal:
    def __init__(self, says: bool):
        self.says = says

    def __ne__(self, other: Any) -> bool:
        return self.says


class Both:
    def __init__(self, equal: bool, unequal: bool):
        self.equal = equal
        self.unequal = unequal

    def __eq__(self, other: Any) -> bool:
        return self.equal

    def __ne__(self, other: Any) -> bool:
        return self.unequal


def opposites() -> List[bool]:
    return [Equal(True) != Unequal(True), Unequal(True) != Equal(True), Equal(True) != Equal(False), Equal(False) != Both(True, False),
            Both(True, True) != Equal(True), 3 != Equal(True), 3 != Unequal(True), Equal(False) != 3]


PROGRAMS = [an_attribute_before, a_property_before, a_call_before_an_attribute, two_stars, an_attribute_after,
            empty_containers_before, a_method_in_fork, the_object_of_a_method_in_fork, spread_over, opposites]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_a_script_and_python_agree(program):
    assert torch.jit.script(program)() == program()


def test_the_programs_tell_the_orders_apart():
    assert [p() for p in PROGRAMS[:3]] == [20, 140, 520]
    assert (a_method_in_fork(), the_object_of_a_method_in_fork()) == (1020, 56)
    assert opposites() == [False, True, False, True, True, False, True, True]


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.counter = Counter()

    def forward(self) -> Tuple[int, List[str], List[str]]:
        children = 0
        for _ in self.children():
            children += 1
        return children, [name for name, _ in self.named_children()], [name for name, _ in self.named_modules()]


def test_an_object_of_a_class_is_no_child_of_its_module():
    torch.jit.script(Counter)
    assert torch.jit.script(Named())() == (1, ["inner"], ["", "inner"])


def in_a_dict() -> int:
    pairs = [(1, Counter()), (2, Counter())]
    d = dict(pairs)
    return len(d) + d[2].bump()[0]


def test_objects_of_classes_are_values_of_a_dict():
    assert torch.jit.script(in_a_dict)() == in_a_dict() == 3


class Family:
    def __init__(self):
        self.n = 2

    def children(self) -> List[int]:
        return [self.n, 3]


def its_own_children(f: Family) -> int:
    s = 0
    for n in f.children():
        s += n
    return s


def no_children(c: Counter) -> int:
    s = 0
    for n in c.children():  # type: ignore[attr-defined]
        s += n
    return s


def test_children_of_an_object_are_a_method_of_its_class():
    assert torch.jit.script(its_own_children)(Family()) == 5
    with pytest.raises(torch.SyntaxError, match="has no attribute or method `children`"):
        torch.jit.script(no_children)
