"""Worlds that change: workers that come and go, the ways to meet, and what cannot be."""
import datetime
import os
import time

import pytest

from cluster import Cluster, free_port, run

from tine.distributed import rpc

# Workers of one world, in which WORLD_SIZE says nothing.
CHANGING = """
import os, sys, threading, time
import tine
from tine.distributed import rpc
RANK = int(os.environ.pop("RANK")); del os.environ["WORLD_SIZE"]
def until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)
def is_there(name):
    try:
        rpc.get_worker_info(name)
    except ValueError:
        return False
    return True
def options(**more):
    return rpc.TensorPipeRpcBackendOptions(init_timeout=30, **more)
called = threading.Event()
def double(x):
    called.set()
    return 2 * x
def who():
    return rpc.get_worker_info().name
"""


def test_workers_join_call_each_other_and_leave_without_a_world_size():
    program = """
    events = []
    @rpc.on_worker_joined
    def joined(info): events.append(f"+{info.name}")
    @rpc.on_worker_lost
    def lost(info, cause): events.append(f"-{info.name} {type(cause).__name__}"); assert "has left" in str(cause), cause
    if RANK == 0:
        rpc.init_rpc("first", rank=0, rpc_backend_options=options())
        until(lambda: is_there("second"))
        assert rpc.rpc_sync("second", double, args=(21,)) == 42
        until(lambda: events == ["+second", "-second PeerDied"])
        rpc.shutdown()
    else:
        rpc.init_rpc("second", rank=None, rpc_backend_options=options())
        assert rpc.get_worker_info().id == 1 and rpc.get_worker_info("first").id == 0
        assert rpc.rpc_sync("first", who) == "first"
        assert rpc.rpc_sync("first", tine.add, args=(tine.ones(2), 1)).tolist() == [2.0, 2.0]
        assert called.wait(30)
        rpc.shutdown()
    print("done")
    """
    assert run(2, program, preamble=CHANGING) == ["done\n", "done\n"]


def test_references_and_calls_to_who_left_fail_with_its_name():
    program = """
    if RANK == 0:
        rpc.init_rpc("first", rank=0, rpc_backend_options=options())
        until(lambda: is_there("second"))
        there = rpc.remote("second", double, args=(4,))
        assert there.to_here() == 8
        rpc.rpc_sync("second", leave)
        until(lambda: not is_there("second"))
        for call in (there.to_here, lambda: rpc.rpc_sync("second", double, args=(1,))):
            try:
                call()
                raise AssertionError
            except ConnectionError as error:
                assert "worker 'second' (rank 1) has left" in str(error), error
        rpc.shutdown()
    else:
        over = threading.Event()
        rpc.init_rpc("second", rank=1, rpc_backend_options=options())
        over.wait(30)
        rpc.shutdown()
    print("done")
    """
    leave = CHANGING + "over = threading.Event()\ndef leave(): over.set()\n"
    program = program.replace("        over = threading.Event()\n", "")
    assert run(2, program, preamble=leave) == ["done\n", "done\n"]


def test_a_stream_deadlines_and_debug_info_know_who_has_left():
    program = """
    if RANK == 0:
        rpc.init_rpc("first", rank=0, rpc_backend_options=options())
        assert rpc.api._get_current_rpc_agent().is_static_group is False
        until(lambda: is_there("second"))
        items = iter(rpc.stream("second", endless, credit=2))
        with tine.deadline(20):
            assert [next(items) for _ in range(5)] == list(range(5))
            assert rpc.rpc_sync("second", deadline_here) < 20
        try: rpc.rpc_sync("second", leave)
        except ConnectionError: pass  # it left before it answered
        until(lambda: not is_there("second"))
        try:
            while True: next(items)
        except ConnectionError as error:
            assert "worker 'second' (rank 1) has left" in str(error), error
        rows = {row["name"]: row for row in rpc.debug_info()["workers"]}
        assert rows["first"]["death"] is None and "has left" in rows["second"]["death"] and rows["second"]["calls"] == [], rows
        rpc.shutdown()
    else:
        rpc.init_rpc("second", rank=1, rpc_backend_options=options())
        over.wait(30)
        rpc.shutdown(graceful=False)
    print("done")
    """
    preamble = CHANGING + """
over = threading.Event()
def leave(): over.set()
def endless():
    n = 0
    while True:
        yield n
        n += 1
def deadline_here(): return rpc.current_call().remaining
"""
    assert run(2, program, preamble=preamble) == ["done\n", "done\n"]


