"""Subscripts of Tensors: eager, in scripts and in NumPy the same, reading and writing.

Where PyTorch differs from NumPy its rule counts: numbers, slices, None and Ellipsis make a view first, and Tensors, lists
and bools index that view; slices go forwards only.
"""
import random
import time

import pytest

np = pytest.importorskip("numpy")

SECONDS = 8.0  # for all that the generator makes
SEED = 2026

DTYPES = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "uint8": np.uint8, "bool": np.bool_}


class Refused(Exception):
    """What PyTorch refuses and NumPy does not."""


# ---- the generator


class Program:
    """One subscript of one Tensor: its text, what it names, and its indices for NumPy."""

    def __init__(self, rng):
        self.rng = rng
        self.params = {}  # name -> (annotation, value)
        self.texts = []
        self.items = []  # for NumPy
        rank = rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 3, 4])
        self.shape = tuple(rng.choice([0, 1, 2, 3, 3, 4]) for _ in range(rank))
        dtype = DTYPES[rng.choice(list(DTYPES))]
        self.x = np.arange(int(np.prod(self.shape)), dtype=np.int64).reshape(self.shape).astype(dtype)
        if rank >= 2 and rng.random() < 0.3:
            self.x = self.x.swapaxes(0, rng.randrange(1, rank))
            self.shape = self.x.shape
        self.common = tuple(rng.choice([0, 1, 2, 3]) for _ in range(rng.choice([1, 1, 2])))
        self._indices()
        self.comma = len(self.texts) == 1 and rng.random() < 0.1

    def _param(self, annotation, value):
        name = f"p{len(self.params)}"
        self.params[name] = (annotation, value)
        return name

    def _number(self, value):
        return str(value) if self.rng.random() < 0.5 else self._param("int", value)

    def _bound(self, value):
        return self._number(value) if self.rng.random() < 0.9 else self._param("Tensor", np.array(value))

    def _add(self, text, item):
        self.texts.append(text)
        self.items.append(item)

    def _indices(self):
        rng = self.rng
        rank = len(self.shape)
        used = rng.randint(0, rank) if rng.random() < 0.97 else rank + 1
        before = rng.randint(0, used)
        dots = rng.random() < 0.35
        sizes = list(self.shape) + [2]
        left, right = sizes[:before], sizes[rank - (used - before):rank] if used <= rank else sizes[before:used]
        if not dots:
            left, right = sizes[:used], []
        self._run(left)
        if dots:
            self._add("...", Ellipsis)
            self._run(right)
        if not self.texts:
            self._add("...", Ellipsis)
        if rng.random() < 0.01:
            self._add("...", Ellipsis)

    def _run(self, sizes):
        rng = self.rng
        while True:
            while rng.random() < 0.12:
                self._add("None", None)
            while rng.random() < 0.05:
                self._bool()
            if not sizes:
                return
            kind = rng.choice(["int", "int", "int_tensor", "slice", "slice", "whole", "tensor", "tensor", "mask", "list"])
            getattr(self, "_" + kind)(sizes)

    def _place(self, size):
        if self.rng.random() < 0.01 or size == 0:
            return self.rng.choice([size, -size - 1])
        return self.rng.randrange(-size, size)

    def _int(self, sizes):
        i = self._place(sizes.pop(0))
        self._add(self._number(i), i)

    def _int_tensor(self, sizes):
        i = self._place(sizes.pop(0))
        self._add(self._param("Tensor", np.array(i)), i)

    def _whole(self, sizes):
        sizes.pop(0)
        self._add(":", slice(None))

    def _slice(self, sizes):
        sizes.pop(0)
        bounds = [self.rng.choice([None, self.rng.randint(-6, 6)]) for _ in range(2)]
        step = self.rng.choice([None, None, 1, 2, 3, 7]) if self.rng.random() < 0.97 else self.rng.choice([0, -1])
        text = ":".join("" if b is None else self._bound(b) for b in bounds)
        if step is not None:
            text += ":" + self._bound(step)
        self._add(text, slice(*bounds, step))

    def _bool(self):
        value = self.rng.random() < 0.7
        how = self.rng.choice(["literal", "param", "bool", "uint8"])
        if how == "literal":
            text = str(value)
        elif how == "param":
            text = self._param("bool", value)
        else:
            text = self._param("Tensor", np.array(value).astype(DTYPES[how]))
        self._add(text, value)

    def _tensor(self, sizes):
        rng = self.rng
        size = sizes.pop(0)
        shape = [1 if rng.random() < 0.2 else n for n in self.common][rng.choice([0, 0, 0, 1]):]
        if rng.random() < 0.02:
            shape = [rng.randint(0, 4)]
        places = np.array([self._place(size) for _ in range(int(np.prod(shape)))], dtype=np.int64).reshape(shape)
        self._add(self._param("Tensor", places), places if shape else int(places))

    def _mask(self, sizes):
        rng = self.rng
        dims = rng.randint(1, min(2, len(sizes)))
        shape = [sizes.pop(0) for _ in range(dims)]
        if rng.random() < 0.02:
            shape[-1] += 1
        mask = np.array([rng.random() < 0.5 for _ in range(int(np.prod(shape)))], dtype=np.bool_).reshape(shape)
        given = mask if rng.random() < 0.8 else mask.astype(np.uint8)
        self._add(self._param("Tensor", given), mask)

    def _list(self, sizes):
        rng = self.rng
        size = sizes.pop(0)
        if rng.random() < 0.3 and size:
            value = [rng.random() < 0.5 for _ in range(size)]
            self._add(repr(value), np.array(value))
            return
        value = [self._place(size) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.2:
            value = [value, value]
        self._add(repr(value), np.array(value))

    @property
    def subscript(self):
        return ", ".join(self.texts) + ("," if self.comma else "")

    def function(self, body, *more):
        names = [f"{n}: {a}" for n, (a, _) in self.params.items()] + list(more)
        return f"def f({', '.join(['x: Tensor'] + names)}) -> Tensor:\n" + body

    def arguments(self, torch):
        return [torch.from_numpy(v.copy()) if a == "Tensor" else v for a, v in self.params.values()]


# ---- NumPy's answer by PyTorch's rule


def dims_of(item):
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype == np.bool_ else 1


def parts(rank, items):
    """The indices of the view, and those that index it."""
    if sum(item is Ellipsis for item in items) == 1:
        # Written out: NumPy takes an Ellipsis for no dimensions for something between Tensors.
        at = next(i for i, item in enumerate(items) if item is Ellipsis)
        items = items[:at] + [slice(None)] * (rank - sum(map(dims_of, items))) + items[at + 1:]
    view, advanced = [], []
    for item in items:
        if isinstance(item, bool):
            view.append(None)
            advanced.append(np.zeros(1 if item else 0, dtype=np.int64))
        elif isinstance(item, np.ndarray):
            view += [slice(None)] * dims_of(item)
            advanced.append(item)
        else:
            if isinstance(item, slice) and item.step is not None and item.step < 0:
                raise Refused("slices go forwards")
            view.append(item)
            if item is None or isinstance(item, slice):
                advanced.append(slice(None))
    return tuple(view), advanced


def indexed(x, items):
    """A view, and the indices into it."""
    view, advanced = parts(x.ndim, items)
    x = x[(*view, ...)]
    arrays = [a for a in advanced if isinstance(a, np.ndarray)]
    if not arrays:
        return x, ...
    # Of an empty result the places are not looked at, but a dimension of size 0 has none.
    at = 0
    shape = np.broadcast_shapes(*(a.nonzero()[0].shape if a.dtype == np.bool_ else a.shape for a in arrays))
    sizes = []
    for a in advanced:
        sizes.append(x.shape[at])
        at += max(1, dims_of(a))
    rest = [n for n, a in zip(sizes, advanced) if not isinstance(a, np.ndarray)] + list(x.shape[at:])
    for n, a in zip(sizes, advanced):
        if isinstance(a, np.ndarray) and a.dtype != np.bool_ and n == 0 and 0 not in shape:
            raise Refused("nothing to index")
    if 0 in rest or 0 in shape:
        advanced = [np.zeros_like(a) if isinstance(a, np.ndarray) and a.dtype != np.bool_ else a for a in advanced]
    return x, tuple(advanced)


def read(x, items):
    view, index = indexed(x, items)
    return view[index]


def write(x, items, value):
    target, index = indexed(x, items)
    while isinstance(value, np.ndarray) and value.ndim and value.shape[0] == 1:
        value = value[0]
    target[index] = value


def value_for(program, shape):
    """Something to write: a number, or a Tensor that is broadcast."""
    rng = program.rng
    dtype = program.x.dtype
    if rng.random() < 0.3:
        return rng.choice([0, 1, 7]) if rng.random() < 0.7 else 2.5 if dtype.kind == "f" else 1
    sizes = [1 if rng.random() < 0.2 else n for n in shape]
    sizes = sizes[rng.randint(0, len(sizes)):] if rng.random() < 0.3 else sizes
    if rng.random() < 0.1:
        sizes = [1] + sizes
    if rng.random() < 0.03:
        sizes = sizes + [5]
    return np.arange(100, 100 + int(np.prod(sizes))).astype(dtype).reshape(sizes)


# ---- running


def outcome(run):
    """The values and whether it went well; the error's kind does not matter, its text does for reading a failure."""
    try:
        result = run()
    except Exception as error:  # noqa: BLE001: whatever it is, the others must fail, too
        return "error", f"{type(error).__name__}: {error}"
    if isinstance(result, np.ndarray) or np.isscalar(result):
        array = np.asarray(result)
        return tuple(array.shape), array.tolist()
    return tuple(result.shape), result.tolist()


def same(a, b):
    return a[0] == b[0] and (a[0] == "error" or a == b)


def programs(seconds):
    rng = random.Random(SEED)
    end = time.monotonic() + seconds
    made = 0
    while made < 200 or time.monotonic() < end:
        made += 1
        yield Program(rng)


def check(torch, program, source, expected, *more):
    """Runs the function eagerly and scripted, each on its own copy of x."""

    def arguments():
        given = [torch.from_numpy(v) if isinstance(v, np.ndarray) else v for v in more]
        return [torch.from_numpy(program.x.copy(order="K")), *program.arguments(torch), *given]

    names = {}
    exec(source, {"torch": torch, "Tensor": torch.Tensor}, names)
    eager = outcome(lambda: names["f"](*arguments()))
    script = outcome(lambda: torch.jit.CompilationUnit(source).f(*arguments()))
    told = f"\n{source}x = {program.x!r} of {program.x.dtype}, strides {program.x.strides}\n" + "\n".join(
        f"{n} = {v!r}" for n, (_, v) in program.params.items())
    if more:
        told += f"\nv = {more[0]!r}"
    assert same(eager, expected), f"{told}\neager: {eager}\nNumPy: {expected}"
    assert same(script, expected), f"{told}\nscript: {script}\nNumPy: {expected}"


def reads(torch, seconds):
    for program in programs(seconds):
        expected = outcome(lambda: read(program.x, program.items))
        source = program.function(f"    return x[{program.subscript}]\n")
        check(torch, program, source, expected)


def writes(torch, seconds):
    for program in programs(seconds):
        rng = program.rng
        shape = program.shape
        try:
            shape = read(program.x, program.items).shape
        except (IndexError, ValueError, Refused):
            pass
        value = value_for(program, shape)
        if isinstance(value, np.ndarray) and hit_twice(program):
            value = np.full_like(value, 7)  # which of several writes stays is nobody's promise
        operator = rng.choice(["", "", "+", "-", "*"])
        if program.x.dtype == np.bool_ and operator == "-":
            operator = ""

        def answer(program=program, value=value, operator=operator):
            x = program.x.copy(order="K")
            if not operator:
                write(x, program.items, value)
                return x
            item = read(x, program.items)
            if not isinstance(value, np.ndarray) and x.dtype == np.bool_:
                raise Refused("an int does not fit bool")
            result = {"+": np.add, "-": np.subtract, "*": np.multiply}[operator](item, value)
            if result.shape != item.shape:
                raise Refused("in place")
            write(x, program.items, result.astype(x.dtype))
            return x

        annotation = "Tensor" if isinstance(value, np.ndarray) else type(value).__name__
        source = program.function(f"    x[{program.subscript}] {operator}= v\n    return x\n", f"v: {annotation}")
        check(torch, program, source, outcome(answer), value)


def hit_twice(program):
    try:
        places = read(np.arange(program.x.size).reshape(program.x.shape), program.items)
    except (IndexError, ValueError, Refused):
        return False
    return np.unique(places).size != places.size


def test_each_subscript_reads_the_same_eagerly_in_a_script_and_in_numpy():
    import tine as torch

    reads(torch, SECONDS / 2)


def test_each_subscript_writes_the_same_eagerly_in_a_script_and_in_numpy():
    import tine as torch

    writes(torch, SECONDS / 2)


# ---- single rules


def scripted(torch, text):
    return torch.jit.CompilationUnit(text).f


def test_ints_slices_none_and_ellipsis_give_views_and_tensors_copies():
    import tine as torch

    i = torch.tensor([0, 1])
    m = torch.tensor([True, False])
    for index, is_view in [("0", True), ("1:", True), ("0, 1:, None", True), ("..., 0", True), (":", True), ("...", True),
                           ("i", False), ("0, i", False), ("m", False), ("True", False), ("[0, 1]", False)]:
        f = scripted(torch, f"def f(x, i, m):\n    return x[{index}]\n")
        for read in (f, eval(f"lambda x, i, m: x[{index}]")):
            x = torch.zeros(2, 3, 4)
            y = read(x, i, m)
            assert y is not x
            x.fill_(1.0)
            assert bool((y == 1).all()) == is_view, index


def test_an_augmented_subscript_evaluates_object_and_indices_once():
    import tine as torch

    counted = """
from typing import List
def place(calls: List[int], i):
    calls.append(1)
    return i
def f(x, i, calls: List[int]):
    x[place(calls, i)] {}= 2
    return x
"""
    for op, expected in [("+", [3.0, 5.0]), ("-", [-1.0, 1.0]), ("*", [2.0, 6.0]), ("/", [0.5, 1.5]), ("//", [0.0, 1.0]),
                         ("%", [1.0, 1.0]), ("**", [1.0, 9.0])]:
        for i in (torch.tensor([0, 1]), torch.tensor([True, True]), torch.tensor([-1, 0])):
            f = scripted(torch, counted.format(op))
            assert f(torch.tensor([1.0, 3.0]), i, []).tolist() == expected, op
        counts = scripted(torch, counted.format(op).replace("return x", "return calls"))
        assert counts(torch.tensor([1.0, 3.0]), torch.tensor([0]), []) == [1], op


def test_the_bits_of_a_subscript_change():
    import tine as torch

    for op, expected in [("&", [4, 4]), ("|", [13, 15]), ("^", [9, 11])]:
        f = scripted(torch, f"def f(x, i):\n    x[i] {op}= 12\n    return x\n")
        assert f(torch.tensor([5, 7]), torch.tensor([0, 1])).tolist() == expected, op


def test_a_matrix_product_into_a_subscript():
    import tine as torch

    f = scripted(torch, "def f(x, i, m):\n    x[i] @= m\n    return x\n")
    x = f(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1]), torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert x.tolist() == [[1.0, 2.0], [4.0, 3.0]]


