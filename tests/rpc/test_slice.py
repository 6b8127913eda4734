"""What runs on a worker's reading thread, seen from the other end: a small call behind anything long is answered at once."""
from cluster import Cluster, run

# `ping` returns the median time of a small call while `work` (a started call) is not done, and how long that took.
PINGS = """
import statistics
torch.set_num_threads(1)  # one thread works, so that a core is left for the answers
def pings(work):
    begun = time.perf_counter()
    times = []
    while not work.done() or not times:
        t = time.perf_counter()
        assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
        times.append(time.perf_counter() - t)
        time.sleep(0.002)
    work.wait()
    return statistics.median(times), time.perf_counter() - begun
def check(name, start):
    # The work grows until it lasts: machines differ. A ping that waits for it takes as long; a twentieth leaves room for
    # a machine that does other things, too.
    n = 1
    while True:
        median, lasted = pings(start(n))
        if lasted > 0.4 or n > 50:
            break
        n *= 2
    assert median < lasted / 20, f"{name}: a small call took {median * 1e3:.1f} ms beside {lasted * 1e3:.0f} ms of work"
"""


def test_a_small_call_does_not_wait_for_a_script_that_loops():
    run(
        2,
        PINGS
        + """
@torch.jit.script
def spin(n: int) -> int:
    s = 0
    for i in range(n):
        s = s + i % 7
    return s
rpc.init_rpc(NAME)
if RANK == 0:
    rpc.rpc_sync("worker1", spin, args=(10,))
    check("a loop", lambda n: rpc.rpc_async("worker1", spin, args=(50_000_000 * n,)))
    # A loop of a few milliseconds, far below what the clock was once looked at for.
    behind, whole = [], []
    for _ in range(60):
        t = time.perf_counter()
        work = rpc.rpc_async("worker1", spin, args=(3_000_000,))
        rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1))
        behind.append(time.perf_counter() - t)
        work.wait()
        whole.append(time.perf_counter() - t)
    assert statistics.median(behind) < statistics.median(whole) / 2, (statistics.median(behind), statistics.median(whole))
rpc.shutdown()
""",
    )


def test_a_small_call_does_not_wait_for_one_long_operator_of_a_script():
    run(
        2,
        PINGS
        + """
@torch.jit.script
def product(x: Tensor) -> Tensor:
    return torch.mm(x, x).sum()
@torch.jit.script
def broadcast(x: Tensor) -> Tensor:
    return (x + x.t()).sum()
@torch.jit.script
def words(n: int) -> int:
    return len(sorted([str(i) for i in range(3)] * n))
rpc.init_rpc(NAME)
if RANK == 0:
    check("mm", lambda n: rpc.rpc_async("worker1", product, args=(torch.ones(1000 + 400 * n, 1000 + 400 * n),)))
    check("a broadcast", lambda n: rpc.rpc_async("worker1", broadcast, args=(torch.ones(6000 + 2000 * n, 1),)))
    check("sorted", lambda n: rpc.rpc_async("worker1", words, args=(200_000 * n,)))
rpc.shutdown()
""",
    )


def test_a_small_call_does_not_wait_for_a_long_operator():
    run(
        2,
        PINGS
        + """
rpc.init_rpc(NAME)
if RANK == 0:
    # The results stay there: nothing large comes back.
    kept = []
    def remote(f, *args):
        kept[:] = [rpc.remote("worker1", f, args=args)]
        return kept[0]._get_future()
    def broadcast(n):
        side = min(8000, 5000 * n)  # small arguments, whatever comes of them
        return remote(torch.remainder, torch.ones(side, 1), torch.ones(1, side))
    check("a broadcast", broadcast)
    check("mm", lambda n: remote(torch.mm, torch.ones(1000 + 400 * n, 1000 + 400 * n), torch.ones(1000 + 400 * n, 1000 + 400 * n)))
    check("arange", lambda n: remote(torch.arange, 60_000_000 * n))
    kept.clear()
rpc.shutdown()
""",
    )


def test_a_small_call_does_not_wait_until_the_code_of_a_large_script_is_read():
    lines = "\n".join(f"    x = x * {i} + {i}.5" for i in range(2500))
    with Cluster(
        2,
        f"""
@torch.jit.script
def large(x: Tensor) -> Tensor:
{lines}
    return x
rpc.init_rpc(NAME)
if RANK == 0:
    work = rpc.rpc_async("worker1", large, args=(torch.ones(2),))
    t = time.perf_counter()
    rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1))
    behind = time.perf_counter() - t
    work.wait()
    whole = time.perf_counter() - t
    print("TIMES", behind, whole)
rpc.shutdown()
""",
    ) as cluster:
        results = cluster.finish()
    assert [code for code, _, _ in results] == [0, 0], results
    behind, whole = map(float, results[0][1].split("TIMES")[1].split())
    assert behind < whole / 3, (behind, whole)


def test_a_script_that_prints_into_a_full_pipe_stops_nobody_else():
    program = """
    @torch.jit.script
    def chatter(n: int) -> int:
        for i in range(n):
            print("a line that is long enough for a pipe to be full of, sooner or later, as nobody reads it", i)
        return n
    rpc.init_rpc(NAME)
    if RANK == 0:
        work = rpc.rpc_async("worker1", chatter, args=(5000,))
        for _ in range(200):
            rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1))
        assert not work.done()
        print("answered", flush=True)
        assert work.wait() == 5000
    rpc.shutdown()
    """
    with Cluster(2, program) as cluster:
        cluster.wait_for(0, "answered")
        out, err = cluster.processes[1].communicate(timeout=60)  # now somebody reads
        code, _, errors = cluster.finish()[0]
    assert code == 0 and cluster.processes[1].returncode == 0, (errors, err)
    assert out.count("a line that is long") == 5000
