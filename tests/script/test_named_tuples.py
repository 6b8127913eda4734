"""Named tuples in scripts: each program runs in plain Python and scripted, and both give instances of the very class."""

import collections
import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import pytest

import tine as torch
from tine import Tensor
from tine.jit._received import class_of
from tine.jit._types import record_name
from cases import Cases, load, parts, refused, same


class Point(NamedTuple):
    x: int
    y: float = 2.5


class Line(NamedTuple):
    start: Point
    rest: List[Point]
    end: Optional[Point] = None


class Holder(NamedTuple):
    data: Tensor
    names: Dict[str, int]
    pair: Tuple[int, str]


Pair = collections.namedtuple("Pair", ["left", "right"])
Typed = NamedTuple("Typed", [("a", int), ("b", str)])
ORIGIN = Point(0, 0.0)

case = Cases()
ones = torch.ones(2)


@case(())
def by_position_keyword_and_default():
    return Point(1), Point(x=2), Point(3, 4.0), Point(y=1.0, x=5)


@case((Point(1, 2.0),))
def fields_indices_and_unpacking(p: Point):
    a, b = p
    return p.x + a + p[0] + p[-2], p.y + b + p[1] + p[-1], len(p)


@case((Point(1, 2.0),))
def comes_back_as_it_is(p: Point) -> Point:
    return p


@case((Line(Point(1), [Point(2), Point(3)], Point(4)),), (Line(Point(1), []),))
def nested_in_lists_and_optionals(line: Line) -> Tuple[Line, int]:
    total = line.start.x
    for p in line.rest:
        total += p.x
    end = line.end
    if end is not None:
        total += end.x
    return Line(line.start, [Point(9)] + line.rest), total


@case((Holder(ones, {"a": 1}, (2, "b")),))
def fields_of_every_type(h: Holder) -> Holder:
    return Holder(h.data + 1, {"b": h.names["a"]}, (h.pair[0], h.pair[1] + "!"))


@case((ones,))
def fields_without_a_type_are_tensors(x: Tensor):
    q = Pair(x, right=x + 1)
    return q.left + q.right, q


@case(())
def of_the_functional_form():
    return Typed(1, b="x"), Typed(2, "y").b


@case((ones,))
def in_dicts_and_lists(x: Tensor) -> Tuple[Dict[str, Point], List[Point]]:
    d: Dict[str, Point] = {}
    d["a"] = Point(1)
    d["b"] = Point(2)
    found: List[Point] = []
    for k in d.keys():
        found.append(d[k])
    return d, found + [Point(i) for i in range(2)]


@case((3,), (-3,))
def through_branches_and_loops(n: int) -> Point:
    p = Point(0)
    for i in range(n):
        p = Point(p.x + i, p.y)
    if n < 0:
        p = Point(n, 0.0)
    return p


@case((Pair(1, 2),))
def loops_and_contains(p: Tuple[int, int]):
    total = 0
    for v in p:
        total += v
    return total, 2 in p, 7 in p


@case((Point(1, 2.0),))
def a_slice_and_a_sum_are_plain_tuples(p: Point):
    return p[:1], p + p, tuple(p)


@case((Point(1, 2.0),))
def asked_by_name(p: Point):
    return getattr(p, "x"), hasattr(p, "y"), hasattr(p, "z")


def first(t: Tuple[int, float]) -> int:
    return t[0]


@case((Point(7, 1.0),))
def fits_where_a_tuple_of_its_fields_does(p: Point) -> Tuple[int, Tuple[int, float]]:
    t: Tuple[int, float] = p
    return first(p) + first(t), t


@case(())
def globals_are_constants():
    return ORIGIN.x, ORIGIN, [ORIGIN, Point(1)]


@case((Point(1, 2.0),), (None,))
def optional_of_one(p: Optional[Point]) -> float:
    return -1.0 if p is None else p.y


@case((Point(1, 2.0),), (5,), ("a",))
def member_of_a_union(p: Union[Point, int, str]) -> int:
    if isinstance(p, Point):
        return p.x
    if isinstance(p, int):
        return p
    return -1


