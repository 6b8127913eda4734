"""Tensors of PyTorch in tine's own RPC: what arrives, how it travels, what cannot."""
import copy
import ctypes
import gc
import os
import pickle
import threading
import time

import lift_callees as there
import numpy as np
import pytest
import torch
from lift_world import world

import tine
from tine.distributed import rpc
from tine.distributed.rpc import _pickling


@pytest.fixture(scope="module", autouse=True)
def callee():
    with world():
        yield


def call(func, *args):
    return rpc.rpc_sync("callee", func, args=args)


def echo(x):
    return call(there.echo, x)


def same(a, b):
    """Bit for bit; two floats that are no number, too."""
    if a.dtype != b.dtype or a.shape != b.shape or a.requires_grad != b.requires_grad:
        return False
    a, b = a.detach(), b.detach()
    return bytes_of(a) == bytes_of(b)


def bytes_of(x):
    return x.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if x.numel() else b""


def last_leaf(obj):
    """(buffers, bases, table) beside the pickle of `obj`."""
    _, leaves = _pickling.to_pickle(obj, "an object of the tests")
    return leaves[-1]


def bases_of(obj):
    return last_leaf(obj)[1]


def is_lifted(x):
    _, leaves = _pickling.to_pickle([x], "an object of the tests")
    return bool(leaves) and type(leaves[-1]) is tuple and len(leaves[-1]) == 3


# ---- plain tensors


def test_a_tensor_is_sent_from_its_own_memory_and_arrives_equal():
    x = torch.rand(1000, 100)
    (base,) = bases_of([x])
    assert np.frombuffer(base, np.uint8).ctypes.data == x.data_ptr() and base.numel() == x.nbytes
    data, _ = _pickling.to_pickle([x], "x")
    assert len(data) < 200
    y = echo(x)
    assert type(y) is torch.Tensor and same(x, y) and y.data_ptr() % 64 == 0


DTYPES = [
    torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.complex32, torch.complex64, torch.complex128,
    torch.bool, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
    torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu,
    torch.float4_e2m1fn_x2,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_arrives_bit_for_bit(dtype):
    for n in (7, 3000):
        raw = torch.randint(0, 2 if dtype is torch.bool else 256, (n * dtype.itemsize,), dtype=torch.uint8)
        x = raw.view(dtype)
        for y in (echo(x), echo([x])[0]):
            assert y.dtype is dtype and y.shape == x.shape and bytes_of(y.view(torch.uint8)) == bytes_of(raw)
        assert is_lifted(x)


@pytest.mark.parametrize("name", ["uint4", "int4", "uint1", "int7"])
def test_integers_of_less_than_a_byte_are_not_taken_for_bytes(name):
    x = torch.empty(3, dtype=getattr(torch, name))
    assert not is_lifted_or_refused(x)


def is_lifted_or_refused(x):
    try:
        return is_lifted(x)
    except TypeError as error:  # PyTorch cannot pickle them
        assert "cannot be sent to another worker" in str(error)
        return False


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(3, 4),
        torch.rand(3, 4).t(),
        torch.rand(300, 400).t(),
        torch.rand(2, 3, 4, 5).permute(3, 0, 2, 1),
        torch.rand(2, 3, 8, 8).to(memory_format=torch.channels_last),
        torch.rand(10)[::2],
        torch.rand(3, 1).expand(3, 4),
        torch.rand(1000, 1).expand(1000, 1000),
        torch.rand(1).expand(5, 6),
        torch.rand(5, 7)[:, 2:5],
        torch.rand(5, 7)[:, :1],
        torch.rand(100)[10:20],
        torch.rand(8).unfold(0, 3, 1),
        torch.tensor(3.5),
        torch.tensor(7),
        torch.empty(0),
        torch.empty(0, 3),
        torch.empty(3, 0, 2).transpose(0, 2),
        torch.empty(2, 0, 1).expand(2, 0, 9),
    ],
    ids=lambda x: f"{tuple(x.shape)}{x.stride()}",
)
def test_sizes_and_strides_stay(x):
    for y in (echo(x), echo({"x": x})["x"], rpc.rpc_sync("tests", there.echo, args=(x,))):
        assert same(x, y) and y.stride() == x.stride()


