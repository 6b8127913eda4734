"""Several worker processes for a test: each runs the same program text with its own RANK."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time

PREAMBLE = """
import os, sys, threading, time
import tine as torch
from tine import Tensor
from tine.distributed import rpc
RANK = int(os.environ["RANK"]); WORLD = int(os.environ["WORLD_SIZE"])
NAME = f"worker{RANK}"
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    """Use as a context manager: what still runs at its end is killed, by pid."""

    def __init__(self, size, program, *, env=None, per_rank_env=None, preamble=PREAMBLE):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "program.py")
        with open(path, "w") as file:
            file.write(preamble + textwrap.dedent(program))
        port = free_port()
        self.processes = []
        for rank in range(size):
            full = dict(
                os.environ,
                RANK=str(rank),
                WORLD_SIZE=str(size),
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=str(port),
                TINE_AUTH_KEY="a secret of the tests",
                PYTHONUNBUFFERED="1",
                PYTHONFAULTHANDLER="1",
            )
            full.update(env or {})
            full.update((per_rank_env or {}).get(rank, {}))
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, path],
                    env=full,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        self.results = [None] * size

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.communicate()
        self.folder.cleanup()

    def wait_for(self, rank, line, timeout=30):
        """Reads rank's output until a line equals `line`; returns all lines read."""
        lines = []
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            got = self.processes[rank].stdout.readline()
            if not got:
                raise AssertionError(f"rank {rank} ended before it said {line!r}: {lines}\n{self._stderr(rank)}")
            lines.append(got.rstrip("\n"))
            if lines[-1] == line:
                return lines
        raise AssertionError(f"rank {rank} did not say {line!r} in {timeout} s: {lines}")

    def _stderr(self, rank):
        process = self.processes[rank]
        process.kill()
        return process.communicate()[1]

    def signal(self, rank, number=signal.SIGINT):
        self.processes[rank].send_signal(number)

    def finish(self, timeout=60):
        """Waits for all; returns [(code, stdout, stderr)] by rank. Of one that does not end, the error says where its threads are."""
        begin = time.monotonic()
        ends = []
        for rank, process in enumerate(self.processes):
            try:
                out, err = process.communicate(timeout=max(0.1, begin + timeout - time.monotonic()))
            except subprocess.TimeoutExpired:
                threads = _threads(process.pid)
                process.send_signal(signal.SIGABRT)  # faulthandler writes where its Python threads are
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                process.kill()
                out, err = process.communicate()
                before = f"those before it did after {', '.join(ends) or '-'} s, and the load was {os.getloadavg()[0]:.1f}"
                raise AssertionError(f"rank {rank} did not end within {timeout} s; {before}\n{out}\n{err}\n{threads}") from None
            ends.append(f"{time.monotonic() - begin:.1f}")
            self.results[rank] = (process.returncode, out, err)
        return self.results


def _threads(pid):
    """Where the threads of a process are: their native stacks where gdb is installed, else what each waits for in the kernel."""
    if shutil.which("gdb"):
        gdb = ["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all backtrace 40"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(gdb, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
    lines = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            facts = [open(f"/proc/{pid}/task/{thread}/{name}").read().strip() for name in ("comm", "wchan", "syscall")]
            lines.append(" ".join(facts))
    return "\n".join(lines)


def run(size, program, *, timeout=60, **kwargs):
    """Runs the program on all ranks, expects each to exit with 0, returns their outputs."""
    with Cluster(size, program, **kwargs) as cluster:
        results = cluster.finish(timeout)
        for rank, (code, out, err) in enumerate(results):
            assert code == 0, f"rank {rank} exited with {code}\n--- stdout\n{out}\n--- stderr\n{err}"
        return [out for _, out, _ in results]
