"""Futures from one end to the other: callbacks, chains, many at once, time limits, cancelling, errors.

    PYTHONPATH=build/python python3 examples/futures.py

It reads a made-up set of weather stations; some answer slowly, one not at all, one wrongly. Each part prints what it
shows and fails when that does not hold.
"""

import threading
import time
from typing import Any

import tine
from tine.futures import Future, as_completed, collect_all_settled, collect_any, gather, pool, wait_all

STATIONS: dict[str, Any] = {"oslo": -3.5, "lima": 19.0, "pune": 27.25, "nome": "broken"}


def read(station: str, seconds: float = 0.01) -> Future[Any]:
    """Asks a station: somebody else completes the Future that this returns at once."""
    future: Future[Any] = Future()
    timer = threading.Timer(seconds, future.set_result, (STATIONS[station],))
    timer.daemon = True  # the program may end before a slow station answers
    timer.start()
    return future


def callbacks() -> None:
    """then: always runs and is given the Future itself. and_then, or_else, finally_: one for each outcome."""
    log = []
    text = (
        read("nome")
        .and_then(lambda celsius: celsius + 273.15)  # a str: TypeError, and what follows on success is skipped
        .and_then(lambda kelvin: f"{kelvin} K")
        .or_else(lambda error: f"no reading ({type(error).__name__})")
        .finally_(lambda: log.append("closed"))
    )
    assert text.wait() == "no reading (TypeError)" and log == ["closed"]
    print("nome:", text.value())

    # A Future that and_then returns is waited for: the next step may take its time, too.
    both = read("oslo").and_then(lambda oslo: read("lima").and_then(lambda lima: lima - oslo))
    assert both.wait() == 22.5
    print("lima is", both.value(), "degrees warmer than oslo")


def many_at_once() -> None:
    """Futures of many: the values of all, all however they ended, the first, one by one."""
    assert gather(read("oslo"), read("lima")).wait() == [-3.5, 19.0]

    # gather fails with the first error and cancels the rest; collect_all_settled never fails.
    slow = read("pune", seconds=60)
    threading.Thread(target=slow.cancel).start()
    ends = collect_all_settled([read("oslo"), slow]).wait()
    assert [f.cancelled() for f in ends] == [False, True]

    names = ["oslo", "lima", "pune"]
    index, first = collect_any([read("oslo", 0.3), read("lima", 0.01), read("pune", 0.3)]).wait()
    assert names[index] == "lima" and first.value() == 19.0
    print("first to answer:", names[index])

    order = [f.value() for f in as_completed([read("oslo", 0.1), read("lima", 0.01)], timeout=30)]
    assert order == [19.0, -3.5]
    print("in the order of their answers:", order)


def time_limits() -> None:
    """A wait ends in time; nothing is lost by that. A Future that nobody can complete fails instead of hanging."""
    quiet: Future[str] = Future()
    try:
        quiet.wait(timeout=0.05)
    except TimeoutError as error:
        print("no answer:", error)
    quiet.set_result("late, but here")
    assert quiet.wait() == "late, but here"

    doubled = Future[int]().and_then(lambda value: 2 * value)  # its only handle is gone
    assert isinstance(doubled.exception(timeout=10), tine.Abandoned)


def work_for_the_pool() -> None:
    """tine.futures.pool runs functions on tine's threads. A thread that waits for one that has not begun runs it."""

    def fib(n: int) -> int:
        if n < 2:
            return n
        left = pool.submit(fib, n - 1)
        return fib(n - 2) + left.wait()

    assert fib(15) == 610
    squares = wait_all([pool.submit(pow, i, 2) for i in range(10)])
    assert squares == [i * i for i in range(10)]
    # Callbacks can be sent there as well: they do not hold up the thread that completes the Future.
    assert read("pune").and_then(lambda celsius: celsius * 2, executor=pool).wait() == 54.5
    print("the pool of", tine.get_num_threads(), "has run", tine.scheduler_counters().tasks_run, "tasks")


def errors() -> None:
    """An exception arrives as the very object that was raised; one that nobody looks at is told, once."""
    error = ValueError("out of range")
    failed = pool.submit(lambda: (_ for _ in ()).throw(error))
    assert failed.exception() is error

    told: list[BaseException] = []
    before = tine.futures.set_unobserved_error_hook(told.append)
    Future[int]().set_exception(KeyError("never looked at"))
    tine.futures.set_unobserved_error_hook(before)
    assert isinstance(told[0], KeyError)
    print("told:", repr(told[0]), "-", told[0].__notes__[0].split("/")[-1])


if __name__ == "__main__":
    began = time.monotonic()
    for part in (callbacks, many_at_once, time_limits, work_for_the_pool, errors):
        print(f"--- {part.__name__.replace('_', ' ')}")
        part()
    assert time.monotonic() - began < 30
    print("done")
