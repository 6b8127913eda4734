"""tine.futures, rule by rule: completing, waiting, callbacks, several at once."""

import asyncio
import copy
import pickle
import threading
import time
import traceback

import pytest
from programs_of_futures import Marked, done, failed, interrupt_wait, run_program

import tine
from tine.futures import Future, collect_all, set_unobserved_error_hook, wait_all


# ---- completing


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, -(2**63), 1.5, True, False, None, "", "naïve", "\udc80", "a\0b"])
def test_plain_values_come_out_as_they_went_in(value):
    result = done(value).wait()
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, [1], {"a": 1}, (1, 2), object(), Marked, b"x", 1j])
def test_other_objects_come_out_as_the_very_object(value):
    assert done(value).wait() is value


def test_subclasses_of_plain_types_keep_their_identity():
    class MyInt(int):
        pass

    value = MyInt(3)
    assert done(value).wait() is value


def test_a_future_inside_a_future_is_the_very_object_and_stays_settable():
    outer = Future()
    outer.set_result(Future())
    outer.wait().set_result(3)
    assert outer.wait().wait() == 3


def test_a_tensor_comes_out_as_the_very_object():
    x = tine.ones(3)
    assert done(x).wait() is x


def test_a_future_cannot_be_completed_twice():
    for first in (lambda f: f.set_result(1), lambda f: f.set_exception(Marked())):
        for second in (lambda f: f.set_result(1), lambda f: f.set_exception(Marked())):
            future = Future()
            first(future)
            with pytest.raises(RuntimeError, match="Future can only be marked completed once"):
                second(future)


def test_only_its_own_producer_completes_a_derived_future():
    source = Future()
    derived = source.then(lambda f: f.wait() + 1)
    with pytest.raises(RuntimeError, match="completed by the fork"):
        derived.set_result(5)
    source.set_result(1)
    assert derived.wait() == 2


@pytest.mark.parametrize("wrong", ["text", 3, None, Exception, Marked])
def test_set_exception_takes_instances_of_exceptions_only(wrong):
    future = Future()
    with pytest.raises(TypeError, match="not an Exception"):
        future.set_exception(wrong)
    assert not future.done()
    future.set_result(1)


@pytest.mark.parametrize("error", [Marked("foo"), KeyboardInterrupt(), SystemExit(3), StopIteration(1)])
def test_an_exception_set_is_raised_by_wait_and_value_as_the_very_object(error):
    future = failed(error)
    for look in (future.wait, future.value, lambda: wait_all([future])):
        with pytest.raises(type(error)) as caught:
            look()
        assert caught.value is error
    assert future.exception() is error


def test_value_never_blocks():
    future = Future()
    with pytest.raises(RuntimeError, match="pending"):
        future.value()
    future.set_result(3)
    assert future.value() == 3


