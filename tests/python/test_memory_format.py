"""Elementwise results lie in memory as PyTorch lays them out: as their inputs."""
import itertools

import pytest

import tine as torch


def strides(t):
    """Of the dimensions that have more than one place."""
    return tuple(s for s, n in zip(t.stride(), t.shape) if n > 1)


def permuted(sizes, order, step=1):
    """Dense, and in that order in memory; or with gaps."""
    t = torch.rand(*[sizes[d] for d in order], step)[..., 0]
    return t.permute(*[order.index(d) for d in range(len(sizes))])


ONE = ["-x", "x + 1", "1 - x", "x * x", "x < 0.5", "x == x", "x.exp()", "x.sigmoid()", "x ** 2", "x.clamp(0, 1)", "torch.relu(x)",
       "x.to(torch.float64)", "x.bool()", "x.long()", "x.clone()", "torch.where(x > 0.5, x, 1.0)", "torch.zeros_like(x)",
       "torch.ones_like(x)", "torch.full_like(x, 2.0)", "torch.empty_like(x)", "torch.rand_like(x)", "torch.randn_like(x)",
       "torch.isnan(x)", "x.double() + x", "torch.addcmul(x, x, x)", "torch.maximum(x, x)"]


def both(expression):
    return [eval(f"lambda x: {expression}", {"torch": torch}),
            torch.jit.CompilationUnit(f"def f(x):\n    return {expression}\n").f]


@pytest.mark.parametrize("expression", ONE)
def test_a_dense_input_gives_its_strides(expression):
    for run in both(expression):
        for sizes in ((3, 4), (2, 3, 4), (2, 3, 4, 5)):
            for order in itertools.permutations(range(len(sizes))):
                x = permuted(sizes, order)
                got = run(x)
                assert got.stride() == x.stride() and tuple(got.shape) == sizes, order


@pytest.mark.parametrize("expression", ["-x", "x + 1", "x < x", "x.clone()", "x.double()", "torch.zeros_like(x)"])
def test_an_input_with_gaps_gives_the_order_of_its_dimensions(expression):
    for run in both(expression):
        for order in itertools.permutations(range(3)):
            x = permuted((2, 3, 4), order, step=2)
            assert run(x).stride() == permuted((2, 3, 4), order).stride(), order
        assert run(torch.rand(1, 3).t().expand(3, 4)).stride() == (4, 1)  # repeated: nothing to keep


# What PyTorch 2.13 says.
@pytest.mark.parametrize("x, y, expected", [
    (lambda: permuted((4, 2, 3), (1, 2, 0)), lambda: torch.rand(4, 2, 3), (1, 12, 4)),  # the first operand decides
    (lambda: torch.rand(4, 2, 3), lambda: permuted((4, 2, 3), (1, 2, 0)), (6, 3, 1)),
    (lambda: torch.rand(3, 4).t(), lambda: torch.rand(3), (1, 4)), (lambda: torch.rand(3), lambda: torch.rand(3, 4).t(), (1, 4)),
    (lambda: torch.rand(4, 1), lambda: torch.rand(3, 4).t(), (1, 4)), (lambda: torch.rand(1, 3), lambda: torch.rand(4, 1), (3, 1)),
    (lambda: torch.rand(2, 1, 4).permute(2, 1, 0), lambda: torch.rand(1), (1, 4))])
def test_operands_that_are_broadcast_decide_in_turn(x, y, expected):
    for f in ("x + y", "x * y", "x < y", "torch.maximum(x, y)", "torch.add(x, y, alpha=2)"):
        scripted = torch.jit.CompilationUnit(f"def f(x, y):\n    return {f}\n").f
        a, b = x(), y()
        for got in (eval(f, {"torch": torch, "x": a, "y": b}), scripted(a, b)):
            assert strides(got) == expected, f
            assert torch.equal(got, eval(f, {"torch": torch, "x": a.contiguous(), "y": b.contiguous()}))


def test_the_issue_s_example():
    x = torch.rand(3, 4)
    assert (x.t().contiguous().t() + 1).is_contiguous() is False
    assert (x.t() + 1).is_contiguous() is False and (x.t() + 1).t().is_contiguous()