def test_a_worker_that_is_killed_is_lost_and_its_place_is_taken_by_the_next():
    program = """
    causes = []
    rpc.on_worker_lost(lambda info, cause: causes.append((info.name, str(cause))))
    if RANK == 0:
        rpc.init_rpc("first", rank=0, rpc_backend_options=options())
        for life in range(3):
            until(lambda: is_there("again") and len(causes) == life)
            pid = rpc.rpc_sync("again", os.getpid)
            if life < 2:
                os.kill(pid, 9)
                until(lambda: len(causes) == life + 1)
                assert causes[-1][0] == "again" and "died" in causes[-1][1], causes
        rpc.rpc_sync("again", stop)
        rpc.shutdown()
    else:
        for life in range(3):
            pid = os.fork()
            if pid == 0:
                rpc.init_rpc("again", rank=7, rpc_backend_options=options())
                over.wait(60)
                rpc.shutdown()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == (9 if life < 2 else 0)
    print("done")
    """
    preamble = CHANGING + "over = threading.Event()\ndef stop(): over.set()\n"
    assert run(2, program, preamble=preamble) == ["done\n", "done\n"]


def test_workers_join_and_leave_while_calls_run():
    program = """
    if RANK == 0:
        came = []
        rpc.on_worker_joined(lambda info: came.append(info.name))
        rpc.init_rpc("w0", rank=0, rpc_backend_options=options())
        until(lambda: len(came) == 12)
        rpc.shutdown()
    else:
        for life in range(4):
            rpc.init_rpc(f"w{RANK}", rank=RANK if life % 2 else None, rpc_backend_options=options())
            for i in range(20):
                assert rpc.rpc_sync("w0", double, args=(i,)) == 2 * i
            rpc.shutdown()
    print("done")
    """
    assert run(4, program, preamble=CHANGING) == ["done\n"] * 4


def test_a_name_or_rank_that_is_taken_is_refused_on_its_side_and_told_on_rank_0():
    program = """
    if RANK == 0:
        came = []
        rpc.on_worker_joined(lambda info: came.append(info.name))
        rpc.init_rpc("w0", rank=0, rpc_backend_options=options())
        until(lambda: came == ["w1"])
        rpc.shutdown()
    else:
        for name, rank, words in (("w0", 5, "the worker name 'w0' is not unique"), ("x", 5, "")):
            try:
                rpc.init_rpc(name, rank=rank, world_size=None if words else 6, rpc_backend_options=options())
                raise AssertionError
            except ValueError as error:
                assert (words or "its world changes, and whoever joins it gives none") in str(error), error
        rpc.init_rpc("w1", rank=1, rpc_backend_options=options())
        rpc.shutdown()
    print("done")
    """
    with Cluster(2, program, preamble=CHANGING) as cluster:
        results = cluster.finish(60)
    assert [code for code, _, _ in results] == [0, 0], results
    assert "the worker name 'w0' is not unique" in results[0][2]


def test_the_name_of_a_worker_that_is_there_is_refused_a_second_later_and_names_both():
    program = """
    if RANK == 0:
        came = []
        rpc.on_worker_joined(lambda info: came.append(info.name))
        rpc.init_rpc("w0", rank=0, rpc_backend_options=options())
        until(lambda: came == ["w1"])
    else:
        rpc.init_rpc("w1", rank=1, rpc_backend_options=options())
        import subprocess
        twin = "import tine; from tine.distributed import rpc; rpc.init_rpc('w1')"
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-c", twin], capture_output=True, text=True)
        assert time.monotonic() - began < 20
        assert "ValueError: the worker name 'w1' is not unique: 'w1' (rank 1, " in done.stderr and "'w1' (any rank, " in done.stderr, done
    rpc.shutdown()
    print("done")
    """
    with Cluster(2, program, preamble=CHANGING) as cluster:
        results = cluster.finish(60)
    assert [code for code, _, _ in results] == [0, 0], results
    assert "refused: the worker name 'w1' is not unique" in results[0][2]


