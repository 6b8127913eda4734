"""A second worker, "callee", for the tests of one module; the process of the tests is worker "tests"."""
import contextlib
import os
import subprocess
import sys

from tine.distributed import rpc

HERE = os.path.dirname(os.path.abspath(__file__))
RPC_TESTS = os.path.join(HERE, "..", "rpc")
if RPC_TESTS not in sys.path:
    sys.path.insert(0, RPC_TESTS)
import cluster  # noqa: E402

Cluster = cluster.Cluster

_CALLEE = """
import lift_callees
from tine.distributed import rpc
rpc.init_rpc("callee", rank=1, world_size=2)
rpc.shutdown(timeout=0)
"""

# The preamble of programs for cluster.run.
PREAMBLE = f"""
import gc, os, sys, threading, time
sys.path.insert(0, {HERE!r})
import tine
from tine.distributed import rpc
RANK = int(os.environ["RANK"]); WORLD = int(os.environ["WORLD_SIZE"])
NAME = f"worker{{RANK}}"
"""


def run(size, program, **kwargs):
    return cluster.run(size, program, preamble=PREAMBLE, **kwargs)


@contextlib.contextmanager
def world():
    given = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(cluster.free_port()), "TINE_AUTH_KEY": "a secret of the tests"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    callee = subprocess.Popen([sys.executable, "-c", _CALLEE], cwd=HERE, stdin=subprocess.DEVNULL)
    try:
        rpc.init_rpc("tests", rank=0, world_size=2)
        yield
        rpc.shutdown()
        assert callee.wait(30) == 0
    finally:
        if rpc.is_initialized():
            rpc.shutdown(graceful=False)
        if callee.poll() is None:
            callee.kill()
            callee.wait()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
