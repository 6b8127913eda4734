"""Remote calls from Python, between two processes on this machine: tine beside torch, the same program."""
import importlib.util
import json
import os
import statistics
import sys
import time

import _pair

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))


def identity(x):
    return x


def worker(library, rank):
    if library == "tine":
        import tine as torch
        from tine.distributed import rpc
    else:
        import torch
        from torch.distributed import rpc

        torch.set_num_threads(1)
    os.sched_setaffinity(0, {rank % os.cpu_count()}) if os.environ.get("BENCH_PIN") else None
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=2)
    if rank == 0:
        results = {}
        x, y = torch.ones(2), torch.ones(2)
        calls = 500 if QUICK else 5000
        for _ in range(200):
            rpc.rpc_sync("worker1", torch.add, args=(x, y))
        times = []
        for _ in range(calls):
            began = time.perf_counter_ns()
            rpc.rpc_sync("worker1", torch.add, args=(x, y))
            times.append(time.perf_counter_ns() - began)
        times.sort()
        results["p50"] = times[len(times) // 2]
        results["p99"] = times[len(times) * 99 // 100]

        def rate(func, args, count, in_flight=256):
            began = time.perf_counter()
            pending = []
            for _ in range(count):
                if len(pending) == in_flight:
                    pending.pop(0).wait()
                pending.append(rpc.rpc_async("worker1", func, args=args))
            for f in pending:
                f.wait()
            return count / (time.perf_counter() - began)

        rate(torch.add, (x, y), 500)
        results["rate"] = rate(torch.add, (x, y), 2000 if QUICK else 20000)
        results["python"] = rate(identity, (1,), 1000 if QUICK else 5000)
        big = torch.ones(4 << 20)
        rpc.rpc_sync("worker1", identity, args=(big,))
        times = []
        for _ in range(5 if QUICK else 20):
            began = time.perf_counter()
            rpc.rpc_sync("worker1", identity, args=(big,))
            times.append(time.perf_counter() - began)
        results["echo"] = 2 * (16 << 20) / statistics.median(times) / 1e9
        _pair.tell(results)
    rpc.shutdown()


def main():
    runs = 1 if QUICK else 3
    libraries = ["tine"] + (["torch"] if importlib.util.find_spec("torch") else [])
    # The runs of the two take turns, so that both see the same machine.
    found = {library: [] for library in libraries}
    for _ in range(runs):
        for library in libraries:
            found[library].append(_pair.measure(__file__, library))

    def row(key, text, unit, bar=None, higher=False):
        values = {k: [r[key] for r in v] for k, v in found.items()}
        print(
            json.dumps(
                {
                    "row": text,
                    "unit": unit,
                    "tine": statistics.median(values["tine"]),
                    "spread": max(values["tine"]) - min(values["tine"]),
                    "peers": {"PyTorch": statistics.median(values["torch"]) if "torch" in values else None},
                    "bar": {"peer": "PyTorch", "times": bar} if bar else None,
                    "higher": higher,
                }
            )
        )

    row("p50", "rpc_sync add of two 2-element tensors, p50", "ns", 8)
    row("p99", "the same, p99", "ns")
    row("rate", "add, 256 in flight", "calls/s", higher=True)
    row("python", "Python function, 256 in flight", "calls/s", higher=True)
    row("echo", "16 MB there and back, bytes moved", "GB/s", higher=True)


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
