"""Traces: what is recorded, what is a constant, what is refused."""

import threading
import warnings
from typing import Tuple

import pytest

import tine as torch
from tine import Tensor, nn
from tine.jit._trace import TracerWarning


@torch.jit.script
def scripted_square(x: Tensor) -> Tensor:
    return x * x


def add(a, b):
    return a + b


def kinds(traced):
    return traced.graph.kinds()


def test_operators_are_recorded_and_run_again_on_other_inputs():
    def fn(x, y):
        return torch.tanh(x) @ y.t() + 1

    traced = torch.jit.trace(fn, (torch.ones(2, 3), torch.ones(4, 3)))
    x, y = torch.randn(5, 3), torch.randn(2, 3)
    assert torch.allclose(traced(x, y), fn(x, y))
    assert [k for k in kinds(traced) if k.startswith("aten::")] == ["aten::tanh", "aten::t", "aten::matmul", "aten::add"]
    assert str(traced.graph).startswith("graph(%x : Tensor, %y : Tensor)")
    assert traced.__name__ == "fn" and traced.__wrapped__ is fn


def test_one_tensor_needs_no_tuple():
    assert torch.equal(torch.jit.trace(lambda x: x + 1, torch.zeros(2))(torch.ones(2)), torch.tensor([2.0, 2.0]))


def test_control_flow_is_fixed_as_it_was():
    def fn(x):
        for _ in range(3):
            x = x * 2
        return x

    traced = torch.jit.trace(fn, (torch.ones(1),))
    assert kinds(traced).count("aten::mul") == 3 and "prim::Loop" not in kinds(traced)
    assert torch.equal(traced(torch.ones(2)), torch.tensor([8.0, 8.0]))


def test_a_number_read_from_a_tensor_is_warned_about():
    with pytest.warns(TracerWarning, match="constant"):
        traced = torch.jit.trace(lambda x: x * x.sum().item(), (torch.ones(2),))
    assert torch.equal(traced(torch.ones(2) * 3), torch.tensor([6.0, 6.0]))


def test_the_warning_names_the_line_that_read_the_number():
    def fn(x):
        y = x * 2
        return y * y.sum().item()

    with pytest.warns(TracerWarning) as caught:
        torch.jit.trace(fn, (torch.ones(2),))
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, fn.__code__.co_firstlineno + 2)]


def test_the_warning_of_a_random_function_names_the_line_that_traces():
    with pytest.warns(TracerWarning) as caught:
        torch.jit.trace(lambda x: x + torch.rand(2), (torch.ones(2),))
    assert [w.filename for w in caught] == [__file__]


def test_tensors_from_outside_are_constants():
    weight = torch.tensor([1.0, 2.0])
    traced = torch.jit.trace(lambda x: x * weight, (torch.ones(2),))
    assert torch.equal(traced(torch.tensor([3.0, 3.0])), torch.tensor([3.0, 6.0]))


def test_several_outputs_and_nested_inputs():
    def fn(x, pair):
        return pair[0] + x, [pair[1], x]

    traced = torch.jit.trace(fn, (torch.ones(1), (torch.ones(1), torch.zeros(1))))
    a, (b, c) = traced(torch.ones(1), (torch.ones(1) * 4, torch.ones(1) * 7))
    assert (a.item(), b.item(), c.item()) == (5.0, 7.0, 1.0)


def test_indexing_shapes_and_joining_are_recorded():
    def fn(x):
        return torch.cat([x[0], x[1:].sum(0)]).view(2, -1)

    traced = torch.jit.trace(fn, (torch.ones(3, 4),))
    x = torch.randn(3, 4)
    assert torch.allclose(traced(x), fn(x))


def test_writes_in_place_are_recorded_and_spare_the_example():
    def fn(x):
        x.add_(1)
        return x * 2

    example = torch.ones(2)
    traced = torch.jit.trace(fn, (example,))
    assert torch.equal(example, torch.ones(2))
    assert torch.equal(traced(torch.zeros(2)), torch.tensor([2.0, 2.0]))


def test_a_fork_is_a_subgraph():
    def fn(x, y):
        future = torch.jit.fork(add, x, b=y)
        return torch.jit.wait(future) * 2

    traced = torch.jit.trace(fn, (torch.ones(1), torch.ones(1)))
    assert "prim::fork" in kinds(traced) and "aten::wait" in kinds(traced)
    text = str(traced.graph)
    assert text.index("prim::fork") < text.index("aten::wait") < text.index("aten::add(")
    assert traced(torch.tensor([2.0]), torch.tensor([3.0])).item() == 10.0


def test_forks_nest_in_traces():
    def inner(x):
        return torch.jit.wait(torch.jit.fork(torch.tanh, x)) + 1

    def fn(x):
        y = x * 2
        return torch.jit.wait(torch.jit.fork(inner, y)) + y

    traced = torch.jit.trace(fn, (torch.ones(2),))
    x = torch.randn(2)
    assert torch.allclose(traced(x), fn(x))
    assert kinds(traced).count("prim::fork") == 2