@case((Point(1, 2.0),), ((1, 2.0),), (3,))
def is_told_from_other_tuples(p: Any) -> int:
    return p.x if isinstance(p, Point) else -1


@case((Point(1, 2.0),))
def its_text_is_that_of_python(p: Point):
    return str(p), f"{p}", str([p])


@case((Point(1, 2.0),))
def a_default_argument(p: Point, q: Point = Point(3)) -> int:
    return p.x + q.x


@pytest.mark.parametrize("fn, args", case.params)
def test_a_script_says_what_python_says(fn, args):
    assert same(fn(*args), torch.jit.script(fn)(*args))


def test_a_plain_tuple_fits_where_python_calls():
    @torch.jit.script
    def f(p: Point) -> Point:
        return p

    assert same(f((1, 2.0)), Point(1, 2.0)) and same(f((1, 2)), Point(1, 2.0))
    with pytest.raises(TypeError, match=r"argument 'p' must be .*Point, not tuple of 3"):
        f((1, 2.0, 3))
    with pytest.raises(TypeError, match="argument 'p' must be"):
        f(("a", 2.0))


def test_forks_give_instances_of_the_class():
    def make(x: int) -> Point:
        return Point(x)

    @torch.jit.script
    def start(x: int):
        return torch.jit.fork(make, x)

    @torch.jit.script
    def wait(x: int):
        future = torch.jit.fork(make, x)
        p = torch.jit.wait(future)
        return p.x, p

    assert same(start(3).wait(), Point(3)) and same(wait(4), (4, Point(4)))


def test_attributes_of_modules_are_of_their_class():
    class Net(torch.nn.Module):
        line: Line

        def __init__(self):
            super().__init__()
            self.line = Line(Point(1), [])
            self.point = Point(5)

        def forward(self, n: int):
            self.point = Point(self.point.x + n)
            return self.line.start.x, self.point, self.line

    net = torch.jit.script(Net())
    assert same(net(2), (1, Point(7), Line(Point(1), []))) and same(net.point, Point(7))
    net.point = Point(1)
    assert net(1)[1] == Point(2)
    with pytest.raises(TypeError, match="attribute 'point'"):
        net.point = (1, "a")


def test_annotations_may_be_texts_that_only_the_function_sees():
    class Inner(NamedTuple):
        n: "int"
        more: "Optional[List[int]]" = None

    class Outer(NamedTuple):
        inner: "Inner"
        all: List["Inner"]

    def f(o: Outer) -> Outer:
        return Outer(Inner(o.inner.n + 1), [o.inner])

    assert same(f(Outer(Inner(1), [])), torch.jit.script(f)(Outer(Inner(1), [])))


def test_two_classes_of_one_name_stay_apart():
    def made(kind):
        class Same(NamedTuple):
            v: kind

        def f(s: Same) -> Same:
            return Same(s.v)

        return torch.jit.script(f), Same

    (f, Ints), (g, Texts) = made(int), made(str)
    assert same(f(Ints(1)), Ints(1)) and same(g(Texts("a")), Texts("a"))
    with pytest.raises(TypeError):
        g(Ints(1))


def test_a_class_goes_when_nobody_holds_it():
    def run():
        class Short(NamedTuple):
            v: int

        @torch.jit.script
        def f(s: Short) -> Short:
            return s

        assert type(f(Short(1))) is Short
        return weakref.ref(Short)

    gone = run()
    gc.collect()
    assert gone() is None


def test_results_of_operators_have_names():
    @torch.jit.script
    def f(x: Tensor):
        r = x.max(dim=1)
        values, indices = torch.min(x, 1)
        return r.values, r.indices, torch.max(x, 1).indices, values, r[0], len(r)

    @torch.jit.script
    def forked(x: Tensor) -> Tensor:
        return torch.jit.wait(torch.jit.fork(torch.max, x, 1)).values

    x = torch.arange(6.0).view(2, 3)
    v, i = torch.max(x, 1)
    assert same(f(x), (v, i, i, torch.min(x, 1).values, v, 2)) and same(forked(x), v)
    assert repr(torch.max(x, 1)).startswith("tine.return_types.max(values=") and torch.max(x, 1).values.tolist() == [2, 5]


