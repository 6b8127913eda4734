"""Traces: what is recorded, what is a constant, what is refused."""

import re
import threading
import warnings
from typing import Tuple

import pytest
import tine as torch
from tine import Tensor, nn
from tine.jit import TracerWarning
from tracing import traced as checked


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

    traced = checked(fn, (torch.ones(2, 3), torch.ones(4, 3)), (torch.randn(5, 3), torch.randn(2, 3)))
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

    traced = checked(fn, torch.ones(1), torch.randn(2), torch.randn(3, 4))
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
    checked(lambda x: x * weight, torch.ones(2), torch.randn(2), torch.randn(3, 2))


def test_several_outputs_and_nested_inputs():
    def fn(x, pair):
        return pair[0] + x, [pair[1], x]

    with pytest.warns(TracerWarning, match="Encountering a list at the output of the tracer"):
        checked(fn, (torch.ones(1), (torch.ones(1), torch.zeros(1))), (torch.ones(2), (torch.randn(2), torch.ones(3) * 7)))


def test_indexing_shapes_and_joining_are_recorded():
    def fn(x):
        return torch.cat([x[0], x[1:].sum(0)]).view(2, -1)

    checked(fn, torch.ones(3, 4), torch.randn(3, 4), torch.randn(5, 6))


def test_writes_in_place_are_recorded_and_spare_the_example():
    def fn(x):
        x.add_(1)
        return x * 2

    example = torch.ones(2)
    checked(fn, example, torch.zeros(2), torch.randn(3, 2))
    assert torch.equal(example, torch.ones(2))


def test_a_fork_is_a_subgraph():
    def fn(x, y):
        future = torch.jit.fork(add, x, b=y)
        return torch.jit.wait(future) * 2

    traced = checked(fn, (torch.ones(1), torch.ones(1)), (torch.randn(3), torch.randn(2, 3)))
    assert "prim::fork" in kinds(traced) and "aten::wait" in kinds(traced)
    text = str(traced.graph)
    assert text.index("prim::fork") < text.index("aten::wait") < text.index("aten::add(")


def test_forks_nest_in_traces():
    def inner(x):
        return torch.jit.wait(torch.jit.fork(torch.tanh, x)) + 1

    def fn(x):
        y = x * 2
        return torch.jit.wait(torch.jit.fork(inner, y)) + y

    traced = checked(fn, torch.ones(2), torch.randn(2), torch.randn(4, 3))
    assert kinds(traced).count("prim::fork") == 2


def test_the_futures_own_wait_is_recorded_too():
    traced = checked(lambda x: torch.jit.fork(add, x, x).wait() + 1, torch.ones(1), torch.randn(3))
    assert "aten::wait" in kinds(traced)


def test_a_fork_that_returns_a_tuple():
    def two(x):
        return x + 1, x + 2

    def fn(x):
        a, b = torch.jit.wait(torch.jit.fork(two, x))
        return a * b

    checked(fn, torch.ones(1), torch.randn(2, 2))


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
    assert seen == [True, True] and not torch.jit.is_tracing()


def test_a_scripted_function_is_called_from_a_trace():
    traced = checked(lambda x: scripted_square(x) + 1, torch.ones(1), torch.randn(3))
    assert "prim::CallFunction" in kinds(traced)


def test_another_thread_is_not_recorded():
    def fn(x):
        thread = threading.Thread(target=lambda: torch.tanh(x))
        thread.start()
        thread.join()
        return x + 1

    assert kinds(torch.jit.trace(fn, (torch.ones(1),))).count("aten::tanh") == 0


def test_a_module_is_traced_with_its_parameters_as_attributes():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.randn(2, 3)
    traced = checked(net, torch.randn(5, 3), x)
    assert isinstance(traced, torch.jit.ScriptModule) and isinstance(traced, nn.Module)
    assert kinds(traced).count("prim::GetAttr") >= 4
    net[0].weight.mul_(0)
    assert torch.allclose(traced(x), net(x)), "the parameters are shared"
    assert [n for n, _ in traced.named_parameters()] == [n for n, _ in net.named_parameters()]


