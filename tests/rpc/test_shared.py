"""Tensors of rpc.shared_empty(): both workers have the same memory, and where they do not, a copy."""
import pytest

import tine as torch
from cluster import PREAMBLE, Cluster, run
from tine.distributed import rpc

SHARED = PREAMBLE + """
import copy, pickle
def ident(x): return x
def add_one(x): x += 1
def first(x): return x.reshape(-1)[0].item()
HELD = []
def hold(x): HELD.append(x)
def held(): return HELD[-1].sum().item()
def drop(): HELD.clear()
def fill_held(value): HELD[-1].fill_(value)
def mapped(): return sum("tine-tensor" in line for line in open("/proc/self/maps"))
def make(n, value):
    HELD.append(rpc.shared_empty(n).fill_(value))
    return HELD[-1]
def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
OTHER = f"worker{1 - RANK}"
def call(f, *args): return rpc.rpc_sync(OTHER, f, args=args)
"""


def shared(program, size=2, options="", **kwargs):
    lines = "\n".join("    " + line for line in program.strip("\n").splitlines())
    run(
        size,
        f"rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions({options}))\nif RANK == 0:\n{lines}\nrpc.shutdown()\n",
        preamble=SHARED,
        **kwargs,
    )


def test_both_workers_have_the_same_memory_and_see_what_the_other_writes():
    shared(
        """
s = rpc.shared_empty(100, 100).fill_(1)
call(add_one, s)
assert s.sum().item() == 20000
call(hold, s)
s.fill_(3)
assert call(held) == 30000
call(fill_held, 4)
assert s.sum().item() == 40000
        """
    )


def test_a_view_travels_as_one_and_comes_back_as_the_same_memory():
    shared(
        """
s = rpc.shared_empty(100, 200).fill_(0)
for view in (s[10:50], s[:, 3:], s.t(), s[::2], s.reshape(-1)[77:]):
    back = call(ident, view)
    assert back.shape == view.shape, (back.shape, view.shape)
    back.fill_(7)
    assert (view == 7).all() and s.sum().item() == 7 * view.numel()
    s.fill_(0)
for copied in (s[5], s[::2, ::3]):  # a small one, and one of which most that lies between its elements is not its own
    back = call(ident, copied)
    back.fill_(7)
    assert (copied == 0).all()
assert mapped() == 1 and call(mapped) == 1
        """
    )


def test_a_result_that_the_callee_made_so_is_used_in_place_too():
    shared(
        """
r = call(make, 5000, 2.0)
r.fill_(9)
assert call(held) == 45000
del r
assert call(held) == 45000
        """
    )


def test_the_memory_lives_as_long_as_a_tensor_on_either_side():
    shared(
        """
s = rpc.shared_empty(10000).fill_(1)
call(hold, s)
del s
assert mapped() == 0
assert call(held) == 10000 and call(mapped) == 1
call(drop)
until(lambda: call(mapped) == 0)
        """
    )


def test_a_tensor_that_is_sent_often_is_mapped_once_and_a_loop_keeps_nothing():
    shared(
        """
s = rpc.shared_empty(10000).fill_(0)
for _ in range(50):
    s = call(ident, s)
assert mapped() == 1 and call(mapped) == 1
files = len(os.listdir("/proc/self/fd"))
for i in range(600):  # more than may be lent at once
    assert call(first, rpc.shared_empty(2000).fill_(i)) == i
until(lambda: call(mapped) <= 1)
assert len(os.listdir("/proc/self/fd")) <= files + 1
        """
    )


def test_what_comes_from_one_worker_goes_on_to_a_third_in_place():
    shared(
        """
s = rpc.shared_empty(10000).fill_(1)
rpc.rpc_sync("worker1", hold, args=(s,))
rpc.rpc_sync("worker1", rpc.rpc_sync, args=("worker2", hold, (s,)))
s.fill_(5)
assert rpc.rpc_sync("worker2", held) == 50000
rpc.rpc_sync("worker2", fill_held, args=(6,))
assert rpc.rpc_sync("worker1", held) == 60000
        """,
        size=3,
    )


def test_arrays_on_its_memory_and_containers_of_it_go_the_same_way():
    pytest.importorskip("numpy")
    shared(
        """
s = rpc.shared_empty(10000).fill_(1)
call(hold, {"x": [s, (s[:5000],)]}["x"][0])
array = s.numpy()
array[:] = 2
assert call(held) == 20000
call(hold, array)
array[:] = 3
assert call(held) == 30000
        """
    )


