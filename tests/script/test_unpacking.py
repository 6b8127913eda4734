"""What an assignment to several names and a loop take apart, and how often they evaluate what they take apart."""

from typing import List, Tuple

import pytest

import tine as torch
from tine import Tensor


@torch.jit.script
def rows(x: Tensor):
    a, b = x
    return a, b


@torch.jit.script
def first_of_three(x: Tensor):
    a, b, c = x
    return a


def test_a_tensor_is_unpacked_into_its_rows():
    x = torch.tensor([[1, 2, 3], [4, 5, 6]])
    a, b = rows(x)
    assert a.tolist() == [1, 2, 3] and b.tolist() == [4, 5, 6]
    a, b = rows(torch.tensor([7, 8]))
    assert a.item() == 7 and b.item() == 8
    assert first_of_three(torch.tensor([[[1]], [[2]], [[3]]])).tolist() == [[1]]


@pytest.mark.parametrize("count, words", [(1, "not enough values to unpack (expected 2"), (3, "too many values to unpack (expected 2")])
def test_a_tensor_of_another_number_of_rows_is_refused_as_python_does(count, words):
    with pytest.raises(ValueError) as caught:
        rows(torch.ones(count, 2))
    assert words in str(caught.value)
    with pytest.raises(TypeError):
        rows(torch.ones(()))


@torch.jit.script
def make(log: List[int], n: int) -> List[int]:
    log.append(n)
    return [n, n + 1]


@torch.jit.script
def loops() -> Tuple[List[int], List[int]]:
    log: List[int] = []
    seen: List[int] = []
    for x in make(log, 1).copy():
        seen.append(x)
    for i, y in enumerate(make(log, 2)):
        seen.append(i * y)
    for z, w in zip(make(log, 3), make(log, 4)):
        seen.append(z * w)
    for v in reversed(make(log, 5)):
        seen.append(v)
    seen.extend([u for u in make(log, 6)])
    a, b = make(log, 7)
    seen.append(a + b)
    make(log, 8)[0] += 1
    for key in {make(log, 9)[0]: 1}.keys():
        seen.append(key)
    for key, value in {make(log, 10)[1]: 2}.items():
        seen.append(key * value)
    return seen, log


def test_what_a_loop_or_an_assignment_takes_apart_is_evaluated_once():
    seen, log = loops()
    assert seen == [1, 2, 0, 3, 12, 20, 6, 5, 6, 7, 15, 9, 22]
    assert log == list(range(1, 11))
