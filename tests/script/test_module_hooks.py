"""Hooks of a module are compiled with it: calls of it, from Python and from other scripts, run them around `forward`."""

from typing import Optional, Tuple

import pytest

import tine as torch
from tine import nn
from tine.jit import script


class Inner(nn.Module):
    def forward(self, x: torch.Tensor, y: int):
        return x + y


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.calls = 0

    def forward(self, x: torch.Tensor):
        return self.inner(x, 3) * 2


def scaled(self, input: Tuple[torch.Tensor, int]) -> Tuple[torch.Tensor, int]:
    return input[0] * 10, input[1] + 1


def plus_input(self, input: Tuple[torch.Tensor, int], output: torch.Tensor) -> torch.Tensor:
    return output + input[0]


def one_value(self, input: Tuple[torch.Tensor]) -> torch.Tensor:
    return input[0] * 10


def counted(self, input: Tuple[torch.Tensor]) -> None:
    self.calls += 1


def doubled(self, input: Tuple[torch.Tensor], output: torch.Tensor):
    return output * 2


def as_number(self, input: Tuple[torch.Tensor], output: torch.Tensor) -> float:
    return float(output[0])


def more(self, input: Tuple[torch.Tensor], output: float) -> Tuple[float, int]:
    return output, self.calls


def sometimes(self, input: Tuple[torch.Tensor]) -> Optional[Tuple[torch.Tensor]]:
    if bool(input[0].sum() > 2):
        return (input[0] * 0,)
    return None


def with_hooks():
    outer = Outer()
    outer.inner.register_forward_pre_hook(scaled)
    outer.inner.register_forward_hook(plus_input)
    outer.register_forward_pre_hook(one_value)
    outer.register_forward_pre_hook(counted)
    outer.register_forward_hook(doubled)
    return outer


def test_a_call_runs_them_in_order_as_python_does():
    plain, compiled = with_hooks(), script(with_hooks())
    x = torch.ones(2)
    assert compiled(x).tolist() == plain(x).tolist() == [816.0, 816.0]
    assert compiled.calls == plain.calls == 1


def test_forward_alone_runs_those_of_the_modules_inside():
    plain, compiled = with_hooks(), script(with_hooks())
    assert compiled.forward(torch.ones(2)).tolist() == plain.forward(torch.ones(2)).tolist()
    assert compiled.calls == 0


def test_another_module_and_a_fork_run_them():
    class Caller(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x: torch.Tensor):
            task = torch.jit.fork(self.inner, x)
            return self.inner(x) + torch.jit.wait(task)

    with pytest.warns(torch.jit.RaceWarning, match="self.calls"):  # which both count
        compiled = script(Caller(with_hooks())), script(Caller(script(with_hooks())))
    for each in compiled:
        assert each(torch.ones(1)).tolist() == [2 * 816.0]


def test_what_a_hook_returns_may_have_another_type():
    outer = Outer()
    outer.register_forward_hook(as_number)
    outer.register_forward_hook(more)
    assert script(outer)(torch.ones(1)) == (8.0, 0)


def test_a_pre_hook_may_leave_the_arguments_alone():
    outer = Outer()
    outer.register_forward_pre_hook(sometimes)
    compiled = script(outer)
    assert compiled(torch.ones(1)).tolist() == [8.0]
    assert compiled(torch.ones(3)).tolist() == [6.0] * 3


def test_prepend_and_a_hook_that_is_there_twice():
    outer = Outer()
    outer.register_forward_hook(doubled)
    outer.register_forward_hook(doubled)
    outer.register_forward_hook(lambda m, i, o: None).remove()
    outer.register_forward_pre_hook(counted)
    outer.register_forward_pre_hook(one_value, prepend=True)
    assert script(outer)(torch.ones(1)).tolist() == outer(torch.ones(1)).tolist() == [104.0]


def test_keyword_only_parameters_and_defaults_of_forward():
    class Named(nn.Module):
        def forward(self, hook_input: torch.Tensor, *, k: int = 2):
            return hook_input * k

    def before(self, input: Tuple[torch.Tensor, int]) -> Tuple[torch.Tensor, int]:
        return input[0] + 1, input[1]

    named = Named()
    named.register_forward_pre_hook(before)
    compiled = script(named)
    assert compiled(torch.ones(1)).tolist() == [4.0]
    assert compiled(torch.ones(1), k=5).tolist() == [10.0]


