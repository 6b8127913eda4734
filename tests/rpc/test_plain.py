"""Calls of Python functions with plain arguments: no pickle is made, and nobody can tell."""
from cluster import PREAMBLE, Cluster, run

# Calls that must do without a pickle run between the two.
NO_PICKLES = PREAMBLE + """
from tine.distributed.rpc import _pickling
class no_pickles:
    def __enter__(self):
        self.known = _pickling.call_to_pickle
        def refuse(*given): raise SystemExit(f"a pickle was made of {given}")
        _pickling.call_to_pickle = refuse
    def __exit__(self, *error): _pickling.call_to_pickle = self.known
"""


def test_plain_arguments_and_results_travel_without_a_pickle_and_arrive_as_they_were():
    run(
        2,
        """
        import math, struct
        def echo(*args, **kwargs): return args[0] if args else kwargs
        def shape(x): return [type(x).__name__, repr(x)]
        rpc.init_rpc(NAME)
        if RANK == 0:
            plain = [None, True, False, 0, -1, 2**63 - 1, -2**63, 1.5, -0.0, math.inf, "", "text", "a\\0b", "ü" * 1000, b"", b"a\\0b",
                     [], (), {}, [1, 2.5, "x", None, True, b"y"], (1, "a"), {"b": 1, "a": [].__len__() + 2.5, 7: "x"}, [True, 1, 1.0]]
            with no_pickles():
                for to in ("worker0", "worker1"):
                    for x in plain:
                        got = rpc.rpc_sync(to, echo, args=(x,))
                        assert got == x and type(got) is type(x), (got, x)
                        assert repr(got) == repr(x), (got, x)
                        assert rpc.rpc_sync(to, shape, args=(x,)) == [type(x).__name__, repr(x)]
                        assert rpc.rpc_sync(to, echo, kwargs={"x": x}) == {"x": x} if not isinstance(x, (list, tuple, dict)) else True
                        assert rpc.remote(to, echo, args=(x,)).to_here() == x
                    assert math.copysign(1, rpc.rpc_sync(to, echo, args=(-0.0,))) == -1
                    nan = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000001234))[0]
                    got = rpc.rpc_sync(to, echo, args=([nan],))[0]
                    assert struct.pack("<d", got) == struct.pack("<d", nan)
                    t = torch.rand(3)
                    assert torch.equal(rpc.rpc_sync(to, echo, args=([t, 1],))[0], t)
                    assert list(rpc.rpc_sync(to, echo, args=({"b": 1, "a": 2, 3: 4},))) == ["b", "a", 3]
                    r = rpc.RRef(5)
                    assert rpc.rpc_sync(to, echo, args=(r,)) == r and rpc.rpc_sync(to, echo, args=([r],))[0].to_here() == 5
        rpc.shutdown()
        """,
        preamble=NO_PICKLES,
    )


def test_what_is_not_plain_is_pickled_and_arrives_as_it_was():
    run(
        2,
        """
        import enum
        class Number(int): pass
        class Text(str): pass
        class Colour(enum.IntEnum): red = 1
        class Pair(tuple): pass
        class Table(dict): pass
        def echo(x): return x
        def same(*xs): return [x is xs[0] for x in xs]
        rpc.init_rpc(NAME)
        if RANK == 0:
            deep = [[1, [2]], {"a": {"b": (3,)}}]
            for x in (2**63, -2**63 - 1, 10**30, "\\ud800", Number(3), Text("x"), Colour.red, Pair((1, 2)), Table(a=1), {1, 2}, deep,
                      {True: 1}, {2.5: 1}, {None: 1}, {(1, 2): 3}, {"\\udc00": 1}, "x" * 100000, list(range(2000)), 1j, range(3), ...):
                for to in ("worker0", "worker1"):
                    got = rpc.rpc_sync(to, echo, args=(x,))
                    assert got == x and type(got) is type(x), (got, x)
                    assert repr(got) == repr(x)
        rpc.shutdown()
        """,
    )