def test_a_buffer_of_a_module_is_written_by_a_tensor_index():
    import tine as torch

    class Counts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(3))

        def forward(self, i):
            self.seen[i] = 1.0
            self.seen[i] += 1.0
            self.seen[self.seen == 0] = -1.0
            return self.seen

    assert torch.jit.script(Counts())(torch.tensor([0, 2])).tolist() == [2.0, -1.0, 2.0]


def test_one_bool_adds_a_dimension():
    import tine as torch

    x = torch.zeros(2, 3, 4)
    i = torch.tensor([0, 1, 1])
    for text, shape in [("x[False]", (0, 2, 3, 4)), ("x[True]", (1, 2, 3, 4)), ("x[True, i]", (3, 3, 4)),
                        ("x[:, True]", (2, 1, 3, 4)), ("x[None, False, 0]", (1, 0, 3, 4))]:
        assert tuple(eval(text).shape) == shape, text
        assert tuple(scripted(torch, f"def f(x, i):\n    return {text}\n")(x, i).shape) == shape, text


def test_a_tuple_in_a_variable_is_several_indices():
    import tine as torch

    f = scripted(torch, "def f(x):\n    t = (0, 1)\n    return x[t]\n")
    assert f(torch.tensor([[1.0, 2.0]])).item() == 2.0


