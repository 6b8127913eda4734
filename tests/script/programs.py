# Programs that a script and CPython run alike: each case_ function's result is in the comment above it, as repr()
# prints it. tests/script/source_test.cpp runs them as scripts, tests/script/test_programs.py in Python.
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Path(NamedTuple):
    points: List[Point]
    name: Optional[str] = None


class Color(Enum):
    RED = 1
    GREEN = 2


class Word(Enum):
    YES = "y"
    NO = "n'\"\n"


def early(n: int) -> int:
    for i in range(n):
        if i * i > 50:
            return i
        for j in range(i):
            if j == 3:
                continue
            if i + j == 12:
                return 100 + i * 10 + j
    return -1


# == (-1, 175, 175)
def case_returns_leave_loops_from_any_depth() -> Tuple[int, int, int]:
    return early(3), early(9), early(1000)


# == [1, 3, 5, 7]
def case_continue_skips_the_rest_of_the_turn() -> List[int]:
    odd: List[int] = []
    i = 0
    while i < 100:
        i += 1
        if i % 2 == 0:
            continue
        if i > 7:
            break
        odd.append(i)
    return odd


# == (10, 45, 7, -10)
def case_loops_carry_what_they_change() -> Tuple[int, int, int, int]:
    a, b, c = 0, 0, 7
    d = 0
    for i in range(10):
        a += 1
        b += i
        d, e = d - 1, c
    return a, b, c, d


# == (5, 3, 21, 13)
def case_values_that_swap_in_a_loop() -> Tuple[int, int, int, int]:
    x, y = 3, 5
    for i in range(5):
        x, y = y, x
    a, b = 0, 1
    while b < 20:
        a, b = b, a + b
    return x, y, b, a


def sign(x: int) -> str:
    if x > 0:
        return "positive"
    elif x < 0:
        return "negative"
    else:
        return "zero"


# == 'positive zero negative'
def case_branches_that_all_return() -> str:
    return sign(3) + " " + sign(0) + " " + sign(-3)


def largest(xs: List[int]) -> Optional[int]:
    best: Optional[int] = None
    for x in xs:
        if best is None or x > best:
            best = x
    return best


# == (True, 9)
def case_none_becomes_a_value_in_a_loop() -> Tuple[bool, int]:
    none = largest([])
    some = largest([3, 9, 4])
    assert some is not None
    return none is None, some


def fib(n: int) -> int:
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)


# == (610, True, False)
def case_recursion() -> Tuple[int, bool, bool]:
    return fib(15), even(100), even(7)


def defaults(a: int, b: float = 2.0, *, c: str = "x", d: bool = False) -> str:
    return f"{a} {b} {c} {d}"


# == ['1 2.0 x False', '1 3.0 x True', '4 0.5 y False']
def case_positions_keywords_defaults() -> List[str]:
    return [defaults(1), defaults(1, 3.0, d=True), defaults(c="y", b=0.5, a=4)]


# == (7, -3, 1, -2, 2, 2.3333333333333335, 0.5, 1.5)
def case_division_rounds_down() -> Tuple[int, int, int, int, int, float, float, float]:
    return 22 // 3, -7 // 3, 22 % 3, -7 % -5, -7 % 3, 7 / 3, 1.5 % 1, -1.5 % 3.0


# == (1, 6, 7, 1, -6, 20, 2, 1024.0, 0.25)
def case_bits_and_powers() -> Tuple[int, int, int, int, int, int, int, float, float]:
    return 5 & 3, 5 ^ 3, 5 | 3, 3 >> 1, ~5, 5 << 2, 5 >> 1, 2.0**10, 2.0**-2


# == (True, False, True, False, True, True, False)
def case_chained_comparisons_and_logic() -> Tuple[bool, bool, bool, bool, bool, bool, bool]:
    a, b, c = 1, 2, 3
    return a < b < c, a < b > c, a < c > b, not a < b, a == 1 and b == 2 or c == 0, a != b != c, a > 0 and b > 5


def side(xs: List[int], value: int) -> bool:
    xs.append(value)
    return value > 1


# == ([1, 2, 1, 2, 3, 1], True)
def case_what_is_decided_is_not_evaluated() -> Tuple[List[int], bool]:
    xs: List[int] = []
    r = side(xs, 1) or side(xs, 2) or side(xs, 9)
    r = side(xs, 1) or (side(xs, 2) and side(xs, 3)) or side(xs, 9)
    if side(xs, 1) and side(xs, 9):
        r = False
    return xs, r