def test_the_futures_own_wait_is_recorded_too():
    traced = torch.jit.trace(lambda x: torch.jit.fork(add, x, x).wait() + 1, (torch.ones(1),))
    assert "aten::wait" in kinds(traced)
    assert traced(torch.tensor([3.0])).item() == 7.0


def test_a_fork_that_returns_a_tuple():
    def two(x):
        return x + 1, x + 2

    def fn(x):
        a, b = torch.jit.wait(torch.jit.fork(two, x))
        return a * b

    traced = torch.jit.trace(fn, (torch.ones(1),))
    assert traced(torch.tensor([2.0])).item() == 12.0


def test_an_error_while_tracing_passes_through_and_ends_the_trace():
    def fails(x):
        raise ValueError("in the fork")

    with pytest.raises(ValueError, match="in the fork"):
        torch.jit.trace(lambda x: torch.jit.fork(fails, x), (torch.ones(1),))
    assert not torch.jit.is_tracing()
    assert torch.jit.fork(add, 1, 2).wait() == 3


def test_is_tracing_is_true_inside():
    seen = []

    def fn(x):
        seen.append(torch.jit.is_tracing())
        return x + 1

    torch.jit.trace(fn, (torch.ones(1),))
    assert seen == [True] and not torch.jit.is_tracing()


def test_a_scripted_function_is_called_from_a_trace():
    traced = torch.jit.trace(lambda x: scripted_square(x) + 1, (torch.ones(1),))
    assert "prim::CallFunction" in kinds(traced)
    assert traced(torch.tensor([3.0])).item() == 10.0


def test_another_thread_is_not_recorded():
    def fn(x):
        thread = threading.Thread(target=lambda: torch.tanh(x))
        thread.start()
        thread.join()
        return x + 1

    assert kinds(torch.jit.trace(fn, (torch.ones(1),))).count("aten::tanh") == 0


def test_a_module_is_traced_with_its_parameters_as_attributes():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    traced = torch.jit.trace(net, torch.randn(5, 3))
    x = torch.randn(2, 3)
    assert torch.allclose(traced(x), net(x))
    assert isinstance(traced, torch.jit.ScriptModule) and isinstance(traced, nn.Module)
    assert kinds(traced).count("prim::GetAttr") >= 4
    net[0].weight.mul_(0)
    assert torch.allclose(traced(x), net(x)), "the parameters are shared"
    assert [n for n, _ in traced.named_parameters()] == [n for n, _ in net.named_parameters()]


def test_a_module_that_forks_a_submodule_is_traced():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            left = torch.jit.fork(self.left, x)
            return self.right(x) + torch.jit.wait(left)

    net = Both()
    traced = torch.jit.trace(net, (torch.randn(1, 3),))
    x = torch.randn(4, 3)
    assert torch.allclose(traced(x), net(x)) and "prim::fork" in kinds(traced)


def test_inputs_must_be_tensors():
    with pytest.raises(RuntimeError, match="Type 'int' of example input 1 cannot be traced"):
        torch.jit.trace(add, (torch.ones(1), 2))
    with pytest.raises(TypeError, match="example_inputs is missing"):
        torch.jit.trace(add)


def test_outputs_must_be_tensors():
    with pytest.raises(RuntimeError, match="only tensors.*returned a value of type int"):
        torch.jit.trace(lambda x: 3, (torch.ones(1),))


def test_a_trace_within_a_trace_is_refused():
    def fn(x):
        return torch.jit.trace(lambda y: y + 1, (x,))(x)

    with pytest.raises(RuntimeError, match="tracing already"):
        torch.jit.trace(fn, (torch.ones(1),))
    assert not torch.jit.is_tracing()


def test_a_future_from_outside_cannot_be_waited_for():
    future = torch.jit.Future()
    future.set_result(torch.ones(1))
    with pytest.raises(ValueError, match="made outside"):
        torch.jit.trace(lambda x: torch.jit.wait(future) + x, (torch.ones(1),))


def test_a_random_function_is_warned_about():
    with pytest.warns(TracerWarning, match="does not match"):
        torch.jit.trace(lambda x: x + torch.rand(2), (torch.ones(2),))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.jit.trace(lambda x: x + torch.rand(2), (torch.ones(2),), check_trace=False)


def test_a_traced_function_is_called_from_a_script():
    traced = torch.jit.trace(add, (torch.ones(1), torch.ones(1)))

    def fn(x: Tensor) -> Tensor:
        return traced(x, x) * 3

    assert torch.jit.script(fn)(torch.tensor([2.0])).item() == 12.0


def test_a_traced_function_is_forked_from_a_script():
    traced = torch.jit.trace(add, (torch.ones(1), torch.ones(1)))

    def fn(x: Tensor) -> Tuple[Tensor, Tensor]:
        future = torch.jit.fork(traced, x, x)
        return torch.jit.wait(future), x

    assert torch.jit.script(fn)(torch.tensor([2.0]))[0].item() == 4.0
