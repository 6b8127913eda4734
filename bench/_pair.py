"""Workers on this machine that run one program and measure."""

import contextlib
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
    """What measure() and measure_all() return, of this rank."""
    print("RESULT " + json.dumps(results), flush=True)


def apart():
    """The cores of two workers that share none, as far as the machine has two to give."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[1 % len(cores)]


def together():
    return (min(os.sched_getaffinity(0)),) * 2


def measure(program, *arguments, cores=None, seconds=300):
    """Runs `program arguments... rank` as ranks 0 and 1, on `cores` where they are given; what rank 0 told."""
    return measure_all(program, *arguments, size=2, cores=cores, seconds=seconds)[0]


def measure_all(program, *arguments, size, cores=None, seconds=300):
    """Runs `program arguments... rank` as ranks 0 to size - 1; what each told, None for one that told nothing. Rank 0 has to."""
    env = dict(os.environ, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()), GLOG_minloglevel="2")
    command = [sys.executable, os.path.abspath(program), *arguments]
    with contextlib.ExitStack() as files:
        told = [files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(size)]
        errors = files.enter_context(tempfile.TemporaryFile("w+"))
        processes = [
            subprocess.Popen(
                command + [str(rank)],
                env=env,
                stdout=told[rank],
                stderr=errors,
                preexec_fn=(lambda core=cores[rank]: os.sched_setaffinity(0, {core})) if cores else None,
            )
            for rank in range(size)
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
        results = []
        for file in told:
            file.seek(0)
            lines = [line[7:] for line in file if line.startswith("RESULT ")]
            results.append(json.loads(lines[-1]) if lines else None)
        if results[0] is None:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(arguments)}: no result{late}\n{errors.read()[-4000:]}")
        return results
