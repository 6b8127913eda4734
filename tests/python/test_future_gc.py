"""Garbage collection: what is no longer reachable goes, and what waits for it fails instead of hanging."""

import asyncio
import concurrent.futures
import gc
import sys
import threading
import weakref

import pytest
from programs_of_futures import Marked, done, failed, vanishes

import tine
from tine import _C
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


@pytest.fixture(autouse=True)
def quiet():
    """What is abandoned here is meant to be."""
    before = set_unobserved_error_hook(lambda error: None)
    yield
    set_unobserved_error_hook(before)


class Node:
    pass


def abandoned_by_the_collector(make):
    """make(seen) drops everything; the collector then has to complete what is left with Abandoned."""
    seen = []
    make(seen.append)
    assert not seen
    gc.collect()
    assert len(seen) == 1, seen
    return isinstance(seen[0].exception(), tine.Abandoned)


def test_a_future_takes_part_in_collection():
    assert gc.is_tracked(Future())


def test_a_pending_future_reachable_only_from_its_own_callback_fails():
    def make(seen):
        future = Future()
        future.add_done_callback(lambda f: (future, seen(f)))

    assert abandoned_by_the_collector(make)


def test_a_pending_future_reachable_only_from_a_cycle_of_objects_fails():
    def make(seen):
        node = Node()
        node.self, node.future = node, Future()
        node.future.add_done_callback(seen)

    assert abandoned_by_the_collector(make)


@pytest.mark.parametrize("derive", [
    lambda f: f.then(lambda f: f.wait()),
    lambda f: f.and_then(lambda v: v),
    lambda f: f.or_else(lambda e: (_ for _ in ()).throw(e)),
    lambda f: f.finally_(lambda: None),
    lambda f: f.then(lambda f: f.wait(), executor=pool),
])
def test_a_pending_future_reachable_only_from_a_callback_of_what_came_of_it_fails(derive):
    def make(seen):
        future = Future()
        result = derive(future)
        result.then(lambda f: (future, result, seen(f)))

    if derive.__code__.co_consts and "executor" in str(derive.__code__.co_consts):
        pytest.skip("the result is completed on another thread")
    assert abandoned_by_the_collector(make)


@pytest.mark.parametrize("combine", [
    lambda f: collect_all([f, done(1)]),
    lambda f: collect_all([f, f]),
    lambda f: gather(f, done(1)),
    lambda f: collect_any([f]).and_then(lambda pair: pair[1]),
    lambda f: collect_all_settled([f, done(1)]).and_then(lambda futures: futures[0]),
])
def test_an_input_reachable_only_from_a_callback_of_its_combination_fails(combine):
    def make(seen):
        future = Future()
        combine(future).then(lambda f: (future, seen(f)))

    assert abandoned_by_the_collector(make)


def test_an_input_reachable_only_from_a_callback_that_also_holds_the_combination_fails():
    def make(seen):
        future = Future()
        both = collect_all([future])
        both.then(lambda f: (future, both, seen(f)))

    assert abandoned_by_the_collector(make)


def test_an_input_that_a_callback_of_the_combination_may_still_complete_is_left_alone():
    first, seen = Future(), []

    def make():
        second = Future()
        collect_any([first, second]).then(lambda f: second.set_result("completed"))
        second.add_done_callback(lambda f: seen.append(f.wait()))

    make()
    gc.collect()
    assert not seen  # second is reachable from first, by the combination
    first.set_result(1)
    assert seen == ["completed"]


def test_a_combination_whose_inputs_are_alive_is_left_alone():
    futures, seen = [Future(), Future()], []

    def make():
        node = Node()
        node.self, node.all = node, collect_all(futures)
        node.all.then(lambda f: seen.append((f.wait(), node.self)))

    make()
    gc.collect()
    for future in futures:
        future.set_result(1)
    assert len(seen) == 1 and seen[0][0] == futures


def test_an_input_of_as_completed_reachable_only_from_a_cycle_is_handed_out_as_failed():
    def make():
        node = Node()
        node.self, node.future = node, Future()
        return as_completed([node.future])

    order = make()
    gc.collect()
    assert isinstance(next(order).exception(), tine.Abandoned)


def test_a_returned_future_reachable_only_from_a_callback_behind_it_fails():
    def make(seen):
        inner = Future()
        done(1).and_then(lambda v: inner).then(lambda f: (inner, seen(f)))

    assert abandoned_by_the_collector(make)


def test_the_bridge_to_concurrent_futures_fails_what_only_a_cycle_knows():
    def make():
        node = Node()
        node.self, node.future = node, Future()
        return to_concurrent(node.future)

    made = make()
    gc.collect()
    assert isinstance(made.exception(timeout=10), tine.Abandoned)


# ---- results in cycles


def other():
    return concurrent.futures.Future()