def test_of_a_view_with_most_of_its_extent_not_its_own_a_packed_copy_is_sent():
    matrix = torch.rand(2000, 500)
    for column in (
        matrix[:, 7],
        matrix[:, 7:8].expand(2000, 100),
        matrix.to(torch.complex128)[::3, ::5],
        matrix.to(torch.bfloat16)[:, 3],
        matrix.to(torch.uint8)[::4, ::9],
        matrix.to(torch.float64)[::4, ::9].t(),
    ):
        for to in ("callee", "tests"):
            y = rpc.rpc_sync(to, there.echo, args=(column,))
            assert same(column, y)
            assert [s == 0 for s in y.stride()] == [s == 0 for s in column.stride()]
            owned = y.as_strided([1 if s == 0 else n for n, s in zip(y.shape, y.stride())], y.stride()).nbytes
            assert y.untyped_storage().nbytes() <= 2 * owned
    # The same twice is one, and stays so.
    a, b = echo([matrix[:, 7], matrix[:, 7]])
    b.fill_(9)
    assert (a == 9).all() and a.untyped_storage().nbytes() == 2000 * 4
    # A small one keeps what lies between.
    assert echo(torch.rand(20, 20)[:, 3]).stride() == (20,)


# ---- memory that tensors share


@pytest.mark.parametrize(
    "pair",
    [
        lambda x: (x, x[3:]),
        lambda x: (x[3:], x),
        lambda x: (x[:6], x[4:]),
        lambda x: (x, x.view(2, -1).t()),
        lambda x: (x, x.detach()),
        lambda x: (x[2], x),
        lambda x: (x, x.view(torch.int32)[1:]),
        lambda x: (x, x.view(torch.uint8)[3:]),
        lambda x: (x.view(torch.uint8)[3:], x[1:]),
        lambda x: (x.view(torch.uint8)[1:], x[2:].view(torch.float64)[1:]),
        lambda x: (x[:1].expand(4), x),
    ],
)
def test_tensors_that_share_memory_share_it_where_they_arrive(pair):
    for n in (10, 2000):
        a, b = pair(torch.arange(n, dtype=torch.float32).clone())
        for to in ("callee", "tests"):
            assert rpc.rpc_sync(to, there.see_sharing, args=(a, b)) == (True, True, True)
            c, d = rpc.rpc_sync(to, there.echo, args=((a, b),))
            assert same(a, c) and same(b, d)
            assert c.stride() == a.stride() and d.stride() == b.stride()
            assert there.see_sharing(c, d) == (True, True, True)


def test_a_column_shares_with_its_matrix_when_both_are_sent():
    matrix = torch.rand(2000, 500)
    m, column, other = echo([matrix, matrix[:, 7], matrix[:, 8]])
    column.fill_(-1)
    assert (m[:, 7] == -1).all() and same(other, matrix[:, 8]) and column.stride() == (500,)
    assert m.untyped_storage().nbytes() == matrix.nbytes


def test_tensors_side_by_side_in_one_storage_share_nothing():
    x = torch.arange(2000.0)
    assert there.see_sharing(*echo((x[:1000], x[1000:]))) == (False, False, False)


def test_one_tensor_in_two_places_is_one_object():
    x, y = torch.rand(5), torch.rand(5)
    assert call(there.same_objects, [x, y, x]) == [[True, False, True], [False, True, False], [True, False, True]]
    a, b, c = echo([x, y, x])
    assert a is c and a is not b


def test_memory_shared_by_two_storages_is_shared():
    array = np.arange(10.0)
    a, b = echo((torch.from_numpy(array), torch.from_numpy(array)))
    b.fill_(5)
    assert (a == 5).all()


# ---- gradients


