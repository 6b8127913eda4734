"""Sizes in traces: they follow the inputs, and where Python needs a number, a warning names the line."""

import math
import pickle
import random as random_module
import sys
import warnings

import pytest
import tine as torch
import traced as list_of_programs
from tine.jit import TracerWarning
from tracing import assert_same, copied, traced

PROGRAMS = list_of_programs.programs(torch)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_runs_with_sizes_that_it_was_not_traced_with(program):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = torch.jit.trace(program.fn, program.example, strict=program.strict)
    for inputs in [program.example, *program.others]:
        assert_same(made(*map(copied, inputs)), program.fn(*map(copied, inputs)))


def test_there_are_enough_programs():
    assert len(PROGRAMS) >= 60


PYTHONS_OWN = {
    "boolean of an if": ("boolean", lambda x: x + 1 if x.size(0) == 2 else x),
    "boolean of and": ("boolean", lambda x: x * (x.size(0) and 3)),
    "boolean of not": ("boolean", lambda x: x + (not x.size(0))),
    "boolean of in": ("boolean", lambda x: x + (x.size(0) in (2, 3))),
    "boolean of a chain": ("boolean", lambda x: x + (1 < x.size(0) < 4)),
    "boolean of min": ("boolean", lambda x: x * min(x.size(0), 7)),
    "boolean of equal shapes": ("boolean", lambda x: x + (x.shape == (2, 3))),
    "boolean of a rank": ("boolean", lambda x: x + 1 if x.dim() == 2 else x),
    "boolean of a tensor": ("boolean", lambda x: x if x.sum() > 0 else -x),
    "index of range": ("index", lambda x: sum((x * i for i in range(x.size(0))), x)),
    "index of a list": ("index", lambda x: x * [4, 5, 6][x.size(0)]),
    "index of a repeated list": ("index", lambda x: x * len([1] * x.size(0))),
    "integer": ("integer", lambda x: x * int(x.size(0))),
    "integer of a float": ("integer", lambda x: x * int(x.size(1) / 2)),
    "integer of a tensor": ("integer", lambda x: x * int(x.sum())),
    "integer of a format": ("integer", lambda x: x * len("%d" % x.size(0))),
    "float": ("float", lambda x: x * float(x.size(0))),
    "float of math": ("float", lambda x: x * math.sqrt(x.size(0))),
    "float of a tensor": ("float", lambda x: x * float(x.sum())),
    "number of item": ("number", lambda x: x * x.sum().item()),
    "number of a dict's key": ("number", lambda x: x * {2: 5.0}[x.size(0)]),
    "number of a hash": ("number", lambda x: x * (hash(x.shape) and 2)),
    "number of an f-string": ("number", lambda x: x * len(f"{x.size(0)} of {x.size(1):3d}")),
    "number of str": ("number", lambda x: x * len(str(x.size(0)))),
    "number of an attribute": ("number", lambda x: x * x.size(0).bit_length()),
    "number of round": ("number", lambda x: x * round(x.size(1) / 2)),
    "list of a tensor": ("list", lambda x: x * x.tolist()[0][0]),
    "number of a pickle": ("number", lambda x: x * pickle.loads(pickle.dumps(x.size(0)))),
}


@pytest.mark.parametrize("case", PYTHONS_OWN)
def test_a_number_that_python_needs_is_fixed_with_a_warning(case):
    kind, fn = PYTHONS_OWN[case]
    with pytest.warns(TracerWarning) as caught:
        made = torch.jit.trace(fn, (torch.ones(2, 3),))
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, fn.__code__.co_firstlineno)]
    assert str(caught[0].message).startswith(f"Converting a tensor to a Python {kind} might cause the trace to be incorrect")
    assert_same(made(torch.ones(2, 3)), fn(torch.ones(2, 3)))
    made(torch.ones(4, 5))  # runs all the same


@pytest.mark.parametrize("fn, text", [
    (lambda x: x + len(x), "Using len to get tensor shape might cause the trace to be incorrect"),
    (lambda x: sum(row for row in x), "Iterating over a tensor might cause the trace to be incorrect"),
    (lambda x: x * float(memoryview(x)[0, 0]), "Converting a tensor to a NumPy array might cause"),
    (lambda x: x * torch.from_dlpack(x), "Converting a tensor to a DLPack capsule might cause"),
    (lambda x: x * pickle.loads(pickle.dumps(x.t())), "Converting a tensor to a pickled object might cause"),
])
def test_what_python_takes_out_of_a_tensor_is_fixed_with_a_warning(fn, text):
    with pytest.warns(TracerWarning, match=text) as caught:
        torch.jit.trace(fn, (torch.ones(3, 3),))
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, fn.__code__.co_firstlineno)]


