"""What takes long at the beginning and the end of a world is told on the log, once: who waits, and for whom."""
import pytest

from cluster import Cluster, run

LOG = """
import os, sys, threading, time
from tine.distributed import rpc
RANK = int(os.environ["RANK"])
FLAG = os.path.join(os.path.dirname(__file__), "flag")
lines, flagged = [], threading.Event()
def look_for(words):
    '''From now on what this process writes to stderr is read; a line with the words sets `flagged`.'''
    read, write = os.pipe()
    os.dup2(write, 2)
    def loop():
        for line in os.fdopen(read):
            lines.append(line)
            if words in line:
                flagged.set()
                open(FLAG, "w").close()
    threading.Thread(target=loop, daemon=True).start()
def until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
def only(words):
    found = [line for line in lines if words in line]
    assert len(found) == 1, lines
    return found[0]
def stuck():
    flagged.wait(60)
"""


def test_a_worker_that_waits_for_others_in_init_rpc_says_for_whom():
    run(
        2,
        """
        if RANK == 0:
            look_for("still waits")
        else:
            until(lambda: os.path.exists(FLAG))
        rpc.init_rpc(f"worker{RANK}")
        rpc.shutdown()
        if RANK == 0:
            line = only("still waits")
            assert line.startswith("[tine] init_rpc of worker 'worker0' (rank 0") and "rank 1 of 2 did not connect" in line, line
        """,
        preamble=LOG,
    )


def test_a_worker_that_does_not_reach_rank_0_says_where():
    run(
        2,
        """
        if RANK == 1:
            look_for("still waits")
        else:
            until(lambda: os.path.exists(FLAG))
        rpc.init_rpc(f"worker{RANK}")
        rpc.shutdown()
        if RANK == 1:
            address = "tcp://127.0.0.1:" + os.environ["MASTER_PORT"]
            assert f"'worker1' still waits: rank 0 is not reachable at {address}" in only("still waits"), lines
        """,
        preamble=LOG,
    )


@pytest.mark.parametrize("size", [2, None])
def test_a_shutdown_that_waits_for_calls_names_them_with_their_ages(size):
    program = """
    if RANK == 0:
        look_for("still running")
    began = time.monotonic()
    rpc.init_rpc(f"worker{RANK}")
    last = int(os.environ.get("WORLD_SIZE", 1)) - 1
    call = rpc.rpc_async("worker0", stuck) if RANK == last else None
    rpc.shutdown()
    if RANK == 0:
        line = only("still running")
        assert line.startswith("[tine] shutdown waits") and f"'worker{last}'" in line, line
        assert "waits for '__main__.stuck' on 'worker0' (for " in line, line
        age = float(line.split("(for ")[1].split(" s)")[0])
        assert 4 < age <= time.monotonic() - began, line
    """
    run(size or 1, program, preamble=LOG if size else 'import os; del os.environ["WORLD_SIZE"]' + LOG)


def test_a_shutdown_that_fails_for_calls_that_run_names_them():
    with Cluster(
        2,
        """
        rpc.init_rpc(f"worker{RANK}")
        call = rpc.rpc_async("worker0", stuck) if RANK == 1 else None
        try:
            rpc.shutdown(timeout=1)
        except TimeoutError as error:
            print(error)
        flagged.set()
        """,
        preamble=LOG,
    ) as cluster:
        results = cluster.finish()
    assert "'worker1' has 1 calls running or unanswered, and waits for '__main__.stuck' on 'worker0' (for " in results[0][1], results