def test_requires_grad_arrives_and_makes_a_leaf():
    x = torch.rand(3, requires_grad=True)
    hidden = x * 2
    assert call(there.described, x)[4:6] == (True, True)
    assert call(there.described, hidden)[4:6] == (True, True)
    assert call(there.described, x.detach())[4:6] == (False, True)
    y = echo(hidden)
    assert y.requires_grad and y.is_leaf and y.grad_fn is None and same(y, hidden)
    (y * 3).sum().backward()
    assert (y.grad == 3).all() and x.grad is None
    a, b = echo((x, x.detach()[1:]))
    assert a.requires_grad and not b.requires_grad
    empty = echo(torch.empty(0, requires_grad=True))
    assert empty.requires_grad


def test_a_module_travels_with_its_data_beside_the_pickle():
    net = there.Net()
    net.register_parameter("alone", torch.nn.Parameter(torch.rand(8), requires_grad=False))
    assert len(bases_of(net)) == 5
    got = echo(net)
    assert type(got) is there.Net and got.second.weight is got.first.weight
    for (name, a), (other, b) in zip(net.state_dict().items(), got.state_dict().items()):
        assert name == other and torch.equal(a, b)
    for (name, a), (other, b) in zip(net.named_parameters(), got.named_parameters()):
        assert name == other and type(b) is torch.nn.Parameter and a.requires_grad == b.requires_grad
    assert type(got.scale) is torch.Tensor
    x = torch.rand(4, 32)
    assert torch.equal(net(x), got(x))
    remote = call(there.step, net, x)
    local = there.step(net, x)
    assert all(a is b is None or torch.allclose(a, b) for a, b in zip(local, remote))


def test_a_state_dict_travels():
    state = there.Net().state_dict()
    got = echo(state)
    assert type(got) is type(state) and list(got) == list(state)
    assert all(torch.equal(a, b) for a, b in zip(state.values(), got.values()))
    assert got["first.weight"].data_ptr() == got["second.weight"].data_ptr()


@pytest.mark.parametrize(
    "x",
    [
        torch.nn.Parameter(torch.rand(500)),
        torch.nn.Parameter(torch.rand(500), requires_grad=False),
        torch.nn.Buffer(torch.rand(500)),
        torch.rand(500).as_subclass(there.Subclass),
        torch.nn.UninitializedParameter(),
    ],
    ids=lambda x: type(x).__name__,
)
def test_subclasses_arrive_as_what_they_are(x):
    expected = pickle.loads(pickle.dumps(x))
    y = echo(x)
    assert type(y) is type(expected) and y.requires_grad == x.requires_grad
    assert call(there.kind, x) == (type(expected).__module__, type(expected).__qualname__)
    if not isinstance(x, torch.nn.UninitializedParameter):
        assert torch.equal(x.as_subclass(torch.Tensor), y.as_subclass(torch.Tensor))


# ---- tensors that are not what their memory says


def test_lazy_conjugates_and_negatives_arrive_as_their_values():
    c = torch.randn(300, dtype=torch.complex64)
    grad = torch.randn(3, dtype=torch.complex64, requires_grad=True)
    for x in (c.conj(), c.conj().imag, c.imag, c.conj().conj(), torch._neg_view(c), torch._neg_view(c.real), c.conj()[::2], c[:0].conj()):
        y = echo(x)
        assert torch.equal(x, y) and y.dtype == x.dtype and not y.is_conj() and not y.is_neg()
    y = echo(grad.conj())
    assert torch.equal(y, grad.conj()) and y.requires_grad and y.is_leaf
    lazy = [grad.conj(), grad.conj().imag]
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert all(y.requires_grad for y in echo(lazy))


def refusal(x):
    with pytest.raises(TypeError, match="cannot be sent to another worker") as caught:
        _pickling.to_pickle([x], "an argument")
    return caught.value


def test_tensors_without_memory_are_never_sent_as_zeros_of_nothing():
    for x in (torch._efficientzerotensor(3), torch._to_functional_tensor(torch.ones(3))):
        assert type(x) is torch.Tensor
        with pytest.raises(RuntimeError):
            pickle.dumps(x)
        refusal(x)
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        fake = mode.from_tensor(torch.ones(3))
    assert not is_lifted_or_refused(fake)


