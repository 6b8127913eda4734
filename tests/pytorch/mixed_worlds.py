"""Worlds of which some workers run tine and some PyTorch's own agent: for test_mixed_worlds.py.

    mixed_worlds.py BACKENDS INIT_METHOD [TIMEOUT]

BACKENDS: a letter for each worker, by rank: t for tine, p for PyTorch's. Prints a JSON list: for each worker what its init_rpc
raised (null: nothing), after how many seconds, and the exit code."""

import json
import sys
import time

import torch.distributed.rpc as rpc
import torch.multiprocessing

import forks
import tine.pytorch  # registers the backend


def worker(letter, rank, world, init_method, timeout, report):
    backend = rpc.backend_registry.BackendType["TINE" if letter == "t" else "TENSORPIPE"]
    options = rpc.backend_registry.construct_rpc_backend_options(backend, init_method=init_method, rpc_timeout=timeout)
    began = time.monotonic()
    try:
        rpc.init_rpc(f"worker{rank}", backend=backend, rank=rank, world_size=world, rpc_backend_options=options)
        error = None
        rpc.shutdown(graceful=False)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    report.send({"error": error, "seconds": time.monotonic() - began})


def run(letters, init_method, timeout):
    forks.ready()
    processes, reports = [], []
    for rank, letter in enumerate(letters):
        read, write = torch.multiprocessing.Pipe(duplex=False)
        forks.only_parents.append(read.fileno())
        arguments = (letter, rank, len(letters), init_method, timeout, write)
        processes.append(forks.ForkedProcess(target=worker, args=arguments))
        processes[-1].start()
        write.close()
        reports.append(read)
    seen = []
    for process, report in zip(processes, reports):
        story = {"error": "hangs", "seconds": None}
        if report.poll(3 * timeout + 30):
            try:
                story = report.recv()
            except EOFError:
                story = {"error": "ended without a word", "seconds": None}
        process.join(20)
        story["code"] = process.exitcode
        seen.append(story)
    for process in processes:
        process.kill()
        process.join()
    return seen


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 30.0)))
