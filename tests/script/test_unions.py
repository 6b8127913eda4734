"""Unions in scripts, and what isinstance tells of a variable: each program runs in plain Python and scripted."""

from typing import Any, Dict, List, Optional, Tuple, Union

import pytest

import tine as torch
from tine import Tensor
from cases import Cases, same

case = Cases()
words = case((1,), ("abc",))


@words
def both_branches_narrow(x: Union[int, str]) -> str:
    if isinstance(x, int):
        return "int" + str(x + 1)
    else:
        return x + "!"


@case((1,), ("a",), (None,))
def with_bars_and_none(x: int | str | None) -> str:
    if x is None:
        return "none"
    if isinstance(x, int):
        return str(x + 1)
    return x


@case((1,), (-1,))
def a_result_of_several_types(i: int) -> Union[int, str]:
    if i > 0:
        return i
    return "negative"


@case((1,), (-1,))
def an_assignment_narrows(i: int) -> int:
    x: Union[int, str] = 3
    y = x + 1
    if i > 0:
        x = "abc"
    if isinstance(x, str):
        return len(x) * 100 + y
    return x + y


@case((1,), (1.5,), ("q",))
def several_types_at_once(x: Union[int, float, str]) -> str:
    if isinstance(x, (int, float)):
        if isinstance(x, int):
            return "i" + str(x + 1)
        return "f" + str(x * 2)
    return x


@words
def negated(x: Union[int, str]) -> int:
    if not isinstance(x, int):
        return len(x)
    return x


@words
def after_an_assertion(x: Union[int, str, List[int]]) -> Union[int, str]:
    assert not isinstance(x, list)
    return x


@case((1,), (5,), ("a",))
def within_and(x: Union[int, str]) -> bool:
    return isinstance(x, int) and x > 3


@case((1,), (5,), ("a",))
def within_or(x: Union[int, str]) -> bool:
    return isinstance(x, str) or x > 3


@words
def within_a_ternary(x: Union[int, str]) -> int:
    return x if isinstance(x, int) else len(x)


@case((1,), ([5, 6],), ((7, "a"),))
def bare_list_and_tuple(x: Union[List[int], Tuple[int, str], int]) -> int:
    if isinstance(x, list):
        return x[0]
    if isinstance(x, tuple):
        return x[0] * 100
    return x


@case((1,), ([5, 6],), ((7, "a"),), ({"a": 3},))
def bare_types_in_a_tuple(x: Union[List[int], Tuple[int, str], Dict[str, int], int]) -> int:
    if isinstance(x, (list, tuple)):
        return 1
    if isinstance(x, dict):
        return x["a"]
    return x


@case(([5, 6],), (["a"],))
def two_kinds_of_list(x: Union[List[int], List[str]]) -> int:
    if torch.jit.isinstance(x, List[int]):
        return x[0]
    return len(x)


@case((torch.ones(1),), ([torch.zeros(1)],))
def a_tensor_or_a_list_of_them(x: Union[Tensor, List[Tensor]]) -> Tensor:
    if isinstance(x, Tensor):
        return x
    return x[0]


@case(())
def lists_and_dicts_of_unions():
    xs: List[Union[int, str]] = [1, "a", 2]
    xs.append("z")
    d: Dict[str, Union[int, List[int]]] = {"a": 1, "b": [2, 3]}
    d["c"] = 4
    total = 0
    for x in xs:
        if isinstance(x, int):
            total += x
        else:
            total += len(x) * 100
    b = d["b"]
    if isinstance(b, list):
        total += b[1] * 1000
    return total, xs, d


@case((1,), (0,))
def branches_of_a_declared_variable(i: int) -> Union[int, str]:
    x: Union[int, str] = 0
    if i > 0:
        x = 1
    else:
        x = "a"
    return x


def wide(x: Union[int, str, float]) -> int:
    if isinstance(x, int):
        return x
    return -1


@words
def handed_on_to_a_wider_one(x: Union[int, str]) -> int:
    return wide(x)


@case((None,), ("abc",), (7,))
def optional_of_a_union(x: Optional[Union[int, str]]) -> int:
    if x is not None:
        if isinstance(x, str):
            return len(x)
        return x
    return 0


@case((3,), ("a",), (2.5,))
def nested_unions_are_one(x: Union[Union[int, str], float]) -> str:
    if isinstance(x, str):
        return x
    return str(x)


