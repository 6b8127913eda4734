"""and_then, or_else, finally_, executors, and futures of many, rule by rule."""

import asyncio
import concurrent.futures
import gc
import threading
import time
import traceback

import pytest
from programs_of_futures import Marked, done, failed, interrupt_wait, run_program

import tine
from tine.futures import (
    Future,
    as_completed,
    collect_all,
    collect_all_settled,
    collect_any,
    gather,
    pool,
    wait_all,
)


def cancelled():
    future = Future()
    future.cancel()
    return future


# ---- and_then


def test_and_then_takes_the_value():
    source = Future()
    result = source.and_then(lambda value: value + 1)
    source.set_result(4)
    assert result.wait() == 5 and type(result) is Future


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), None])
def test_and_then_is_given_the_very_object(value):
    assert done(value).and_then(lambda v: v is value).wait() is True


def test_and_then_is_skipped_on_failure_and_forwards_the_very_exception():
    error, called = Marked(), []
    result = failed(error).and_then(called.append)
    with pytest.raises(Marked) as caught:
        result.wait()
    assert caught.value is error and not called


def test_a_chain_of_and_then_forwards_the_exception_to_its_end_and_lets_go_of_the_callbacks():
    error = Marked()
    source = end = Future()
    for _ in range(10_000):
        end = end.and_then(lambda v: v)
    source.set_exception(error)
    assert end.exception() is error


def test_and_then_of_a_cancelled_future_is_cancelled():
    result = cancelled().and_then(lambda v: v)
    assert result.cancelled()
    with pytest.raises(tine.Cancelled):
        result.wait()


def test_a_future_that_and_then_returns_is_flattened():
    source, inner = Future(), Future()
    result = source.and_then(lambda v: inner)
    source.set_result(1)
    assert not result.done()
    inner.set_result("inner")
    assert result.wait() == "inner"
    error = Marked()
    assert done(1).and_then(lambda v: failed(error)).exception() is error
    assert done(1).and_then(lambda v: cancelled()).cancelled()


def test_only_one_level_is_flattened():
    inner = done(1)
    assert done(0).and_then(lambda v: done(inner)).wait() is inner


def test_then_holds_a_returned_future_as_it_is():
    inner = Future()
    assert done(1).then(lambda f: inner).wait() is inner


def test_a_returned_future_that_nobody_can_complete_fails_the_result():
    result = done(1).and_then(lambda v: Future())
    assert isinstance(result.exception(timeout=10), tine.Abandoned)


def test_a_callback_that_returns_its_own_future_fails_instead_of_hanging():
    source, kept = Future(), []
    kept.append(source.and_then(lambda v: kept[0]))
    source.set_result(1)
    with pytest.raises(ValueError, match="the very Future that it completes"):
        kept[0].wait(timeout=10)


# ---- or_else


def test_or_else_takes_the_very_exception_and_returns_a_value():
    error, given = Marked(), []
    assert failed(error).or_else(lambda e: (given.append(e), "instead")[1]).wait() == "instead"
    assert given[0] is error


def test_or_else_is_skipped_on_success_and_forwards_the_very_value():
    value, called = object(), []
    assert done(value).or_else(called.append).wait() is value and not called


def test_or_else_may_return_a_future():
    later = Future()
    result = failed(Marked()).or_else(lambda e: later)
    assert not result.done()
    later.set_result(7)
    assert result.wait() == 7


def test_or_else_takes_a_cancellation():
    assert cancelled().or_else(lambda e: type(e)).wait() is tine.Cancelled


@pytest.mark.parametrize("method", ["and_then", "or_else", "finally_", "then"])
def test_what_a_callback_raises_is_the_very_object_with_its_traceback(method):
    error = Marked()

    def callback(*_):
        raise error

    source = failed(Marked("before")) if method == "or_else" else done(1)
    result = getattr(source, method)(callback)
    assert result.exception() is error
    assert "callback" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]


# ---- finally_


def test_finally_takes_nothing_and_forwards_the_value():
    called, value = [], object()
    assert done(value).finally_(lambda: called.append(1)).wait() is value and called == [1]


