"""What a callee raises: it keeps its type and traceback, never ends the caller, and runs no user code for a check."""
import pytest

from cluster import run

RAISES = """
        def raises(kind, f, *words):
            try:
                f()
            except kind as error:
                text = str(error) + " ".join(getattr(error, "__notes__", []))
                for word in words:
                    assert word in text, (word, text)
                return error
            raise AssertionError(f"no error; expected {kind} with {words}")
        def five(): return 5
"""


def test_a_callee_that_exits_interrupts_or_closes_arrives_as_an_error_that_names_it():
    run(
        2,
        RAISES
        + """
        import asyncio
        class Own(BaseException): pass
        def leaves(kind, *args): raise kind(*args)
        @rpc.functions.async_execution
        def leaves_later(kind, *args):
            return rpc.rpc_async("worker1", five).then(lambda f: leaves(kind, *args))
        paused = []
        @rpc.functions.async_execution
        def pauses():
            paused.append(torch.futures.Future())
            return paused[0]
        def has_paused(): return len(paused) == 1
        def was_cancelled(): return paused[0].cancelled()
        def until(condition):
            end = time.monotonic() + 20
            while not condition():
                assert time.monotonic() < end
                time.sleep(0.002)
        class Box:
            def leave(self): sys.exit(9)
        class LeavesOnArrival:
            def __setstate__(self, state): sys.exit(4)
            def __getstate__(self): return {"a": 1}
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                for kind, args, words in ((SystemExit, (3,), "SystemExit: 3"), (SystemExit, (), "SystemExit"), (KeyboardInterrupt, (), "KeyboardInterrupt"),
                                          (GeneratorExit, (), "GeneratorExit"), (Own, ("x",), "__main__.Own: x"), (asyncio.CancelledError, (), "CancelledError")):
                    for how in (lambda: rpc.rpc_sync(to, leaves, args=(kind, *args)), lambda: rpc.rpc_async(to, leaves, args=(kind, *args)).wait(),
                                lambda: rpc.remote(to, leaves, args=(kind, *args)).to_here()):
                        e = raises(torch.RemoteError, how, words)
                        assert isinstance(e, RuntimeError) and e.remote_args == args and kind.__name__ in e.remote_type, vars(e)
                        assert "in leaves" in str(e.__cause__) or e.__cause__.__traceback__ is not None, e.__cause__
                    assert rpc.rpc_sync(to, five) == 5      # and the callee goes on
                raises(torch.RemoteError, lambda: rpc.remote(to, Box).rpc_sync().leave(), "SystemExit: 9")
                raises(torch.RemoteError, lambda: rpc.rpc_sync(to, sys.exit, args=("words",)), "SystemExit: words")
                raises(torch.RemoteError, lambda: rpc.rpc_sync(to, len, args=(LeavesOnArrival(),)), "SystemExit: 4")
                raises(torch.RemoteError, lambda: rpc.rpc_sync(to, LeavesOnArrival), "SystemExit: 4")
                raises(torch.RemoteError, lambda: rpc.rpc_sync(to, leaves_later, args=(SystemExit, 3)), "SystemExit: 3")
                e = raises(ValueError, lambda: rpc.rpc_sync(to, leaves_later, args=(ValueError, "plain")), "plain")
                # A call that is given up gives its source up, on the own worker as well.
                call = rpc.rpc_async(to, pauses)
                until(lambda: rpc.rpc_sync(to, has_paused))
                assert call.cancel()
                until(lambda: rpc.rpc_sync(to, was_cancelled))
        rpc.shutdown()
        """,
    )


def test_what_an_error_runs_when_it_is_unpickled_runs_at_the_receiver_alone():
    run(
        2,
        RAISES
        + """
        ran = []
        class Trace:
            def __reduce__(self): return note, ()
        def note(): ran.append(RANK); return "noted"
        class HasTrace(Exception): pass
        def raises_trace():
            raise HasTrace("t", Trace())
        def where(): return ran
        class OnlyThere(Exception):
            def __init__(self, *args):
                if RANK == 0: raise OSError("no instance here")
                super().__init__(*args)
        class NoNew(Exception):
            def __new__(cls, *args):
                if RANK == 0: sys.exit(7)
                return super().__new__(cls, *args)
        def raise_it(kind): raise kind("text")
        rpc.init_rpc(NAME)
        if RANK == 0:
            e = raises(HasTrace, lambda: rpc.rpc_sync("worker1", raises_trace))
            assert ran == [0] and rpc.rpc_sync("worker1", where) == [], (ran, rpc.rpc_sync("worker1", where))
            e = raises(OnlyThere, lambda: rpc.rpc_sync("worker1", raise_it, args=(OnlyThere,)), "text")
            # No way to make one here: the text and the traceback remain.
            e = raises(torch.RemoteError, lambda: rpc.rpc_sync("worker1", raise_it, args=(NoNew,)), "NoNew", "text")
            assert "in raise_it" in str(e.__cause__)
        rpc.shutdown()
        """,
    )


