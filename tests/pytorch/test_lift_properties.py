"""Whatever is made of tensors and arrays arrives as what was sent: values, dtypes, strides, sharing, identity, gradients."""
import lift_callees as there
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lift_world import world

import tine
from tine.distributed import rpc

settings.register_profile("lift", max_examples=150, deadline=None, database=None)

DTYPES = [
    torch.uint8, torch.bool, torch.int16, torch.uint16, torch.bfloat16, torch.float16, torch.float8_e5m2, torch.float32,
    torch.int32, torch.float64, torch.int64, torch.uint64, torch.complex32, torch.complex64, torch.complex128,
]  # fmt: skip
ARRAYS = ["?", "i1", "<u2", ">i4", "<f4", "f8", "c16", "M8[s]", "S3", [("a", "i4"), ("b", "f8")]]


@pytest.fixture(scope="module", autouse=True)
def callee():
    with world():
        yield


@st.composite
def views(draw, storages):
    """A tensor anywhere on one of the storages."""
    storage = draw(st.sampled_from(storages))
    dtype = draw(st.sampled_from(DTYPES))
    capacity = storage.nbytes() // dtype.itemsize
    offset = draw(st.integers(0, capacity - 1))
    sizes, strides, last = [], [], offset
    for _ in range(draw(st.integers(0, 4))):
        size = draw(st.sampled_from([0, 1, 1, 2, 3, 5]))
        stride = draw(st.integers(0, 7) | st.integers(0, capacity))
        if size > 1 and last + (size - 1) * stride >= capacity:
            stride = draw(st.integers(0, (capacity - 1 - last) // (size - 1)))
        last += max(size - 1, 0) * stride
        sizes.append(size)
        strides.append(stride)
    x = torch.empty(0, dtype=dtype).set_(storage, offset, sizes, strides)
    if dtype.is_complex and draw(st.booleans()):
        x = x.conj()
    elif (dtype.is_floating_point or dtype.is_complex) and draw(st.booleans()):
        x.requires_grad_()
    return x


@st.composite
def tensors(draw):
    storages = []
    for i, n in enumerate(draw(st.lists(st.sampled_from([16, 48, 500, 3000, 30_000]), min_size=1, max_size=3))):
        bits = np.random.default_rng(i).integers(0, 2, n, np.uint8)  # for a bool is 0 or 1
        storages.append(torch.from_numpy(bits).clone().untyped_storage())
    return draw(st.lists(views(storages), min_size=1, max_size=6))


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(ARRAYS)))
    shape = tuple(draw(st.lists(st.sampled_from([0, 1, 2, 7, 30]), max_size=3)))
    raw = np.random.default_rng(5).integers(0, 2, int(np.prod(shape)) * dtype.itemsize, np.uint8)
    array = np.ndarray(shape, dtype, raw.tobytes() or b"\0" * dtype.itemsize).copy(order=draw(st.sampled_from("CF")))
    if draw(st.booleans()) and array.ndim:
        array = array[:: draw(st.sampled_from([1, 2, -1]))].T
    if draw(st.booleans()):
        array.flags.writeable = False
    return array


@st.composite
def structures(draw):
    """Containers and objects around tensors and arrays, some in several places."""
    leaves = draw(tensors()) + draw(st.lists(arrays(), max_size=3))
    leaf = st.integers(0, len(leaves) - 1).map(lambda i: leaves[i]) | st.sampled_from([None, 3, "text"])
    keys = st.text("abc", max_size=2)
    return draw(
        st.recursive(
            leaf,
            lambda inner: st.lists(inner, max_size=4)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(keys, inner, max_size=3)
            | inner.map(there.Holder)
            | st.builds(there.Record, st.just("name"), leaf, st.dictionaries(keys, inner, max_size=2)),
            max_leaves=12,
        )
    )


def pairs(sent, got, found):
    """Walks both alike and collects the pairs of tensors and arrays."""
    assert type(got) is type(sent)
    if isinstance(sent, (torch.Tensor, np.ndarray)):
        found.append((sent, got))
    elif isinstance(sent, (list, tuple)):
        assert len(sent) == len(got)
        for a, b in zip(sent, got):
            pairs(a, b, found)
    elif isinstance(sent, dict):
        assert list(sent) == list(got)
        for key in sent:
            pairs(sent[key], got[key], found)
    elif hasattr(sent, "__dict__"):
        pairs(vars(sent), vars(got), found)
    else:
        assert got == sent
    return found