WRONG = [
    ("p.z", "has no field `z` in scripts"),
    ("p.xx", "has no field `xx` in scripts"),
    ("p._replace(x=1)", "make another one, `Point(...)`"),
    ("p._asdict()", "its fields are known"),
    ("Point()", "needs a value for `x`"),
    ("Point(1, 2.0, 3)", "takes 2 positional arguments, got 3"),
    ("Point(1, x=2)", "gets its argument `x` twice"),
    ("Point(1, z=2)", "has no argument `z`"),
    ("Point('a')", "expects int for `x`, got str"),
    ("Point.x", "not a value"),
    ("p[2]", "has 2 elements"),
]


@pytest.mark.parametrize("text, says", WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_is_refused_with_its_place(text, says, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("from typing import NamedTuple\nclass Point(NamedTuple):\n    x: int\n    y: float = 2.5\n\n"
                    f"def f(p: Point):\n    return {text}\n")
    file, line, said, _ = parts(refused(load(path).f))
    assert (file, line) == (str(path), 7) and says in said


def test_a_field_cannot_be_assigned_to():
    def f(p: Point):
        p.x = 3
        return p

    def plain() -> Point:
        return (1, 2.0)

    with pytest.raises(torch.SyntaxError, match="cannot be assigned to; make another one, `Point"):
        torch.jit.script(f)
    with pytest.raises(torch.SyntaxError, match="is declared to return .*Point, but this is Tuple"):
        torch.jit.script(plain)


def test_a_class_that_scripts_cannot_have_says_why():
    class Sets(NamedTuple):
        s: set

    class Itself(NamedTuple):
        more: "Optional[List[Itself]]"

    class Unknown(NamedTuple):
        v: "Nowhere"  # noqa: F821

    class Wrong(NamedTuple):
        v: int = "a"

    def a(x: Sets):
        return x

    def b(x: Itself):
        return x

    def c(x: Unknown):
        return x

    def d(x: Wrong):
        return x

    for fn, says in (a, "`Sets`, whose field `s` scripts cannot hold: `set`"), (b, "contains itself"), (c, "'Nowhere' means nothing"), (
            d, "the default of `v`"):
        with pytest.raises(torch.SyntaxError) as caught:  # here, where the annotations mean something
            torch.jit.script(fn)
        assert says in str(caught.value)


def test_text_defines_named_tuples():
    unit = torch.jit.CompilationUnit("""
from typing import NamedTuple, List

class P(NamedTuple):
    x: int
    y: float = 1

class Q(NamedTuple):
    ps: List[P]

def f(x: int) -> Q:
    return Q([P(x), P(x, 2)])

def g(q: Q) -> float:
    return q.ps[0].y + q.ps[1].x
""")
    q = unit.f(3)
    assert type(q).__name__ == "Q" and type(q.ps[0]).__name__ == "P" and q == (([(3, 1.0), (3, 2.0)]),)
    assert unit.g(q) == 4.0 and unit.g(([(3, 1.0), (3, 2.0)],)) == 4.0



def both_at_once(function):
    """What two threads get from it."""
    with ThreadPoolExecutor(2) as pool:
        return [each.result(timeout=60) for each in [pool.submit(function) for _ in range(2)]]


meeting = threading.Barrier(2, timeout=60)


def met():
    meeting.wait()
    return int


class Met(NamedTuple):
    x: "met()"  # noqa: F821


def test_two_threads_that_meet_a_class_give_it_one_type():
    first, second = both_at_once(lambda: record_name(Met))
    assert first == second and first.endswith(".Met")


class MeetingModule:
    def __getattr__(self, name):
        if name == "Point":
            meeting.wait()
        return None


def test_two_threads_that_receive_a_type_make_one_class_of_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "a_meeting", MeetingModule())
    name = "a_meeting.Point"
    first, second = both_at_once(lambda: class_of(name, f"NamedTuple({name}, x : int)", ("x",), None))
    assert first is second and first._fields == ("x",) and first.__module__ == "a_meeting"
