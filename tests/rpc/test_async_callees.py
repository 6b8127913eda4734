"""`async def` functions as callees: they run on one asyncio loop of the worker, and need no decorator."""
from cluster import run


def test_coroutines_run_on_one_named_thread_that_shutdown_joins():
    run(
        2,
        """
        import asyncio
        async def where(x):
            await asyncio.sleep(0)
            return threading.current_thread().name, threading.get_ident(), x
        class Holder:
            def __init__(self): self.n = 1
            async def add(self, k):
                await asyncio.sleep(0.001)
                self.n += k
                return self.n
            async def __call__(self, x): return x * 2
        def threads(): return [t.name for t in threading.enumerate()]
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                assert "tine-rpc-asyncio" not in rpc.rpc_sync(to, threads)
                got = rpc.rpc_sync(to, where, args=(torch.ones(2),))
                assert got[0] == "tine-rpc-asyncio" and got[2].tolist() == [1, 1], got
                # A set as an argument makes a pickle of it.
                assert rpc.rpc_sync(to, where, args=({1},))[1:] == (got[1], {1})
                calls = [rpc.rpc_async(to, where, args=(i,)) for i in range(100)]
                assert [c.wait()[2] for c in calls] == list(range(100))
                assert {c.wait()[1] for c in calls} == {got[1]}
                assert rpc.rpc_sync(to, threads).count("tine-rpc-asyncio") == 1
                assert rpc.remote(to, where, args=(7,)).to_here()[2] == 7
                h = rpc.remote(to, Holder)
                assert h.rpc_sync().add(2) == 3 and h.rpc_async().add(2).wait() == 5 and h.remote().add(1).to_here() == 6
                assert h.rpc_sync().__call__(4) == 8
        rpc.shutdown()
        assert "tine-rpc-asyncio" not in threads(), threads()
        """,
    )


def test_a_coroutine_awaits_calls_of_other_workers_and_many_pause_in_one_thread():
    run(
        3,
        """
        import asyncio
        async def ask(x):
            return await rpc.rpc_async("worker2", torch.add, args=(x, 1)) + await rpc.call("worker2", torch.mul, x, 2)
        async def pause(event_after):
            await asyncio.sleep(event_after)
            return threading.active_count()
        async def main():
            got = await asyncio.gather(*(rpc.call("worker1", ask, torch.ones(2)) for _ in range(50)))
            assert all(g.tolist() == [4, 4] for g in got)
            assert await rpc.call("worker1", max, 3, 9, key=abs) == 9
        rpc.init_rpc(NAME)
        if RANK == 0:
            asyncio.run(main())
            counts = torch.futures.wait_all([rpc.rpc_async("worker1", pause, args=(0.05,)) for _ in range(500)])
            assert max(counts) < 40, max(counts)
        rpc.shutdown()
        """,
    )


def test_errors_of_a_coroutine_arrive_as_they_were():
    run(
        2,
        """
        import asyncio
        async def fail():
            await asyncio.sleep(0)
            raise KeyError("inside", 3)
        async def leave(): raise SystemExit(3)
        async def unpicklable(): return threading.Lock()
        async def future(): return torch.futures.Future()
        def raises(kind, f, word):
            try: f()
            except kind as error: assert word in str(error), error
            else: raise SystemExit("no error")
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                raises(KeyError, lambda: rpc.rpc_sync(to, fail), "inside")
                raises(KeyError, lambda: rpc.remote(to, fail).to_here(), "inside")
                raises(torch.RemoteError, lambda: rpc.rpc_sync(to, leave), "SystemExit: 3")
                raises(TypeError, lambda: rpc.rpc_sync(to, unpicklable), "lock")
                raises(TypeError, lambda: rpc.rpc_sync(to, future), "Future")
        rpc.shutdown()
        """,
    )


def test_a_coroutine_is_cancelled_when_its_caller_gives_up_or_dies():
    run(
        3,
        """
        import asyncio
        ended, begun = [], []
        async def long(name):
            begun.append(name)
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                ended.append(name)
                raise
        def seen(what): return list(begun if what == "begun" else ended)
        def until(what, n):
            while len(rpc.rpc_sync("worker1", seen, args=(what,))) < n: time.sleep(0.005)
        rpc.init_rpc(NAME)
        if RANK == 0:
            given_up = rpc.rpc_async("worker1", long, args=("given up",))
            until("begun", 1)
            given_up.cancel()
            until("ended", 1)
            try: rpc.rpc_sync("worker1", long, args=("too late",), timeout=0.1)
            except TimeoutError: pass
            until("ended", 2)
            until("ended", 3)
            assert rpc.rpc_sync("worker1", seen, args=("ended",)) == ["given up", "too late", "dead"]
            os._exit(0)
        if RANK == 2:
            while len(rpc.rpc_sync("worker1", seen, args=("ended",))) < 2: time.sleep(0.005)
            rpc.rpc_async("worker1", long, args=("dead",))
            until("begun", 3)
            os._exit(0)
        while len(ended) < 3: time.sleep(0.005)
        time.sleep(0)
        try: rpc.shutdown(timeout=20)
        except Exception: pass
        """,
    )


