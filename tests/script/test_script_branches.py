"""Conditions that are known when a script is compiled: the branch not taken may be anything."""

from typing import Any, List

import pytest

import tine as torch
from tine import Tensor, nn
from tine.jit import is_scripting
from tine.jit import is_scripting as scripting
from tine.jit import is_tracing


def by_if(x: Tensor) -> Tensor:
    if torch.jit.is_scripting():
        return x + 1
    else:
        return nowhere(x)  # noqa: F821


def by_if_not(x: Tensor) -> Tensor:
    if not torch.jit.is_scripting():
        x = nowhere(x)  # noqa: F821
    return x + 1


def by_early_return(x: Tensor) -> Tensor:
    if torch.jit.is_scripting():
        return x + 1
    y: Nothing = nowhere(x)  # noqa: F821
    return y.nothing()


def by_and_not(x: Tensor) -> Tensor:
    if torch.jit.is_scripting() and not torch.jit.is_tracing():
        return x + 1
    return nowhere(x)  # noqa: F821


def by_or(x: Tensor) -> Tensor:
    if torch.jit.is_scripting() or torch.jit.is_tracing():
        return x + 1
    return nowhere(x)  # noqa: F821


def by_unknown_and_known(x: Tensor) -> Tensor:
    if x.numel() > 0 and not torch.jit.is_scripting():
        return nowhere(x)  # noqa: F821
    return x + 1


def by_unknown_or_known(x: Tensor) -> Tensor:
    if x.numel() > 100 or torch.jit.is_scripting():
        return x + 1
    return nowhere(x)  # noqa: F821


def by_ternary(x: Tensor) -> Tensor:
    return x + 1 if torch.jit.is_scripting() else nowhere(x)  # noqa: F821


def by_assert(x: Tensor) -> Tensor:
    assert torch.jit.is_scripting(), nowhere(x)  # noqa: F821
    return x + 1


def by_while(x: Tensor) -> Tensor:
    while not torch.jit.is_scripting():
        x = nowhere(x)  # noqa: F821
    return x + 1


def by_a_variable(x: Tensor) -> Tensor:
    compiled = torch.jit.is_scripting()
    if compiled:
        return x + 1
    return nowhere(x)  # noqa: F821


def by_an_imported_name(x: Tensor) -> Tensor:
    if is_scripting() and not is_tracing():
        return x + 1
    return nowhere(x)  # noqa: F821


def by_a_renamed_import(x: Tensor) -> Tensor:
    if scripting():
        return x + 1
    return nowhere(x)  # noqa: F821


def by_the_private_tracing_state(x: Tensor) -> Tensor:
    if torch._C._get_tracing_state() or torch._C._is_tracing():
        return nowhere(x)  # noqa: F821
    return x + 1


def nested(x: Tensor) -> Tensor:
    if x.numel() > 0:
        for _ in range(1):
            if not torch.jit.is_scripting():
                x = nowhere(x)  # noqa: F821
            else:
                x = x + 1
    return x


def in_a_helper(x: Tensor) -> Tensor:
    return by_if_not(x)


@torch.jit.unused
def unused_function(x: Tensor, **options) -> Tensor:
    return nowhere(x, options)  # noqa: F821


@torch.jit.ignore
def ignored_function(x: Tensor) -> Tensor:
    return nowhere(x)  # noqa: F821


def by_ignore(x: Tensor) -> Tensor:
    if not torch.jit.is_scripting():
        return ignored_function(unused_function(x))
    return x + 1


GUARDED = [by_if, by_if_not, by_early_return, by_and_not, by_or, by_unknown_and_known, by_unknown_or_known, by_ternary,
           by_assert, by_while, by_a_variable, by_an_imported_name, by_a_renamed_import, by_the_private_tracing_state,
           nested, in_a_helper, by_ignore]