def test_broken_exceptions_keep_type_and_traceback():
    run(
        2,
        RAISES
        + """
        class Broken(Exception):
            how = None
            def __str__(self): return self.how() if self.how else super().__str__()
        def fails(): raise RuntimeError("no str")
        class BadStr(Broken): how = staticmethod(fails)
        class ExitStr(Broken): how = staticmethod(lambda: sys.exit(9))
        class KeyboardStr(Broken):
            def __str__(self): raise KeyboardInterrupt
        class NoneStr(Broken):
            def __str__(self): return None
        class BadRepr(Exception):
            def __repr__(self): raise SystemExit
        class BadReduce(Exception):
            def __reduce__(self): raise RuntimeError("no reduce")
        class Locked(Exception):
            def __init__(self, text="locked"):
                super().__init__(text); self.lock = threading.Lock(); self.kept = 1
        class LockedArgs(Exception):
            def __init__(self): super().__init__("with lock", threading.Lock())
        class BadArgs(Exception):
            @property
            def args(self): raise RuntimeError("no args")
        class BadDict(Exception):
            @property
            def __dict__(self): raise RuntimeError("no dict")
        class Meta(type):
            def __getattribute__(cls, name):
                if name in ("__qualname__", "__module__", "__name__"): raise RuntimeError("meta")
                return super().__getattribute__(name)
        class BadMeta(Exception, metaclass=Meta): pass
        def raise_it(kind, *args): raise kind(*args)
        def raise_meta(): raise BadMeta("m")
        def raise_with_notes(notes):
            error = ValueError("noted"); error.__notes__ = notes; raise error
        def open_it(): open("/nonexistent/file")
        rpc.init_rpc(NAME)
        if RANK == 0:
            for kind in (BadStr, ExitStr, KeyboardStr, NoneStr, BadRepr, BadReduce, BadArgs, BadDict):
                e = None
                try: rpc.rpc_sync("worker1", raise_it, args=(kind, "text"))
                except kind as error: e = error
                assert e is not None and "in raise_it" in str(e.__cause__), kind
                assert rpc.rpc_sync("worker1", five) == 5
            for kind in (Locked, LockedArgs):
                e = raises(kind, lambda: rpc.rpc_sync("worker1", raise_it, args=(kind,)), "lock")
            e = raises(BadMeta, lambda: rpc.rpc_sync("worker1", raise_meta), "m")
            assert "in raise_meta" in str(e.__cause__) and e.args == ("m",)
            for text in ("bad \\ud800 surrogate", "\\udcff", "nul \\0", "\\U0001F600"):
                e = raises(ValueError, lambda: rpc.rpc_sync("worker1", raise_it, args=(ValueError, text)))
                assert e.args == (text,) and "in raise_it" in str(e.__cause__), e.args
            e = raises(KeyError, lambda: rpc.rpc_sync("worker1", raise_it, args=(KeyError, "\\ud800")))
            assert e.args == ("\\ud800",)
            for notes in (5, "text", None, [1, "kept", "\\ud800"], ("a",)):
                e = raises(ValueError, lambda: rpc.rpc_sync("worker1", raise_with_notes, args=(notes,)), "noted")
                assert "in raise_with_notes" in str(e.__cause__) and any(n.startswith("on worker worker1, in ") for n in e.__notes__)
                assert ("kept" in e.__notes__) == (type(notes) is list)
            # Python's own state is no state of a user's.
            e = raises(FileNotFoundError, lambda: rpc.rpc_sync("worker1", open_it))
            assert e.errno == 2 and e.filename == "/nonexistent/file"
            huge = raises(ValueError, lambda: rpc.rpc_sync("worker1", raise_it, args=(ValueError, "x" * 200000)))
            assert huge.args == ("x" * 200000,)
        rpc.shutdown()
        """,
    )


