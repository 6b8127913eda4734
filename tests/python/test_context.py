"""Deadlines and cancel scopes: what they end, whom they follow, and what they leave alone."""
import asyncio
import contextvars
import datetime
import gc
import subprocess
import sys
import threading
import time

import pytest

import tine as torch
from tine import futures

LONG = 60.0  # no test takes so long


@pytest.mark.parametrize("wrong", [True, False, "2", b"2", None, [1], 1j, bytearray(b"1")])
def test_a_deadline_of_another_type_is_refused_by_name(wrong):
    with pytest.raises(TypeError, match="deadline\\(\\): expected seconds, a number or a timedelta, got .* of type"):
        torch.deadline(wrong)


@pytest.mark.parametrize("wrong", [float("nan"), -1, -0.001, float("-inf"), datetime.timedelta(seconds=-1)])
def test_a_deadline_of_nan_or_below_zero_is_refused(wrong):
    with pytest.raises(ValueError, match="deadline\\(\\): expected seconds that are not negative"):
        torch.deadline(wrong)


@pytest.mark.parametrize("endless", [float("inf"), 1e300, 10**400])
def test_a_deadline_without_an_end_is_none(endless):
    with torch.deadline(endless) as scope:
        assert scope.at is None and scope.remaining is None
        assert torch.Context.current().deadline is None


def test_a_wait_ends_at_the_deadline_whoever_made_the_future():
    elsewhere = torch.futures.Future()
    begin = time.monotonic()
    with pytest.raises(torch.DeadlineExceeded) as caught:
        with torch.deadline(0.05):
            elsewhere.wait()
    assert isinstance(caught.value, TimeoutError)
    assert 0.04 < time.monotonic() - begin < 10
    assert not elsewhere.done()  # it is another's
    with pytest.raises(torch.DeadlineExceeded), torch.deadline(datetime.timedelta(milliseconds=20)):
        elsewhere.exception()
    with pytest.raises(torch.DeadlineExceeded), torch.deadline(0.02):
        futures.wait_all([elsewhere])
    with pytest.raises(torch.DeadlineExceeded), torch.deadline(0.02):
        next(iter(futures.as_completed([elsewhere])))
    with pytest.raises(torch.DeadlineExceeded), torch.deadline(0.02):
        torch.jit.wait(elsewhere)
    with pytest.raises(torch.DeadlineExceeded), torch.deadline(0):
        elsewhere.wait()
    elsewhere.set_result(1)
    with torch.deadline(0):
        assert elsewhere.wait() == 1  # what is done is there


def test_the_timeout_of_a_wait_counts_where_it_is_earlier():
    elsewhere = torch.futures.Future()
    with torch.deadline(LONG):
        with pytest.raises(TimeoutError) as caught:
            elsewhere.wait(timeout=0.01)
    assert not isinstance(caught.value, torch.DeadlineExceeded)
    with torch.deadline(0.01), pytest.raises(torch.DeadlineExceeded):
        elsewhere.wait(timeout=LONG)


def test_of_nested_deadlines_the_earlier_counts():
    with torch.deadline(50) as outer:
        with torch.deadline(100) as inner:
            assert inner.at == outer.at and 40 < inner.remaining <= 50
        with torch.deadline(10) as inner:
            assert inner.at < outer.at
            assert torch.Context.current().deadline == inner.at
        assert torch.Context.current().deadline == outer.at
    assert torch.Context.current().deadline is None
    assert abs(outer.at - time.monotonic() - outer.remaining) < 1


def test_a_scope_is_in_force_once_at_a_time():
    scope = torch.deadline(LONG)
    with scope:
        with pytest.raises(RuntimeError, match="deadline is in force already"):
            scope.__enter__()
    with scope:
        pass


def test_what_was_made_in_a_scope_is_cancelled_with_it():
    source = torch.futures.Future()
    with torch.CancelScope() as scope:
        made = torch.futures.Future()
        chained = source.then(lambda f: f.value())
        both = futures.collect_all([source, made])
        inner_source = source.and_then(lambda v: v)
    outside = source.then(lambda f: f.value() + 1)
    assert not scope.cancelled
    assert scope.cancel() and scope.cancelled
    assert not scope.cancel()
    for future in (made, chained, both, inner_source):
        assert future.cancelled(), future
        with pytest.raises(torch.Cancelled):
            future.wait()
    made.set_result(1)  # comes too late, and is ignored
    assert not source.done()
    source.set_result(1)
    assert outside.wait() == 2


