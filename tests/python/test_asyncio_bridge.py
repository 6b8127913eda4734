"""asyncio and concurrent.futures, in both directions, rule by rule."""

import asyncio
import concurrent.futures
import gc
import threading
import time
import weakref

import pytest
from programs_of_futures import Marked, done, failed, run_program

import tine
from tine.futures import Future, from_asyncio, from_concurrent, pool, to_concurrent, wrap_future


def run(main):
    return asyncio.run(asyncio.wait_for(main(), 60))


class Loop:
    """A loop that runs on a thread of its own."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self.loop

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


# ---- await


def test_await_gives_the_very_object_and_raises_the_very_exception():
    async def main():
        value, error = object(), Marked()
        assert await done(value) is value
        later = Future()
        asyncio.get_running_loop().call_later(0.01, later.set_exception, error)
        with pytest.raises(Marked) as caught:
            await later
        assert caught.value is error

    run(main)


def test_a_future_is_awaited_by_several_loops_on_several_threads():
    future, seen = Future(), []

    async def main():
        seen.append(await future)

    threads = [threading.Thread(target=lambda: asyncio.run(asyncio.wait_for(main(), 60))) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    future.set_result("x")
    for thread in threads:
        thread.join()
    assert seen == ["x"] * 4


def test_a_future_is_awaited_by_several_tasks():
    async def main():
        future = Future()

        async def wait():
            return await future

        tasks = [asyncio.create_task(wait()) for _ in range(5)]
        await asyncio.sleep(0)
        threading.Thread(target=future.set_result, args=(3,)).start()
        assert await asyncio.gather(*tasks) == [3] * 5

    run(main)


def test_cancelling_the_task_cancels_the_future_and_the_other_way_round():
    async def main():
        future = Future()

        async def wait():
            await future

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert future.cancelled()

        other = Future()
        asyncio.get_running_loop().call_later(0.01, other.cancel)
        with pytest.raises(tine.Cancelled):
            await other

    run(main)


def test_a_shield_keeps_the_future_from_being_cancelled():
    async def main():
        future = Future()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(wrap_future(future)), 0.01)
        assert not future.done()
        future.set_result(1)
        assert await future == 1

    run(main)


def test_a_future_that_completes_behind_its_loops_end_is_fine():
    future = Future()

    async def main():
        asyncio.create_task(wait())
        await asyncio.sleep(0)

    async def wait():
        await asyncio.shield(wrap_future(future))

    asyncio.run(main())
    future.set_result(1)
    assert future.wait() == 1


def test_many_awaits_are_woken_by_other_threads():
    async def main():
        results = [pool.submit(lambda i=i: i) for i in range(200)]
        assert sum([await r for r in results]) == 19900
        assert sum(await asyncio.gather(*map(wrap_future, [pool.submit(lambda i=i: i) for i in range(200)]))) == 19900

    run(main)


# ---- tine -> asyncio


def test_wrap_future_becomes_what_the_future_becomes():
    async def main():
        value, error = object(), Marked()
        future = Future()
        wrapped = wrap_future(future)
        assert isinstance(wrapped, asyncio.Future) and not wrapped.done()
        threading.Thread(target=future.set_result, args=(value,)).start()
        assert await wrapped is value
        assert await wrap_future(done(value)) is value
        with pytest.raises(Marked) as caught:
            await wrap_future(failed(error))
        assert caught.value is error
        assert await asyncio.wait_for(wrap_future(done(1)), 10) == 1

    run(main)


def test_wrap_future_passes_cancellation_both_ways():
    async def main():
        future = Future()
        wrapped = wrap_future(future)
        wrapped.cancel()
        await asyncio.sleep(0.01)
        assert future.cancelled()
        future = Future()
        wrapped = wrap_future(future)
        threading.Thread(target=future.cancel).start()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        assert wrapped.cancelled()

    run(main)


def test_wrap_future_takes_a_loop_on_another_thread():
    with Loop() as loop:
        future = Future()
        arrived = threading.Event()
        wrapped = wrap_future(future, loop=loop)
        loop.call_soon_threadsafe(wrapped.add_done_callback, lambda f: arrived.set())
        future.set_result(1)
        assert arrived.wait(60) and wrapped.result() == 1


def test_wrap_future_without_a_loop_says_so():
    with pytest.raises(RuntimeError, match="no running event loop"):
        wrap_future(Future())
    with pytest.raises(TypeError, match="expected a tine Future, got 3 of type int"):
        wrap_future(3)


def test_stop_iteration_arrives_as_the_cause_of_a_runtime_error():
    async def main():
        error = StopIteration(1)
        with pytest.raises(RuntimeError) as caught:
            await wrap_future(failed(error))
        assert caught.value.__cause__ is error
        with pytest.raises(RuntimeError, match="StopIteration"):
            await failed(StopIteration(2))

    run(main)


def test_a_wrapped_future_that_nobody_can_complete_fails():
    async def main():
        with pytest.raises(tine.Abandoned):
            await wrap_future(Future())

    run(main)


# ---- asyncio -> tine


def test_from_asyncio_takes_a_coroutine_a_task_and_an_awaitable():
    async def compute():
        await asyncio.sleep(0.001)
        return [1]

    class Awaitable:
        def __await__(self):
            return compute().__await__()

    async def main():
        assert await from_asyncio(compute()) == [1]
        assert await from_asyncio(asyncio.create_task(compute())) == [1]
        assert await from_asyncio(Awaitable()) == [1]
        ready = asyncio.get_running_loop().create_future()
        ready.set_result("r")
        assert await from_asyncio(ready) == "r"

    run(main)


def test_from_asyncio_given_a_loop_is_called_on_any_thread_and_waited_for_there():
    async def compute(x):
        await asyncio.sleep(0.001)
        return x + 1, threading.get_ident()

    with Loop() as loop:
        futures = [from_asyncio(compute(i), loop) for i in range(20)]
        results = [f.wait(timeout=60) for f in futures]
        assert [r[0] for r in results] == list(range(1, 21))
        assert {r[1] for r in results} != {threading.get_ident()}
        assert from_asyncio(compute(1), loop=loop).and_then(lambda r: r[0] * 2).wait(timeout=60) == 4


def test_from_asyncio_passes_the_very_exception():
    error = Marked()

    async def fail():
        raise error

    with Loop() as loop:
        assert from_asyncio(fail(), loop).exception(timeout=60) is error


def test_from_asyncio_passes_cancellation_both_ways():
    started, ended = threading.Event(), []

    async def sleep():
        started.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with Loop() as loop:
        future = from_asyncio(sleep(), loop)
        assert started.wait(60)
        assert future.cancel()
        deadline = time.monotonic() + 60
        while not ended:
            assert time.monotonic() < deadline
            time.sleep(0.001)

        async def cancel_itself():
            asyncio.current_task().cancel()
            await asyncio.sleep(1)

        other = from_asyncio(cancel_itself(), loop)
        with pytest.raises(tine.Cancelled):
            other.wait(timeout=60)
        assert other.cancelled()


def test_from_asyncio_cancelled_before_it_began_does_not_begin():
    began = []

    async def compute():
        began.append(1)

    loop = asyncio.new_event_loop()
    future = from_asyncio(compute(), loop)  # the loop does not run yet
    future.cancel()
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    assert not began and future.cancelled()


def test_from_asyncio_without_a_loop_or_with_a_wrong_one_says_so():
    async def compute():
        return 1

    coroutine = compute()
    with pytest.raises(RuntimeError, match="no loop is running on this thread"):
        from_asyncio(coroutine)
    coroutine.close()
    with pytest.raises(TypeError, match="expected a coroutine.*got 3 of type int"):
        from_asyncio(3)

    async def main():
        with pytest.raises(ValueError, match="another loop"):
            from_asyncio(asyncio.create_task(compute()), asyncio.new_event_loop())

    run(main)
    closed = asyncio.new_event_loop()
    closed.close()
    coroutine = compute()
    with pytest.raises(RuntimeError, match="closed"):
        from_asyncio(coroutine, closed)
    coroutine.close()


def test_only_the_task_completes_the_future_of_from_asyncio():
    async def main():
        future = from_asyncio(asyncio.sleep(0.001, 5))
        with pytest.raises(RuntimeError, match="completed by the fork"):
            future.set_result(1)
        assert await future == 5

    run(main)


def test_a_task_that_its_loop_has_forgotten_abandons_the_future():
    async def never():
        await asyncio.get_running_loop().create_future()

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending!"
    future = from_asyncio(never(), loop)
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    del loop
    gc.collect()
    assert isinstance(future.exception(timeout=10), tine.Abandoned)


# ---- concurrent.futures


def test_to_concurrent_becomes_what_the_future_becomes():
    value, error = object(), Marked()
    future = Future()
    made = to_concurrent(future)
    assert isinstance(made, concurrent.futures.Future) and not made.done()
    threading.Thread(target=future.set_result, args=(value,)).start()
    assert made.result(timeout=60) is value
    assert to_concurrent(failed(error)).exception(timeout=1) is error


def test_to_concurrent_passes_cancellation_both_ways():
    future = Future()
    made = to_concurrent(future)
    assert made.cancel() and future.cancelled()
    future = Future()
    made = to_concurrent(future)
    future.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        made.result(timeout=60)
    assert concurrent.futures.wait([made], timeout=60).done == {made}


def test_to_concurrent_serves_the_functions_of_concurrent_futures():
    futures = [pool.submit(lambda i=i: i) for i in range(50)]
    made = [to_concurrent(f) for f in futures]
    assert sorted(f.result() for f in concurrent.futures.as_completed(made, timeout=60)) == list(range(50))


def test_to_concurrent_of_a_future_that_nobody_can_complete_fails():
    made = to_concurrent(Future())
    assert isinstance(made.exception(timeout=10), tine.Abandoned)


def test_from_concurrent_becomes_what_the_other_becomes():
    value, error = object(), Marked()

    def fail():
        raise error

    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        assert from_concurrent(executor.submit(lambda: value)).wait(timeout=60) is value
        assert from_concurrent(executor.submit(fail)).exception(timeout=60) is error
        ready = executor.submit(int)
        ready.result()
        assert from_concurrent(ready).wait(timeout=60) == 0


def test_from_concurrent_passes_cancellation_both_ways():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        go = threading.Event()
        executor.submit(go.wait)
        source = executor.submit(int)
        future = from_concurrent(source)
        assert future.cancel() and source.cancelled()
        source = executor.submit(int)
        future = from_concurrent(source)
        assert source.cancel() and future.cancelled()
        running = executor.submit(lambda: go.wait() and 1)
        go.set()
        future = from_concurrent(running)
        future.cancel()
        assert future.cancelled()
        running.cancelled() or running.result(timeout=60)


def test_from_concurrent_of_one_that_nobody_can_complete_is_abandoned():
    future = from_concurrent(concurrent.futures.Future())
    gc.collect()
    assert isinstance(future.exception(timeout=10), tine.Abandoned)


def test_there_and_back_again():
    value = object()
    assert from_concurrent(to_concurrent(done(value))).wait() is value

    async def main():
        assert await from_asyncio(wrap_future(done(value))) is value
        assert await wrap_future(from_asyncio(asyncio.sleep(0, value))) is value
        assert await asyncio.wrap_future(to_concurrent(done(value))) is value

    run(main)


# ---- memory


class Witness:
    pass


@pytest.mark.parametrize("cross", [
    lambda f: to_concurrent(f).result(timeout=60),
    lambda f: from_concurrent(to_concurrent(f)).wait(timeout=60),
    lambda f: asyncio.run(awaited(f)),
    lambda f: asyncio.run(wrapped(f)),
    lambda f: asyncio.run(there_and_back(f)),
])
@pytest.mark.parametrize("fails", [False, True])
def test_the_bridges_leave_no_cycles(cross, fails):
    gc.collect()
    gc.disable()
    try:
        if fails:
            witness = Marked()
            future = failed(witness)
            try:
                cross(future)
            except Marked as error:
                error.__traceback__ = None
        else:
            witness = Witness()
            future = done(witness)
            cross(future)
        reference = weakref.ref(witness)
        del witness, future
        assert reference() is None
    finally:
        gc.enable()


async def awaited(future):
    try:
        return await future
    finally:
        del future


async def wrapped(future):
    try:
        return await wrap_future(future)
    finally:
        del future


async def there_and_back(future):
    try:
        return await wrap_future(from_asyncio(wrap_future(future)))
    finally:
        del future


def test_asyncio_is_not_imported_before_it_is_needed():
    run_program("""
        import sys
        import tine.futures
        assert not {"asyncio", "concurrent.futures"} & set(sys.modules)
    """)
