"""What is in force in a generator that another worker reads: its call, deadlines, context variables, its end."""
from streaming import ask

GENERATORS = '''
import contextvars
COLOUR = contextvars.ContextVar("colour", default="none")
SEEN = {}
def seen(): return dict(SEEN)
def forget(): SEEN.clear()
def here():
    call = rpc.current_call()
    return call and (call.name.rpartition(".")[2], call.caller.name)
def wait_for(key):
    wait_until(lambda: key in rpc.rpc_sync(OTHER, seen))
    return rpc.rpc_sync(OTHER, seen)[key]
def asks(n):
    try:
        for _ in range(n):
            yield here()
    finally:
        SEEN["asks"] = here(), rpc.current_call().cancelled
async def asks_async(n):
    try:
        for _ in range(n):
            await asyncio.sleep(0)
            yield here()
    finally:
        SEEN["asks_async"] = here(), rpc.current_call().cancelled
@rpc.register
def asks_registered(n):
    yield from asks(n)
class Hand:  # an iterator that no interpreter made
    def __init__(self): self.first = here()
    def __iter__(self): return self
    def __next__(self): return self.first, here()
    def close(self): SEEN["Hand"] = here()
class AsyncHand:
    def __init__(self): self.first = here()
    def __aiter__(self): return self
    async def __anext__(self): return self.first, here()
    async def aclose(self): SEEN["AsyncHand"] = here()
def left():
    return torch.Context.current().remaining
def limited(n):
    yield left()
    with torch.deadline(1000):
        for _ in range(n):
            yield left()
        with torch.deadline(100):
            yield left()
        yield left()
    yield left()
async def limited_async(n):
    yield left()
    with torch.deadline(1000):
        for _ in range(n):
            yield left()
        with torch.deadline(100):
            yield left()
        yield left()
    yield left()
def colours(mine):
    COLOUR.set(mine)
    while True:
        yield COLOUR.get()
def lefts():
    while True:
        yield left(), rpc.current_call().remaining
async def lefts_async():
    while True:
        yield left(), rpc.current_call().remaining
def waits_for_ever():
    try:
        yield 1
        torch.futures.Future().wait()
    except BaseException as error:
        SEEN["waits"] = type(error).__name__, str(error)
        raise
def colour(): return COLOUR.get()
'''


def test_current_call_is_that_of_the_stream_in_each_item_and_in_its_end():
    ask(
        """
for to in (OTHER, NAME):
    for f in (asks, asks_async, asks_registered):
        assert list(rpc.stream(to, f, args=(20,))) == [(f.__name__, NAME)] * 20
    assert list(rpc.stream(to, "asks_registered", args=(20,))) == [("asks_registered", NAME)] * 20
    for f in (Hand, AsyncHand):
        items = rpc.stream(to, f)
        assert [next(items) for _ in range(40)] == [((f.__name__, NAME),) * 2] * 40
for f in (asks, asks_async):
    rpc.rpc_sync(OTHER, forget)
    items = rpc.stream(OTHER, f, args=(1000,))
    assert next(items) == (f.__name__, NAME)
    items.close()
    # In the end it is known that nobody waits any more.
    assert wait_for(f.__name__) == ((f.__name__, NAME), True)
for f in (Hand, AsyncHand):
    items = rpc.stream(OTHER, f)
    next(items)
    items.close()
    assert wait_for(f.__name__) == (f.__name__, NAME)
assert rpc.current_call() is None
""",
        common=GENERATORS,
    )


def test_a_deadline_around_a_yield_is_that_of_its_generator_alone():
    ask(
        """
def check(found, n):
    assert found[0] is None and found[-1] is None, found
    assert all(900 < x <= 1000 for x in [*found[1:n + 1], found[n + 2]]), found
    assert 0 < found[n + 1] <= 100, found
for f in (limited, limited_async):
    items = [rpc.stream(OTHER, f, args=(n,), credit=1) for n in (1, 2, 3, 4)]
    found = [[] for _ in items]
    while any(len(x) < n + 5 - 1 for n, x in enumerate(found, 1)):
        for n, (stream, so_far) in enumerate(zip(items, found), 1):
            if len(so_far) < n + 4:
                so_far.append(next(stream))
        # None of them is in force in calls and other streams, on whatever thread.
        assert [c.wait() for c in [rpc.rpc_async(OTHER, left, timeout=0) for _ in range(20)]] == [None] * 20
        assert next(rpc.stream(OTHER, limited, args=(1,))) is None
        assert next(rpc.stream(OTHER, limited_async, args=(1,))) is None
    for n, x in enumerate(found, 1):
        check(x, n)
    assert [next(s, None) for s in items] == [None] * 4
""",
        common=GENERATORS,
    )


def test_context_variables_of_a_generator_stay_its_own():
    ask(
        """
red, blue = (rpc.stream(OTHER, colours, args=(c,), credit=1) for c in ("red", "blue"))
for _ in range(10):
    assert (next(red), next(blue)) == ("red", "blue")
    assert {c.wait() for c in [rpc.rpc_async(OTHER, colour) for _ in range(20)]} == {"none"}
""",
        common=GENERATORS,
    )


def test_the_deadline_of_the_call_is_in_force_in_each_item():
    ask(
        """
for f in (lefts, lefts_async):
    with torch.deadline(50):
        items = rpc.stream(OTHER, f, credit=1)
    for _ in range(10):
        mine, of_call = next(items)
        assert 0 < mine <= 50 and 0 < of_call <= 50, (mine, of_call)
    assert next(rpc.stream(OTHER, f)) == (None, None)
with torch.deadline(0.3):
    items = rpc.stream(OTHER, waits_for_ever, timeout=0)
    assert next(items) == 1
    try:
        next(items)
        raise AssertionError
    except TimeoutError:
        pass
assert wait_for("waits")[0] in ("DeadlineExceeded", "Cancelled")
""",
        common=GENERATORS,
    )
