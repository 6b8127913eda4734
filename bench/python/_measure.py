"""Rows of the grid from Python callables, each timed, or its results weighed, in the same process."""

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


def medians_of(runs, functions):
    """By name, of the peers; null of one that is not there."""
    return {name: statistics.median(runs[name]) if name in runs else None for name in functions}


def row(text, tine, peers=None, bar=None, unit="ns", items=1):
    """Prints it; a peer that is None is not there. Turns, so that what disturbs the machine disturbs all of them; the median counts."""
    repeats, seconds = (3, 0.005) if QUICK else (7, 0.05)
    functions = {"tine": tine, **(peers or {})}
    runs = {name: [] for name, function in functions.items() if function}
    for _ in range(repeats):
        for name in runs:
            runs[name].append(once(functions[name], seconds) / items)
    medians = medians_of(runs, functions)
    print(json.dumps({
        "row": text, "unit": unit, "tine": medians.pop("tine"), "spread": max(runs["tine"]) - min(runs["tine"]),
        "peers": medians, "bar": bar,
    }))


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def weigh(function, count):
    """Bytes of resident memory a call adds, its result kept; in a child, whose memory nobody has used before."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        held = [None] * count
        before = resident()
        for i in range(count):
            held[i] = function()
        os.write(write, str((resident() - before) / count).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        text = file.read()
    os.waitpid(child, 0)
    return float(text)


def bytes_row(text, tine, peers=None, bar=None, count=100_000):
    """Prints what each result of a function takes, `count` of them held at once. Before any other row."""
    functions = {"tine": tine, **(peers or {})}
    runs = {name: [weigh(function, count) for _ in range(3)] for name, function in functions.items() if function}
    medians = medians_of(runs, functions)
    print(json.dumps({
        "row": text, "unit": "bytes", "tine": medians.pop("tine"), "spread": max(runs["tine"]) - min(runs["tine"]),
        "peers": medians, "bar": bar,
    }), flush=True)
