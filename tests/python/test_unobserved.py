"""Errors that nobody looked at are told once, with the place where their future was made; all others never."""

import asyncio
import gc
import inspect
import re
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from programs_of_futures import Marked, done, failed, run_program

import tine
from tine.futures import (
    Future,
    as_completed,
    collect_all,
    collect_all_settled,
    collect_any,
    from_concurrent,
    gather,
    pool,
    set_unobserved_error_hook,
    to_concurrent,
    wait_all,
)


@pytest.fixture
def told():
    errors = []
    before = set_unobserved_error_hook(errors.append)
    yield errors
    set_unobserved_error_hook(before)


def line():
    return inspect.currentframe().f_back.f_lineno


def place(error):
    return error.__notes__[-1]


def test_the_error_of_a_future_that_goes_unseen_is_told_once_with_its_place(told):
    error = Marked("unseen")
    future, here = Future(), line()
    future.set_exception(error)
    assert not told
    del future
    gc.collect()
    assert told == [error] and f"{__file__}:{here} " in place(error)


def test_the_error_of_a_callback_whose_result_nobody_kept_is_told_with_the_place_of_then(told):
    future = Future()
    future.then(lambda f: 1 / 0); here = line()  # noqa: E702
    future.and_then(lambda v: {}[v])
    future.finally_(lambda: [].pop())
    future.set_result(1)
    assert [type(e) for e in told] == [ZeroDivisionError, KeyError, IndexError]
    assert f"{__file__}:{here} " in place(told[0])


def test_the_error_of_a_task_that_nobody_waits_for_is_told_with_the_place_of_submit(told):
    pool.submit(int, "x"); here = line()  # noqa: E702
    deadline = time.monotonic() + 60
    while not told:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert type(told[0]) is ValueError and f"{__file__}:{here} " in place(told[0])


def test_the_error_of_a_script_dropped_on_a_thread_without_the_lock_is_told(told):
    @tine.jit.script
    def wrong(x: tine.Tensor) -> tine.Tensor:
        return tine.mm(x, x)

    for _ in range(20):
        wrong.call_async(tine.ones(2, 3)); here = line()  # noqa: E702
    deadline = time.monotonic() + 60
    while len(told) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert all(isinstance(e, RuntimeError) and f"{__file__}:{here} " in place(e) for e in told)


def test_an_eager_fork_that_failed_is_told(told):
    tine.jit.fork(lambda: 1 / 0)
    assert [type(e) for e in told] == [ZeroDivisionError]


def test_the_place_is_outside_of_the_package(told):
    with pytest.raises(TypeError):
        from_concurrent(3)
    import concurrent.futures

    source = concurrent.futures.Future()
    future, here = from_concurrent(source), line()
    source.set_exception(Marked())
    del future
    gc.collect()
    assert f"{__file__}:{here} " in place(told[0])


def test_an_error_that_moved_on_is_told_once_at_the_end_of_its_way(told):
    error = Marked()
    source = Future()
    end, here = collect_all([source.and_then(print), source.finally_(int)]), line()
    source.set_exception(error)
    del source
    assert not told
    del end
    assert told == [error] and f"{__file__}:{here} " in place(error)


def looked_at_by_await(future):
    async def main():
        await future

    asyncio.run(main())


@pytest.mark.parametrize("look", [
    lambda f: f.wait(),
    lambda f: f.wait(timeout=1),
    lambda f: f.value(),
    lambda f: f.exception(),
    lambda f: f.exception(timeout=1),
    lambda f: f.then(lambda f: None),
    lambda f: f.or_else(lambda e: None),
    lambda f: f.add_done_callback(lambda f: None),
    lambda f: collect_all([f]).exception(),
    lambda f: collect_all_settled([f]),
    lambda f: collect_any([f]),
    lambda f: gather(f).exception(),
    lambda f: list(as_completed([f])),
    lambda f: wait_all([f]),
    lambda f: wait_all([f, failed(Marked("another"))]),
    lambda f: wait_all([f, Future()], timeout=1),
    lambda f: to_concurrent(f).exception(),
    looked_at_by_await,
])
@pytest.mark.parametrize("before", [True, False])
def test_an_error_that_somebody_looked_at_is_not_told(told, look, before):
    future = Future()
    if before:
        future.set_exception(Marked())
        thread = None
    else:
        thread = threading.Timer(0.01, future.set_exception, (Marked(),))
        thread.start()
    if before or "value" not in look.__code__.co_names:
        try:
            look(future)
        except Marked as error:
            error.__traceback__ = None
    if thread:
        thread.join()
        future.exception()
    del future
    gc.collect()
    assert not told


@pytest.mark.parametrize("glance", [repr, str, Future.done, Future.cancelled, hash, lambda f: gc.collect()])
def test_passing_by_is_not_looking(told, glance):
    future = failed(Marked())
    glance(future)
    del future
    gc.collect()
    assert len(told) == 1


def test_cancellations_are_never_told(told):
    source = Future()
    source.cancel()
    source.then(lambda f: f.wait())
    source.and_then(print)
    gather(source, done(1))
    failed(tine.Cancelled("by hand"))
    del source
    gc.collect()
    assert not told


def test_values_are_never_told(told):
    done(1).then(lambda f: f.wait())
    del told[:]
    Future()
    assert not told


