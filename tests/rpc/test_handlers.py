"""Handlers that block, networks that wait for nobody, forks, and worlds that come and go."""
import os
import re
import signal
import time

import pytest

from cluster import Cluster, run

OPTIONS = "rpc.TensorPipeRpcBackendOptions(num_worker_threads={}, max_handler_threads={})"

no_threads_in_children = pytest.mark.skipif(
    "libtsan" in os.environ.get("LD_PRELOAD", ""),
    reason="ThreadSanitizer lets the child of a process with threads start none",
)


def test_as_many_handlers_as_there_are_may_wait_for_each_other():
    run(
        2,
        """
        meeting = threading.Barrier(100)
        def meet():
            meeting.wait(30)
            return 1
        rpc.init_rpc(NAME)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", meet, timeout=40) for _ in range(100)]
            assert sum(f.wait() for f in calls) == 100
        rpc.shutdown()
        """,
    )


def test_callbacks_do_not_queue_behind_handlers_that_sleep():
    run(
        2,
        """
        gate = threading.Event()
        def sleeps():
            assert gate.wait(60)
        def leaf():
            return 1
        def waits_for_a_callback():
            called = threading.Event()
            rpc.rpc_async("worker0", leaf).add_done_callback(lambda f: called.set())
            return called.wait(30)
        rpc.init_rpc(NAME)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", waits_for_a_callback) for _ in range(40)]
            assert all(f.wait() for f in calls)
            # All of this worker's own handler threads sleep; the callback of a call to the other one runs.
            asleep = [rpc.rpc_async("worker0", sleeps, timeout=60) for _ in range(40)]
            called = threading.Event()
            rpc.rpc_async("worker1", leaf).add_done_callback(lambda f: called.set())
            assert called.wait(30)
            gate.set()
            for f in asleep:
                f.wait()
        rpc.shutdown()
        """,
    )


def test_nested_calls_are_served_up_to_the_limit_of_threads():
    run(
        2,
        """
        def leaf():
            return 1
        def middle():
            return rpc.rpc_sync("worker1", leaf, timeout=60)
        def outer():
            return rpc.rpc_sync("worker0", middle, timeout=60)
        rpc.init_rpc(NAME)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", outer, timeout=60) for _ in range(600)]
            assert sum(f.wait() for f in calls) == 600
        rpc.shutdown()
        """,
        timeout=100,
    )


def test_a_recursion_between_two_workers_goes_deep_and_ends_with_an_error_that_names_the_limit():
    run(
        2,
        f"""
        def recurse(n, here, there):
            return 0 if n == 0 else 1 + rpc.rpc_sync(there, recurse, args=(n - 1, there, here), timeout=0)
        rpc.init_rpc(NAME, rpc_backend_options={OPTIONS.format(4, 150)})
        if RANK == 0:
            assert rpc.rpc_sync("worker1", recurse, args=(250, "worker1", "worker0"), timeout=0) == 250
            try:
                rpc.rpc_sync("worker1", recurse, args=(400, "worker1", "worker0"), timeout=0)
                assert False
            except RuntimeError as error:
                text = str(error)
                assert "150 handler threads blocked (max_handler_threads=150)" in text, text
                assert "worker 'worker" in text and "TensorPipeRpcBackendOptions" in text, text
        rpc.shutdown()
        """,
        timeout=100,
    )


def test_at_the_limit_a_call_fails_at_once_also_when_handlers_block_in_what_tine_does_not_see(tmp_path):
    run(
        2,
        f"""
        gate = threading.Event()
        def sleeps():
            assert gate.wait(60)
        rpc.init_rpc(NAME, rpc_backend_options={OPTIONS.format(2, 8)})
        if RANK == 0:
            asleep = [rpc.rpc_async("worker1", sleeps, timeout=60) for _ in range(8)]
            deadline = time.monotonic() + 30
            while True:
                try:
                    rpc.rpc_sync("worker1", time.sleep, args=(0,), timeout=30)
                except RuntimeError as error:
                    assert "8 handler threads blocked (max_handler_threads=8)" in str(error), error
                    break
                assert time.monotonic() < deadline
            # Operators need no handler thread.
            assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
            open(os.environ["DONE"], "w").close()
            for f in asleep:
                f.wait()
        else:
            while not os.path.exists(os.environ["DONE"]):
                time.sleep(0.01)
            gate.set()
        rpc.shutdown()
        """,
        env={"DONE": str(tmp_path / "done")},
    )


@pytest.mark.parametrize(
    "given, error, words",
    [
        ("num_worker_threads=0", "ValueError", "num_worker_threads must be positive"),
        ("num_worker_threads=2.5", "TypeError", "num_worker_threads"),
        ("num_worker_threads=8, max_handler_threads=4", "ValueError", "max_handler_threads is 4"),
        ("max_handler_threads=10**9", "ValueError", "max_handler_threads"),
    ],
)
def test_numbers_of_threads_that_cannot_be_are_refused_by_name(given, error, words):
    from tine.distributed import rpc

    with pytest.raises(eval(error), match=words):
        eval(f"rpc.TensorPipeRpcBackendOptions({given})", {"rpc": rpc})


