"""tine in an asyncio program, and asyncio in a threaded one.

    PYTHONPATH=build/python python3 examples/asyncio_bridge.py

A small service: requests come in on an asyncio loop, the numbers are worked out by scripts on tine's threads without
the interpreter's lock, and what is slow to arrive is cancelled. Then the other direction: a thread without a loop
waits for a coroutine. It fails when what it shows does not hold.
"""

import asyncio
import concurrent.futures
import threading

import tine
from tine import Tensor
from tine.futures import Future, as_completed, from_asyncio, from_concurrent, pool, to_concurrent, wrap_future


@tine.jit.script
def energy(x: Tensor, steps: int) -> Tensor:
    for _ in range(steps):
        x = tine.tanh(x) + 0.1
    return (x * x).sum()


async def request(number: float) -> float:
    """A Future is awaited like anything else; the loop goes on meanwhile, whatever thread completes it."""
    result = await energy.call_async(tine.full((1000,), number), 20)
    return result.item()


async def service() -> None:
    answers = await asyncio.gather(*(request(float(n)) for n in range(8)))
    assert len(answers) == 8 and answers[0] < answers[1]
    print("answers:", [round(a, 1) for a in answers[:3]], "...")

    # One by one, in the order in which they are ready.
    futures = [pool.submit(sum, range(n)) for n in (10, 100, 1000)]
    seen = [future.value() async for future in as_completed(futures, timeout=30)]
    assert sorted(seen) == [45, 4950, 499500]

    # A time limit of asyncio's cancels the Future: its producer finds out.
    never: Future[str] = Future()
    try:
        await asyncio.wait_for(never, 0.05)
    except asyncio.TimeoutError:
        pass
    assert never.cancelled()

    # For what wants an asyncio.Future there is one; a shield keeps the Future from being cancelled with it.
    kept: Future[str] = Future()
    try:
        await asyncio.wait_for(asyncio.shield(wrap_future(kept)), 0.05)
    except asyncio.TimeoutError:
        pass
    kept.set_result("still wanted")
    assert await wrap_future(kept) == "still wanted"
    print("one was cancelled, one was", await kept)


def threads_that_wait_for_a_loop() -> None:
    """from_asyncio: a Future of a coroutine that runs on a loop elsewhere."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def fetch(name: str) -> str:
        await asyncio.sleep(0.01)
        return f"<{name}>"

    pages = [from_asyncio(fetch(name), loop) for name in ("a", "b")]
    assert [page.wait(timeout=30) for page in pages] == ["<a>", "<b>"]
    # It is a Future like any other: chains and combinators go on from it.
    assert from_asyncio(fetch("c"), loop).and_then(len).wait(timeout=30) == 3

    endless = from_asyncio(asyncio.sleep(600), loop)
    assert endless.cancel()  # and with it the task
    loop.call_soon_threadsafe(loop.stop)
    thread.join()

    async def last_turns() -> None:  # as asyncio.run does: cancelled tasks end before the loop is closed
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    loop.run_until_complete(last_turns())
    loop.close()
    print("pages:", [page.value() for page in pages])


def programs_of_concurrent_futures() -> None:
    """to_concurrent and from_concurrent: what takes or gives the standard library's futures."""
    made = [to_concurrent(pool.submit(pow, 2, n)) for n in range(5)]
    done, pending = concurrent.futures.wait(made, timeout=30)
    assert sorted(f.result() for f in done) == [1, 2, 4, 8, 16] and not pending

    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        text = from_concurrent(executor.submit(str.upper, "theirs")).and_then(str.title, executor=executor)
        assert text.wait(timeout=30) == "Theirs"
    print("and back:", text.value())


if __name__ == "__main__":
    asyncio.run(service())
    threads_that_wait_for_a_loop()
    programs_of_concurrent_futures()
    print("done")
