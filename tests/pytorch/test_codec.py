"""Bodies of any content: decoding makes tensors that lie within what came, or says what does not hold."""

import random
import struct

import pytest
import torch
from tine.pytorch._build import load

agent = load()

MALFORMED = "a message of torch.distributed.rpc arrived malformed ("
HEAD = struct.Struct("<IIIIQQ")  # magic, tensors, blocks, segment of the payload, its size, size of the others
TENSOR = struct.Struct("<BbBBIQ")  # kind, dtype, flags, dim, block, offset
BLOCK = struct.Struct("<IIQQ")  # segment, unused, offset, size
INLINE = 0xFFFFFFFF
NUMBERS = [0, 1, 2, 7, 63, 64, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


def good():
    """Messages of every kind of part: payload and blocks, inline and as segments, shared, empty, undefined, serialised."""
    large = torch.arange(4096.0).view(64, 64)
    complex_ = torch.complex(torch.arange(4.0), torch.arange(4.0)).conj()
    sparse = torch.sparse_coo_tensor(torch.tensor([[0, 1], [1, 0]]), torch.tensor([1.0, 2.0]), (2, 2))
    return [
        agent.encode(payload, tensors)
        for payload, tensors in [
            (b"", []),
            (b"payload", [torch.arange(6).view(2, 3), torch.tensor(True), torch.empty(0, 3)]),
            (b"p" * 20000, [large, large.t(), large[3:5], torch.zeros(3, requires_grad=True)]),
            (b"x", [complex_, complex_.imag, torch.arange(3.0).expand(5, 3), sparse]),
        ]
    ]


def lies_within_its_storage(t):
    if t.layout != torch.strided or t.numel() == 0:
        return True
    last = t.storage_offset() + sum((size - 1) * stride for size, stride in zip(t.shape, t.stride(), strict=True))
    return (last + 1) * t.element_size() <= t.untyped_storage().nbytes()


def refused(body, segments=()):
    with pytest.raises(RuntimeError) as e:
        agent.decode(body, list(segments))
    assert str(e.value).startswith(MALFORMED), e.value
    return str(e.value)


def message(made=b"", placed=b"", rest=b"", **changes):
    head = {"magic": 0x31707974, "tensors": 0, "blocks": 0, "payload_segment": INLINE, "payload": 0, "others": 0}
    head |= changes
    return HEAD.pack(*head.values()) + made + placed + rest


def tensor(kind=0, dtype=6, flags=0, block=0, offset=0, sizes=(4,), strides=(1,)):
    shape = struct.pack(f"<{2 * len(sizes)}q", *sizes, *strides)
    return TENSOR.pack(kind, dtype, flags, len(sizes), block, offset) + shape


def one(segment=INLINE, at=0, size=16, rest=bytes(16), **changes):
    """A message with one tensor of four floats in one block, but for what is changed."""
    return message(tensor(**changes), BLOCK.pack(segment, 0, at, size), rest, tensors=1, blocks=1)


def test_the_bodies_that_these_tests_write_are_what_the_codec_reads():
    payload, (t,) = agent.decode(one(), [])
    assert payload == b"" and t.tolist() == [0.0] * 4
    for body, segments in good():
        agent.decode(body, segments)


@pytest.mark.parametrize(
    "body, segments, condition",
    [
        (b"", [], "size <= rest_.size()"),
        (message(magic=1), [], "head.magic == kMagic"),
        (message(tensors=2**32 - 1), [], "head.tensors <= raw_.body.size()"),
        (message(blocks=2**32 - 1), [], "head.blocks <= raw_.body.size()"),
        (message(payload=1), [], "size <= rest_.size()"),
        (message(payload=2**64 - 1), [], "size <= rest_.size()"),
        (message(payload_segment=0), [], "number < raw_.segments.size()"),
        (message(payload_segment=0, payload=3), [b"four"], "payload.size() == head.payload_size"),
        (message(others=5), [], "!raw_.segments.empty()"),
        (message(others=5), [b"four"], "bytes.size() == head.others_size"),
        (one(rest=b"short"), [], "size <= rest_.size()"),
        (one(segment=1), [bytes(16)], "number < raw_.segments.size()"),
        (one(segment=0, size=17), [bytes(16)], "block.size <= bytes.size() - block.offset"),
        (one(segment=0, at=64), [bytes(16)], "block.offset <= bytes.size()"),
        (one(segment=0, at=8, size=8), [bytes(16)], "block.offset % kAlign == 0"),
        (one(segment=0, at=2**64 - 64), [bytes(16)], "block.offset <= bytes.size()"),
        (one(kind=1, sizes=(), strides=()), [], "next_other_ < others_.size()"),
        (one(kind=3, sizes=(), strides=()), [], "head.kind == Kind::kPlain"),
        (one(dtype=-1), [], "is_plain_dtype(head.dtype)"),
        (one(dtype=127), [], "is_plain_dtype(head.dtype)"),
        (one(dtype=12), [], "is_plain_dtype(head.dtype)"),
        (one(block=1), [], "head.block < storages_.size()"),
        (one(offset=17), [], "head.offset <= storage.nbytes()"),
        (one(offset=2), [], "head.offset % item == 0"),
        (one(sizes=(5,)), [], "fits("),
        (one(sizes=(-1,)), [], "fits("),
        (one(strides=(-1,)), [], "fits("),
        (one(strides=(2**62,)), [], "fits("),
        (one(sizes=(2**32, 2**32), strides=(0, 0)), [], "fits("),
        (one(block=INLINE), [], "fits("),
        (one(flags=2), [], "complex"),
        (one(flags=1, dtype=3), [], "isFloatingType"),
    ],
)
def test_each_condition_that_does_not_hold_is_named(body, segments, condition):
    assert condition in refused(body, segments)


def test_ten_thousand_mutations_give_tensors_within_what_came_or_an_error():
    pick = random.Random(20261128)
    messages = good()
    kept = refusals = 0
    for _ in range(10_000):
        body, segments = pick.choice(messages)
        body, segments = bytearray(body), list(segments)
        others = HEAD.unpack_from(body)[5]
        for _ in range(pick.randrange(1, 4)):
            at = pick.randrange(len(body))
            match pick.randrange(7):
                case 0:
                    body[at] = pick.randrange(256)
                case 1:
                    body[at] ^= 1 << pick.randrange(8)
                case 2:
                    del body[at:]
                    body += b"\0" * (not body)
                case 3:
                    body.insert(at, pick.randrange(256))
                case 4 if len(body) >= 8:
                    struct.pack_into("<Q", body, min(at - at % 4, len(body) - 8), pick.choice(NUMBERS))
                case 5 if segments and not others:
                    n = pick.randrange(len(segments))
                    segments[n] = segments[n][: pick.randrange(len(segments[n]) + 1)]
                case 6 if segments:
                    pick.shuffle(segments)
        try:
            payload, tensors = agent.decode(bytes(body), segments)
        except (RuntimeError, ValueError) as e:
            # What PyTorch itself serialised is PyTorch's to refuse.
            assert others or str(e).startswith(MALFORMED), e
            refusals += 1
            continue
        kept += 1
        assert len(payload) <= len(body) + sum(map(len, segments))
        assert all(t is None or lies_within_its_storage(t) for t in tensors)
    assert kept > 1000 and refusals > 1000
