"""A small call between two processes while something large, long or many goes on between them.

The caller polls and the callee answers, which takes two cores; what goes on beside takes one more where it computes. The
row "cores" says how many there are: the bars are meant for a machine that has one to spare.
"""
import json
import os
import statistics
import sys
import time

import _pair

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
MOST_SECONDS = 60  # for one situation


def take(x):
    return None


def percentiles(times):
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


def worker(rank):
    import tine as torch
    from tine.distributed import rpc

    @torch.jit.script
    def loop(turns: int) -> int:
        s = 0
        for i in range(turns):
            s = s + i % 7
        return s

    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=2)
    if rank == 0:
        x, y = torch.ones(2), torch.ones(2)
        wanted = 300 if QUICK else 3000

        def one():
            began = time.perf_counter_ns()
            rpc.rpc_sync("worker1", torch.add, args=(x, y))
            return time.perf_counter_ns() - began

        def beside(start):
            """Small calls while something that start() began has no answer yet, again and again."""
            times, until = [], time.monotonic() + MOST_SECONDS
            while len(times) < wanted and time.monotonic() < until:
                pending = start()
                while len(times) < wanted and not all(f.done() for f in pending):
                    times.append(one())
                for f in pending:
                    f.wait()
            return percentiles(times)

        big = torch.ones(64 << 20)
        for _ in range(200):
            one()
        results = {"alone": percentiles([one() for _ in range(wanted)])}
        results["large"] = beside(lambda: [rpc.rpc_async("worker1", take, args=(big,)) for _ in range(4)])
        results["script"] = beside(lambda: [rpc.rpc_async("worker1", loop, args=(400_000_000,))])
        results["handlers"] = beside(lambda: [rpc.rpc_async("worker1", time.sleep, args=(1,)) for _ in range(64)])
        _pair.tell(results)
    rpc.shutdown()


def main():
    found = [_pair.measure(__file__) for _ in range(1 if QUICK else 3)]

    def row(key, which, text, bar=None):
        values = {k: [run[k][which] for run in found] for k in ("alone", key)}
        print(
            json.dumps(
                {
                    "row": text,
                    "unit": "ns",
                    "tine": statistics.median(values[key]),
                    "spread": max(values[key]) - min(values[key]),
                    "peers": {} if key == "alone" else {"alone": statistics.median(values["alone"])},
                    "bar": bar,
                }
            )
        )

    row("alone", 0, f"rpc_sync add of two 2-element tensors alone, p50 ({os.cpu_count()} cores)")
    row("alone", 1, "the same, p99")
    for key, text in (
        ("large", "1 GB on the same connection"),
        ("script", "a script that loops"),
        ("handlers", "64 handlers that sleep"),
    ):
        row(key, 0, f"beside {text}, p50", {"peer": "alone", "at_most_times": 3})
        row(key, 1, "the same, p99", {"at_most": 2_000_000})


if __name__ == "__main__":
    worker(int(sys.argv[1])) if len(sys.argv) == 2 else main()
