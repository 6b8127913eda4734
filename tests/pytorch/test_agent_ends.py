"""Starts that fail, groups that workers come to and go from, and ends in odd places."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch
import torch.distributed.rpc as rpc
from agent_world import init, run


def program(folder, text, *arguments, flags=()):
    """Runs a program of one worker; what it printed."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(text).replace("STORE", f"file://{folder}/store"))
    done = subprocess.run([sys.executable, *flags, path, *arguments], capture_output=True, text=True, timeout=80)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def wait_for(store_path, name):
    until = time.monotonic() + 60
    while not os.path.exists(f"{store_path}.{name}"):
        assert time.monotonic() < until, f"nobody said {name}"
        time.sleep(0.01)


def say(store_path, name):
    open(f"{store_path}.{name}", "w").close()


# ---- starting


def _dies_while_meeting(rank, world_size, path):
    if rank == 2:
        import tine.pytorch  # noqa: F401 - registers the backend
        from tine.pytorch import _agent_class

        _agent_class.Agent.connect = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="w2"):
        init(rank, world_size, path)
    return time.monotonic() - began


def test_a_worker_that_dies_behind_its_card_ends_the_start_of_the_others_at_once():
    took = run(_dies_while_meeting, 3, expect_death={2})
    assert max(took[:2]) < 30  # their timeout is a minute


# ---- groups that workers come to and go from


def _comes_twice(rank, world_size, path):
    if rank == 0:
        init(0, None, path)
        say(path, "first")
        wait_for(path, "refused")
    else:
        wait_for(path, "first")
        with pytest.raises(RuntimeError, match="not unique"):
            init(0, None, path)
        say(path, "refused")
        return None
    began = time.monotonic()
    rpc.shutdown()
    return time.monotonic() - began


def test_a_worker_that_fails_to_join_a_dynamic_group_keeps_nobody_from_leaving():
    assert run(_comes_twice, 2)[0] < 20  # PyTorch's would wait a minute for its token


def _other_secret(rank, world_size, path):
    if rank == 0:
        init(0, None, path)
        say(path, "first")
        wait_for(path, "refused")
        assert [w.name for w in rpc.api._get_current_rpc_agent().get_worker_infos()] == ["w0"]
    else:
        wait_for(path, "first")
        with pytest.raises(RuntimeError, match="secret"):
            init(1, None, path, secret="x" * 32)
        say(path, "refused")
        return
    rpc.shutdown()


def test_a_worker_of_another_secret_is_told_so_by_a_dynamic_group_and_starts_none_of_its_own():
    run(_other_secret, 2)


def name():
    return rpc.get_worker_info().name


def _comes_again(rank, world_size, path):
    lives = 3
    if rank == 0:
        init(0, None, path)
        for life in range(lives):
            say(path, f"ready{life}")
            wait_for(path, f"here{life}")
            assert rpc.rpc_sync("w1", name) == "w1"
            assert rpc.api._all_gather(life, {"w0", "w1"}, timeout=30) == {"w0": life, "w1": life}
            say(path, f"gathered{life}")
            wait_for(path, f"gone{life}")
        rpc.shutdown()
    else:
        for life in range(lives):
            wait_for(path, f"ready{life}")
            init(1, None, path)
            rpc.api._all_gather_sequence_id["w0w1"] = life
            say(path, f"here{life}")
            assert rpc.api._all_gather(life, {"w0", "w1"}, timeout=30) == {"w0": life, "w1": life}
            wait_for(path, f"gathered{life}")
            rpc.shutdown()
            say(path, f"gone{life}")
            # The prefix of the store counts the calls of init_rpc of a process.
            rpc._init_counter -= 1


def test_a_worker_that_left_a_dynamic_group_and_came_again_is_gathered_with():
    run(_comes_again, 2)


# ---- ends


def _shuts_down_in_a_callback(rank, world_size, path):
    init(rank, world_size, path)
    if rank == 1:
        rpc.shutdown()
        return None
    ended = []

    def shut_down(_):
        try:
            rpc.shutdown()
            ended.append(None)
        except RuntimeError as error:
            ended.append(str(error))
        say(path, "ended")

    rpc.rpc_async("w1", torch.add, args=(torch.ones(1), 1)).then(shut_down)
    wait_for(path, "ended")
    return ended[0]


def test_a_callback_of_a_call_may_shut_down_and_does_not_wait_for_itself():
    assert run(_shuts_down_in_a_callback, 2) == [None, None]


