"""Deadlines, cancellation and the trail of an error, from worker to worker."""
from cluster import Cluster, run

HELP = """
        LONG = 100.0  # no test takes so long
        def until(condition, what):
            end = time.monotonic() + 30
            while not condition():
                assert time.monotonic() < end, what
                time.sleep(0.002)
        def ends(kind, f):
            try:
                f()
            except kind as error:
                return error
            raise AssertionError(f"no {kind.__name__}")
        state = {}
        def get_state(name):
            return state.get(name)
        def state_of(worker, name):
            return rpc.rpc_sync(worker, get_state, args=(name,), timeout=LONG)
"""


def test_a_handler_sees_its_call_and_other_code_sees_none():
    run(
        2,
        HELP
        + """
        def about():
            call = rpc.current_call()
            assert rpc.current_call().name == call.name
            with torch.deadline(1):
                assert rpc.current_call().name == call.name and rpc.current_call().deadline == call.deadline
            pooled = torch.futures.pool.submit(lambda: rpc.current_call().name).wait()
            assert pooled == call.name
            elsewhere = []
            look = lambda: elsewhere.append(rpc.current_call() and rpc.current_call().name)
            import contextvars
            with torch.CancelScope():
                copied = contextvars.copy_context()
            for t in (threading.Thread(target=look), threading.Thread(target=copied.run, args=(look,))):
                t.start(); t.join()
            assert elsewhere == [None, call.name], elsewhere
            return call.name, call.caller.name, call.caller.id, call.cancelled, call.remaining, repr(call)
        def deadline():
            return rpc.current_call().deadline
        @rpc.functions.async_execution
        def later():
            return rpc.rpc_async("worker0", torch.add, args=(1, 1)).then(lambda f: rpc.current_call().name)
        rpc.init_rpc(NAME)
        assert rpc.current_call() is None
        if RANK == 0:
            for to in ("worker1", "worker0"):
                name, caller, number, cancelled, remaining, text = rpc.rpc_sync(to, about, timeout=LONG)
                assert name == "__main__.about" and caller == "worker0" and number == 0, (name, caller, number)
                assert cancelled is False and 0 < remaining <= LONG and text == "<call of __main__.about by worker0>"
                assert rpc.rpc_sync(to, deadline, timeout=0) is None
                assert abs(rpc.rpc_sync(to, deadline, timeout=LONG) - time.monotonic() - LONG) < 20
                assert rpc.rpc_sync(to, later, timeout=LONG) == "__main__.later"
        rpc.shutdown()
        assert rpc.current_call() is None
        """,
    )


def test_the_remaining_time_travels_and_nested_calls_scripts_and_waits_inherit_it():
    run(
        3,
        HELP
        + """
        def remaining():
            return rpc.current_call().remaining
        def through(to):
            return rpc.rpc_sync(to, remaining, timeout=0)  # none of its own
        def waits():
            torch.futures.Future().wait()
        @torch.jit.script
        def computes(n: int) -> int:
            s = 0
            for i in range(n):
                s = s + i % 7
            return s
        def runs_a_script():
            computes(10**15)
        def running():
            return torch._C._rpc.debug_info()["calls_running"]
        rpc.init_rpc(NAME)
        if RANK == 0:
            assert rpc.rpc_sync("worker1", through, args=("worker2",), timeout=0) is None
            assert 0 < rpc.rpc_sync("worker1", through, args=("worker2",), timeout=50) <= 50
            with torch.deadline(40):
                assert 0 < rpc.rpc_sync("worker1", through, args=("worker2",), timeout=0) <= 40
                assert 0 < rpc.remote("worker1", through, args=("worker2",), timeout=0).to_here() <= 40
                with torch.deadline(30):
                    assert 0 < rpc.rpc_sync("worker1", through, args=("worker2",), timeout=0) <= 30
            for func, args in ((waits, ()), (runs_a_script, ()), (computes, (10**15,))):
                with torch.deadline(0.1):
                    error = ends(torch.DeadlineExceeded, lambda: rpc.rpc_sync("worker1", func, args=args, timeout=0))
                assert isinstance(error, TimeoutError)
            # Nothing goes on there.
            until(lambda: rpc.rpc_sync("worker1", running) == 1, "a handler is still running")
        rpc.shutdown()
        """,
    )


