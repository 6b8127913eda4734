"""Lifted tensors and the processes around them: ends, workers that have another PyTorch or none, tables that are wrong."""
import gc

import pytest
import torch
from lift_world import PREAMBLE, Cluster, run

import tine


def test_tensors_that_arrived_outlive_rpc_and_the_threads_that_drop_them():
    outputs = run(
        2,
        """
        import torch
        import lift_callees as there
        rpc.init_rpc(NAME)
        other = f"worker{1 - RANK}"
        kept = rpc.rpc_sync(other, there.echo, args=([torch.arange(1000.), torch.arange(3)],))
        def drop(): kept.pop()
        thread = threading.Thread(target=drop); thread.start(); thread.join()
        under_way = [rpc.rpc_async(other, there.echo, args=(torch.ones(100_000),)) for _ in range(20)]
        if RANK == 0:
            [f.wait() for f in under_way]
        rpc.shutdown()
        assert torch.equal(kept[0], torch.arange(1000.))
        [f.wait() for f in under_way]
        del under_way
        gc.collect()
        kept[0].add_(1)
        """,
    )
    assert outputs == ["", ""]


@pytest.mark.parametrize("end", ["pass", "rpc.shutdown(graceful=False)", "sys.exit(0)"])
def test_a_program_that_ends_amid_its_tensors_ends_quietly(end):
    program = f"""
    import torch
    import lift_callees as there
    rpc.init_rpc(NAME)
    if RANK == 0:
        under_way = [rpc.rpc_async("worker1", there.echo, args=([torch.ones(200_000), torch.ones(3)],)) for _ in range(30)]
        kept = under_way[0].wait()
        {end}
    else:
        try: rpc.shutdown()
        except ConnectionError: pass
    """
    with Cluster(2, program, preamble=PREAMBLE, env={"PYTHONFAULTHANDLER": "1"}) as cluster:
        results = cluster.finish()
        for code, _, err in results:
            assert code == 0 and "Fatal" not in err and "Traceback" not in err, results