def test_finally_forwards_the_very_exception_and_a_cancellation():
    called, error = [], Marked()
    assert failed(error).finally_(lambda: called.append(1)).exception() is error
    assert cancelled().finally_(lambda: called.append(2)).cancelled()
    assert called == [1, 2]


def test_what_finally_raises_takes_the_place_of_the_outcome_which_is_its_context():
    before, error = Marked("before"), Marked("in finally")

    def callback():
        raise error

    assert failed(before).finally_(callback).exception() is error and error.__context__ is before


def test_what_finally_returns_is_dropped():
    assert done(1).finally_(lambda: 2).wait() == 1
    assert done(1).finally_(lambda: Future()).wait() == 1


def test_finally_runs_also_when_its_result_was_cancelled():
    source, called = Future(), []
    result = source.finally_(lambda: called.append(1))
    assert result.cancel()
    source.set_result(1)
    assert called == [1] and result.cancelled()


@pytest.mark.parametrize("method", ["then", "and_then"])
def test_the_others_are_not_run_for_a_cancelled_result(method):
    source, called = Future(), []
    result = getattr(source, method)(lambda _: called.append(1))
    result.cancel()
    source.set_result(1)
    assert not called and result.cancelled()


@pytest.mark.parametrize("method", ["then", "and_then", "or_else", "finally_"])
def test_a_callback_must_be_callable_and_can_be_given_by_name(method):
    with pytest.raises(TypeError, match=rf"{method}\(\).*callable.*int"):
        getattr(Future(), method)(3)
    with pytest.raises(TypeError, match=rf"{method}\(\).*it takes callback, executor"):
        getattr(Future(), method)(print, 3)
    assert isinstance(getattr(Future(), method)(callback=print, executor=None), Future)


# ---- executors


@pytest.mark.parametrize("method, source, expected", [
    ("then", lambda: done(1), lambda f: f.wait() == 1),
    ("and_then", lambda: done(1), lambda v: v == 1),
    ("or_else", lambda: failed(Marked()), lambda e: type(e) is Marked),
])
def test_an_executor_runs_the_callback(method, source, expected):
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="theirs") as executor:
        result = getattr(source(), method)(
            lambda given: (expected(given), threading.current_thread().name), executor=executor)
        right, name = result.wait(timeout=60)
        assert right and name.startswith("theirs")


def test_an_executor_runs_finally():
    names = []
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="theirs") as executor:
        assert done(3).finally_(lambda: names.append(threading.current_thread().name), executor=executor).wait(60) == 3
    assert names[0].startswith("theirs")


def test_the_pool_of_tine_is_an_executor():
    main = threading.get_ident()
    assert done(1).and_then(lambda v: threading.get_ident(), executor=pool).wait(timeout=60) != main
    # Without a timeout the thread that waits may run it itself.
    assert done(1).then(lambda f: f.wait() + 1, executor=pool).wait() == 2


def test_a_skipped_callback_does_not_trouble_the_executor():
    class Refusing:
        def submit(self, *_):
            raise AssertionError("it was asked")

    error = Marked()
    assert failed(error).and_then(print, executor=Refusing()).exception() is error
    assert done(1).or_else(print, executor=Refusing()).wait() == 1


@pytest.mark.parametrize("method", ["then", "and_then"])
def test_an_executor_that_was_shut_down_fails_the_result_with_what_it_raised(method):
    executor = concurrent.futures.ThreadPoolExecutor(1)
    executor.shutdown()
    called = []
    result = getattr(done(1), method)(called.append, executor=executor)
    with pytest.raises(RuntimeError, match="after shutdown"):
        result.wait(timeout=10)
    assert not called


def test_an_executor_that_was_shut_down_leaves_finally_to_the_thread_that_found_out():
    executor = concurrent.futures.ThreadPoolExecutor(1)
    executor.shutdown()
    called = []
    result = done(1).finally_(lambda: called.append(threading.get_ident()), executor=executor)
    with pytest.raises(RuntimeError, match="after shutdown"):
        result.wait(timeout=10)
    assert called == [threading.get_ident()]


