"""What breaks asynchronous runtimes: exits, signals, forks, deaths, callbacks that block, busy interpreters."""
import signal
import time

import pytest

from cluster import Cluster, run

INIT = "rpc.init_rpc(NAME)\n"


def test_the_interpreter_may_exit_with_calls_in_flight():
    with Cluster(
        2,
        """
        def sleeper():
            time.sleep(30)
        rpc.init_rpc(NAME)
        if RANK == 0:
            futures = [rpc.rpc_async("worker1", sleeper) for _ in range(4)]
            futures[0].then(lambda f: print("never", f.value()))
            print("leaving", flush=True)
        else:
            print("serving", flush=True)
            time.sleep(2)
            os._exit(0)
        """,
    ) as cluster:
        started = time.monotonic()
        code, out, err = cluster.finish(20)[0]
        assert time.monotonic() - started < 15
        assert code == 0, err
        assert "leaving" in out and "never" not in out


def test_a_handler_that_never_returns_does_not_keep_the_process_alive():
    with Cluster(
        1,
        """
        def forever():
            print("in the handler", flush=True)
            while True:
                time.sleep(3600)
        rpc.init_rpc(NAME)
        entered = rpc.rpc_async("worker0", forever, timeout=0)
        assert not entered.done()
        """,
    ) as cluster:
        began = time.monotonic()
        code, out, err = cluster.finish(30)[0]
        assert code == 0, err
        assert "in the handler" not in out or "is abandoned" in err, err
        assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "wait",
    [
        "torch.futures.Future().wait()",
        "torch.futures.wait_all([torch.futures.Future()])",
        "torch.futures.collect_all([kept]).wait()",
        "torch.jit.wait(torch.futures.Future())",
        "rpc.rpc_sync('worker1', sleeper, timeout=0)",
        "rpc.rpc_async('worker1', sleeper, timeout=0).wait()",
        "rpc.remote('worker1', sleeper, timeout=0).to_here(timeout=0)",
        "rpc.shutdown()",
    ],
)
def test_ctrl_c_ends_every_kind_of_wait_at_once(wait):
    with Cluster(
        2,
        f"""
        def sleeper():
            time.sleep(60)
        rpc.init_rpc(NAME)
        if RANK == 0:
            kept = torch.futures.Future()
            try:
                print("waiting", flush=True)
                {wait}
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            os._exit(0)
        threading.Event().wait(60)
        """,
    ) as cluster:
        cluster.wait_for(0, "waiting")
        began = time.monotonic()
        cluster.signal(0)
        cluster.wait_for(0, "interrupted", timeout=10)
        assert time.monotonic() - began < 5


def test_ctrl_c_ends_init_rpc_that_waits_for_others():
    with Cluster(
        1,
        """
        try:
            print("waiting", flush=True)
            rpc.init_rpc(NAME, rank=0, world_size=2)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """,
    ) as cluster:
        cluster.wait_for(0, "waiting")
        cluster.signal(0)
        cluster.wait_for(0, "interrupted", timeout=10)
        assert cluster.finish(10)[0][0] == 0


def test_a_forked_child_can_use_tine_and_never_hangs_on_what_it_inherited():
    run(
        2,
        """
        def slow():
            time.sleep(1.0)
            return 1
        rpc.init_rpc(NAME)
        if RANK == 0:
            assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
            pending = rpc.rpc_async("worker1", slow)
            pid = os.fork()
            if pid == 0:
                try:
                    pending.wait()
                    os._exit(3)
                except RuntimeError as error:
                    assert "fork" in str(error), error
                try:
                    rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1))
                    os._exit(4)
                except RuntimeError as error:
                    assert "init" in str(error), error
                fut = torch.futures.Future()
                chained = fut.then(lambda f: f.wait() + 1)
                fut.set_result(1)
                assert chained.wait() == 2
                assert (torch.ones(1000, 100) @ torch.ones(100, 10)).sum().item() == 1e6
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            # The parent's connections have not been disturbed.
            assert pending.wait() == 1
            assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
        rpc.shutdown()
        """,
    )


def test_a_killed_peer_fails_its_calls_at_once_and_names_itself():
    run_program = """
        import signal
        def sleeper():
            time.sleep(60)
        def my_pid():
            return os.getpid()
        rpc.init_rpc(NAME)
        if RANK == 0:
            pid = rpc.rpc_sync("worker1", my_pid)
            futures = [rpc.rpc_async("worker1", sleeper, timeout=0) for _ in range(3)]
            chained = futures[0].then(lambda f: f.wait())
            rref = rpc.remote("worker1", sleeper, timeout=0)
            began = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            for future in futures + [chained]:
                try:
                    future.wait(timeout=10)
                    raise SystemExit("no error")
                except ConnectionError as error:
                    assert "worker1" in str(error), error
            try:
                rref.to_here(timeout=10)
                raise SystemExit("no error")
            except ConnectionError as error:
                assert "worker1" in str(error), error
            try:
                rpc.rpc_sync("worker1", torch.add, args=(1, 2))
                raise SystemExit("no error")
            except ConnectionError as error:
                assert "worker1" in str(error), error
            assert time.monotonic() - began < 5, time.monotonic() - began
            print("done", flush=True)
            os._exit(0)
        threading.Event().wait(60)
        """
    with Cluster(2, run_program) as cluster:
        results = cluster.finish(40)
        assert results[0][0] == 0, results[0]
        assert "done" in results[0][1]
        assert results[1][0] == -signal.SIGKILL