def test_the_modules_in_a_traced_one_are_none_of_the_top_level():
    scripted = torch.jit.script(nn.Linear(2, 2))
    inner = torch.jit.trace(nn.Tanh(), torch.ones(2))
    traced = torch.jit.trace(nn.Sequential(nn.Sequential(nn.Linear(2, 2)), scripted, inner), torch.ones(2))
    assert type(traced) is torch.jit.TopLevelTracedModule
    kinds_of = [type(module) for name, module in traced.named_modules() if name]
    traced_module = torch.jit.TracedModule
    assert kinds_of == [traced_module, traced_module, torch.jit.RecursiveScriptModule, torch.jit.TopLevelTracedModule]


def test_a_module_that_forks_a_submodule_is_traced():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            left = torch.jit.fork(self.left, x)
            return self.right(x) + torch.jit.wait(left)

    net = Both()
    traced = checked(net, torch.randn(1, 3), torch.randn(4, 3))
    assert "prim::fork" in kinds(traced)


def test_inputs_must_be_tensors():
    with pytest.raises(RuntimeError, match="Type 'int' of example input 1 cannot be traced"):
        torch.jit.trace(add, (torch.ones(1), 2))
    with pytest.raises(TypeError, match="example_inputs is missing"):
        torch.jit.trace(add)


@pytest.mark.parametrize("output", [3, "text", (torch.ones(1), 3), [None]])
def test_outputs_must_be_tensors(output):
    with pytest.raises(RuntimeError, match="Only tensors, lists, tuples of tensors, or dictionary of tensors can be output"):
        torch.jit.trace(lambda x: output, (torch.ones(1),), strict=False)


def test_a_function_without_a_result_is_refused():
    with pytest.raises(RuntimeError, match="The traced function didn't return any values!"):
        torch.jit.trace(lambda x: None, (torch.ones(1),))


NO_DEPENDENCE = "did not have observable data dependence with trace inputs"
OUTSIDE = torch.zeros(2)


@pytest.mark.parametrize("fn, number", [
    (lambda x: OUTSIDE, 1),
    (lambda x: (x, OUTSIDE), 2),
    (lambda x: (x + OUTSIDE, OUTSIDE), 2),
    (lambda x: {"a": x, "b": OUTSIDE}, 2),
    (lambda x: [OUTSIDE[0]] and OUTSIDE, 1),
])
def test_an_output_that_does_not_depend_on_the_inputs_is_refused(fn, number):
    with pytest.raises(RuntimeError, match=rf"output {number} \(.*\) of traced region {NO_DEPENDENCE}; this probably indicates"):
        torch.jit.trace(fn, (torch.ones(2),), strict=False)


def test_what_a_recorded_operator_gave_is_an_output():
    checked(lambda x: (x, torch.zeros(2)), torch.ones(2), torch.ones(5))


def test_an_attribute_is_an_output():
    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            return self.weight, self.seen

    held = Held()
    traced = torch.jit.trace(held, torch.ones(1))
    held.seen.add_(3)
    assert traced(torch.ones(4))[1].item() == 3.0


def leaking(made):
    left = []

    def body(x):
        left.append(made(x))
        return x + 1

    return left, body


MADE_FROM_X = [lambda x: x + 1, lambda x: x[0], lambda x: x.size(0), lambda x: torch.zeros(2).fill_(x.sum())]


@pytest.mark.parametrize("made", MADE_FROM_X)
@pytest.mark.parametrize("use", [lambda x, left: left, lambda x, left: x + left, lambda x, left: (x, left * 2)])
def test_what_left_a_fork_by_a_side_door_is_refused(made, use):
    left, body = leaking(made)

    def fn(x):
        left.clear()
        torch.jit.wait(torch.jit.fork(body, x))
        return use(x, left[0])

    with pytest.raises(RuntimeError, match=NO_DEPENDENCE):
        torch.jit.trace(fn, (torch.ones(2),))
    assert not torch.jit.is_tracing()