@pytest.mark.parametrize("method, ran", [("then", []), ("finally_", [1])])
def test_an_executor_that_drops_the_callback_fails_the_result(method, ran):
    executor, go = concurrent.futures.ThreadPoolExecutor(1), threading.Event()
    executor.submit(go.wait)
    called = []
    result = getattr(done(1), method)(lambda *_: called.append(1), executor=executor)
    executor.shutdown(wait=False, cancel_futures=True)
    go.set()
    assert isinstance(result.exception(timeout=60), tine.Abandoned)
    assert called == ran


def test_an_executor_that_runs_in_place_is_fine():
    class InPlace:
        def submit(self, function):
            function()
            function()  # a second time does nothing

    assert done(1).and_then(lambda v: v + 1, executor=InPlace()).wait() == 2


@pytest.mark.parametrize("wrong", [3, "pool", object()])
def test_what_cannot_submit_is_no_executor(wrong):
    with pytest.raises(TypeError, match="expected an executor.*submit"):
        Future().then(print, executor=wrong)


def test_callbacks_of_many_threads_on_an_executor_are_all_run():
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        sources = [Future() for _ in range(200)]
        results = [s.and_then(lambda v: v + 1, executor=executor) for s in sources]
        threads = [threading.Thread(target=lambda k=k: [s.set_result(k) for s in sources[k::4]]) for k in range(4)]
        for thread in threads:
            thread.start()
        assert sum(wait_all(results, timeout=60)) == 200 + 50 * (0 + 1 + 2 + 3)
        for thread in threads:
            thread.join()


# ---- collect_all_settled


def test_collect_all_settled_never_fails_and_yields_the_very_futures():
    futures = [Future() for _ in range(3)]
    result = collect_all_settled(futures)
    futures[1].set_exception(Marked())
    futures[0].cancel()
    assert not result.done()
    futures[2].set_result(3)
    assert [a is b for a, b in zip(result.wait(), futures)] == [True] * 3
    assert collect_all_settled([]).wait() == []


# ---- collect_any


def test_collect_any_is_the_first_that_is_done_with_its_index():
    futures = [Future() for _ in range(3)]
    result = collect_any(futures)
    assert not result.done()
    futures[2].set_result("x")
    futures[0].set_result("y")
    index, first = result.wait()
    assert index == 2 and first is futures[2]
    assert not futures[1].done()  # the others go on


def test_collect_any_takes_a_failed_one_as_well_and_does_not_fail():
    error = Marked()
    index, first = collect_any([Future(), failed(error)]).wait()
    assert index == 1 and first.exception() is error


def test_collect_any_of_some_that_are_done_is_the_first_in_order():
    assert collect_any([done(1), done(2)]).wait()[0] == 0


def test_collect_any_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        collect_any([])


# ---- gather


def test_gather_yields_the_values_in_order_given_one_by_one_or_as_a_list():
    futures = [Future() for _ in range(3)]
    one_by_one, as_a_list, generated = gather(*futures), gather(futures), gather(f for f in futures)
    for i in (2, 0, 1):
        assert not one_by_one.done()
        futures[i].set_result([i])
    assert one_by_one.wait() == as_a_list.wait() == generated.wait() == [[0], [1], [2]]
    assert gather().wait() == gather([]).wait() == []


def test_gather_yields_the_very_objects():
    values = [object(), [1]]
    assert [a is b for a, b in zip(gather(*map(done, values)).wait(), values)] == [True, True]


def test_gather_fails_at_once_with_the_first_error_in_time_and_cancels_the_rest():
    futures = [Future() for _ in range(4)]
    result = gather(futures)
    first = Marked("first in time")
    futures[0].set_result(0)
    futures[2].set_exception(first)
    assert result.exception() is first
    assert futures[1].cancelled() and futures[3].cancelled() and not futures[0].cancelled()
    futures[1].set_result("too late")  # ignored


def test_gather_of_a_cancelled_one_is_cancelled():
    futures = [Future(), Future()]
    result = gather(futures)
    futures[0].cancel()
    assert result.cancelled() and futures[1].cancelled()


