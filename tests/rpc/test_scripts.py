"""Scripts that hold references: a wait in them suspends them, whoever runs them."""
import os
import tempfile

from cluster import run

SCRIPTS = """
from typing import List, Tuple
import os

@torch.jit.script
def here(r: rpc.RRef[Tensor]) -> Tensor:
    return r.to_here(20.0)

@torch.jit.script
def made_and_fetched(to: str, x: Tensor) -> Tensor:
    return rpc.remote(to, torch.add, args=(x, 1)).to_here()

@torch.jit.script
def local(r: rpc.RRef[Tensor]) -> Tensor:
    return r.local_value()

def slow_ones(seconds):
    time.sleep(seconds)
    return torch.ones(2)
"""


def _fresh_path():
    return os.path.join(tempfile.mkdtemp(), "done")


def test_a_script_that_another_worker_runs_waits_for_a_reference():
    run(
        3,
        SCRIPTS
        + """
rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
done = rpc.RRef("told")
if RANK == 0:
    mine = rpc.RRef(torch.ones(2))
    third = rpc.remote("worker2", torch.add, args=(torch.ones(2), 1))
    for _ in range(20):  # worker1's main thread is in no wait of tine's: nobody but its reader reads
        assert rpc.rpc_sync("worker1", here, args=(mine,), timeout=20).tolist() == [1, 1]
        assert rpc.rpc_sync("worker1", here, args=(third,), timeout=20).tolist() == [2, 2]
        assert rpc.rpc_sync("worker1", made_and_fetched, args=("worker0", torch.ones(1)), timeout=20).tolist() == [2]
    many = [rpc.rpc_async("worker1", here, args=(mine,), timeout=20) for _ in range(200)]
    assert all(f.wait().tolist() == [1, 1] for f in many)
    assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1), timeout=20).tolist() == [2, 2]
    open(os.environ["DONE"], "w").close()
else:
    while not os.path.exists(os.environ["DONE"]):
        time.sleep(0.02)
rpc.shutdown()
""",
        env={"DONE": _fresh_path()},
    )


def test_a_timeout_that_is_no_number_and_an_unknown_worker_read_the_same_from_a_script_and_from_python():
    run(
        2,
        """
        @torch.jit.script
        def asked(to: str, x: Tensor, timeout: float) -> Tensor:
            return torch.jit.wait(rpc.rpc_async(to, torch.add, args=(x, 1), timeout=timeout))

        @torch.jit.script
        def placed(to: str, x: Tensor, timeout: float) -> Tensor:
            return rpc.remote(to, torch.add, args=(x, 1), timeout=timeout).to_here()

        @torch.jit.script
        def fetched(to: str, x: Tensor, timeout: float) -> Tensor:
            return rpc.remote(to, torch.add, args=(x, 1)).to_here(timeout)

        def text(call):
            try:
                call()
            except ValueError as error:
                return str(error)
            raise AssertionError("no error")

        x, nan = torch.ones(2), float("nan")
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to, timeout, words in (("worker1", nan, "got nan"), ("nobody", 5.0, "could not find destination")):
                plain = text(lambda: rpc.rpc_sync(to, torch.add, args=(x, 1), timeout=timeout))
                assert words in plain, plain
                for script in (asked, placed) if to == "nobody" else (asked, placed, fetched):
                    assert text(lambda: script(to, x, timeout)) == plain, (script, plain)
            assert asked("worker1", x, 5.0).tolist() == [2, 2]
        rpc.shutdown()
        """,
    )


def test_the_notes_of_an_error_read_the_same_locally_and_remotely():
    run(
        2,
        """
        @torch.jit.script
        def inner(x: int) -> int:
            return 10 // x

        @torch.jit.script
        def outer(x: int) -> int:
            return torch.jit.wait(torch.jit.fork(inner, x))

        def notes(call):
            try:
                call()
            except ZeroDivisionError as error:
                return error.__notes__
            raise AssertionError("no error")

        rpc.init_rpc(NAME)
        if RANK == 0:
            local = notes(lambda: outer(0))
            assert any(n.startswith("in script __main__.inner (") for n in local), local
            assert any(n.startswith("forked from ") for n in local), local
            remote = notes(lambda: rpc.rpc_sync("worker1", outer, args=(0,)))
            assert remote[:-1] == local and remote[-1].startswith("on worker worker1, in __main__.outer ("), (local, remote)
        rpc.shutdown()
        """,
    )


