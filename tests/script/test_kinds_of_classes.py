"""Classes of scripts, interfaces, named tuples, enums and Unions in one another."""

import enum
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import pytest

import tine as torch
from tine import Tensor


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Pen:
    def __init__(self, color: Color, at: Point):
        self.color = color
        self.at = at
        self.seen: Dict[Color, List[Point]] = {}

    def draw(self, to: Point) -> int:
        if self.color not in self.seen:
            self.seen[self.color] = []
        self.seen[self.color].append(self.at)
        self.at = to
        return len(self.seen[self.color])


class Held(NamedTuple):
    pen: Pen
    name: str = "pen"


def draws(color: Color) -> Tuple[int, Point, bool]:
    pen = Pen(color, Point(1))
    pen.draw(Point(2, 3.0))
    return pen.draw(Point(5)), pen.at, pen.color is Color.RED


def test_a_class_has_attributes_that_are_records():
    got = torch.jit.script(draws)(Color.RED)
    assert got == draws(Color.RED) and type(got[1]) is Point
    assert torch.jit.script(draws)(Color.GREEN) == (2, Point(5), False)


def moved(pen: Pen, by: int) -> Pen:
    pen.at = Point(pen.at.x + by, pen.at.y)
    return pen


def test_an_object_with_records_passes_the_border():
    pen = Pen(Color.GREEN, Point(1, 2.0))
    got = torch.jit.script(moved)(pen, 4)
    assert type(got) is Pen and got.at == Point(5, 2.0) and type(got.at) is Point and got.color is Color.GREEN
    assert pen.at == Point(1, 2.0)


def holds(held: Held, others: List[Held]) -> Held:
    pen = held.pen
    pen.draw(Point(7))
    for other in others:
        pen.draw(other.pen.at)
    return Held(pen, held.name + "!")


def test_a_named_tuple_holds_an_object():
    given = Held(Pen(Color.RED, Point(1)))
    got = torch.jit.script(holds)(given, [Held(Pen(Color.RED, Point(2)))])
    assert type(got) is Held and type(got.pen) is Pen
    assert got.name == "pen!" and got.pen.at == Point(2)


class Eraser:
    def __init__(self, size: int):
        self.size = size


def what(tool: Union[Pen, Eraser, int]) -> str:
    if isinstance(tool, Pen):
        return "pen " + tool.color.name
    elif isinstance(tool, Eraser):
        return "eraser " + str(tool.size)
    else:
        return "int " + str(tool + 1)


@pytest.mark.parametrize("tool", [Pen(Color.RED, Point(1)), Eraser(3), 4])
def test_a_union_of_classes(tool):
    assert torch.jit.script(what)(tool) == what(tool)


class HasSize(torch.nn.Module):
    def forward(self, tools: List[Union[Pen, Eraser]]) -> int:
        total = 0
        for tool in tools:
            if isinstance(tool, (Eraser,)):
                total += tool.size
            else:
                total += tool.at.x
        return total


def test_a_list_of_a_union_of_classes():
    assert torch.jit.script(HasSize())([Pen(Color.RED, Point(10)), Eraser(3)]) == 13


@torch.jit.interface
class Sized:
    def measure(self) -> int:
        pass


class Ruler:
    def __init__(self, n: int):
        self.n = n

    def measure(self) -> int:
        return self.n


class Tape:
    def __init__(self, n: int):
        self.n = n

    def measure(self) -> int:
        return 2 * self.n


def which(x: Sized) -> str:
    if isinstance(x, Ruler):
        return "ruler " + str(x.n)
    return "other " + str(x.measure())


def test_an_interface_is_narrowed_to_a_class():
    assert torch.jit.script(which)(Ruler(3)) == "ruler 3"
    assert torch.jit.script(which)(Tape(3)) == "other 6"


class Commented:
    def __init__(self, x, y=2):
        # type: (int, int) -> None
        self.x = x
        self.names = []  # type: List[str]
        self.y = y

    def add(self, name):
        # type: (str) -> int
        self.names.append(name)
        return len(self.names) + self.x + self.y


def comments(n: int) -> int:
    c = Commented(n)
    c.add("a")
    return c.add("b")


def test_types_in_the_comments_of_methods():
    assert torch.jit.script(comments)(3) == comments(3) == 7


@dataclass
class Setting:
    color: Color = Color.GREEN
    at: Point = Point(3)
    limit: Optional[Union[int, str]] = None


def setting() -> Tuple[Color, Point, str]:
    s = Setting()
    limit = s.limit
    text = "none"
    if isinstance(limit, int):
        text = str(limit + 1)
    return s.color, s.at, text


def test_a_dataclass_of_records():
    assert torch.jit.script(setting)() == setting()


def identities(c: Color, d: Optional[Color], p: Point) -> Tuple[bool, bool, bool, bool]:
    q = p
    return c is Color.RED, d is c, d is not None, p is q


def test_identity():
    f = torch.jit.script(identities)
    assert f(Color.RED, Color.RED, Point(1)) == (True, True, True, True)
    assert f(Color.GREEN, None, Point(1)) == (False, False, False, True)


def gets(p: Point) -> Tuple[int, int, bool]:
    return getattr(p, "x"), getattr(p, "z", 7), hasattr(p, "y")  # noqa: B009


def test_getattr_of_a_named_tuple():
    assert torch.jit.script(gets)(Point(1)) == gets(Point(1))


class OnDevice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.device = torch.device("cpu")

    def forward(self, x: Tensor) -> Tuple[str, bool, Optional[int]]:
        return self.device.type, x.device == self.device, torch.device(self.device.type, 0).index


def test_an_attribute_that_is_a_device():
    assert torch.jit.script(OnDevice())(torch.ones(1)) == ("cpu", True, 0)


def any_of(x: Any) -> str:
    if isinstance(x, list):
        return "list"
    if isinstance(x, Point):
        return "point " + str(x.x)
    if isinstance(x, Color):
        return "color " + x.name
    if torch.is_tensor(x):
        return "tensor"
    return "other"


@pytest.mark.parametrize("x", [[1], Point(1), Color.RED, 3])
def test_any(x):
    assert torch.jit.script(any_of)(x) == any_of(x)


def test_kinds_in_graphs():
    c = torch._C
    node = torch.jit.script(what).graph
    kinds = [value.type().kind() for value in node.inputs()]
    assert kinds == ["UnionType"]
    assert c.UnionType([c.IntType.get(), c.StringType.get()]).kind() == "UnionType"
    assert c.UnionType([c.IntType.get(), c.NoneType.get()]) == c.OptionalType(c.IntType.get())
    with pytest.raises(ValueError, match="at least one type"):
        c.UnionType([])
    assert [v.type().kind() for v in torch.jit.script(identities).graph.inputs()] == ["EnumType", "OptionalType", "TupleType"]