# == ([2, 3], [4, 3, 2, 1], [1, 3], 4, 2, [1, 2, 3, 4, 5], [0, 0, 0], [4, 3])
def case_lists() -> Tuple[List[int], List[int], List[int], int, int, List[int], List[int], List[int]]:
    xs = [1, 2, 3, 4]
    ys = xs[1:3]
    zs = xs[::-1]
    ws = xs[::2]
    last = xs[-1]
    both = xs + [5]
    return ys, zs, ws, last, len(ws), both, [0] * 3, xs[:1:-1]


# == ([5, 20, 3], 1, [20, 3], True, False)
def case_lists_change_in_place() -> Tuple[List[int], int, List[int], bool, bool]:
    xs = [1, 2]
    xs[0] += 4
    xs[1] *= 10
    xs += [3]
    ys = xs[:]
    first = ys.pop(0) - 4
    return xs, first, ys, 20 in xs, 7 in xs


# == ([0, 4, 16], [(0, 'a'), (1, 'b')], [11, 22], ['b', 'a'], [3, 2])
def case_comprehensions() -> Tuple[List[int], List[Tuple[int, str]], List[int], List[str], List[int]]:
    a = [i * i for i in range(6) if i % 2 == 0]
    b = [(i, s) for i, s in enumerate(["a", "b"])]
    c = [x + y for x, y in zip([1, 2, 3], [10, 20])]
    d = [s for s in reversed(["a", "b"])]
    e = [i for i in range(3, 1, -1)]
    return a, b, c, d, e


# == ({'a': 2, 'b': 5, 'c': 0}, ['a', 'b', 'c'], 7, True, -1, 3)
def case_dicts() -> Tuple[Dict[str, int], List[str], int, bool, int, int]:
    d = {"a": 1, "b": 5}
    d["a"] += 1
    d["c"] = 0
    total = 0
    for k, v in d.items():
        total += v
    names: List[str] = []
    for k in d:
        names.append(k)
    return d, names, total, "b" in d, d.get("z", -1), len(d)


# == ('HELLO', 'h', 'o', 'ell', ['a', 'b'], 'a-b', 5, True, 'x=1.5', "['q', 2.0]")
def case_strings() -> Tuple[str, str, str, str, List[str], str, int, bool, str, str]:
    s = "hello"
    x = 1.5
    return s.upper(), s[0], s[-1], s[1:4], "a,b".split(","), "-".join(["a", "b"]), len(s), "ell" in s, f"x={x}", "['{}', {}]".format("q", 2.0)


# == (((1, 'a'), 2.5), 'a', 2.5, (1, 'a', 1, 'a'))
def case_tuples_nest() -> Tuple[Tuple[Tuple[int, str], float], str, float, Tuple[int, str, int, str]]:
    t = (1, "a")
    u = (t, 2.5)
    (i, s), f = u
    return u, s, f, t + t


# == (3, 3.0, 3, True, False, '3', 'True', 2.5)
def case_conversions() -> Tuple[int, float, int, bool, bool, str, str, float]:
    return int(3.9), float(3), int("3"), bool(2), bool(0.0), str(3), str(True), float("2.5")


# == (2, 7.5, 3, 2.5, 10, 6)
def case_builtin_functions() -> Tuple[int, float, int, float, int, int]:
    return min(3, 2), max(1.5, 7.5), abs(-3), abs(-2.5), max([1, 10, 3]), sum([1, 2, 3])


# == ([1.0, 2.5, 3.0], 6.5)
def case_ints_become_floats_where_floats_are_asked_for() -> Tuple[List[float], float]:
    xs: List[float] = [1.0, 2.5]
    xs.append(3.0)
    total: float = 0
    for x in xs:
        total += x
    return xs, total


# == (3, 'even')
def case_conditional_expressions() -> Tuple[int, str]:
    n = 3
    m: Optional[int] = None
    k = n if m is None else m
    return k, "even" if (n + 1) % 2 == 0 else "odd"


# == [[1, 2, 3], [2, 4, 6], [3, 6, 9]]
def case_nested_lists() -> List[List[int]]:
    rows: List[List[int]] = []
    for i in range(1, 4):
        row: List[int] = []
        for j in range(1, 4):
            row.append(i * j)
        rows.append(row)
    return rows


