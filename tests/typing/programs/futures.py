"""Futures and the pool."""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator

import tine
from tine.futures import (
    Future,
    as_completed,
    collect_all,
    collect_all_settled,
    collect_any,
    from_asyncio,
    from_concurrent,
    gather,
    pool,
    set_unobserved_error_hook,
    to_concurrent,
    wait_all,
    wrap_future,
)


def half(n: int, *, by: int = 2) -> float:
    return n / by


def later(n: float) -> Future[str]:
    return pool.submit(str, n)


future = pool.submit(half, 3)
reveal_type(future)  # revealed: Future[float]
reveal_type(pool.submit(half, 3, by=4))  # revealed: Future[float]
pool.submit(half, "3")  # error: arg-type
pool.submit(half)  # error: call-arg
pool.submit(half, 3, times=4)  # error: call-arg
pool.submit(3)  # error: arg-type

reveal_type(future.wait())  # revealed: float
reveal_type(future.wait(timeout=1.5))  # revealed: float
reveal_type(future.value())  # revealed: float
reveal_type(future.exception())  # revealed: BaseException | None
future.set_result("three")  # error: arg-type
future.wait("soon")  # error: arg-type

reveal_type(future.then(lambda done: [done.value()]))  # revealed: Future[list[float]]
reveal_type(future.and_then(lambda x: x > 1))  # revealed: Future[bool]
reveal_type(future.and_then(later))  # revealed: Future[str]
reveal_type(future.or_else(lambda error: str(error)))  # revealed: Future[float | str]
reveal_type(future.finally_(lambda: print("done")))  # revealed: Future[float]
reveal_type(future.then(lambda done: 1, executor=pool))  # revealed: Future[int]
future.then(half)  # error: arg-type
future.and_then(later, executor=3)  # error: call-overload

reveal_type(collect_all([future, future]))  # revealed: Future[list[Future[float]]]
reveal_type(collect_all_settled([future]))  # revealed: Future[list[Future[float]]]
reveal_type(collect_any([future]))  # revealed: Future[tuple[int, Future[float]]]
reveal_type(gather(future, future))  # revealed: Future[list[float]]
reveal_type(gather([future, future]))  # revealed: Future[list[float]]
reveal_type(wait_all([future]))  # revealed: list[float]
reveal_type([done.value() for done in as_completed([future], timeout=3.0)])  # revealed: list[float]
strings: Future[str] = Future()
reveal_type(collect_all([future, strings]))  # revealed: Future[list[Any]]
reveal_type(gather(future, strings))  # revealed: Future[list[Any]]
collect_all([3])  # error: arg-type
wait_all(future)  # error: call-overload

others = concurrent.futures.ThreadPoolExecutor().submit(half, 3)
reveal_type(from_concurrent(others))  # revealed: Future[float]
reveal_type(to_concurrent(future))  # revealed: Future[float]
reveal_type(wait_all([others]))  # revealed: list[float]
reveal_type(collect_all([others]).wait()[0].running())  # revealed: bool
reveal_type(wait_all([others, future]))  # revealed: list[Any]
reveal_type(future.then(lambda done: 1, executor=concurrent.futures.ThreadPoolExecutor()))  # revealed: Future[int]
from_concurrent(future)  # error: arg-type


async def fetch(name: str) -> bytes:
    return name.encode()


async def in_a_loop() -> AsyncIterator[float]:
    reveal_type(await future)  # revealed: float
    reveal_type(await wrap_future(future))  # revealed: float
    reveal_type(from_asyncio(fetch("a")))  # revealed: Future[bytes]
    reveal_type(await from_asyncio(asyncio.create_task(fetch("a"))))  # revealed: bytes
    from_asyncio(fetch)  # error: arg-type
    async for done in as_completed([future]):
        reveal_type(done)  # revealed: Future[float]
        yield done.value()


set_unobserved_error_hook(lambda error: print(error))
set_unobserved_error_hook(None)
reveal_type(tine.scheduler_counters().threads)  # revealed: int

nothing: Future[int] = Future()
nothing.set_result(3)
try:
    nothing.wait()
except tine.RemoteError as error:
    reveal_type(error.remote_type)  # revealed: str
except (tine.DeadlineExceeded, tine.PeerDied, tine.Cancelled):
    pass