def test_what_cannot_be_sent_names_whose_result_it_was():
    run(
        2,
        RAISES
        + """
        def stream(): yield 1
        def reads(): return [open("/dev/null")]
        def exits():
            class Exits:
                def __reduce__(self): sys.exit(4)
            return Exits()
        def pending(): return torch.futures.Future()
        def pendings(): return {"all": [torch.futures.Future()]}
        def takes(x): pass
        @torch.jit.script
        def scripted(x: Tensor) -> Tensor:
            return x
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                for function, why in ((stream, "generator"), (reads, "TextIOWrapper"), (exits, "SystemExit: 4")):
                    e = raises(TypeError, lambda: rpc.rpc_sync(to, function), "the result of __main__." + function.__name__, why)
                    assert isinstance(e, RuntimeError)
                # A Future alone or inside, as argument or result, of a function, an operator or a script: one type, one text.
                for call in (lambda: rpc.rpc_sync(to, pending), lambda: rpc.rpc_sync(to, pendings), lambda: rpc.remote(to, pending).to_here(),
                             lambda: rpc.rpc_sync(to, takes, args=(torch.futures.Future(),)), lambda: rpc.rpc_sync(to, takes, args=([torch.futures.Future()],))):
                    e = raises(torch.TypeError, call, "Can not pickle torch.futures.Future", "exists in its own process only", "async_execution", "__main__.")
                    assert isinstance(e, RuntimeError)
            assert rpc.rpc_sync("worker1", five) == 5
        rpc.shutdown()
        """,
    )


def test_the_decorator_of_async_functions_names_the_right_order():
    run(
        1,
        RAISES
        + """
        for kind in (classmethod, staticmethod):
            raises(TypeError, lambda: rpc.functions.async_execution(kind(five)), "five", kind.__name__, f"@{kind.__name__} above")
        raises(TypeError, lambda: rpc.functions.async_execution(5), "5")
        e = raises(torch.SyntaxError, lambda: torch.jit.script(rpc.functions.async_execution(five)), "above @torch.jit.script")
        assert isinstance(e, RuntimeError) and isinstance(e, TypeError)
        class Plain: pass
        for thing in (torch.nn.Linear, Plain().__init__, 5):
            e = raises(torch.SyntaxError, lambda: torch.jit.script(thing), "script")
            assert isinstance(e, RuntimeError) and isinstance(e, TypeError)
        """,
    )


@pytest.mark.parametrize("to", ["worker0", "worker1"])
def test_a_timeout_of_remote_ends_the_creation_for_every_reader_of_the_value(to):
    run(
        2,
        RAISES
        + """
        to = os.environ["TO"]
        let_go = threading.Event()
        def slow(): let_go.wait(5); return 1
        def go(): let_go.set()
        rpc.init_rpc(NAME)
        if RANK == 0:
            began = time.monotonic()
            rref = rpc.remote(to, slow, timeout=0.2)
            raises(TimeoutError, lambda: rref.to_here(), "RPC ran for more than")       # waits already when the time is over
            raises(TimeoutError, lambda: rref.to_here(timeout=0), "RPC ran for more than")  # comes later
            assert time.monotonic() - began < 4
            rpc.rpc_sync(to, go)
        rpc.shutdown()
        """,
        env={"TO": to},
    )


def test_an_async_function_may_return_a_future_of_another_library():
    run(
        2,
        RAISES
        + """
        import concurrent.futures
        executor = concurrent.futures.ThreadPoolExecutor(2)
        class Own:
            def __init__(self, outcome): self.outcome = outcome
            def add_done_callback(self, callback): callback(self)
            def result(self): return self.outcome
        @rpc.functions.async_execution
        def later(x): return executor.submit(lambda: x + 1)
        @rpc.functions.async_execution
        def own(x): return Own([x])
        @rpc.functions.async_execution
        def fails(): return executor.submit(lambda: {}["absent"])
        @rpc.functions.async_execution
        def cancelled():
            future = concurrent.futures.Future()
            future.cancel()
            return future
        @rpc.functions.async_execution
        def dropped(): return concurrent.futures.Future()
        @rpc.functions.async_execution
        def none(): return executor
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                assert [f.wait() for f in [rpc.rpc_async(to, later, args=(i,)) for i in range(20)]] == list(range(1, 21))
                assert rpc.rpc_sync(to, own, args=(5,)) == [5] and rpc.remote(to, later, args=(5,)).to_here() == 6
                raises(KeyError, lambda: rpc.rpc_sync(to, fails), "absent")
                raises(torch.Cancelled, lambda: rpc.rpc_sync(to, cancelled))
                raises(RuntimeError, lambda: rpc.rpc_sync(to, dropped), "was dropped before it completed")
                raises(torch.TypeError, lambda: rpc.rpc_sync(to, none), "must return a torch.futures.Future", "none", "ThreadPoolExecutor")
        rpc.shutdown()
        """,
    )