@case((True,), (1,))
def a_bool_beside_an_int(x: Union[bool, int]) -> str:
    if isinstance(x, bool):
        return "b"
    return "i"


@case((3,))
def a_loop_that_changes_the_member(n: int) -> Union[int, str]:
    x: Union[int, str] = 0
    for i in range(n):
        if isinstance(x, int):
            x = "s" + str(x)
        else:
            x = len(x)
    return x


@case((3,))
def a_while_over_the_member(n: int) -> Union[int, str]:
    x: Union[int, str] = 0
    while isinstance(x, int):
        if x > n:
            x = "done"
        else:
            x = x + 1
    return x


@case((True,), (False,))
def a_literal_of_one_member(b: bool) -> Union[List[int], str]:
    x: Union[List[int], str] = []
    if b:
        x = "a"
    y: Union[int, str] = 1 if b else "a"
    return x if b else str(y)


@case((1,), ("a",), (torch.ones(1),), ([3],), (2.0,), (None,))
def an_any_by_its_type(x: Any) -> str:
    if isinstance(x, int):
        return "i" + str(x + 1)
    elif isinstance(x, str):
        return "s" + x
    elif isinstance(x, Tensor):
        return "t" + str(x.dim())
    elif torch.jit.isinstance(x, List[int]):
        return "l" + str(x[0])
    elif x is None:
        return "none"
    return "?"


@case((1,), ("a",), (1.5,), ([1],), ({"a": 1},))
def an_any_of_several(x: Any) -> str:
    if isinstance(x, (int, str)):
        if isinstance(x, int):
            return "i" + str(x + 1)
        return x
    if isinstance(x, list):
        return "list"
    if isinstance(x, dict):
        return "dict"
    return "?"


@case(([1], (1, "a"), {"a": 1}))
def known_when_it_is_compiled(xs: List[int], t: Tuple[int, str], d: Dict[str, int]):
    return (isinstance(xs, list), isinstance(t, tuple), isinstance(t, list), isinstance(xs, (list, tuple)), isinstance(d, dict),
            isinstance(t[0], (float, str)), isinstance(t[0], (float, int)))


@words
def its_text(x: Union[int, str]) -> str:
    return str(x) + f"{x}"


@case(())
def containers_of_anything():
    d: Dict[str, Any] = {"a": 1, "b": "x", "c": [1, 2], "d": None}
    d["e"] = 2.5
    xs: List[Any] = [1, "a", None, (1, 2)]
    xs.append({"k": 1})
    return d, xs


@pytest.mark.parametrize("fn, args", case.params)
def test_a_script_says_what_python_says(fn, args):
    assert same(fn(*args), torch.jit.script(fn)(*args))


def test_arguments_are_converted_to_a_member():
    @torch.jit.script
    def f(x: Union[float, str]) -> Union[float, str]:
        return x

    assert f(1.5) == 1.5 and f("a") == "a" and type(f(2)) is float
    for wrong in (None, [1], (1,)):
        with pytest.raises(TypeError, match=r"argument 'x' must be Union\[float, str\], not"):
            f(wrong)


def test_attributes_of_modules():
    class Net(torch.nn.Module):
        x: Union[int, str]

        def __init__(self, x):
            super().__init__()
            self.x = x

        def forward(self) -> str:
            x = self.x
            self.x = "next"
            if isinstance(x, int):
                return str(x + 1)
            return x

    net = torch.jit.script(Net(3))
    assert net() == "4" and net() == "next" and net.x == "next"
    net.x = 7
    assert net() == "8" and torch.jit.script(Net("s"))() == "s"
    with pytest.raises(TypeError, match="attribute 'x'"):
        net.x = 1.5


def test_forks_and_futures_of_a_union():
    def pick(i: int) -> Union[int, str]:
        return i if i > 0 else "no"

    @torch.jit.script
    def f(i: int) -> Union[int, str]:
        return torch.jit.wait(torch.jit.fork(pick, i))

    assert f(3) == 3 and f(-3) == "no"


def test_a_variable_without_a_declaration_keeps_to_one_type():
    def f(i: int):
        if i > 0:
            x = 1
        else:
            x = "a"
        return x

    with pytest.raises(torch.SyntaxError, match="give it one type"):
        torch.jit.script(f)
