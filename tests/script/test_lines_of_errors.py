"""Each instruction that can fail names the line on which it stands, whatever ran before it."""

import pytest

import tine as torch

# Name: the parameters of a function `f`; its text, whose failing line ends in `# here`; its arguments; the error; its
# words. The line before it changes an argument, so that it is not optimised away, and saves a place of its own: an
# instruction that saves none shows that one.
CASES = {
    "integer_division": ("n: int", "return 7 // n  # here", (0,), ZeroDivisionError, "division"),
    "integer_division_by_a_constant": ("n: int", "return n // 0  # here", (5,), ZeroDivisionError, "division"),
    "remainder": ("n: int", "return 7 % n  # here", (0,), ZeroDivisionError, "modulo"),
    "remainder_by_a_constant": ("n: int", "return n % 0  # here", (5,), ZeroDivisionError, "modulo"),
    "float_to_int": ("x: float", "return int(x)  # here", (float("inf"),), OverflowError, "infinity"),
    "nan_to_int": ("x: float", "return int(x)  # here", (float("nan"),), ValueError, "NaN"),
    "operator": ("xs: List[int]", "return xs.index(9)  # here", ([1],), ValueError, "9 is not in list"),
    "operator_for_its_effect": ("xs: List[int]", "xs.remove(9)  # here\n    return 1", ([1],), ValueError, "not in list"),
    "unpacks_too_many": ("xs: List[int]", "a, b = xs  # here\n    return a", ([1, 2, 3],), ValueError, "too many values to unpack (expected 2)"),
    "unpacks_too_few": ("xs: List[int]", "a, b = xs  # here\n    return a", ([1],), ValueError, "not enough values to unpack (expected 2, got 1)"),
    "list_item": ("xs: List[int]", "return xs[3]  # here", ([1],), IndexError, "list index out of range"),
    "list_item_of_objects": ("xs: List[str]", "return xs[3]  # here", (["a"],), IndexError, "list index out of range"),
    "key": ("d: Dict[str, int]", "return d['b']  # here", ({"a": 1},), KeyError, "b"),
    "raise_with_a_constant": ("n: int", "raise ValueError('no')  # here", (1,), ValueError, "no"),
    "raise_with_a_computed_text": ("n: int", "raise ValueError(f'no {n}')  # here", (1,), ValueError, "no 1"),
    "assert": ("n: int", "assert n > 3, 'small'  # here\n    return n", (1,), AssertionError, "small"),
    "wait_for_a_failure": ("p: Future[int]", "return torch.jit.wait(p)  # here", "failed", KeyError, "gone"),
    "wait_for_another_type": ("p: Future[int]", "return torch.jit.wait(p)  # here", "text", TypeError, "holds a str where Future[int] was promised"),
    "wait_for_an_object_of_another_type": ("p: Future[str]", "return torch.jit.wait(p)  # here", "number", TypeError, "holds a int where Future[str] was promised"),
}


# What the Future that `f` waits for becomes while it waits.
OUTCOMES = {"failed": KeyError("gone"), "text": "text", "number": 3}


def run(unit, given):
    if not isinstance(given, str):
        return unit.f([0], *given)
    future = torch.futures.Future()
    result = unit.start([0], future)
    outcome = OUTCOMES[given]
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return result.wait()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("before", ["log.append(1)", "log[0] = 2", "grow(log)"])
def test_the_error_of_an_instruction_names_its_line(name, before):
    parameters, body, given, error, words = CASES[name]
    text = f"def grow(log: List[int]):\n    log.append(3)\n\ndef f(log: List[int], {parameters}):\n    {before}\n    {body}\n"
    if isinstance(given, str):
        text += f"\ndef start(log: List[int], {parameters}):\n    return torch.jit.fork(f, log, p)\n"
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "# here" in each)
    unit = torch.jit.CompilationUnit(text)
    with pytest.raises(error) as caught:
        run(unit, given)
    assert words in str(caught.value)
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert f":{line}" in told, told