def test_a_receiver_imports_pytorch_when_the_first_tensor_arrives():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        def modules_here(name): return name in sys.modules
        def first(xs): return xs[0], "torch" in sys.modules
        if RANK == 0:
            assert not rpc.rpc_sync("worker1", modules_here, args=("torch",))
            import torch
            x, there = rpc.rpc_sync("worker1", first, args=([torch.arange(3.)],))
            assert there and torch.equal(x, torch.arange(3.))
        rpc.shutdown()
        """,
    )


def test_a_receiver_without_pytorch_says_so():
    run(
        2,
        """
        if RANK == 1: sys.modules["torch"] = None
        def echo(x): return x
        def alias(): sys.modules["torch"] = tine
        rpc.init_rpc(NAME)
        if RANK == 0:
            import torch
            for sent in (torch.arange(3.), [torch.arange(1000.)]):
                try: rpc.rpc_sync("worker1", echo, args=(sent,))
                except ImportError as e:
                    assert isinstance(e, RuntimeError)
                    assert "cannot import PyTorch" in str(e) and "tine.from_dlpack(x)" in str(e), e
                else: raise AssertionError
            rpc.rpc_sync("worker1", alias)
            try: rpc.rpc_sync("worker1", echo, args=(torch.arange(3.),))
            except ImportError as e: assert "torch is another name of tine here" in str(e), e
            else: raise AssertionError
            assert rpc.rpc_sync("worker1", echo, args=(tine.from_dlpack(torch.arange(3.)),)).tolist() == [0, 1, 2]
        rpc.shutdown()
        """,
    )


def test_a_caller_without_pytorch_hears_so_where_it_looks_at_the_result():
    run(
        2,
        """
        if RANK == 0: sys.modules["torch"] = None
        def made():
            import torch
            return torch.ones(3)
        rpc.init_rpc(NAME)
        if RANK == 0:
            future = rpc.rpc_async("worker1", made)
            for _ in range(2):
                try: future.wait()
                except ImportError as e: assert "cannot import PyTorch" in str(e), e
                else: raise AssertionError
            del sys.modules["torch"]
            assert future.wait().tolist() == [1, 1, 1]
        rpc.shutdown()
        """,
    )


# How torch.Tensor's table is there, and whether tine can use it.
OTHER_TABLES = {
    "no table": ("torch.Tensor.__dlpack_c_exchange_api__ = None", False),
    "a capsule of another name": ("torch.Tensor.__dlpack_c_exchange_api__ = capsule(table, b'other')", False),
    "a newer major version alone": ("show(copy_of(2, None, functions=False))", False),
    "a newer major version before ours": ("show(copy_of(2, table, functions=False))", True),
    "the earlier name": (
        "torch.Tensor.__c_dlpack_exchange_api__ = torch.Tensor.__dlpack_c_exchange_api__; "
        "torch.Tensor.__dlpack_c_exchange_api__ = None",
        True,
    ),
    "no borrowing": ("show(copy_of(1, None, borrows=False))", True),
}


@pytest.mark.parametrize("how", OTHER_TABLES)
def test_other_versions_of_the_exchange_table_are_used_or_done_without(how):
    change, is_used = OTHER_TABLES[how]
    run(
        1,
        f"""
        import ctypes, torch, torch.utils.dlpack
        import lift_callees as there
        name = b"dlpack_exchange_api"
        get, make = ctypes.pythonapi.PyCapsule_GetPointer, ctypes.pythonapi.PyCapsule_New
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        class Table(ctypes.Structure):
            _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("previous", ctypes.c_void_p),
                        ("functions", ctypes.c_void_p * 5)]
        table = get(torch.Tensor.__dlpack_c_exchange_api__, name)
        kept, capsules = [], []
        def capsule(address, name): return make(address, name, None)
        def copy_of(major, previous, functions=True, borrows=True):
            made = Table.from_buffer_copy(ctypes.string_at(table, ctypes.sizeof(Table)))
            made.major, made.previous = major, previous
            if not functions: made.functions = (ctypes.c_void_p * 5)()
            if not borrows: made.functions[3] = None
            kept.append(made)
            return made
        def show(table): torch.Tensor.__dlpack_c_exchange_api__ = capsule(ctypes.addressof(table), name)
        to_dlpack = torch.utils.dlpack.to_dlpack
        def counted(x):
            capsules.append(1)
            return to_dlpack(x)
        torch.utils.dlpack.to_dlpack = counted
        {change}
        rpc.init_rpc(NAME)
        echo = lambda x: rpc.rpc_sync("worker0", there.echo, args=(x,))
        for x in (torch.rand(3), torch.rand(300, 4).t(), torch.tensor(3), torch.rand(3).bfloat16(), torch.empty(0, 2),
                  torch.rand(3, requires_grad=True), torch.randn(4, dtype=torch.complex64).conj(), torch.rand(2000, 50)[:, 3]):
            y = echo(x)
            assert torch.equal(x, y) and y.dtype == x.dtype and y.requires_grad == x.requires_grad, (x, y)
        x = torch.rand(1000)
        assert rpc.rpc_sync("worker0", there.see_sharing, args=(x, x[5:])) == (True, True, True)
        assert torch.equal(echo(torch.eye(4).to_sparse()).to_dense(), torch.eye(4))
        assert bool(capsules) == {not is_used}, len(capsules)
        rpc.shutdown()
        """,
    )


def restored(bases, rows):
    return tine._C._rpc.restore(torch.Tensor, tuple(bases), tine.tensor(rows, dtype=tine.int64))


def test_a_table_that_is_wrong_is_refused():
    base = tine.zeros(64, dtype=tine.uint8)
    float32 = 2 | 32 << 8 | 1 << 16
    assert torch.equal(restored([base], [0, 8, float32, 1, 14, 1])[0], torch.zeros(14))
    for rows in (
        [0], [0, 0, float32], [0, 0, float32, 2, 1, 1], [1, 0, float32, 0], [-2, 0, float32, 0], [0, 64, float32, 0], [0, 61, float32, 0],
        [0, -1, float32, 0], [0, 0, float32, 1, 17, 1], [0, 0, float32, 1, 2, 16], [0, 0, float32, 1, -1, 1], [0, 0, float32, 1, 2, -1],
        [0, 0, float32, 2, 2**62, 4, 0, 0], [0, 0, float32, 1, 2, 2**62], [0, 0, float32, 2, 2, 2, 2**62, 2**62], [0, 0, float32, 1, 0, 1],
        [0, 2**63 - 1, float32, 0], [0, 0, float32, -1], [0, 0, float32, 2**62], [0, 0, float32, 65] + [1] * 130, [-1, 0, float32, 0],
        [0, 0, 0, 0], [0, 0, float32 | 4 << 32, 2, 1, 1, 1, 1],
    ):  # fmt: skip
        with pytest.raises(ValueError, match="the tensors of a pickle are malformed"):
            restored([base], rows)
    with pytest.raises(ValueError, match="a base is not a Tensor"):
        restored([5], [])
    with pytest.raises(ValueError, match="the table is not a contiguous"):
        tine._C._rpc.restore(torch.Tensor, (base,), tine.zeros(4))
    for element in (99 | 32 << 8 | 1 << 16, 2 | 24 << 8 | 1 << 16, 1 | 8 << 8 | 7 << 16):  # PyTorch has none of these
        with pytest.raises((RuntimeError, BufferError)):
            restored([base], [0, 0, element, 0])
    gc.collect()