# == (True, 4)
def case_truth_of_containers() -> Tuple[bool, int]:
    xs = [1]
    s = ""
    n = 0
    while xs:
        n += xs.pop()
        if n < 4:
            xs.append(1)
    return not s and not xs, n


# == 2178309
def case_while_true_with_returns() -> int:
    a, b, n = 0, 1, 0
    while True:
        a, b = b, a + b
        n += 1
        if n == 32:
            return a


# == (9223372036854775807, -9223372036854775808)
def case_the_largest_ints() -> Tuple[int, int]:
    return 9223372036854775807, -9223372036854775808


# == 'a\n\t"\'\\é'
def case_escapes() -> str:
    return 'a\n\t"\'\\\u00e9'


def anyf(x: Any) -> str:
    if isinstance(x, int):
        return f"int {x + 1}"
    elif isinstance(x, str):
        return "str " + x
    if isinstance(x, (float, bool)):
        return "other"
    return "?"


# == ['int 2', 'str a', 'other', '?']
def case_any_is_told_apart_by_isinstance() -> List[str]:
    return [anyf(1), anyf("a"), anyf(2.5), anyf([1])]


# == (1, 2, 'x', [(1, 2), (3, 4)])
def case_loops_unpack_nested_tuples() -> Tuple[int, int, str, List[Tuple[int, int]]]:
    d: Dict[int, Tuple[int, str]] = {}
    d[1] = (2, "x")
    for k, (a, b) in d.items():
        return k, a, b, list(zip([1, 3], [2, 4]))
    raise RuntimeError("no")


# == ([0, 1, 2], ['a', 'b'], [2, 1], [[1], [2, 3]], 6)
def case_lists_of_lists() -> Tuple[List[int], List[str], List[int], List[List[int]], int]:
    xs: List[List[int]] = [[]]
    xs[0].append(1)
    xs.append([])
    xs[1] += [2, 3]
    return list(range(3)), list("ab"), list(reversed([1, 2])), xs, sum([sum(x) for x in xs])


# == (2, 'b', 3)
def case_tuples_of_one_type() -> Tuple[int, str, int]:
    t = (1, 2, 3)
    i = 1
    s = ""
    for c in ("a", "b"):
        s = c
    return t[i], s, len(t)


# == True
def case_membership() -> bool:
    x = 5
    return x in (1, 5) and x not in [1, 2] and 2 in (2.0, 3.0)


# == (3, 2, 14)
def case_a_copy_of_the_turn_changes_in_an_inner_loop() -> Tuple[int, int, int]:
    c = 0
    for i in range(4):
        c = i
        for k in range(c % 3):
            c = 14
    e = 0
    d = 0
    for i in range(4):
        d = 14
        e = i
        if i > 1:
            break
        for k in range(2):
            e = d
    return c, e, d


def moved(p: Point, by: int) -> Point:
    return Point(p.x + by, y=p.y)


# == (Point(x=3, y=0.5), 3, 0.5, (3,), Path(points=[Point(x=1, y=2.0)], name=None))
def case_named_tuples() -> Tuple[Point, int, float, Tuple[int], Path]:
    p = moved(Point(1), 2)
    x, y = p
    return p, p.x, p[1] if x == 3 else y, p[:1], Path([Point(x=1, y=2.0)])


# == (<Color.GREEN: 2>, 'RED', 1, True, False, [1, 2], {<Color.RED: 1>: 5}, 'n\'"\n')
def case_enums() -> Tuple[Color, str, int, bool, bool, List[int], Dict[Color, int], str]:
    c = Color.RED
    d = {c: 5}
    values = [each.value for each in Color]
    other = Color.GREEN if c == Color.RED else c
    return other, c.name, c.value, c == Color.RED, c is other, values, d, Word.NO.value


def described(v: Union[int, str, Point, None]) -> str:
    if v is None:
        return "none"
    if isinstance(v, (int, str)):
        if isinstance(v, int):
            return "int " + str(v + 1)
        return "str " + v
    return "point " + str(v.x)


# == ['int 2', 'str a', 'point 7', 'none']
def case_unions() -> List[str]:
    return [described(1), described("a"), described(Point(7)), described(None)]


def greener(c: Color = Color.GREEN, *, d: Color = Color.RED) -> str:
    return c.name + d.name


# == ('GREENRED', 'REDGREEN')
def case_members_of_enums_are_defaults() -> Tuple[str, str]:
    return greener(), greener(Color.RED, d=Color.GREEN)