def test_sequences_and_arrays_index_an_eager_tensor():
    import tine as torch

    x = torch.arange(6).view(2, 3)
    assert x[:, np.array([2, 0])].tolist() == [[2, 0], [5, 3]]
    assert x[range(1, 2)].tolist() == [[3, 4, 5]]
    assert x[np.array([False, True])].tolist() == [[3, 4, 5]]
    assert x[np.int64(1), np.array(2)].item() == 5
    assert x[[[0, 1], [1, 0]]].shape == (2, 2, 3)  # a list is one index, as in NumPy


@pytest.mark.parametrize("text, kind, words", [
    ("x[2]", IndexError, "out of "), ("x[0, 0, 0]", IndexError, "dim"), ("x[..., 0, ...]", IndexError, "single ellipsis"),
    ("x[torch.tensor([0.5])]", IndexError, "int64 or bool"), ("x[torch.tensor([True])]", IndexError, "shape of the mask"),
    ("x[::0]", ValueError, "step must be positive"), ("x[torch.tensor([0, 1]), torch.tensor([0, 1, 2])]", IndexError, "broadcast")])
def test_what_no_subscript_can_be_is_refused_alike(text, kind, words):
    import tine as torch

    x = torch.zeros(2, 3)
    for run in (lambda: eval(text, {"x": x, "torch": torch}), lambda: scripted(torch, f"def f(x):\n    return {text}\n")(x)):
        with pytest.raises(kind, match=words):
            run()


