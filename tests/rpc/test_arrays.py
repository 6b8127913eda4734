"""NumPy's arrays and other large buffers in calls: beside the pickle, in memory of the receiver's own."""
import pytest
from cluster import PREAMBLE, run

ARRAYS = (
    PREAMBLE
    + """
import pickle
import numpy as np
from tine.distributed.rpc import _pickling
def echo(x): return x
def look(x): return x.flags.writeable, x.flags.owndata, x.ctypes.data % 64, x.flags.c_contiguous, x.flags.f_contiguous
def buffers_of(x):
    leaves = _pickling.to_pickle(x, "an object of the tests")[1]
    return list(leaves[-1][0]) if leaves else []
def same(a, b):
    return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
"""
)


def test_arrays_arrive_equal_and_large_ones_are_sent_from_their_own_memory():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            array = np.arange(100_000.)
            (buffer,) = buffers_of([array])
            assert np.asarray(buffer).ctypes.data == array.ctypes.data
            record = np.zeros(300, [("a", "i4"), ("b", "f8")])
            for x in (array, array[:5], array.astype("f2"), array.astype("c8"), array > 7, array.astype(">i4"), array.astype("u2"),
                      array.view("M8[s]"), record, np.array(["a", "bc"] * 400), np.array([b"x"] * 2000), array.reshape(100, 1000),
                      np.asfortranarray(array.reshape(100, 1000)), np.array(7.5), np.array(7), np.empty(0), np.empty((3, 0, 2)),
                      np.array([None, "text", {}] * 300, object), np.matrix("1 2; 3 4"), np.ma.masked_array([1, 2], [0, 1]),
                      np.float32(1.5), np.longdouble(2) * np.ones(200, np.longdouble), np.array("2020-01-01", "M8[D]")):
                for to in ("worker1", "worker0"):
                    for y in (rpc.rpc_sync(to, echo, args=(x,)), rpc.rpc_sync(to, echo, args=({"x": [x]},))["x"][0],
                              rpc.remote(to, echo, args=(x,)).to_here()):
                        if x.dtype == object: assert type(y) is type(x) and list(x) == list(y)
                        elif type(x) is np.ma.MaskedArray: assert (x.data == y.data).all() and (x.mask == y.mask).all()
                        else: assert same(x, y), (x, y)
                        if type(x) is np.ndarray: assert y.flags.f_contiguous == x.flags.f_contiguous
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_what_is_read_only_arrives_read_only_and_all_else_can_be_written():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            for n in (8, 64, 65, 5000):
                for order in "CF":
                    x = np.ones((n, 2), order=order)
                    for to in ("worker1", "worker0"):
                        assert rpc.rpc_sync(to, look, args=(x,))[0]
                        x.flags.writeable = False
                        assert not rpc.rpc_sync(to, look, args=(x,))[0]
                        assert not rpc.rpc_sync(to, echo, args=(x,)).flags.writeable
                        x.flags.writeable = True
                        rpc.rpc_sync(to, echo, args=(x,)).fill(5)
            x = np.ones((300, 300)); x.flags.writeable = False
            assert not rpc.rpc_sync("worker1", look, args=(x[:, ::2],))[0]
            for dtype in ("f4", "M8[s]", "S3", "U0", "V0", "V4"):  # without elements, or with elements of no bytes
                for x in (np.zeros((0, 3), dtype), np.zeros(2, np.dtype(dtype))):
                    assert rpc.rpc_sync("worker1", look, args=(x,))[0], (dtype, x.shape)
                    x.flags.writeable = False
                    y = rpc.rpc_sync("worker1", echo, args=(x,))
                    assert not y.flags.writeable and y.dtype == x.dtype and y.shape == x.shape, (dtype, x.shape)
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_the_memory_of_large_arrays_is_aligned_and_nobody_elses():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                for n in (100, 1000, 100_000):
                    x = np.arange(float(n))
                    assert rpc.rpc_sync(to, look, args=(x,))[2] == 0
                    y = rpc.rpc_sync(to, echo, args=(x,))
                    assert y.ctypes.data % 64 == 0
                    y.fill(7)
                    assert same(x, np.arange(float(n)))
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_small_arrays_stay_in_the_pickle_and_large_ones_do_not():
    run(
        1,
        """
        assert buffers_of(np.zeros(64)) == [] and len(buffers_of(np.zeros(65))) == 1
        assert len(buffers_of([np.zeros(65), np.zeros(3), np.ones(100)])) == 2
        x = np.zeros(100_000)
        assert len(_pickling.to_pickle([x, x, {"x": x}], "x")[0]) < 300
        # What has no order of its own is put into one, once.
        (buffer,) = buffers_of(np.arange(1000.).reshape(100, 10)[:, ::3])
        assert buffer.numel() == 100 * 4 * 8
        """,
        preamble=ARRAYS,
    )


