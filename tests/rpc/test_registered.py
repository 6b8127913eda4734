"""rpc.register, and workers that run registered functions alone."""
import pytest
from cluster import run

import tine
from tine.distributed import rpc

PROGRAM = """
@rpc.register
def scale(x, by=2.0):
    return x * by

@rpc.register("sum of all")
def total(numbers, more=()):
    return {"sum": sum(numbers), "more": list(more)}

@rpc.register
@rpc.functions.async_execution
def later(x):
    return rpc.rpc_async("worker0", torch.add, args=(x, 1))

@rpc.register
def fails(text):
    raise KeyError(text)

class Ours(Exception):
    pass

class Thing:
    unpickled = False
    def __reduce__(self):
        return _make, ()

def _make():
    Thing.unpickled = True
    return Thing()

@rpc.register
def thing():
    return Thing()

@rpc.register
def fails_strangely():
    raise Ours("as asked")

def plain(x):
    return x

def refused(call):
    try:
        call()
    except PermissionError as error:
        return str(error)
    raise AssertionError("it ran")

# worker1 runs registered functions alone.
rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(allow="registered" if RANK == 1 else "all"))
"""


def test_registered_functions_are_called_by_their_names_and_as_themselves():
    run(
        2,
        PROGRAM
        + """
for to in ("worker0", "worker1"):
    assert rpc.rpc_sync(to, "scale", args=(torch.ones(2),)).tolist() == [2, 2]
    assert rpc.rpc_sync(to, scale, args=(torch.ones(2),), kwargs={"by": 3.0}).tolist() == [3, 3]
    assert rpc.rpc_sync(to, "sum of all", args=([1, 2],), kwargs={"more": (None, "a")}) == {"sum": 3, "more": [None, "a"]}
    assert rpc.rpc_sync(to, later, args=(torch.ones(1),)).item() == 2
    kept = rpc.remote(to, scale, args=(3, 4))
    assert kept.to_here() == 12
    try:
        rpc.rpc_sync(to, "fails", args=("as asked",))
        raise AssertionError
    except KeyError as error:
        # The registered one reads no exception's pickle: the class is the same, the text its args.
        assert error.args == ("as asked",) if RANK == 0 else "as asked" in str(error), error
rpc.shutdown()
""",
    )


def test_a_worker_that_allows_registered_functions_runs_and_reads_nothing_else_of_others():
    run(
        2,
        PROGRAM
        + """
if RANK == 0:
    assert "the operator aten::add" in refused(lambda: rpc.rpc_sync("worker1", torch.add, args=(torch.ones(1), 1)))
    assert "allow=\\"registered\\"" in refused(lambda: rpc.rpc_sync("worker1", plain, args=(1,)))
    assert "allow=\\"registered\\"" in refused(lambda: rpc.remote("worker1", plain, args=(1,)).to_here())
    assert 'registered no function "nosuch"' in refused(lambda: rpc.rpc_sync("worker1", "nosuch"))
    # A registered function with an argument that must be pickled.
    refused(lambda: rpc.rpc_sync("worker1", scale, args=(Thing(),)))
    @torch.jit.script
    def double(y: Tensor) -> Tensor:
        return y * 2
    assert "the script function" in refused(lambda: rpc.rpc_sync("worker1", double, args=(torch.ones(1),)))
    kept = rpc.remote("worker1", scale, args=(torch.ones(2),))
    refused(lambda: kept.rpc_sync().tolist())
    assert not Thing.unpickled
    assert isinstance(rpc.rpc_sync("worker0", thing), Thing)
else:
    # Nor does it unpickle what others answer, or import what their exceptions name.
    assert "is or holds a pickle" in refused(lambda: rpc.rpc_sync("worker0", "thing"))
    assert "is or holds a pickle" in refused(lambda: rpc.remote("worker0", "thing").to_here())
    assert not Thing.unpickled
    try:
        rpc.rpc_sync("worker0", "fails_strangely")
        raise AssertionError
    except Ours:
        raise AssertionError("the class of its exception was looked for")
    except Exception as error:
        assert "__main__.Ours: as asked" in str(error), error
    # It calls others and itself as ever.
    assert rpc.rpc_sync("worker0", torch.add, args=(torch.ones(1), 1)).item() == 2
    assert rpc.rpc_sync("worker1", plain, args=([1],)) == [1]
rpc.shutdown()
""",
    )