def test_a_number_of_names_unpacks_as_many_rows_only():
    import tine as torch

    f = scripted(torch, "def f(x):\n    a, b = x\n    return a + b\n")
    assert f(torch.tensor([1.0, 2.0])).item() == 3.0
    unused = scripted(torch, "def f(x):\n    a, b = x\n    return x\n")
    for g in (f, unused):
        with pytest.raises(ValueError, match=r"not enough values to unpack \(expected 2, got 1 "):
            g(torch.tensor([1.0]))
        with pytest.raises(ValueError, match=r"too many values to unpack \(expected 2, got 3 "):
            g(torch.zeros(3, 4))
        with pytest.raises(TypeError, match="0-d"):
            g(torch.tensor(1.0))
    with pytest.raises(ValueError, match="expected 2"):
        a, b = torch.zeros(3)


def test_a_traced_subscript_reads_and_writes_by_tensors():
    import tine as torch

    def f(x):
        y = x.clone()
        y[x > 2] = 0.0
        y[torch.tensor([0])] += 10.0
        y[[1], 1:] = -1.0
        return y[x.sum(1) > 0], y[torch.tensor([1, 0])], y[None, ..., 0]

    traced = torch.jit.trace(f, (torch.tensor([[1.0, 2.0], [3.0, 4.0]]),))
    x = torch.tensor([[3.0, 1.0, 5.0], [-9.0, 2.0, 1.0], [0.0, 0.0, 7.0]])
    for a, b in zip(traced(x), f(x)):
        assert a.tolist() == b.tolist()
    put = torch.jit.trace(lambda x, i: x.clone().index_put_((i,), torch.tensor(5.0)), (torch.zeros(2), torch.tensor([0])))
    assert put(torch.zeros(3), torch.tensor([2, 0])).tolist() == [5.0, 0.0, 5.0]


