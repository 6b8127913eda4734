"""Each function here gives the same result scripted and in plain Python."""

import math
from typing import Dict, List, Optional, Tuple

import pytest

import tine as torch
from tine import Tensor

CASES = []

LIMIT = 7
RATE = 0.5
NAME = "tine"
FLAGS = (1, 2)


def case(*argument_lists):
    """Marks a function as a case, with the arguments of each call."""

    def mark(fn):
        for args in argument_lists:
            CASES.append(pytest.param(fn, args, id=f"{fn.__name__}{args}"[:60]))
        return fn

    return mark


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


def apply_twice(x: Tensor, scale: float) -> Tensor:
    return x * scale * scale


TENSORS = []


def tensor_case(*make):
    def mark(fn):
        for m in make:
            TENSORS.append(pytest.param(fn, m, id=fn.__name__))
        return fn

    return mark


@tensor_case(lambda: (torch.ones(2, 3), torch.arange(3)))
def tensor_arithmetic(x: Tensor, y: Tensor) -> Tensor:
    return (x + y) * 2 - y / 4 + 1


@tensor_case(lambda: (torch.ones(3),))
def numbers_and_tensors(x):
    return 2 - x, 1 / (x + 1), x**2, -x, 3 * x


@tensor_case(lambda: (torch.arange(6).reshape(2, 3),))
def tensor_methods(x: Tensor) -> Tuple[Tensor, Tensor, int]:
    return x.sum(), x.to(torch.float32).mean(), x.dim()


