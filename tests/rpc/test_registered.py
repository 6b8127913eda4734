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
