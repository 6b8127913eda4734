"""How long a Future lives and what lives with it: cancelled, abandoned, dropped, at the end of the interpreter, over a fork."""

import gc
import os
import threading
import time
import weakref

import numpy as np
import pytest
from programs_of_futures import Marked, done, failed, run_program, vanishes

import tine
from tine.futures import Future, collect_all, wait_all


# ---- cancelling, abandoning


def test_cancel_completes_with_cancelled_and_later_results_are_ignored():
    future, seen = Future(), []
    future.add_done_callback(lambda f: seen.append(f.cancelled()))
    assert not future.cancelled() and future.cancel() and future.cancelled() and not future.cancel()
    assert seen == [True]
    future.set_result(3)
    with pytest.raises(tine.Cancelled) as caught:
        future.wait()
    assert caught.value is future.exception() and isinstance(caught.value, RuntimeError)
    future.set_exception(ValueError("again"))
    future.set_result(4)
    assert future.cancelled()


def test_cancel_of_a_done_future_changes_nothing():
    future = done(1)
    assert not future.cancel() and not future.cancelled() and future.wait() == 1


def test_a_future_that_nobody_can_complete_any_more_fails_its_dependants():
    future, seen = Future(), []
    result = future.then(lambda f: (seen.append(f), f.wait()))
    del future
    with pytest.raises(tine.Abandoned, match="keep a reference"):
        result.wait()
    assert isinstance(seen[0], Future) and isinstance(seen[0].exception(), tine.Abandoned)


def test_an_input_of_collect_all_that_nobody_can_complete_fails_it():
    result = collect_all([Future(), done(1)])
    with pytest.raises(tine.Abandoned):
        result.wait()


def test_a_future_that_only_its_own_callback_knows_is_found_by_the_collector():
    def make():
        future = Future()
        return future.then(lambda f: (future, f.wait()))

    result = make()
    gc.collect()
    with pytest.raises(tine.Abandoned):
        result.wait()


def test_a_callback_may_rescue_an_abandoned_future():
    kept = []
    future = Future()
    future.add_done_callback(kept.append)
    identity = id(future)
    del future
    assert id(kept[0]) == identity and isinstance(kept[0].exception(), tine.Abandoned)


# ---- memory


class Witness:
    pass


def test_a_result_that_refers_to_its_future_is_collected():
    def make():
        future, witness = Future(), Witness()
        witness.future = future
        future.set_result(witness)
        return weakref.ref(witness)

    assert vanishes(make)


def test_a_stored_exception_whose_frames_hold_the_future_is_collected():
    def make():
        future, witness = Future(), Witness()
        future.set_exception(Marked(witness))
        try:
            future.wait()
        except Marked:
            pass
        return weakref.ref(witness)

    assert vanishes(make)


def test_a_native_error_whose_frames_hold_the_future_is_collected():
    def make():
        future, witness = Future(), Witness()
        future.cancel()
        try:
            future.wait()
        except tine.Cancelled:
            pass
        del future
        return weakref.ref(witness)

    assert vanishes(make)


def test_an_exception_that_two_futures_share_stays_whole_while_one_is_used():
    def make():
        future = failed(Marked("kept", 1))
        both = collect_all([future])
        try:
            future.wait()
        except Marked:
            pass
        return both

    both = make()
    gc.collect()
    assert both.exception().args == ("kept", 1) and both.exception().__traceback__ is not None


def test_callbacks_let_go_of_what_they_hold_once_they_have_run():
    witness = Witness()
    reference = weakref.ref(witness)
    future = Future()
    result = future.then(lambda f, w=witness: 1)
    future.add_done_callback(lambda f, w=witness: 1)
    del witness
    assert reference() is not None
    future.set_result(1)
    assert reference() is None and result.wait() == 1


def test_no_objects_are_left_behind():
    def work():
        future = Future()
        results = [future.then(lambda f: f.wait()) for _ in range(3)]
        all_of_them = collect_all(results)
        future.set_result([1])
        all_of_them.wait()
        bad = failed(Marked())
        bad.then(lambda f: f.wait()).exception()
        Future().then(lambda f: f.wait()).cancel()

    for _ in range(3):
        work()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        work()
    gc.collect()
    assert len(gc.get_objects()) - before < 10


def test_futures_take_weak_references():
    future = Future()
    reference = weakref.ref(future)
    assert reference() is future
    del future
    assert reference() is None


