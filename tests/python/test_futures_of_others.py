"""Futures of other libraries among tine's: what has add_done_callback() and value() or result() is one."""

import asyncio
import concurrent.futures
import gc
import subprocess
import sys
import threading
import weakref
from random import Random

import pytest
from programs_of_futures import Marked, done, failed

import tine
from tine.futures import (
    Future,
    as_completed,
    collect_all,
    collect_all_settled,
    collect_any,
    gather,
    wait_all,
)

Concurrent = concurrent.futures.Future
COMBINATORS = [collect_all, collect_all_settled, collect_any, gather, as_completed, wait_all]


class Plain:
    """As little as a future can be: value() and add_done_callback()."""

    def __init__(self):
        self.callbacks, self.outcome = [], ...

    def add_done_callback(self, callback):
        self.callbacks.append(callback)
        if self.outcome is not ...:
            callback(self)

    def value(self):
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def finish(self, outcome):
        self.outcome = outcome
        for callback in self.callbacks:
            callback(self)


def test_every_combinator_takes_them_among_its_own():
    c, p, f = Concurrent(), Plain(), Future()
    inputs = [c, p, f]
    results = [function(inputs) for function in (collect_all, collect_all_settled, gather)]
    first, order = collect_any(inputs), as_completed(inputs)
    separately = gather(c, p, f)
    p.finish("p")
    assert first.wait(timeout=10) == (1, p) and next(order) is p
    c.set_result("c")
    f.set_result("f")
    assert [result.wait(timeout=10) for result in results] == [inputs, inputs, ["c", "p", "f"]]
    assert list(order) == [c, f] and separately.wait(timeout=10) == ["c", "p", "f"]
    assert wait_all(inputs, timeout=10) == ["c", "p", "f"]


def test_what_is_handed_out_is_the_very_object():
    names = {Concurrent(): "a", Concurrent(): "b"}
    for future in names:
        future.set_result(names[future])
    assert [names[future] for future in as_completed(names)] == ["a", "b"]
    assert [names[future] for future in collect_all(list(names)).wait()] == ["a", "b"]
    assert collect_any(list(names)).wait()[1] in names


def test_those_that_are_done_are_asked_at_once():
    c = Concurrent()
    c.set_result([1])
    assert collect_all([c]).done() and gather(c).value()[0] is c.result()
    assert not c._done_callbacks


@pytest.mark.parametrize("make", [Concurrent, Plain])
@pytest.mark.parametrize("early", [True, False])
def test_an_error_is_the_very_object(make, early):
    error, source = Marked(), make()

    def fail():
        source.set_exception(error) if make is Concurrent else source.finish(error)

    if early and make is Concurrent:
        fail()
    results = [collect_all([source, done(1)]), gather(done(1), source)]
    others = [collect_all_settled([source]), collect_any([source])]
    if not results[0].done():
        fail()
    assert [result.exception(timeout=10) for result in results] == [error] * 2
    assert others[0].wait() == [source] and others[1].wait() == (0, source)
    if make is Concurrent:
        with pytest.raises(Marked) as caught:
            wait_all([Future(), source], timeout=10)  # ends early
        assert caught.value is error


def test_a_cancelled_one_is_a_cancellation():
    before, after = Concurrent(), Concurrent()
    before.cancel()
    results = [gather(before), gather(after), collect_all([after])]
    after.cancel()
    assert all(result.cancelled() for result in results)
    with pytest.raises(tine.Cancelled):
        wait_all([after], timeout=10)


@pytest.mark.parametrize("make", [Concurrent, Plain])
@pytest.mark.parametrize("outcome", [1, Marked()])
def test_one_that_a_callback_returns_is_waited_for_by_and_then_and_or_else(make, outcome):
    source = make()
    results = [done(0).and_then(lambda v: source), failed(Marked()).or_else(lambda e: source)]
    assert not any(result.done() for result in results)
    if make is Plain:
        source.finish(outcome)
    else:
        source.set_result(outcome) if outcome == 1 else source.set_exception(outcome)
    for result in results:
        assert (result.wait(timeout=10) if outcome == 1 else result.exception(timeout=10)) is outcome
    assert done(0).then(lambda f: source).wait() is source