def test_forks_that_wait_for_references_hold_no_threads():
    run(
        2,
        SCRIPTS
        + """
def one(r: rpc.RRef[Tensor]) -> Tensor:
    return r.to_here()

@torch.jit.script
def all_of(rs: List[rpc.RRef[Tensor]]) -> Tensor:
    futures: List[torch.jit.Future[Tensor]] = []
    for r in rs:
        futures.append(torch.jit.fork(one, r))
    total = torch.zeros(2)
    for f in futures:
        total = total + f.wait()
    return total

rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
if RANK == 0:
    refs = [rpc.remote("worker1", slow_ones, args=(1.0,)) for _ in range(100)]
    before = len(os.listdir("/proc/self/task"))
    going = all_of.call_async(refs)
    most = before
    while not going.done():
        most = max(most, len(os.listdir("/proc/self/task")))
        time.sleep(0.02)
    assert going.value().tolist() == [100, 100]
    assert most <= before + 10, (before, most)
rpc.shutdown()
""",
    )


def test_a_timeout_and_a_failed_creation_reach_the_script():
    run(
        2,
        SCRIPTS
        + """
def fails():
    raise KeyError("the callee's")

@torch.jit.script
def hurried(r: rpc.RRef[Tensor]) -> Tensor:
    return r.to_here(0.1)

rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
if RANK == 0:
    slow = rpc.remote("worker1", slow_ones, args=(2.0,))
    try:
        hurried(slow)
        raise SystemExit("expected DeadlineExceeded")
    except torch.DeadlineExceeded:
        pass
    assert here(slow).tolist() == [1, 1]
    try:
        here(rpc.remote("worker1", fails))
        raise SystemExit("expected KeyError")
    except KeyError as error:
        assert "the callee's" in str(error)
rpc.shutdown()
""",
    )


def test_a_reference_in_a_script_has_the_members_of_pytorch():
    run(
        2,
        SCRIPTS
        + """
@torch.jit.script
def facts(r: rpc.RRef[Tensor]) -> Tuple[bool, str, bool, Tuple[str, int]]:
    return r.is_owner(), r.owner_name(), r.confirmed_by_owner(), r.owner()

@torch.jit.script
def at_its_owner(r: rpc.RRef[Tensor], x: Tensor) -> Tensor:
    if r.is_owner():
        return r.local_value() + x
    return rpc.rpc_async(r.owner(), torch.neg, args=(x,)).wait()

rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
if RANK == 0:
    mine = rpc.RRef(torch.ones(2))
    theirs = rpc.remote("worker1", torch.add, args=(torch.ones(2), 1))
    theirs.to_here()
    assert facts(mine) == (True, "worker0", True, ("worker0", 0)), facts(mine)
    assert facts(theirs) == (False, "worker1", True, ("worker1", 1)), facts(theirs)
    assert rpc.rpc_sync("worker1", facts, args=(theirs,)) == (True, "worker1", True, ("worker1", 1))
    assert local(mine).tolist() == [1, 1]
    assert local(rpc.remote("worker0", slow_ones, args=(0.3,))).tolist() == [1, 1]
    assert at_its_owner(mine, torch.ones(2)).tolist() == [2, 2]
    assert at_its_owner(theirs, torch.ones(2)).tolist() == [-1, -1]
    assert rpc.rpc_sync("worker1", at_its_owner, args=(theirs, torch.ones(2))).tolist() == [3, 3]
    try:
        local(theirs)
        raise SystemExit("expected an error")
    except RuntimeError as error:
        assert "worker1" in str(error), error
rpc.shutdown()
""",
    )