def test_a_name_is_that_of_one_function():
    def one():
        pass

    def other():
        pass

    assert rpc.register(one, name="test a name") is one
    assert rpc.register(one, name="test a name") is one
    with pytest.raises(tine.ValueError, match="'test a name' is the name of .*one of the module test_registered already"):
        rpc.register(other, name="test a name")
    again = type(one)(one.__code__, {})
    again.__module__, again.__qualname__ = one.__module__, one.__qualname__
    assert rpc.register(again, name="test a name") is again  # as after a reload
    with pytest.raises(tine.ValueError, match="is an operator"):
        rpc.register(one, name="aten::add")
    with pytest.raises(ValueError, match="has no name of its own"):
        rpc.register(lambda: 1)
    with pytest.raises(TypeError, match="expected a function, got 3"):
        rpc.register(3)
    with pytest.raises(TypeError, match="two names were given"):
        rpc.register("a", name="b")
    with pytest.raises(TypeError, match="name: expected a str, got 3"):
        rpc.register(one, name=3)


@pytest.mark.parametrize("allow", ["none", "", None, True])
def test_allow_is_one_of_two_words(allow):
    with pytest.raises(ValueError, match='allow: expected "all" or "registered"'):
        rpc.RpcBackendOptions(allow=allow)


WAYS = """
import asyncio
def same(x, y): return x is y
def count(xs): return len(xs), type(xs).__name__
def fail(x): raise KeyError(x)
def hang(): time.sleep(0.3)
@rpc.functions.async_execution
def later(x): return rpc.rpc_async(rpc.get_worker_info(), torch.add, args=(x, 1))
def numbers(n): yield from range(n)
MINE = {f.__name__: f for f in (same, count, fail, hang, later, numbers)}
def twin(f):
    made = type(f)(f.__code__, globals(), f.__name__, f.__defaults__, f.__closure__)
    made.__dict__.update(f.__dict__)
    made.__qualname__ = f"registered_{f.__name__}"
    globals()[made.__qualname__] = rpc.register(made, name=f"the {f.__name__}")
    return made
TWINS = {name: twin(f) for name, f in MINE.items()}
rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(allow="registered" if RANK == 2 else "all"))
def outcome(name, call):
    try:
        return call()
    except Exception as error:
        assert name is None or name in "".join([str(error), *getattr(error, "__notes__", ())]), (name, error)
        return type(error), error.args if type(error) is KeyError else None
"""


def test_a_call_by_a_function_itself_means_the_same_whether_it_is_registered_or_not():
    run(
        3,
        WAYS
        + """
def refused_by_two(f):
    try:
        rpc.rpc_sync("worker2", f, args=((1,),))
    except PermissionError as error:
        return str(error)
if RANK == 0:
    x = [1, 2]
    calls = {
        "same": ((x, x), (x, [1, 2]), ("a" * 100, "a" * 100)),
        "count": ((list(range(5000)),), ((1, 2),), ({1, 2},), (b"abc",)),
        "fail": (("a key",),),
        "hang": ((),),
        "later": ((torch.ones(1),),),
    }
    for to in ("worker0", "worker1"):
        for name, argument_lists in calls.items():
            for args in argument_lists:
                found = []
                for f in (MINE[name], TWINS[name]):
                    timeout = 0.05 if name == "hang" else 60
                    full = None if to == NAME else f"__main__.{f.__qualname__}"  # a call to oneself leaves no note
                    found.append(outcome(full, lambda: rpc.rpc_sync(to, f, args=args, timeout=timeout)))
                    found.append(outcome(None, lambda: rpc.remote(to, f, args=args).to_here(timeout) if name != "hang" else found[0]))
                assert all(x == found[0] for x in found), (to, name, args, found)
        assert rpc.rpc_sync(to, TWINS["same"], args=(x, x)) is True
        for f in (MINE["numbers"], TWINS["numbers"]):
            assert list(rpc.stream(to, f, args=(50,))) == list(range(50))
    # One that runs registered functions alone is called by the name.
    assert rpc.rpc_sync("worker2", TWINS["count"], args=(list(range(5000)),)) == (5000, "list")
    assert rpc.rpc_sync("worker2", TWINS["later"], args=(torch.ones(1),)).item() == 2
    assert rpc.remote("worker2", TWINS["count"], args=((1,),)).to_here() == (1, "tuple")
    assert list(rpc.stream("worker2", TWINS["numbers"], args=(50,))) == list(range(50))
    for name in ("count", "numbers"):
        assert "the function __main__." in refused_by_two(MINE[name])
rpc.shutdown()
""",
    )


