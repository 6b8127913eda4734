"""Classes of scripts from Python: `torch.jit.script` of a class, objects that pass the border, and what is refused."""
import gc
import sys
import weakref
from dataclasses import InitVar, dataclass, field
from enum import Enum
from typing import Any, Dict, List, Optional, Tuple

import pytest
from cases import parts, refused

import tine as torch
from tine import Tensor


@torch.jit.script
class Counter:
    def __init__(self, start: int, step: int = 2):
        self.count = start
        self.step = step
        self.weights = torch.ones(2)

    def next(self) -> int:
        self.count += self.step
        return self.count

    def scaled(self, x: Tensor) -> Tensor:
        return x * self.weights * self.count


def test_script_returns_the_class():
    assert isinstance(Counter, type) and torch.jit.script(Counter) is Counter
    made = Counter(3)
    assert type(made) is Counter and made.next() == 5


@torch.jit.script
def counts(start: int, times: int) -> List[int]:
    c = Counter(start, step=3)
    return [c.next() for _ in range(times)]


def test_a_script_makes_and_uses_objects():
    assert counts(1, 3) == [4, 7, 10]


@torch.jit.script
def stepped(c: Counter) -> Counter:
    c.next()
    return c


def test_objects_are_copied_into_and_out_of_a_script():
    c = Counter(3)
    after = stepped(c)
    assert type(after) is Counter and after is not c
    assert (c.count, after.count, after.step) == (3, 5, 2)
    assert after.weights is c.weights
    assert stepped(c=after).count == 7


@torch.jit.script
def in_containers(cs: List[Counter], by_name: Dict[str, Counter], pair: Tuple[Counter, int],
                  one: Optional[Counter] = None) -> Tuple[List[Counter], Dict[str, int], int, bool]:
    return [stepped(c) for c in cs], {k: c.count for k, c in by_name.items()}, pair[0].count + pair[1], one is None


def test_objects_pass_the_border_in_containers():
    made, counts_by_name, sum, none = in_containers([Counter(1), Counter(5)], {"a": Counter(9)}, (Counter(2), 3))
    assert [c.count for c in made] == [3, 7] and counts_by_name == {"a": 9} and sum == 5 and none
    assert not in_containers([], {}, (Counter(2), 3), Counter(4))[3]


class Duck:
    count = 40
    step = 2

    def __init__(self):
        self.weights = torch.zeros(1)


def test_any_object_with_the_attributes_will_do():
    assert stepped(Duck()).count == 42
    with pytest.raises(TypeError, match="expected an object of .*Counter, got a object without the attribute 'count'"):
        stepped(object())
    lame = Duck()
    lame.count = "two"
    with pytest.raises(TypeError, match="attribute 'count' of .*Counter: expected a value of type int, got str"):
        stepped(lame)


class Node:
    def __init__(self, value: int):
        self.value = value
        self.next: Optional["Node"] = None


def longer(node: Node) -> Node:
    made = Node(node.value + 1)
    made.next = node
    return made


def test_a_class_is_compiled_when_a_script_meets_it():
    scripted = torch.jit.script(longer)
    made = scripted(scripted(Node(1)))
    assert type(made) is Node and made.value == 3
    assert made.next.value == 2 and made.next.next.value == 1 and made.next.next.next is None


def test_objects_that_hold_themselves_cannot_pass_the_border():
    ring = Node(1)
    ring.next = ring
    with pytest.raises(RecursionError):
        torch.jit.script(longer)(ring)


def test_classes_inside_functions():
    factor = 3

    @torch.jit.script
    class Local:
        def __init__(self, x: int):
            self.x = x

        def scaled(self) -> int:
            return self.x * factor

        def again(self) -> "Local":
            return Local(self.scaled())

    @torch.jit.script
    def f(x: int) -> int:
        return Local(x).again().x

    assert f(2) == 6
    gone = weakref.ref(Local)
    del Local, f
    gc.collect()
    assert gone() is None


def test_two_classes_of_one_name():
    def made(add: int):
        @torch.jit.script
        class Same:
            def __init__(self):
                self.x = add

        @torch.jit.script
        def f() -> int:
            return Same().x

        return f

    one, two = made(1), made(2)
    assert (one(), two(), one()) == (1, 2, 1)


class WithCounter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.counter = Counter(4)
        self.all = [Counter(1), Counter(2)]

    def forward(self, x: Tensor) -> Tensor:
        self.all.append(Counter(self.counter.next()))
        return self.counter.scaled(x)


