"""Every kind of future in every place that takes one, however it ends."""

import asyncio
import concurrent.futures
import os
import sys
import threading

import pytest
import torch
import torch.distributed as dist

import tine
from tine.futures import Future, as_completed, collect_all, collect_all_settled, collect_any, gather, wait_all
from tine.pytorch._futures import to_torch_future

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "rpc"))
import cluster  # noqa: E402


class Marked(Exception):
    """Raised by the tests alone."""


class Own(tine.futures.Future):
    """A subclass of tine's own."""


@pytest.fixture(scope="module")
def loop():
    """An event loop on a thread of its own."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture(scope="module")
def gloo(tmp_path_factory):
    dist.init_process_group(
        "gloo", init_method=f"file://{tmp_path_factory.mktemp('gloo')}/store", rank=0, world_size=1
    )
    yield
    dist.destroy_process_group()


class Kind:
    """How a future is made, and completed from this thread."""

    def __init__(self, make, on=None):
        self.future = make()
        self._on = on or (lambda f, *args: f(*args))

    def end(self, outcome):
        if outcome == "value":
            self._on(self.future.set_result, 7)
        elif outcome == "error":
            self._on(self.future.set_exception, Marked("own"))
        else:
            self._on(self.future.cancel)


MAKE = {
    "tine": lambda loop: Kind(Future),
    "tine's subclass": lambda loop: Kind(Own),
    "torch": lambda loop: Kind(torch.futures.Future),
    "concurrent": lambda loop: Kind(concurrent.futures.Future),
    "asyncio": lambda loop: Kind(loop.create_future, loop.call_soon_threadsafe),
}
CAN_BE_CANCELLED = [name for name in MAKE if name != "torch"]
ENDS = [(name, outcome) for name in MAKE for outcome in ("value", "error", "cancelled")
        if outcome != "cancelled" or name in CAN_BE_CANCELLED]
FAILURES = {"error": Marked, "cancelled": tine.Cancelled}
early = pytest.mark.parametrize("early", [True, False])
ends = pytest.mark.parametrize("name, outcome", ENDS)


def ended(name, loop, outcome, early, use):
    """use() of a future of the kind that ends so, before or after; and the future."""
    kind = MAKE[name](loop)
    if early:
        kind.end(outcome)
        made = use(kind.future)
    else:
        made = use(kind.future)
        kind.end(outcome)
    return made, kind.future


@early
@ends
def test_collect_all_hands_out_the_very_object_or_fails_as_it_did(name, outcome, early, loop):
    made, source = ended(name, loop, outcome, early, lambda f: collect_all([f, f]))
    if outcome == "value":
        assert made.wait(timeout=60) == [source, source]
    else:
        assert isinstance(made.exception(timeout=60), FAILURES[outcome])


@early
@ends
def test_collect_all_settled_and_collect_any_hand_out_the_very_object_however_it_ended(name, outcome, early, loop):
    (settled, first), source = ended(
        name, loop, outcome, early, lambda f: (collect_all_settled([f]), collect_any([Future(), f]))
    )
    if name == "asyncio" and outcome == "cancelled" and not early:
        assert len(settled.wait(timeout=60)) == 1
    else:
        assert settled.wait(timeout=60) == [source]


@early
@ends
def test_gather_gives_its_value_or_fails_as_it_did(name, outcome, early, loop):
    made, _ = ended(name, loop, outcome, early, lambda f: gather(f))
    if outcome == "value":
        assert made.wait(timeout=60) == [7]
    else:
        assert isinstance(made.exception(timeout=60), FAILURES[outcome])
        assert made.cancelled() == (outcome == "cancelled")


@early
@ends
def test_as_completed_hands_out_the_very_object_however_it_ended(name, outcome, early, loop):
    made, source = ended(name, loop, outcome, early, lambda f: as_completed([f], timeout=60))
    assert list(made) == [source]


@early
@ends
def test_wait_all_gives_its_value_or_raises_what_it_failed_with(name, outcome, early, loop):
    def use(future):
        ended = concurrent.futures.Future()

        def wait():
            try:
                ended.set_result(wait_all([future], timeout=60))
            except Exception as error:
                ended.set_exception(error)

        thread = threading.Thread(target=wait)
        thread.start()
        return thread, ended

    (thread, result), _ = ended(name, loop, outcome, early, use)
    thread.join()
    if outcome == "value":
        assert result.result() == [7]
    else:
        assert isinstance(result.exception(), FAILURES[outcome])


@early
@ends
def test_what_a_callback_returns_is_waited_for_by_and_then_and_or_else(name, outcome, early, loop):
    source, failing = Future(), Future()
    made, _ = ended(
        name, loop, outcome, early, lambda f: [source.and_then(lambda v: f), failing.or_else(lambda e: f)]
    )
    source.set_result(1)
    failing.set_exception(ValueError())
    for result in made:
        if outcome == "value":
            assert result.wait(timeout=60) == 7
        else:
            assert isinstance(result.exception(timeout=60), FAILURES[outcome])


@ends
def test_then_holds_what_its_callback_returns_as_it_is(name, outcome, loop):
    made, source = ended(name, loop, outcome, True, lambda f: Future())
    result = made.then(lambda _: source)
    made.set_result(1)
    assert result.wait(timeout=60) is source


def test_cancelling_what_and_then_became_is_no_harm_to_a_future_of_others():
    source = concurrent.futures.Future()
    first = Future()
    result = first.and_then(lambda v: source)
    first.set_result(1)
    assert result.cancel() and result.cancelled()
    source.set_result(2)
    assert result.cancelled()


def test_futures_of_c10d_and_fork_go_everywhere(gloo):
    def works():
        yield dist.all_reduce(torch.ones(4), async_op=True).get_future()
        yield torch.jit.fork(lambda: [torch.ones(4)])
        yield dist.all_gather([torch.ones(4)], torch.ones(4), async_op=True).get_future()

    for work in works():
        assert collect_all([work]).wait(timeout=60)[0] is work
        assert collect_any([work]).wait(timeout=60) == (0, work)
        assert list(as_completed([work], timeout=60)) == [work]
        assert collect_all_settled([work]).wait(timeout=60) == [work]
        values = [wait_all([work], timeout=60)[0], gather(work).wait(timeout=60)[0]]
        f = Future()
        values.append(f.and_then(lambda v, work=work: work))
        f.set_result(1)
        values[-1] = values[-1].wait(timeout=60)
        values.append(to_torch_future(gather(work)).wait()[0])
        for value in values:
            tensor = value[0][0] if isinstance(value[0], list) else value[0]
            assert torch.equal(tensor, torch.ones(4))


def test_an_async_function_may_return_every_kind_of_future_however_it_ends():
    cluster.run(2, """
        import asyncio, concurrent.futures
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        class Own(tine.futures.Future): pass
        class Marked(Exception): pass
        MAKE = {
            "tine": tine.futures.Future, "own": Own, "torch": torch.futures.Future,
            "concurrent": concurrent.futures.Future, "asyncio": loop.create_future,
        }
        def end(future, outcome):
            if outcome == "value": future.set_result(7)
            elif outcome == "error": future.set_exception(Marked("own"))
            else: future.cancel()
        @rpc.functions.async_execution
        def later(name, outcome, how):
            future = MAKE[name]()
            if name == "asyncio":
                loop.call_soon_threadsafe(end, future, outcome)
            else:
                threading.Thread(target=end, args=(future, outcome)).start()
            if how == "plain": return future
            if how == "gathered": return tine.futures.gather(future).and_then(lambda values: values[0])
            first = tine.futures.Future()
            first.set_result(0)
            return first.and_then(lambda _: future)
        @rpc.functions.async_execution
        def coroutine():
            async def seven(): return 7
            return seven()
        rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                for name in MAKE:
                    for how in ("plain", "gathered", "chained"):
                        assert rpc.rpc_sync(to, later, args=(name, "value", how)) == 7
                        assert rpc.remote(to, later, args=(name, "value", how)).to_here() == 7
                        for outcome in ("error", "cancelled")[:1 if name == "torch" else 2]:
                            try:
                                rpc.rpc_sync(to, later, args=(name, outcome, how))
                            except (Marked, tine.Cancelled) as error:
                                assert isinstance(error, Marked) == (outcome == "error"), (name, outcome, how, error)
                            else:
                                raise AssertionError((name, outcome, how))
                assert rpc.rpc_sync(to, coroutine) == 7
        rpc.shutdown()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        """, preamble="import torch\n" + cluster.PREAMBLE.replace("import tine as torch", "import tine"))
