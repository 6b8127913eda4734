"""Functions that are marked @ignore: a script that calls one is suspended while Python runs it."""

import threading
from typing import Dict, List, Optional, Tuple

import pytest

import tine as torch
from tine import Tensor, nn

seen = []


@torch.jit.ignore
def noted(x: int) -> int:
    seen.append((x, threading.get_ident()))
    return x + 1


@torch.jit.script
def asks(x: int) -> int:
    return noted(x) * 2


def test_it_runs_on_another_thread_and_gives_its_result():
    seen.clear()
    assert asks(3) == 8
    (value, thread), = seen
    assert value == 3 and thread != threading.get_ident()


def test_forks_that_call_back_all_get_their_answers():
    @torch.jit.script
    def all_of_them(n: int) -> List[int]:
        futures = [torch.jit.fork(asks, i) for i in range(n)]
        return [torch.jit.wait(f) for f in futures]

    assert all_of_them(200) == [2 * (i + 1) for i in range(200)]


def test_its_exception_is_the_scripts_own():
    class Odd(Exception):
        pass

    raised = Odd("here")

    @torch.jit.ignore
    def raises(x: int) -> int:
        raise raised

    @torch.jit.script
    def calls(x: int) -> int:
        return raises(x)

    with pytest.raises(Odd) as caught:
        calls(1)
    assert caught.value is raised


def test_a_script_that_it_calls_may_call_back_again():
    @torch.jit.ignore
    def outer(x: int) -> int:
        return asks(x) + 100

    @torch.jit.script
    def calls(x: int) -> int:
        return outer(x)

    assert calls(1) == 104


def test_containers_reach_it_as_copies_and_its_result_is_checked():
    @torch.jit.ignore
    def grows(xs: List[int]) -> Dict[str, List[float]]:
        xs.append(4)
        return {"all": xs}

    @torch.jit.script
    def calls(xs: List[int]) -> Tuple[int, Dict[str, List[float]]]:
        answer = grows(xs)
        return len(xs), answer

    assert calls([1]) == (1, {"all": [1.0, 4.0]})

    @torch.jit.ignore
    def lies(x: int) -> int:
        return "no"

    @torch.jit.script
    def believes(x: int) -> int:
        return lies(x)

    with pytest.raises(TypeError, match="expected a value of type int, got str"):
        believes(1)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.register_buffer("total", torch.zeros(2))

    @torch.jit.ignore
    def note(self, x: Tensor) -> int:
        assert isinstance(self, torch.jit.ScriptModule)
        self.count += 1
        self.total.add_(x)
        return self.count

    def forward(self, x: Tensor) -> int:
        return self.note(x) + self.note(x)


def test_a_method_gets_the_scripted_module():
    module = torch.jit.script(Counting())
    assert module(torch.ones(2)) == 3
    assert module.count == 2 and module.total.tolist() == [2.0, 2.0]


class Counter:
    def __init__(self, count: int):
        self.count = count
        self.rate = 0.5

    def next(self) -> int:
        self.count += 1
        return self.count


def of_python(count: int) -> Counter:
    made = Counter(count)
    made.rate = 2  # a float in scripts
    return made


@torch.jit.ignore
def made(count: int) -> "Counter":
    return of_python(count)


@torch.jit.ignore
def several(first: Counter) -> Tuple[List[Counter], Dict[str, Counter], Optional[Counter]]:
    assert type(first) is Counter
    return [of_python(first.count), of_python(2)], {"a": of_python(3)}, None


@torch.jit.ignore
def lame(count: int) -> Counter:
    return object()


def test_it_returns_objects_of_classes_of_scripts():
    @torch.jit.script
    def calls(count: int) -> Tuple[int, float, Counter]:
        one = made(count)
        return one.next(), one.rate, one

    count, rate, one = calls(3)
    assert (count, rate, one.count, type(one)) == (4, 2.0, 4, Counter)

    @torch.jit.script
    def calls_several(one: Counter) -> Tuple[int, bool]:
        all, by_name, none = several(one)
        total = 0
        for each in all:
            total += each.next()
        return total + by_name["a"].next(), none is None

    assert calls_several(Counter(10)) == (11 + 3 + 4, True)

    @torch.jit.script
    def calls_lame() -> int:
        return lame(1).count

    with pytest.raises(TypeError, match="expected an object of .*Counter, got a object without the attribute 'count'"):
        calls_lame()


class Holder(nn.Module):
    def __init__(self, by: int):
        super().__init__()
        self.by = by

    @torch.jit.ignore
    def counter(self) -> Counter:
        return of_python(self.by)

    def forward(self) -> int:
        return self.counter().next()


class Other(Holder):
    def __init__(self):
        super().__init__(7)
        self.name = "other"


def test_modules_of_several_classes_share_a_method():
    one, other = torch.jit.script(Holder(1)), torch.jit.script(Other())
    assert (one(), other(), one()) == (2, 8, 2)