def test_what_has_any_attribute_it_is_asked_for_is_a_value_and_not_waited_for():
    class Anything:
        def __getattr__(self, name):
            return lambda *args: None

    thing = Anything()
    assert done(0).and_then(lambda v: thing).wait(timeout=10) is thing


def test_gather_cancels_those_that_are_still_to_come():
    c, running, plain, f = Concurrent(), Concurrent(), Plain(), Future()
    running.set_running_or_notify_cancel()
    error = Marked()
    result = gather(f, c, running, plain)
    f.set_exception(error)
    assert result.exception(timeout=10) is error
    assert c.cancelled() and not running.cancelled()
    running.set_result(1)  # and nobody minds
    plain.finish(2)


def test_their_errors_are_theirs_to_tell():
    told = []
    before = tine.futures.set_unobserved_error_hook(told.append)
    try:
        c, other = Concurrent(), Concurrent()
        result = gather(c, other)
        c.set_exception(Marked())
        assert isinstance(result.exception(), Marked)
        late = Concurrent()
        order = as_completed([late])
        late.set_exception(Marked())
        del c, other, late, order, result
        gc.collect()
    finally:
        tine.futures.set_unobserved_error_hook(before)
    assert told == []


def test_an_executor_of_concurrent_futures_completes_them_on_its_threads():
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        futures = [executor.submit(pow, k, 2) if k % 2 else tine.futures.pool.submit(pow, k, 2) for k in range(100)]
        order, gathered = as_completed(futures, timeout=60), gather(futures)
        assert wait_all(futures, timeout=60) == gathered.wait(timeout=60) == [k * k for k in range(100)]
        assert set(order) == set(futures)


# ---- those that misbehave


def test_one_that_calls_back_twice_counts_once():
    source, other = Plain(), Future()
    results, order = [collect_all([source, other]), gather(source, other)], as_completed([source, other])
    source.finish(1)
    source.finish(2)
    assert not any(result.done() for result in results)
    other.set_result(3)
    assert results[1].wait(timeout=10) == [1, 3] and list(order) == [source, other]


def test_what_add_done_callback_raises_comes_out():
    class Raises(Plain):
        def add_done_callback(self, callback):
            raise error

    error = Marked()
    for function in COMBINATORS:
        with pytest.raises(Marked) as caught:
            function([Future(), Raises()])
        assert caught.value is error


def test_one_that_calls_back_before_it_is_done_is_an_error_and_not_waited_for():
    class Early(Concurrent):
        def add_done_callback(self, callback):
            callback(self)

    with pytest.raises(RuntimeError, match="Early called back before it was done"):
        gather(Early()).wait(timeout=10)


def test_one_that_calls_back_with_something_else_fails():
    class Wrong(Plain):
        def add_done_callback(self, callback):
            callback(None)

    with pytest.raises(TypeError, match="called back with None of type NoneType, not with itself"):
        gather(Wrong()).wait(timeout=10)


def test_an_exception_that_is_none_is_named():
    class Wrong(Plain):
        def exception(self):
            return "text"

    source = Wrong()
    result = gather(source)
    source.finish(1)
    with pytest.raises(TypeError, match=r"Wrong\.exception\(\): expected an exception or None, got 'text'"):
        result.wait(timeout=10)


def test_one_that_exits_fails_the_result_and_not_the_thread_that_completes_it():
    source = Plain()
    result = gather(source)
    source.finish(SystemExit(3))
    assert isinstance(result.exception(timeout=10), SystemExit)