def test_an_object_that_comes_twice_is_one_object_at_the_callee():
    run(
        2,
        """
        def same(a, b, c=None): return [a is b, a is c]
        def inside(pair, a): return pair[0] is a
        def write(a, b):
            a.append(1)
            return len(b)
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                for x in ([1], {"a": 1}, torch.ones(2), torch.ones(2000), rpc.RRef(1), b"bytes"):
                    assert rpc.rpc_sync(to, same, args=(x, x)) == [True, False]
                    assert rpc.rpc_sync(to, same, args=(x, 1), kwargs={"c": x}) == [False, True]
                    assert rpc.rpc_sync(to, inside, args=((x, 1), x)) is True
                    assert rpc.rpc_sync(to, inside, args=([x, 1], x)) is True
                x = []
                assert rpc.rpc_sync(to, write, args=(x, x)) == 1 and x == []
                assert rpc.rpc_sync(to, write, args=([], [])) == 0
        rpc.shutdown()
        """,
    )


def test_containers_are_copied_also_in_a_call_to_oneself_and_a_result_is_one_object():
    run(
        1,
        """
        kept = []
        def keep(x):
            kept.append(x)
            x.append(7)
            return x
        rpc.init_rpc(NAME)
        given = [1]
        future = rpc.rpc_async("worker0", keep, args=(given,))
        result = future.wait()
        assert given == [1] and kept == [[1, 7]] and result == [1, 7]
        assert result is not kept[0] and future.wait() is result and future.value() is result
        result.append(8)
        assert future.wait() == [1, 7, 8] and kept == [[1, 7]]
        rpc.shutdown()
        """,
    )


def test_the_function_is_looked_up_anew_in_each_call():
    run(
        2,
        """
        import types
        module = types.ModuleType("some_module")
        sys.modules["some_module"] = module
        exec("def f(x): return x + 1\\nclass C:\\n  @staticmethod\\n  def g(x): return x * 2\\n  class D:\\n    def __init__(self, n): self.n = n", module.__dict__)
        def change(): exec("def f(x): return x + 100", sys.modules["some_module"].__dict__)
        def forget(): del sys.modules["some_module"].f
        def drop(): del sys.modules["some_module"]
        rpc.init_rpc(NAME)
        if RANK == 0:
            f = module.f
            with no_pickles():
                assert rpc.rpc_sync("worker1", f, args=(1,)) == 2
                assert rpc.rpc_sync("worker1", module.C.g, args=(4,)) == 8
                assert rpc.remote("worker1", module.C.D, args=(4,)).owner().id == 1
                rpc.rpc_sync("worker1", change)
                assert rpc.rpc_sync("worker1", f, args=(1,)) == 101
                rpc.rpc_sync("worker1", forget)
                try: rpc.rpc_sync("worker1", f, args=(1,))
                except AttributeError as error: assert "Can't get attribute 'f' on <module 'some_module'>" in str(error) and "does not serialize function code" in str(error), error
                else: raise SystemExit("found")
                rpc.rpc_sync("worker1", drop)
                try: rpc.rpc_sync("worker1", f, args=(1,))
                except ImportError as error: assert "some" in str(error) and "does not serialize function code" in str(error), error
                else: raise SystemExit("found")
            # The caller's own name of it, too.
            module.f = len
            try: rpc.rpc_sync("worker1", f, args=(1,))
            except Exception as error: assert "not the same object" in str(error), error
            else: raise SystemExit("sent")
            module.f = f
            assert rpc.rpc_sync("worker0", f, args=(1,)) == 2
        rpc.shutdown()
        """,
        preamble=NO_PICKLES,
    )


