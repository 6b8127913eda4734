"""fork and wait in scripts."""

import gc
import os
import threading
import time
from typing import List, Tuple

import pytest

import tine as torch
from tine import Tensor
from tine.futures import Future, set_unobserved_error_hook


def plus_one(x: int) -> int:
    return x + 1


@torch.jit.script
def fork_many(n: int) -> int:
    futures: List[torch.jit.Future[int]] = []
    for i in range(n):
        futures.append(torch.jit.fork(plus_one, i))
    total = 0
    for f in futures:
        total += torch.jit.wait(f)
    return total


@torch.jit.script
def fork_and_wait(n: int) -> int:
    x = 0
    for _ in range(n):
        x = torch.jit.wait(torch.jit.fork(plus_one, x))
    return x


@torch.jit.script
def fib(n: int) -> int:
    if n < 2:
        return n
    left = torch.jit.fork(fib, n - 1)
    right = fib(n - 2)
    return torch.jit.wait(left) + right


@torch.jit.script
def nested(depth: int) -> int:
    if depth == 0:
        return 0
    return torch.jit.wait(torch.jit.fork(nested, depth - 1)) + 1


@torch.jit.script
def deep(depth: int) -> int:
    if depth == 0:
        return 0
    return deep(depth - 1) + 1


def test_a_hundred_thousand_forks_are_waited_for():
    assert fork_many(100_000) == 100_000 * 100_001 // 2


def test_fork_and_wait_in_a_loop():
    assert fork_and_wait(100_000) == 100_000


def test_forks_nest():
    assert fib(20) == 6765


def test_a_hundred_thousand_nested_forks():
    assert nested(100_000) == 100_000


def test_a_hundred_thousand_nested_calls():
    assert deep(100_000) == 100_000