def test_a_request_whose_time_is_over_when_it_could_begin_is_not_begun():
    run(
        2,
        HELP
        + """
        gate = threading.Event()
        class Thing:
            def __init__(self):
                assert gate.wait(60)
            def mark(self):
                state["begun"] = True
        def opens():
            gate.set()
        rpc.init_rpc(NAME)
        if RANK == 0:
            thing = rpc.remote("worker1", Thing)
            ends(TimeoutError, lambda: thing.rpc_sync(timeout=0.05).mark())  # waits there for the object
            with torch.deadline(0.05):
                ends(TimeoutError, lambda: thing.rpc_sync(timeout=0).mark())
            with torch.CancelScope() as scope:
                given_up = thing.rpc_async(timeout=0).mark()
            scope.cancel()
            assert given_up.cancelled()
            rpc.rpc_sync("worker1", opens)
            assert thing.rpc_sync().__repr__()  # comes behind the others
            assert state_of("worker1", "begun") is None
            # What is over before it is sent, is not sent.
            with torch.deadline(0):
                assert ends(torch.DeadlineExceeded, lambda: rpc.rpc_sync("worker1", opens))
            thing.rpc_sync().mark()
            assert state_of("worker1", "begun")
        rpc.shutdown()
        """,
    )


def test_cancelling_a_call_reaches_its_handler_and_what_that_called():
    run(
        3,
        HELP
        + """
        def deep():
            call = rpc.current_call()
            state["begun"] = True
            until(lambda: call.cancelled, "deep is not told")
            state["told"] = True
        def asks():
            call = rpc.current_call()
            inner = rpc.rpc_async("worker2", deep, timeout=0)
            state["begun"] = True
            until(lambda: call.cancelled, "not told")
            assert torch.Context.current().stopped
            state["inner"] = inner.cancelled()
            state["late"] = rpc.rpc_async("worker2", torch.add, args=(1, 1)).cancelled()
            with torch.CancelScope(shield=True):  # to clean up
                assert rpc.rpc_sync("worker2", torch.add, args=(1, 1)) == 2
            state["told"] = True
        def waits():
            state["begun"] = True
            try:
                rpc.rpc_sync("worker2", deep, timeout=0)
            except torch.Cancelled:
                state["told"] = True
                raise
        def clear():
            state.clear()
        rpc.init_rpc(NAME)
        if RANK == 0:
            for func in (asks, waits):
                for to in ("worker1", "worker2"):
                    rpc.rpc_sync(to, clear)
                for how in ("call", "scope"):
                    with torch.CancelScope() as scope:
                        call = rpc.rpc_async("worker1", func, timeout=0)
                    until(lambda: state_of("worker1", "begun") and state_of("worker2", "begun"), "not begun")
                    assert call.cancel() if how == "call" else scope.cancel()
                    ends(torch.Cancelled, call.wait)
                    until(lambda: state_of("worker1", "told") and state_of("worker2", "told"), (func, how))
                    if func is asks:
                        assert state_of("worker1", "inner") and state_of("worker1", "late")
                    for to in ("worker1", "worker2"):
                        rpc.rpc_sync(to, clear)
        rpc.shutdown()
        """,
    )


