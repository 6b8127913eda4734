"""Calls: their errors, their timeouts, their number, and what the agent says of itself."""

import gc
import os
import signal
import threading
import time

import pytest
import torch
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
from agent_world import init, run
from torch.multiprocessing.reductions import StorageWeakRef


def add(x, y):
    return x + y


def fail(text):
    raise ValueError(text)


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def fail_oddly():
    raise Odd(1, 2)


_released = threading.Event()


def wait_until_released():
    assert _released.wait(60)
    return True


def release():
    _released.set()


def chain(name, others, depth):
    """Calls the next worker from within this call, so deep that no pool of fixed size has a thread for each."""
    if depth == 0:
        return 0
    return 1 + rpc.rpc_sync(others[depth % len(others)], chain, args=(name, others, depth - 1))


def _errors(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 0:
        for to in ("w0", "w1"):
            with pytest.raises(ValueError, match=f"On WorkerInfo.*{to}"):
                rpc.rpc_sync(to, fail, args=("missing",))
            with pytest.raises(Exception, match="Odd"):
                rpc.rpc_sync(to, fail_oddly)
            with pytest.raises(RuntimeError, match="The size of tensor a"):
                rpc.rpc_sync(to, torch.add, args=(torch.ones(2), torch.ones(3)))
        with pytest.raises(RuntimeError, match="destination worker .?w7"):
            rpc.rpc_sync("w7", add, args=(1, 2))
        with pytest.raises(RuntimeError, match="destination worker (with id )?7"):
            rpc.get_worker_info(7)
    rpc.shutdown()


def test_an_error_of_the_callee_arrives_with_its_type_and_words():
    run(_errors, 2)


def _timeouts(rank, world_size, path):
    init(rank, world_size, path, rpc_timeout=0.3)
    texts = []
    if rank == 0:
        began = time.monotonic()
        for to in ("w1", "w0"):
            with pytest.raises(RuntimeError) as by_default:
                rpc.rpc_sync(to, wait_until_released)
            texts.append(str(by_default.value))
        with pytest.raises(RuntimeError) as by_argument:
            rpc.rpc_async("w1", wait_until_released, timeout=0.2).wait()
        texts.append(str(by_argument.value))
        with pytest.raises(RuntimeError, match="RPC ran for more than"):
            rpc.rpc_sync("w1", wait_until_released, timeout=0.0001)
        assert time.monotonic() - began < 20
        for_ever = [rpc.rpc_async(to, wait_until_released, timeout=0) for to in ("w0", "w1")]
        for to in ("w0", "w1"):
            rpc.rpc_sync(to, release, timeout=60)
        assert torch.futures.wait_all(for_ever) == [True, True]
        assert rpc.get_rpc_timeout() == pytest.approx(0.3, abs=1e-3)
        rpc._set_rpc_timeout(60)
        assert rpc.rpc_sync("w1", add, args=(1, 2)) == 3
    else:
        rpc._set_rpc_timeout(60)
    rpc.shutdown()
    return texts


def test_a_timeout_has_pytorchs_words_in_one_piece_and_names_the_worker():
    first, to_self, second = run(_timeouts, 2)[0]
    assert "RPC ran for more than set timeout (300 ms) and will now be marked with an error" in first
    assert '"w1"' in first and "PYTHON_CALL" in first and '"w0"' in to_self
    assert "RPC ran for more than set timeout (200 ms) and will now be marked with an error" in second


def _many(rank, world_size, path):
    init(rank, world_size, path, num_worker_threads=2)
    if rank == 0:
        x = torch.ones(2)
        futures = [rpc.rpc_async(f"w{i % 2}", add, args=(x, i)) for i in range(1000)]
        futures += [rpc.rpc_async(f"w{i % 2}", torch.add, args=(x, i)) for i in range(1000)]
        for i, result in enumerate(torch.futures.wait_all(futures)):
            assert torch.equal(result, x + i % 1000)
        assert rpc.rpc_sync("w1", chain, args=("w0", ["w0", "w1"], 40)) == 40
        blocked = [rpc.rpc_async("w1", wait_until_released) for _ in range(20)]
        assert rpc.rpc_sync("w1", add, args=(1, 2)) == 3
        rpc.rpc_sync("w1", release)
        assert all(torch.futures.wait_all(blocked))
    rpc.shutdown()


def test_calls_that_block_or_nest_beyond_the_pools_threads_starve_nobody():
    run(_many, 2)


def _says(rank, world_size, path):
    init(rank, world_size, path, num_worker_threads=3)
    agent = rpc.api._get_current_rpc_agent()
    assert agent.get_worker_info().name == f"w{rank}" and agent.get_worker_info("w1").id == 1
    assert agent.get_worker_info(0).name == "w0"
    assert sorted((w.name, w.id) for w in agent.get_worker_infos()) == [("w0", 0), ("w1", 1)]
    assert agent._get_device_map(agent.get_worker_info("w1")) == {} and agent.is_static_group
    assert agent._get_backend_options().num_worker_threads == 3
    info = agent.get_debug_info()
    assert info["agent.thread_pool_size"] == "3" and "agent.gil_average_wait_time_us" not in info
    assert {"agent.num_idle_threads", "agent.client_active_calls", "agent.server_active_calls",
            "agent.server_active_async_calls"} <= info.keys()  # fmt: skip
    rpc.enable_gil_profiling(True)
    rpc.rpc_sync(f"w{1 - rank}", add, args=(1, 2))
    rpc.rpc_sync(f"w{rank}", add, args=(1, 2))
    assert float(agent.get_metrics()["agent.gil_average_wait_time_us"]) >= 0
    agent.join()
    agent.join()
    agent.sync()
    rpc.shutdown()
    with pytest.raises(RuntimeError, match="RPC has not been initialized"):
        rpc.rpc_sync("w0", add, args=(1, 2))


def test_the_agent_says_who_there_is_and_how_it_is():
    run(_says, 2)


def own(x):
    return x * 2


def _above(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 0:
        rref = rpc.remote("w1", own, args=(torch.ones(2),))
        assert torch.equal(rref.to_here(), torch.full((2,), 2.0))
        assert rref.rpc_sync().add(1).tolist() == [3.0, 3.0]
        assert rpc.rpc_sync("w1", torch.Tensor.sum, args=(rref.to_here(),)) == 4
        with dist_autograd.context() as context:
            a = torch.ones(3, requires_grad=True)
            b = rpc.rpc_sync("w1", torch.mul, args=(a, a))
            loss = rpc.rpc_sync("w1", own, args=(b,)).sum()
            dist_autograd.backward(context, [loss])
            assert dist_autograd.get_gradients(context)[a].tolist() == [4.0, 4.0, 4.0]
    rpc.shutdown()


def test_rrefs_and_distributed_autograd_run_over_it():
    run(_above, 2)


def _again(rank, world_size, path):
    for life in range(3):
        init(rank, world_size, path + str(life))
        assert rpc.rpc_sync(f"w{1 - rank}", add, args=(life, 1)) == life + 1
        rpc.shutdown()


def test_rpc_is_started_again_after_its_shutdown():
    run(_again, 2)


def _straggles(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 0:
        began = time.monotonic()
        with pytest.raises(RuntimeError) as error:
            rpc.api._get_current_rpc_agent().join(timeout=0.5)
        assert time.monotonic() - began < 10
        assert "these have not come" in str(error.value) and '"w1"' in str(error.value)
        assert '"w0"' not in str(error.value).split("these have not come")[1]
        rpc.rpc_sync("w1", release)
    else:
        assert wait_until_released()
    rpc.shutdown()


def test_a_join_that_runs_out_of_time_names_who_has_not_come():
    run(_straggles, 2)


def hold(tensor, text, path):
    open(f"{path}.begun", "w").close()
    assert wait_until_released()
    return tensor.sum().item(), len(text)


def _let_go(rank, world_size, path):
    init(rank, world_size, path)
    x = torch.ones(1 << 20)
    wide = torch.ones(4, 1 << 20)[:, ::4]  # packed when it is sent
    originals = [StorageWeakRef(t.untyped_storage()) for t in (x, wide)]
    futures = [rpc.rpc_async("w0", hold, args=(t, "x" * 100_000, f"{path}{i}")) for i, t in enumerate((x, wide))]
    del x, wide
    until = time.monotonic() + 60
    while not all(os.path.exists(f"{path}{i}.begun") for i in range(2)):
        assert time.monotonic() < until
        time.sleep(0.001)
    gc.collect()
    assert [original.expired() for original in originals] == [True, True]
    release()
    assert torch.futures.wait_all(futures) == [(1 << 20, 100_000)] * 2
    rpc.shutdown()


def test_a_call_to_oneself_keeps_the_copies_and_lets_the_originals_go():
    run(_let_go, 1)


def _no_room(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 1:
        threading.Event().wait()
    pid = rpc.rpc_sync("w1", os.getpid)
    agent = rpc.api._get_current_rpc_agent()
    os.kill(pid, signal.SIGSTOP)
    sent = []

    def full():
        return int(agent.get_metrics()["agent.client_active_calls"]) > 65536

    def interrupt():
        until = time.monotonic() + 80
        while not full():
            assert time.monotonic() < until
            time.sleep(0.01)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    args = (torch.ones(1), 1)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(66_000):
            rpc.rpc_async("w1", torch.add, args=args, timeout=0)
    took = time.monotonic() - sent[0]
    thread.join()

    ended = []

    def call():
        try:
            rpc.rpc_async("w1", torch.add, args=args, timeout=0).wait()
        except RuntimeError as error:
            ended.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    while not full():
        time.sleep(0.001)
    rpc.shutdown(graceful=False)
    thread.join(30)
    os.kill(pid, signal.SIGKILL)
    assert len(ended) == 1 and "no longer running" in ended[0]
    return took


def test_a_call_that_waits_for_room_is_ended_by_ctrl_c_and_by_shutdown():
    assert run(_no_room, 2, expect_death={1})[0] < 2  # 50 ms, on an idle machine
