"""The pool as Python sees it: submit, counters, its size, waits that do not stop it."""

import contextlib
import os
import subprocess
import sys
import threading
import time

import pytest
from programs_of_futures import Marked, run_program

import tine
from tine.futures import Future, pool, wait_all


@contextlib.contextmanager
def threads(n):
    before = tine.get_num_threads()
    tine.set_num_threads(n)
    try:
        yield
    finally:
        tine.set_num_threads(before)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# ---- submit


def test_submit_runs_the_function_with_its_arguments():
    value = object()
    assert pool.submit(lambda *args, **named: (args, named), 1, [2], x=value).wait() == ((1, [2]), {"x": value})
    assert pool.submit(dict, a=1).wait(timeout=60) == {"a": 1}


def test_submit_keeps_the_very_exception():
    error = Marked()

    def fail():
        raise error

    assert pool.submit(fail).exception() is error
    with pytest.raises(SystemExit):
        pool.submit(sys.exit, 3).wait()


def test_submit_takes_a_callable():
    with pytest.raises(TypeError, match="expected a callable, got 3 of type int"):
        pool.submit(3)
    with pytest.raises(TypeError, match="missing"):
        pool.submit()


def test_who_waits_runs_a_function_that_has_not_begun():
    with threads(1):
        go, began = threading.Event(), threading.Event()
        busy = pool.submit(lambda: (began.set(), go.wait()))
        assert began.wait(60)
        assert pool.submit(threading.get_ident).wait() == threading.get_ident()
        go.set()
        busy.wait()


def test_a_wait_with_a_timeout_leaves_the_function_to_the_pool_and_ends_in_time():
    with threads(1):
        go, began = threading.Event(), threading.Event()
        busy = pool.submit(lambda: (began.set(), go.wait()))
        assert began.wait(60)
        slow = pool.submit(threading.get_ident)
        for wait in (slow.wait, slow.exception, lambda t: wait_all([slow], t)):
            with pytest.raises(TimeoutError):
                wait(0.02)
        go.set()
        assert slow.wait(timeout=60) != threading.get_ident()
        busy.wait()


def test_a_function_cancelled_before_it_began_is_not_run():
    with threads(1):
        go, began, called = threading.Event(), threading.Event(), []
        busy = pool.submit(lambda: (began.set(), go.wait()))
        assert began.wait(60)
        late = pool.submit(called.append, 1)
        assert late.cancel()
        go.set()
        busy.wait()
        pool.submit(int).wait(timeout=60)
        assert not called and late.cancelled()


def test_functions_that_wait_for_each_other_do_not_stop_the_pool():
    def fib(n):
        if n < 2:
            return n
        left = pool.submit(fib, n - 1)
        return fib(n - 2) + left.wait()

    for n in (1, 2):
        with threads(n):
            assert pool.submit(fib, 12).wait() == 144


def test_functions_that_wait_for_the_outside_do_not_stop_the_pool():
    with threads(1):
        gate = Future()
        waiting = [pool.submit(gate.wait) for _ in range(8)]
        until(lambda: tine.scheduler_counters().blocked_threads >= 1)
        assert pool.submit(lambda: "ran").wait(timeout=60) == "ran"
        gate.set_result(1)
        assert wait_all(waiting) == [1] * 8


def test_many_threads_submit_at_once():
    results, starts = [], threading.Barrier(4)

    def submit_many():
        starts.wait()
        results.extend([pool.submit(lambda i=i: i) for i in range(250)])

    outside = [threading.Thread(target=submit_many) for _ in range(4)]
    for thread in outside:
        thread.start()
    for thread in outside:
        thread.join()
    assert sum(wait_all(results, timeout=60)) == 4 * sum(range(250))


def test_the_interpreter_ends_with_functions_that_run_and_wait():
    run_program("""
        import threading, time
        from tine.futures import Future, pool
        never, began = Future(), threading.Event()
        kept = [pool.submit(never.wait) for _ in range(4)] + [pool.submit(began.set)]
        kept += [pool.submit(time.sleep, 0.2) for _ in range(4)]
        began.wait(30)
    """)