def test_constructor_accepts_devices_of_the_cpu_only():
    assert not Future(devices=None).done()
    assert not Future(devices=["cpu", "cpu:0"]).done()
    with pytest.raises(ValueError, match=r"devices\[1\].*cuda"):
        Future(devices=["cpu", "cuda:0"])
    with pytest.raises(TypeError, match="positional"):
        Future(3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'device'"):
        Future(device=[])


# ---- waiting


def test_wait_blocks_until_another_thread_completes():
    future = Future()
    thread = threading.Thread(target=lambda: future.set_result("x"))
    thread.start()
    assert future.wait() == "x"
    thread.join()


def test_a_thread_other_than_the_main_one_is_woken_when_it_sleeps():
    # It has no signals to look for and sleeps without an end.
    for _ in range(20):
        future, seen = Future(), []
        thread = threading.Thread(target=lambda: seen.append(future.wait()))
        thread.start()
        time.sleep(0.002)
        future.set_result(1)
        thread.join(30)
        assert seen == [1]


def test_many_threads_wait_for_one_future():
    future, seen = Future(), []
    threads = [threading.Thread(target=lambda: seen.append(future.wait(timeout=60))) for _ in range(8)]
    for thread in threads:
        thread.start()
    future.set_result(7)
    for thread in threads:
        thread.join()
    assert seen == [7] * 8


def test_wait_with_a_timeout_raises_and_leaves_the_future_pending():
    future = Future()
    before = time.monotonic()
    for wait in (future.wait, future.exception):
        with pytest.raises(TimeoutError, match="pending"):
            wait(timeout=0.02)
        with pytest.raises(TimeoutError):
            wait(0)
        with pytest.raises(TimeoutError):
            wait(-1)
    assert time.monotonic() - before >= 0.04
    assert not future.done()
    future.set_result(1)
    assert future.wait(0) == 1 and future.wait(timeout=1e30) == 1


@pytest.mark.parametrize("wrong, error", [("1", TypeError), (float("nan"), ValueError), ([], TypeError)])
def test_a_timeout_that_is_no_time_is_refused(wrong, error):
    with pytest.raises(error, match="timeout"):
        Future().wait(timeout=wrong)


def test_other_threads_run_while_one_waits():
    future, ready = Future(), threading.Event()
    waiter = threading.Thread(target=lambda: (ready.set(), future.wait()))
    waiter.start()
    ready.wait()
    assert sum(range(1000)) == 499500
    future.set_result(None)
    waiter.join(30)
    assert not waiter.is_alive()


@pytest.mark.parametrize(
    "wait", ["Future().wait()", "Future().wait(timeout=600)", "Future().exception()", "wait_all([Future()])",
             "collect_all([Future()]).wait()"],
)
def test_control_c_ends_every_wait(wait):
    interrupt_wait(wait)


# ---- callbacks


def test_callbacks_run_in_the_order_added_on_the_completing_thread():
    future, seen = Future(), []
    for i in range(20):
        (future.then if i % 2 else future.add_done_callback)(
            lambda f, i=i: seen.append((i, threading.get_ident(), f is future)))
    thread = threading.Thread(target=future.set_result, args=(1,))
    thread.start()
    thread.join()
    assert seen == [(i, thread.ident, True) for i in range(20)]


def test_on_a_done_future_a_callback_runs_at_once_and_inline():
    seen = []
    done(3).then(lambda f: seen.append((f.wait(), threading.get_ident())))
    assert seen == [(3, threading.get_ident())]


def test_then_hands_over_the_very_future_and_holds_what_the_callback_returns():
    class Sub(Future):
        pass

    future, given = Sub(), []
    result = future.then(lambda f: (given.append(f), [1])[1])
    future.set_result(None)
    assert given[0] is future and result.wait() == [1] and type(result) is Future


def test_then_runs_its_callback_after_a_failure_too():
    error = Marked()
    assert failed(error).then(lambda f: f.exception()).wait() is error


def test_an_exception_in_a_callback_is_that_of_its_future_the_same_object_with_its_traceback():
    error = Marked("in the callback")

    def callback(_):
        raise error

    with pytest.raises(Marked) as caught:
        done(1).then(callback).then(lambda f: f.wait()).wait()
    assert caught.value is error
    assert "callback" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_callback_that_raises_outside_exception_is_kept_as_well(error):
    def callback(_):
        raise error()

    with pytest.raises(error):
        done(1).then(callback).wait()


@pytest.mark.parametrize("method", ["then", "add_done_callback"])
def test_callbacks_must_be_callable(method):
    with pytest.raises(TypeError, match=f"{method}.*callable.*int"):
        getattr(Future(), method)(3)


def test_errors_of_done_callbacks_reach_the_hook_and_no_other_callback():
    future, seen, told = Future(), [], []
    future.add_done_callback(lambda f: 1 / 0)
    future.add_done_callback(lambda f: seen.append(f.wait()))
    before = set_unobserved_error_hook(told.append)
    try:
        future.set_result(4)
    finally:
        assert set_unobserved_error_hook(before) == told.append
    assert seen == [4] and [type(e) for e in told] == [ZeroDivisionError]
    with pytest.raises(TypeError, match="hook"):
        set_unobserved_error_hook(3)


def test_without_a_hook_errors_of_done_callbacks_are_shown():
    shown = run_program("""
        from tine.futures import Future
        f = Future()
        f.add_done_callback(lambda f: 1 / 0)
        f.set_result(1)
    """)
    assert "ZeroDivisionError" in shown.stderr


def test_a_callback_may_add_callbacks_and_complete_other_futures():
    first, second, seen = Future(), Future(), []

    def callback(f):
        f.add_done_callback(lambda _: seen.append("added"))
        second.set_result(f.wait())
        seen.append("first")

    first.add_done_callback(callback)
    second.add_done_callback(lambda f: seen.append("second"))
    first.add_done_callback(lambda f: seen.append("last"))
    first.set_result(1)
    assert seen == ["second", "first", "last", "added"]


def test_a_chain_of_many_links_completes_without_recursion():
    future = Future()
    end = future
    for _ in range(100_000):
        end = end.then(lambda f: f.wait() + 1)
    future.set_result(0)
    assert end.wait() == 100_000


def test_a_callback_that_waits_for_another_thread_lets_it_run():
    future, answer = Future(), Future()
    thread = threading.Thread(target=lambda: answer.set_result(5))
    result = future.then(lambda f: (thread.start(), answer.wait())[1])
    future.set_result(0)
    assert result.wait() == 5
    thread.join()


# ---- several


def test_collect_all_yields_the_very_futures_passed_in():
    futures = [Future() for _ in range(3)]
    all_of_them = collect_all(futures)
    for i in (2, 0, 1):
        assert not all_of_them.done()
        futures[i].set_result(i)
    assert [a is b for a, b in zip(all_of_them.wait(), futures)] == [True] * 3
    assert [f.wait() for f in all_of_them.wait()] == [0, 1, 2]


def test_collect_all_of_nothing_is_done():
    assert collect_all([]).wait() == [] and wait_all([]) == []


def test_collect_all_takes_the_same_future_more_than_once():
    future = Future()
    both = collect_all([future, future])
    future.set_result(1)
    assert both.wait() == [future, future]


def test_collect_all_waits_for_all_and_fails_with_the_first_failure_in_order():
    futures = [Future() for _ in range(3)]
    result = collect_all(futures)
    first, second = Marked("first"), Marked("second")
    futures[2].set_exception(second)
    assert not result.done()
    futures[1].set_exception(first)
    assert not result.done()
    futures[0].set_result(0)
    assert result.exception() is first


@pytest.mark.parametrize("function", [collect_all, wait_all])
def test_what_is_no_future_is_named_by_its_index(function):
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\).*element 1 is 3 of type int"):
        function([Future(), 3])
    with pytest.raises(TypeError, match="list of Future objects, got int"):
        function(3)
    with pytest.raises(TypeError, match="got one Future"):
        function(Future())