def bytes_of(x):
    x = torch.empty(x.shape, dtype=x.dtype).copy_(x.detach())
    return x.reshape(-1).view(torch.uint8).numpy().tobytes() if x.numel() else b""


def addresses(x):
    """Of the bytes of its elements."""
    if x.numel() == 0:
        return frozenset()
    starts = np.zeros(1, np.int64)
    for size, stride in zip(x.shape, x.stride()):
        starts = (starts[:, None] + np.arange(size) * stride).ravel()
    starts = np.unique(starts) * x.dtype.itemsize + x.data_ptr()
    return frozenset((starts[:, None] + np.arange(x.dtype.itemsize)).ravel().tolist())


def extent(x):
    return (1 + sum((n - 1) * s for n, s in zip(x.shape, x.stride()))) * x.dtype.itemsize if x.numel() else 0


def check_tensor(sent, got):
    assert got.dtype is sent.dtype and got.shape == sent.shape and bytes_of(got) == bytes_of(sent)
    assert got.requires_grad == sent.requires_grad and got.is_leaf and not got.is_conj()
    if extent(sent) <= 8192 and not sent.is_conj():
        assert got.stride() == sent.stride()
    assert got.data_ptr() % min(sent.dtype.itemsize, 8) == 0


def check_array(sent, got):
    assert got.dtype == sent.dtype and got.shape == sent.shape and got.tobytes() == sent.tobytes()
    assert got.flags.writeable == sent.flags.writeable
    assert got.flags.f_contiguous == sent.flags.f_contiguous or not sent.flags.forc


def check_sharing(found):
    found = [(a, b) for a, b in found if isinstance(a, torch.Tensor) and not a.is_conj()]
    for i, (a, b) in enumerate(found):
        for c, d in found[:i]:
            assert (a is c) == (b is d)
            if extent(a) > 8192 or extent(c) > 8192:
                continue
            if addresses(a) & addresses(c):
                assert b.data_ptr() - d.data_ptr() == a.data_ptr() - c.data_ptr()
                aligned = [(x.data_ptr() - min(a.data_ptr(), c.data_ptr())) % x.dtype.itemsize == 0 for x in (a, c)]
                assert b.untyped_storage().data_ptr() == d.untyped_storage().data_ptr() or not all(aligned)
            elif b is not d:
                assert not addresses(b) & addresses(d)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("to", ["callee", "tests"])
def test_every_structure_arrives_as_it_was(to):
    @settings(settings.get_profile("lift"))
    @given(structures())
    def check(sent):
        found = pairs(sent, rpc.rpc_sync(to, there.echo, args=(sent,)), [])
        for a, b in found:
            (check_tensor if isinstance(a, torch.Tensor) else check_array)(a, b)
        check_sharing(found)

    check()


ELEMENTS = st.sampled_from([2 | 32 << 8 | 1 << 16, 5 | 128 << 8 | 1 << 16, 1 | 8 << 8 | 1 << 16, 6 | 8 << 8 | 1 << 16])
NUMBERS = st.integers(-2, 5) | st.integers(-(2**63), 2**63 - 1) | st.sampled_from([63, 64, 65, 2**31, 2**32, 2**62])
ROWS = st.tuples(NUMBERS | st.just(0), NUMBERS, st.tuples(ELEMENTS, st.integers(0, 7)).map(lambda e: e[0] | e[1] << 32) | NUMBERS).flatmap(
    lambda head: st.lists(NUMBERS, max_size=6).map(lambda tail: [*head, len(tail) // 2, *tail])
)


@settings(max_examples=1000, deadline=None, database=None)
@given(st.lists(ROWS, max_size=3), st.lists(NUMBERS, max_size=2))
def test_no_table_reaches_beyond_its_memory(rows, rest):
    bases = (tine.zeros(64, dtype=tine.uint8), tine.zeros(4, 4).t())
    table = tine.tensor(sum(rows, []) + rest, dtype=tine.int64)
    try:
        made = tine._C._rpc.restore(torch.Tensor, bases, table)
    except (ValueError, RuntimeError, BufferError):
        return
    for x in made:
        assert extent(x) <= 64
        assert x.numel() > 1000 or x.detach().clone().shape == x.shape  # reads it