def test_one_that_calls_back_on_many_threads_at_once_counts_once():
    for _ in range(50):
        source, barrier = Plain(), threading.Barrier(4)
        result = gather(source)

        def finish():
            barrier.wait()
            source.finish(1)

        threads = [threading.Thread(target=finish) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert result.wait(timeout=10) == [1]
        for thread in threads:
            thread.join()


def test_one_that_never_calls_back_meets_a_timeout_or_a_cancellation():
    source = Plain()
    with pytest.raises(TimeoutError, match="1 of 2 futures are still pending"):
        wait_all([source, done(1)], timeout=0.01)
    with pytest.raises(TimeoutError, match="1 of 1 futures are still pending"):
        next(as_completed([source], timeout=0.01))
    result = gather(source)
    assert result.cancel() and result.cancelled()
    source.finish(1)
    assert result.cancelled()


@pytest.mark.parametrize("make", [Concurrent, Plain])
def test_one_that_is_dropped_fails_those_that_wait_for_it(make):
    result, order = gather(done(1), make()), as_completed([make()], timeout=10)
    gc.collect()
    assert isinstance(result.exception(timeout=10), tine.Abandoned)
    assert isinstance(next(order).exception(), tine.Abandoned)


@pytest.mark.parametrize("function", [collect_all, collect_all_settled, collect_any, gather])
def test_one_that_is_reachable_from_what_waits_for_it_alone_is_collected(function):
    for make in (Concurrent, Plain):
        source = make()
        source.waiting = function([source])
        source.waiting.then(lambda _, source=source: source)
        finished = make()
        finished.waiting = function([finished])
        finished.set_result(1) if make is Concurrent else finished.finish(1)
        gone = weakref.ref(source), weakref.ref(finished)
        del source, finished
        gc.collect()
        assert [ref() for ref in gone] == [None, None]


def test_one_that_drops_the_callback_fails_those_that_wait_for_it():
    class Forgets(Plain):
        def add_done_callback(self, callback):
            pass

    assert isinstance(gather(Forgets()).exception(timeout=10), tine.Abandoned)


def test_those_without_weak_references_are_taken_but_not_cancelled():
    class Slots:
        __slots__ = ("callback", "cancelled_")

        def add_done_callback(self, callback):
            self.callback = callback

        def result(self):
            return 7

        def cancel(self):
            raise AssertionError("not reached")

    source, other = Slots(), Slots()
    first, second = gather(source), gather(other, failed(Marked()))
    source.callback(source)
    assert first.wait(timeout=10) == [7] and isinstance(second.exception(timeout=10), Marked)


def test_a_list_that_changes_while_it_is_read_does_no_harm():
    class Clears(Plain):
        def add_done_callback(self, callback):
            items.clear()
            super().add_done_callback(callback)

    items = [Clears(), Future(), Future()]
    source = items[0]
    result = gather(items)
    source.finish(1)
    assert result.wait(timeout=10) == [1]


@pytest.mark.parametrize("function", COMBINATORS)
def test_what_is_none_is_named_with_what_it_lacks(function):
    class NoValue:
        add_done_callback = Plain.add_done_callback

    class NotCallable(Plain):
        value = result = 3

    for wrong in (NoValue(), NotCallable(), Plain, object(), "text"):
        with pytest.raises(TypeError, match=r"element 1 is .* of type .*add_done_callback\(\) and value\(\) or result\(\)"):
            function([Future(), wrong])


@pytest.mark.parametrize("function", [f for f in COMBINATORS if f is not gather])
def test_one_alone_is_not_a_list(function):
    with pytest.raises(TypeError, match=r"got one Future; write .*\(\[future\]\)"):
        function(Concurrent())


def test_what_asking_raises_comes_out():
    class Broken:
        def __getattr__(self, name):
            raise error

    error = Marked()
    with pytest.raises(Marked):
        collect_all([Broken()])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_completes_fails_or_cancels_them_on_two_threads_each_counts_once(seed):
    random = Random(seed)
    for _ in range(100):
        inputs = [random.choice([Future, Concurrent, Plain])() for _ in range(random.randrange(1, 9))]
        settled, first, gathered = collect_all_settled(inputs), collect_any(inputs), gather(inputs)
        order = as_completed(inputs, timeout=60)
        outcomes = [(future, random.random()) for future in inputs]
        random.shuffle(outcomes)

        def finish(outcomes):
            for future, outcome in outcomes:
                try:
                    if type(future) is Plain:
                        future.finish(Marked() if outcome < 0.1 else outcome)
                    elif outcome < 0.1:
                        future.cancel()
                    elif outcome < 0.2:
                        future.set_exception(Marked())
                    else:
                        future.set_result(outcome)
                except concurrent.futures.InvalidStateError:
                    pass  # gather has cancelled it

        threads = [threading.Thread(target=finish, args=(outcomes[k::2],)) for k in range(2)]
        for thread in threads:
            thread.start()
        # One that gather has cancelled before its library said so is handed out as a Future.
        assert all(a is b or a.cancelled() for a, b in zip(settled.wait(timeout=60), inputs))
        assert len(list(order)) == len(inputs) and first.wait(timeout=60)[0] < len(inputs)
        error = gathered.exception(timeout=60)
        assert isinstance(error, (Marked, tine.Cancelled)) if error else len(gathered.value()) == len(inputs)
        for thread in threads:
            thread.join()


# ---- asyncio


def test_those_of_asyncio_are_taken_on_their_loop_and_by_other_threads():
    async def main():
        loop = asyncio.get_running_loop()
        a, c = loop.create_future(), Concurrent()
        gathered, order = gather(a, c), as_completed([a])
        loop.call_soon(a.set_result, 1)
        c.set_result(2)
        assert await gathered == [1, 2]
        assert [future async for future in order] == [a]
        task = asyncio.ensure_future(asyncio.sleep(0, "slept"))
        elsewhere = asyncio.to_thread(lambda: wait_all([task, c], timeout=10))
        assert await elsewhere == ["slept", 2]
        assert wait_all([task]) == ["slept"]  # it is done

    asyncio.run(main())


def test_cancelling_goes_both_ways_with_asyncio():
    async def main():
        loop = asyncio.get_running_loop()
        a, b, f = loop.create_future(), loop.create_future(), Future()
        ended, failing = gather(a), gather(b, f)
        a.cancel()
        with pytest.raises(tine.Cancelled):
            await ended
        f.set_exception(Marked())
        with pytest.raises(Marked):
            await failing
        with pytest.raises(asyncio.CancelledError):
            await b

    asyncio.run(main())


def test_a_loop_that_would_wait_for_itself_is_refused():
    async def main():
        with pytest.raises(RuntimeError, match="element 1: it would wait for ever"):
            wait_all([Future(), asyncio.get_running_loop().create_future()])

    asyncio.run(main())


# ---- what it costs those who have none


def test_calls_with_futures_of_tine_alone_import_nothing():
    program = """
import sys, tine
from tine.futures import Future, collect_all, gather, wait_all, as_completed
f = Future(); results = [collect_all([f]), gather(f)]; f.set_result(1)
wait_all([f]); list(as_completed([f]))
print([name for name in ("tine._others", "asyncio", "concurrent.futures", "weakref", "torch") if name in sys.modules])
"""
    out = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "[]"


def test_a_module_named_torch_that_is_not_pytorch_is_left_alone():
    program = """
import sys, types, tine
sys.modules["torch"] = sys.modules["torch._C"] = types.ModuleType("torch._C")
assert tine.futures.pool.submit(pow, 2, 3).wait() == 8
sys.modules["torch"], sys.modules["torch._C"] = tine, tine._C
assert tine.futures.pool.submit(pow, 2, 3).wait() == 8
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
