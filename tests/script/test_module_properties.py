"""Properties of modules: in scripts they are calls of compiled getters and setters, in Python they are Python's. Their Tensors."""

from typing import Optional

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


# parameters() and its like

class Members(nn.Module):
    late: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
        self.register_buffer("b", torch.zeros(1))
        self.register_buffer("late", None)
        self.register_buffer("never", None)
        self.layers = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1))
        self.same = self.layers[0]
        self.register_buffer("c", torch.ones(1), persistent=False)

    def forward(self):
        names = [name for name, _ in self.named_buffers()] + [name for name, _ in self.named_parameters()]
        own = ""
        for name, x in self.named_parameters(recurse=False):
            own += name + str(x.numel())
        count = 0
        for x in self.parameters():
            count += x.numel()
        return names, own, count, [x.numel() for x in self.buffers()], [name for name, _ in self.layers.named_parameters()]

    @torch.jit.export
    def fill(self):
        self.late = torch.ones(3)
        for x in self.parameters(False):
            x.zero_()


def test_tensors_of_modules_are_those_that_python_names():
    plain, compiled = Members(), script(Members())
    assert compiled() == plain()
    plain.fill()
    compiled.fill()
    assert compiled() == plain()
    assert plain()[0][:3] == ["b", "late", "c"] and compiled.w.tolist() == [0.0, 0.0]


def test_a_module_without_tensors_and_one_with_a_method_of_that_name():
    class Empty(nn.Module):
        def forward(self):
            return len(list(self.buffers())) + len(list(self.named_parameters()))

    class Own(nn.Module):
        def buffers(self, recurse: bool = True):
            return [3]

        def forward(self):
            return self.buffers()

    assert script(Empty())() == 0
    assert script(Own())() == [3]