def test_a_line_is_warned_about_once():
    def fn(x):
        n = x.size(0)
        for _ in range(3):
            x = x + (1 if n > 1 and n < 5 else 0)
        return x

    with pytest.warns(TracerWarning) as caught:
        torch.jit.trace(fn, (torch.ones(2),))
    assert [w.lineno for w in caught] == [fn.__code__.co_firstlineno + 3]


def test_the_line_is_that_of_the_user_who_called_a_layer():
    def fn(x):
        return torch.nn.init._fans(x)[0] * x if hasattr(torch.nn.init, "_fans") else x.sum() * len(x)

    with pytest.warns(TracerWarning) as caught:
        torch.jit.trace(fn, (torch.ones(2, 3),))
    assert {w.filename for w in caught} == {__file__}


def test_the_warnings_can_be_filtered():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=TracerWarning)
        torch.jit.trace(lambda x: x * int(x.size(0)), (torch.ones(2),))
    assert caught == [] and issubclass(TracerWarning, Warning)


def test_a_size_is_an_int_to_the_program():
    seen = []

    def fn(x):
        n, half, more = x.size(0), x.size(0) / 2, x.size(0) > 1
        seen.extend([isinstance(n, int), isinstance(half, float), isinstance(half, int), isinstance(more, bool)])
        seen.extend([isinstance(x.shape, torch.Size), isinstance(x.shape, tuple), len(x.shape)])
        return x * n

    traced(fn, torch.ones(2, 3), torch.ones(5, 1))
    assert seen[:7] == [True, True, False, True, True, True, 2]


def test_arithmetic_of_sizes_is_that_of_ints():
    def fn(x):
        n = x.size(0)
        results = [n + 1, 1 + n, n - 5, 5 - n, n * 3, n / 2, 7 / n, n // 2, 7 // n, n % 3, 7 % n, n**2, 2**n, n**-1, n**0.5, -n, +n,
                   abs(-n), n & 6, n | 8, n ^ 1, n << 2, n >> 1, ~n, divmod(n, 3)[0], divmod(n, 3)[1], round(n), math.floor(n / 2),
                   math.ceil(n / 3), math.trunc(n / 3), n == 2, n != 2, n < 3, n <= 2, n > 3, n >= 4, (n > 1) + 1, True + n, n.real]
        return tuple(results)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = torch.jit.trace(fn, (torch.ones(2),))
    for size in (2, 3, 9):
        for given, expected in zip(made(torch.ones(size)), fn(torch.ones(size))):
            assert type(given.item()) is type(expected) and abs(given.item() - expected) < 1e-6


def random_number(random, sizes, depth):
    """An expression of sizes as text: small, never divided by zero, and its floats are exact (sums of quarters, say), so that
    a rounding cannot turn a comparison."""
    if depth == 0 or random.random() < 0.1:
        return random.choice([*sizes, *sizes, str(random.randint(1, 5)), str(random.randint(1, 8) / 4)])
    a, b = (random_number(random, sizes, depth - 1) for _ in range(2))
    kind = random.choice(["+", "-", "*", "/", "//", "%", "neg", "abs", "compare", "floor", "power"])
    if kind in "+-*":
        return f"({a} {kind} {b}) % 97"
    if kind == "/":
        return f"({a} / {random.choice([2, 4])})"
    if kind in ("//", "%"):
        return f"({a} {kind} (abs({b}) + 1))"
    return {"neg": f"(-{a})", "abs": f"abs({a})", "floor": f"math.floor({a})", "power": f"abs({a} % 7) ** 2",
            "compare": f"(({a} {random.choice(['<', '<=', '>', '>=', '==', '!='])} {b}) + 1)"}[kind]