def test_what_left_one_fork_for_another_is_refused():
    left, body = leaking(lambda x: x * 2)

    def fn(x):
        first = torch.jit.fork(body, x)
        second = torch.jit.fork(lambda y: y + left[0], x)
        return torch.jit.wait(first) + torch.jit.wait(second)

    with pytest.raises(RuntimeError, match="left the fork other than by its result; return it from the forked function"):
        torch.jit.trace(fn, (torch.ones(2),))


def test_what_does_not_depend_on_the_inputs_may_leave_a_fork():
    left, body = leaking(lambda x: torch.arange(3) * 2)

    def fn(x):
        left.clear()
        return torch.jit.wait(torch.jit.fork(body, x)) + left[0]

    checked(fn, torch.ones(3), torch.randn(2, 3))


def test_a_trace_within_a_trace_is_refused():
    def fn(x):
        return torch.jit.trace(lambda y: y + 1, (x,))(x)

    with pytest.raises(RuntimeError, match="Tracing can't be nested"):
        torch.jit.trace(fn, (torch.ones(1),))
    assert not torch.jit.is_tracing()
    checked(add, (torch.ones(1), torch.ones(1)), (torch.ones(3), torch.ones(3)))


def test_a_trace_within_a_fork_of_a_trace_is_refused():
    def body(x):
        return torch.jit.trace(lambda y: y + 1, (x,))(x)

    with pytest.raises(RuntimeError, match="Tracing can't be nested"):
        torch.jit.trace(lambda x: torch.jit.wait(torch.jit.fork(body, x)), (torch.ones(1),))
    assert not torch.jit.is_tracing()


def test_a_function_that_catches_the_error_of_its_fork_is_traced_on():
    def fails(x):
        raise ValueError(str(x.dim()))

    def fn(x):
        try:
            return torch.jit.wait(torch.jit.fork(fails, x))
        except ValueError:
            return x * x.size(0)

    with pytest.warns(TracerWarning):  # of str()
        checked(fn, torch.ones(2), torch.randn(5))


def test_threads_trace_at_the_same_time():
    barrier, errors = threading.Barrier(4), []

    def work(k):
        def fn(x):
            barrier.wait()
            y = x * k
            barrier.wait()
            return torch.jit.wait(torch.jit.fork(lambda z: z / z.size(0), y)) + x.size(1)

        try:
            traced = torch.jit.trace(fn, (torch.ones(2, 3),), check_trace=False)
            x = torch.randn(5, 4)
            assert torch.allclose(traced(x), x * k / 5 + 4)
            assert kinds(traced).count("aten::mul") == 1
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


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


# Containers


def test_a_dict_in_the_output_is_refused_unless_strict_is_false():
    def fn(x):
        return {"a": x + 1, "b": x * 2}

    with pytest.raises(RuntimeError, match="Encountering a dict at the output of the tracer.*pass strict=False to trace"):
        torch.jit.trace(fn, (torch.ones(1),))
    checked(fn, torch.ones(1), torch.randn(3), strict=False)


@pytest.mark.parametrize("output, why", [
    (lambda x: {"a": x, "b": (x, x)}, r"consistent type\. Found Tensor and Tuple\[Tensor, Tensor\]"),
    (lambda x: {"a": x, 1: x}, r"consistent type\. Found str and int"),
    (lambda x: [x, (x,)], r"consistent type\. Found Tensor and Tuple\[Tensor\]"),
    (lambda x: {}, "must have entries"),
    (lambda x: [], "must have elements"),
])
def test_containers_in_the_output_have_one_type(output, why):
    with pytest.raises(RuntimeError, match="Tracer cannot infer type of.*" + why):
        torch.jit.trace(output, (torch.ones(1),), strict=False)


def test_a_dict_alone_is_one_input():
    traced = torch.jit.trace(lambda d: d["a"] - d["b"], {"a": torch.ones(2), "b": torch.ones(2)})
    assert torch.equal(traced({"a": torch.ones(1) * 5, "b": torch.ones(1)}), torch.ones(1) * 4)


