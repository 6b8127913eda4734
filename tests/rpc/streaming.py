"""Programs of two workers, of which one reads streams of the other."""
from cluster import run

COMMON = """
import asyncio, gc
def wait_until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
STATE = {"made": 0, "closed": 0}
def state():
    return dict(STATE)
def count(n, start=0):
    yield from range(start, start + n)
def endless():
    try:
        n = 0
        while True:
            STATE["made"] += 1
            yield n
            n += 1
    finally:
        STATE["closed"] += 1
class Point:
    def __init__(self, x):
        self.x = x
def objects(n):
    for i in range(n):
        yield Point(torch.full((2,), float(i)))
        yield {"i": i, "list": [i, (i, None)]}
def breaks():
    yield 1
    raise KeyError("no second")
async def slowly(n):
    for i in range(n):
        await asyncio.sleep(0.001)
        yield i
async def asks_forever():
    STATE["made"] += 1
    try:
        await asyncio.Event().wait()
        yield 1
    finally:
        STATE["closed"] += 1
def plain():
    return [1, 2, 3]
OTHER = f"worker{1 - RANK}" if WORLD == 2 else NAME
def remote_state():
    return rpc.rpc_sync(OTHER, state)
"""
START = """
rpc.init_rpc(NAME)
"""


def ask(program, size=2, common=""):
    """Rank 0 runs the program, the other serves; `common` is of both."""
    body = "".join("    " + line + "\n" for line in program.strip().splitlines())
    return run(size, COMMON + common + START + "if RANK == 0:\n" + body + "gc.collect()\nrpc.shutdown()\n")