def test_what_was_made_in_a_deadline_ends_with_it_also_after_the_statement():
    source = torch.futures.Future()
    with torch.deadline(0.03):
        made = source.then(lambda f: f.value())
        own = torch.futures.Future()
    with pytest.raises(torch.DeadlineExceeded):
        made.wait(timeout=LONG)
    with pytest.raises(torch.DeadlineExceeded):
        own.wait(timeout=LONG)
    own.set_result(1)


def test_waits_of_other_threads_end_when_the_scope_is_cancelled():
    elsewhere = torch.futures.Future()
    scope = torch.CancelScope()
    inside, ended = threading.Event(), []

    def waits():
        with scope:
            inside.set()
            try:
                elsewhere.wait()
            except torch.Cancelled as error:
                ended.append(error)

    thread = threading.Thread(target=waits)
    thread.start()
    assert inside.wait(LONG)
    scope.cancel()
    thread.join(LONG)
    assert len(ended) == 1 and not elsewhere.done()


def test_the_pool_runs_functions_in_the_context_of_their_caller():
    with torch.deadline(LONG) as scope:
        seen = futures.pool.submit(lambda: torch.Context.current().deadline)
        nested = futures.pool.submit(lambda: futures.pool.submit(lambda: torch.Context.current().deadline).wait())
    without = futures.pool.submit(lambda: torch.Context.current().deadline)
    assert seen.wait() == scope.at and nested.wait() == scope.at and without.wait() is None


def test_a_function_of_the_pool_whose_scope_is_cancelled_is_not_begun():
    ran = []
    scope = torch.CancelScope()
    scope.cancel()
    with scope:
        future = futures.pool.submit(ran.append, 1)
    assert future.cancelled()
    assert futures.pool.submit(lambda: 5).wait() == 5
    assert not ran


def test_callbacks_run_in_the_context_in_which_they_were_added():
    seen = {}

    def look(name):
        return lambda *_: seen.__setitem__(name, torch.Context.current().deadline)

    source = torch.futures.Future()
    with torch.deadline(LONG) as scope:
        source.then(look("then"))
        source.add_done_callback(look("done"))
        posted = source.then(look("posted"), executor=futures.pool)
    source.then(look("without"))
    with torch.deadline(2 * LONG) as other:
        source.set_result(1)  # calls them
        assert torch.Context.current().deadline == other.at
    posted.wait()
    assert seen == {"then": scope.at, "done": scope.at, "posted": scope.at, "without": None}


def test_tasks_of_one_loop_do_not_see_each_others_scopes():
    async def deadline_after_a_turn(seconds, meet):
        if seconds is None:
            await meet.wait()
            return torch.Context.current().deadline
        with torch.deadline(seconds) as scope:
            await meet.wait()
            assert torch.Context.current().deadline == scope.at
            child = asyncio.ensure_future(deadline_after_a_turn(None, meet))
            assert await child == scope.at  # a task has the Context of who made it
            return await asyncio.to_thread(lambda: torch.Context.current().deadline) == scope.at

    async def main():
        meet = asyncio.Event()
        tasks = [asyncio.ensure_future(deadline_after_a_turn(s, meet)) for s in (LONG, 2 * LONG, None)]
        await asyncio.sleep(0)
        meet.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [True, True, None]


def test_an_await_ends_with_the_context_of_its_task_alone():
    elsewhere = torch.futures.Future()
    scope = torch.CancelScope()

    async def in_deadline():
        with torch.deadline(0.03):
            await elsewhere

    async def in_scope():
        with scope:
            await elsewhere

    async def main():
        late, cancelled, free = (asyncio.ensure_future(f) for f in (in_deadline(), in_scope(), wait_for(elsewhere)))
        with pytest.raises(torch.DeadlineExceeded):
            await late
        scope.cancel()
        with pytest.raises(torch.Cancelled):
            await cancelled
        assert not elsewhere.done()
        elsewhere.set_result(3)
        return await free

    async def wait_for(future):
        return await future

    assert asyncio.run(main()) == 3