def test_a_named_tuple_is_itself_inside_and_a_tuple_outside():
    from collections import namedtuple

    Pair = namedtuple("Pair", "a b")
    checked(lambda p: Pair(p.a + p.b, p.a), (Pair(torch.ones(2), torch.ones(2)),), (Pair(torch.randn(4), torch.randn(4)),))


def test_a_fork_gives_back_its_named_tuple():
    from collections import namedtuple

    Pair = namedtuple("Pair", "total size")

    def fn(x):
        pair = torch.jit.wait(torch.jit.fork(lambda y: Pair(y.sum(), y.size(0)), x))
        return pair.total / pair.size

    checked(fn, torch.ones(2), torch.randn(5))


# Modules with compiled parts


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > 0):
            for _ in range(x.size(0)):
                x = x + self.gain
        return x


class Around(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x) * 2


class Forking(Around):
    def forward(self, x):
        return torch.jit.wait(torch.jit.fork(self.inner, x)) * x.size(0)


@pytest.mark.parametrize("outer", [Around, Forking])
def test_a_scripted_submodule_is_called_with_its_control_flow(outer):
    inner = Steps()
    net = outer(torch.jit.script(inner))
    traced = checked(net, torch.ones(2, 3), torch.ones(5, 2), -torch.ones(3, 2))
    assert "prim::CallMethod" in kinds(traced)
    inner.gain.mul_(10)
    x = torch.ones(4)
    assert torch.equal(traced(x), net(x)), "the parameters are shared"
    assert [n for n, _ in traced.named_parameters()] == ["inner.gain"]


def test_a_traced_module_is_a_submodule_of_a_traced_module():
    inner = torch.jit.trace(nn.Linear(3, 2), torch.ones(1, 3))
    checked(Around(Around(inner)), torch.ones(2, 3), torch.randn(5, 3))


def test_a_scripted_module_from_outside_is_refused():
    inner = torch.jit.script(Steps())
    with pytest.raises(RuntimeError, match="is not part of the active trace. Modules that are called during a trace must be regis"):
        torch.jit.trace(lambda x: inner(x), (torch.ones(1),))


def test_numbers_go_into_scripts_and_come_out_of_them():
    @torch.jit.script
    def parts(x: Tensor, n: int, scale: float) -> Tuple[Tensor, int]:
        return x * scale, x.numel() // n

    def fn(x):
        y, n = parts(x, x.size(0), scale=x.size(1))
        return y + n

    checked(fn, torch.ones(2, 3), torch.randn(5, 4))


def test_other_methods_are_traced_by_trace_module():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return self.linear(x)

        def scaled(self, x, y):
            return self.forward(x) * y.size(0)

    net = Two()
    x, y = torch.randn(5, 3), torch.ones(7)
    traced = torch.jit.trace_module(net, {"forward": torch.ones(1, 3), "scaled": (torch.ones(1, 3), torch.ones(2))})
    assert torch.allclose(traced(x), net(x)) and torch.allclose(traced.scaled(x, y), net.scaled(x, y))
    with pytest.raises(AttributeError, match="expected a dict"):
        torch.jit.trace_module(net, (x,))


# Checks


