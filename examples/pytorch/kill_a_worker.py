"""Kills a worker that is being called, and shows what the others see of it, over each backend.

    PYTHONPATH=build/python python3 examples/pytorch/kill_a_worker.py [--backend tine|tensorpipe] [--signal STOP]

Of three workers the caller has calls in flight to the victim when that is killed (stopped, with --signal STOP). It
waits for their errors, calls the victim once more, then the bystander, and the two survivors shut down.
"""
import argparse
import multiprocessing
import os
import signal
import tempfile
import textwrap
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed.rpc as rpc

import world

WORKERS = ["caller", "victim", "bystander"]


def show(what: str, f: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    """A row of the table: how long f took, and the words of its error."""
    begin = time.monotonic()
    try:
        f(*args, **kwargs)
        words = "well"
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
    print(f"{what:27} {time.monotonic() - begin:8.3f} s  {textwrap.shorten(words, 220)}", flush=True)


def worker(rank: int, called: Any, args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    world.join(WORKERS[rank], rank, len(WORKERS), args, rpc_timeout=args.timeout)
    if WORKERS[rank] == "caller":
        pid = rpc.rpc_sync("victim", os.getpid)
        calls = [rpc.rpc_async("victim", time.sleep, (3600,)) for _ in range(args.steps)]
        rpc.rpc_sync("victim", os.getpid)  # answered, so the calls before it have arrived
        os.kill(pid, signal.Signals["SIG" + args.signal])
        show(f"{args.steps} calls in flight", torch.futures.wait_all, calls)
        show("the next call", rpc.rpc_sync, "victim", os.getpid)
        show("a call to the bystander", rpc.rpc_sync, "bystander", os.getpid)
        called.set()
    elif WORKERS[rank] == "bystander":
        called.wait()
    show(f"shutdown of the {WORKERS[rank]}", rpc.shutdown)


def over(backend: str, args: argparse.Namespace) -> None:
    args.backend = backend
    print(f"\n{backend}: the victim gets SIG{args.signal}; calls have {args.timeout:g} s", flush=True)
    called = multiprocessing.Event()
    with tempfile.TemporaryDirectory() as args.folder:
        processes = [multiprocessing.Process(target=worker, args=(rank, called, args)) for rank in range(3)]
        for p in processes:
            p.start()
        caller, victim, bystander = processes
        for p in caller, bystander:
            p.join(8 * args.timeout)
            if p.is_alive():
                print(f"{WORKERS[processes.index(p)]} did not end")
        for p in processes:
            p.kill()
            p.join()


if __name__ == "__main__":
    parser = world.parser(__doc__, steps=8, help="calls in flight", backend=None)
    parser.add_argument("--signal", choices=["KILL", "STOP"], default="KILL", help="how it ends (default: KILL)")
    parser.add_argument("--timeout", type=float, default=10, help="seconds that a call has (default: 10)")
    args = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    for backend in [args.backend] if args.backend else ["tine", "tensorpipe"]:
        over(backend, args)
