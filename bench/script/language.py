"""What the script language costs: compiling a module, calls from Python, methods and records beside plain calls, suspended frames."""
import json
import statistics
import sys
import time
from pathlib import Path

from fork_wait import QUICK, REPEATS, apart, each, space_of

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
from _measure import resident  # noqa: E402

SOURCE = """
class Counter:
    def __init__(self, count: int):
        self.count = count

    def plus(self, x: int) -> int:
        return x + 1


class Point(NamedTuple):
    x: int
    y: int


def plus(x: int) -> int:
    return x + 1


def plain_calls(n: int) -> int:
    s = 0
    for i in range(n):
        s = plus(s)
    return s


def methods(n: int) -> int:
    c = Counter(1)
    s = 0
    for i in range(n):
        s = c.plus(s)
    return s


def named_tuples(n: int) -> int:
    p = Point(0, 1)
    for i in range(n):
        p = Point(p.x + 1, p.y)
    return p.x


def two_ints(a: int, b: int) -> int:
    return a


def waits(f: torch.jit.Future[int], a: int, b: int, c: int, d: int, e: int) -> int:
    x = f.wait()
    return x + a + b + c + d + e


def suspended(f: torch.jit.Future[int], n: int) -> List[torch.jit.Future[int]]:
    tasks: List[torch.jit.Future[int]] = []
    for i in range(n):
        tasks.append(torch.jit.fork(waits, f, i, i, i, i, i))
    return tasks
"""
# 20 methods of 10 lines: what modules do, and a call of the one before.
METHOD = """
    def step{n}(self, x: Tensor, k: int) -> Tensor:
        y = torch.tanh(x + self.weight) * k
        total = 0.0
        for i in range(k):
            if i % 2 == 0:
                y = y + torch.relu(x) * float(i)
            else:
                total += float(i) * self.rate
        values: List[float] = [total, self.rate]
        return {before} + y.sum() * values[0]
"""


def module_text():
    methods = [METHOD.format(n=n, before=f"self.step{n - 1}(y, k - 1)" if n else "y") for n in range(20)]
    return ("class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.weight = nn.Parameter(torch.ones(4))\n"
            "        self.rate = 0.5\n" + "".join(methods) + "\n    def forward(self, x: Tensor) -> Tensor:\n        return self.step19(x, 20)\n")


def compiled(torch, at):
    """Nanoseconds from the classes, which are defined already, to the compiled modules: of a new class each time."""
    text = module_text()
    times = []
    for i in range(REPEATS + 1):
        net = space_of(torch, text, f"<bench {at} {i}>")["Net"]()
        start = time.perf_counter_ns()
        torch.jit.script(net)
        times.append(time.perf_counter_ns() - start)
    return times[1:]


def measure(module):
    torch = __import__(module)
    space = space_of(torch, SOURCE)
    torch.jit.script(space["Counter"])
    scripts = {name: torch.jit.script(space[name]) for name in ("plain_calls", "methods", "named_tuples", "two_ints")}
    scale = 1 if module == "tine" else 20

    def calls(n):
        two_ints = scripts["two_ints"]
        for _ in range(n):
            two_ints(1, 2)

    found = {
        "script: a module of 200 lines is compiled": compiled(torch, module),
        "script: a call from Python with two ints": each(calls, 50_000),
        **{f"script: {text} in a script": each(scripts[name], 1_000_000 // scale)
           for name, text in (("plain_calls", "a plain call"), ("methods", "a method of a class"),
                              ("named_tuples", "making a named tuple and reading it"))},
    }
    if module == "tine":
        suspended = torch.jit.script(space["suspended"])
        count = 50_000 if QUICK else 1_000_000
        first = torch.futures.Future()
        suspended(first, 1000)
        before = resident()
        tasks = suspended(first, count)
        found["script: 1,000,000 suspended frames of 8 registers, each"] = [(resident() - before) / count]
        first.set_result(1)
        tasks[-1].wait()
    return found


def main():
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    found = apart(__file__)
    plain = "script: a plain call in a script"
    beside = {"bar": {"peer": "a plain call", "at_most_times": 1.5}}
    bars = {"compiled": {"at_most": 10e6}, "two ints": {"at_most": 120}, "suspended": {"at_most": 250}}
    for row, times in found["tine"].items():
        peers = {} if "suspended" in row else {"PyTorch": statistics.median(found["torch"][row]) if "torch" in found else None}
        line = {"row": row, "unit": "bytes" if "suspended" in row else "ns", "tine": statistics.median(times),
                "spread": max(times) - min(times), "peers": peers, "bar": next((bar for word, bar in bars.items() if word in row), None)}
        if "method" in row or "named" in row:
            line.update(beside, peers={**peers, "a plain call": statistics.median(found["tine"][plain])})
        print(json.dumps(line))


if __name__ == "__main__":
    main()
