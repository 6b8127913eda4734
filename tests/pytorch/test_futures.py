"""PyTorch's futures among tine's, tine's where PyTorch wants its own, and the mode of gradients on other threads."""

import concurrent.futures
import gc
import os
import subprocess
import sys
import textwrap
import threading

import pytest
import torch
import torch.distributed as dist

import tine
from tine.futures import (
    Future,
    as_completed,
    collect_all,
    collect_all_settled,
    collect_any,
    gather,
    pool,
    wait_all,
)
from tine.pytorch._futures import install_futures, to_torch_future, uninstall_futures

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "rpc"))
import cluster  # noqa: E402

Torch = torch.futures.Future


class Marked(Exception):
    """Raised by the tests alone."""


@pytest.fixture
def gloo(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


# ---- PyTorch's among tine's


def test_every_combinator_takes_pytorchs():
    t, c, f = Torch(), concurrent.futures.Future(), Future()
    inputs = [t, c, f]
    results = [function(inputs) for function in (collect_all, collect_all_settled, gather)]
    first, order = collect_any(inputs), as_completed(inputs)
    value = torch.ones(2)
    t.set_result(value)
    assert first.wait(timeout=10) == (0, t) and next(order) is t
    c.set_result(1)
    f.set_result(2)
    assert [result.wait(timeout=10) for result in results[:2]] == [inputs, inputs]
    assert results[2].wait(timeout=10)[0] is value and list(order) == [c, f]
    assert wait_all(inputs, timeout=10)[1:] == [1, 2]


def test_an_error_of_a_future_of_pytorchs_is_the_very_object():
    error, t, pending = Marked(), Torch(), Future()
    early = [gather(t, pending), collect_all([t])]
    t.set_exception(error)
    assert [result.exception(timeout=10) for result in early] == [error] * 2
    with pytest.raises(Marked) as caught:
        wait_all([Torch(), t], timeout=10)
    assert caught.value is error


def test_what_a_callback_of_pytorchs_raised_is_its_runtime_error():
    t = Torch()
    made = t.then(lambda t: {}["absent"])
    result = gather(made)
    t.set_result(1)
    with pytest.raises(RuntimeError, match="KeyError: 'absent'"):
        result.wait(timeout=10)


def test_futures_of_c10d_and_of_fork_are_taken(gloo):
    tensor = torch.ones(4)
    work = dist.all_reduce(tensor, async_op=True).get_future()
    fork = torch.jit.fork(lambda x: x + 1, tensor)
    assert type(work) is type(fork) is torch._C.Future and not isinstance(work, Torch)
    reduced, forked = gather(work, fork).wait(timeout=60)
    assert reduced[0] is tensor and torch.equal(forked, torch.full((4,), 2.0))


def test_a_future_of_pytorchs_that_another_thread_completes_wakes_who_waits():
    for _ in range(20):
        futures = [Torch() for _ in range(8)]
        threads = [threading.Thread(target=f.set_result, args=(i,)) for i, f in enumerate(futures)]
        order, result = as_completed(futures, timeout=60), collect_all(futures)
        for thread in threads:
            thread.start()
        assert wait_all(futures, timeout=60) == list(range(8)) and set(order) == set(futures)
        assert result.wait(timeout=60) == futures
        for thread in threads:
            thread.join()


def test_an_async_function_may_return_a_future_of_pytorchs():
    cluster.run(2, """
        import concurrent.futures
        def later(future, value):
            threading.Thread(target=future.set_result, args=(value,)).start()
            return future
        @rpc.functions.async_execution
        def plain(x): return later(torch.futures.Future(), x + 1)
        @rpc.functions.async_execution
        def forked(x): return torch.jit.fork(lambda x: x + 2, x)
        @rpc.functions.async_execution
        def chained(x): return later(torch.futures.Future(), x).then(lambda f: f.value() + 3)
        @rpc.functions.async_execution
        def concurrent_(x): return later(concurrent.futures.Future(), x + 4)
        @rpc.functions.async_execution
        def fails():
            future = torch.futures.Future()
            future.set_exception(KeyError("absent"))
            return future
        rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                got = [rpc.rpc_sync(to, f, args=(5,)) for f in (plain, forked, chained, concurrent_)]
                assert got == [6, 7, 8, 9], got
                try:
                    rpc.rpc_sync(to, fails)
                except KeyError as error:
                    assert "absent" in str(error)
                else:
                    raise AssertionError("it did not fail")
        rpc.shutdown()
        """, preamble="import torch\n" + cluster.PREAMBLE.replace("import tine as torch", "import tine"))


# ---- tine's where PyTorch wants its own


def test_to_torch_future_takes_values_errors_and_what_is_done():
    f, value = Future(), object()
    made = to_torch_future(f)
    assert isinstance(made, torch._C.Future) and not made.done()
    f.set_result(value)
    assert made.wait() is value and to_torch_future(f).value() is value
    assert made.then(lambda made: made.value()).wait() is value


def test_tensors_of_tine_become_pytorchs_over_the_same_memory():
    f, mine, theirs, odd = Future(), tine.ones(3), torch.ones(2), object()
    made = to_torch_future(f)
    f.set_result([mine, (theirs, {"a": mine, 1: odd}), odd])
    first, (second, named), third = made.wait()
    assert type(first) is torch.Tensor and second is theirs and named[1] is third is odd
    first.fill_(7)
    assert mine.tolist() == named["a"].tolist() == [7, 7, 7]


def test_a_value_without_tensors_of_tine_is_the_very_object():
    for value in ([torch.ones(1), (1, 2)], {"a": [1]}, (), [], Marked("not raised"), None):
        f = Future()
        f.set_result(value)
        assert to_torch_future(f).wait() is value


def test_a_failure_is_an_error_of_the_future_and_ends_collect_all_early():
    for fail in (lambda f: f.set_exception(Marked("what was wrong")), lambda f: f.cancel()):
        f = Future()
        made = to_torch_future(f)
        never = Torch()
        together = torch.futures.collect_all([never, made])
        fail(f)
        assert made.done() and together.done()
        for wait in (made.wait, made.value, together.wait, lambda: torch.futures.wait_all([never, made])):
            with pytest.raises(RuntimeError, match="Marked: what was wrong|Cancelled"):
                wait()


def test_a_future_that_nobody_can_complete_fails_the_converted_one():
    made = to_torch_future(Future())
    gc.collect()
    with pytest.raises(RuntimeError, match="Abandoned"):
        made.wait()


def test_to_torch_future_takes_others_futures_and_hands_pytorchs_back():
    c, t = concurrent.futures.Future(), Torch()
    made = to_torch_future(c)
    c.set_result(5)
    assert made.wait() == 5 and to_torch_future(t) is t and to_torch_future(made) is made
    with pytest.raises(TypeError, match=r"to_torch_future\(\): expected a Future, got 3 of type int"):
        to_torch_future(3)


def test_to_torch_future_of_what_the_pool_runs():
    results = [to_torch_future(pool.submit(torch.add, torch.ones(2), k)) for k in range(50)]
    assert [r.wait().tolist() for r in results] == [[k + 1, k + 1] for k in range(50)]


def test_installed_functions_of_many_take_tines_and_are_pytorchs_for_pytorchs_alone():
    before = torch.futures.collect_all, torch.futures.wait_all
    for _ in range(2):
        install_futures()
    try:
        assert torch.futures.collect_all is not before[0]
        t, f, c = Torch(), Future(), concurrent.futures.Future()
        alone, mixed = torch.futures.collect_all([t]), torch.futures.collect_all([t, f, c])
        assert type(alone) is torch._C.Future and type(mixed) is Future
        assert type(torch.futures.collect_all([])) is torch._C.Future
        for k, future in enumerate((t, f, c)):
            future.set_result(k)
        assert torch.futures.wait_all(future for future in (t, f, c)) == [0, 1, 2] == gather(mixed.wait()).wait()
        assert torch.futures.wait_all([t]) == [0] and [x.wait() for x in alone.wait()] == [0]
        with pytest.raises(TypeError, match="element 1 is 3"):
            torch.futures.collect_all([t, 3])
    finally:
        for _ in range(2):
            uninstall_futures()
    assert (torch.futures.collect_all, torch.futures.wait_all) == before


DDP_PROGRAM = textwrap.dedent("""
    import sys, torch, torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel as DDP
    import tine
    from tine.futures import collect_all, gather, pool
    from tine.pytorch._futures import to_torch_future

    rank, store = int(sys.argv[1]), sys.argv[2]
    dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)

    def averaged(state, bucket):
        sent = bucket.buffer() / 2
        work = dist.all_reduce(sent, async_op=True).get_future()
        return to_torch_future(gather(work).then(lambda f: f.value()[0][0]))

    def elsewhere(state, bucket):
        def reduce(sent):
            dist.all_reduce(sent)
            return [sent.mul_(0.5)]
        return to_torch_future(pool.submit(reduce, bucket.buffer().clone()).and_then(lambda sent: sent[0]))

    def in_tine(state, bucket):
        sent = bucket.buffer()
        dist.all_reduce(sent)
        return to_torch_future(pool.submit(lambda: tine.from_dlpack(sent) * 0.5))

    def failing(state, bucket):
        return to_torch_future(pool.submit(lambda: {}["the bucket"]))

    def gradients(hook):
        torch.manual_seed(7)
        model = DDP(torch.nn.Sequential(torch.nn.Linear(40, 300), torch.nn.ReLU(), torch.nn.Linear(300, 5)),
                    bucket_cap_mb=0.02)
        if hook is not None:
            model.register_comm_hook(None, hook)
        got = []
        for step in range(3):
            torch.manual_seed(10 * step + rank)
            model.zero_grad()
            model(torch.randn(16, 40)).square().sum().backward()
            got.append([p.grad.clone() for p in model.parameters()])
        return got

    tine.set_num_threads(1)  # the collectives of both processes in the same order
    expected = gradients(None)
    for hook in (averaged, elsewhere, in_tine):
        for ours, theirs in zip(gradients(hook), expected):
            assert all(torch.equal(a, b) for a, b in zip(ours, theirs)), hook.__name__
    try:
        gradients(failing)
    except RuntimeError as error:
        assert "KeyError: 'the bucket'" in str(error), error
    else:
        raise AssertionError("the hook's error was lost")
    print("equal", flush=True)
    dist.barrier()
""")


def test_a_communication_hook_of_ddp_written_with_tines_futures_gives_the_gradients_of_none(tmp_path):
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", DDP_PROGRAM, str(rank), str(tmp_path / "store")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]
    try:
        ends = [worker.communicate(timeout=100) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [out for out, _ in ends] == ["equal\n"] * 2, ends


# ---- the mode of gradients


def mode():
    return torch.is_grad_enabled(), torch.is_inference_mode_enabled()


DEFAULT, NO_GRAD, INFERENCE = (True, False), (False, False), (False, True)
MODES = [(torch.no_grad, NO_GRAD), (torch.inference_mode, INFERENCE), (torch.enable_grad, DEFAULT)]


@pytest.mark.parametrize("enter, expected", MODES)
def test_a_function_of_the_pool_runs_in_the_mode_of_its_caller(enter, expected):
    # As PyTorch's fork does, wherever it runs: here by a thread of the pool, and by the thread that waits.
    with enter():
        elsewhere, here = pool.submit(mode), pool.submit(mode)
    assert elsewhere.wait(timeout=60) == here.wait() == expected and mode() == DEFAULT
    with torch.no_grad():
        assert pool.submit(mode).wait() == torch.jit.wait(torch.jit.fork(mode)) == NO_GRAD
    submitted = pool.submit(mode)
    with enter():
        assert submitted.wait() == DEFAULT and mode() == expected


def test_a_function_of_the_pool_leaves_no_mode_behind():
    threads = tine.get_num_threads()
    tine.set_num_threads(1)
    try:
        pool.submit(torch._C._set_grad_enabled, False).wait(timeout=60)
        look = Future()
        look.then(lambda _: mode())
        assert pool.submit(lambda: None).then(lambda _: mode()).wait(timeout=60) == DEFAULT
        assert pool.submit(mode).wait(timeout=60) == DEFAULT
        guards = [torch.inference_mode(on) for on in (True, False)]
        pool.submit(guards[0].__enter__).wait(timeout=60)
        assert pool.submit(lambda: None).then(lambda _: mode()).wait(timeout=60) == DEFAULT
        assert pool.submit(mode).wait(timeout=60) == DEFAULT
        pool.submit(guards[0].__enter__).wait()  # here, perhaps
        assert mode() == DEFAULT
        with torch.inference_mode():
            pool.submit(guards[1].__enter__).wait()
            assert mode() == INFERENCE
        assert mode() == DEFAULT
    finally:
        tine.set_num_threads(threads)


def test_a_tensor_made_by_the_pool_records_gradients_as_its_caller_would():
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        off = pool.submit(lambda: x * 2)
    with torch.inference_mode():
        inference = pool.submit(lambda: x * 2)
    on = pool.submit(lambda: x * 2)
    assert not off.wait(timeout=60).requires_grad and inference.wait(timeout=60).is_inference()
    assert on.wait(timeout=60).requires_grad


@pytest.mark.parametrize("make", [Torch, Future])
def test_a_callback_runs_in_the_mode_of_the_thread_that_completes(make):
    seen = []
    with torch.no_grad():
        f = make()
        f.then(lambda _: seen.append(mode()))
        f.add_done_callback(lambda _: seen.append(mode()))
    f.set_result(1)
    g = make()
    g.then(lambda _: seen.append(mode()))
    with torch.inference_mode():
        g.set_result(1)
    with torch.no_grad():
        f.then(lambda _: seen.append(mode()))
    assert seen == [DEFAULT, DEFAULT, INFERENCE, NO_GRAD]


def test_callbacks_of_what_the_pool_runs_are_in_the_mode_of_its_caller():
    for executor in (None, pool):
        go = threading.Event()
        with torch.no_grad():
            f = pool.submit(lambda: go.wait(60))
        called = f.then(lambda _: mode(), executor=executor)
        chained = called.then(lambda _: mode(), executor=executor)
        go.set()
        assert called.wait(timeout=60) == chained.wait(timeout=60) == NO_GRAD


def test_callbacks_of_a_scripts_fork_are_in_the_mode_of_its_caller():
    @tine.jit.script
    def slow(x: int) -> int:
        total = 0
        for i in range(3000000):
            total += i
        return total + x

    @tine.jit.script
    def fork(x: int):
        return tine.jit.fork(slow, x)

    with torch.no_grad():
        f = fork(1)
    assert not f.done()
    f.then(lambda _: torch._C._set_grad_enabled(True))  # seen by nobody else
    assert f.then(lambda _: mode()).wait(timeout=60) == NO_GRAD


RPC_PROGRAM = """
gate = threading.Semaphore(0)
def go(): gate.release()
def mode(): return torch.is_grad_enabled(), torch.is_inference_mode_enabled()
def gated():
    assert gate.acquire(timeout=60)
    return mode()
@rpc.functions.async_execution
def asynchronous():
    with torch.no_grad():
        f = rpc.rpc_async("worker0", gated)
    result = f.then(lambda f: (f.value(), mode()))
    rpc.rpc_sync("worker0", go)
    return result
class Gated:
    def look(self): return gated()
def leave():
    torch._C._set_grad_enabled(False)
    return threading.get_ident()
def mode_and_thread(): return mode(), threading.get_ident()
# The last one has one thread for everything.
threads = {"rpc_backend_options": rpc.TensorPipeRpcBackendOptions(num_worker_threads=1)} if RANK == 2 else {}
rpc.init_rpc(NAME, rank=RANK, world_size=WORLD, **threads)
if RANK == 0:
    got = {}
    left = rpc.rpc_sync("worker2", leave)
    got["what a function leaves set", "no_grad", "worker2"], where = rpc.rpc_sync("worker2", mode_and_thread)
    assert where == left
    for to in ("worker1", "worker0"):
        rref = rpc.remote(to, Gated)
        rref.to_here()
        def seen(enter, follow):
            if follow == "after one that leaves it off":
                f = rpc.rpc_async(to, gated).then(lambda f: torch._C._set_grad_enabled(False))
                rpc.rpc_sync(to, go)
                f.wait()
            with enter():
                f = rref.rpc_async().look() if follow == "proxy" else rpc.rpc_async(to, gated)
                f = collect_all([f]) if follow == "collect_all" else f
            if follow == "chain": f = f.then(lambda f: None)
            if follow == "done": rpc.rpc_sync(to, go); f.wait()
            f = f.then(lambda f: mode())
            if follow != "done": rpc.rpc_sync(to, go)
            return f.wait()
        for name, enter in (("grad", torch.enable_grad), ("no_grad", torch.no_grad), ("inference", torch.inference_mode)):
            with enter():
                got["handler", name, to] = rpc.rpc_sync(to, mode)
            for follow in ("then", "chain", "collect_all", "proxy", "after one that leaves it off", "done"):
                got[follow, name, to] = seen(enter, follow)
        with torch.no_grad():
            got["async function", "no_grad", to] = rpc.rpc_sync(to, asynchronous)
    for key in sorted(got): print(key, got[key])
rpc.shutdown()
"""


def test_calls_and_their_callbacks_have_the_modes_that_pytorchs_have():
    def outcome(backend):
        preamble = f"""
import warnings; warnings.simplefilter("ignore")
import os, threading, time, torch, tine
from {backend}.distributed import rpc
from {backend}.futures import collect_all
RANK = int(os.environ["RANK"]); WORLD = int(os.environ["WORLD_SIZE"]); NAME = f"worker{{RANK}}"
"""
        with cluster.Cluster(3, RPC_PROGRAM, preamble=preamble) as workers:
            ends = workers.finish(100)
        assert [code for code, _, _ in ends] == [0] * 3, ends
        return ends[0][1].splitlines()

    expected = outcome("torch")
    assert len(expected) == 45 and "('then', 'no_grad', 'worker1') (False, False)" in expected
    assert outcome("tine") == expected