def test_tensors_under_a_transform_are_refused_as_pickle_refuses_them():
    seen = []

    def f(x):
        seen.append(type(x))
        seen.append(refusal(x))
        return x.sum()

    torch.vmap(f)(torch.ones(2, 3))
    torch.func.grad(f)(torch.ones(3))
    assert seen[0] is seen[2] is torch.Tensor


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make, equal",
    [
        (lambda: torch.eye(40).to_sparse(), lambda a, b: torch.equal(a.to_dense(), b.to_dense())),
        (lambda: torch.eye(40).to_sparse_csr(), lambda a, b: torch.equal(a.to_dense(), b.to_dense())),
        (lambda: torch.nested.nested_tensor([torch.rand(2), torch.rand(3)]), lambda a, b: all(map(torch.equal, a.unbind(), b.unbind()))),
        (lambda: torch.quantize_per_tensor(torch.rand(400), 0.1, 0, torch.quint8), torch.equal),
        (lambda: torch.rand(3, 4, device="meta"), lambda a, b: a.shape == b.shape and b.device == a.device),
    ],
    ids=["sparse", "csr", "nested", "quantized", "meta"],
)
def test_other_layouts_and_devices_are_pickled_as_pickle_does(make, equal):
    x = make()
    y = echo(x)
    assert type(y) is type(x) and y.layout == x.layout and y.dtype == x.dtype and equal(x, y)
    assert not is_lifted(torch.rand(3, device="meta"))


@pytest.mark.filterwarnings("ignore")
def test_the_parts_of_a_sparse_tensor_are_lifted():
    x = torch.eye(300).to_sparse()
    assert sum(base.numel() for base in bases_of([x])) == x.indices().nbytes + x.values().nbytes


@pytest.mark.filterwarnings("ignore")
def test_what_pickle_refuses_is_refused_with_its_reason():
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this PyTorch has no mkldnn")
    assert "OpaqueTensorImpl" in str(refusal(torch.rand(3, 3).to_mkldnn()))


def test_attributes_of_a_tensor_do_not_travel_as_in_pytorchs_own_rpc():
    x = torch.rand(3)
    x.label = "a"
    assert call(there.attributes, x) == [] and vars(echo(x)) == {}


def test_a_tensor_that_arrived_cannot_be_resized_but_everything_else():
    with pytest.raises(RuntimeError, match="not resizable"):
        call(there.resized, torch.rand(3))
    y = echo(torch.rand(3))
    with pytest.raises(RuntimeError, match="not resizable"):
        y.resize_(100)
    y.set_(torch.rand(5))
    assert y.shape == (5,)
    z = echo(torch.rand(3, 4))
    z.add_(1).t_().unsqueeze_(0)
    z.data = torch.rand(2)
    assert copy.deepcopy(echo(torch.arange(3))).tolist() == pickle.loads(pickle.dumps(echo(torch.arange(3)))).tolist() == [0, 1, 2]
    assert echo(torch.arange(4)).numpy().tolist() == [0, 1, 2, 3]


# ---- where they are

HERE_AND_THERE = ("callee", "tests")


@pytest.mark.parametrize("to", HERE_AND_THERE)
def test_every_way_to_call_carries_tensors(to):
    x = torch.rand(400)
    assert same(rpc.rpc_sync(to, there.echo, args=(x,)), x)
    assert same(rpc.rpc_sync(to, there.echo, kwargs={"x": x}), x)
    assert same(rpc.rpc_async(to, there.echo, args=(x,)).wait(), x)
    assert same(rpc.remote(to, there.echo, args=(x,)).to_here(), x)
    assert same(rpc.rpc_sync(to, there.echo_later, args=(x,)), x)
    assert same(rpc.rpc_sync(to, torch.add, args=(x, x), kwargs={"alpha": 2}), x + 2 * x)
    assert same(rpc.rpc_sync(to, torch.Tensor.mul, args=(x, 2)), x * 2)
    holder = rpc.remote(to, there.Holder, args=(x,))
    assert same(holder.rpc_sync().get(), x)
    assert same(holder.rpc_async().add(x).wait(), x * 2)
    assert same(holder.remote().get().to_here(), x * 2)
    assert same(holder.to_here().x, x * 2)
    kept = rpc.RRef(x)
    assert kept.local_value() is x and kept.to_here() is x
    assert same(rpc.rpc_sync(to, there.fetch, args=(kept,)), x)


