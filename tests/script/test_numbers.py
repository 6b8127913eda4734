"""Numbers in scripts are TorchScript's where these differ from Python's."""
import pytest

INF, NAN = float("inf"), float("nan")


def run(text, *arguments):
    import tine as torch

    return torch.jit.CompilationUnit(text).f(*arguments)


def value(expression, **arguments):
    """Of a script with these parameters, and of one in which they are constants."""
    parameters = ", ".join(f"{n}: {type(v).__name__}" for n, v in arguments.items())
    given = run(f"def f({parameters}):\n    return {expression}\n", *arguments.values())
    lines = "".join(f"    {n} = {v!r}\n" if v == v and abs(v) != INF else f"    {n} = float('{v!r}')\n"
                    for n, v in arguments.items())
    folded = run(f"def f():\n{lines}    return {expression}\n")
    assert type(given) is type(folded) and (given == folded or given != given), (given, folded)
    return given


# Each of these is what PyTorch 2.13 gives for the same script.
@pytest.mark.parametrize("expression, arguments, expected", [
    ("a / b", (1.0, 0.0), INF), ("a / b", (-1.0, 0.0), -INF), ("a / b", (1.0, -0.0), -INF), ("a / b", (0.0, 0.0), NAN),
    ("a / b", (1, 0), INF), ("a / b", (-1, 0), -INF), ("a / b", (0, 0), NAN), ("a / b", (1, 0.0), INF),
    ("a // b", (1.0, 0.0), INF), ("a // b", (1.5, 0.1), 15.0), ("a // b", (-7.5, 2.0), -4.0), ("a // b", (7, 2.0), 3.0),
    ("a // b", (-7, 2), -4), ("a % b", (-7, 3), 2), ("a % b", (7, -3), -2),
    ("a % b", (1.0, 0.0), NAN), ("a % b", (1.0, INF), NAN), ("a % b", (-7.5, 2.0), 0.5), ("a % b", (5.5, -2), -0.5),
    ("a ** b", (2, 3), 8.0), ("a ** b", (2, -1), 0.5), ("a ** b", (2, 0), 1.0), ("a ** b", (2.0, 3), 8.0),
    ("a ** b", (-8.0, 0.5), NAN), ("a ** b", (10.0, 400.0), INF), ("pow(a, b)", (2, 3), 8.0), ("math.pow(a, b)", (2, 3), 8.0),
    ("min(a, b)", (1.0, NAN), NAN), ("min(a, b)", (NAN, 1.0), 1.0), ("max(a, b)", (1.0, NAN), NAN), ("max(a, b)", (2, 2.5), 2.5),
    ("math.fmod(a, b)", (1.0, 0.0), NAN), ("math.fmod(a, b)", (-7, 2), -1.0), ("math.remainder(a, b)", (7, 4), -1.0),
    ("math.log(a, b)", (8.0, 1.0), INF), ("a + b", (True, True), 2), ("a * b", (True, 2.5), 2.5), ("a - b", (1, True), 0),
    ("a / b", (True, True), 1.0), ("a ** b", (True, 2), 1.0), ("a & b", (True, 3), 1), ("a < b", (True, 2), True),
    ("a == b", (1.0, True), True), ("a & b", (True, False), False)])
def test_two_numbers(expression, arguments, expected):
    a, b = arguments
    got = value(expression, a=a, b=b)
    assert type(got) is type(expected)
    assert got == expected or (got != got and expected != expected)


@pytest.mark.parametrize("expression, argument, expected", [
    ("math.sqrt(a)", -1.0, NAN), ("math.log(a)", 0.0, -INF), ("math.log(a)", -1, NAN), ("math.log10(a)", 0, -INF),
    ("math.log2(a)", 0.0, -INF), ("math.log1p(a)", -1.0, -INF), ("math.exp(a)", 1000.0, INF), ("math.expm1(a)", 1000.0, INF),
    ("math.sin(a)", INF, NAN), ("math.asin(a)", 2.0, NAN), ("math.acosh(a)", 0.5, NAN), ("math.atanh(a)", 1.0, INF),
    ("math.cosh(a)", 1000.0, INF), ("math.fabs(a)", -2, 2.0), ("math.gamma(a)", 5, 24.0), ("math.lgamma(a)", 1.0, 0.0),
    ("round(a)", 3, 3.0), ("round(a)", 2.5, 2.0), ("math.floor(a)", -1.5, -2), ("-a", True, -1), ("abs(a)", -3, 3)])
