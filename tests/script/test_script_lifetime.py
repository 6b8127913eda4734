"""Scripted and traced code lives as long as somebody can use it."""

import gc
import resource
import time
import weakref

import pytest

import tine as torch
from tine import Tensor, _C, nn


class Big(nn.Module):
    def __init__(self, rows=1000):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(rows, 1000))
        self.inner = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.w.sum()


def helper(x: Tensor) -> Tensor:
    return x + 1


def is_gone(name):
    gc.collect()
    end = time.monotonic() + 60  # a task of the pool may be in its last steps
    while _C._find_script(name) is not None and time.monotonic() < end:
        time.sleep(0.001)
    return _C._find_script(name) is None


@pytest.mark.parametrize("make", [torch.jit.script, lambda m: torch.jit.trace(m, (torch.ones(2),))], ids=["script", "trace"])
def test_a_module_goes_with_its_compiled_form(make):
    alive = []
    for _ in range(4):
        module = Big()
        made = make(module)
        made(torch.ones(2))
        alive += [weakref.ref(module), weakref.ref(made), weakref.ref(module.inner)]
        del module, made
    gc.collect()
    assert [a() for a in alive] == [None] * len(alive)


def test_compiled_code_goes_with_its_last_user():
    first, second = torch.jit.script(Big()), torch.jit.script(Big())
    name = first.forward.qualified_name
    assert second.forward.qualified_name == name
    del first
    gc.collect()
    assert second(torch.ones(2)).shape == (2,) and _C._find_script(name) is not None
    del second
    assert is_gone(name)


def test_code_that_a_caller_needs_stays_with_it():
    scripted = torch.jit.script(helper)
    name = scripted.qualified_name

    def caller(x: Tensor) -> Tensor:
        return helper(x) * 2

    made = torch.jit.script(caller)
    del scripted
    gc.collect()
    assert made(torch.ones(1)).tolist() == [4.0]
    del made
    assert is_gone(name)


def test_a_trace_keeps_the_script_that_it_calls():
    def traced(x):
        return torch.jit.script(helper)(x) * 3

    made = torch.jit.trace(traced, (torch.ones(1),))
    gc.collect()
    assert made(torch.ones(1)).tolist() == [6.0]
    del made
    assert is_gone(f"{__name__}.helper")


def test_a_function_may_be_dropped_while_it_runs():
    def waits(f: torch.jit.Future[int]) -> int:
        return after(f.wait())

    future = torch.futures.Future()
    going = torch.jit.script(waits).call_async(future)
    for _ in range(20):
        gc.collect()
        torch.jit.script(helper)
    future.set_result(20)
    assert going.wait() == 41


def after(x: int) -> int:
    return 2 * x + 1


def test_a_name_that_came_again_is_the_new_function():
    def make(n):
        if n % 2:
            def f(x: int) -> int:
                return x + 1
        else:
            def f(x: int) -> int:
                return x + 2
        return f

    for n in range(100):
        assert torch.jit.script(make(n))(0) == 2 - n % 2
    kept = [torch.jit.script(make(n)) for n in range(10)]
    assert [f(0) for f in kept] == [2 - n % 2 for n in range(10)]
    assert len({f.qualified_name for f in kept}) == 10


def test_a_scripted_function_is_found_again():
    made = torch.jit.script(helper)
    assert torch.jit.script(helper) is made


def test_fifty_cycles_keep_the_memory_constant():
    def cycle():
        def nested(x: Tensor) -> Tensor:
            return helper(x) + 1

        torch.jit.script(nested)(torch.ones(2))
        torch.jit.script(Big())(torch.ones(2))
        torch.jit.trace(Big(), (torch.ones(2),))(torch.ones(2))
        constant = torch.ones(1000, 1000)
        torch.jit.trace(lambda x: x + constant.sum() + constant, (torch.ones(1),))
        gc.collect()

    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    for _ in range(5):
        cycle()
    before = resident()
    for _ in range(50):
        cycle()
    assert resident() - before < 16 << 20  # each cycle makes 16 MB
    del before


def test_the_last_nested_function_costs_what_the_first_did():
    def make():
        def f(x: int) -> int:
            return x + 1

        return f

    kept = []

    def cost(n):
        start = time.process_time()
        kept.extend(torch.jit.script(make()) for _ in range(n))
        return time.process_time() - start

    cost(100)
    first = min(cost(100) for _ in range(3))
    cost(3000)
    assert min(cost(100) for _ in range(3)) < 3 * first
