"""rpc.stream: generators on other workers, whose items come one after the other."""
from cluster import Cluster
from streaming import COMMON, START, ask


def test_a_plain_for_gets_the_items_in_order_from_another_worker_and_from_this_one():
    ask(
        """
for to in (OTHER, NAME):
    assert list(rpc.stream(to, count, args=(1000,))) == list(range(1000))
    assert list(rpc.stream(to, count, args=(3,), kwargs={"start": 5})) == [5, 6, 7]
    assert list(rpc.stream(to, count, args=(0,))) == []
    assert list(rpc.stream(to, slowly, args=(20,))) == list(range(20))
"""
    )


def test_an_async_for_gets_them_too_and_holds_no_thread():
    ask(
        """
async def total(function, n):
    s = 0
    async for i in rpc.stream(OTHER, function, args=(n,)):
        s += i
    return s
async def main():
    sums = await asyncio.gather(*(total(f, 50) for f in (count, slowly) for _ in range(10)))
    assert sums == [1225] * 20, sums
asyncio.run(main())
"""
    )


def test_items_may_be_objects_with_tensors_and_containers():
    ask(
        """
for to in (OTHER, NAME):
    items = list(rpc.stream(to, objects, args=(30,)))
    assert [p.x.tolist() for p in items[::2]] == [[i, i] for i in range(30)]
    assert items[1::2] == [{"i": i, "list": [i, (i, None)]} for i in range(30)]
"""
    )


def test_the_generator_is_never_ahead_by_more_than_the_credit():
    ask(
        """
for credit in (1, 3, 16):
    before = remote_state()["made"]
    with rpc.stream(OTHER, endless, credit=credit) as items:
        wait_until(lambda: remote_state()["made"] == before + credit)
        for taken in range(1, 30):
            assert next(items) == taken - 1
            assert remote_state()["made"] <= before + taken + credit
wait_until(lambda: remote_state()["closed"] == 3)
"""
    )


def test_a_stream_that_is_dropped_closes_the_generator():
    ask(
        """
def read_two():
    for i, item in enumerate(rpc.stream(OTHER, endless)):
        if i == 1:
            return
read_two()
wait_until(lambda: remote_state()["closed"] == 1)
items = rpc.stream(OTHER, asks_forever)
wait_until(lambda: remote_state()["made"] > 0)
del items
wait_until(lambda: remote_state()["closed"] == 2)
items = rpc.stream(OTHER, endless)
assert next(items) == 0
items.close()
assert list(items) == []
wait_until(lambda: remote_state()["closed"] == 3)
assert "closed" in repr(items)
"""
    )


def test_what_the_generator_raises_comes_after_its_items():
    ask(
        """
items = rpc.stream(OTHER, breaks)
assert next(items) == 1
try:
    next(items)
except KeyError as e:
    assert e.args == ("no second",), e.args
    assert "breaks" in str(e.__cause__)
else:
    raise AssertionError
assert list(items) == []
"""
    )


def test_a_call_and_a_stream_are_told_apart():
    ask(
        """
def expect(kind, text, call):
    try:
        call()
    except kind as e:
        assert text in str(e), e
    else:
        raise AssertionError(f"{kind.__name__} was not raised")
expect(TypeError, "is not a stream", lambda: next(rpc.stream(OTHER, plain)))
expect(TypeError, "is not a stream", lambda: next(rpc.stream(OTHER, torch.add, args=(1, 2))))
expect(TypeError, "generator", lambda: rpc.rpc_sync(OTHER, count, args=(1,)))
for credit in (0, -1, 65537, 1.5, None, True):
    expect(ValueError, "credit: expected 1 to 65536 items", lambda: rpc.stream(OTHER, count, args=(1,), credit=credit))
expect(ValueError, "timeout", lambda: rpc.stream(OTHER, count, args=(1,), timeout=float("nan")))
expect(ValueError, "could not find destination", lambda: rpc.stream("nobody", count, args=(1,)))
expect(TypeError, "rpc.stream()", rpc.Stream)
"""
    )


def test_the_timeout_is_that_of_an_item_and_a_cancelled_await_loses_none():
    ask(
        """
items = rpc.stream(OTHER, asks_forever, timeout=0.2)
try:
    next(items)
except TimeoutError as e:
    assert "asks_forever" in str(e), e
else:
    raise AssertionError
wait_until(lambda: remote_state()["closed"] == 1)
async def main():
    items = rpc.stream(OTHER, slowly, args=(30,), credit=1)
    seen = []
    while len(seen) < 30:
        try:
            seen.append(await asyncio.wait_for(anext(items), 0.0005))
        except TimeoutError:
            pass
    assert seen == list(range(30)), seen
asyncio.run(main())
"""
    )


def test_a_worker_that_dies_ends_the_streams_on_both_sides():
    program = COMMON + START + """
if RANK == 0:
    items = rpc.stream("worker1", asks_forever, timeout=0)
    wait_until(lambda: STATE["made"] >= 16)  # worker1 reads
    rpc.rpc_async("worker1", os._exit, args=(3,)).add_done_callback(lambda future: future.exception())
    try:
        next(items)
    except ConnectionError as e:
        assert "worker1" in str(e), e
    else:
        raise AssertionError
    assert list(items) == []
    wait_until(lambda: STATE["closed"] == 1)
    rpc.shutdown(graceful=False)
else:
    its = rpc.stream("worker0", endless)
    assert next(its) == 0
    time.sleep(60)
"""
    with Cluster(2, program) as cluster:
        (code, out, err), (other, _, _) = cluster.finish()
        assert code == 0 and other == 3, f"{out}\n{err}"
