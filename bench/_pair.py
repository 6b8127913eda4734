"""Two workers on this machine that run one program and measure from rank 0."""

import json
import os
import socket
import subprocess
import sys
import tempfile


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tell(results):
    """By rank 0: what measure() returns."""
    print("RESULT " + json.dumps(results), flush=True)


def apart():
    """The cores of two workers that share none, as far as the machine has two to give."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[1 % len(cores)]


def together():
    return (min(os.sched_getaffinity(0)),) * 2


def measure(program, *arguments, cores=None, seconds=300):
    """Runs `program arguments... rank` as ranks 0 and 1, on `cores` where they are given; what rank 0 told."""
    env = dict(os.environ, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()), GLOG_minloglevel="2")
    command = [sys.executable, os.path.abspath(program), *arguments]
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
        processes = [
            subprocess.Popen(
                command + [str(rank)],
                env=env,
                stdout=told if rank == 0 else subprocess.DEVNULL,
                stderr=errors,
                preexec_fn=(lambda core=cores[rank]: os.sched_setaffinity(0, {core})) if cores else None,
            )
            for rank in range(2)
        ]
        late = ""
        try:
            for process in processes:
                process.wait(seconds)
        except subprocess.TimeoutExpired:
            late = f", nor an end within {seconds} s"
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        told.seek(0)
        errors.seek(0)
        for line in told:
            if line.startswith("RESULT "):
                return json.loads(line[7:])
        raise RuntimeError(f"{' '.join(arguments)}: no result{late}\n{errors.read()[-4000:]}")