@pytest.mark.parametrize("to", HERE_AND_THERE)
def test_tensors_travel_anywhere_inside_an_object(to):
    x, t, r = torch.rand(300), tine.ones(300), rpc.RRef(5)
    sent = {
        "list": [x, [x[1:]], (x, {"a": x[2:]})],
        "pair": there.Pair(x[3:], 2),
        "record": there.Record("w", x[4:], {"x": x[5:]}),
        "holder": there.Holder(there.Holder(x[6:])),
        "slotted": there.Slotted(x[7:]),
        "mixed": [t, x, np.arange(300), r, "text", None],
        1: x[8:].numpy(),
    }
    got = rpc.rpc_sync(to, there.echo, args=(sent,))
    assert same(got["list"][0], x) and same(got["list"][1][0], x[1:]) and same(got["list"][2][1]["a"], x[2:])
    assert type(got["pair"]) is there.Pair and same(got["pair"].left, x[3:])
    assert type(got["record"]) is there.Record and same(got["record"].weights, x[4:]) and same(got["record"].more["x"], x[5:])
    assert same(got["holder"].x.x, x[6:]) and same(got["slotted"].x, x[7:])
    assert got["mixed"][0].tolist() == t.tolist() and type(got["mixed"][0]) is tine.Tensor
    assert got["mixed"][1] is got["list"][0] and (got["mixed"][2] == np.arange(300)).all()
    assert got["mixed"][3].to_here() == 5 and (got[1] == x[8:].numpy()).all()


def test_answers_of_others_are_passed_on_unread():
    x, y = torch.rand(300), torch.rand(3, requires_grad=True)
    a, b, c = call(there.ask, "tests", x, {"y": y, "a": np.arange(300)}, 7)
    assert same(a, x) and same(b["y"], y) and (b["a"] == np.arange(300)).all() and c == 7
    a, b = rpc.rpc_sync("tests", there.ask, args=("callee", x, [y]))
    assert same(a, x) and same(b[0], y)


def test_a_call_to_oneself_copies():
    for x in (torch.zeros(3), torch.zeros(3000), torch.zeros(200, 300)[:, 3], torch.zeros(300, requires_grad=True).detach()):
        for send in (
            lambda f: rpc.rpc_sync("tests", f, args=(x,)),
            lambda f: rpc.rpc_async("tests", f, args=(x,)).wait(),
            lambda f: rpc.remote("tests", f, args=(x,)).to_here(),
        ):
            y = send(there.add_one)
            assert (y == 1).all() and (x == 0).all()
        array = np.zeros(3000)
        held = [x, x, array]
        a, b, c = rpc.rpc_sync("tests", there.add_one_everywhere, args=(held,))
        assert a is b and (a == 2).all() and (c == 1).all() and (x == 0).all() and (array == 0).all()
        # What is returned is a copy, too, also of an async function, and of a method.
        kept = rpc.RRef(there.Holder(x))
        for y in (rpc.rpc_sync("tests", there.fetch_x, args=(kept,)), rpc.rpc_sync("tests", there.fetch_x_later, args=(kept,)), kept.rpc_sync().get()):
            y.add_(1)
            assert (x == 0).all()


# ---- many, and for how long