def test_endless_recursion_is_an_error_that_names_the_function():
    def forever(x: int) -> int:
        return forever(x + 1) + 1

    with pytest.raises(RuntimeError, match="depth") as caught:
        torch.jit.script(forever)(0)
    assert isinstance(caught.value, RecursionError) or "forever" in "\n".join(
        [str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_scripts_are_called_from_many_threads_at_once():
    results = []

    def run():
        results.append(fib(15))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [610] * 8


def test_a_fork_returned_from_a_script_is_a_future():
    def start(x: int) -> torch.jit.Future[int]:
        return torch.jit.fork(plus_one, x)

    future = torch.jit.script(start)(4)
    assert isinstance(future, Future) and isinstance(future, torch.jit.Future)
    assert future.wait() == 5
    assert future.then(lambda f: f.wait() * 2).wait() == 10


def test_a_future_passed_to_a_script_can_be_waited_for():
    def use(f: Future[int], g: List[Future[int]]) -> int:
        return torch.jit.wait(f) + torch.jit.wait(g[0])

    f, g = Future(), Future()
    threading.Timer(0.05, lambda: f.set_result(3)).start()
    g.set_result(4)
    assert torch.jit.script(use)(f, [g]) == 7


def test_a_future_passed_to_a_script_must_hold_what_its_type_says():
    def use(f: Future[int]) -> int:
        return torch.jit.wait(f)

    f = Future()
    f.set_result("text")
    with pytest.raises(TypeError, match=r"holds a str where Future\[int\] was promised"):
        torch.jit.script(use)(f)


def test_the_error_of_a_future_passed_in_is_the_same_object():
    def use(f: Future[int]) -> int:
        return torch.jit.wait(f)

    class Mine(Exception):
        pass

    error = Mine("from outside")
    f = Future()
    f.set_exception(error)
    with pytest.raises(Mine) as caught:
        torch.jit.script(use)(f)
    assert caught.value is error


def fails(x: int) -> int:
    if x > 2:
        raise ValueError("too large")
    return x


def fork_fails(x: int) -> int:
    future = torch.jit.fork(fails, x)
    return torch.jit.wait(future)


def test_an_error_in_a_fork_is_raised_by_wait_with_its_type():
    with pytest.raises(ValueError, match="too large"):
        torch.jit.script(fork_fails)(3)
    assert torch.jit.script(fork_fails)(1) == 1


def test_an_errors_notes_name_the_script_line_and_the_fork():
    with pytest.raises(ValueError) as caught:
        torch.jit.script(fork_fails)(3)
    story = "\n".join(caught.value.__notes__)
    first = fails.__code__.co_firstlineno
    assert f"{__file__}:{first + 2}" in story or (__file__ in story and str(first + 2) in story)
    assert "fork" in story and str(fork_fails.__code__.co_firstlineno + 1) in story


def test_an_error_that_nobody_waits_for_does_not_reach_the_caller():
    def start(x: int) -> int:
        torch.jit.fork(fails, x)
        return 1

    assert torch.jit.script(start)(5) == 1


def test_fork_takes_keywords_and_defaults():
    def add(a: int, b: int = 10, c: int = 100) -> int:
        return a + b + c

    def fn() -> int:
        return torch.jit.wait(torch.jit.fork(add, 1, c=3))

    assert torch.jit.script(fn)() == fn() == 14


def test_fork_of_a_tensor_operator():
    def fn(x):
        return torch.jit.wait(torch.jit.fork(torch.tanh, x))

    assert torch.allclose(torch.jit.script(fn)(torch.ones(3)), torch.tanh(torch.ones(3)))


def test_a_future_in_a_tuple_and_as_an_argument():
    def finish(f: torch.jit.Future[int], n: int) -> int:
        return torch.jit.wait(f) * n

    def start(x: int) -> Tuple[torch.jit.Future[int], int]:
        return torch.jit.fork(plus_one, x), 3

    def fn(x: int) -> int:
        f, n = start(x)
        return finish(f, n)

    assert torch.jit.script(fn)(1) == fn(1) == 6


def test_waiting_twice_gives_the_value_twice():
    def fn(x: int) -> int:
        f = torch.jit.fork(plus_one, x)
        return torch.jit.wait(f) + torch.jit.wait(f)

    assert torch.jit.script(fn)(1) == 4


def test_the_underscored_names_are_the_same_functions():
    assert torch.jit._fork is torch.jit.fork
    assert torch.jit._wait is torch.jit.wait

    def fn(x: int) -> int:
        return torch.jit._wait(torch.jit._fork(plus_one, x))

    assert torch.jit.script(fn)(1) == 2


def test_forked_tensor_work():
    def square(x: Tensor) -> Tensor:
        return x @ x

    def fn(x: Tensor, n: int) -> Tensor:
        futures = [torch.jit.fork(square, x + i) for i in range(n)]
        out = torch.zeros_like(x)
        for f in futures:
            out = out + torch.jit.wait(f)
        return out

    x = torch.arange(16).reshape(4, 4).to(torch.float32)
    assert torch.allclose(torch.jit.script(fn)(x, 8), fn(x, 8))


@pytest.mark.skipif("libtsan" in os.environ.get("LD_PRELOAD", ""), reason="ThreadSanitizer ends a child that starts threads")
def test_a_child_of_os_fork_calls_and_compiles_scripts():
    assert fib(10) == 55
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            def fn(n: int) -> int:
                return fib(n) + plus_one(n)

            ok = fib(12) == 144 and torch.jit.script(fn)(10) == 66 and fork_many(1000) == 500500
            os.write(write, b"1" if ok else b"0")
        except BaseException as error:
            os.write(write, repr(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"1"
    os.waitpid(pid, 0)


# Errors of forks that the script never waits for


def too_big(x: int) -> int:
    if x > 1:
        raise ValueError("shard " + str(x) + " is too big")
    return x


@torch.jit.script
def forgets(x: int) -> int:
    f = torch.jit.fork(too_big, x)
    return 1


FORGETTING = next(at for at, text in enumerate(open(__file__), 1) if "f = torch.jit.fork(too_big, x)" in text)


@pytest.fixture
def told():
    errors = []
    before = set_unobserved_error_hook(errors.append)
    yield errors
    set_unobserved_error_hook(before)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_error_of_a_fork_that_the_script_forgets_is_told_once_with_the_place_of_the_fork(told):
    assert forgets(3) == 1
    until(lambda: told)
    assert forgets(1) == 1
    assert isinstance(told[0], ValueError) and str(told[0]) == "shard 3 is too big"
    assert f"the Future made at {__file__}:{FORGETTING} was dropped" in told[0].__notes__[-1]
    fork_many(1000)
    assert len(told) == 1


def test_the_error_of_a_fork_that_somebody_waits_for_is_not_told(told):
    def waits(x: int) -> int:
        return torch.jit.wait(torch.jit.fork(too_big, x))

    def waits_for_a_waiter(x: int) -> int:
        return torch.jit.wait(torch.jit.fork(waits, x))

    scripted = torch.jit.script(waits_for_a_waiter)
    for _ in range(20):
        with pytest.raises(ValueError, match="shard 5"):
            scripted(5)
    gc.collect()
    fork_many(1000)
    assert told == []


def test_a_fork_whose_brother_failed_first_is_told_by_itself(told):
    def both(x: int) -> int:
        a = torch.jit.fork(too_big, x)
        b = torch.jit.fork(too_big, x + 1)
        return torch.jit.wait(a) + torch.jit.wait(b)

    with pytest.raises(ValueError, match="shard 7"):
        torch.jit.script(both)(7)
    until(lambda: told)
    assert [str(e) for e in told] == ["shard 8 is too big"]


def test_the_error_of_a_fork_that_the_script_returns_is_pythons_to_look_at(told):
    def gives(x: int) -> torch.jit.Future[int]:
        return torch.jit.fork(too_big, x)

    scripted = torch.jit.script(gives)
    future = scripted(9)
    with pytest.raises(ValueError, match="shard 9"):
        future.wait()
    del future
    gc.collect()
    assert told == []
    scripted(10)
    until(lambda: told)
    assert [str(e) for e in told] == ["shard 10 is too big"]