@pytest.mark.parametrize("seed", range(8))
def test_random_arithmetic_of_sizes_follows_the_inputs(seed):
    random = random_module.Random(seed)
    sizes = ["x.size(0)", "x.shape[1]", "x.numel()", "y.size(-1)", "x.dim()", "n"]
    for _ in range(25):
        texts = [random_number(random, sizes, random.randint(1, 4)) for _ in range(3)]
        source = f"def fn(x, y):\n    n = x.shape[0] + y.shape[0]\n    return ({', '.join(texts)},)\n"
        space = {"math": math}
        exec(source, space)
        fn = space["fn"]

        def as_tensors(x, y):
            return tuple(torch.tensor(part) if not part_is_size(part) else part for part in fn(x, y))

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made = torch.jit.trace(as_tensors, (torch.ones(2, 3), torch.ones(4)))
        for shapes in (((2, 3), (4,)), ((5, 1), (7,)), ((1, 8), (1,))):
            x, y = map(torch.ones, shapes)
            for given, expected in zip(made(x, y), fn(x, y)):
                assert math.isclose(given.item(), expected, rel_tol=1e-5, abs_tol=1e-6), source


def part_is_size(part):
    return type(part) not in (int, float, bool)


def test_dividing_by_a_size_of_zero_is_pythons_error():
    for fn in (lambda x: x / (1 / (x.size(0) - 2)), lambda x: x * (x.size(0) // (x.size(0) - 2)), lambda x: x * (5 % (x.size(0) - 2))):
        with pytest.raises(ZeroDivisionError):
            torch.jit.trace(fn, (torch.ones(2),))


def test_what_is_no_number_is_refused_as_by_an_int():
    for fn in (lambda x: x.size(0) + "a", lambda x: x.size(0) < None, lambda x: [1, 2][x.size(0) / 2]):
        with pytest.raises(TypeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.trace(fn, (torch.ones(2),))


def test_a_size_that_outlives_its_trace_is_a_plain_number():
    kept = []

    def fn(x):
        kept.append(x.size(0))
        return x * 1

    torch.jit.trace(fn, (torch.ones(3),))
    n = kept[0]
    assert type(n + 1) is int and list(range(n)) == [0, 1, 2] and f"{n}" == "3" and {n: 1}[3] == 1 and n == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = torch.jit.trace(lambda x: x * n if n > 2 else x, (torch.ones(2),))
    assert torch.equal(made(torch.ones(5)), torch.ones(5) * 3)


def test_sizes_outside_of_a_trace_are_plain_ints():
    x = torch.ones(2, 3)
    for n in (x.size(0), x.shape[0], x.numel(), x.dim(), x.stride(0), x.nbytes):
        assert type(n) is int


def test_sizes_of_tensors_from_outside_are_plain_ints():
    weight = torch.ones(4)
    seen = []

    def fn(x):
        seen.append(type(weight.size(0)))
        return x * weight.size(0)

    traced(fn, torch.ones(2), torch.ones(5))
    assert seen[0] is int


def test_sizes_of_parameters_follow_the_module():
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x / self.weight.size(0)

    traced(Scale(), torch.ones(2), torch.ones(5))


def test_strides_follow_the_inputs():
    traced(lambda x: x + x.stride(0) * 10 + x.stride()[1], torch.ones(2, 3), torch.ones(4, 7))


def test_views_that_no_operator_makes_are_followed():
    import copy

    traced(lambda x: x.data * 2 + x[:] + x[...] + copy.copy(x) + torch.Tensor(x), torch.ones(2), torch.randn(5))


def test_a_trace_with_sizes_is_called_from_a_script_and_forked():
    inner = torch.jit.trace(lambda x: x.view(x.size(0), -1).sum(0) / x.shape[0], (torch.ones(2, 3, 4),))

    @torch.jit.script
    def outer(x: torch.Tensor) -> torch.Tensor:
        return torch.jit.wait(torch.jit.fork(inner, x)) + inner(x)

    x = torch.randn(5, 2, 3)
    assert torch.allclose(outer(x), x.view(5, -1).sum(0) / 5 * 2)


def test_unused_sizes_leave_nothing_behind_that_could_fail():
    def fn(x):
        b, c = x.shape
        x.size(1)
        return x.sum()

    made = torch.jit.trace(fn, (torch.ones(2, 3),))
    assert made(torch.ones(4)).item() == 4.0


def test_the_graph_says_sizes_as_operators():
    made = torch.jit.trace(lambda x: x.view(x.size(0), -1), (torch.ones(2, 3),))
    assert [kind for kind in made.graph.kinds() if kind.startswith("aten::")] == ["aten::size", "aten::view"]


def test_a_deep_computation_of_sizes_keeps_its_trace_small():
    def fn(x):
        n = x.size(0)
        for _ in range(200):
            n = n + 1
        return x * n

    made = traced(fn, torch.ones(2), torch.ones(5))
    assert made.graph.kinds().count("aten::add") == 200 and sys.getsizeof(str(made.graph)) < 100_000