def test_a_message_of_more_tensors_than_a_frame_has_segments_arrives():
    for n, size in ((5000, 300), (70_000, 200)):
        all_of_them = torch.arange(n * size, dtype=torch.float32).view(n, size)
        sent = [row.clone() for row in all_of_them]
        got = echo(sent)
        assert len(got) == n and torch.equal(torch.stack(got), all_of_them)
        got[1].fill_(-1)
        assert torch.equal(got[0], sent[0]) and torch.equal(got[2], sent[2]) and got[3].data_ptr() % 64 == 0


@pytest.mark.parametrize("to", HERE_AND_THERE)
def test_the_small_tensors_of_a_message_of_thousands_alias_only_what_they_aliased_before(to):
    sent = [torch.full((300,), float(i)) for i in range(5000)]
    expected = [x.clone() for x in sent]
    pairs = {i: sent[i][100:] for i in range(0, 5000, 7)}  # each in the memory of one of them
    got = rpc.rpc_sync(to, there.echo, args=((sent, pairs),))
    tensors, views = got
    assert len({x.untyped_storage().data_ptr() for x in tensors}) == 5000
    for i, x in enumerate(tensors):
        assert x.untyped_storage().nbytes() < 1264 and x.data_ptr() % 64 == 0
        if i in pairs:
            assert views[i].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
            assert views[i].storage_offset() == 100
    for i in range(0, 5000, 3):
        tensors[i].mul_(-1)
        expected[i].mul_(-1)
    for i in range(0, 5000, 21):  # seen through the other
        views[i].sub_(0.5)
        expected[i][100:].sub_(0.5)
    assert all(torch.equal(x, y) for x, y in zip(tensors, expected))
    assert all(torch.equal(views[i], expected[i][100:]) for i in pairs)
    assert all(torch.equal(x, torch.full((300,), float(i))) for i, x in enumerate(sent))