def test_an_agent_shut_down_by_its_own_handler_is_given_up_by_another_thread(tmp_path):
    assert program(
        tmp_path,
        """
        import time
        import torch.distributed.rpc as rpc
        import tine.pytorch

        def life(number):
            options = tine.pytorch.TineRpcBackendOptions(init_method=f"STORE{number}")
            rpc.init_rpc("w0", backend=rpc.BackendType.TINE, rank=0, world_size=1, rpc_backend_options=options)
            assert rpc.rpc_sync("w0", max, args=(1, 2)) == 2

        def stop():
            rpc.shutdown(graceful=False)

        life(0)  # PyTorch keeps the first for ever
        rpc.shutdown()
        life(1)
        agent = rpc.api._get_current_rpc_agent()
        try:
            rpc.rpc_async("w0", stop).wait()
        except RuntimeError as error:
            assert "no longer running" in str(error)
        while rpc._is_current_rpc_agent_set():
            time.sleep(0.01)
        del agent
        life(2)
        rpc.shutdown()
        print("ends")
        """,
    ) == ["ends"]


def test_a_program_may_end_while_its_handler_shuts_the_agent_down(tmp_path):
    assert program(
        tmp_path,
        """
        import torch.distributed.rpc as rpc
        import tine.pytorch

        def stop():
            rpc.shutdown(graceful=False)

        options = tine.pytorch.TineRpcBackendOptions(init_method="STORE")
        rpc.init_rpc("w0", backend=rpc.BackendType.TINE, rank=0, world_size=1, rpc_backend_options=options)
        try:
            rpc.rpc_async("w0", stop).wait()
        except RuntimeError as error:
            assert "no longer running" in str(error)
        print("ends")
        """,
    ) == ["ends"]


def test_a_forked_child_leaves_its_parents_agent_alone(tmp_path):
    assert program(
        tmp_path,
        """
        import os, sys
        import torch.distributed.rpc as rpc
        import tine.pytorch

        options = tine.pytorch.TineRpcBackendOptions(init_method="STORE")
        rpc.init_rpc("w0", backend=rpc.BackendType.TINE, rank=0, world_size=1, rpc_backend_options=options)
        child = os.fork()
        if child == 0:
            sys.exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
        print(rpc.rpc_sync("w0", max, args=(1, 2)))
        rpc.shutdown()
        """,
    ) == ["2"]


# ---- taking PyTorch's place


def test_a_member_of_the_enum_that_a_program_held_before_is_taken_afterwards(tmp_path):
    assert program(
        tmp_path,
        """
        import torch.distributed.rpc as rpc
        held = rpc.BackendType.TENSORPIPE
        import tine.pytorch, tine.pytorch.faulty
        assert held is rpc.BackendType.TENSORPIPE is rpc.backend_registry.BackendType["TENSORPIPE"]
        for life, change in enumerate((tine.pytorch.install, tine.pytorch.uninstall)):
            change()
            options = rpc.TensorPipeRpcBackendOptions(init_method=f"STORE{life}")
            rpc.init_rpc("w0", backend=held, rank=0, world_size=1, rpc_backend_options=options)
            print(type(rpc.api._get_current_rpc_agent()).__module__)
            rpc.shutdown()
        """,
    ) == ["tine.pytorch._agent_class", "torch._C._distributed_rpc"]


def test_a_programs_main_module_is_there_until_its_process_ends(tmp_path):
    assert program(
        tmp_path,
        """
        import atexit, pickle, sys, threading

        def f():
            pass

        def late():
            threading.main_thread().join()
            print(pickle.loads(pickle.dumps(f)) is f, sys.argv[1:])

        threading.Thread(target=late).start()
        atexit.register(lambda: print(sys.modules["__main__"].f is f))
        """,
        "an argument",
        flags=("-m", "tine.pytorch"),
    ) == ["True ['an argument']", "True"]


# ---- tensors


def _resized(rank, world_size, path):
    init(rank, world_size, path)
    for left in (0, 64):
        t = torch.ones(1 << 22)
        t.untyped_storage().resize_(left)
        with pytest.raises(RuntimeError, match=f"needs 16777216 bytes of its storage, which has {left}"):
            rpc.rpc_sync("w0", torch.Tensor.detach, args=(t,))
    rpc.shutdown()


def test_a_tensor_whose_storage_is_too_small_is_refused():
    run(_resized, 1)