def test_objects_in_attributes_of_modules():
    module = torch.jit.script(WithCounter())
    assert torch.equal(module(torch.ones(2)), torch.full((2,), 6.0))
    assert torch.equal(module(torch.ones(2)), torch.full((2,), 8.0))
    assert type(module.counter) is Counter and module.counter.count == 8
    assert [c.count for c in module.all] == [1, 2, 6, 8]
    module.counter = Counter(100)
    assert torch.equal(module(torch.ones(2)), torch.full((2,), 102.0))


@torch.jit.script
def forked(start: int) -> Tuple[int, int, int]:
    made = torch.jit.fork(Counter, start, step=5)
    c = torch.jit.wait(made)
    later = torch.jit.fork(c.next)
    sum = torch.jit.wait(later) + c.count
    f: torch.jit.Future[Counter] = torch.jit.fork(stepped, c)
    return c.count, sum, f.wait().count


def test_objects_in_forks():
    assert forked(1) == (6, 12, 11)


@torch.jit.script
def fork_of_an_object(x: int) -> torch.jit.Future[Counter]:
    return torch.jit.fork(stepped, Counter(x))


@torch.jit.script
def wait_for_an_object(f: torch.jit.Future[Counter]) -> int:
    return torch.jit.wait(f).count


def test_objects_in_futures_of_python():
    future = fork_of_an_object(1)
    assert type(future.wait()) is Counter and future.wait().count == 3
    assert wait_for_an_object(future) == 3
    mine = torch.futures.Future()
    mine.set_result(Counter(8))
    assert wait_for_an_object(mine) == 8


class Unset:
    def __init__(self, stop: bool):
        self.ready = False
        self.finish()
        if stop:
            return
        self.values: List[int] = [1]
        self.name = "unset"

    def finish(self) -> None:
        if self.ready:
            print(self.values)


@torch.jit.script
def values_of(stop: bool) -> List[int]:
    return Unset(stop).values


@torch.jit.script
def unset(stop: bool) -> Unset:
    return Unset(stop)


def test_an_attribute_that_init_did_not_reach_is_an_attribute_error():
    assert values_of(False) == [1]
    with pytest.raises(AttributeError, match="'.*Unset' object has no value in its attribute 'values' yet"):
        values_of(True)
    assert vars(unset(True)) == {"ready": False}


@torch.jit.script
def equal_counts(a: Counter, b: Any) -> bool:
    return isinstance(b, int)


def test_any_takes_what_python_has():
    assert not equal_counts(Counter(1), "x")


# Errors


class Base:
    def __init__(self):
        self.x = 1


def test_classes_have_no_bases():
    class Derived(Base):
        def __init__(self):
            self.y = 1

    def f() -> int:
        return Derived().y

    assert "have no base classes" in refused(Derived)
    assert "Derived" in refused(f)
    assert "script an instance of it" in refused(torch.nn.Linear)


def test_an_operator_needs_its_method():
    class Plain:
        def __init__(self):
            self.x = 1

    def plus() -> int:
        return Plain() + 1

    def less() -> bool:
        return Plain() < Plain()

    def index() -> int:
        return Plain()[0]

    def length() -> int:
        return len(Plain())

    def truth() -> int:
        return 1 if Plain() else 2

    def call() -> int:
        return Plain()(3)

    def with_() -> int:
        with Plain():
            return 3

    for fn, method in [(plus, "__add__"), (less, "__lt__"), (index, "__getitem__"), (length, "__len__"), (truth, "__bool__"),
                       (call, "__call__"), (with_, "__enter__")]:
        text = refused(fn)
        assert method in text, text


def test_arguments_of_init_are_checked():
    def none() -> int:
        return Counter().count

    def many() -> int:
        return Counter(1, 2, 3).count

    def wrong() -> int:
        return Counter("a").count

    assert "`Counter` needs a value for `start`: it takes at least 1 argument, got 0" in refused(none)
    assert "`Counter` takes 2 positional arguments, got 3" in refused(many)
    assert "`Counter` expects int for `start`, got str" in refused(wrong)


def test_an_optional_object_must_be_tested():
    def f(n: Node) -> int:
        return n.next.value

    assert "Optional[" in refused(f) and "has no `value`" in refused(f)


