"""What large bytes and bytearrays hold travels beside the pickle, uncopied, wherever they are in it."""
import pickle

import pytest

from cluster import run

SIZES = (0, 511, 4097, 65535, 65536, 65537, 200_000)


def sent_and_read(obj):
    from tine.distributed.rpc import _pickling

    data, leaves = _pickling._pickled(obj, "x")
    return data, _pickling.from_pickle(data, list(leaves)), leaves


class Held:
    def __init__(self, data, more=None):
        self.data, self.more = data, more

    def __eq__(self, other):
        return type(other) is type(self) and vars(other) == vars(self)


class Named(bytes):
    pass


def contents(size):
    return bytes(range(256)) * (size // 256) + b"B" * (size % 256)


@pytest.mark.parametrize("kind", [bytes, bytearray, Named])
@pytest.mark.parametrize("size", SIZES)
def test_each_size_arrives_as_it_was_wherever_it_is(kind, size):
    x = kind(contents(size))
    for obj in (x, [x], {"a": (x, 1)}, Held(x), [Held([x, "y" * 70_000]), x + b"1", {b"k": x}]):
        data, got, leaves = sent_and_read(obj)
        assert got == obj and type(got) is type(obj)
    data, got, leaves = sent_and_read([x, x, 1])
    assert got == [x, x, 1] and type(got[0]) is kind and got[0] is got[1]
    if size >= 65536:
        assert len(data) < 300 and len(leaves[-1][0]) == 1


def test_the_memory_is_not_copied_and_bytes_from_different_roads_keep_their_order():
    numpy = pytest.importorskip("numpy")
    big, array, wrapped = b"1" * 100_000, numpy.arange(50_000), bytearray(b"2" * 100_000)
    obj = [array, big, Held(numpy.ones(3000)), wrapped, {"a": numpy.zeros(70_000), "b": b"3" * 70_000}, "t" * 80_000, pickle.PickleBuffer(b"4" * 600)]
    data, got, leaves = sent_and_read(obj)
    assert (got[0] == array).all() and got[1] == big and got[2].data.sum() == 3000 and got[3] == wrapped
    assert not got[4]["a"].any() and got[4]["b"] == b"3" * 70_000 and got[5] == "t" * 80_000 and bytes(got[6]) == b"4" * 600
    sizes = [t.numel() for t in leaves[-1][0]]
    assert sizes == [400_000, 100_000, 24_000, 100_000, 560_000, 70_000, 600]
    assert leaves[-1][0][1].data_ptr() == numpy.frombuffer(big, "uint8").ctypes.data
    assert leaves[-1][0][3].data_ptr() == numpy.frombuffer(wrapped, "uint8").ctypes.data


def test_what_only_looks_like_bytes_by_themselves_stays_in_the_pickle():
    from tine.distributed.rpc import _pickling

    look_alike, content = b"text B" + (70_000).to_bytes(4, "little"), b"z" * 70_000
    buffers = _pickling._Buffers([])
    assert _pickling._joined([look_alike, content, b"."], buffers, dict) == look_alike + content + b"."
    assert not buffers
    # The same in whole pickles: small objects that look so, where a frame ends.
    for shift in range(0, 40):
        obj = [b"x" * (65_500 + shift), b"B" + (65_600).to_bytes(4, "little"), b"B" * 65_600, bytearray(b"\x96" * 70_000)]
        assert sent_and_read(obj)[1] == obj


def test_bytes_of_a_call_live_until_they_were_sent_and_a_bytearray_can_grow_again():
    run(
        2,
        """
        def size_of(x): return len(x["data"])
        def echo(x): return x
        def grow(x):
            x += b"1"
            return x
        class Holder:
            def __init__(self, x): self.x = x
        rpc.init_rpc(NAME)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", size_of, args=({"data": bytes(3_000_000 + i), "s": {i}},)) for i in range(20)]
            assert [c.wait() for c in calls] == [3_000_000 + i for i in range(20)]
            for to in ("worker0", "worker1"):
                x = bytearray(b"1" * 300_000)
                for i in range(50):
                    got = rpc.rpc_sync(to, echo, args=(x,))
                    assert got == x and type(got) is bytearray and got is not x
                    got.append(1)
                    del got
                assert rpc.rpc_sync(to, grow, args=(x,)) == x + b"1" and len(x) == 300_000
                assert rpc.rpc_sync(to, echo, args=(Holder(x),)).x == x
                assert rpc.rpc_sync(to, echo, args=(bytes(x),)) == x
                assert rpc.rpc_sync(to, echo, args=([bytes(x), 1],)) == [x, 1]
                # What was sent is let go by the thread that sent it, which may be behind the answer.
                end = time.monotonic() + 20
                while True:
                    try: x.append(2)
                    except BufferError:
                        assert time.monotonic() < end
                        rpc.rpc_sync(to, echo, args=({1},))
                    else: break
        rpc.shutdown()
        """,
    )