def test_gather_cancels_tasks_that_have_not_begun():
    go, called = threading.Event(), []
    busy = [pool.submit(go.wait) for _ in range(tine.get_num_threads())]
    waiting = [pool.submit(called.append, i) for i in range(5)]
    bad = Future()
    result = gather(bad, *waiting)
    bad.set_exception(Marked())
    assert isinstance(result.exception(), Marked) and all(f.cancelled() for f in waiting)
    go.set()
    wait_all(busy, timeout=60)
    pool.submit(int).wait(timeout=60)
    assert not called


def test_gather_that_fails_on_a_thread_without_the_lock_cancels_the_rest():
    @tine.jit.script
    def wrong(x: tine.Tensor) -> tine.Tensor:
        return tine.mm(x, x)

    for _ in range(20):
        others = [Future() for _ in range(10)]
        result = gather(wrong.call_async(tine.ones(2, 3)), *others)
        assert isinstance(result.exception(timeout=60), RuntimeError)
        assert wait_all([collect_all_settled(others)], timeout=60) and all(f.cancelled() for f in others)


@pytest.mark.parametrize("function", [collect_any, collect_all_settled, gather, as_completed])
def test_what_is_no_future_is_named_by_its_index(function):
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\).*element 1 is 3 of type int"):
        function([Future(), 3])
    with pytest.raises(TypeError, match="list of Future objects, got int"):
        function(3)
    with pytest.raises(TypeError):
        function() if function is not gather else gather(Future(), 3)


def test_an_input_that_nobody_can_complete_fails_every_combinator():
    # Outside of the assert, which keeps what is in it.
    errors = [
        collect_all([Future(), done(1)]).exception(timeout=10),
        gather([Future(), done(1)]).exception(timeout=10),
        collect_all_settled([Future()]).wait(timeout=10)[0].exception(),
        collect_any([Future()]).wait(timeout=10)[1].exception(),
        next(as_completed([Future()], timeout=10)).exception(),
    ]
    assert [type(error) for error in errors] == [tine.Abandoned] * 5


def test_the_result_of_a_combinator_that_is_dropped_changes_nothing():
    futures = [Future() for _ in range(3)]
    for function in (collect_all, collect_all_settled, collect_any, gather, as_completed):
        function(futures)
    gc.collect()
    for future in futures:
        future.set_result(1)
    assert wait_all(futures) == [1, 1, 1]


def test_a_cancelled_result_of_a_combinator_stays_cancelled():
    futures = [Future()]
    results = [function(futures) for function in (collect_all, collect_all_settled, collect_any, gather)]
    assert all(result.cancel() for result in results)
    futures[0].set_result(1)
    assert all(result.cancelled() for result in results)


def test_combinators_of_futures_that_many_threads_complete():
    for round in range(20):
        futures = [Future() for _ in range(64)]
        results = [collect_all(futures), collect_all_settled(futures), gather(futures)]
        first, order = collect_any(futures), as_completed(futures)
        threads = [threading.Thread(target=lambda k=k: [f.set_result(k) for f in futures[k::4]]) for k in range(4)]
        for thread in threads:
            thread.start()
        assert sorted(f.wait() for f in order) == sorted(k for k in range(4) for _ in range(16))
        assert results[0].wait() == results[1].wait() == futures and sum(results[2].wait()) == 96
        assert first.wait()[1].done()
        for thread in threads:
            thread.join()


# ---- as_completed


def test_as_completed_yields_the_very_futures_in_the_order_in_which_they_become_done():
    futures = [Future() for _ in range(4)]
    futures[3].set_result(3)
    order = as_completed(futures)
    assert next(order) is futures[3]
    futures[1].set_exception(Marked())
    futures[0].cancel()
    assert next(order) is futures[1] and next(order) is futures[0]
    threading.Timer(0.01, futures[2].set_result, (2,)).start()
    assert next(order) is futures[2]
    with pytest.raises(StopIteration):
        next(order)
    assert list(as_completed([])) == []


def test_as_completed_yields_a_future_as_often_as_it_was_passed_in():
    future = done(1)
    assert list(as_completed([future, future])) == [future, future]