def test_a_setter_is_needed_to_assign_to_a_property():
    class ReadOnly:
        def __init__(self):
            self.x = 1

        @property
        def double(self) -> int:
            return self.x * 2

        def set(self):
            self.double = 3

    file, line, said, marked = parts(refused(ReadOnly))
    assert (file, line, marked) == (__file__, ReadOnly.set.__code__.co_firstlineno + 1, "self.double")
    assert "the property `double` of" in said and "@double.setter" in said


def test_errors_in_methods_tell_who_called():
    class Bad:
        def __init__(self):
            self.x = 1

        def wrong(self):
            return nowhere(self.x)  # noqa: F821

    def f():
        return Bad().wrong()

    text = refused(f)
    assert "undefined name `nowhere`" in text and "'Bad.wrong' is being compiled since it was called from 'f'" in text


def test_errors_of_methods_have_the_line_of_the_method():
    class Raises:
        def __init__(self):
            self.x = 1

        def check(self):
            raise ValueError(f"bad {self.x}")

    @torch.jit.script
    def f():
        Raises().check()

    with pytest.raises(ValueError, match="bad 1") as caught:
        f()
    assert "check" in "".join(caught.value.__notes__)


# Dataclasses


@torch.jit.script
@dataclass
class Item:
    name: str
    price: float = 2.5
    tags: List[str] = field(default_factory=list)
    left: Optional[int] = None
    total: float = field(default=0.0, init=False)
    note: str = field(default="", compare=False)

    def __post_init__(self):
        self.total = self.price * 2

    def tagged(self, tag: str) -> int:
        self.tags.append(tag)
        return len(self.tags)


@torch.jit.script
def items() -> Tuple[float, int, int, str, Item]:
    a = Item("a")
    b = Item("b", price=4.0, left=3)
    return a.total + b.total, a.tagged("x"), b.tagged("y"), b.name, b


def test_dataclasses_have_their_init_and_post_init():
    total, first, second, name, b = items()
    assert (total, first, second, name) == (13.0, 1, 1, "b")
    assert b == Item("b", 4.0, ["y"], 3)


class Grade(Enum):
    LOW = 1


class Code(str):
    def __repr__(self):
        return "not a literal"


@dataclass
class Defaults:
    most: float = field(default=float("inf"), init=False)
    least: float = field(default=-float("inf"), init=False)
    grade: Grade = field(default=Grade.LOW, init=False)
    code: str = field(default=Code("a'\"\n\x01\u00e9"), init=False)
    names: List[str] = field(default_factory=list, init=False)
    given: float = -float("inf")


def test_defaults_of_dataclasses_are_values_and_not_texts():
    @torch.jit.script
    def made() -> Defaults:
        return Defaults()

    assert made() == Defaults()


@torch.jit.script
def item_equals(a: Item, b: Item) -> Tuple[bool, bool]:
    return a == b, a != b


@pytest.mark.parametrize("a, b", [
    (Item("a"), Item("a")), (Item("a"), Item("b")), (Item("a", left=3), Item("a")), (Item("a"), Item("a", left=3)),
    (Item("a", left=3), Item("a", left=3)), (Item("a", note="x"), Item("a", note="y")), (Item("a", tags=["x"]), Item("a")),
])
def test_dataclasses_are_compared_as_python_does(a, b):
    assert item_equals(a, b) == (a == b, a != b)


@dataclass(order=True)
class Version:
    major: int
    minor: int = 0


def orders(a: Version, b: Version) -> Tuple[bool, bool, bool, bool]:
    return a < b, a <= b, a > b, a >= b


@pytest.mark.parametrize("a, b", [((1, 2), (1, 3)), ((2, 0), (1, 9)), ((1, 1), (1, 1))])
def test_ordered_dataclasses_that_a_script_meets(a, b):
    v, w = Version(*a), Version(*b)
    assert torch.jit.script(orders)(v, w) == orders(v, w)


def test_init_only_variables_go_to_post_init():
    @dataclass
    class Weighted:
        x: int
        by: InitVar[int] = 4
        weight: float = field(kw_only=True, default=0.5)

        def __post_init__(self, by: int):
            self.x = self.x * by

    @torch.jit.script
    def f() -> Tuple[int, int, float]:
        return Weighted(2).x, Weighted(2, 5).x, Weighted(1, weight=1.5).weight

    assert f() == (8, 10, 1.5)