def test_a_module_that_the_callee_has_not_imported_is_imported():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            import textwrap
            assert rpc.rpc_sync("worker1", textwrap.dedent, args=("  a",)) == "a"
        rpc.shutdown()
        """,
    )


def test_methods_of_an_rref_are_called_without_a_pickle():
    run(
        2,
        """
        class Counter:
            def __init__(self, n=0): self.n = n
            def add(self, k, *, times=1):
                self.n += k * times
                return self.n
            def __len__(self): return self.n
            def fail(self): raise KeyError("inside")
        rpc.init_rpc(NAME)
        if RANK == 0:
            with no_pickles():
                for to in ("worker0", "worker1"):
                    c = rpc.remote(to, Counter, args=(1,))
                    assert c.rpc_sync().add(2, times=3) == 7
                    assert c.rpc_async().add(1).wait() == 8
                    assert c.remote().add(1).to_here() == 9
                    assert c.rpc_sync().__len__() == 9
                    try: c.rpc_sync().fail()
                    except KeyError as error: assert error.args == ("inside",)
                    else: raise SystemExit("no error")
                    try: c.rpc_sync().nothing()
                    except AttributeError as error: assert "its methods are add, fail" in str(error), error
                    else: raise SystemExit("no error")
        rpc.shutdown()
        """,
        preamble=NO_PICKLES,
    )


def test_what_ends_a_program_is_an_error_at_the_caller_alone():
    run(
        2,
        """
        def leave(): raise SystemExit(3)
        def interrupt(): raise KeyboardInterrupt()
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                for f, name in ((leave, "SystemExit"), (interrupt, "KeyboardInterrupt")):
                    try: rpc.rpc_sync(to, f)
                    except torch.RemoteError as error: assert error.remote_type == name and type(error.__cause__).__name__ in ("RemoteTraceback", name), error
                    else: raise SystemExit("no error")
        rpc.shutdown()
        """,
    )


def test_a_pickle_that_does_not_hold_the_arguments_of_a_call_by_name_is_refused():
    # What no worker of tine sends: the core's own requests carry it.
    with Cluster(
        2,
        """
        import os, pickle
        from tine import _C
        rpc.init_rpc(NAME)
        if RANK == 0:
            for wrong in (5, (1, 2), ((1,), 2), ([1], {}), ((1,), {}, 3), (1,)):
                call = _C._rpc.call_python("worker1", os.path.basename, pickle.dumps(wrong), [], 20.0, None)
                try: call.wait()
                except ValueError as error: assert "is not a tuple and a dict of arguments" in str(error), error
                else: raise SystemExit(wrong)
            assert _C._rpc.call_python("worker1", os.path.basename, pickle.dumps((("a/b",), {})), [], 20.0, None).wait() == "b"
            try: _C._rpc.call_python("worker1", lambda: 1, pickle.dumps(((7,), {})), [], 20.0, None)
            except ValueError: pass
            else: raise SystemExit("a lambda went by its name")
        rpc.shutdown()
        """,
    ) as cluster:
        for code, out, err in cluster.finish():
            assert code == 0, err


def test_a_name_that_is_no_name_is_refused():
    # What no worker of tine sends: the core's own requests carry it.
    with Cluster(
        2,
        """
        import sys
        sys.modules["cloudpickle"] = None  # else the function travels by its code
        from tine import _C
        rpc.init_rpc(NAME)
        if RANK == 0:
            def f(): return 1
            f.__module__, f.__qualname__ = "no.such.module", "f"
            for module, name in (("os", "no_such"), ("", "f"), ("os", ""), ("<x>", "f"), ("os", "path.<locals>.f"), (5, "f"), ("os", "\\ud800")):
                try:
                    f.__module__, f.__qualname__ = module, name
                    rpc.rpc_sync("worker1", f)
                except Exception as error: print(type(error).__name__, flush=True)
                else: raise SystemExit((module, name))
        rpc.shutdown()
        """,
    ) as cluster:
        for code, out, err in cluster.finish():
            assert code == 0, err