def test_the_pool_works_in_the_child_of_a_fork():
    run_program("""
        import os
        from tine.futures import pool
        assert pool.submit(int, "3").wait(timeout=30) == 3
        pid = os.fork()
        if pid == 0:
            os._exit(7 if pool.submit(int, "7").wait(timeout=30) == 7 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    """)


# ---- counters


def test_counters_count_what_the_pool_has_run():
    before = tine.scheduler_counters()
    wait_all([pool.submit(int) for _ in range(100)], timeout=60)
    until(lambda: tine.scheduler_counters().tasks_run >= before.tasks_run + 100)
    after = tine.scheduler_counters()
    assert after.threads >= 1 and after.tasks_stolen >= before.tasks_stolen
    assert type(after).__name__ == "SchedulerCounters" and after.tasks_run == after[0]
    assert repr(after).startswith("tine.SchedulerCounters(tasks_run=")


def test_counters_count_sleeping_threads():
    before = tine.scheduler_counters().parks
    pool.submit(int).wait(timeout=60)
    until(lambda: tine.scheduler_counters().parks > before)


def test_counters_count_stolen_tasks():
    with threads(2):
        before = tine.scheduler_counters().tasks_stolen

        def parent():
            children = [pool.submit(time.sleep, 0.001) for _ in range(50)]
            go = threading.Event()
            pool.submit(go.set)
            wait_all(children)

        for _ in range(20):
            pool.submit(parent).wait(timeout=60)
            if tine.scheduler_counters().tasks_stolen > before:
                break
        assert tine.scheduler_counters().tasks_stolen > before


def test_counters_show_spare_threads_while_workers_block():
    with threads(1):
        gate = Future()
        waiting = [pool.submit(gate.wait) for _ in range(3)]
        until(lambda: tine.scheduler_counters().blocked_threads >= 1)
        pool.submit(int).wait(timeout=60)
        until(lambda: tine.scheduler_counters().spare_threads >= 1)
        gate.set_result(None)
        wait_all(waiting, timeout=60)
        until(lambda: tine.scheduler_counters().blocked_threads == 0)


# ---- its size


def test_the_pool_is_resized_while_it_runs():
    stop = threading.Event()

    def keep_busy():
        while not stop.is_set():
            wait_all([pool.submit(sum, range(100)) for _ in range(20)], timeout=60)

    thread = threading.Thread(target=keep_busy)
    with threads(2):
        thread.start()
        for n in (1, 4, 2, 8, 1, 3):
            tine.set_num_threads(n)
            assert tine.get_num_threads() == n
            wait_all([pool.submit(int) for _ in range(50)], timeout=60)
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def test_as_many_functions_run_at_once_as_there_are_threads():
    with threads(6):
        meeting = threading.Barrier(6, timeout=60)
        wait_all([pool.submit(meeting.wait) for _ in range(6)], timeout=60)


@pytest.mark.parametrize("wrong, error", [(0, ValueError), (-1, ValueError), (1025, ValueError), ("2", TypeError), (1.5, TypeError)])
def test_a_size_that_is_none_is_refused(wrong, error):
    with pytest.raises(error):
        tine.set_num_threads(wrong)


def quota():
    """Cores by the cgroup's quota, None for none."""
    try:
        allowed, period = open("/sys/fs/cgroup/cpu.max").read().split()
        return None if allowed == "max" else max(1, -(-int(allowed) // int(period)))
    except (OSError, ValueError):
        return None


def test_the_default_is_the_cores_that_the_process_may_use():
    program = "import tine; print(tine.get_num_threads())"
    cores = sorted(os.sched_getaffinity(0))
    for some in (cores, cores[:1]):
        shown = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
            preexec_fn=lambda some=some: os.sched_setaffinity(0, some))
        assert abs(int(shown.stdout) - min(len(some), quota() or len(some))) <= (1 if quota() else 0)
