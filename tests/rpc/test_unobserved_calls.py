"""An error of a call that nobody looks at is told once, with the line that made the call; all others never."""
import re

from cluster import Cluster

BOTH = """
    import gc
    def boom(i): raise RuntimeError(f"boom {i}")
    def text(i): return str(i)
    class Box:
        def fails(self, i): raise RuntimeError(f"boom {i}")
        def value(self): return 1
    @torch.jit.script
    def scripted(x: Tensor) -> Tensor:
        return x + torch.ones(7)
    def place():
        return sys._getframe(1).f_lineno
    def until(condition):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.002)
    def answered():
        until(lambda: rpc.api._C._rpc.debug_info()["calls_pending"] == 0)
    rpc.init_rpc(NAME)
"""


def told(program, size=2):
    """What rank 0 wrote to stderr, line by line; the line numbers that it printed; all ended well."""
    with Cluster(size, BOTH + program + "\n    rpc.shutdown()\n") as cluster:
        results = cluster.finish()
    for rank, (code, out, err) in enumerate(results):
        assert code == 0, (rank, code, out, err)
        assert rank == 0 or not err, err
    return results[0][2].splitlines(), [int(n) for n in re.findall(r"line (\d+)", results[0][1])]


def check(lines, places, words):
    """Each call of `places` has its one line, and there is no other."""
    assert len(lines) == len(places) == len(words), (lines, places)
    for place, word in zip(places, words):
        found = [line for line in lines if f"program.py:{place}:" in line]
        assert len(found) == 1 and word in found[0] and found[0].startswith("tine: nobody looked"), (place, word, lines)


def test_the_error_of_each_kind_of_call_that_is_dropped_at_once_is_told_once_with_its_line():
    lines, places = told("""
    if RANK == 0:
        for to in ("worker0", "worker1"):
            box = rpc.remote(to, Box)
            rpc.rpc_async(to, boom, args=(1,)); print("line", place())
            rpc.rpc_async(to, torch.add, args=(torch.ones(2), torch.ones(3))); print("line", place())
            rpc.rpc_async(to, scripted, args=(torch.ones(2),)); print("line", place())
            box.rpc_async().fails(2); print("line", place())
            rpc.remote(to, boom, args=(3,)); print("line", place())
            rpc.remote(to, torch.add, args=(torch.ones(2), torch.ones(3))); print("line", place())
            box.remote().fails(4); print("line", place())
            answered()
            rpc.rpc_sync(to, text, args=(1,))
    """)
    # The loop makes each line's call twice: to itself, and to the other worker.
    half = len(places) // 2
    assert places[:half] == places[half:] and len(lines) == len(places), lines
    words = ["boom 1", "(2)", "(2)", "boom 2", "boom 3", "(2)", "boom 4"]
    for place, word in zip(places[:half], words):
        found = [line for line in lines if f"program.py:{place}:" in line]
        assert len(found) == 2 and all(word in line for line in found), (place, word, lines)


def test_the_error_of_a_call_that_is_kept_until_it_is_done_and_then_dropped_is_told():
    lines, places = told("""
    if RANK == 0:
        for to in ("worker0", "worker1"):
            kept = [rpc.rpc_async(to, boom, args=(1,))]; print("line", place())
            until(kept[0].done)
            kept = [rpc.remote(to, boom, args=(2,))]; print("line", place())
            answered()
            kept = []
            gc.collect()
    """)
    assert len(lines) == len(places) == 4 and sum("boom 1" in line for line in lines) == 2, (lines, places)


def test_an_error_that_somebody_looked_at_passed_on_or_gave_up_is_not_told():
    lines, _ = told("""
    def fetch(rref):
        try: rref.to_here()
        except RuntimeError as error: return str(error)
    def slow(): time.sleep(30)
    if RANK == 0:
        for to in ("worker0", "worker1"):
            for look in (lambda f: f.wait(), lambda f: f.then(lambda g: g.wait()).wait(), lambda f: f.value() if until(f.done) is None else 0,
                         lambda f: torch.futures.collect_all([f]).wait()):
                try: look(rpc.rpc_async(to, boom, args=(1,)))
                except RuntimeError: pass
            rpc.rpc_async(to, boom, args=(1,)).exception()
            try: rpc.rpc_sync(to, boom, args=(1,))
            except RuntimeError: pass
            failed = rpc.remote(to, boom, args=(1,))
            try: failed.to_here()
            except RuntimeError: pass
            failed = rpc.remote(to, boom, args=(1,))
            assert "boom" in rpc.rpc_sync("worker1", fetch, args=(failed,))
            failed = rpc.remote(to, boom, args=(1,))
            try: failed.rpc_sync().value()
            except RuntimeError: pass
            failed = rpc.remote(to, boom, args=(1,))
            failed._get_future().exception()
            rpc.rpc_async(to, slow).cancel()
            del failed
            gc.collect()
        answered()
    """)
    assert lines == []


def test_looking_whether_the_owner_has_confirmed_is_no_look_at_the_error():
    lines, places = told("""
    if RANK == 0:
        failed = rpc.remote("worker1", boom, args=(5,)); print("line", place())
        answered()
        assert not failed.confirmed_by_owner()
        repr(failed)
        del failed
    """)
    check(lines, places, ["boom 5"])


def test_the_error_of_a_call_dropped_at_the_very_end_of_the_program_is_told():
    with Cluster(2, BOTH + """
    if RANK == 0:
        rpc.rpc_async("worker1", boom, args=(6,))
        answered()
    rpc.shutdown()
    """) as cluster:
        results = cluster.finish()
    assert [r[0] for r in results] == [0, 0] and "boom 6" in results[0][2], results


def test_calls_that_a_shutdown_gives_up_are_no_news():
    with Cluster(1, BOTH + """
    begun = threading.Event()
    def slow(): begun.set(); time.sleep(0.5)
    dropped = [rpc.rpc_async("worker0", slow), rpc.remote("worker0", slow)]
    del dropped
    kept = [rpc.rpc_async("worker0", slow), rpc.remote("worker0", slow)]
    begun.wait()
    rpc.shutdown(graceful=False)
    del kept
    gc.collect()
    """) as cluster:
        results = cluster.finish()
    assert results[0][0] == 0 and results[0][2] == "", results


def test_the_hook_gets_the_exception_of_a_call_with_the_place_as_a_note():
    lines, _ = told("""
    if RANK == 0:
        seen = []
        torch.futures.set_unobserved_error_hook(seen.append)
        here = place() + 1
        rpc.rpc_async("worker1", boom, args=(7,))
        answered()
        until(lambda: seen or rpc.rpc_sync("worker1", text, args=(1,)) is None)
        torch.futures.set_unobserved_error_hook(None)
        assert len(seen) == 1 and str(seen[0]) == "boom 7" and f"program.py:{here} " in seen[0].__notes__[-1], seen[0].__notes__
    """)
    assert lines == []