def resident():
    """Bytes of this process, without what its allocator has free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_one_small_tensor_of_a_message_of_thousands_keeps_64_kib_and_not_all_of_them():
    got = rpc.rpc_sync("callee", there.numbered, args=(5000, 4096))  # 80 MiB
    before = resident()
    kept = got[::64]  # of each MiB one: 79 blocks of 64 KiB
    del got
    deadline = time.monotonic() + 60  # buffers for receiving go back after idle seconds
    while before - resident() < 70 << 20:
        assert time.monotonic() < deadline, (before, resident())
        time.sleep(0.05)
    assert all(x.sum() == 64 * i * 4096 for i, x in enumerate(kept))


def test_a_message_of_more_columns_than_a_frame_has_segments_arrives():
    for dtype in (torch.float32, torch.bfloat16, torch.complex128):
        matrix = torch.arange(170 * 70_000 if dtype is torch.float32 else 300 * 5000).view(-1, 70_000 if dtype is torch.float32 else 5000).to(dtype)
        sent = list(matrix.unbind(1))
        for to in ("callee", "tests") if dtype is torch.float32 else ("callee",):
            got = rpc.rpc_sync(to, there.echo, args=(sent + [sent[3], sent[4][:, None].expand(-1, 9)],))
            wide, again = got.pop(), got.pop()
            assert torch.equal(torch.stack(got, 1), matrix) and wide.stride()[1] == 0 and torch.equal(wide, sent[4][:, None].expand(-1, 9))
            again.fill_(-1)
            assert (got[3] == -1).all() and torch.equal(got[2], sent[2]) and torch.equal(got[4], sent[4])


def test_a_tensor_that_reaches_beyond_its_storage_is_refused():
    x = torch.rand(1000)
    part = x[500:600]
    echo(part)
    x.untyped_storage().resize_(2004)
    for sent in (x, [x], part):
        with pytest.raises(ValueError, match="reaches beyond its storage, which has 2004 bytes"):
            echo(sent)
    assert same(echo(part[:1]), part[:1])


def test_a_tensor_that_gets_other_memory_meanwhile_is_sent_as_it_was():
    x = torch.arange(1000.0)
    data, leaves = _pickling.to_pickle([x, x[5:]], "x")
    x.data = torch.zeros(10)
    x.set_(torch.zeros(10))
    gc.collect()
    filler = [torch.full((1000,), 9.0) for _ in range(100)]
    a, b = _pickling.from_pickle(data, list(leaves))
    assert torch.equal(a, torch.arange(1000.0)) and torch.equal(b, torch.arange(1000.0)[5:]) and len(filler) == 100


def test_memory_is_given_back_once_the_last_tensor_on_it_is_gone():
    freed = threading.Event()

    class Array(np.ndarray):
        def __del__(self):
            if self.base is None:
                freed.set()

    array = np.zeros(5000).view(Array)
    owner = Array((5000,), np.float64)
    owner[:] = array
    x = torch.from_numpy(owner)
    del array
    freed.clear()
    futures = [rpc.rpc_async("callee", there.echo, args=(x,)) for _ in range(5)]
    got = [f.wait() for f in futures]
    assert all(torch.equal(y, x) for y in got)
    del x, owner, futures, got
    for _ in range(200):
        gc.collect()
        if freed.wait(0.05):
            break
        rpc.rpc_sync("callee", there.echo, args=(1,))
    assert freed.is_set()


# ---- where tensors of tine are wanted


def refused(f, *args, **kwargs):
    with pytest.raises(TypeError) as caught:
        f(*args, **kwargs)
    return str(caught.value)


HINT = "a torch.Tensor is not a tine Tensor; write tine.from_dlpack(x), which shares its memory"


@tine.jit.script
def plus_one(x: tine.Tensor) -> tine.Tensor:
    return x + 1


@tine.jit.script
def first_of(xs: "list[tine.Tensor]") -> tine.Tensor:
    return xs[0]


class Module(tine.nn.Module):
    def forward(self, x):
        return x + 1


def test_operators_methods_and_scripts_say_what_to_write():
    x, t = torch.ones(3), tine.ones(3)
    module = tine.jit.script(Module())
    for use in (
        lambda: tine.add(x, 1), lambda: tine.add(t, x), lambda: tine.add(t, other=x), lambda: t.add(x), lambda: t + x,
        lambda: x + t, lambda: t @ x, lambda: t == x, lambda: tine.cat([t, x]), lambda: t.copy_(x), lambda: t[x],
        lambda: t.__setitem__(0, x), lambda: tine.tensor(x), lambda: tine.as_tensor(x), lambda: tine.Tensor(x),
        lambda: tine.nn.functional.relu(x), lambda: tine.nn.Linear(3, 3)(x), lambda: plus_one(x), lambda: plus_one(x=x),
        lambda: first_of([x]), lambda: module(x), lambda: tine.jit.fork(plus_one, x).wait(), lambda: t.view(x),
        lambda: tine.add(t, torch.tensor(3)), lambda: rpc.rpc_sync("callee", tine.add, args=(x, 1)),
        lambda: rpc.rpc_async("callee", plus_one, args=(x,)), lambda: rpc.remote("callee", first_of, args=([x],)),
    ):  # fmt: skip
        assert HINT in refused(use)
    assert "from_dlpack(x)" in refused(tine.from_numpy, x)
    with pytest.raises(RuntimeError, match=r"tine\.from_dlpack\(x\)"):
        tine.jit.trace(lambda a: a + 1, (x,))
    shared = tine.from_dlpack(x)
    assert plus_one(shared).tolist() == [2, 2, 2] and tine.add(shared, t).tolist() == [2, 2, 2]


def test_from_dlpack_takes_no_memory_that_is_not_what_the_tensor_says():
    c = torch.randn(3, dtype=torch.complex64)
    with pytest.raises(ValueError, match=r"resolve_neg\(\)"):
        tine.from_dlpack(c.conj().imag)
    assert tine.from_dlpack(c.conj().imag.resolve_neg()).tolist() == c.conj().imag.tolist()
    with pytest.raises(ValueError, match="has no memory"):
        tine.from_dlpack(torch._efficientzerotensor(3))
    with pytest.raises(BufferError):
        tine.from_dlpack(torch.ones(3, requires_grad=True))
    assert tine.from_dlpack(torch.empty(0, 3)).shape == (0, 3)