# worker1 reads no pickle.
THINGS = """
class Thing:
    unpickled = False
    def __setstate__(self, state): Thing.unpickled = True
def refused(call):
    try:
        call()
    except PermissionError as error:
        return str(error)
    raise AssertionError("it was read")
"""

RESULTS = """
import asyncio
@rpc.register
async def spelled(n):
    await asyncio.sleep(0)
    return {"list": ["a"] * n, "tuple": (n, None, torch.ones(2)), "n": [[1.5], {"b": True}]}
@rpc.register
@rpc.functions.async_execution
def promised(n):
    return rpc.rpc_async("worker0", torch.add, args=(torch.ones(1), n)).then(lambda done: [done.value(), (n, "b")])
@rpc.register
def at_once(n):
    return [n, {"a": (n,)}]
@rpc.register
async def thing():
    return Thing()
rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(allow="registered" if RANK == 1 else "all"))
def check(x):
    assert (x["list"], x["tuple"][:2], x["n"]) == (["a"] * 3, (3, None), [[1.5], {"b": True}]), x
    assert x["tuple"][2].tolist() == [1, 1]
"""


def test_results_of_coroutines_and_futures_of_registered_functions_are_read_by_a_worker_that_reads_no_pickle():
    run(
        2,
        THINGS
        + RESULTS
        + """
for to in ("worker0", "worker1"):
    check(rpc.rpc_sync(to, "spelled", args=(3,)))
    check(rpc.remote(to, "spelled", args=(3,)).to_here())
    for got in (rpc.rpc_sync(to, "promised", args=(2,)), rpc.remote(to, "promised", args=(2,)).to_here()):
        assert got[0].item() == 3 and got[1:] == [(2, "b")], got
    for got in (rpc.rpc_sync(to, "at_once", args=(2,)), rpc.remote(to, "at_once", args=(2,)).to_here()):
        assert got == [2, {"a": (2,)}], got
if RANK == 1:
    for call in (lambda: rpc.rpc_sync("worker0", "thing"), lambda: rpc.remote("worker0", "thing").to_here()):
        assert "is or holds a pickle" in refused(call)
    assert not Thing.unpickled
rpc.shutdown()
""",
    )


STREAMS = """
STATE = {"closed": 0}
@rpc.register
def rows(n):
    try:
        for i in range(n):
            yield {"row": [i, (i, None)], "x": torch.full((2,), float(i))}
    finally:
        STATE["closed"] += 1
@rpc.register
async def rows_async(n):
    try:
        for i in range(n):
            yield [i, "a"]
    finally:
        STATE["closed"] += 1
@rpc.register
def closed(): return STATE["closed"]
@rpc.register
def things():
    yield 1
    yield Thing()
def plain(n):
    yield from ([i] for i in range(n))
rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(allow="registered" if RANK == 1 else "all"))
other = f"worker{1 - RANK}"
"""


def test_streams_at_and_from_a_worker_that_runs_registered_functions_alone():
    run(
        2,
        THINGS
        + STREAMS
        + """
for f in ("rows", rows):
    items = list(rpc.stream(other, f, args=(30,)))
    assert [x["row"] for x in items] == [[i, (i, None)] for i in range(30)]
    assert [x["x"].tolist() for x in items] == [[i, i] for i in range(30)]
for f in ("rows_async", rows_async):
    assert list(rpc.stream(other, f, args=(30,))) == [[i, "a"] for i in range(30)]
if RANK == 0:
    for call in (lambda: next(rpc.stream(other, plain, args=(3,))), lambda: next(rpc.stream(other, "builtins:range", args=(3,)))):
        assert 'allow="registered"' in refused(call)
    # Closed where it runs, also by a reader that has not read it.
    before = rpc.rpc_sync(other, "closed")
    for f in (rows, rows_async):
        items = rpc.stream(other, f, args=(1000,), credit=2)
        next(items)
        items.close()
    end = time.monotonic() + 30
    while rpc.rpc_sync(other, "closed") < before + 2:
        assert time.monotonic() < end
        time.sleep(0.005)
else:
    # It may read what another worker makes without a name, as long as that is not a pickle.
    assert list(rpc.stream(other, plain, args=(3,))) == [[0], [1], [2]]
    items = rpc.stream(other, "things", credit=1)  # an answer that holds a pickle is refused with all items in it
    assert next(items) == 1
    assert "is or holds a pickle" in refused(lambda: next(items))
    assert not Thing.unpickled and list(items) == []
rpc.shutdown()
""",
    )
