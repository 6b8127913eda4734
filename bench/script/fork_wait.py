"""fork + wait of `x + 1` in a scripted loop, a turn of a plain loop, and a call from Python: tine beside torch."""
import importlib.util
import json
import linecache
import os
import statistics
import subprocess
import sys
import time
import typing

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
REPEATS = 3 if QUICK else 7
SOURCE = """
def plus_one(x: int) -> int:
    return x + 1

def forked(n: int) -> int:
    x = 0
    for _ in range(n):
        x = torch.jit.wait(torch.jit.fork(plus_one, x))
    return x

def forked_then_waited(n: int) -> int:
    futures: List[torch.jit.Future[int]] = []
    for i in range(n):
        futures.append(torch.jit.fork(plus_one, i))
    s = 0
    for f in futures:
        s += torch.jit.wait(f)
    return s

def turns(n: int) -> int:
    s = 0
    for i in range(n):
        s = s + i % 7
    return s

def empty(n: int) -> int:
    return n
"""


def each(fn, n):
    fn(n)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        fn(n)
        times.append((time.perf_counter_ns() - start) / n)
    return times


def space_of(torch, source, name="<bench>"):
    """What a text defines; its functions can be scripted."""
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space = {"torch": torch, "nn": torch.nn, "Tensor": torch.Tensor, "List": typing.List, "NamedTuple": typing.NamedTuple,
             "__name__": "bench"}
    exec(compile(source, name, "exec"), space)
    return space


def apart(file):
    """What the file prints for tine, and for torch if that is there, each in a process of its own: their threads do not meet."""
    found = {}
    for module in ("tine", "torch"):
        if importlib.util.find_spec(module):
            out = subprocess.run([sys.executable, "-W", "ignore", file, module], capture_output=True, text=True, timeout=600)
            if out.returncode == 0:
                found[module] = json.loads(out.stdout)
            elif module == "tine":
                sys.exit(out.stderr)
    return found


def measure(module):
    torch = importlib.import_module(module)
    space = space_of(torch, SOURCE)
    scripts = {k: torch.jit.script(space[k]) for k in ("forked", "forked_then_waited", "turns", "empty")}
    scale = 1 if module == "tine" else 20

    def calls(n):
        empty = scripts["empty"]
        for _ in range(n):
            empty(1)

    return {
        "script: fork + wait of x + 1": each(scripts["forked"], 200_000 // scale),
        "script: fork and later wait, of many": each(scripts["forked_then_waited"], 100_000 // scale),
        "script: one turn of s = s + i % 7": each(scripts["turns"], 2_000_000 // scale),
        "script: an empty call from Python": each(calls, 20_000),
    }


def main():
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    found = apart(__file__)
    bars = {"script: fork + wait of x + 1": [{"peer": "PyTorch", "times": 30}, {"at_most": 60}],
            "script: one turn of s = s + i % 7": {"at_most": 2}}
    for row, times in found["tine"].items():
        print(
            json.dumps(
                {
                    "row": row,
                    "unit": "ns",
                    "tine": statistics.median(times),
                    "spread": max(times) - min(times),
                    "peers": {"PyTorch": statistics.median(found["torch"][row]) if "torch" in found else None},
                    "bar": bars.get(row),
                }
            )
        )


if __name__ == "__main__":
    main()
