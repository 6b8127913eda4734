"""Each comparison of numbers in a script is Python's, as a value, as a condition, and against a constant."""

import itertools
import math
import textwrap

import pytest

import tine as torch

OPERATORS = ["<", "<=", ">", ">=", "==", "!="]
FLOATS = [-math.inf, -1.5, -0.0, 0.0, 1.0, 1.5, math.inf, math.nan]
INTS = [-(2**63), -1, 0, 1, 2**53, 2**63 - 1]

FORMS = """
def value(a: {a}, b: {b}) -> bool:
    return a {op} b
def condition(a: {a}, b: {b}) -> bool:
    if a {op} b:
        return True
    return False
def negated(a: {a}, b: {b}) -> bool:
    if not (a {op} b):
        return False
    return True
def both(a: {a}, b: {b}, c: bool) -> bool:
    if c and a {op} b:
        return True
    return False
def either(a: {a}, b: {b}, c: bool) -> bool:
    if c or a {op} b:
        return True
    return False
def chosen(a: {a}, b: {b}) -> bool:
    return True if a {op} b else False
def loop(a: {a}, b: {b}) -> bool:
    while a {op} b:
        return True
    return False
"""


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("a, b", [("float", "float"), ("int", "int"), ("float", "int"), ("int", "float")])
def test_a_comparison_of_two_variables_is_pythons(op, a, b):
    unit = torch.jit.CompilationUnit(FORMS.format(a=a, b=b, op=op))
    values = {"float": FLOATS, "int": INTS if a == b else [-1, 0, 1]}
    for x, y in itertools.product(values[a], values[b]):
        expected = eval("x " + op + " y")
        for name in ("value", "condition", "negated", "chosen", "loop"):
            assert getattr(unit, name)(x, y) is expected, (name, x, op, y)
        assert unit.both(x, y, True) is expected and unit.either(x, y, False) is expected, (x, op, y)
        assert unit.both(x, y, False) is False and unit.either(x, y, True) is True, (x, op, y)


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("kind, constants, values", [("float", ["0.0", "1.5", "-1.5"], FLOATS), ("int", ["0", "1", "-1"], INTS)])
def test_a_comparison_with_a_constant_is_pythons_on_both_sides(op, kind, constants, values):
    for constant in constants:
        unit = torch.jit.CompilationUnit(
            textwrap.dedent(f"""
            def right(x: {kind}) -> bool:
                return x {op} {constant}
            def left(x: {kind}) -> bool:
                return {constant} {op} x
            def right_if(x: {kind}) -> bool:
                if x {op} {constant}:
                    return True
                return False
            def left_if(x: {kind}) -> bool:
                if {constant} {op} x:
                    return True
                return False
            """)
        )
        for x in values:
            assert unit.right(x) is eval(f"x {op} {constant}"), (x, op, constant)
            assert unit.right_if(x) is eval(f"x {op} {constant}"), (x, op, constant)
            assert unit.left(x) is eval(f"{constant} {op} x"), (constant, op, x)
            assert unit.left_if(x) is eval(f"{constant} {op} x"), (constant, op, x)


@pytest.mark.parametrize("kind", ["float", "int"])
@pytest.mark.parametrize("op, step", [("<", 1), ("<=", 1), (">", -1), (">=", -1), ("==", 1), ("!=", 1)])
def test_a_loop_ends_with_the_turn_after_which_its_comparison_is_false(op, step, kind):
    point = ".0" if kind == "float" else ""
    text = f"def f(a: {kind}, b: {kind}) -> int:\n    turns = 0\n    while a {op} b:\n        a += {step}{point}\n        turns += 1\n    return turns\n"
    python = {}
    exec(text, python)
    script = torch.jit.CompilationUnit(text).f
    for a, b in itertools.product([-2, -1, 0, 1, 2], repeat=2):
        if op != "!=" or a <= b:
            a, b = (float(a), float(b)) if kind == "float" else (a, b)
            assert script(a, b) == python["f"](a, b), (a, op, b)


def test_a_chain_of_comparisons_looks_at_each_edge():
    unit = torch.jit.CompilationUnit(
        "def f(a: float, x: float, b: float) -> bool:\n    return a <= x < b\n"
        "def g(a: float, x: float, b: float) -> bool:\n    if a < x <= b:\n        return True\n    return False\n"
    )
    for a, x, b in itertools.product([0.0, 1.0, 2.0], repeat=3):
        assert unit.f(a, x, b) is (a <= x < b)
        assert unit.g(a, x, b) is (a < x <= b)