def test_a_handler_that_blocks_outside_of_tine_is_told_by_a_callback():
    run(
        2,
        HELP
        + """
        import gc, socket
        def blocks():
            ours, theirs = socket.socketpair()
            call = rpc.current_call()
            with call.on_cancel(lambda: ours.shutdown(socket.SHUT_RDWR)) as callback:
                state["begun"] = True
                state["read"] = ours.recv(1)
            callback.close()  # does nothing
            call.on_cancel(lambda: state.__setitem__("late", True))
            return 1
        def takes_back():
            call = rpc.current_call()
            with call.on_cancel(lambda: state.__setitem__("wrong", True)):
                pass
            call.on_cancel(lambda: state.__setitem__("wrong", True))  # dropped
            gc.collect()
            try:
                call.on_cancel(None)
            except TypeError as error:
                assert "expected a callable" in str(error)
            state["back"] = True
            torch.futures.Future().wait()
        rpc.init_rpc(NAME)
        if RANK == 0:
            call = rpc.rpc_async("worker1", blocks, timeout=0)
            until(lambda: state_of("worker1", "begun"), "not begun")
            assert call.cancel()
            until(lambda: state_of("worker1", "read") == b"" and state_of("worker1", "late"), "not told")
            call = rpc.rpc_async("worker1", takes_back, timeout=0.1)
            until(lambda: state_of("worker1", "back"), "not begun")
            ends(TimeoutError, call.wait)
            assert state_of("worker1", "wrong") is None
        rpc.shutdown()
        """,
    )


def test_cancelling_a_call_cancels_the_future_that_an_async_function_returned():
    run(
        2,
        HELP
        + """
        @rpc.functions.async_execution
        def own():
            state["own"] = torch.futures.Future()
            state["own"].add_done_callback(lambda f: state.__setitem__("own told", f.cancelled()))
            return state["own"]
        @rpc.functions.async_execution
        def chained():
            source = torch.futures.Future()
            state["source"] = source
            return source.then(lambda f: 1)
        @rpc.functions.async_execution
        def of_a_loop():
            import concurrent.futures
            state["other"] = concurrent.futures.Future()
            return state["other"]
        def cancelled(name):
            return state[name].cancelled()
        def ended(name):
            return state[name].done() and type(state[name].exception()).__name__
        def there(name):
            return name in state
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                for func, name in ((own, "own"), (of_a_loop, "other"), (chained, None)):
                    call = rpc.rpc_async(to, func, timeout=0)
                    until(lambda: rpc.rpc_sync(to, there, args=(name or "source",)), "not begun")
                    assert call.cancel()
                    if name:
                        until(lambda: rpc.rpc_sync(to, cancelled, args=(name,)), (to, name))
                until(lambda: state_of(to, "own told"), to)
            # The end of its time is one, too.
            call = rpc.rpc_async("worker1", own, timeout=0.1)
            ends(TimeoutError, call.wait)
            until(lambda: rpc.rpc_sync("worker1", ended, args=("own",)) == "DeadlineExceeded", "past its deadline")
        rpc.shutdown()
        """,
    )


def test_the_death_of_a_caller_ends_what_its_calls_do():
    program = HELP + """
        import signal
        def waits():
            call = rpc.current_call()
            state["begun"] = True
            try:
                torch.futures.Future().wait()
            except torch.Cancelled:
                state["told"] = call.cancelled
        rpc.init_rpc(NAME)
        if RANK == 1:
            call = rpc.rpc_async("worker0", waits, timeout=0)
            call.wait()
        else:
            until(lambda: state.get("begun"), "not begun")
            print("begun", flush=True)
            until(lambda: state.get("told"), "not told")
            try:
                rpc.shutdown(timeout=30)
            except RuntimeError as error:
                assert "worker1" in str(error), error
            print("told", flush=True)
        """
    with Cluster(2, program) as cluster:
        cluster.wait_for(0, "begun")
        cluster.processes[1].kill()
        cluster.wait_for(0, "told")