@pytest.mark.parametrize("fn", GUARDED, ids=lambda fn: fn.__name__)
def test_the_branch_that_python_takes_is_not_compiled(fn):
    assert torch.jit.script(fn)(torch.zeros(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("fn", [by_if, by_if_not, by_early_return, by_and_not, by_or, by_ternary, by_a_variable],
                         ids=lambda fn: fn.__name__)
def test_no_branch_is_left_in_the_graph(fn):
    assert "prim::If" not in torch.jit.script(fn).graph.kinds()


def test_what_stands_before_a_known_operand_still_runs():
    def fn(xs: List[int]) -> int:
        if xs.pop() > 0 and not torch.jit.is_scripting():
            return nowhere(xs)  # noqa: F821
        return len(xs)

    assert torch.jit.script(fn)([1, 2, 3]) == 2


def test_a_known_operand_of_a_value_decides_it():
    def fn(x: int) -> bool:
        return x > 0 and not torch.jit.is_scripting()

    assert torch.jit.script(fn)(1) is False


class Guarded(nn.Module):
    __constants__ = ["mode"]
    flag: torch.jit.Final[bool]
    width: "torch.jit.Final[int]"

    def __init__(self, flag=False, mode=None, width=2):
        super().__init__()
        self.flag = flag
        self.mode = mode
        self.width = width
        self.plain = False

    @torch.jit.unused
    def weird(self, x: Tensor) -> Tensor:
        return nowhere(x)  # noqa: F821

    @torch.jit.ignore
    def python_only(self, x: Tensor) -> Tensor:
        return x + 100

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_scripting():
            return self.python_only(x)
        if self.flag:
            return self.weird(self.python_only(x))
        if self.mode is not None:
            return self.python_only(x)
        if self.plain:
            return self.weird(x)
        return x * self.width


def test_a_final_attribute_chooses_the_branch():
    assert torch.jit.script(Guarded())(torch.ones(1)).tolist() == [2.0]
    assert torch.jit.script(Guarded(width=5))(torch.ones(1)).tolist() == [5.0]


def test_a_final_attribute_that_chooses_an_ignored_method_calls_it():
    assert torch.jit.script(Guarded(mode="slow"))(torch.ones(1)).tolist() == [101.0]
    with pytest.raises(RuntimeError, match="annotated to be ignored and cannot be run"):
        torch.jit.script(Guarded(flag=True))(torch.ones(1))


def test_an_unused_method_that_is_reached_raises():
    made = torch.jit.script(Guarded())
    made.plain = True
    with pytest.raises(RuntimeError, match="annotated to be ignored and cannot be run"):
        made(torch.ones(1))


def test_an_unused_function_that_is_reached_raises():
    @torch.jit.unused
    def odd(x, how=3, *rest, **more):
        return nowhere(x)  # noqa: F821

    def fn(x: Tensor, go: bool) -> Tensor:
        if go:
            return odd(x, 4)
        return x

    made = torch.jit.script(fn)
    assert made(torch.ones(1), False).tolist() == [1.0]
    with pytest.raises(RuntimeError, match="annotated to be ignored and cannot be run"):
        made(torch.ones(1), True)


def test_a_constant_of_a_scripted_module_is_read_and_stays():
    made = torch.jit.script(Guarded())
    assert made.flag is False and made.mode is None and made.width == 2
    with pytest.raises(RuntimeError, match="Can't set constant 'flag' which has value:False"):
        made.flag = True


def test_a_script_cannot_assign_to_a_constant():
    class Assigns(Guarded):
        def forward(self, x: Tensor) -> Tensor:
            self.flag = True
            return x

    with pytest.raises(torch.SyntaxError, match="`flag` is a constant of"):
        torch.jit.script(Assigns())


def test_python_calls_an_ignored_method_of_a_scripted_module():
    assert torch.jit.script(Guarded()).python_only(torch.ones(1)).tolist() == [101.0]


def test_the_tracing_state_is_there_while_something_is_traced():
    seen: Any = []

    def fn(x):
        seen.append(torch._C._get_tracing_state() is not None)
        return x + 1

    torch.jit.trace(fn, (torch.ones(1),), check_trace=False)
    assert seen == [True] and torch._C._get_tracing_state() is None