def test_wait_all_returns_the_values_in_order_and_takes_any_iterable():
    assert wait_all(done(i) for i in range(4)) == [0, 1, 2, 3]


def test_wait_all_raises_as_soon_as_one_has_failed():
    pending, error = Future(), Marked()
    with pytest.raises(Marked) as caught:
        wait_all([pending, failed(error)])
    assert caught.value is error


def test_wait_all_with_a_timeout_says_how_many_are_pending():
    kept = [Future(), Future()]
    with pytest.raises(TimeoutError, match="2 of 3"):
        wait_all([done(1), *kept], timeout=0.01)


# ---- form


def test_generic_alias_and_subclass_and_repr():
    assert str(Future[int]) == "tine.futures.Future[int]"

    class Sub(Future):
        def __init__(self, name):
            super().__init__()
            self.name = name

    sub = Sub("x")
    assert sub.name == "x" and repr(sub).startswith("<Sub pending at 0x")
    assert repr(Future()).startswith("<tine.Future pending at 0x")
    assert "done: int" in repr(done(1)) and "done: object" in repr(done(object()))
    assert "failed: Marked" in repr(failed(Marked()))
    cancelled = Future()
    cancelled.cancel()
    assert "cancelled" in repr(cancelled)


def test_a_future_refuses_to_be_pickled_or_copied():
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(RuntimeError, match="Can not pickle torch.futures.Future"):
            attempt(Future())


def test_await_in_asyncio_returns_raises_and_cancels():
    async def main():
        loop = asyncio.get_running_loop()
        future = Future()
        loop.call_later(0.01, future.set_result, 3)
        assert await future == 3 and await future == 3
        error = Marked()
        with pytest.raises(Marked) as caught:
            await failed(error)
        assert caught.value is error
        other = Future()
        threading.Timer(0.01, other.set_result, ("from a thread",)).start()
        assert await other == "from a thread"
        pending = Future()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pending, 0.01)
        assert pending.cancelled()

    asyncio.run(main())
