"""Each function here gives the same result scripted and in plain Python."""

import copy
import math
from typing import Dict, List, Optional, Tuple

import pytest
from cases import Cases, same

import tine as torch

case = Cases()

LIMIT = 7
RATE = 0.5
NAME = "tine"
FLAGS = (1, 2)


@case((2, 3), (-7, 2), (7, -2))
def integer_arithmetic(a: int, b: int) -> Tuple[int, int, int, int, int]:
    return a + b, a - b, a * b, a // b, a % b


@case((7, 2), (-7, 2))
def true_division(a: int, b: int) -> float:
    return a / b


@case((2.5, 0.5), (-7.5, 2.0), (7.5, -2.0))
def float_arithmetic(a: float, b: float) -> Tuple[float, float, float, float, float, float]:
    return a + b, a - b, a * b, a / b, a // b, a % b


@case((3, 0.5))
def mixed_arithmetic(a: int, b: float) -> Tuple[float, float, float, float]:
    return a + b, b - a, a * b, b / a


@case((3,), (-3,))
def unary(a: int) -> Tuple[int, int, int, bool]:
    return -a, +a, ~a, not a


@case((12, 10))
def bits(a: int, b: int) -> Tuple[int, int, int, int, int]:
    return a & b, a | b, a ^ b, a << 2, a >> 1


@case((2, 10), (3, 0))
def power(a: int, b: int) -> float:
    return float(a) ** b


@case((1, 2), (2, 2), (3, 2))
def comparisons(a: int, b: int) -> Tuple[bool, bool, bool, bool, bool, bool]:
    return a == b, a != b, a < b, a <= b, a > b, a >= b


@case((1,), (5,), (9,))
def chained_comparison(a: int) -> bool:
    return 2 < a <= 8


@case((True, False), (True, True), (False, False))
def logic(a: bool, b: bool) -> Tuple[bool, bool, bool]:
    return a and b, a or b, not a


@case((0,), (4,))
def short_circuit(a: int) -> bool:
    return a != 0 and 8 // a == 2


@case((3,), (-3,))
def ternary(a: int) -> str:
    return "positive" if a > 0 else "other"


@case((5,), (0,), (-5,))
def if_elif_else(a: int) -> str:
    if a > 0:
        sign = "+"
    elif a == 0:
        sign = "0"
    else:
        sign = "-"
    return sign


@case((3,), (-3,))
def early_return(a: int) -> int:
    if a < 0:
        return 0
    b = a * 2
    if b > 4:
        return b
    return -1


@case((10,), (0,))
def while_loop(n: int) -> int:
    s = 0
    i = 0
    while i < n:
        s += i
        i += 1
    return s


@case((10,))
def for_range(n: int) -> int:
    s = 0
    for i in range(n):
        s = s + i % 7
    return s


@case((2, 20, 3), (20, 2, -3), (5, 5, 1))
def for_range_step(a: int, b: int, step: int) -> List[int]:
    out: List[int] = []
    for i in range(a, b, step):
        out.append(i)
    return out


@case(([1, 5, 2],), ([],))
def for_list(xs: List[int]) -> int:
    s = 0
    for x in xs:
        s += x
    return s


@case((20,))
def break_and_continue(n: int) -> int:
    s = 0
    for i in range(n):
        if i % 2 == 0:
            continue
        if i > 11:
            break
        s += i
    return s


@case((100,))
def while_break(n: int) -> int:
    i = 0
    while True:
        i += 1
        if i * i > n:
            break
    return i


@case((4,))
def nested_loops(n: int) -> int:
    s = 0
    for i in range(n):
        for j in range(i):
            if j == 2:
                break
            s += i * j
    return s


@case((3, [4, 5, 6]))
def return_in_loop(n: int, xs: List[int]) -> int:
    for i in range(len(xs)):
        if xs[i] > n + 1:
            return i
    return -1


@case((15,))
def recursion(n: int) -> int:
    if n < 2:
        return n
    return recursion(n - 1) + recursion(n - 2)


def is_even(n: int) -> bool:
    if n == 0:
        return True
    return is_odd(n - 1)


def is_odd(n: int) -> bool:
    if n == 0:
        return False
    return is_even(n - 1)


@case((10,), (7,))
def mutual_recursion(n: int) -> bool:
    return is_even(n)


def helper(a: int, b: int = 10, *, c: int = 100) -> int:
    return a + 2 * b + 3 * c


@case((1,))
def keywords_and_defaults(a: int) -> Tuple[int, int, int, int]:
    return helper(a), helper(a, 2), helper(b=3, a=a), helper(a, c=5)


def untyped_result(a: int):
    return a * 2


@case((4,))
def inferred_result(a: int) -> int:
    return untyped_result(a) + 1


@case((1, 2))
def tuples(a: int, b: int) -> Tuple[int, int, int]:
    pair = (a, b)
    x, y = pair
    x, y = y, x
    return x, y, pair[0] + pair[1]


@case((1,))
def nested_tuples(a: int) -> int:
    t = (a, (a + 1, "x"))
    b, (c, d) = t
    return b + c + len(d)


@case((5,))
def list_building(n: int) -> List[int]:
    out: List[int] = []
    for i in range(n):
        out.append(i * i)
    out[1] = 77
    out += [5, 6]
    return out


@case(([3, 1, 2],))
def list_methods(xs: List[int]) -> Tuple[int, int, List[int]]:
    ys = xs.copy()
    last = ys.pop()
    ys.extend([9, 8])
    ys.insert(0, 4)
    ys.reverse()
    return last, len(ys), ys