@tensor_case(lambda: (torch.arange(6).reshape(2, 3),))
def tensor_indexing(x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    return x[0], x[1, 2], x[:, 1:], x[-1, 0]


@tensor_case(lambda: (torch.ones(2, 2),))
def tensor_functions(x: Tensor) -> Tensor:
    return torch.tanh(torch.matmul(x, x)) + torch.relu(x - 2) + (x @ x)


@tensor_case(lambda: (torch.ones(2, 2),))
def tensor_shape(x: Tensor) -> Tuple[int, int]:
    return x.size(0), x.shape[1]


@tensor_case(lambda: (torch.tensor([1.0, -2.0]),))
def tensor_comparison(x: Tensor) -> Tensor:
    return (x > 0) == (x >= -1)


@tensor_case(lambda: (torch.tensor(3),), lambda: (torch.tensor(-3),))
def tensor_condition(x: Tensor) -> str:
    if x > 0:
        return "positive"
    return "negative"


@tensor_case(lambda: (torch.tensor(3.5),))
def tensor_to_number(x: Tensor) -> Tuple[float, int]:
    return float(x), int(x)


@tensor_case(lambda: (torch.ones(4),))
def calls_other_function(x: Tensor) -> Tensor:
    return apply_twice(x, 3.0) + apply_twice(x, scale=0.5)


@tensor_case(lambda: ([torch.ones(2), torch.zeros(2)],))
def list_of_tensors(xs: List[Tensor]) -> Tensor:
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    return torch.stack(xs).sum() + total.sum() + torch.cat(xs).mean()


@tensor_case(lambda: (2,))
def tensor_constructors(n: int) -> Tensor:
    return torch.zeros(n) + torch.ones([n]) + torch.full([n], 7.0) + torch.arange(n)


@tensor_case(lambda: (torch.ones(3),))
def unannotated(x):
    y = x * 2
    return y + 1


@tensor_case(lambda: (torch.ones(3),))
def softmax_and_friends(x):
    return torch.softmax(x, 0), torch.nn.functional.log_softmax(x, dim=0), torch.nn.functional.softmax(x)


def same(a, b):
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return type(b) is float and (a == b or math.isclose(a, b, rel_tol=1e-14))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("fn, args", CASES)
def test_a_script_computes_what_python_computes(fn, args):
    import copy

    expected = fn(*copy.deepcopy(args))
    got = torch.jit.script(fn)(*copy.deepcopy(args))
    assert same(expected, got), f"Python: {expected!r}, script: {got!r}"


@pytest.mark.parametrize("fn, make", TENSORS)
def test_a_script_computes_with_tensors_what_python_computes(fn, make):
    expected = fn(*make())
    got = torch.jit.script(fn)(*make())
    assert same(expected, got), f"Python: {expected!r}, script: {got!r}"


def test_closure_variables_are_constants():
    scale = 3

    def fn(x: int) -> int:
        return x * scale

    assert torch.jit.script(fn)(5) == 15


def test_a_module_alias_of_the_user_is_followed():
    import tine as anything

    def fn(x):
        return anything.relu(x)

    assert torch.equal(torch.jit.script(fn)(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))


def test_a_name_imported_from_a_module_is_followed():
    from tine import tanh as squash

    def fn(x):
        return squash(x)

    assert torch.allclose(torch.jit.script(fn)(torch.ones(2)), torch.tanh(torch.ones(2)))


def test_annotations_as_text_are_read():
    def fn(x: "int", ys: "List[int]") -> "int":
        return x + ys[0]

    assert torch.jit.script(fn)(1, [2]) == 3


def test_a_type_alias_is_followed():
    Ints = List[int]

    def fn(xs: Ints) -> int:
        return xs[0]

    assert torch.jit.script(fn)([4]) == 4


def test_builtin_generics_are_types_too():
    def fn(xs: list[int], d: dict[str, int]) -> tuple[int, int]:
        return xs[0], d["a"]

    assert torch.jit.script(fn)([4], {"a": 2}) == (4, 2)


def test_is_scripting_tells_a_script_from_python():
    def fn() -> bool:
        return torch.jit.is_scripting()

    assert fn() is False
    assert torch.jit.script(fn)() is True


def test_isinstance_narrows_an_optional():
    def fn(x: Optional[int]) -> int:
        if torch.jit.isinstance(x, int):
            return x
        return 0

    assert torch.jit.script(fn)(4) == 4
    assert torch.jit.script(fn)(None) == 0


def test_print_writes_to_standard_output(capfd):
    def fn(x: int):
        print("x is", x)

    torch.jit.script(fn)(3)
    assert capfd.readouterr().out == "x is 3\n"


def test_scripting_twice_gives_the_same_function():
    def fn(x: int) -> int:
        return x

    scripted = torch.jit.script(fn)
    assert torch.jit.script(fn) is scripted
    assert torch.jit.script(scripted) is scripted


def test_functions_of_one_name_do_not_replace_each_other():
    def make(n: int):
        def fn(x: int) -> int:
            return x + n

        return torch.jit.script(fn)

    one, two = make(1), make(2)
    assert (one(10), two(10)) == (11, 12)
    assert one.qualified_name != two.qualified_name


def test_a_scripted_function_keeps_what_wraps_keeps():
    @torch.jit.script
    def fn(x: int) -> int:
        """Says what it does."""
        return x

    assert fn.__name__ == "fn" and fn.__doc__ == "Says what it does."
    assert fn.__wrapped__(3) == 3
    assert fn.name == "fn" and fn.qualified_name.endswith("fn")
    assert str(fn.schema) == "fn(int x) -> int"
    assert "return x" in fn.code


def scripted_for_pickle(x: int) -> int:
    return x + 1


scripted_for_pickle = torch.jit.script(scripted_for_pickle)


def test_a_scripted_function_is_pickled_by_its_name():
    import pickle

    again = pickle.loads(pickle.dumps(scripted_for_pickle))
    assert again == scripted_for_pickle and again(4) == 5


def test_the_graph_names_its_operators():
    def fn(x, n: int):
        for _ in range(n):
            x = torch.tanh(x)
        return x

    text = str(torch.jit.script(fn).graph)
    assert text.startswith("graph(%x")
    assert "aten::tanh" in text and "prim::Loop" in text and "return (" in text


def test_numbers_become_tensors_at_the_border():
    def fn(x: Tensor, y: Tensor) -> Tensor:
        return x + y

    assert torch.equal(torch.jit.script(fn)(torch.ones(2), 1), torch.tensor([2.0, 2.0]))


def test_an_integer_is_taken_for_a_float():
    def fn(x: float) -> float:
        return x / 2

    assert torch.jit.script(fn)(3) == 1.5


def test_a_compilation_unit_compiles_text():
    unit = torch.jit.CompilationUnit("""
        def double(x: int) -> int:
            return twice(x)

        def twice(x: int) -> int:
            return x * 2
    """)
    assert unit.double(4) == 8
