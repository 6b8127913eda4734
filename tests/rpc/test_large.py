"""Large transfers and the bounds that callers wait at; how worlds end beside them."""
import signal

import pytest
from cluster import Cluster, run


def test_references_dropped_beside_a_large_tensor_are_given_back():
    run(
        2,
        """
        from tine import _C
        class Box:
            def get(self): return 1
        def size(x): return x.numel()
        def owned(): return _C._rpc.debug_info()["references_owned"]
        rpc.init_rpc(NAME)
        if RANK == 0:
            boxes = [rpc.remote("worker1", Box) for _ in range(100)]
            for box in boxes: box._get_future().wait()
            assert rpc.rpc_sync("worker1", owned) == 100
            x = torch.ones(16_000_000)
            large = [rpc.rpc_async("worker1", size, args=(x,)) for _ in range(4)]
            del boxes, box
            assert rpc.rpc_sync("worker1", torch.add, args=(1, 1)) == 2
            assert [f.wait() for f in large] == [16_000_000] * 4
            end = time.monotonic() + 20
            while rpc.rpc_sync("worker1", owned) and time.monotonic() < end: pass
            assert rpc.rpc_sync("worker1", owned) == 0
        rpc.shutdown()
        """,
    )


def test_a_caller_waits_at_the_bound_with_the_deadline_of_its_call():
    # worker1 is stopped: nothing of what is copied for it is read.
    with Cluster(
        2,
        """
        def size(x): return len(x)
        rpc.init_rpc(NAME, rpc_backend_options=rpc.TensorPipeRpcBackendOptions(max_send_buffer_bytes=4 << 20))
        if RANK == 0:
            assert rpc.rpc_sync("worker1", size, args=(b"x",)) == 1
            print("stop", flush=True)
            data = b"x" * (1 << 20)
            futures, waited = [], False
            deadline = time.monotonic() + 30
            while not waited and time.monotonic() < deadline:
                began = time.monotonic()
                futures.append(rpc.rpc_async("worker1", size, args=(data,), timeout=0.5))
                waited = time.monotonic() - began > 0.4
            assert waited and len(futures) < 100, len(futures)
            for f in futures:
                try: f.wait()
                except TimeoutError as e: assert "RPC ran for more than" in str(e), e
            print("full", flush=True)
            # Again readable: whoever waits goes on.
            futures = [rpc.rpc_async("worker1", size, args=(data,), timeout=60) for _ in range(20)]
            assert [f.wait() for f in futures] == [1 << 20] * 20
        rpc.shutdown()
        """,
    ) as cluster:
        cluster.wait_for(0, "stop")
        cluster.signal(1, signal.SIGSTOP)
        cluster.wait_for(0, "full")
        cluster.signal(1, signal.SIGCONT)
        for code, out, err in cluster.finish():
            assert code == 0, out + err


def test_two_workers_that_flood_each_other_make_progress():
    run(
        2,
        """
        def echo(x): return x
        rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(max_send_buffer_bytes=1 << 18))
        data = {"bytes": b"x" * (1 << 18)}
        other = f"worker{1 - RANK}"
        def flood():
            futures = [rpc.rpc_async(other, echo, args=(data,)) for _ in range(60)]
            for f in futures: assert f.wait() == data
        threads = [threading.Thread(target=flood) for _ in range(3)]
        for t in threads: t.start()
        for t in threads: t.join()
        rpc.shutdown()
        """,
    )


def test_a_script_that_calls_past_the_bound_is_suspended_and_goes_on():
    run(
        2,
        """
        from typing import List
        @torch.jit.script
        def total(xs: List[int]) -> int:
            n = 0
            for x in xs:
                n += x
            return n
        @torch.jit.script
        def flood(n: int) -> int:
            xs = [1] * 5000
            futures: List[torch.jit.Future[int]] = []
            for i in range(n):
                futures.append(rpc.rpc_async("worker1", total, args=(xs,)))
            sum = 0
            for f in futures:
                sum += f.wait()
            return sum
        rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(max_send_buffer_bytes=1 << 16))
        if RANK == 0:
            assert flood(500) == 2_500_000
            futures = [torch.jit.fork(flood, 100) for _ in range(20)]
            assert sum(f.wait() for f in futures) == 20 * 500_000
        rpc.shutdown()
        """,
    )


def test_the_bound_is_an_option_that_says_what_it_takes():
    from tine.distributed import rpc

    assert rpc.RpcBackendOptions().max_send_buffer_bytes == 64 << 20
    for bad, kind in ((0, ValueError), (-1, ValueError), ("1", TypeError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(kind, match="max_send_buffer_bytes"):
            rpc.RpcBackendOptions(max_send_buffer_bytes=bad)


def test_a_graceful_shutdown_waits_for_what_is_large():
    run(
        3,
        """
        def size(x): return x.numel()
        rpc.init_rpc(NAME)
        if RANK == 1:
            x = torch.ones(16_000_000)
            large = [rpc.rpc_async("worker0", size, args=(x,)) for _ in range(4)]
        rpc.shutdown()
        if RANK == 1:
            assert all(f.done() for f in large) and [f.wait() for f in large] == [16_000_000] * 4
        """,
    )


def test_a_shutdown_does_not_wait_for_handlers_of_a_dead_caller():
    with Cluster(
        3,
        """
        begun = threading.Semaphore(0)
        def slow(): begun.release(); time.sleep(30)
        rpc.init_rpc(NAME)
        if RANK == 1:
            calls = [rpc.rpc_async("worker2", slow, timeout=0) for _ in range(5)]
            time.sleep(60)
        if RANK == 2:
            for _ in range(5): begun.acquire()
            print("begun", flush=True)
        began = time.monotonic()
        try:
            rpc.shutdown()
            print("no error")
        except ConnectionError as e:
            assert "'worker1' died" in str(e), e
        print("ended" if time.monotonic() - began < 20 else "late", flush=True)
        os._exit(0)
        """,
    ) as cluster:
        cluster.wait_for(2, "begun")
        cluster.signal(1, signal.SIGKILL)
        results = cluster.finish(40)
        for rank in (0, 2):
            assert results[rank][1].split() == ["ended"], results[rank]


def test_a_worker_whose_program_failed_is_named_by_the_shutdown_of_the_others():
    with Cluster(
        3,
        """
        rpc.init_rpc(NAME)
        if RANK == 1:
            1 / 0
        try:
            rpc.shutdown()
        except ConnectionError as e:
            print(e)
        """,
    ) as cluster:
        results = cluster.finish()
    assert results[1][0] == 1
    for rank in (0, 2):
        assert "'worker1'" in results[rank][1] and "ZeroDivisionError" in results[rank][1], results[rank]


def test_an_ordinary_end_prints_nothing():
    with Cluster(4, "rpc.init_rpc(NAME); rpc.shutdown(graceful=False)") as cluster:
        for code, out, err in cluster.finish():
            assert (code, out, err) == (0, "", "")


def test_a_name_that_is_not_unique_fails_all_workers_at_once():
    with Cluster(
        3,
        """
        began = time.monotonic()
        try:
            rpc.init_rpc("twin" if RANK else NAME)
        except RuntimeError as e:
            assert "is not unique" in str(e), e
            print("at once" if time.monotonic() - began < 30 else "late")
        """,
    ) as cluster:
        for code, out, err in cluster.finish():
            assert (code, out.strip()) == (0, "at once"), (out, err)
            assert "nobody looked" not in err, err