def test_one_number_of_threads_is_enough():
    from tine.distributed import rpc

    options = rpc.TensorPipeRpcBackendOptions(num_worker_threads=5000)
    assert (options.num_worker_threads, options.max_handler_threads) == (5000, 5000)
    assert rpc.TensorPipeRpcBackendOptions().max_handler_threads == 4096


def test_a_death_that_is_told_while_c_code_holds_the_interpreter_holds_up_nobody():
    with Cluster(
        3,
        """
        import ctypes
        rpc.init_rpc(NAME)
        if RANK == 0:
            print("holding", flush=True)
            ctypes.PyDLL(None).sleep(6)
            print("released", flush=True)
            os._exit(0)
        elif RANK == 1:
            slowest, served, end = 0.0, 0, time.monotonic() + 5
            while time.monotonic() < end:
                began = time.monotonic()
                rpc.rpc_sync("worker0", torch.add, args=(torch.ones(2), 1), timeout=60)
                slowest = max(slowest, time.monotonic() - began)
                served += 1
                time.sleep(0.05)
            print(f"slowest {slowest:.3f} of {served}", flush=True)
            os._exit(0 if slowest < 3 else 1)
        else:
            time.sleep(60)
        """,
    ) as cluster:
        cluster.wait_for(0, "holding")
        cluster.signal(2, signal.SIGKILL)
        results = cluster.finish(60)
        assert results[1][0] == 0, results[1]
        assert "worker2" in results[0][2], results[0]  # and it was told