def test_the_trail_of_an_error_names_each_call_in_order_with_its_times():
    run(
        3,
        HELP
        + """
        def fails():
            time.sleep(0.05)
            raise KeyError("deep")
        def between():
            time.sleep(0.02)
            try:
                rpc.rpc_sync("worker2", fails)
            except KeyError as error:
                error.add_note("seen by between")
                raise
        @rpc.functions.async_execution
        def between_later():
            time.sleep(0.02)
            return rpc.rpc_async("worker2", fails)
        def operator():
            time.sleep(0.02)
            return rpc.rpc_sync("worker2", "aten::mm", args=(torch.ones(2), torch.ones(2)))
        def hops(error):
            return [n for n in error.__notes__ if isinstance(n, rpc.Hop)]
        rpc.init_rpc(NAME)
        if RANK == 0:
            for func in (between, between_later, operator):
                error = ends(Exception, lambda: rpc.rpc_sync("worker1", func))
                inner, outer = hops(error)
                assert (inner.worker, outer.worker) == ("worker2", "worker1"), error.__notes__
                assert inner.call == ("aten::mm" if func is operator else "__main__.fails"), inner.call
                assert outer.call == f"__main__.{func.__name__}"
                assert outer.began == 0 and 0.02 <= inner.began < 20, (outer.began, inner.began)
                assert inner.took <= outer.took - 0.02
                if func is not operator:
                    assert type(error) is KeyError and inner.took >= 0.05
                    import re
                    words = re.fullmatch(r"on worker worker2, in __main__\\.fails \\(began at ([0-9.]+) ms, took ([0-9.]+) ms\\)", inner)
                    assert abs(float(words[1]) / 1000 - inner.began) < 1e-4 and abs(float(words[2]) / 1000 - inner.took) < 1e-4, inner
                if func is between:  # where it was added
                    notes = error.__notes__
                    assert notes.index(inner) < notes.index("seen by between") < notes.index(outer), notes
            # A call in a callback of the first call's handler, and one to this worker itself.
            error = ends(KeyError, lambda: rpc.rpc_sync("worker0", between))
            (only,) = hops(error)
            assert only.worker == "worker2" and only.began >= 0.02
            import pickle
            again = pickle.loads(pickle.dumps(error))
            assert hops(again) == hops(error) and hops(again)[0].took == only.took
            late = ends(TimeoutError, lambda: rpc.rpc_sync("worker1", between, timeout=0.03))
            (hop,) = hops(late)
            assert hop.worker == "worker1" and 0.02 < hop.took < 20
        rpc.shutdown()
        """,
    )


def test_the_death_of_a_worker_in_the_middle_leaves_a_trail():
    program = HELP + """
        def waits():
            print("there", flush=True)
            time.sleep(60)
        def between():
            return rpc.rpc_sync("worker2", waits, timeout=0)
        rpc.init_rpc(NAME)
        if RANK == 0:
            error = ends(torch.PeerDied, lambda: rpc.rpc_sync("worker1", between, timeout=0))
            inner, outer = [n for n in error.__notes__ if isinstance(n, rpc.Hop)]
            assert "worker2" in str(error), error
            assert (inner.worker, inner.call, outer.worker, outer.call) == ("worker2", "__main__.waits", "worker1", "__main__.between")
            print("told", flush=True)
        try:
            rpc.shutdown(timeout=20)
        except RuntimeError:
            pass
        """
    with Cluster(3, program) as cluster:
        cluster.wait_for(2, "there")
        cluster.processes[2].kill()
        cluster.wait_for(0, "told")


def test_tasks_of_one_loop_carry_their_own_deadlines_to_other_workers():
    run(
        2,
        HELP
        + """
        import asyncio
        def remaining():
            return rpc.current_call().remaining
        async def ask(seconds, meet):
            with torch.deadline(seconds):
                await meet.wait()
                return await rpc.rpc_async("worker1", remaining, timeout=0)
        async def late():
            with torch.deadline(0.05):
                await rpc.rpc_async("worker1", time.sleep, args=(0.3,), timeout=0)
        async def main():
            meet = asyncio.Event()
            tasks = [asyncio.ensure_future(ask(s, meet)) for s in (50, 20)]
            await asyncio.sleep(0)
            meet.set()
            first, second = await asyncio.gather(*tasks)
            assert 20 < first <= 50 and 0 < second <= 20, (first, second)
            try:
                await late()
            except torch.DeadlineExceeded:
                return
            raise AssertionError("no DeadlineExceeded")
        rpc.init_rpc(NAME)
        if RANK == 0:
            asyncio.run(main())
            assert 0 < rpc.rpc_sync("worker1", remaining, timeout=9) <= 9
        rpc.shutdown()
        """,
    )


