"""What a world of workers costs: to begin and to end it, an idle worker, and calls that wait at one of them."""
import os
import sys
import time

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
WORKERS = 8
WARM = 2000 if QUICK else 20_000  # what the first calls need for good is there after so many
PAUSED = 10_000 if QUICK else 100_000
waiting = []


def rpc_of(library):
    if library == "torch":
        import torch
        from torch.distributed import rpc

        torch.set_num_threads(1)
    else:
        import tine as torch
        from tine.distributed import rpc
    return torch, rpc


def tell(results):
    import json  # not above: it is not a worker's, whose memory is measured

    print("RESULT " + json.dumps(results), flush=True)


def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key + ":"))


def begin_and_end(library, rank):
    """A world of WORKERS. Times are the system's, so that those of several processes can be compared."""
    torch, rpc = rpc_of(library)
    times = [time.monotonic()]
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=WORKERS)
    times.append(time.monotonic())
    rpc.rpc_sync(f"worker{(rank + 1) % WORKERS}", torch.add, args=(torch.ones(2), 1))
    resident = status("VmRSS") * 1024
    times.append(time.monotonic())
    rpc.shutdown()
    times.append(time.monotonic())
    tell({"times": times, "resident": resident})


def pause(rank):
    """Rank 0 is called by the two others, and answers when all calls are there."""
    torch, rpc = rpc_of("tine")
    sys.modules["world"] = sys.modules["__main__"]  # the name under which the callee finds the functions
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=3)
    if rank == 0:
        while len(waiting) < WARM:
            time.sleep(0.001)
        before = status("VmRSS"), status("Threads")
        goes_on.set_result(None)
        while len(waiting) < WARM + PAUSED:
            time.sleep(0.01)
        tell({"bytes": (status("VmRSS") - before[0]) * 1024 / PAUSED, "threads": status("Threads") - before[1]})
        for future in waiting:
            future.set_result(0)
    else:
        calls = [rpc.rpc_async("worker0", wait_there, timeout=0) for _ in range(WARM // 2)]
        rpc.rpc_sync("worker0", until_it_goes_on, timeout=0)
        calls += [rpc.rpc_async("worker0", wait_there, timeout=0) for _ in range(PAUSED // 2)]
        for call in calls:
            call.wait()
    rpc.shutdown()


def wait_there():
    import tine

    future = tine.futures.Future()
    waiting.append(future)
    return future


def until_it_goes_on():
    return goes_on


def main():
    # Here and not above: a worker has none of these.
    import importlib.util
    import json
    import statistics

    import _pair

    runs = 1 if QUICK else 3
    libraries = ["tine"] + (["torch"] if importlib.util.find_spec("torch") else [])
    found = {library: [] for library in libraries}
    for _ in range(runs):
        for library in libraries:
            workers = [w for w in _pair.measure_all(__file__, library, size=WORKERS) if w]
            began, joined, ends, ended = zip(*(w["times"] for w in workers))
            # From the last one's beginning: before that the others can only wait.
            found[library].append(
                {
                    "init": max(joined) - max(began),
                    "shutdown": max(ended) - max(ends),
                    "resident": statistics.median(w["resident"] for w in workers) / 1e6,
                }
            )

    def row(text, unit, key, bar, scale=1.0):
        figures = {library: [run[key] * scale for run in found[library]] for library in libraries}
        print(
            json.dumps(
                {
                    "row": text,
                    "unit": unit,
                    "tine": statistics.median(figures["tine"]),
                    "spread": max(figures["tine"]) - min(figures["tine"]),
                    "peers": {"PyTorch": statistics.median(figures["torch"]) if "torch" in figures else None},
                    "bar": {"at_most": bar},
                }
            ),
            flush=True,
        )

    row(f"init_rpc of {WORKERS} workers", "ms", "init", 300, 1000)
    row(f"shutdown of {WORKERS} workers", "ms", "shutdown", 100, 1000)
    row("resident memory of an idle worker", "MB", "resident", 25)
    paused = _pair.measure_all(__file__, "paused", size=3)[0]
    for text, unit, key, bar in (
        (f"async_execution, {PAUSED:,} more calls paused on one callee, each", "bytes", "bytes", 1024),
        ("the same, threads more than before", "threads", "threads", 0),
    ):
        print(json.dumps({"row": text, "unit": unit, "tine": paused[key], "spread": 0, "peers": {}, "bar": {"at_most": bar}}))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        main()
    elif sys.argv[1] == "paused":
        import tine
        from tine.distributed.rpc import functions

        wait_there, until_it_goes_on = functions.async_execution(wait_there), functions.async_execution(until_it_goes_on)
        goes_on = tine.futures.Future()
        pause(int(sys.argv[2]))
    else:
        begin_and_end(sys.argv[1], int(sys.argv[2]))