def test_shutdown_cancels_what_still_runs():
    run(
        1,
        """
        import asyncio
        ended = []
        async def long():
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append(1)
        async def nothing(): return 5
        rpc.init_rpc(NAME)
        call = rpc.rpc_async("worker0", long)
        assert rpc.rpc_sync("worker0", nothing) == 5  # behind it on the loop
        rpc.shutdown(graceful=False)
        assert ended == [1] and call.done()
        try: call.wait()
        except Exception: pass
        rpc.init_rpc(NAME, rank=0, world_size=1)
        assert rpc.rpc_sync("worker0", nothing) == 5
        rpc.shutdown()
        """,
    )


def test_a_coroutine_that_blocks_or_takes_no_cancellation_does_not_hold_up_the_end():
    run(
        1,
        """
        import asyncio
        async def blocks(): time.sleep(60)
        async def stays():
            while True:
                try: await asyncio.sleep(60)
                except asyncio.CancelledError: pass
        async def nothing(): return 5
        for f in (stays, blocks):
            rpc.init_rpc(NAME, rank=0, world_size=1)
            call = rpc.rpc_async("worker0", f)
            if f is stays: assert rpc.rpc_sync("worker0", nothing) == 5
            began = time.monotonic()
            rpc.shutdown(graceful=False)
            assert time.monotonic() - began < 9
            assert call.exception() is not None
        os._exit(0)
        """,
    )


def test_a_wait_on_the_loop_is_warned_of_once_for_each_function_with_its_line():
    outs = run(
        2,
        """
        import warnings
        seen = []
        warnings.showwarning = lambda message, category, file, line, *rest: seen.append((category, file, line, str(message)))
        def here(): return sys._getframe(1).f_lineno
        def nap(x):
            time.sleep(0.2)
            return x
        async def blocks(to):
            line = here() + 1
            rpc.rpc_sync(to, nap, args=(1,))
            return line
        async def waits(to):
            future = rpc.rpc_async(to, nap, args=(1,))
            line = here() + 1
            future.wait()
            return line
        async def fetches(to):
            rref = rpc.remote(to, nap, args=(1,))
            line = here() + 1
            rref.to_here()
            return line
        async def awaits(to):
            await rpc.rpc_async(to, nap, args=(1,))
            done = torch.futures.Future(); done.set_result(1); done.wait()
            try: torch.futures.Future().wait(0)
            except TimeoutError: pass
            return await rpc.call(to, nap, 2)
        def told():
            return [line for line in seen]
        rpc.init_rpc(NAME)
        if RANK == 0:
            lines = {}
            for f in (awaits, blocks, waits, fetches, blocks, waits, awaits):
                lines[f.__name__] = rpc.rpc_sync("worker1", f, args=("worker0",))
            seen = rpc.rpc_sync("worker1", told)
            assert [message.split()[0] for *_, message in seen] == ["blocks", "waits", "fetches"], seen
            for category, file, line, message in seen:
                assert category is RuntimeWarning and os.path.basename(file) == "program.py", seen
                assert line == lines[message.split()[0]] and f"in line {line}" in message, (seen, lines)
                assert "`await rpc.call(...)`" in message and "`await future`" in message, message
            rpc.rpc_sync("worker0", nap, args=(1,))
        rpc.shutdown()
        """,
    )
    assert outs == ["", ""]


def test_the_text_of_a_cancelled_error_that_a_coroutine_raises_reaches_its_caller():
    run(
        2,
        """
        import asyncio
        async def gives_up(text):
            raise asyncio.CancelledError(*text)
        async def breaks(text):
            yield 1
            raise asyncio.CancelledError(*text)
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                for text in (("no more paper",), ()):
                    items = rpc.stream(to, breaks, args=(text,))
                    assert next(items) == 1
                    for call in (lambda: rpc.rpc_sync(to, gives_up, args=(text,)), lambda: next(items)):
                        try:
                            call()
                            raise AssertionError
                        except torch.Cancelled as error:
                            assert not text or str(error) == text[0], error
        rpc.shutdown()
        """,
    )
