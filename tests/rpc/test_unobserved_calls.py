"""An error of a call that nobody looks at is told once, with the line that made the call; all others never."""
import re

from cluster import Cluster

BOTH = """
    import gc, itertools
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
    def fetch(rref):
        try: rref.to_here()
        except RuntimeError as error: return str(error)
    def slow(): time.sleep(0.3)
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


def test_the_error_of_each_kind_of_call_that_is_dropped_at_once_is_told_once_with_its_line():
    lines, _ = told("""
    if RANK == 0:
        seen, made = [], []
        torch.futures.set_unobserved_error_hook(lambda error: seen.append((int(error.__notes__[-1].split("program.py:")[1].split()[0]), str(error))))
        for to in ("worker0", "worker1"):
            box = rpc.remote(to, Box)
            rpc.rpc_async(to, boom, args=(1,)); made.append((place(), "boom 1"))
            rpc.rpc_async(to, torch.add, args=(torch.ones(2), torch.ones(3))); made.append((place(), "(2)"))
            rpc.rpc_async(to, scripted, args=(torch.ones(2),)); made.append((place(), "(2)"))
            box.rpc_async().fails(2); made.append((place(), "boom 2"))
            rpc.remote(to, boom, args=(3,)); made.append((place(), "boom 3"))
            rpc.remote(to, torch.add, args=(torch.ones(2), torch.ones(3))); made.append((place(), "(2)"))
            box.remote().fails(4); made.append((place(), "boom 4"))
            answered()
            until(lambda: len(seen) >= len(made) or rpc.rpc_sync(to, text, args=(1,)) is None)
        assert sorted(line for line, _ in seen) == sorted(line for line, _ in made), (seen, made)
        for line, words in made:
            assert all(words in text for at, text in seen if at == line), (line, words, seen)
        torch.futures.set_unobserved_error_hook(None)
    """)
    assert lines == []


def test_without_a_hook_each_is_a_line_on_stderr():
    lines, places = told("""
    if RANK == 0:
        for to in ("worker0", "worker1"):
            rpc.rpc_async(to, boom, args=("at once " + to,)); print("line", place())
            kept = [rpc.rpc_async(to, boom, args=("kept call " + to,))]; print("line", place())
            until(kept[0].done)
            kept = [rpc.remote(to, boom, args=("kept reference " + to,))]; print("line", place())
            answered()
            kept = []
            gc.collect()
    """)
    assert len(lines) == len(places) == 6, lines
    for place, words in zip(places, (f"boom {what} worker{i}" for i in (0, 1) for what in ("at once", "kept call", "kept reference"))):
        found = [line for line in lines if words in line]
        assert len(found) == 1 and f"program.py:{place}:" in found[0] and found[0].startswith("tine: nobody looked"), (place, words, lines)


def test_an_error_that_somebody_looked_at_passed_on_or_gave_up_is_not_told():
    lines, _ = told("""
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
        assert failed.confirmed_by_owner()
        repr(failed)
        del failed
    """)
    assert len(lines) == 1 and f"program.py:{places[0]}:" in lines[0] and "boom 5" in lines[0], (lines, places)


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


def test_the_error_of_a_stream_that_goes_unread_is_told_once_with_its_line_and_one_that_was_read_is_not():
    lines, _ = told("""
    def breaks():
        yield 1
        raise RuntimeError("no second")
    async def breaks_async():
        yield 1
        raise RuntimeError("no second")
    def opened(to, f):
        items = rpc.stream(to, f); opened.line = place()
        assert next(items) == 1
        return items
    if RANK == 0:
        seen = []
        torch.futures.set_unobserved_error_hook(lambda error: seen.append((str(error), error.__notes__[-1])))
        for to in ("worker0", "worker1"):
            for f in (breaks, breaks_async):
                for goes in (lambda items: None, lambda items: items.close()):
                    # Nothing says when the error has come. A stream that goes before has given its generator up; one that goes
                    # after a call or more has it, unless the callee was slow.
                    def attempt(calls):
                        items = opened(to, f)
                        for _ in range(calls): rpc.rpc_sync(to, text, args=(1,))
                        goes(items)
                        del items
                        rpc.rpc_sync(to, text, args=(1,))
                        return bool(seen)
                    calls = itertools.count(1)
                    until(lambda: attempt(next(calls)))
                    (what, note), = seen
                    assert what == "no second" and f"program.py:{opened.line} " in note, seen
                    seen.clear()
                read = opened(to, f)
                try: next(read)
                except RuntimeError: pass
                else: raise AssertionError
                del read
                gc.collect()
                assert rpc.rpc_sync(to, text, args=(1,)) == "1" and not seen
        torch.futures.set_unobserved_error_hook(None)
    """)
    assert lines == []