def test_a_callback_may_call_rpc_sync():
    run(
        3,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            def again(future):
                return rpc.rpc_sync("worker2", torch.add, args=(future.wait(), 1))
            futures = [rpc.rpc_async("worker1", torch.add, args=(torch.ones(2), i)).then(again) for i in range(200)]
            for i, future in enumerate(futures):
                assert future.wait().tolist() == [i + 2, i + 2]
        rpc.shutdown()
        """,
    )


def test_handlers_that_sleep_in_every_thread_do_not_stop_operators_and_replies():
    run(
        2,
        """
        import queue
        tokens = queue.Queue()
        entered = []
        def blocked():
            entered.append(1)
            return tokens.get(timeout=60)
        rpc.init_rpc(NAME)
        if RANK == 0:
            # More handlers than worker1 has threads for them.
            futures = [rpc.rpc_async("worker1", blocked) for _ in range(20)]
            for i in range(500):
                assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), i), timeout=20).tolist() == [i + 1] * 2
            assert not any(f.done() for f in futures)
            print("operators went on", flush=True)
            for f in futures:
                assert f.wait() == 1
        else:
            while len(entered) < 16:
                time.sleep(0.01)
            time.sleep(1.0)
            for _ in range(20):
                tokens.put(1)
        rpc.shutdown()
        """,
    )


def test_a_busy_interpreter_does_not_hold_up_operators():
    # worker1's interpreter computes without a pause; operators are answered by its reader all the same.
    out = run(
        2,
        """
        def busy(seconds):
            sys.setswitchinterval(0.2)  # an operator that waited for the interpreter's lock would wait so long
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                pass
            return "busy"
        rpc.init_rpc(NAME)
        if RANK == 0:
            computing = rpc.rpc_async("worker1", busy, args=(3.0,))
            time.sleep(0.2)
            x = torch.ones(2)
            latencies = []
            while not computing.done():
                began = time.perf_counter()
                rpc.rpc_sync("worker1", torch.add, args=(x, x))
                latencies.append(time.perf_counter() - began)
            latencies.sort()
            print("calls", len(latencies), "p50", 1e6 * latencies[len(latencies) // 2], flush=True)
            assert latencies[len(latencies) // 2] < 0.1
            assert computing.wait() == "busy"
        rpc.shutdown()
        """,
    )
    assert "calls" in out[0]


def test_replies_come_in_while_a_python_thread_computes():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            stop = threading.Event()
            def compute():
                n = 0
                while not stop.is_set():
                    n += 1
            thread = threading.Thread(target=compute)
            thread.start()
            futures = [rpc.rpc_async("worker1", torch.add, args=(torch.ones(2), i)) for i in range(300)]
            for i, future in enumerate(futures):
                assert future.wait(timeout=30).tolist() == [i + 1, i + 1]
            stop.set()
            thread.join()
        rpc.shutdown()
        """,
    )


def test_a_death_is_noticed_and_operators_are_served_while_the_interpreter_is_held():
    with Cluster(
        3,
        """
        import ctypes, signal
        def hold(): ctypes.PyDLL(None).usleep(4_000_000); return "held"     # with the interpreter's lock
        def die(): os.kill(os.getpid(), signal.SIGKILL)
        rpc.init_rpc(NAME)
        if RANK == 1:
            held = rpc.rpc_async("worker0", hold, timeout=30)
            try: rpc.rpc_sync("worker2", die)
            except ConnectionError: pass
            served = 0
            while not held.done():
                assert rpc.rpc_sync("worker0", torch.add, args=(served, 1), timeout=2.5) == served + 1
                served += 1
            assert held.wait() == "held"
            print("served", flush=True)
        try: rpc.shutdown()
        except ConnectionError as error: assert "worker2" in str(error), error
        """,
    ) as cluster:
        results = cluster.finish(60)
    assert [r[0] for r in results] == [0, 0, -9] and results[1][1] == "served\n", results
    # Both were told, by lines of the runtime's own.
    assert all("[tine]" in results[rank][2] and "worker2" in results[rank][2] for rank in (0, 1)), results



def test_a_caller_that_waits_for_room_lets_other_threads_run_and_hears_ctrl_c():
    with Cluster(
        2,
        """
        import signal
        def take(text): return len(text)
        rpc.init_rpc(NAME, rpc_backend_options=rpc.TensorPipeRpcBackendOptions(max_send_buffer_bytes=1 << 20, rpc_timeout=0))
        if RANK == 1: os.kill(os.getpid(), signal.SIGSTOP)      # reads nothing
        sent = [0]
        def watch():
            # Only another thread can tell that the main one stands still.
            before = -1
            while before != sent[0] or not before:
                before = sent[0]
                time.sleep(0.5)
            print("waits for room", flush=True)
        threading.Thread(target=watch, daemon=True).start()
        try:
            while True:
                rpc.rpc_async("worker1", take, args=("x" * 100_000,))
                sent[0] += 1
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        os._exit(0)
        """,
    ) as cluster:
        cluster.wait_for(0, "waits for room")
        cluster.signal(0)
        cluster.wait_for(0, "interrupted", timeout=10)
