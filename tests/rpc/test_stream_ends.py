"""How a generator that another worker reads ends: by what it raises, by its reader, by its worker."""
import contextvars
import threading

import pytest
from cluster import run
from streaming import COMMON, START, ask

import tine
from tine.distributed.rpc._async_items import AsyncItems
from tine.distributed.rpc._coroutines import coroutines

GENERATORS = '''
SEEN = {}
def seen(): return dict(SEEN)
class Odd(BaseException): pass
KINDS = {"exit": SystemExit, "interrupt": KeyboardInterrupt, "odd": Odd}
def leaves(kind):
    yield 1
    raise KINDS[kind](3)
async def leaves_async(kind):
    yield 1
    await asyncio.sleep(0)
    raise KINDS[kind](3)
async def leaves_late(kind):
    try:
        yield 1
        yield 2
    finally:
        SEEN[kind] = True
        raise KINDS[kind](3)
async def where(): return threading.get_ident()
def cleans_up(to):
    try:
        yield 1
        yield 2
    finally:
        try:
            rpc.rpc_sync(to, max, args=(1, 2))
        except torch.Cancelled as error:
            SEEN["plain"] = "cancelled"
        with torch.CancelScope(shield=True):
            SEEN["shielded"] = rpc.rpc_sync(to, max, args=(1, 2))
'''


def test_an_exit_that_a_generator_raises_is_an_error_of_its_reader_and_ends_nothing_else():
    ask(
        """
for to in (OTHER, NAME):
    loop = rpc.rpc_sync(to, where)
    for f in (leaves, leaves_async):
        for kind, error in KINDS.items():
            items = rpc.stream(to, f, args=(kind,))
            assert next(items) == 1
            try:
                next(items)
                raise AssertionError
            except torch.RemoteError as e:
                assert error.__name__ in str(e) and "3" in str(e), e
            assert list(items) == []
            assert rpc.rpc_sync(to, where) == loop
for kind in KINDS:
    items = rpc.stream(OTHER, leaves_late, args=(kind,))
    assert next(items) == 1
    items.close()
    wait_until(lambda: kind in rpc.rpc_sync(OTHER, seen))
    assert list(rpc.stream(OTHER, slowly, args=(3,))) == [0, 1, 2]
""",
        common=GENERATORS,
    )


def test_the_finally_of_a_closed_generator_runs_in_a_cancelled_context_and_may_shield_itself_from_that():
    ask(
        """
items = rpc.stream(OTHER, cleans_up, args=(NAME,), credit=1)
assert next(items) == 1
items.close()
wait_until(lambda: "shielded" in rpc.rpc_sync(OTHER, seen))
assert rpc.rpc_sync(OTHER, seen) == {"plain": "cancelled", "shielded": 2}
""",
        common=GENERATORS,
    )


def test_a_stream_that_is_open_at_the_shutdown_is_closed_in_its_own_context_and_leaves_no_thread():
    run(
        2,
        COMMON
        + """
async def scoped():
    try:
        with torch.deadline(1000):
            while True:
                yield 1
    finally:
        STATE["closed"] += 1
"""
        + START
        + """
if RANK == 0:
    kept = [rpc.stream(OTHER, scoped) for _ in range(3)]
    assert [next(s) for s in kept] == [1] * 3
rpc.shutdown()
if RANK == 1:
    wait_until(lambda: STATE["closed"] == 3)
    assert "tine-rpc-asyncio" not in [t.name for t in threading.enumerate()]
""",
    )


async def _numbers(seen):
    try:
        with tine.deadline(1000):
            yield 1
            yield 2
    finally:
        seen.append("closed")


class _Hand:
    def __init__(self, seen):
        self.seen = seen

    async def __anext__(self):
        return 1

    async def aclose(self):
        self.seen.append("closed")


@pytest.mark.parametrize("make", [_numbers, _Hand])
def test_the_end_of_the_loop_closes_what_is_open_and_a_later_close_starts_no_loop(make):
    seen, end = [], object()
    items = AsyncItems(make(seen), contextvars.Context())
    assert items.next(end).wait() == 1
    coroutines.stop()
    assert seen == ["closed"]
    assert items.close() is None
    assert "tine-rpc-asyncio" not in [t.name for t in threading.enumerate()]
    assert seen == ["closed"] and not coroutines.open