HOLDERS = {
    "itself": lambda f: f,
    "then": lambda f: f.then(lambda f: f.wait()),
    "then's Future": lambda f: f.then(lambda f: f),
    "then's list": lambda f: f.then(lambda f: [f.wait()]),
    "and_then": lambda f: f.and_then(lambda v: v),
    "or_else": lambda f: f.or_else(lambda e: None),
    "finally_": lambda f: f.finally_(lambda: None),
    "collect_all": lambda f: collect_all([f]),
    "collect_all_settled": lambda f: collect_all_settled([f]),
    "collect_any": lambda f: collect_any([f]),
    "gather": lambda f: gather(f, f),
    "gather of finally_": lambda f: gather(f.finally_(lambda: None)),
    "as_completed": lambda f: as_completed([f]),
    "to_concurrent": to_concurrent,
    "from_concurrent": lambda f: from_concurrent(to_concurrent(f)),
}


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("keeps_source", [False, True])
@pytest.mark.parametrize("holder", HOLDERS)
def test_a_result_that_refers_to_what_holds_it_is_collected(holder, keeps_source, early):
    def make():
        future, node = Future(), Node()
        if early:
            future.set_result(node)
        node.holder = HOLDERS[holder](future)
        if keeps_source:
            node.source = future
        if not early:
            future.set_result(node)
        return weakref.ref(node)

    assert vanishes(make)


@pytest.mark.parametrize("keeps_source", [False, True])
@pytest.mark.parametrize("combine", [collect_all, collect_all_settled, collect_any, gather, as_completed])
def test_a_result_that_refers_to_a_combination_and_to_its_pending_input_is_collected(combine, keeps_source):
    def make():
        future, node = Future(), Node()
        node.pending = Future()
        node.holder = combine([future, node.pending])
        if keeps_source:
            node.source = future
        future.set_result(node)
        return weakref.ref(node)

    assert vanishes(make)


def test_what_an_iterator_is_waiting_for_is_collected_with_the_task_that_waits():
    async def main():
        async def iterate(node):
            async for _ in as_completed([node.future]):
                pass

        def begin():
            node = Node()
            node.future = Future()
            node.task = asyncio.ensure_future(iterate(node))
            return weakref.ref(node)

        gone = begin()
        await asyncio.sleep(0)
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # "destroyed but pending"
        gc.collect()
        await asyncio.sleep(0)
        gc.collect()
        return gone()

    assert asyncio.run(main()) is None


@pytest.mark.parametrize("derive", [
    lambda f: f,
    lambda f: f.and_then(print),
    lambda f: f.then(lambda f: f.wait()),
    lambda f: f.finally_(lambda: None),
    lambda f: collect_all([f]),
    lambda f: gather(f, done(1)),
    lambda f: gather(f).and_then(print).finally_(lambda: None),
])
def test_an_exception_whose_frames_hold_the_future_and_what_came_of_it_is_collected(derive):
    def make():
        future, witness = Future(), Node()
        derived = derive(future)
        future.set_exception(Marked())
        try:
            derived.wait()
        except Marked:
            pass
        return weakref.ref(witness)

    assert vanishes(make)


@pytest.mark.parametrize("combine", [collect_all, collect_all_settled, collect_any, gather, as_completed])
def test_a_future_of_others_that_refers_to_what_waits_for_it_is_collected(combine):
    for finished in (True, False):

        def make(finished=finished):
            source, node = other(), Node()
            source.node, node.source, node.holder = node, source, combine([source])
            if finished:
                source.set_result(node)
            return weakref.ref(node)

        assert vanishes(make)


def test_a_future_of_others_that_refers_to_tines_future_of_it_is_collected():
    def make():
        source, node = other(), Node()
        source.node, node.adopted = node, _C._adopted(source)
        source.set_result(1)
        return weakref.ref(node)

    assert vanishes(make)


@pytest.mark.parametrize("bridge", [from_concurrent, to_concurrent])
def test_a_bridge_that_only_a_cycle_knows_is_collected_while_it_is_pending(bridge):
    def make():
        source, node = (other() if bridge is from_concurrent else Future()), Node()
        node.source, node.made = source, bridge(source)
        node.made.add_done_callback(lambda _: node)
        return weakref.ref(node)

    assert vanishes(make)


def test_an_executor_that_its_own_callbacks_refer_to_is_collected_and_they_fail():
    class Queue:
        def __init__(self):
            self.posted = []

        def submit(self, function):
            self.posted.append(function)

    seen = []

    def make():
        queue, node = Queue(), Node()
        node.queue, node.source = queue, done(node)
        node.source.then(lambda f: (queue, node), executor=queue).add_done_callback(seen.append)
        return weakref.ref(node)

    assert vanishes(make)
    with pytest.raises(tine.Abandoned, match="dropped the callback"):
        seen.pop().wait()


