"""What of a tensor arrives: the same as over TensorPipe, for every kind there is."""

import pytest
import torch
import torch.distributed.rpc as rpc
from agent_world import init, run

DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex32, torch.complex64, torch.complex128,
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32,
    torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
]  # fmt: skip


def cases():
    """Name to tensor. All deterministic: both ends and both backends make the same."""
    made = {f"dtype {dtype}": torch.arange(6).to(torch.float32).to(dtype).view(2, 3) for dtype in DTYPES}
    base = torch.arange(48.0).view(6, 8)
    c = torch.complex(torch.arange(4.0), torch.arange(4.0) + 1)
    large = torch.arange(1 << 16, dtype=torch.float32).view(256, 256)
    index = torch.tensor([[0, 1, 1], [2, 0, 2]])
    sparse = torch.sparse_coo_tensor(index, torch.tensor([3.0, 4.0, 5.0]), (2, 3))
    made |= {
        "scalar": torch.tensor(3.5),
        "zero-size": torch.empty(0, 3),
        "zero-size with strides": torch.empty(4, 0, 3).transpose(0, 2),
        "transposed": base.t(),
        "every third column": base[:, ::3],
        "offset": base[2:, 1:],
        "expanded": torch.arange(3.0).expand(5, 3),
        "expanded scalar": torch.tensor(1.0).expand(7),
        "large": large,
        "large transposed": large.t(),
        "large, a column of it": large[:, 3],
        "large, a few rows of it": large[4:7],
        "channels last": torch.arange(120.0).view(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "conj": c.conj(),
        "neg": c.conj().imag,
        "large conj, a column of it": torch.complex(large, large + 1).conj()[:, 1],
        "large neg, a column of it": torch.complex(large, large + 1).conj().imag[:, 1],
        "as_strided, overlapping": torch.arange(10.0).as_strided((4, 4), (2, 1)),
        "requires grad": torch.arange(3.0, requires_grad=True),
        "requires grad, transposed": torch.arange(6.0).view(2, 3).t().detach().requires_grad_(),
        "parameter": torch.nn.Parameter(torch.arange(3.0)),
        "complex, requires grad": c.detach().clone().requires_grad_(),
        "bool view of bytes": torch.tensor([0, 1, 1], dtype=torch.uint8).view(torch.bool),
        "quantized": torch.quantize_per_tensor(torch.arange(4.0), 0.5, 1, torch.qint8),
        "sparse": sparse,
        "sparse, coalesced": sparse.coalesce(),
        "from memory without an owner": torch.frombuffer(bytearray(range(16)), dtype=torch.uint8),
        "inference": _in_inference_mode(),
    }
    return made


def _in_inference_mode():
    with torch.inference_mode():
        return torch.arange(4.0)


def describe(x):
    values = x.detach()
    if values.layout is not torch.strided:
        return str(x.layout), str(x.dtype), tuple(x.shape), values.to_dense().tolist(), x.is_coalesced()
    if values.is_quantized:
        return str(x.dtype), tuple(x.shape), x.stride(), values.int_repr().tolist(), x.q_scale(), x.q_zero_point()
    plain = values.resolve_conj().resolve_neg().contiguous()
    data = bytes(plain.view(-1).view(torch.uint8).tolist()) if plain.numel() else b""
    return (
        type(x).__name__, str(x.dtype), tuple(x.shape), x.stride(), x.requires_grad, x.is_leaf, x.is_conj(), x.is_neg(),
        data,
    )  # fmt: skip


def echo(x):
    return x


def _outcome(f):
    try:
        return f()
    except Exception as error:  # noqa: BLE001 - that there is one is what is compared
        return f"error: {type(error).__name__}"


def _describe_all(rank, world_size, path, backend):
    init(rank, world_size, path, backend)
    seen = {}
    if rank == 0:
        for name, tensor in cases().items():
            there = _outcome(lambda t=tensor: rpc.rpc_sync("w1", describe, args=(t,)))
            back = _outcome(lambda t=tensor: describe(rpc.rpc_sync("w1", echo, args=(t,))))
            self_ = _outcome(lambda t=tensor: describe(rpc.rpc_sync("w0", echo, args=(t,))))
            seen[name] = (there, back, self_)
    rpc.shutdown()
    return seen


@pytest.fixture(scope="module")
def described():
    return {backend: run(_describe_all, 2, backend)[0] for backend in ("tine", "tensorpipe")}


@pytest.mark.parametrize("name", cases().keys())
def test_a_tensor_arrives_as_over_tensorpipe(described, name):
    assert described["tine"][name] == described["tensorpipe"][name]


def _sharing(rank, world_size, path, backend):
    init(rank, world_size, path, backend)
    seen = None
    if rank == 0:
        base = torch.arange(4096.0)
        small = torch.arange(8.0)
        seen = [
            rpc.rpc_sync("w1", touch, args=(views,))
            for views in (
                [small, small[2:5]],
                [base[:3000], base[1000:]],
                [base, base.view(64, 64).t()],
                [base, base],
                [small[:4], base[:16], small[4:]],
                [torch.zeros(3), torch.zeros(3)],
                # Where PyTorch's agent makes an integer tensor of the second, too.
                [base.view(torch.int32), base],
            )
        ]
    rpc.shutdown()
    return seen


def touch(views):
    views[0].view(-1)[2] = 7
    return [v.flatten()[:4].tolist() for v in views], [
        v.untyped_storage().data_ptr() == views[0].untyped_storage().data_ptr() for v in views
    ]


def test_views_of_one_storage_in_one_message_go_on_sharing_it():
    over_tine, over_tensorpipe = (run(_sharing, 2, backend)[0] for backend in ("tine", "tensorpipe"))
    *like_tensorpipe, mixed = over_tine
    assert like_tensorpipe == over_tensorpipe[:-1]
    assert over_tine[1][1] == [True, True]
    assert over_tine[5][1] == [True, False]
    values, shared = mixed
    assert shared == [True, True] and values[0][2] == 7 and 0 < values[1][2] < 1e-40


def write(x):
    x.add_(1)
    x.resize_(2 * x.numel())
    return x[:2].tolist()


def count(xs):
    return sum(int(x.sum()) for x in xs)


def _freely(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 0:
        for n in (4, 100_000):
            x = torch.zeros(n)
            for to in ("w0", "w1"):
                assert rpc.rpc_sync(to, write, args=(x,)) == [1.0, 1.0]
                assert x.sum() == 0 and x.numel() == n
                back = rpc.rpc_sync(to, echo, args=(x,))
                back.add_(1)
                assert x.sum() == 0
        many = [torch.ones(1) for _ in range(3000)]
        assert rpc.rpc_sync("w1", count, args=(many,)) == 3000
        larger = [torch.ones(1024) for _ in range(300)]
        assert rpc.rpc_sync("w1", count, args=(larger,)) == 300 * 1024
        state = torch.nn.Linear(64, 64).state_dict()
        assert all(torch.equal(state[k], v) for k, v in rpc.rpc_sync("w1", echo, args=(state,)).items())
        text = "x" * (5 << 20)
        assert rpc.rpc_sync("w1", echo, args=(text,)) == text
        assert rpc.rpc_sync("w1", echo, args=([],)) == []
    rpc.shutdown()


def test_what_arrives_is_the_receivers_own_and_may_be_written_and_resized():
    run(_freely, 2)


def _refused(rank, world_size, path):
    init(rank, world_size, path)
    text = None
    if rank == 0:
        with pytest.raises(RuntimeError) as error:
            rpc.rpc_sync("w1", echo, args=(torch.empty(2, device="meta"),))
        text = str(error.value)
        assert rpc.rpc_sync("w1", echo, args=(1,)) == 1
        with pytest.raises(RuntimeError, match="device meta"):
            rpc.rpc_sync("w1", torch.empty, args=([2],), kwargs={"device": "meta"})
    rpc.shutdown()
    return text


def test_a_tensor_of_another_device_is_refused_with_what_to_send_instead():
    assert "device meta" in run(_refused, 2)[0]


def _peak(rank, world_size, path):
    init(rank, world_size, path)
    grown = None
    if rank == 0:
        rpc.rpc_sync("w1", peak_with, args=(torch.zeros(1 << 20),))
        big = torch.ones(128 << 18)
        before = peak()
        callee = rpc.rpc_sync("w1", peak_with, args=(big,))
        grown = (peak() - before, callee)
    rpc.shutdown()
    return grown


def peak():
    with open("/proc/self/status") as status:
        return int(status.read().split("VmHWM:")[1].split()[0]) >> 10


_last_peak = 0


def peak_with(x):
    global _last_peak
    before, _last_peak = _last_peak, peak()
    return _last_peak - before


def test_a_large_argument_is_not_copied_at_the_caller_and_once_in_memory_at_the_callee():
    caller, callee = run(_peak, 2)[0]
    assert caller <= 4
    assert callee <= 132