def test_a_trace_keeps_the_tensors_that_a_slice_is_bounded_by():
    import tine as torch

    traced = torch.jit.trace(lambda x, n: (x[:n], x[n], x[:, n:], x[n:][0]), (torch.zeros(3, 3), torch.tensor(1)))
    x = torch.arange(9.0).view(3, 3)
    got = traced(x, torch.tensor(2))
    for a, b in zip(got, (x[:2], x[2], x[:, 2:], x[2:][0])):
        assert torch.equal(a, b)


def test_a_bool_is_stored_through_every_kind_of_subscript():
    import tine as torch

    for index in ("0", "-1, 0", "1:", "0, 1:", "m", "[0, 1]", "True", "...", "None, 0"):
        for how in ("", "[0]"):
            f = scripted(torch, f"def f(x, m, v: bool):\n    x[{index}]{how} = v\n    return x\n")
            for dtype in (torch.bool, torch.float32, torch.int64, torch.uint8):
                m = torch.tensor([True, False])
                x, y = torch.zeros(2, 3, 2, dtype=dtype), torch.zeros(2, 3, 2, dtype=dtype)
                exec(f"y[{index}]{how} = True", {"y": y, "m": m})
                assert f(x, m, True).tolist() == y.tolist(), (index, how, dtype)