@pytest.mark.parametrize("expression", ["x.contiguous()", "x.reshape(-1)", "x.masked_fill(x > 0.5, 0.0)", "2 ** x", "torch.softmax(x, -1)",
                                        "torch.cat([x, x])", "torch.stack([x, x])", "x.sum(0)", "torch.tensor(x.tolist())"])
def test_these_are_contiguous_whatever_their_input(expression):
    for run in both(expression) if "tolist" not in expression else both(expression)[:1]:
        assert run(permuted((2, 3, 4), (2, 0, 1))).is_contiguous()


def test_values_do_not_depend_on_the_layout():
    for order in itertools.permutations(range(3)):
        x = permuted((2, 3, 4), order)
        y = permuted((2, 3, 4), order[::-1])
        flat, other = x.contiguous(), y.contiguous()
        for f in ("x + y", "x - 2", "x.exp()", "x.clone()", "x.double()", "torch.where(x < y, x, y)", "x.clone().mul_(y)",
                  "x.clone().copy_(y)", "x.clone().fill_(3.0)", "x.clone().neg_()", "x @ y.transpose(1, 2)", "x.reshape(6, 4)"):
            assert torch.equal(eval(f, {"torch": torch, "x": x, "y": y}), eval(f, {"torch": torch, "x": flat, "y": other})), (f, order)
            assert not f.startswith("x.clone()") or torch.equal(x, flat)


@pytest.mark.parametrize("a, b, words", [
    ((3, 4), (4, 3), r"a \(4\) must match the size of tensor b \(3\) at non-singleton dimension 1"),
    ((2, 3, 4), (5, 4), r"a \(3\) must match the size of tensor b \(5\) at non-singleton dimension 1"),
    ((3,), (2, 3, 4), r"a \(3\) must match the size of tensor b \(4\) at non-singleton dimension 2")])
def test_a_size_mismatch_names_the_last_dimension_that_differs(a, b, words):
    x, y = torch.rand(*a), torch.rand(*b)
    for run in (lambda: x + y, lambda: x < y, lambda: torch.where(x > 0, x, y),
                lambda: torch.jit.CompilationUnit("def f(x, y):\n    return x * y\n").f(x, y)):
        with pytest.raises(RuntimeError, match=words):
            run()
    with pytest.raises(RuntimeError, match=r"expanded size of the tensor \(5\).*existing size \(3\) at non-singleton dimension 1"):
        torch.rand(2, 3).expand(4, 5)


def test_nonzero():
    for values, places in [([[1, 0], [0, 2]], [[0, 0], [1, 1]]), ([0.0, -1.5, float("nan")], [[1], [2]]), ([True, False], [[0]]),
                           ([[0, 0]], [])]:
        x = torch.tensor(values)
        got = torch.nonzero(x)
        assert got.tolist() == places and tuple(got.shape) == (len(places), x.dim()) and got.dtype == torch.int64
        assert x.nonzero().tolist() == places and torch.nonzero(x, as_tuple=False).tolist() == places
        columns = x.nonzero(as_tuple=True)
        assert isinstance(columns, tuple) and [c.tolist() for c in columns] == [[p[d] for p in places] for d in range(x.dim())]
        assert x[columns].tolist() == [v for v in x.flatten().tolist() if v != 0] or x.dtype == torch.float32
        assert torch.jit.CompilationUnit("def f(x):\n    return torch.nonzero(x), x.nonzero()\n").f(x)[1].tolist() == places
    assert tuple(torch.tensor(5).nonzero().shape) == (1, 0) and tuple(torch.tensor(0).nonzero().shape) == (0, 0)
    assert [c.tolist() for c in torch.tensor(5).nonzero(as_tuple=True)] == [[0]]
    assert [tuple(c.shape) for c in torch.zeros(0, 3).nonzero(as_tuple=True)] == [(0,), (0,)]
    assert torch.zeros(2, 3).t().nonzero().shape == (0, 2)
    assert torch.tensor([[0, 1], [0, 1]]).t().nonzero().tolist() == [[1, 0], [1, 1]]
    with pytest.raises(TypeError, match="as_tuple"):
        torch.nonzero(torch.zeros(1), as_tuple=1)
    with pytest.raises(torch.SyntaxError, match="it has no argument `as_tuple`"):
        torch.jit.CompilationUnit("def f(x):\n    return torch.nonzero(x, as_tuple=True)\n")
