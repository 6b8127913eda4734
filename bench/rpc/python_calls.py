"""Remote calls from Python, between two processes on this machine: tine beside torch, the same program.

Rows without a word about cores pin nothing. "cores apart" pins each process to a core of its own, "one core" both to the same one.
The rows of TLS go by TCP; their baseline is TCP without it.
"""
import collections
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import _pair

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
PLACES = {"": None, ", cores apart": _pair.apart(), ", one core": _pair.together()}


def identity(x):
    return x


def percentiles(results, name, call, count):
    for _ in range(count // 20):
        call()
    times = []
    for _ in range(count):
        began = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began)
    times.sort()
    results[name] = times[len(times) // 2]
    results[name + " p99"] = times[len(times) * 99 // 100]


def rate(call, count, in_flight=256):
    began = time.perf_counter()
    pending = collections.deque()
    for _ in range(count):
        if len(pending) == in_flight:
            pending.popleft().wait()
        pending.append(call())
    for future in pending:
        future.wait()
    return count / (time.perf_counter() - began)


def gigabytes(call, size):
    call()
    times = []
    for _ in range(5 if QUICK else 20):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return size / statistics.median(times) * 2 / 1e9


def worker(library, rank):
    if library == "torch":
        import torch
        from torch.distributed import rpc

        torch.set_num_threads(1)
    else:
        import tine as torch
        from tine.distributed import rpc
    options = None
    if library in ("tcp", "tls"):
        options = rpc.RpcBackendOptions(transports=["tcp"])
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=2, rpc_backend_options=options)
    if rank == 0:
        results = {}
        x, y = torch.ones(2), torch.ones(2)
        pickled, big = {1}, torch.ones(4 << 20)  # a set is not one of the types that travel without a pickle

        def sync(function, *args):
            return lambda: rpc.rpc_sync("worker1", function, args=args)

        def asynchronous(function, *args):
            return lambda: rpc.rpc_async("worker1", function, args=args)

        calls = 500 if QUICK else 5000
        percentiles(results, "add", sync(torch.add, x, y), calls)
        results["echo"] = gigabytes(sync(identity, big), 16 << 20)
        if library in ("tine", "torch"):
            percentiles(results, "pickled", sync(identity, pickled), calls)
            percentiles(results, "plain", sync(identity, 1), calls)
            rate(asynchronous(torch.add, x, y), 500)
            results["add rate"] = rate(asynchronous(torch.add, x, y), 4 * calls)
            results["pickled rate"] = rate(asynchronous(identity, pickled), 2 * calls)
            results["plain rate"] = rate(asynchronous(identity, 1), 2 * calls)
            if library == "tine":
                results["shared"] = gigabytes(sync(identity, rpc.shared_empty(4 << 20).fill_(1)), 16 << 20)
            results["bytes"] = gigabytes(sync(identity, bytes(16 << 20)), 16 << 20)
            if importlib.util.find_spec("numpy"):
                import numpy

                results["numpy"] = gigabytes(sync(identity, numpy.ones(4 << 20, numpy.float32)), 16 << 20)
        if library == "tine":
            with torch.deadline(1000):
                percentiles(results, "deadline", sync(torch.add, x, y), calls)
        _pair.tell(results)
    rpc.shutdown()


def main():
    runs = 1 if QUICK else 3
    libraries = ["tine"] + (["torch"] if importlib.util.find_spec("torch") else [])

    def row(values, key, text, unit, bar=None, higher=False, peers=("torch",)):
        def figures(library):
            return [r[key] for r in values.get(library, []) if key in r]

        if not figures("tine"):
            return
        names = {"torch": "PyTorch", "tcp": "plain TCP"}
        print(
            json.dumps(
                {
                    "row": text,
                    "unit": unit,
                    "tine": statistics.median(figures("tine")),
                    "spread": max(figures("tine")) - min(figures("tine")),
                    "peers": {names[p]: statistics.median(figures(p)) if figures(p) else None for p in peers},
                    "bar": {"peer": "PyTorch", "times": bar} if bar else None,
                    "higher": higher,
                }
            ),
            flush=True,
        )

    for place, cores in PLACES.items():
        # The runs of the two take turns, so that both see the same machine.
        found = collections.defaultdict(list)
        for _ in range(runs):
            for library in libraries:
                found[library].append(_pair.measure(__file__, library, cores=cores))
        row(found, "add", f"rpc_sync add of two 2-element tensors, p50{place}", "ns", None if place else 8)
        row(found, "add p99", f"the same, p99{place}", "ns")
        row(found, "deadline", f"the same in tine.deadline(), p50{place}", "ns", peers=())
        row(found, "add rate", f"add, 256 in flight{place}", "calls/s", higher=True)
        row(found, "pickled", f"Python function, p50{place}", "ns")
        row(found, "pickled p99", f"Python function, p99{place}", "ns")
        row(found, "pickled rate", f"Python function, 256 in flight{place}", "calls/s", higher=True)
        row(found, "plain", f"Python function, plain arguments, p50{place}", "ns")
        row(found, "plain p99", f"Python function, plain arguments, p99{place}", "ns")
        row(found, "plain rate", f"Python function, plain arguments, 256 in flight{place}", "calls/s", higher=True)
        row(found, "echo", f"16 MB there and back, bytes moved{place}", "GB/s", higher=True)
        row(found, "shared", f"16 MB of rpc.shared_empty there and back, bytes not moved{place}", "GB/s", higher=True, peers=())
        row(found, "numpy", f"16 MB of NumPy there and back, bytes moved{place}", "GB/s", higher=True)
        row(found, "bytes", f"16 MB of bytes there and back, bytes moved{place}", "GB/s", higher=True)

    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        keys = os.path.join(folder, "keys")
        subprocess.run([sys.executable, "-m", "tine", "keys", keys], check=True, capture_output=True)
        files = {"CERT": "any.pem", "KEY": "any.key", "CA": "ca.pem"}
        for _ in range(runs):
            found["tcp"].append(_pair.measure(__file__, "tcp", cores=_pair.apart()))
            os.environ.update({f"TINE_TLS_{what}": os.path.join(keys, name) for what, name in files.items()})
            found["tine"].append(_pair.measure(__file__, "tls", cores=_pair.apart()))
            for what in files:
                del os.environ[f"TINE_TLS_{what}"]
    row(found, "add", "add over TLS, p50, cores apart", "ns", peers=("tcp",))
    row(found, "echo", "16 MB there and back over TLS, bytes moved, cores apart", "GB/s", higher=True, peers=("tcp",))


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