def test_a_tensor_default_travels_with_its_function():
    run(
        2,
        """
        rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
        if RANK == 0:
            @torch.jit.script
            def fn(a: Tensor, b: Tensor = torch.tensor([3., 4.]), n: int = 2) -> Tensor:
                return a + b * n
            assert rpc.rpc_sync("worker1", fn, args=(torch.ones(2),)).tolist() == [7, 9]
            assert rpc.rpc_sync("worker1", fn, args=(torch.ones(2), torch.ones(2))).tolist() == [3, 3]
        rpc.shutdown()
        """,
    )


def test_a_module_may_hold_a_reference_whose_type_it_declares():
    run(
        1,
        """
        class Holds(torch.nn.Module):
            net: rpc.RRef[Tensor]
            def __init__(self, net):
                super().__init__()
                self.net = net
            def forward(self, x: Tensor) -> Tensor:
                return self.net.to_here() + x
        class HoldsUnsaid(torch.nn.Module):
            def __init__(self, net):
                super().__init__()
                self.net = net
            def forward(self, x: Tensor) -> Tensor:
                return self.net.to_here() + x
        rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
        net = rpc.remote("worker0", torch.add, args=(torch.ones(2), 1))
        assert torch.jit.script(Holds(net))(torch.ones(2)).tolist() == [3, 3]
        try:
            torch.jit.script(HoldsUnsaid(net))
            raise SystemExit("expected a SyntaxError")
        except torch.SyntaxError as error:
            assert "annotate it in the class, `name: RRef[Tensor]`" in str(error), error
        rpc.shutdown()
        """,
    )


def test_a_traced_lambda_runs_on_another_worker():
    run(
        2,
        """
rpc.init_rpc(NAME, rank=RANK, world_size=WORLD)
if RANK == 0:
    double = torch.jit.trace(lambda x: x * x.size(0), torch.ones(2))
    assert rpc.rpc_sync("worker1", double, args=(torch.ones(3),)).tolist() == [3, 3, 3]
rpc.shutdown()
""",
    )


def test_the_script_of_a_caller_that_has_given_up_is_gone():
    run(
        2,
        """
        import gc
        from tine import _C

        @torch.jit.script
        def computes(n: int) -> int:
            while n >= 0:
                n = (n + 1) % 1000
            return n

        @torch.jit.script
        def waits(n: int) -> int:
            return torch.jit.wait(torch.jit.fork(computes, n))

        @rpc.functions.async_execution
        @torch.jit.script
        def later(n: int) -> torch.jit.Future[int]:
            return torch.jit.fork(waits, n)

        def witness(n: int) -> int:
            return n

        # Code that nobody uses any more goes at a moment when no script runs.
        def nothing_runs(within):
            name = torch.jit.script(witness).qualified_name
            gc.collect()
            end = time.monotonic() + within
            while _C._find_script(name) is not None and time.monotonic() < end:
                time.sleep(0.001)
            return _C._find_script(name) is None

        def something_runs():
            end = time.monotonic() + 60
            while nothing_runs(0) and time.monotonic() < end:
                pass
            return not nothing_runs(0)

        rpc.init_rpc(NAME)
        if RANK == 0:
            for script in computes, waits, later:
                future = rpc.rpc_async("worker1", script, args=(1,), timeout=0)
                assert rpc.rpc_sync("worker1", something_runs)
                future.cancel()
                assert rpc.rpc_sync("worker1", nothing_runs, args=(60,), timeout=0)
                try:
                    rpc.rpc_sync("worker1", script, args=(1,), timeout=0.2)
                    raise AssertionError("it ended")
                except TimeoutError:
                    pass
                assert rpc.rpc_sync("worker1", nothing_runs, args=(60,), timeout=0)
                there = rpc.remote("worker1", script, args=(1,), timeout=0.2)
                try:
                    there.to_here()
                    raise AssertionError("it ended")
                except TimeoutError:
                    pass
                assert rpc.rpc_sync("worker1", nothing_runs, args=(60,), timeout=0)
        rpc.shutdown()
        """,
    )
