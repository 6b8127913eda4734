"""Two workers under PyTorch's RPC: the same program over tine and over TensorPipe, pair by pair, in fresh processes."""

import json
import os
import statistics
import time

import _pair

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
# What stands in tine's column. TENSORPIPE there shows what the grid itself makes of two equal things.
OURS = os.environ.get("TINE_BENCH_BACKEND", "TINE")
PEER = "TensorPipe"
BACKENDS = {"tine": OURS, PEER: "TENSORPIPE"}


def start(backend, rank, **options):
    """In a worker: the world of two, over that backend."""
    import torch
    from torch.distributed import rpc

    torch.set_num_threads(1)
    if backend == "TINE":
        import tine.pytorch  # noqa: F401
    if options:
        options = {"rpc_backend_options": rpc.TensorPipeRpcBackendOptions(init_method="env://", **options)}
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=2, backend=rpc.BackendType[backend], **options)


def pairs(program, *arguments, turns=1 if QUICK else 3, **how):
    """What rank 0 of each world told, by backend: pair by pair, and each pair begins with the other one."""
    found = {side: [] for side in BACKENDS}
    for turn in range(turns):
        for side in list(BACKENDS)[:: -1 if turn % 2 else 1]:
            found[side].append(_pair.measure(program, BACKENDS[side], *arguments, **how))
    return found


def row(text, found, key, unit, bar=None, **more):
    """Prints it: medians, and what the two are to each other pair by pair."""
    values = {side: [told[key] for told in tellings] for side, tellings in found.items()}
    ours = values.pop("tine")
    print(
        json.dumps(
            {
                "row": text,
                "unit": unit,
                "tine": statistics.median(ours),
                "spread": max(ours) - min(ours),
                "peers": {side: statistics.median(theirs) for side, theirs in values.items()},
                "ratios": {side: [a / b for a, b in zip(ours, theirs) if b] for side, theirs in values.items()},
                "bar": bar,
                **more,
            }
        ),
        flush=True,
    )


def at_most_times(times, peer=PEER):
    return {"peer": peer, "at_most_times": times}


def times_better(times, peer=PEER):
    return {"peer": peer, "times": times}


def p50(function, count, warm=100, seconds=1.5):
    """Nanoseconds. Less often on a machine so busy that it would take longer than `seconds`."""
    times, until = [], time.monotonic() + seconds
    for i in range(warm + count):
        began = time.perf_counter_ns()
        function()
        times.append(time.perf_counter_ns() - began)
        if time.monotonic() > until and i > count // 20:
            break
    return statistics.median(times[min(warm, len(times) // 2) :])