@case(([0, 1, 2, 3, 4, 5],))
def list_slices(xs: List[int]) -> Tuple[List[int], List[int], List[int], int]:
    return xs[1:3], xs[:-1], xs[::2], xs[-1]


@case(([1, 2, 3],))
def list_comprehension(xs: List[int]) -> List[int]:
    return [x * 2 for x in xs]


@case(([1, 2, 3], 2), ([1, 2, 3], 5))
def membership(xs: List[int], x: int) -> Tuple[bool, bool]:
    return x in xs, x not in xs


@case(([1, 2], [3]))
def list_add(xs: List[int], ys: List[int]) -> Tuple[List[int], List[int], bool]:
    return xs + ys, xs * 2, xs == ys


@case(([2.5, 1.0],))
def list_of_floats(xs: List[float]) -> float:
    s = 0.0
    for x in xs:
        s += x
    return s / len(xs)


@case(([[1, 2], [3]],))
def nested_lists(xs: List[List[int]]) -> int:
    s = 0
    for row in xs:
        for x in row:
            s += x
    return s


@case(([1, 2, 3],))
def lists_are_shared(xs: List[int]) -> int:
    ys = xs
    ys.append(4)
    return len(xs)


@case((["a", "b", "a"],))
def dicts(words: List[str]) -> Dict[str, int]:
    counts: Dict[str, int] = {}
    for w in words:
        if w in counts:
            counts[w] += 1
        else:
            counts[w] = 1
    return counts


@case(({"x": 1, "y": 2},))
def dict_methods(d: Dict[str, int]) -> Tuple[int, List[str], int]:
    s = 0
    for v in d.values():
        s += v
    return s, list(d.keys()), d["x"]


@case((3,), (None,))
def optional_argument(x: Optional[int]) -> int:
    if x is None:
        return -1
    return x + 1


@case((3,), (None,))
def optional_not_none(x: Optional[int] = None) -> int:
    if x is not None:
        return x * 2
    return 0


@case((True,), (False,))
def optional_result(give: bool) -> Optional[int]:
    if give:
        return 5
    return None


@case((3,), (None,))
def optional_default(x: Optional[int]) -> int:
    y = x if x is not None else 10
    return y


@case(("ab", "c"))
def strings(a: str, b: str) -> Tuple[str, str, int, str, bool]:
    return a + b, a * 2, len(a), a[1], a == b


@case(("Hello",))
def string_methods(a: str) -> Tuple[str, str, bool, str]:
    return a.upper(), a.lower(), a.startswith("He"), a[1:3]


@case((3, 2.5, "x"))
def format_string(a: int, b: float, c: str) -> str:
    return f"{a} and {b} and {c}"


@case((3.7,), (-3.7,))
def conversions(x: float) -> Tuple[int, float, bool, str]:
    return int(x), float(int(x)), bool(int(x)), str(int(x))


@case((3, 9))
def builtin_min_max(a: int, b: int) -> Tuple[int, int, int, float]:
    return min(a, b), max(a, b), abs(-a), abs(-1.5)


@case((2.0,))
def math_functions(x: float) -> Tuple[float, float, float, float]:
    return math.sqrt(x), math.exp(x), math.log(x), math.pi * x


@case((2.5,))
def math_rounding(x: float) -> Tuple[int, int]:
    return math.floor(x), math.ceil(x)


@case((3,))
def global_constants(a: int) -> Tuple[float, int]:
    return a * LIMIT + RATE, len(NAME)


@case((1,))
def local_annotation(a: int) -> float:
    x: float = 1.0
    x = x + a
    return x


@case((5,))
def annotate_empty_list(n: int) -> List[int]:
    xs = torch.jit.annotate(List[int], [])
    for i in range(n):
        xs.append(n - i)
    return xs


@case((5, True), (5, False))
def variable_from_both_branches(n: int, c: bool) -> int:
    if c:
        x = n
    else:
        x = -n
    return x


@case((5,))
def loop_carried(n: int) -> Tuple[int, int]:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a, b


@case((3,))
def augmented(n: int) -> Tuple[int, float]:
    x = n
    x += 1
    x -= 2
    x *= 5
    x //= 2
    y = 1.5
    y *= 2
    y /= 4
    return x, y


@case((7,))
def asserts_hold(n: int) -> int:
    assert n > 0, "n must be positive"
    assert n < 100
    return n


@case((4,), (12,))
def raise_not_taken(n: int) -> str:
    if n < 0:
        raise ValueError("negative")
    elif n > 10:
        return "big"
    return "small"


@case(([5, 6],))
def enumerate_list(xs: List[int]) -> int:
    s = 0
    for i, x in enumerate(xs):
        s += i * x
    return s


@case(([1, 2], [3, 4]))
def zip_lists(xs: List[int], ys: List[int]) -> int:
    s = 0
    for x, y in zip(xs, ys):
        s += x * y
    return s


@case((3,))
def pass_and_docstring(n: int) -> int:
    """A docstring is no statement."""
    for _ in range(n):
        pass
    return n


@case((3,))
def multiline_expression(n: int) -> int:
    return (
        n
        + 1  # a comment
        + 2
    )


@case((0,), (3,))
def truth_of_int(n: int) -> str:
    if n:
        return "yes"
    return "no"


@case((10,))
def integer_sum_of_list(n: int) -> int:
    return sum([i for i in range(n)])


@pytest.mark.parametrize("fn, args", case.params)
def test_a_script_computes_what_python_computes(fn, args):
    expected = fn(*copy.deepcopy(args))
    got = torch.jit.script(fn)(*copy.deepcopy(args))
    assert same(expected, got), f"Python: {expected!r}, script: {got!r}"