def test_a_future_in_a_collected_cycle_is_told(told):
    class Node:
        pass

    node = Node()
    node.self, node.future = node, failed(Marked())
    del node
    gc.collect()
    assert len(told) == 1


def test_what_a_raising_hook_was_told_is_shown_as_well():
    shown = run_program("""
        from tine.futures import *
        set_unobserved_error_hook(lambda error: 1 / 0)
        Future().set_exception(ValueError("foo"))
    """).stderr
    assert "ZeroDivisionError" in shown and "ValueError: foo" in shown


def test_a_hook_may_use_futures_and_an_exception_on_its_way_stays(told):
    future = failed(Marked("unseen"))

    def hook(error):
        seen.append(done(error).then(lambda f: f.wait()).wait())

    seen = []
    before = set_unobserved_error_hook(hook)
    try:
        with pytest.raises(KeyError, match="on its way"):
            try:
                raise KeyError("on its way")
            finally:
                del future
    finally:
        set_unobserved_error_hook(before)
    assert [str(e) for e in seen] == ["unseen"]


def test_by_default_it_is_one_line_on_stderr():
    shown = run_program("""
        from tine.futures import Future
        f = Future()
        f.set_exception(ValueError("foo\\nbar"))
        del f
        def g(f): raise KeyError("in then")
        f = Future()
        f.then(g)
        f.set_result(1)
    """).stderr.splitlines()
    assert shown == [
        "tine: nobody looked at the error of the Future made at <string>:3: ValueError: foo",
        "tine: nobody looked at the error of the Future made at <string>:8: KeyError: 'in then'",
    ]


def test_a_storm_of_one_error_is_one_line_with_the_first_place_and_the_count():
    shown = run_program("""
        from tine.futures import Future
        error = ValueError("the same for all")
        for i in range(20_000):
            f = Future()
            f.set_exception(error)
        del f
    """).stderr.splitlines()
    # On a machine that takes a second for them: one line a second.
    counts = [1 + int(m.group(1)) if (m := re.search(r"\(and (\d+) more like it\)$", line)) else 1 for line in shown]
    assert sum(counts) == 20_000 and len(shown) <= 20
    assert shown[0].startswith("tine: nobody looked at the error of the Future made at <string>:5: ValueError: the same for all")


def test_what_the_error_says_cannot_pass_for_another_line_or_move_the_cursor():
    shown = run_program(r"""
        from tine.futures import Future
        f = Future()
        f.set_exception(ValueError("\x1b[2J\rroot# "))
        del f
    """).stderr
    assert shown.endswith("ValueError: \\x1b[2J\\x0droot# \n")


def test_nobody_waits_for_a_full_stderr():
    program = textwrap.dedent("""
        import fcntl, os, time
        from tine.futures import Future
        r, w = os.pipe()
        os.set_blocking(w, False)
        try:
            while True:
                os.write(w, b"." * 65536)
        except BlockingIOError:
            pass
        os.set_blocking(w, True)
        os.dup2(w, 2)
        for i in range(1000):
            f = Future()
            f.set_exception(ValueError(str(i) * 50))
        del f
        os.write(1, b"through")
    """)
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=60)
    assert done.stdout == b"through" and done.returncode == 0


def test_the_interpreters_end_tells_errors_but_not_what_it_gives_up_itself():
    shown = run_program("""
        from tine.futures import *
        kept = Future()
        kept.set_exception(ValueError("unseen at the end"))
        pending = [Future() for _ in range(10)]
        results = [f.then(lambda f: f.wait()) for f in pending] + [collect_all(pending), gather(pending)]
        seen = Future()
        seen.set_exception(ValueError("seen"))
        seen.exception()
    """).stderr.splitlines()
    assert shown == ["tine: nobody looked at the error of the Future made at <string>:3: ValueError: unseen at the end"]


def test_places_are_right_for_code_that_comes_and_goes(told):
    for i in range(300):
        scope = {"Future": Future, "Marked": Marked}
        exec(compile("\n" * i + "Future().set_exception(Marked())", f"made{i % 7}.py", "exec"), scope)
    assert [place(e).split(" was ")[0] for e in told] == [
        f"the Future made at made{i % 7}.py:{i + 1}" for i in range(300)]


def test_making_futures_on_threads_without_python_frames_is_fine(told):
    # The first frame of a thread may be a builtin's.
    import _thread

    lock = _thread.allocate_lock()
    lock.acquire()
    future = Future()
    future.add_done_callback(lambda f: lock.release())
    _thread.start_new_thread(future.set_result, (1,))
    assert lock.acquire(timeout=60)
    _thread.start_new_thread(Future, ())
    assert not told and future.done()


def test_at_the_interpreters_end_an_error_is_told_by_the_default_line_though_there_is_a_hook():
    shown = run_program(
        """
        from tine.futures import Future, set_unobserved_error_hook
        set_unobserved_error_hook(lambda error: print("hook", error, flush=True))
        kept = Future()
        kept.set_exception(ValueError("kept to the end"))
        """
    )
    assert "ValueError: kept to the end" in shown.stderr and not shown.stdout


def test_a_refused_from_asyncio_leaves_nothing_to_tell(told):
    loop = asyncio.new_event_loop()
    with pytest.raises(TypeError, match="from_asyncio"):
        tine.futures.from_asyncio(3, loop)
    loop.close()
    gc.collect()
    assert told == []