def test_one_number(expression, argument, expected):
    got = value(expression, a=argument)
    assert type(got) is type(expected)
    assert got == expected or (got != got and expected != expected)


@pytest.mark.parametrize("expression, arguments, kind", [
    ("a // b", (1, 0), ZeroDivisionError), ("a % b", (1, 0), ZeroDivisionError), ("a ** b", (0.0, -1.0), ZeroDivisionError),
    ("a ** b", (0, -1), ZeroDivisionError), ("divmod(a, b)", (1, 0), ZeroDivisionError),
    ("divmod(a, b)", (1.0, 0.0), ZeroDivisionError), ("a << b", (1, -1), ValueError)])
def test_what_is_an_error_in_both(expression, arguments, kind):
    a, b = arguments
    for source, given in [(f"def f(a: {type(a).__name__}, b: {type(b).__name__}):\n", arguments),
                          (f"def f():\n    a, b = {a}, {b}\n", ())]:
        with pytest.raises(kind):
            run(source + f"    return {expression}\n", *given)


# What PyTorch 2.13 gives for the same script.
def test_min_and_max_take_many_values():
    assert run("def f(a: int, b: float):\n    return max(a, 2, 3), min(b, 2.5, 0.5, 7.5), min(a, 2, 1.5)\n", 1, 9.0) == (3, 0.5, 1.0)
    assert run("def f(a: str):\n    return min(a, 'b', 'a')\n", "c") == "a"
    import tine as torch

    with pytest.raises(torch.SyntaxError, match="no form of `min` takes .int, str"):
        run("def f(a: int):\n    return min(1, a, 'x')\n", 1)


def test_a_power_of_ints_is_typed_as_a_float():
    import tine as torch

    with pytest.raises(torch.SyntaxError, match="declared to return int, but this is float"):
        torch.jit.CompilationUnit("def f(a: int) -> int:\n    return a ** 2\n")


def test_texts_stay_pythons():
    assert run("def f():\n    return str(0.1), 'naïve'[2], str(1.0)\n") == ("0.1", "ï", "1.0")


def test_an_expression_that_nobody_uses_is_not_computed():
    import tine as torch

    x = torch.zeros(3)
    for line in ("y = x[5]", "y = 1 // n", "y = 1 // 0", "x[5]", "y = x + torch.zeros(7)", "y = int(x)", "y = [1][n + 5]",
                 "y = 'a'[5]"):
        assert run(f"def f(x, n: int):\n    {line}\n    return x\n", x, 0) is x, line
    for line in ("a, b = x", "assert n > 0", "raise ValueError('x')", "x[5] = 1.0", "y = [n]\n    y[5] = 1"):
        with pytest.raises((ValueError, AssertionError, IndexError)):
            run(f"def f(x, n: int):\n    {line}\n    return x\n", x, 0)


def test_a_bool_beside_a_tensor_is_an_int():
    import tine as torch

    x, m = torch.tensor([1.5, 0.0]), torch.tensor([True, False])
    for text, dtype, expected in [("x + b", torch.float32, [2.5, 1.0]), ("b - x", torch.float32, [-0.5, 1.0]),
                                  ("m + b", torch.int64, [2, 1]), ("m == b", torch.bool, [True, False]),
                                  ("m & b", torch.int64, [1, 0]), ("x / b", torch.float32, [1.5, 0.0])]:
        got = run(f"def f(x, m, b: bool):\n    return {text}\n", x, m, True)
        assert got.dtype == dtype and got.tolist() == expected, text
