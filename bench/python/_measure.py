"""One row of the grid from Python callables, each timed in the same process, in turns."""

import json
import os
import statistics
import time

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))


def once(function, seconds):
    """Nanoseconds a call."""
    count = 1
    while True:
        began = time.perf_counter_ns()
        for _ in range(count):
            function()
        took = time.perf_counter_ns() - began
        if took > seconds * 1e9:
            return took / count
        count *= 2 if took > seconds * 2e8 else 10


def row(text, tine, peers=None, bar=None, unit="ns", items=1):
    """Prints it. Turns, so that what disturbs the machine disturbs all of them; the median counts."""
    repeats, seconds = (3, 0.005) if QUICK else (7, 0.05)
    functions = {"tine": tine, **(peers or {})}
    runs = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            runs[name].append(once(function, seconds) / items)
    medians = {name: statistics.median(values) for name, values in runs.items()}
    print(json.dumps({
        "row": text, "unit": unit, "tine": medians.pop("tine"), "spread": max(runs["tine"]) - min(runs["tine"]),
        "peers": medians, "bar": bar,
    }))