def test_as_completed_counts_its_timeout_from_the_call_and_hands_out_what_was_done_by_then():
    futures = [done(1), Future()]
    order = as_completed(futures, timeout=0.05)
    time.sleep(0.06)
    assert next(order) is futures[0]
    with pytest.raises(TimeoutError, match="1 of 2 futures are still pending"):
        next(order)
    futures[1].set_result(2)
    assert next(order) is futures[1]
    assert list(as_completed([done(1)], timeout=0)) != []


def test_as_completed_may_be_left_early_and_used_from_several_threads():
    futures = [Future() for _ in range(100)]
    order, seen = as_completed(futures), []
    threads = [threading.Thread(target=lambda: [seen.append(f.wait()) for f in order]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i, future in enumerate(futures):
        future.set_result(i)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert sorted(seen) == list(range(100))
    next(as_completed(futures))


def test_as_completed_in_async_for():
    async def main():
        futures = [Future() for _ in range(3)]
        loop = asyncio.get_running_loop()
        for delay, i in ((0.03, 0), (0.01, 1), (0.02, 2)):
            loop.call_later(delay, futures[i].set_result, i)
        assert [f.wait() async for f in as_completed(futures)] == [1, 2, 0]
        assert [f async for f in as_completed([])] == []
        order = as_completed([futures[0], Future(), kept := Future()], timeout=0.05)
        seen = []
        with pytest.raises(TimeoutError, match="still pending"):
            async for future in order:
                seen.append(future)
        assert seen[0] is futures[0] and not kept.done()
        assert isinstance(seen[1].exception(), tine.Abandoned)

    asyncio.run(main())


def test_a_cancelled_task_leaves_the_others_that_iterate_alone():
    async def main():
        futures = [Future(), Future()]
        order, seen = as_completed(futures), []

        async def iterate():
            async for future in order:
                seen.append(future.wait())

        first, second = asyncio.create_task(iterate()), asyncio.create_task(iterate())
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        assert first.cancelled() and not second.done()
        for i, future in enumerate(futures):
            future.set_result(i)
        await asyncio.wait_for(second, 60)
        assert seen == [0, 1]

    asyncio.run(main())


# ---- the rest of the waits


@pytest.mark.parametrize("wait", [
    "next(as_completed([Future()]))",
    "next(as_completed([Future()], timeout=600))",
    "wait_all([Future()], timeout=600)",
    "Future().exception(timeout=600)",
    "collect_any([Future()]).wait()",
    "gather(Future(), Future()).wait()",
    "collect_all_settled([Future()]).exception()",
    "Future().and_then(print).wait()",
    "pool.submit(never.wait).wait(timeout=600)",
])
def test_control_c_ends_every_wait(wait):
    interrupt_wait(wait)


@pytest.mark.parametrize("wait", [
    lambda f: f.wait(), lambda f: f.wait(timeout=60), lambda f: f.exception(), lambda f: f.exception(timeout=60),
    lambda f: wait_all([f]), lambda f: wait_all([f], timeout=60), lambda f: next(as_completed([f])),
    lambda f: next(as_completed([f], timeout=60)), lambda f: gather(f).wait(), lambda f: collect_any([f]).wait(),
])
def test_every_wait_lets_other_threads_run(wait):
    future, counted = Future(), [0]

    def count():
        while not counted[0] >= 1000:
            counted[0] += 1
        future.set_result(None)

    thread = threading.Thread(target=count)
    waiter = threading.Thread(target=wait, args=(future,))
    waiter.start()
    time.sleep(0.005)
    thread.start()
    waiter.join(60)
    assert not waiter.is_alive() and counted[0] == 1000
    thread.join()


def test_the_interpreter_ends_with_pending_combinators_and_a_busy_pool():
    run_program("""
        import threading, time
        from tine.futures import *
        futures = [Future() for _ in range(10)]
        kept = [collect_all(futures), collect_any(futures), gather(futures), as_completed(futures)]
        kept += [f.and_then(print, executor=pool) for f in futures]
        kept += [pool.submit(time.sleep, 0.05) for _ in range(20)]
    """)