def test_what_a_bridge_copied_is_not_kept_by_the_means_to_cancel_it():
    node = Node()
    made = to_concurrent(done(node))
    made._result = None
    gone = weakref.ref(node)
    del node
    assert gone() is None


@pytest.mark.parametrize("look", [
    lambda f: f.wait(), lambda f: f.value(), lambda f: wait_all([f]), lambda f: gather(f).wait(),
    lambda f: next(as_completed([f])).wait(), lambda f: f.and_then(print).wait(),
])
def test_an_exception_whose_frames_hold_its_future_is_collected(look):
    def make():
        future, witness = failed(Marked()), Node()
        try:
            look(future)
        except Marked:
            pass
        return weakref.ref(witness)

    assert vanishes(make)


# ---- counting


def work_with_values():
    future = Future()
    chain = future.and_then(lambda v: done(v)).or_else(lambda e: 1).finally_(lambda: None)
    results = [chain, collect_all([chain]), collect_any([chain]), gather(chain, chain), collect_all_settled([chain])]
    order = as_completed(results)
    future.set_result([1])
    assert len(list(order)) == 5 and len(wait_all(results)) == 5
    wait_all([pool.submit(lambda: [2]) for _ in range(3)])
    done(1).then(lambda f: [f.wait()], executor=pool).wait()
    assert to_concurrent(from_concurrent(to_concurrent(done([3])))).result() == [3]


def work_with_errors():
    source = Future()
    results = [source.and_then(print), source.finally_(lambda: None), gather(source, Future()), collect_all([source])]
    source.set_exception(Marked())
    for result in results:
        result.exception()
    Future().and_then(print).cancel()
    gather(Future(), Future()).cancel()
    try:
        wait_all([failed(Marked()), Future()])
    except Marked as error:
        error.__traceback__ = None
    as_completed([Future(), failed(Marked())])
    collect_any([Future(), Future()])


@pytest.mark.parametrize("work", [work_with_values, work_with_errors])
def test_no_objects_are_left_behind_and_none_needs_the_collector(work):
    def grown():
        before = len(gc.get_objects()), sys.getallocatedblocks()
        for _ in range(50):
            work()
        return len(gc.get_objects()) - before[0], sys.getallocatedblocks() - before[1]

    gc.collect()
    gc.disable()
    try:
        rounds = [grown()]
        # Tables and caches fill at first. What leaks one block in each turn never comes below 50.
        while max(rounds[-1]) > 20:
            assert len(rounds) < 20, rounds
            rounds.append(grown())
    finally:
        gc.enable()
    assert gc.collect() < 20, "tine made reference cycles"


def test_futures_in_a_hundred_thousand_links_are_traversed_without_recursion():
    future = end = Future()
    for _ in range(100_000):
        end = end.and_then(lambda v: v)
    gc.collect()
    future.set_result(1)
    assert end.wait() == 1


def test_the_collector_runs_while_other_threads_complete_what_an_iterator_waits_for():
    @tine.jit.script
    def total(x: tine.Tensor) -> tine.Tensor:
        return x.sum()

    async def iterate(inputs):
        return [future async for future in as_completed(inputs)]

    x, ended = tine.ones(10), []

    def run():
        for _ in range(100):
            ended.append(len(asyncio.run(iterate([total.call_async(x) for _ in range(8)]))))

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        gc.collect(0)
    assert ended == [8] * 100


def test_the_collector_runs_while_other_threads_complete_what_it_looks_at():
    @tine.jit.script
    def total(x: tine.Tensor) -> tine.Tensor:
        return x.sum()

    x = tine.ones(10)
    for _ in range(100):
        inputs = [total.call_async(x) for _ in range(8)]
        results = [collect_all(inputs), gather(inputs), collect_any(inputs)]
        ends = [r.and_then(lambda v: v).finally_(lambda: None) for r in results]
        for _ in range(3):
            gc.collect(0)
        wait_all(ends, timeout=60)


def test_the_collector_is_told_of_what_each_object_holds():
    promise = _C._Promise()
    held = [Future(), done(1), failed(ValueError("x")), Future().then(print), _C._Promise(), promise, promise.future(), tine.ones(2), tine.float32]
    for thing in held:  # none crashes
        assert isinstance(gc.get_referents(thing), list), thing
    value, error = ["held"], ValueError("y")
    assert value in gc.get_referents(done(value)) and any(x is error for x in gc.get_referents(failed(error)))
    assert promise.future() in gc.get_referents(promise)


def test_objects_of_the_extension_have_one_size():
    classes = [value for value in vars(_C).values() if isinstance(value, type)] + [tine.distributed.rpc.WorkerInfo, tine.distributed.rpc.RRef]
    assert {cls for cls in classes if cls.__itemsize__ != 0 and not issubclass(cls, tuple)} == set()