@pytest.mark.parametrize("size", [None, 2])
def test_worlds_meet_by_a_file_which_rank_0_removes(size, tmp_path):
    path = tmp_path / "world"
    program = f"""
    other = f"w{{1 - RANK}}"
    rpc.init_rpc(f"w{{RANK}}", rank=RANK, world_size={size}, rpc_backend_options=options(init_method="file://{path}"))
    until(lambda: is_there(other))
    assert rpc.rpc_sync(other, double, args=(3,)) == 6
    assert called.wait(30)
    rpc.shutdown()
    print("done")
    """
    assert run(2, program, preamble=CHANGING) == ["done\n", "done\n"]
    assert not path.exists()


def test_a_file_of_a_rank_0_that_was_killed_fools_nobody(tmp_path):
    path = tmp_path / "world"
    stale = f"tine-meeting 1 0123456789abcdef tcp://127.0.0.1:{free_port()}\n"
    path.write_text(stale)
    options = rpc.RpcBackendOptions(init_method=f"file://{path}", init_timeout=0.3)
    with pytest.raises(TimeoutError, match="was left by a rank 0 that has ended"):
        rpc.init_rpc("w1", rank=1, world_size=2, rpc_backend_options=options)
    assert path.read_text() == stale
    program = f"""
    rpc.init_rpc(f"w{{RANK}}", rank=RANK, world_size=2, rpc_backend_options=options(init_method="file://{path}"))
    rpc.shutdown()
    """
    run(2, program, preamble=CHANGING)
    assert not path.exists()


def test_a_file_that_cannot_be_is_refused_at_once_and_left_as_it_is(tmp_path):
    other = tmp_path / "other"
    other.write_text("my data\n")
    for method, rank, kind, words in (
        (f"file://{tmp_path}/none/world", 0, OSError, "cannot be written: No such file or directory"),
        (f"file://{tmp_path}/none/world", 1, OSError, "cannot be read: No such file or directory"),
        (f"file://{other}", 0, ValueError, "holds something else"),
        (f"file://{other}", 1, ValueError, "holds something else"),
        ("file://", 0, ValueError, "not the address of a file"),
        ("file://relative", 0, ValueError, "not the address of a file"),
        (f"file://{tmp_path}/w?port=5", 0, ValueError, "not the address of a file"),
        (f"file://{tmp_path}/", 0, ValueError, "not the address of a file"),
    ):
        begun = time.monotonic()
        with pytest.raises(kind, match=words):
            rpc.init_rpc("w", rank=rank, world_size=2, rpc_backend_options=rpc.RpcBackendOptions(init_method=method))
        assert time.monotonic() - begun < 5
    assert other.read_text() == "my data\n" and sorted(os.listdir(tmp_path)) == ["other"]


def test_of_two_rank_0_by_one_file_the_second_is_refused(tmp_path):
    program = f"""
    if RANK == 0:
        rpc.init_rpc("w0", rank=0, rpc_backend_options=options(init_method="file://{tmp_path}/world"))
        until(lambda: os.path.exists("{tmp_path}/tried"))
        rpc.shutdown()
    else:
        until(lambda: os.path.exists("{tmp_path}/world") and os.path.getsize("{tmp_path}/world"))
        try:
            rpc.init_rpc("x0", rank=0, rpc_backend_options=options(init_method="file://{tmp_path}/world"))
            raise AssertionError
        except ValueError as error:
            assert "rank 0 is not unique" in str(error) and "listens at tcp://" in str(error), error
        open("{tmp_path}/tried", "w").close()
    print("done")
    """
    run(2, program, preamble=CHANGING)
    assert os.listdir(tmp_path) == ["tried"]


