"""Tensors of PyTorch and arrays of NumPy through tine's own RPC, beside a tine tensor: a Python function that echoes."""

import json
import statistics
import sys

import _pair
from _world import QUICK, p50

KINDS = {"torch": "torch tensor", "numpy": "NumPy array", "tine": "tine tensor"}


def identity(x):
    return x


def worker(rank):
    import numpy
    import torch

    import tine
    from tine.distributed import rpc

    torch.set_num_threads(1)
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=2)
    if rank == 0:
        results = {}
        for size, count, warm in ((8, 50 if QUICK else 300, 50), (4 << 20, 3 if QUICK else 8, 2)):
            values = {"torch": torch.ones(size), "numpy": numpy.ones(size, numpy.float32), "tine": tine.ones(size)}
            rounds = {kind: [] for kind in values}
            for _ in range(5):
                for kind, value in values.items():
                    rounds[kind].append(p50(lambda: rpc.rpc_sync("worker1", identity, args=(value,)), count, warm))
            for kind, times in rounds.items():
                results[f"{kind} {size}"] = statistics.median(times)
        _pair.tell(results)
    rpc.shutdown()


def main():
    found = [_pair.measure(__file__, cores=_pair.apart(), seconds=60) for _ in range(1 if QUICK else 3)]
    for size, text in ((8, "8 elements"), (4 << 20, "16 MiB")):
        for kind in KINDS:
            times = [told[f"{kind} {size}"] for told in found]
            beside = [told[f"tine {size}"] for told in found]
            bar = {"at_most": 25_000} if size == 8 else {"peer": KINDS["tine"], "at_most_times": 1.2}
            ours = kind == "tine"
            print(
                json.dumps(
                    {
                        "row": f"tine's own RPC, echo of a {KINDS[kind]} of {text}, p50",
                        "unit": "ns",
                        "tine": statistics.median(times),
                        "spread": max(times) - min(times),
                        "peers": {} if ours else {KINDS["tine"]: statistics.median(beside)},
                        "ratios": {} if ours else {KINDS["tine"]: [a / b for a, b in zip(times, beside)]},
                        "bar": None if ours else bar,
                    }
                )
            )


if __name__ == "__main__":
    worker(int(sys.argv[1])) if len(sys.argv) > 1 else main()
