"""Interfaces: types of all objects that have certain methods."""
import gc
import weakref
from typing import List, Optional, Tuple

import pytest
from cases import refused

import tine as torch
from tine import Tensor, nn


@torch.jit.interface
class Shape:
    def area(self) -> float:
        pass

    def scaled(self, by: float) -> float:
        """Has no body."""


@torch.jit.script
class Square:
    def __init__(self, side: float):
        self.side = side

    def area(self) -> float:
        return self.side * self.side

    def scaled(self, by: float, again: int = 1) -> float:
        return self.side * by

    def diagonal(self) -> float:
        return self.side * 1.5


class Circle:
    def __init__(self, radius: float):
        self.radius = radius

    def area(self) -> float:
        return self.radius * self.radius * 3.0

    def scaled(self, by: float) -> float:
        return self.radius * by * 2.0


class Exact:
    """As Square, without a parameter more."""

    def __init__(self, side: float):
        self.side = side

    def area(self) -> float:
        return self.side

    def scaled(self, by: float) -> float:
        return by


def area_of(shape: Shape) -> float:
    return shape.area()


def sums(round: bool) -> Tuple[float, float, float, float]:
    first: Shape = Exact(2.0)
    if round:
        first = Circle(2.0)
    shapes: List[Shape] = [Exact(1.0), Circle(1.0)]
    total = 0.0
    for s in shapes:
        total += s.area()
    found: Optional[Shape] = None
    if round:
        found = shapes[1]
    last = 0.0
    if found is not None:
        last = found.scaled(by=4.0)
    return first.area(), area_of(Exact(9.0)), total, last


def test_objects_of_several_classes_stand_for_an_interface():
    scripted = torch.jit.script(sums)
    assert scripted(True) == sums(True) == (12.0, 9.0, 4.0, 8.0)
    assert scripted(False) == sums(False) == (2.0, 9.0, 4.0, 0.0)


def forked(shape: Shape) -> float:
    f = torch.jit.fork(shape.area)
    g = torch.jit.fork(area_of, shape)
    return torch.jit.wait(f) + g.wait()


def shape_of_its_own(n: int) -> Shape:
    class Numbered:
        def __init__(self, n: int):
            self.n = n

        def area(self) -> float:
            return float(self.n)

        def scaled(self, by: float) -> float:
            return self.n * by

    return Numbered(n)


@torch.jit.script
def digits(shapes: List[Shape], rounds: int) -> Tuple[float, float]:
    area, scaled = 0.0, 0.0
    for i in range(rounds):
        for s in shapes:
            area += s.area() * i
            scaled += s.scaled(2.0) * i
    return area, scaled


def test_one_call_finds_the_methods_of_many_classes_again_and_again():
    shapes = [shape_of_its_own(n) for n in range(40)]
    for some in (shapes, shapes[:1] * 3 + shapes[1:2], shapes[::-1]):
        total = sum(s.area() for s in some)
        assert digits(some, 4) == (total * 6, total * 12)


def test_methods_of_an_interface_in_forks():
    assert torch.jit.script(forked)(Circle(1.0)) == 6.0


def test_objects_of_python_stand_for_an_interface():
    scripted = torch.jit.script(area_of)
    assert scripted(Exact(3.0)) == 3.0 and scripted(Circle(2.0)) == 12.0
    with pytest.raises(TypeError, match="argument 'shape' must be .*Shape, not int 3"):
        scripted(3)

    class Line:
        def __init__(self, length: float):
            self.length = length

    with pytest.raises(torch.SyntaxError, match="an object of `.*Line` cannot be a `.*Shape`: it has no method `area`"):
        scripted(Line(1.0))


def test_isinstance_finds_the_class_again():
    def diagonal(shape: Shape) -> float:
        if isinstance(shape, Circle):
            return shape.radius
        return -1.0

    scripted = torch.jit.script(diagonal)
    assert scripted(Circle(5.0)) == 5.0 and scripted(Exact(5.0)) == -1.0


def test_methods_must_have_the_signature_of_the_interface():
    class Short:
        def __init__(self):
            self.x = 1.0

        def area(self) -> float:
            return self.x

        def scaled(self, by: int) -> float:
            return self.x

    def f() -> float:
        return area_of(Short())

    def g() -> float:
        return area_of(Square(1.0))

    for fn in (f, g):
        text = refused(fn)
        assert "its method is" in text and "and the interface has `scaled(self, by: float) -> float`" in text
    assert "[area(...) or scaled(...)]" not in refused(f)


def test_only_the_methods_of_the_interface_are_there():
    def f(shape: Shape) -> float:
        return shape.diagonal()

    def g(shape: Shape) -> float:
        return shape.area(1)

    assert "has no attribute or method `diagonal`" in refused(f)
    assert "`area` takes 0 positional arguments, got 1" in refused(g)


def test_an_interface_has_signatures_alone():
    with pytest.raises(torch.SyntaxError, match="the methods of an interface have no body; write `pass`"):
        @torch.jit.interface
        class Body:
            def one(self, x: int) -> int:
                return x

    with pytest.raises(torch.SyntaxError, match="a method of an interface declares its result"):
        @torch.jit.interface
        class Result:
            def one(self, x: int):
                pass

    with pytest.raises(torch.SyntaxError, match="has base classes"):
        @torch.jit.interface
        class Derived(Exact):
            def one(self, x: int) -> int:
                pass


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass

    def size(self) -> int:
        pass


class Add(nn.Module):
    def __init__(self, amount: float):
        super().__init__()
        self.amount = amount

    def forward(self, x: Tensor) -> Tensor:
        return x + self.amount

    def size(self) -> int:
        return 1


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2

    def size(self) -> int:
        return 2


class Net(nn.Module):
    layer: Layer

    def __init__(self):
        super().__init__()
        self.layer = Add(10.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x) + self.layer.size()


def test_a_submodule_of_an_interface_can_be_replaced():
    net = torch.jit.script(Net())
    x = torch.ones(2)
    assert torch.equal(net(x), x + 11)
    net.layer = torch.jit.script(Twice())
    assert torch.equal(net(x), x * 2 + 2)
    assert torch.equal(net.layer(x), x * 2)
    with pytest.raises(RuntimeError, match="cannot re-assign modules"):
        net.layer = Twice()
    with pytest.raises(torch.SyntaxError, match="it has no method `size`"):
        net.layer = torch.jit.script(nn.Linear(2, 2))
    assert torch.equal(net(x), x * 2 + 2)


@torch.jit.script
def apply(layer: Layer, x: Tensor) -> Tensor:
    return layer.forward(x)


def test_scripted_modules_are_arguments_of_an_interface():
    x = torch.ones(2)
    assert torch.equal(apply(torch.jit.script(Add(1.0)), x), x + 1)
    assert torch.equal(apply(torch.jit.script(Twice()), x), x * 2)
    with pytest.raises(TypeError, match="script the module first"):
        apply(Twice(), x)


def test_an_interface_is_forgotten_with_its_class(monkeypatch):
    forgotten, forget = [], torch._C._forget_class
    monkeypatch.setattr(torch._C, "_forget_class", lambda name: (forgotten.append(name), forget(name)))

    def used():
        @torch.jit.interface
        class Short:
            def area(self) -> float:
                pass

        @torch.jit.script
        def f(shape: Short) -> float:
            return shape.area()

        assert f(Circle(2.0)) == 12.0
        return weakref.ref(Short)

    gone = used()
    gc.collect()
    assert gone() is None and [name.rpartition(".")[2] for name in forgotten] == ["Short"]
