"""A worker that dies, stops or leaves: what the others see, how soon, and how they end."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import torch
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
from agent_world import init, run


def add(x, y):
    return x + y


# The worker and what became of it, once each, and what PyTorch's programs look for.
WORDS = r"PYTHON_CALL failed: worker 'w1' \(id 1\) died(?!.*died)(?!.*w1).*: .* \(Connection closed by peer\)"


_added = threading.Event()


def add_and_tell(x, y):
    _added.set()
    return x + y


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def wait_for_ever():
    threading.Event().wait(1000)


class DiesInBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        die()


def through(x):
    return DiesInBackward.apply(x)


def _killed(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 1:
        wait_for_ever()
    if rank == 2:
        with pytest.raises(RuntimeError, match="w1"):
            rpc.rpc_sync("w1", wait_for_ever)
        assert _added.wait(60)
    else:
        pending = [rpc.rpc_async("w1", wait_for_ever) for _ in range(20)]
        rpc.rpc_sync("w1", add, args=(1, 2))
        began = time.monotonic()
        rpc.rpc_async("w1", die)
        for future in pending:
            with pytest.raises(RuntimeError) as error:
                future.wait()
            assert re.fullmatch(WORDS, str(error.value)), str(error.value)
        with pytest.raises(RuntimeError, match="w1.*died"):
            rpc.rpc_sync("w1", add, args=(1, 2))
        assert time.monotonic() - began < 5
        assert rpc.rpc_sync("w2", add_and_tell, args=(1, 2)) == 3
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="w1") as error:
        rpc.shutdown()
    assert str(error.value).count("w1") == 1, str(error.value)
    return time.monotonic() - began


def test_a_killed_worker_ends_every_call_to_it_and_shutdown_names_it():
    took = run(_killed, 3, expect_death={1})
    assert took[0] < 3 and took[2] < 3  # a second, on an idle machine


def _keeper_killed(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 0:
        wait_for_ever()
    if rank == 1:
        rpc.rpc_async("w0", die)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="w0"):
        rpc.shutdown()
    return time.monotonic() - began


def test_shutdown_ends_when_the_worker_that_counts_them_dies():
    took = run(_keeper_killed, 3, expect_death={0})
    assert max(took[1:]) < 5


def _stopped(rank, world_size, path):
    init(rank, world_size, path, heartbeat_interval=0.2, heartbeat_timeout=1.0)
    if rank == 1:
        rpc.shutdown(graceful=False)
        return
    pid = rpc.rpc_sync("w1", os.getpid)
    pending = rpc.rpc_async("w1", wait_for_ever)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(RuntimeError, match="w1"):
            pending.wait()
        assert time.monotonic() - began < 20
        with pytest.raises(RuntimeError, match="w1"):
            rpc.shutdown()
    finally:
        os.kill(pid, signal.SIGKILL)


def _stopped_waits(rank, world_size, path):
    if rank == 1:
        init(rank, world_size, path, heartbeat_interval=0.2, heartbeat_timeout=1.0)
        wait_for_ever()
    _stopped(rank, world_size, path)


def test_a_stopped_worker_counts_as_dead_after_the_heartbeat_timeout():
    run(_stopped_waits, 2, expect_death={1})


def _backward(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 1:
        wait_for_ever()
    began = time.monotonic()
    with dist_autograd.context() as context:
        a = torch.ones(3, requires_grad=True)
        loss = rpc.rpc_sync("w1", through, args=(a,)).sum()
        with pytest.raises(RuntimeError, match="w1"):
            dist_autograd.backward(context, [loss])
    with pytest.raises(RuntimeError, match="w1"):
        rpc.shutdown()
    return time.monotonic() - began


def test_a_worker_lost_during_backward_ends_it():
    assert run(_backward, 2, expect_death={1})[0] < 10


def _left(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 1:
        rpc.shutdown(graceful=False)
        return
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            rpc.rpc_sync("w1", add, args=(1, 2))
        except RuntimeError as error:
            assert "w1" in str(error)
            break
    else:
        raise AssertionError("w1 has left, but calls to it go on")
    with pytest.raises(RuntimeError, match="w1.*has left"):
        rpc.shutdown()


def test_a_worker_that_left_alone_is_told_from_one_that_died():
    run(_left, 2)


def _no_shutdown(rank, world_size, path):
    init(rank, world_size, path)
    rref = rpc.remote(f"w{1 - rank}", add, args=(torch.ones(2), 1))
    rref.to_here()
    open(f"{path}.{rank}", "w").close()
    until = time.monotonic() + 60
    while not os.path.exists(f"{path}.{1 - rank}"):  # who ends answers no more
        assert time.monotonic() < until
        time.sleep(0.001)
    rpc.rpc_async(f"w{1 - rank}", wait_for_ever, timeout=0)
    rpc.rpc_async(f"w{1 - rank}", time.sleep, args=(0.05,))
    globals()["kept"] = rref, torch.ones(2)


def test_a_program_that_ends_without_shutdown_ends():
    run(_no_shutdown, 2)


def test_a_program_ends_while_a_handler_never_returns(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import sys, time
            import torch.distributed.rpc as rpc
            import tine.pytorch

            def sleep():
                time.sleep(1000)

            def sleep_in_slices():
                while True:
                    time.sleep(0.01)

            rpc.init_rpc("w0", backend=rpc.BackendType.TINE, rank=0, world_size=1,
                rpc_backend_options=tine.pytorch.TineRpcBackendOptions(init_method="file://{tmp_path}/store"))
            for f in (sleep, sleep_in_slices):
                rpc.rpc_async("w0", f)
                rpc.rpc_async("w0", time.sleep, args=(0.01,)).wait()
            print("ends", flush=True)
            sys.exit(7)
            """
        )
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=80)
    assert done.returncode == 7, done.stderr
    assert done.stdout == "ends\n"
    assert "did not return" in done.stderr


# ---- handlers that run while their worker ends


def answer_later(path, seconds):
    open(f"{path}.begun", "w").close()
    time.sleep(seconds)
    return seconds


@rpc.functions.async_execution
def answer_later_still(path, seconds):
    future = torch.futures.Future()

    def answer():
        time.sleep(seconds)
        future.set_result(seconds)

    # One that ends in time is waited for: CPython ends a daemon in the midst of PyTorch's code, which aborts the process.
    threading.Thread(target=answer, daemon=seconds > 1).start()
    open(f"{path}.begun", "w").close()
    return future


def _ends_within(rank, world_size, path, function, seconds, how):
    init(rank, world_size, path)
    if rank == 1:
        until = time.monotonic() + 60
        while not os.path.exists(f"{path}.begun"):
            assert time.monotonic() < until
            time.sleep(0.001)
        if how == "shutdown":
            began = time.monotonic()
            rpc.shutdown(graceful=False)
            return time.monotonic() - began
        return None  # the program ends
    future = rpc.rpc_async("w1", function, args=(path, seconds))
    if seconds < 1:
        assert future.wait() == seconds
    else:
        with pytest.raises(RuntimeError, match="worker 'w1'.*has left"):
            future.wait()
    rpc.shutdown(graceful=False)
    return None


@pytest.mark.parametrize("how", ["shutdown", "exit"])
@pytest.mark.parametrize("function", [answer_later, answer_later_still])
def test_a_handler_that_runs_while_its_worker_ends_gets_its_answer_out(function, how):
    run(_ends_within, 2, function, 0.3, how)


def test_a_handler_that_takes_longer_than_the_end_of_its_worker_is_not_waited_for():
    took = run(_ends_within, 2, answer_later_still, 20.0, "shutdown")[1]
    assert took < 6  # a second, on an idle machine
