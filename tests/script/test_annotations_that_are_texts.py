"""Annotations of classes that are texts mean what they mean where the class stands."""

from typing import TYPE_CHECKING, List

import postponed
import pytest

import tine as torch

if TYPE_CHECKING:
    from typing import Optional

    from tine import Tensor


def test_of_a_named_tuple_in_another_module():
    def f(outer: postponed.Outer) -> int:
        return outer.one.x + len(outer.many)

    inner = postponed.Inner(2)
    assert torch.jit.script(f)(postponed.Outer(inner, [inner, inner])) == 4


def test_of_a_class_in_another_module():
    def f(n: int) -> int:
        whole = postponed.Whole(n)
        return whole.add() * 10 + whole.add()

    assert torch.jit.script(f)(5) == f(5) == 17


def test_of_a_module_in_another_module():
    assert torch.jit.script(postponed.Net())(5) == 6


class Part:
    """Not the one in the function below."""


class Quoted(torch.nn.Module):
    parts: List["postponed.Part"]

    def __init__(self):
        super().__init__()
        self.parts = []

    def forward(self, n: int) -> int:
        self.parts.append(postponed.Part(n))
        return self.parts[0].n


def test_within_an_annotation():
    assert torch.jit.script(Quoted())(3) == 3


def test_of_classes_in_a_function():
    class Part:
        def __init__(self):
            self.x = 1

    class Held:
        part: "Part"
        parts: "List[Part]"

        def __init__(self):
            self.part = Part()
            self.parts = []

        def add(self) -> int:
            self.parts.append(self.part)
            return len(self.parts) + self.part.x

    def f() -> int:
        return Held().add()

    @torch.jit.script
    class Asked:
        part: "Optional[Part]"

        def __init__(self):
            self.part = None

        def x(self) -> int:
            part = self.part
            return 4 if part is None else part.x

    def g() -> int:
        return Asked().x()

    assert torch.jit.script(f)() == 2 and torch.jit.script(g)() == 4


class Chain:
    next: "Optional[Chain]"
    value: "Tensor"

    def __init__(self, value: torch.Tensor):
        self.next = None
        self.value = value


def chained(value: torch.Tensor) -> torch.Tensor:
    first, second = Chain(value), Chain(value + 1)
    first.next = second
    found = first.next
    return first.value if found is None else found.value


def test_of_the_class_itself_and_of_what_is_imported_for_type_checkers_alone():
    assert torch.jit.script(chained)(torch.ones(1)).item() == 2


class Lost:
    part: "Nowhere"  # noqa: F821

    def __init__(self):
        self.part = 1


def test_one_that_means_nothing_is_named():
    def f():
        Lost()

    with pytest.raises(torch.SyntaxError, match="attribute `part` of class `Lost`: .*'Nowhere' means nothing"):
        torch.jit.script(f)