def test_a_death_that_is_told_to_a_full_stderr_holds_up_neither_calls_nor_the_end():
    with Cluster(
        3,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            read, write = os.pipe()
            os.set_blocking(write, False)
            try:
                while True: os.write(write, b"." * 65536)
            except BlockingIOError:
                pass
            os.set_blocking(write, True)
            os.dup2(write, 2)
            print("full", flush=True)
            try:
                rpc.rpc_sync("worker2", time.sleep, args=(60,), timeout=0)
            except torch.PeerDied:
                print("dead", flush=True)
            assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
        elif RANK == 1:
            rpc.rpc_sync("worker0", torch.add, args=(torch.ones(2), 1))
            time.sleep(60)
        else:
            time.sleep(60)
        """,
    ) as cluster:
        cluster.wait_for(0, "full")
        cluster.signal(2, signal.SIGKILL)
        cluster.wait_for(0, "dead")
        assert cluster.processes[0].wait(30) == 0


def test_refused_connections_by_the_hundred_are_a_few_lines_and_their_number():
    with Cluster(
        1,
        """
        import _thread, socket
        def knock():
            address = ("127.0.0.1", int(os.environ["MASTER_PORT"]))
            knocked = 0
            while knocked < 300:
                try:
                    with socket.create_connection(address, 5) as s:
                        s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n" * 40)
                        s.settimeout(5)
                        try:
                            while s.recv(4096): pass
                        except OSError: pass
                    knocked += 1
                except ConnectionRefusedError:  # it does not listen yet
                    time.sleep(0.01)
            _thread.interrupt_main()
        threading.Thread(target=knock).start()
        try:
            rpc.init_rpc(NAME, rank=0, world_size=2, rpc_backend_options=rpc.RpcBackendOptions(init_timeout=100))
        except KeyboardInterrupt:
            pass
        """,
    ) as cluster:
        code, out, err = cluster.finish(100)[0]
        assert code == 0, err
        told = [line for line in err.splitlines() if "refused" in line]
        counts = [int(m.group(1)) if (m := re.search(r"and (\d+) more like it", line)) else 1 for line in told]
        assert sum(counts) == 300 and len(told) < 120, (len(told), sum(counts), err[:2000])


def test_a_failed_rendezvous_tells_its_error_and_nothing_beside():
    with Cluster(
        1,
        """
        try:
            rpc.init_rpc(NAME, rank=0, world_size=2, rpc_backend_options=rpc.RpcBackendOptions(init_timeout=0.5))
        except TimeoutError as error:
            print("told", flush=True)
        """,
    ) as cluster:
        code, out, err = cluster.finish(30)[0]
        assert code == 0 and out == "told\n" and err == "", (out, err)


def test_no_callback_of_the_parent_runs_in_a_forked_child_whatever_lock_is_held():
    run(
        2,
        """
        def slow():
            time.sleep(3)
            return 1
        rpc.init_rpc(NAME)
        if RANK == 0:
            lock, ran = threading.Lock(), []
            def callback(f):
                with lock:
                    ran.append(os.getpid())
                return f.wait()
            calls = [rpc.rpc_async(to, slow) for to in ("worker1", "worker0")]
            results = [f.then(callback) for f in calls]
            rref = rpc.remote("worker1", slow)
            held, go = threading.Event(), threading.Event()
            def holder():
                with lock:
                    held.set()
                    go.wait(30)
            thread = threading.Thread(target=holder)
            thread.start()
            held.wait()
            pid = os.fork()
            if pid == 0:
                seen = []
                for f in calls + results:
                    try:
                        f.wait()
                    except RuntimeError as error:
                        seen.append("forked" in str(error))
                    seen.append(f.done())
                for f in calls:
                    f.add_done_callback(lambda f: seen.append(f.done()))  # at once
                try:
                    rref.to_here()
                except RuntimeError as error:
                    seen.append(True)
                del rref
                os._exit(0 if seen == [True] * 11 and not ran else 1)
            assert os.waitpid(pid, 0)[1] == 0
            go.set()
            thread.join()
            assert [f.wait() for f in results] == [1, 1] and set(ran) == {os.getpid()}
        rpc.shutdown()
        """,
    )


@no_threads_in_children
def test_a_call_in_a_forked_child_of_a_worker_says_that_it_is_one():
    run(
        1,
        """
        rpc.init_rpc(NAME)
        if not (pid := os.fork()):
            code = 1
            try:
                rpc.rpc_sync(NAME, max, args=(1, 2))
            except RuntimeError as error:
                code = 0 if "a fork of a worker" in str(error) and "init_rpc here" in str(error) else 2
            os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        rpc.shutdown()
        """,
    )


@no_threads_in_children
def test_a_forked_child_may_join_a_world_of_its_own_and_ends_as_any_process():
    run(
        1,
        """
        import multiprocessing
        def add(x):
            return x + 1
        def child(port):
            options = rpc.RpcBackendOptions(init_method=f"tcp://127.0.0.1:{port}")
            rpc.init_rpc("child", rank=0, world_size=1, rpc_backend_options=options)
            assert rpc.rpc_sync("child", add, args=(1,)) == 2
            rpc.shutdown()
        rpc.init_rpc(NAME)
        assert rpc.rpc_sync(NAME, add, args=(1,)) == 2
        processes = [multiprocessing.get_context("fork").Process(target=child, args=(1,)) for _ in range(2)]
        for p in processes: p.start()
        for p in processes: p.join()
        assert [p.exitcode for p in processes] == [0, 0]
        pid = os.fork()
        if pid == 0:
            sys.exit(7)  # the whole way: atexit, the interpreter's end, destructors
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert rpc.rpc_sync(NAME, add, args=(1,)) == 2
        rpc.shutdown()
        """,
    )


def test_a_forked_child_that_lives_on_does_not_hide_its_parents_death():
    with Cluster(
        2,
        """
        def forks():
            pid = os.fork()
            if pid == 0:
                time.sleep(30)
                os._exit(0)
            return pid
        def sleeps():
            time.sleep(30)
        rpc.init_rpc(NAME)
        if RANK == 0:
            pid = rpc.rpc_sync("worker1", forks)
            call = rpc.rpc_async("worker1", sleeps, timeout=0)
            print("forked", flush=True)
            try:
                call.wait()
            except torch.PeerDied as error:
                print("dead", flush=True)
            os.kill(pid, 9)
            os._exit(0)
        else:
            time.sleep(60)
        """,
    ) as cluster:
        cluster.wait_for(0, "forked")
        cluster.signal(1, signal.SIGKILL)
        cluster.wait_for(0, "dead", timeout=20)


def test_worlds_that_come_and_go_leave_no_memory_threads_or_descriptors():
    run(
        2,
        """
        import gc
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096 >> 20
        def counts():
            return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
        kept, seen = [], []
        for cycle in range(50):
            rpc.init_rpc(NAME)
            if RANK == 0:
                x = torch.ones(12_000_000)  # 48 MB there and back
                f = rpc.rpc_async("worker1", torch.neg, args=(x,))
                f.wait()
                del x, f
                if cycle < 5:
                    kept.append(rpc.rpc_async("worker1", torch.add, args=(torch.ones(2), 1)))
                    kept.append(kept[-1].then(lambda f: f.wait()))
                    kept[-1].wait()
            rpc.shutdown()
            gc.collect()
            seen.append((resident(), *counts()))
        memory, threads, descriptors = zip(*seen[5:])
        assert max(memory) - min(memory) < 60, seen  # one transfer, which malloc may keep or not
        assert max(threads) - min(threads) <= 2, seen
        assert max(descriptors) == min(descriptors), seen
        assert all(f.wait().tolist() == [2, 2] for f in kept)
        """,
        timeout=110,
    )


def test_a_handler_may_nest_calls_through_c_code_up_to_the_recursion_limit():
    run(
        1,
        """
        def nested(n):
            return 0 if n == 0 else sorted([n], key=lambda x: nested(n - 1))[0]
        def deep():
            try:
                nested(10**6)
            except RecursionError:
                return "RecursionError"
        rpc.init_rpc(NAME)
        assert rpc.rpc_sync(NAME, deep) == "RecursionError"
        rpc.shutdown()
        """,
    )