def test_dataclasses_that_scripts_cannot_have():
    @dataclass(frozen=True)
    class Frozen:
        x: int

    @dataclass
    class Factory:
        x: List[int] = field(default_factory=lambda: [1, 2])

    @dataclass(eq=False)
    class NoEq:
        x: int

    def f() -> bool:
        return NoEq(1) == NoEq(1)

    assert "is frozen" in refused(Frozen)
    assert "default_factory" in refused(Factory)
    assert "define `__eq__` in the class `NoEq`" in refused(f)


# with


class Log:
    def __init__(self, lines: List[str], name: str):
        self.lines = lines
        self.name = name

    def __enter__(self):
        self.lines.append("+" + self.name)

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        self.lines.append("-" + self.name)
        print("exit", self.name)


def fails(n: int) -> int:
    lines: List[str] = []
    with Log(lines, "outer"):
        with Log(lines, "inner"):
            return n + inner_fails(n)


def inner_fails(n: int) -> int:
    lines: List[str] = []
    with Log(lines, "deep"):
        assert n > 3, "too small"
        return n


def test_an_error_leaves_all_of_them_from_the_inside_out(capfd):
    scripted = torch.jit.script(fails)
    with pytest.raises(AssertionError, match="too small") as caught:
        scripted(1)
    assert capfd.readouterr().out.split("\n") == ["exit deep", "exit inner", "exit outer", ""]
    told = "".join(caught.value.__notes__)
    assert "inner_fails" in told and "fails" in told and "__exit__" not in told
    assert scripted(4) == 8
    assert capfd.readouterr().out.split("\n") == ["exit deep", "exit inner", "exit outer", ""]


class Fails:
    def __init__(self, where: str):
        self.where = where

    def __enter__(self):
        if self.where == "enter":
            raise ValueError("enter")

    def __exit__(self, type: Any, value: Any, tb: Any) -> bool:
        print("exit")
        if self.where == "exit":
            raise ValueError("exit")
        return True


def errors(where: str, body: bool) -> int:
    with Fails(where):
        if body:
            raise KeyError("body")
    return 1


def test_which_error_counts(capfd):
    scripted = torch.jit.script(errors)
    assert scripted("", False) == 1
    for where, body, kind in [("", True, KeyError), ("exit", False, ValueError), ("exit", True, KeyError),
                              ("enter", False, ValueError)]:
        with pytest.raises(kind):
            scripted(where, body)
    assert capfd.readouterr().out == "exit\n" * 4


class Waits:
    def __init__(self, done: torch.jit.Future[int]):
        self.done = done

    def __enter__(self):
        pass

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        print("waited", torch.jit.wait(self.done))


def raise_in_with(f: torch.jit.Future[int]) -> int:
    with Waits(f):
        raise ValueError("x")


def test_exit_may_wait_while_an_error_goes_through(capfd):
    future = torch.futures.Future()
    running = torch.jit.script(raise_in_with).call_async(future)
    assert not running.done()
    future.set_result(7)
    with pytest.raises(ValueError):
        running.wait()
    assert "waited 7" in capfd.readouterr().out


@torch.jit.script
def with_torch(x: Tensor) -> Tensor:
    with torch.no_grad():
        y = x * 2
    with torch.enable_grad(), torch.profiler.record_function("twice") as r:
        y = y * 2
    with torch.autograd.profiler.record_function(name="a"):
        return y + 1


def test_contexts_of_torch_change_nothing():
    assert torch.equal(with_torch(torch.ones(2)), torch.full((2,), 5.0))


def test_what_with_cannot_take():
    def number():
        with 3:
            pass

    class NoExit:
        def __init__(self):
            self.x = 1

        def __enter__(self):
            pass

    def no_exit():
        with NoExit():
            pass

    class Few:
        def __init__(self):
            self.x = 1

        def __enter__(self):
            pass

        def __exit__(self):
            pass

    def few():
        with Few():
            pass

    assert "`with` takes an object of a class that has `__enter__` and `__exit__`, not int" in refused(number)
    assert "has no `__exit__`" in refused(no_exit)
    assert "`__exit__` takes four parameters" in refused(few)


@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: (inner,), lambda inner: {"a": inner}])
def test_what_nests_deeper_than_the_stack_holds_is_an_error(make):
    @torch.jit.script
    def same(x: Any) -> Any:
        return x

    deep = 1
    for _ in range(100_000):
        deep = make(deep)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000_000)  # the stack is no deeper for it
    try:
        with pytest.raises(RecursionError):
            same(deep)
    finally:
        sys.setrecursionlimit(limit)