def test_check_inputs_are_given_to_both():
    def fn(x):
        return x + int(x.size(0))

    inputs = [(torch.ones(2),), (torch.ones(3),)]
    with pytest.warns(TracerWarning) as caught, pytest.raises(torch.jit.TracingCheckError, match=r"for check_inputs\[1\]!"):
        torch.jit.trace(fn, (torch.ones(2),), check_inputs=inputs)
    assert [("check_inputs[1]" in str(w.message), w.filename) for w in caught] == [(False, __file__), (True, __file__)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.jit.trace(lambda x: x + x.size(0), (torch.ones(2),), check_inputs=inputs)


def test_a_function_that_does_something_else_the_next_time_is_an_error_that_shows_both():
    ways = iter((lambda x: x + 1, lambda x: x * 3))

    def fn(x):
        return next(ways)(x)

    with pytest.warns(TracerWarning, match="does not match"), pytest.raises(torch.jit.TracingCheckError) as caught:
        torch.jit.trace(fn, torch.ones(2))
    text = str(caught.value)
    assert "Graphs differed across invocations!" in text
    assert re.search(r"\t-.*aten::add.*test_trace.py", text) and re.search(r"\t\+.*aten::mul.*test_trace.py", text)
    other = iter((lambda x: x + 1, lambda x: x * 2))
    assert torch.jit.trace(lambda x: next(other)(x), torch.ones(2), check_trace=False)(torch.ones(2)).tolist() == [2.0, 2.0]


def test_a_check_runs_the_function_once_more_and_warns_once():
    runs = []

    def fn(x):
        runs.append(x)
        return x * float(x.sum())

    with pytest.warns(TracerWarning) as caught:
        torch.jit.trace(fn, torch.ones(2))
    assert len(runs) == 2 and len(caught) == 1
    with pytest.warns(TracerWarning):
        torch.jit.trace(fn, torch.ones(2), check_trace=False)
    assert len(runs) == 3


def test_random_results_are_a_warning_and_not_another_graph():
    with pytest.warns(TracerWarning, match="not deterministic"):
        torch.jit.trace(lambda x: x + torch.rand(2), torch.ones(2))


# Keywords


def test_inputs_may_be_given_by_keyword_in_any_order():
    def fn(a, b, scale=2.0, *, last=None):
        return (a - b) * scale if last is None else (a - b) * scale + last

    one, three = torch.ones(2), torch.ones(2) * 3
    traced = torch.jit.trace(fn, example_kwarg_inputs={"b": one, "a": three})
    assert traced(a=one, b=three).tolist() == fn(one, three).tolist()
    assert traced(one, three).tolist() == fn(one, three).tolist()
    with_last = torch.jit.trace(fn, example_kwarg_inputs={"last": one, "b": one, "a": three})
    assert with_last(a=one, b=three, last=three).tolist() == fn(one, three, last=three).tolist()
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        torch.jit.trace(fn, example_kwarg_inputs={"a": one, "b": one, "c": one})


def test_modules_and_their_methods_take_inputs_by_keyword():
    class Two(nn.Module):
        def forward(self, a, b):
            return a - b

        def other(self, x, **more):
            return x * more["y"]

    one, three = torch.ones(2), torch.ones(2) * 3
    traced = torch.jit.trace(Two(), example_kwarg_inputs={"b": one, "a": three}, check_inputs=[{"a": one, "b": three}])
    assert traced(b=three, a=one).tolist() == [-2.0, -2.0]
    inputs = {"forward": {"b": one, "a": three}, "other": {"x": one, "y": three}}
    both = torch.jit.trace_module(Two(), inputs, example_inputs_is_kwarg=True)
    assert both(three, one).tolist() == [2.0, 2.0] and both.other(y=three, x=three).tolist() == [9.0, 9.0]


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({}, TypeError, "example_inputs is missing"),
        ({"example_inputs": torch.ones(1), "example_kwarg_inputs": {"x": torch.ones(1)}}, TypeError, "got both"),
        ({"example_kwarg_inputs": (torch.ones(1),)}, TypeError, "expected a dict from parameters' names"),
        ({"example_kwarg_inputs": {1: torch.ones(1)}}, TypeError, "expected a dict from parameters' names"),
        ({"example_kwarg_inputs": {"x": 3}}, RuntimeError, "Type 'int' of example input 'x' cannot be traced"),
    ],
)
def test_wrong_example_inputs_are_named(given, kind, text):
    with pytest.raises(kind, match=text):
        torch.jit.trace(lambda x: x + 1, **given)


def test_a_trace_that_fails_on_check_inputs_is_an_error():
    with pytest.warns(TracerWarning), pytest.raises(torch.jit.TracingCheckError, match="Tracing failed sanity checks!"):
        torch.jit.trace(lambda x: x.view(int(x.size(0))), (torch.ones(2),), check_inputs=[(torch.ones(3),)])