def test_a_thread_starts_without_a_context_unless_it_is_given_one():
    seen = []

    def look():
        seen.append(torch.Context.current().deadline)

    with torch.deadline(LONG) as scope:
        context = contextvars.copy_context()
        for target in (lambda: contextvars.Context().run(look), lambda: context.run(look)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == [None, scope.at]


def test_a_shielded_scope_lets_cleanup_wait():
    source = torch.futures.Future()
    threading.Timer(0.05, source.set_result, [7]).start()
    with torch.deadline(0):
        with pytest.raises(torch.DeadlineExceeded):
            source.wait()
        with torch.CancelScope(shield=True):
            assert torch.Context.current().deadline is None
            assert source.wait() == 7


def test_check_raises_how_the_context_stopped():
    torch.Context.current().check()
    with torch.CancelScope() as scope:
        here = torch.Context.current()
        here.check()
        assert not here.stopped
        scope.cancel()
        assert here.stopped
        with pytest.raises(torch.Cancelled):
            here.check()
    with torch.deadline(0), pytest.raises(torch.DeadlineExceeded):
        torch.Context.current().check()


def test_a_script_in_a_deadline_ends_whether_it_waits_or_computes():
    @torch.jit.script
    def waits(f: torch.futures.Future[int]) -> int:
        return torch.jit.wait(f)

    @torch.jit.script
    def computes(n: int) -> int:
        s = 0
        for i in range(n):
            s = s + i % 7
        return s

    elsewhere = torch.futures.Future()
    for call in (lambda: waits(elsewhere), lambda: computes(10**15), lambda: computes.call_async(10**15).wait()):
        with pytest.raises(torch.DeadlineExceeded), torch.deadline(0.05):
            call()
    with torch.CancelScope() as scope:
        running = computes.call_async(10**15)
    scope.cancel()
    with pytest.raises(torch.Cancelled):
        running.wait(timeout=LONG)


def test_a_future_that_is_dropped_in_a_scope_is_forgotten_in_silence():
    reports = []
    before = futures.set_unobserved_error_hook(reports.append)
    try:
        with torch.CancelScope():
            torch.futures.Future()
            chained = torch.futures.Future().then(lambda f: f.value())  # somebody waits: that one is told
        with pytest.raises(torch.Abandoned):
            chained.wait(timeout=LONG)
        gc.collect()
        assert not reports
    finally:
        futures.set_unobserved_error_hook(before)


def test_a_process_that_ends_in_a_scope_ends():
    program = """if True:
        import tine
        scope = tine.deadline(100); scope.__enter__()
        pending = tine.futures.Future()
        chained = pending.then(lambda f: f.value())
        held = tine.CancelScope(); held.__enter__()
        tine.futures.pool.submit(lambda: tine.futures.Future().wait(timeout=0.01))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_scopes_that_are_cancelled_while_futures_end_leave_each_future_done_once():
    source = [torch.futures.Future() for _ in range(200)]
    ends, started = [], threading.Barrier(3)

    def cancels():
        started.wait(LONG)
        for scope in scopes:
            scope.cancel()

    def completes():
        started.wait(LONG)
        for future in source:
            future.set_result(1)

    scopes = [torch.CancelScope() for _ in range(20)]
    made = []
    for i, future in enumerate(source):
        with scopes[i % 20], torch.deadline(LONG):
            made.append(future.then(lambda f: f.value()))
            made[-1].add_done_callback(ends.append)
            made.append(futures.collect_all([future, torch.futures.Future()]))
    threads = [threading.Thread(target=f) for f in (cancels, completes)]
    for thread in threads:
        thread.start()
    started.wait(LONG)
    gc.collect()
    for thread in threads:
        thread.join(LONG)
    assert all(future.done() for future in made)
    assert sorted(map(id, ends)) == sorted(map(id, made[::2]))
    for future in made[::2]:
        assert future.cancelled() or future.wait() == 1


def test_a_child_of_fork_is_outside_of_the_scopes_of_its_parent():
    program = """if True:
        import os, tine
        with tine.CancelScope() as scope, tine.deadline(0.0):
            child = os.fork()
            if child == 0:
                assert tine.Context.current().deadline is None
                future = tine.futures.Future()
                try:
                    future.wait(timeout=0.01)
                except tine.DeadlineExceeded:
                    os._exit(2)
                except TimeoutError:
                    with tine.deadline(0):
                        try:
                            future.wait()
                        except tine.DeadlineExceeded:
                            os._exit(0 if not scope.cancel() else 4)
                os._exit(3)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == 0, code
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_coroutine_runs_in_the_context_of_who_gave_it_to_a_loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def look():
        await asyncio.sleep(0)
        return torch.Context.current().deadline

    try:
        with torch.deadline(LONG) as scope:
            inside = futures.from_asyncio(look(), loop)
        assert inside.wait(timeout=LONG) == scope.at
        assert futures.from_asyncio(look(), loop).wait(timeout=LONG) is None
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_what_others_share_is_made_in_a_shielded_scope():
    with torch.deadline(0.0):
        with torch.CancelScope(shield=True):
            shared = torch.futures.Future()
        assert torch.futures.Future().done() and not shared.done()
    shared.set_result(1)
    assert shared.wait() == 1
