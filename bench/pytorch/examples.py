"""The programs of examples/pytorch over tine and over TensorPipe: the median step of each, as it tells it."""

import math
import multiprocessing
import os
import pathlib
import re
import runpy
import signal
import sys
import tempfile

from _world import BACKENDS, QUICK, at_most_times, row

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "pytorch"
# Steps that take about a second.
PROGRAMS = {
    "parameter_server": 100,
    "rnn": 60,
    "pipeline": 100,
    "ddp_remote_embedding": 60,
    "batched_parameter_server": 150,
    "actor_learner": 8,
    "sampler": 60,
}


def run(program, backend, steps, told):
    """In a process of its own, whose workers are forked too: what they all import is in memory already."""
    import torch.multiprocessing

    def spawn(function, args, nprocs):
        torch.multiprocessing.start_processes(function, args, nprocs, start_method="fork")

    os.setpgid(0, 0)  # no session: the kernel shares out cores by sessions first
    os.dup2(told, 1)
    torch.multiprocessing.spawn = spawn
    sys.path.insert(0, str(FOLDER))
    sys.argv = [program, "--backend", backend.lower(), "--steps", str(steps)]
    runpy.run_path(str(FOLDER / f"{program}.py"), run_name="__main__")


def step(program, backend):
    """Milliseconds, as the program tells them."""
    steps = max(PROGRAMS[program] // (10 if QUICK else 1), 3)
    with tempfile.TemporaryFile("w+") as told:
        process = multiprocessing.get_context("fork").Process(target=run, args=(program, backend, steps, told.fileno()))
        process.start()
        process.join(100)
        if process.exitcode is None:
            os.killpg(process.pid, signal.SIGKILL)
        told.seek(0)
        found = re.search(r"([\d.]+) ms a step", told.read())
    if process.exitcode != 0 or not found:
        sys.exit(f"{program} over {backend}: no result")
    return float(found[1])


def main():
    import torch.distributed.optim  # noqa: F401  once for all

    found = {side: [{} for _ in range(1 if QUICK else 3)] for side in BACKENDS}
    for program in PROGRAMS:
        for turn in range(len(found["tine"])):
            for side in list(BACKENDS)[:: -1 if turn % 2 else 1]:
                found[side][turn][program] = step(program, BACKENDS[side])
        row(f"examples/pytorch/{program}.py, a step", found, program, "ms", at_most_times(1))
    for steps in sum(found.values(), []):
        steps["all"] = math.prod(steps.values()) ** (1 / len(PROGRAMS))
    row("all of them, geometric mean", found, "all", "ms", at_most_times(0.8))


if __name__ == "__main__":
    main()