@tine.jit.script
def total(x: tine.Tensor, scale: float) -> tine.Tensor:
    return (x * scale).sum()


def test_values_dropped_on_threads_without_the_lock_are_freed_soon():
    # The pool's thread that runs the script is the last to hold the tensor, and with it the array's memory.
    references, results = [], []
    for _ in range(200):
        array = np.ones(1000, dtype=np.float32)
        references.append(weakref.ref(array))
        results.append(total.call_async(tine.from_numpy(array), 2.0))
    del array
    assert [f.wait().item() for f in results] == [2000] * 200
    deadline = time.monotonic() + 30
    while any(reference() is not None for reference in references):
        assert time.monotonic() < deadline
        time.sleep(0.001)  # the main thread drains the queue between two instructions


def test_callbacks_run_on_the_threads_of_the_pool_with_the_lock():
    seen = []
    for _ in range(50):
        results = [total.call_async(tine.ones(1000), 1.0) for _ in range(20)]
        collected = collect_all([f.then(lambda f: (seen.append(threading.get_ident()), f.wait().item())[1]) for f in results])
        assert wait_all(collected.wait()) == [1000] * 20
    assert len(seen) == 1000


# ---- the end of the interpreter, fork


def test_the_interpreter_ends_with_pending_futures_and_callbacks():
    run_program("""
        import threading
        from tine.futures import Future, collect_all
        futures = [Future() for _ in range(100)]
        for f in futures:
            f.then(lambda f: f.wait())
            f.add_done_callback(print)
        collect_all(futures)
        done = Future()
        done.set_result(object())
    """)


def test_the_interpreter_ends_while_daemon_threads_wait_and_run_callbacks():
    run_program("""
        import threading, time
        from tine.futures import Future
        waited, started = Future(), threading.Barrier(4)
        def wait():
            started.wait()
            waited.wait()
        def sleep_in_callback():
            f = Future()
            f.add_done_callback(lambda f: (started.wait(), time.sleep(600)))
            f.set_result(1)
        def spin_in_callback():
            f = Future()
            def spin(f):
                started.wait()
                while True:
                    Future().cancel()
            f.then(spin)
            f.set_result(1)
        for target in (wait, sleep_in_callback, spin_in_callback):
            threading.Thread(target=target, daemon=True).start()
        started.wait()
        time.sleep(0.05)
    """)


def test_the_interpreter_ends_while_a_callback_on_the_pool_waits_for_a_future_that_stays_pending():
    began = time.monotonic()
    done = run_program("""
        import os, sys, tempfile, threading
        from tine.futures import Future
        never, started = Future(), threading.Event()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scripted.py")
            with open(path, "w") as file:
                file.write("import tine\\n@tine.jit.script\\ndef spin(n: int) -> int:\\n    s = 0\\n"
                           "    for i in range(n):\\n        s = s + i\\n    return s\\n")
            sys.path.insert(0, folder)
            import scripted
        result = scripted.spin.call_async(3_000_000)
        result.then(lambda f: (started.set(), never.wait()))
        started.wait()
    """)
    assert time.monotonic() - began < 20, done.stderr


@pytest.mark.skipif("libtsan" in os.environ.get("LD_PRELOAD", ""),
                    reason="ThreadSanitizer lets the child of a process with threads start none")
def test_futures_work_in_the_child_of_a_fork():
    run_program("""
        import os, threading
        import tine
        from tine.futures import Future
        inherited = Future()
        waiter = threading.Thread(target=inherited.wait)
        waiter.start()
        tine.ones(100_000).sum()
        pid = os.fork()
        if pid == 0:
            f = Future()
            threading.Thread(target=lambda: f.set_result(3)).start()
            assert f.wait(30) == 3
            inherited.set_result(1)
            assert inherited.wait() == 1
            assert tine.ones(100_000).sum().item() == 100_000
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        inherited.set_result(2)
        waiter.join()
    """)


def test_a_derived_future_pending_over_a_fork_fails_in_the_child_instead_of_hanging():
    run_program("""
        import os
        from tine.futures import Future
        source = Future()
        derived = source.then(lambda f: f.wait())
        pid = os.fork()
        if pid == 0:
            try:
                derived.wait()
            except RuntimeError as error:
                os._exit(7 if "forked" in str(error) else 8)
            os._exit(9)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    """)
