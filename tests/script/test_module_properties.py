"""Properties of modules: in scripts they are calls of compiled getters and setters, in Python they are Python's."""

import pytest

import tine as torch
from tine import nn
from tine.jit import script


class WithProperty(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = 3

    @property
    def twice(self) -> int:
        return self.w * 2

    @twice.setter
    def twice(self, value: int):
        self.w = value // 2

    @property
    def only_read(self) -> int:
        return self.twice + 1

    def forward(self, x):
        before = self.only_read
        self.twice = 10
        self.twice += 2
        return x + self.twice + before

    @torch.jit.export
    def set_read(self):
        return self.only_read


def test_reading_and_assigning_in_a_script():
    m = script(WithProperty())
    assert m(torch.ones(1)).tolist() == [1 + 12 + 7]
    assert m.w == 6 and m.set_read() == 13


def test_reading_and_assigning_in_python():
    m = script(WithProperty())
    assert m.twice == 6 and m.only_read == 7
    m.twice = 8
    assert (m.w, m.twice) == (4, 8)
    with pytest.raises(AttributeError, match="property 'only_read' of 'WithProperty' has no setter|property 'only_read'"):
        m.only_read = 1


def test_of_a_module_inside():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = WithProperty()

        def forward(self):
            self.inner.twice = 20
            return self.inner.only_read

    assert script(Outer())() == 21


class Unwritable(nn.Module):
    @property
    def only_read(self) -> int:
        return 1

    def forward(self):
        self.only_read = 2


class LeftToPython(nn.Module):
    __jit_unused_properties__ = ["by_name"]

    def __init__(self, which):
        super().__init__()
        self.which = which

    @property
    def by_name(self):
        return {1: object()}

    @torch.jit.unused
    @property
    def by_mark(self):
        return {2: object()}

    def forward(self, x):
        return x


class UsesName(LeftToPython):
    def forward(self):
        return self.by_name


class UsesMark(LeftToPython):
    def forward(self):
        return self.by_mark


class Generates(nn.Module):
    @property
    def all(self):
        yield 1

    def forward(self):
        return self.all


@pytest.mark.parametrize("module, message", [
    (Unwritable(), "has no setter; define one: `@only_read.setter`"),
    (UsesName(1), "the property `by_name` of `UsesName` is marked @unused, or named in __jit_unused_properties__, so it stays Python's"),
    (UsesMark(1), "the property `by_mark` of `UsesMark` is marked @unused, or named in __jit_unused_properties__, so it stays Python's"),
    (Generates(), "is a generator; scripts have no `yield`"),
])
def test_refusals(module, message):
    with pytest.raises(torch.SyntaxError) as caught:
        script(module)
    assert message in str(caught.value)


def test_a_property_that_no_script_uses_stays_pythons():
    m = script(LeftToPython(1))
    assert m(torch.ones(1)).tolist() == [1.0]
    assert list(m.by_name) == [1] and list(m.by_mark) == [2]
