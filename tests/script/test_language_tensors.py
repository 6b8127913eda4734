"""Each function of tensors here gives the same result scripted and in plain Python."""

from typing import List, Tuple

import pytest
from cases import Cases, same

import tine as torch
from tine import Tensor

case = Cases()


def apply_twice(x: Tensor, scale: float) -> Tensor:
    return x * scale * scale


@case(lambda: (torch.ones(2, 3), torch.arange(3)))
def tensor_arithmetic(x: Tensor, y: Tensor) -> Tensor:
    return (x + y) * 2 - y / 4 + 1


@case(lambda: (torch.ones(3),))
def numbers_and_tensors(x):
    return 2 - x, 1 / (x + 1), x**2, -x, 3 * x


@case(lambda: (torch.arange(6).reshape(2, 3),))
def tensor_methods(x: Tensor) -> Tuple[Tensor, Tensor, int]:
    return x.sum(), x.to(torch.float32).mean(), x.dim()


@case(lambda: (torch.arange(6).reshape(2, 3),))
def tensor_indexing(x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    return x[0], x[1, 2], x[:, 1:], x[-1, 0]


@case(lambda: (torch.ones(2, 2),))
def tensor_functions(x: Tensor) -> Tensor:
    return torch.tanh(torch.matmul(x, x)) + torch.relu(x - 2) + (x @ x)


@case(lambda: (torch.ones(2, 2),))
def tensor_shape(x: Tensor) -> Tuple[int, int]:
    return x.size(0), x.shape[1]


@case(lambda: (torch.tensor([1.0, -2.0]),))
def tensor_comparison(x: Tensor) -> Tensor:
    return (x > 0) == (x >= -1)


@case(lambda: (torch.tensor(3),), lambda: (torch.tensor(-3),))
def tensor_condition(x: Tensor) -> str:
    if x > 0:
        return "positive"
    return "negative"


@case(lambda: (torch.tensor(3.5),))
def tensor_to_number(x: Tensor) -> Tuple[float, int]:
    return float(x), int(x)


@case(lambda: (torch.ones(4),))
def calls_other_function(x: Tensor) -> Tensor:
    return apply_twice(x, 3.0) + apply_twice(x, scale=0.5)


@case(lambda: ([torch.ones(2), torch.zeros(2)],))
def list_of_tensors(xs: List[Tensor]) -> Tensor:
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    return torch.stack(xs).sum() + total.sum() + torch.cat(xs).mean()


@case(lambda: (2,))
def tensor_constructors(n: int) -> Tensor:
    return torch.zeros(n) + torch.ones([n]) + torch.full([n], 7.0) + torch.arange(n)


@case(lambda: (torch.ones(3),))
def unannotated(x):
    y = x * 2
    return y + 1


@case(lambda: (torch.ones(3),))
def softmax_and_friends(x):
    return torch.softmax(x, 0), torch.nn.functional.log_softmax(x, dim=0), torch.nn.functional.softmax(x)


@pytest.mark.parametrize("fn, make", case.params)
def test_a_script_computes_with_tensors_what_python_computes(fn, make):
    expected = fn(*make())
    got = torch.jit.script(fn)(*make())
    assert same(expected, got), f"Python: {expected!r}, script: {got!r}"
