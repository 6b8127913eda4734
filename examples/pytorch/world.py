"""What the programs of this folder share: a command line, processes that form a world, and a loop of timed steps."""
import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed.rpc as rpc
import torch.multiprocessing


def parser(doc: str, steps: int, help: str = "how many", backend: str | None = "tine") -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=doc.split("\n\n")[0])
    p.add_argument("--backend", choices=["tine", "tensorpipe"], default=backend,
                   help=f"what carries RPC (default: {backend or 'one after the other'})")
    p.add_argument("--steps", type=int, default=steps, help=f"{help} (default: {steps})")
    p.add_argument("--seed", type=int, default=0, help="same seed, same numbers (default: 0)")
    return p


def start(run: Callable[[str, argparse.Namespace], None], workers: list[str], args: argparse.Namespace) -> None:
    """A process for each name in `workers`; each joins the world, calls run(name, args) and leaves with the others."""
    with tempfile.TemporaryDirectory() as folder:
        # spawn would do, but each process would import torch anew.
        multiprocessing.set_forkserver_preload(["torch"])
        torch.multiprocessing.start_processes(
            _worker, args=(run, workers, args, folder), nprocs=len(workers), start_method="forkserver"
        )


def _worker(
    rank: int, run: Callable[[str, argparse.Namespace], None], workers: list[str], args: argparse.Namespace, folder: str
) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    args.folder = folder
    join(workers[rank], rank, len(workers), args)
    run(workers[rank], args)
    rpc.shutdown()  # waits for the others


def join(name: str, rank: int, world_size: int, args: argparse.Namespace, **options: Any) -> None:
    if args.backend == "tine":
        import tine.pytorch  # noqa: F401  registers BackendType.TINE
    backend = rpc.BackendType[args.backend.upper()]
    options["init_method"] = "file://" + os.path.join(args.folder, "rpc")
    options = rpc.backend_registry.construct_rpc_backend_options(backend, **options)
    rpc.init_rpc(name, backend, rank, world_size, options)


def loop(step: Callable[[int], float], args: argparse.Namespace, what: str = "loss", show: bool = True) -> None:
    """Calls step(0), step(1), ...; shows the number that each returns, and the time of the median step."""
    seconds = []
    for i in range(args.steps):
        begin = time.perf_counter()
        number = step(i)
        seconds.append(time.perf_counter() - begin)
        if show:
            print(f"step {i + 1:3d}  {what} {number:.9g}", flush=True)
    if show:
        print(f"{args.backend}: {1000 * statistics.median(seconds):.2f} ms a step", flush=True)