def test_a_coroutine_that_a_handler_gives_to_a_loop_ends_with_the_call():
    run(
        2,
        HELP
        + """
        import asyncio
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        async def asks():
            call = rpc.current_call()
            state["name"] = call.name
            state["begun"] = True
            try:
                await torch.futures.Future()
            finally:
                state["ended"] = call.cancelled
        @rpc.functions.async_execution
        def on_the_loop():
            return torch.futures.from_asyncio(asks(), loop)
        def waits_for_the_loop():
            return torch.futures.from_asyncio(asks(), loop).wait()
        def clear():
            state.clear()
        thread.start()
        rpc.init_rpc(NAME)
        if RANK == 0:
            for func in (on_the_loop, waits_for_the_loop):
                for seconds in (0, 0.1):
                    call = rpc.rpc_async("worker1", func, timeout=seconds)
                    until(lambda: state_of("worker1", "begun"), "not begun")
                    assert state_of("worker1", "name") == f"__main__.{func.__name__}"
                    if not seconds:
                        assert call.cancel()
                    ends(torch.DeadlineExceeded if seconds else torch.Cancelled, call.wait)
                    until(lambda: state_of("worker1", "ended") is not None, (func, seconds))
                    rpc.rpc_sync("worker1", clear)
        rpc.shutdown()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        """,
    )


def test_a_scope_that_a_handler_leaves_open_does_not_reach_the_next_handler():
    run(
        2,
        HELP
        + """
        def leaves_open():
            torch.deadline(0).__enter__()
        def remaining():
            return rpc.current_call().remaining, torch.Context.current().remaining
        options = rpc.TensorPipeRpcBackendOptions(num_worker_threads=1)
        rpc.init_rpc(NAME, rpc_backend_options=options)
        if RANK == 0:
            for _ in range(20):
                rpc.rpc_sync("worker1", leaves_open)
                assert min(rpc.rpc_sync("worker1", remaining, timeout=LONG)) > 0
        rpc.shutdown()
        """,
    )


def test_many_calls_that_are_cancelled_at_any_moment_leave_nothing_running():
    run(
        3,
        HELP
        + """
        import random
        def leaf(seconds):
            with torch.deadline(seconds):
                try:
                    torch.futures.Future().wait()
                except torch.DeadlineExceeded:
                    return rpc.current_call().cancelled
        def through(seconds):
            return rpc.rpc_sync("worker2", leaf, args=(seconds,), timeout=0)
        @rpc.functions.async_execution
        def later(seconds):
            return rpc.rpc_async("worker2", leaf, args=(seconds,), timeout=0).then(lambda f: f.value())
        def running():
            return torch._C._rpc.debug_info()["calls_running"]
        rpc.init_rpc(NAME)
        if RANK == 0:
            pick = random.Random(7)
            calls = []
            for i in range(300):
                with torch.CancelScope() as scope:
                    call = rpc.rpc_async("worker1", pick.choice((through, later)), args=(pick.random() / 50,), timeout=pick.choice((0, 0.01, LONG)))
                calls.append((call, scope))
                if pick.random() < 0.5:
                    call, scope = pick.choice(calls)
                    scope.cancel() if pick.random() < 0.5 else call.cancel()
            for call, scope in calls:
                try:
                    assert call.wait(timeout=LONG) is False
                except (torch.Cancelled, torch.DeadlineExceeded):
                    pass
            for worker in ("worker1", "worker2"):
                until(lambda: rpc.rpc_sync(worker, running) == 1, worker)
        rpc.shutdown()
        """,
    )