def test_of_a_sequential():
    layers = nn.Sequential(nn.ReLU(), nn.ReLU())
    layers.register_forward_hook(doubled)
    assert script(layers)(torch.ones(1)).tolist() == [2.0]


def test_modules_that_differ_in_hooks_differ_in_type():
    plain, hooked, again = script(Outer()), script(with_hooks()), script(with_hooks())
    assert plain(torch.ones(1)).tolist() == [8.0]
    assert hooked(torch.ones(1)).tolist() == again(torch.ones(1)).tolist() == [816.0]


def test_a_scripted_module_with_hooks_gets_no_more():
    compiled = script(with_hooks())
    with pytest.raises(RuntimeError, match="is compiled with its hooks, and gets no more"):
        compiled.register_forward_hook(doubled)
    seen = []
    other = script(Outer())
    other.register_forward_hook(lambda m, i, o: seen.append(o.tolist()))
    other(torch.ones(1))
    assert seen == [[8.0]]


def no_annotation(self, input: Tuple[torch.Tensor]):
    return None


def three(self, input: Tuple[torch.Tensor], z: int) -> None:
    pass


def two_wanted(self, input: Tuple[torch.Tensor, int]) -> torch.Tensor:
    return input[0]


def wrong_input(self, input: Tuple[int]) -> None:
    pass


def bare_input(self, input) -> None:
    pass


def wrong_result(self, input: Tuple[torch.Tensor]) -> Tuple[int]:
    return (1,)


def wrong_output(self, input: Tuple[torch.Tensor], output: str):
    return output


def unknown_name(self, input: Tuple[torch.Tensor]) -> None:
    print(nowhere)  # noqa: F821


@pytest.mark.parametrize("register, hook, module, message", [
    ("pre", no_annotation, Outer, "the pre-hook `no_annotation` of module `Outer` has no return annotation; it says whether the hook "
     "changes the arguments: `-> None`, or the type of their tuple"),
    ("pre", three, Outer, "the pre-hook `three` of module `Outer` takes 3 parameters; one that is compiled is `def three(self, input)`"),
    ("post", one_value, Outer, "the hook `one_value` of module `Outer` takes 2 parameters; one that is compiled is "
     "`def one_value(self, input, output)`"),
    ("pre", two_wanted, Inner, "the pre-hook `two_wanted` of module `Inner` returns one value, and `forward` takes 2; return a tuple "
     "of 2, or None"),
    ("pre", wrong_input, Outer, "`wrong_input` expects Tuple[int] for `input`, got Tuple[Tensor]"),
    ("pre", bare_input, Outer, "`bare_input` expects Tensor for `input`, got Tuple[Tensor]"),
    ("pre", wrong_result, Outer, "`forward` expects Tensor for `x`, got int"),
    ("post", wrong_output, Outer, "`wrong_output` expects str for `output`, got Tensor"),
    ("pre", unknown_name, Outer, "undefined name `nowhere`"),
    ("pre", torch.relu, Outer, "a forward pre-hook of module `Outer` is a Builtin; a hook that is compiled is a plain "
     "function. Remove it by its handle before the module is scripted"),
])
def test_a_hook_that_cannot_be_compiled(register, hook, module, message):
    made = module()
    (made.register_forward_pre_hook if register == "pre" else made.register_forward_hook)(hook)
    with pytest.raises(torch.SyntaxError) as caught:
        script(made)
    assert message in str(caught.value)
    if hook in (wrong_input, bare_input, wrong_result, wrong_output, unknown_name):
        assert caught.value.__notes__[-1].startswith("while compiling the hooks of module `Outer`: a pre-hook is "
                                                     "`def hook(self, input: Tuple[torch.Tensor])`")


def test_with_kwargs_is_refused():
    outer = Outer()
    outer.register_forward_pre_hook(counted, with_kwargs=True)
    with pytest.raises(torch.SyntaxError, match="registered with with_kwargs or always_call, which compiled hooks do not have"):
        script(outer)


def test_hooks_of_a_trace_are_recorded():
    traced = torch.jit.trace(with_hooks(), torch.ones(2))
    assert traced(torch.ones(2)).tolist() == [816.0, 816.0]