def test_a_message_of_more_arrays_than_a_frame_has_segments_arrives():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            large = np.arange(10_000.0)
            sent = [np.full(80, float(i)) for i in range(70_000)] + [large]
            assert len(buffers_of(sent)) == 4097
            got = rpc.rpc_sync("worker1", echo, args=(sent,))
            assert all(same(a, b) for a, b in zip(sent, got)) and len(got) == len(sent)
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_a_dtype_keeps_its_metadata():
    run(
        1,
        """
        rpc.init_rpc(NAME)
        for n in (3, 1000):
            x = np.ones(n, np.dtype("f8", metadata={"unit": "m"}))
            y = rpc.rpc_sync(NAME, echo, args=(x,))
            assert same(x, y) and y.dtype.metadata["unit"] == "m"
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_a_call_to_oneself_copies_arrays():
    run(
        1,
        """
        def add_one(xs):
            for x in xs: x += 1
            return xs
        class Box:
            def __init__(self): self.x = np.zeros(1000)
            def get(self): return self.x
        @rpc.functions.async_execution
        def later(x):
            f = torch.futures.Future(); f.set_result(x); return f
        @rpc.functions.async_execution
        def kept(): return later_of(held)
        def later_of(x):
            f = torch.futures.Future(); f.set_result(x); return f
        held = np.zeros(1000)
        rpc.init_rpc(NAME)
        x, small = np.zeros(1000), np.zeros(3)
        y, other, also = rpc.rpc_sync(NAME, add_one, args=([x, small, x],))
        assert y is also and (y == 2).all() and (other == 1).all() and (x == 0).all() and (small == 0).all()
        box = Box()
        rref = rpc.RRef(box)
        rref.rpc_sync().get().fill(5)
        assert (box.x == 0).all()
        rpc.rpc_sync(NAME, kept).fill(5)
        assert (held == 0).all()
        assert (rpc.remote(NAME, add_one, args=([x],)).to_here()[0] == 1).all() and (x == 0).all()
        assert rref.to_here() is box
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_everything_that_gives_buffers_to_pickle_has_them_sent_beside_it():
    run(
        2,
        """
        class Blob:
            def __init__(self, data): self.data = data
            def __reduce_ex__(self, protocol): return Blob, (pickle.PickleBuffer(self.data),)
        class Data(bytearray):
            def __reduce_ex__(self, protocol): return Data, (pickle.PickleBuffer(self),)
        class Mine(torch.Tensor): pass
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                for n in (3, 600, 1_000_000):
                    data = bytes(range(256)) * (n // 256 + 1)
                    got = rpc.rpc_sync(to, echo, args=([Blob(data), Blob(bytearray(data)), Data(data)],))
                    assert [bytes(x.data) for x in got[:2]] == [data] * 2 and got[2] == data
                    assert rpc.rpc_sync(to, bytes, args=(pickle.PickleBuffer(data),)) == data
                    assert memoryview(got[0].data).readonly and not memoryview(got[1].data).readonly
                mine = Mine(torch.arange(1000.))
                assert len(buffers_of(mine)) == 1
                got = rpc.rpc_sync(to, echo, args=([mine, mine],))
                assert type(got[0]) is Mine and got[0] is got[1] and torch.equal(got[0], mine)
                got[0].add_(1)
                assert torch.equal(mine, torch.arange(1000.))
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_answers_of_others_with_tensors_in_them_are_passed_on_in_a_list():
    run(
        3,
        """
        @rpc.functions.async_execution
        def ask(xs):
            return torch.futures.gather(*[rpc.rpc_async("worker2", echo, args=(x,)) for x in xs])
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0", "worker2"):
                a, b, c = rpc.rpc_sync(to, ask, args=([np.arange(1000.), {"t": torch.ones(3)}, "text"],))
                assert same(a, np.arange(1000.)) and b["t"].tolist() == [1, 1, 1] and c == "text"
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_an_array_kept_behind_a_reference_is_the_very_array_on_its_owner():
    run(
        2,
        """
        def own(n): return np.full(n, 3.)
        def local(rref): return rref.local_value().ctypes.data == rref.to_here().ctypes.data
        def total(rref): return float(rref.local_value().sum())
        def write(rref): rref.local_value()[0] = 10
        rpc.init_rpc(NAME)
        if RANK == 0:
            rref = rpc.remote("worker1", own, args=(1000,))
            x = rref.to_here()
            assert (x == 3).all()
            x.fill(0)
            rpc.rpc_sync("worker1", write, args=(rref,))
            assert rpc.rpc_sync("worker1", total, args=(rref,)) == 3007 and rpc.rpc_sync("worker1", local, args=(rref,))
            assert rref.rpc_sync().sum() == 3007
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


def test_programs_without_numpy_import_none():
    run(
        2,
        """
        def echo(x): return x
        def loaded(): return [name for name in ("numpy", "torch") if name in sys.modules]
        rpc.init_rpc(NAME)
        if RANK == 0:
            assert rpc.rpc_sync("worker1", echo, args=([torch.ones(1000), {"a": 1}],))[0].sum() == 1000
            assert loaded() == rpc.rpc_sync("worker1", loaded) == []
        rpc.shutdown()
        """,
    )


def test_picklers_are_used_again_by_many_threads_and_after_errors():
    run(
        2,
        """
        sys.modules["cloudpickle"] = None  # else a lambda travels
        class Nested:
            def __init__(self, x): self.x = x
            def __reduce__(self):  # pickles while it is pickled
                return Nested, (rpc.rpc_sync("worker0", echo, args=(self.x,)),)
        rpc.init_rpc(NAME)
        if RANK == 0:
            def work(k):
                for i in range(50):
                    x = np.full(70 + k, float(i))
                    assert same(rpc.rpc_sync("worker1", echo, args=([x, x],))[1], x)
                    try: rpc.rpc_sync("worker1", echo, args=([x, lambda: 0],))
                    except (AttributeError, pickle.PicklingError): pass
                    else: failed.append(k)
                    done.append(k)
            failed, done = [], []
            threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
            for t in threads: t.start()
            for t in threads: t.join()
            assert not failed and len(done) == 200
            got = rpc.rpc_sync("worker1", echo, args=([np.ones(100), Nested(np.zeros(100)), np.ones(100)],))
            assert same(got[1].x, np.zeros(100)) and same(got[2], np.ones(100))
            big = list(range(100_000))
            assert rpc.rpc_sync("worker1", echo, args=(big,)) == big and rpc.rpc_sync("worker1", echo, args=([1],)) == [1]
        rpc.shutdown()
        """,
        preamble=ARRAYS,
    )


class Callee:
    def __call__(self, x): return x


def test_a_pickler_gives_each_pickle_leaves_of_its_own_and_keeps_nothing_of_it():
    import gc
    import weakref

    import tine
    from tine.distributed.rpc import _pickling

    _, none = _pickling.to_pickle({1}, "it")
    _, one = _pickling.to_pickle([tine.ones(1), {1}], "it")
    assert none == [] and len(one) == 1
    callee = Callee()
    gone = weakref.ref(callee)
    _pickling.call_to_pickle(callee, ({1},), {})
    del callee
    gc.collect()
    assert gone() is None


def test_operators_scripts_and_subscripts_say_what_to_write_for_an_array():
    np = pytest.importorskip("numpy")
    import tine

    @tine.jit.script
    def plus_one(x: tine.Tensor) -> tine.Tensor:
        return x + 1

    x, t = np.ones(3, np.float32), tine.ones(3)
    for use in (lambda: tine.add(t, x), lambda: t + x, lambda: tine.relu(x), lambda: plus_one(x), lambda: t.copy_(x), lambda: tine.cat([t, x])):
        with pytest.raises(TypeError, match=r"a numpy\.ndarray is not a tine Tensor; write tine\.from_dlpack\(x\)"):
            use()
    assert plus_one(tine.from_dlpack(x)).tolist() == [2, 2, 2]
    # Numbers of NumPy's are numbers; so is an array of no dimension.
    assert (t + np.float32(1)).tolist() == (t + np.array(1)).tolist() == (t + np.array(1.0)).tolist() == [2, 2, 2]