def alone(**more):
    return rpc.RpcBackendOptions(init_method=f"tcp://127.0.0.1:{free_port()}", **more)


def test_a_process_joins_world_after_world_and_nothing_is_left(monkeypatch):
    monkeypatch.setenv("TINE_AUTH_KEY", "a secret of the tests")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    counts = []
    for i in range(60):
        rpc.init_rpc("w", rank=0, world_size=1 if i % 2 else None, rpc_backend_options=alone())
        assert rpc.rpc_sync("w", abs, args=(-i,)) == i
        rpc.shutdown(graceful=i % 3 != 0)
        counts.append((len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))))
    end = time.monotonic() + 30
    while (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) > max(counts[10:20]):
        assert time.monotonic() < end, counts
        time.sleep(0.01)


def test_timeouts_may_be_a_timedelta_and_what_cannot_be_one_is_named(monkeypatch):
    monkeypatch.setenv("TINE_AUTH_KEY", "a secret of the tests")
    seconds = datetime.timedelta(seconds=7)
    assert rpc.RpcBackendOptions(rpc_timeout=seconds, init_timeout=seconds).init_timeout == 7.0
    rpc.init_rpc("w", rank=0, world_size=1, rpc_backend_options=alone(rpc_timeout=seconds, init_timeout=1e300))
    assert rpc.get_rpc_timeout() == 7.0
    for bad in (float("nan"), -1, "soon", None, datetime.timedelta(seconds=-1)):
        with pytest.raises((ValueError, TypeError), match="timeout"):
            rpc.shutdown(timeout=bad)
    assert rpc.rpc_sync("w", abs, args=(-1,), timeout=1e300) == 1
    rpc.shutdown(timeout=1e300)


@pytest.mark.parametrize("rank", [-2, 65536, 10**30, 0.5, "x", "nan"])
def test_ranks_that_cannot_be_are_refused_in_a_world_that_changes(rank, monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(ValueError, match="rank"):
        rpc.init_rpc("w", rank=rank, rpc_backend_options=alone())
    assert not rpc.is_initialized()


def test_hooks_are_functions_and_can_be_taken_back():
    with pytest.raises(TypeError, match="expected a function"):
        rpc.on_worker_lost(5)
    hook = rpc.on_worker_joined(print)
    assert hook is print
    rpc.remove_worker_hook(hook)
    with pytest.raises(ValueError, match="not a hook"):
        rpc.remove_worker_hook(hook)


def test_without_rank_0_a_newcomer_is_told_and_the_others_go_on():
    program = """
    if RANK == 0:
        rpc.init_rpc("w0", rank=0, rpc_backend_options=options())
        until(lambda: is_there("w1") and is_there("w2"))
        rpc.shutdown(graceful=False)
    elif RANK < 3:
        rpc.init_rpc(f"w{RANK}", rank=RANK, rpc_backend_options=options())
        other = f"w{3 - RANK}"
        until(lambda: is_there(other))
        until(lambda: not is_there("w0"))
        assert rpc.rpc_sync(other, who) == other
        rpc.rpc_sync(other, seen.set)
        assert seen.wait(30)
        if RANK == 1:
            late = rpc.TensorPipeRpcBackendOptions(init_timeout=0.3)
            rpc.shutdown()
            try:
                rpc.init_rpc("late", rank=4, rpc_backend_options=late)
                raise AssertionError
            except (TimeoutError, OSError) as error:
                assert "rank 0" in str(error), error
        else:
            rpc.shutdown()
    print("done")
    """
    preamble = CHANGING + "seen = threading.Event()\ndef see(): seen.set()\n"
    program = program.replace("rpc.rpc_sync(other, seen.set)", "rpc.rpc_sync(other, see)")
    assert run(3, program, preamble=preamble) == ["done\n"] * 3
