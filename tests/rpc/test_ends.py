"""How a worker ends while others, or other threads of its own, wait for that."""
from cluster import Cluster, run


def test_a_shutdown_that_is_not_graceful_ends_one_that_waits_on_another_thread():
    with Cluster(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            began = time.monotonic()
            threading.Timer(0.3, lambda: rpc.shutdown(graceful=False)).start()
            try: rpc.shutdown()
            except torch.Cancelled as error: assert "another thread has ended this worker at once" in str(error), error
            else: raise SystemExit("it ended in order")
            assert time.monotonic() - began < 20
            print("left", flush=True)
        else:
            time.sleep(120)  # it never calls shutdown
        """,
    ) as cluster:
        cluster.wait_for(0, "left")


def test_the_timeout_of_a_second_shutdown_is_its_own():
    with Cluster(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            def second():
                try: rpc.shutdown(timeout=0.3)
                except TimeoutError as error: told.append(str(error))
            told = []
            call = rpc.rpc_async("worker0", goes_on)
            thread = threading.Timer(0.3, second)
            thread.start()
            waiter = threading.Thread(target=rpc.shutdown)
            waiter.start()
            thread.join(20)
            assert len(told) == 1 and "another thread has begun did not end within 0.3 s" in told[0], told
            assert rpc.rpc_sync("worker1", torch.add, args=(1, 2)) == 3  # the first one waits as before
            assert call.wait() == "to its end"
            rpc.rpc_sync("worker1", go)
            waiter.join(20)
            print("left", flush=True)
        else:
            gone_on.wait()
            rpc.shutdown()
        """,
        preamble="""
import os, sys, threading, time
import tine as torch
from tine.distributed import rpc
RANK = int(os.environ["RANK"])
NAME = f"worker{RANK}"
gone_on = threading.Event()
async def goes_on():
    import asyncio
    await asyncio.sleep(2)  # longer than the second shutdown waits
    return "to its end"
def go(): gone_on.set()
""",
    ) as cluster:
        for code, out, err in cluster.finish(60):
            assert code == 0, err


def test_a_call_may_end_a_worker_whose_main_thread_waits_for_the_end_of_all():
    with Cluster(
        2,
        """
        def stop(): rpc.shutdown(graceful=False)
        rpc.init_rpc(NAME)
        if RANK == 0:
            try: rpc.rpc_sync("worker1", stop, timeout=20)
            except ConnectionError: pass
            rpc.shutdown(graceful=False)
        else:
            try: rpc.shutdown()
            except torch.Cancelled: pass  # the call came while it waited
            print("stopped", flush=True)
        """,
    ) as cluster:
        results = cluster.finish(60)
    assert [code for code, _, _ in results] == [0, 0] and results[1][1] == "stopped\n", results


def test_the_failure_of_rank_0_is_told_to_those_who_wait_for_the_end_and_to_those_who_come_later():
    with Cluster(
        3,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            time.sleep(0.3)
            raise ValueError("no more data")
        if RANK == 2:
            time.sleep(1.0)
        try: rpc.shutdown()
        except ConnectionError as error: assert "worker0" in str(error) and "ValueError: no more data" in str(error), error
        else: raise SystemExit("it ended in order")
        print("told", flush=True)
        """,
    ) as cluster:
        results = cluster.finish(60)
    assert [code for code, _, _ in results] == [1, 0, 0] and [out for _, out, _ in results[1:]] == ["told\n"] * 2, results


def test_an_error_that_would_pass_for_the_end_of_a_stream_is_an_error():
    run(
        2,
        """
        import asyncio
        def first_of(items): return iter([next(iter(items))])
        async def first_later(): raise StopAsyncIteration("nothing")
        rpc.init_rpc(NAME)
        if RANK == 0:
            try: list(rpc.stream("worker1", first_of, args=([],)))
            except RuntimeError as error: assert "raised StopIteration" in str(error), error
            else: raise SystemExit("an empty stream")
            async def read(): return [item async for item in rpc.stream("worker1", first_later)]
            try: asyncio.run(read())
            except RuntimeError as error: assert "raised StopAsyncIteration: nothing" in str(error), error
            else: raise SystemExit("an empty stream")
            assert list(rpc.stream("worker1", first_of, args=([5],))) == [5]
        rpc.shutdown()
        """,
    )
