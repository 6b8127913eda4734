"""The documents of torch.jit.fork and torch.jit.wait: each example, and each sentence that promises something.

The examples are unchanged but for `import tine as torch`, and two corrections in the module example, which does not
run as it is printed: `super(self).__init__()` is `super().__init__()`, and the undefined `a` is `input`
(docs/differences.md).
"""

import inspect
import threading
import time

import pytest

import tine as torch
from tine import Tensor


# The documents' examples


def foo(a: Tensor, b: int) -> Tensor:
    return a + b


def bar(a):
    fut: torch.jit.Future[Tensor] = torch.jit.fork(foo, a, b=2)
    return torch.jit.wait(fut)


class AddMod(torch.nn.Module):
    def forward(self, a: Tensor, b: int):
        return a + b


class Mod(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mod = AddMod()

    def forward(self, input):
        fut = torch.jit.fork(self.mod, input, b=2)
        return torch.jit.wait(fut)


def test_example_fork_a_free_function():
    script_bar = torch.jit.script(bar)
    input = torch.tensor(2)
    # only the scripted version executes asynchronously
    assert script_bar(input) == bar(input)
    # trace is not run asynchronously, but fork is captured in IR
    graph = torch.jit.trace(bar, (input,)).graph
    assert "fork" in str(graph)


def test_example_fork_a_module_method():
    input = torch.tensor(2)
    mod = Mod()
    assert mod(input) == torch.jit.script(mod).forward(input)


def test_example_with_the_types_written_the_older_way():
    # Document 001: `a : Tensor`, `b : int`, and no return annotation on __init__.
    class AddMod(torch.nn.Module):
        def forward(self, a: Tensor, b : int):  # noqa: E203
            return a + b

    class Mod(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mod = AddMod()

        def forward(self, input):
            fut = torch.jit.fork(self.mod, input, b=2)
            return torch.jit.wait(fut)

    input = torch.tensor(2)
    mod = Mod()
    assert mod(input) == torch.jit.script(mod).forward(input)
    assert mod(input) == torch.tensor(4)


# The documents' sentences


def test_fork_returns_a_reference_to_the_value_of_the_result():
    """Create an asynchronous task executing `func` and a reference to the value of the result of this execution."""
    fut = torch.jit.fork(foo, torch.tensor(2), b=2)
    assert isinstance(fut, torch.jit.Future)
    assert torch.jit.wait(fut) == torch.tensor(4)


def test_fork_in_a_script_returns_before_the_function_has_run():
    """`fork` will return immediately, so the return value of `func` may not have been computed yet."""

    def slow(n: int) -> int:
        s = 0
        for i in range(n):
            s = s + i % 7
        return s

    def start(n: int) -> torch.jit.Future[int]:
        return torch.jit.fork(slow, n)

    started = torch.jit.script(start)
    torch.jit.wait(started(1))
    n = 50_000_000
    begin = time.monotonic()
    fut = started(n)
    returned = time.monotonic() - begin
    was_done = fut.done()
    assert torch.jit.wait(fut) == sum(range(7)) * (n // 7) + sum(i % 7 for i in range(n - n % 7, n))
    assert returned < (time.monotonic() - begin) / 2 and not was_done


def test_wait_forces_completion():
    """To force completion of the task and access the return value invoke `torch.jit.wait` on the Future."""
    fut = torch.jit.Future()
    threading.Timer(0.05, lambda: fut.set_result(7)).start()
    assert torch.jit.wait(fut) == 7
    assert fut.done()


def test_fork_of_a_function_that_returns_t_is_typed_future_of_t():
    """`fork` invoked with a `func` which returns `T` is typed as `torch.jit.Future[T]`."""

    def give(x: int) -> str:
        return str(x)

    def fn(x: int) -> str:
        fut = torch.jit.fork(give, x)
        return torch.jit.wait(fut)

    graph = str(torch.jit.script(fn).graph)
    assert "Future(str)" in graph or "Future[str]" in graph

    def wrong(x: int) -> torch.jit.Future[int]:
        return torch.jit.fork(give, x)

    with pytest.raises(torch.SyntaxError, match="Future"):
        torch.jit.script(wrong)


def test_fork_calls_can_be_nested():
    """`fork` calls can be arbitrarily nested ..."""

    def leaf(x: int) -> int:
        return x + 1

    def inner(x: int) -> int:
        return torch.jit.wait(torch.jit.fork(leaf, x)) + 10

    def outer(x: int) -> int:
        a = torch.jit.fork(inner, x)
        b = torch.jit.fork(inner, x * 2)
        return torch.jit.wait(a) + torch.jit.wait(b)

    assert outer(3) == torch.jit.script(outer)(3) == 31


def test_fork_takes_positional_and_keyword_arguments():
    """... and may be invoked with positional and keyword arguments."""

    def sub(a: int, b: int, c: int) -> int:
        return a * 100 + b * 10 + c

    def fn() -> int:
        return torch.jit.wait(torch.jit.fork(sub, 1, c=3, b=2))

    assert fn() == torch.jit.script(fn)() == 123


def test_fork_in_pure_python_runs_inline():
    """If run in pure python, `fork` will not execute in parallel."""
    seen = []
    fut = torch.jit.fork(lambda: seen.append(threading.get_ident()))
    assert seen == [threading.get_ident()]
    assert fut.done()


def test_an_exception_in_a_fork_in_pure_python_is_raised_by_wait():
    error = ValueError("inside")

    def fails():
        raise error

    fut = torch.jit.fork(fails)
    assert fut.done()
    with pytest.raises(ValueError) as caught:
        torch.jit.wait(fut)
    assert caught.value is error


def test_fork_does_not_run_in_parallel_while_tracing():
    """`fork` will also not execute in parallel when invoked while tracing ..."""
    threads = []

    def work(x):
        threads.append(threading.get_ident())
        return x + 1

    def fn(x):
        return torch.jit.wait(torch.jit.fork(work, x))

    torch.jit.trace(fn, (torch.ones(2),))
    assert set(threads) == {threading.get_ident()}


def test_traced_fork_and_wait_are_captured_in_the_graph():
    """... however the `fork` and `wait` calls will be captured in the exported IR Graph."""
    traced = torch.jit.trace(bar, (torch.tensor(2),))
    text = str(traced.graph)
    assert "prim::fork" in text and "aten::wait" in text
    assert "aten::add" in text
    assert traced(torch.tensor(5)) == bar(torch.tensor(5))


def test_fork_takes_a_module():
    """func (callable or torch.nn.Module): A Python function or `torch.nn.Module` that will be invoked."""
    assert torch.jit.wait(torch.jit.fork(AddMod(), torch.tensor(1), b=2)) == torch.tensor(3)


def test_scripted_fork_runs_on_other_threads():
    """If executed in TorchScript, it will execute asynchronously."""

    def spin(n: int) -> int:
        s = 0
        for i in range(n):
            s = s + i % 7
        return s

    def both(n: int) -> int:
        a = torch.jit.fork(spin, n)
        b = spin(n)
        return torch.jit.wait(a) + b

    def one_after_the_other(n: int) -> int:
        return spin(n) + spin(n)

    parallel, serial = torch.jit.script(both), torch.jit.script(one_after_the_other)
    assert parallel(1000) == serial(1000)
    # On another thread than the one that forked: other threads of the process use processor time.
    elsewhere = total = 0.0
    for _ in range(20):
        mine, all_threads = time.thread_time(), time.process_time()
        parallel(10_000_000)
        mine, all_threads = time.thread_time() - mine, time.process_time() - all_threads
        elsewhere, total = elsewhere + all_threads - mine, total + all_threads
        if elsewhere > 0.2 * total:
            break
    assert elsewhere > 0.05 * total, f"{elsewhere:.2f} s of {total:.2f} s"


def test_wait_returns_the_return_value_of_the_completed_task():
    """`T`: the return value of the completed task"""
    value = ["any", {"object": 1}]
    assert torch.jit.wait(torch.jit.fork(lambda: value)) is value


def test_wait_is_the_builtin_aten_wait():
    """_register_builtin(wait, "aten::wait")"""

    def fn(f: torch.jit.Future[int]) -> int:
        return torch.jit.wait(f)

    assert "aten::wait" in str(torch.jit.script(fn).graph)
    with pytest.raises(TypeError, match="expected a Future, got int"):
        torch.jit.wait(3)


def test_jit_future_is_the_future_of_torch_futures():
    """from torch._jit_internal import Future; set_module(Future, "torch.jit")"""
    assert torch.jit.Future is torch.futures.Future
    assert isinstance(torch.jit.fork(foo, torch.tensor(1), 2), torch.futures.Future)
    torch.jit.Future[Tensor]  # types annotations
    assert torch.jit._fork is torch.jit.fork and torch.jit._wait is torch.jit.wait


def test_the_signatures_are_the_documents():
    assert str(inspect.signature(torch.jit.fork)) == "(func, *args, **kwargs)"
    assert str(inspect.signature(torch.jit.wait)) == "(future)"