def test_references_hold_it_and_pickles_and_copies_do_not():
    shared(
        """
s = rpc.shared_empty(10000).fill_(1)
remote = rpc.remote(OTHER, ident, args=(s,))
back = remote.to_here()
back.fill_(2)
assert s.sum().item() == 20000
for other in (copy.deepcopy(s), pickle.loads(pickle.dumps(s)), s.clone(), s + 0):
    assert (other == s).all()
    call(add_one, other)
    assert other.sum().item() == 20000
assert rpc.RRef(s).local_value() is s
        """
    )


def test_each_dtype_arrives_and_a_bool_tensor_as_a_copy():
    shared(
        """
for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8):
    s = rpc.shared_empty(8192, dtype=dtype).fill_(1)
    call(hold, s)
    s.fill_(2)
    assert call(held) == 16384, dtype
s = rpc.shared_empty(8192, dtype=torch.bool).fill_(True)
call(hold, s)
s.fill_(False)
assert call(held) == 8192
        """
    )


@pytest.mark.parametrize(
    "options", ['transports="tcp"', 'transports=("unix", "tcp")', "max_mapped_bytes=0", "max_mapped_bytes=50000"]
)
def test_over_another_transport_and_beyond_the_budget_it_is_a_copy(options):
    shared(
        """
s = rpc.shared_empty(10000).fill_(1)
call(hold, s)
s.fill_(2)
assert call(held) == 10000
back = call(ident, s)
back.fill_(5)
assert s.sum().item() in (20000, 50000)  # this worker may have it in place
        """,
        options=options,
    )


def test_a_worker_of_registered_functions_gets_a_copy():
    run(
        2,
        """
        held = []
        @rpc.register
        def keep(x): held.append(x)
        @rpc.register
        def total() -> float: return held[-1].sum().item()
        rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(allow="registered" if RANK else "all"))
        if RANK == 0:
            s = rpc.shared_empty(10000).fill_(1)
            rpc.rpc_sync("worker1", "keep", args=(s,))
            s.fill_(2)
            assert rpc.rpc_sync("worker1", "total") == 10000
        rpc.shutdown()
        """,
    )


def test_the_death_of_its_maker_leaves_it_to_those_who_have_it():
    program = """
        rpc.init_rpc(NAME)
        if RANK == 0:
            s = rpc.shared_empty(10000).fill_(3)
            call(hold, s)
            print("held", flush=True)
            time.sleep(60)
        until(lambda: HELD)
        print("has it", flush=True)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                call(held)
                time.sleep(0.01)
            except Exception:
                break
        assert held() == 30000
        HELD[-1].fill_(1)
        assert held() == 10000
        drop()
        until(lambda: mapped() == 0)
        print("done", flush=True)
        os._exit(0)
        """
    with Cluster(2, program, preamble=SHARED) as cluster:
        cluster.wait_for(0, "held")
        cluster.wait_for(1, "has it")
        cluster.processes[0].kill()
        cluster.wait_for(1, "done")


def test_a_large_tensor_beside_it_comes_whole():
    shared(
        """
s = rpc.shared_empty(1000000).fill_(1)
big = torch.ones(1000000)
for _ in range(5):
    a, b, c = call(ident, (s, big, s[1000:]))
    assert a.sum().item() == 1000000 and b.sum().item() == 1000000 and c.shape == (999000,)
        """
    )


def test_the_sizes_are_those_of_empty_and_what_is_wrong_is_said():
    assert rpc.shared_empty(3, 4).shape == (3, 4)
    assert rpc.shared_empty((300, 400), dtype=torch.int64).shape == (300, 400)
    assert rpc.shared_empty([5000]).dtype == torch.float32
    assert rpc.shared_empty().shape == ()
    for sizes, kind in (((-1,), RuntimeError), (("x",), TypeError), ("xyz", TypeError), ((1.5,), TypeError), ((2**70,), OverflowError)):
        with pytest.raises(kind):
            rpc.shared_empty(*sizes) if isinstance(sizes, tuple) else rpc.shared_empty(sizes)
    with pytest.raises(TypeError):
        rpc.shared_empty(3, dtype="float32")


def test_the_budget_is_an_option_that_says_what_it_takes():
    assert rpc.RpcBackendOptions().max_mapped_bytes == 4 << 30
    for bad, kind in ((-1, ValueError), (1.5, TypeError), ("1", TypeError), (2**63, ValueError)):
        with pytest.raises(kind, match="max_mapped_bytes"):
            rpc.RpcBackendOptions(max_mapped_bytes=bad)
