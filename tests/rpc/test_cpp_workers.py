"""Python and C++ programs as workers of one world: tests/rpc/cpp_worker.cpp is rank 1, a Python program is rank 0."""
import os
import pathlib
import subprocess

from cluster import Cluster, free_port

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev")


def run_beside_cpp(program):
    """Runs the program as rank 0 beside the C++ worker."""
    world = {"WORLD_SIZE": "2", "MASTER_PORT": str(free_port())}
    with Cluster(1, program, env=world) as cluster:
        env = dict(os.environ, **world, RANK="1", MASTER_ADDR="127.0.0.1", TINE_AUTH_KEY="a secret of the tests")
        other = subprocess.Popen(
            [str(BUILD / "tests" / "cpp_worker")], env=env, stdin=subprocess.DEVNULL
        )
        try:
            [(code, out, err)] = cluster.finish()
            assert code == 0, f"{out}\n{err}"
            assert other.wait(timeout=30) == 0
        finally:
            if other.poll() is None:
                other.kill()
                other.wait()


def test_python_calls_what_a_cpp_worker_serves_by_its_name():
    run_beside_cpp(
        """
rpc.init_rpc(NAME)
assert rpc.get_worker_info("cpp").id == 1
x = torch.ones(2)
assert rpc.rpc_sync("cpp", "scale", args=(x, 3.0)).tolist() == [3, 3]
assert rpc.rpc_async("cpp", "later", args=(12,)).wait() == 144
assert rpc.rpc_sync("cpp", "describe", kwargs={"a": 1, "b": "c"}) == "worker0 a=1 b='c'"
kept = rpc.remote("cpp", "scale", args=(x, 2.0))
assert kept.owner().name == "cpp" and kept.to_here().tolist() == [2, 2]
# Operators and scripts, by their names and as themselves.
assert rpc.rpc_sync("cpp", "aten::add", args=(x, x), kwargs={"alpha": 2}).tolist() == [3, 3]
assert rpc.rpc_sync("cpp", torch.add, args=(x, x)).tolist() == [2, 2]
@torch.jit.script
def double(y: Tensor) -> Tensor:
    return y * 2
assert rpc.rpc_sync("cpp", double, args=(x,)).tolist() == [2, 2]
assert rpc.rpc_sync("cpp", double.qualified_name, args=(x,)).tolist() == [2, 2]
rpc.shutdown()
"""
    )


def test_scripts_call_what_a_cpp_worker_serves_and_other_scripts_there():
    run_beside_cpp(
        """
from typing import Dict
@torch.jit.script
def double(y: Tensor, times: Tensor = torch.tensor([2.0])) -> Tensor:
    return y * times
@torch.jit.script
def calls(x: Tensor, kwargs: Dict[str, Tensor]) -> Tensor:
    y: Tensor = rpc.rpc_sync("cpp", "scale", (x, 3.0))
    n: int = rpc.rpc_sync("cpp", "later", (12,))
    text: str = rpc.rpc_sync("cpp", "describe", kwargs={"a": n, "b": "c"})
    assert text == "worker0 a=144 b='c'"
    return rpc.rpc_async("cpp", double, (y,), kwargs).wait()
rpc.init_rpc(NAME)
assert calls(torch.ones(2), {}).tolist() == [6, 6]
assert calls(torch.ones(2), {"times": torch.ones(2)}).tolist() == [3, 3]
rpc.shutdown()
"""
    )


def test_references_go_both_ways():
    run_beside_cpp(
        """
rpc.init_rpc(NAME)
mine = rpc.RRef(torch.ones(3))
assert rpc.rpc_sync("cpp", "total", args=(mine,)).item() == 3
theirs = rpc.remote("cpp", "scale", args=(torch.ones(3), 2.0))
assert rpc.rpc_sync("cpp", "total", args=(theirs,)).item() == 6
rpc.shutdown()
"""
    )


def test_a_cpp_worker_calls_operators_and_scripts_of_python_and_keeps_values_there():
    run_beside_cpp(
        """
@torch.jit.script
def triple(x: Tensor) -> Tensor:
    return x * 3
rpc.init_rpc(NAME)
result, there = rpc.rpc_sync("cpp", "ask back", args=(torch.ones(2),))
assert result.tolist() == [4, 4]
assert there.is_owner() and there.local_value().tolist() == [2, 2]
# A name that C++ does not know: a script function of this worker.
assert rpc.rpc_sync("cpp", "call by name", args=(triple.qualified_name, torch.ones(2))).tolist() == [3, 3]
try:
    rpc.rpc_sync("cpp", "call by name", args=("no such", 1))
except NameError as e:
    assert 'no function "no such"' in str(e), e
    assert any("cpp" in note for note in e.__notes__), e.__notes__
else:
    raise AssertionError("a name that nobody serves was called")
rpc.shutdown()
"""
    )


def test_errors_say_what_to_do_and_keep_their_type():
    run_beside_cpp(
        """
rpc.init_rpc(NAME)
def expect(kind, text, call):
    try:
        call()
    except kind as e:
        assert text in str(e), e
    else:
        raise AssertionError(f"{kind.__name__} was not raised")
def local(x):
    return x
expect(KeyError, "gone", lambda: rpc.rpc_sync("cpp", "fail", args=("gone",)))
expect(NameError, 'it serves "ask back", "call by name"', lambda: rpc.rpc_sync("cpp", "train", args=(1,)))
expect(TypeError, 'rpc_sync(to, "name", args=...)', lambda: rpc.rpc_sync("cpp", local, args=(1,)))
expect(TypeError, "argument 2", lambda: rpc.rpc_sync("cpp", "scale", args=(torch.ones(1), "x")))
expect(TypeError, "takes 2 arguments, got 1", lambda: rpc.rpc_sync("cpp", "scale", args=(torch.ones(1),)))
expect(TypeError, "can only be sent to a Python function", lambda: rpc.rpc_sync("cpp", "fail", args=(object(),)))
expect(TypeError, "the name of a function", lambda: rpc.rpc_sync("cpp", 7))
rpc.shutdown()
"""
    )


def test_a_python_worker_serves_nothing_by_name_and_says_so():
    run_beside_cpp(
        """
rpc.init_rpc(NAME)
try:
    rpc.rpc_sync(NAME, "train")
except NameError as e:
    assert "it serves nothing" in str(e), e
else:
    raise AssertionError("a name that nobody serves was called")
rpc.shutdown()
"""
    )


def test_a_served_function_is_told_that_its_caller_has_given_up():
    run_beside_cpp(
        """
rpc.init_rpc(NAME)
def wait_until(holds):
    end = time.monotonic() + 30
    while not holds(*rpc.rpc_sync("cpp", "entered and stopped")):
        assert time.monotonic() < end, rpc.rpc_sync("cpp", "entered and stopped")
        time.sleep(0.005)
future = rpc.rpc_async("cpp", "until stopped")
wait_until(lambda entered, stopped: entered == 1)
assert future.cancel()
wait_until(lambda entered, stopped: stopped == 1)
try:
    rpc.rpc_sync("cpp", "until stopped", timeout=0.2)
except TimeoutError:
    pass
else:
    raise AssertionError("no timeout")
wait_until(lambda entered, stopped: stopped == entered)
rpc.shutdown()
"""
    )


def test_a_cpp_worker_calls_python_functions_by_their_names():
    run_beside_cpp(
        """
import asyncio
@rpc.register("scaled")
def scaled(x):
    return x * 3
@rpc.register
def own_name(x):
    return {"shape": list(x.shape), "none": None}
@rpc.register("later")
@rpc.functions.async_execution
def later(x):
    future = torch.futures.Future()
    future.set_result(x + 1)
    return future
@rpc.register("asynchronous")
async def asynchronous(x):
    await asyncio.sleep(0.001)
    return x + 2
@rpc.register("breaks")
def breaks(x):
    raise KeyError("gone")
@rpc.register("repeated")
def repeated(n, text):
    return [text] * n
def unregistered(x):
    return x - 1
rpc.init_rpc(NAME)
ones = torch.ones(2)
def by_name(name):
    return rpc.rpc_sync("cpp", "call by name", args=(name, ones))
assert by_name("scaled").tolist() == [3, 3]
assert by_name("own_name") == {"shape": [2], "none": None}
assert by_name("later").tolist() == [2, 2]
assert by_name("asynchronous").tolist() == [3, 3]
assert by_name("__main__:unregistered").tolist() == [0, 0]
assert by_name("tine:sum").item() == 2
assert rpc.rpc_sync("cpp", "list of", args=("repeated", 3)) == ["a", "a", "a"]
def expect(kind, text, call):
    try:
        call()
    except kind as e:
        assert text in str(e), e
    else:
        raise AssertionError(f"{kind.__name__} was not raised")
expect(KeyError, "gone", lambda: by_name("breaks"))
expect(AttributeError, "no_such", lambda: by_name("__main__:no_such"))
expect(ImportError, "no_module", lambda: by_name("no_module:f"))
expect(TypeError, "", lambda: rpc.rpc_sync("cpp", "call by name", args=("repeated", ones)))
expect(NameError, 'it serves "asynchronous", "breaks"', lambda: by_name("train"))
# Python workers call them so, too.
assert rpc.rpc_sync(NAME, "scaled", args=(ones,)).tolist() == [3, 3]
assert rpc.remote(NAME, "scaled", args=(ones,)).to_here().tolist() == [3, 3]
rpc.unregister("scaled")
expect(NameError, 'no function "scaled"', lambda: by_name("scaled"))
rpc.shutdown()
"""
    )


def test_streams_go_both_ways_between_python_and_cpp():
    run_beside_cpp(
        """
import asyncio
STATE = {"closed": 0}
@rpc.register("numbers")
def numbers(n):
    yield from range(n)
@rpc.register("slow numbers")
async def slow_numbers(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i
@rpc.register("endless")
def endless():
    try:
        while True:
            yield 7
    finally:
        STATE["closed"] += 1
@rpc.register("lists")
def lists():
    yield [1, "a"]
rpc.init_rpc(NAME)
assert list(rpc.stream("cpp", "count", args=(100,))) == list(range(100))
async def total():
    return sum([n async for n in rpc.stream("cpp", "count", args=(100,))])
assert asyncio.run(total()) == 4950
texts = list(rpc.stream("cpp", "texts", args=(["a", "b"],)))
assert [(t, x.tolist()) for t, x in texts] == [("a", [1, 1]), ("b", [1, 1])]
assert rpc.rpc_sync("cpp", "sum of", args=("numbers", 100)) == 4950
assert rpc.rpc_sync("cpp", "sum of", args=("slow numbers", 100)) == 4950
assert rpc.rpc_sync("cpp", "sum of", args=("__main__:numbers", 10)) == 45
assert rpc.rpc_sync("cpp", "first of", args=("endless",)) == 7
end = time.monotonic() + 30
while not STATE["closed"]:
    assert time.monotonic() < end
    time.sleep(0.005)
try:
    rpc.rpc_sync("cpp", "first of", args=("lists",))
except TypeError as e:
    assert "expected an int, but got list" in str(e), e
else:
    raise AssertionError
try:
    rpc.rpc_sync("cpp", "count", args=(3,))
except TypeError as e:
    assert "count returns a stream" in str(e) and "rpc.stream()" in str(e), e
else:
    raise AssertionError
rpc.shutdown()
"""
    )


def test_what_is_registered_can_be_taken_back():
    import pytest
    from tine.distributed import rpc

    with pytest.raises(ValueError, match="an empty text"):
        rpc.register(len, name="")
    with pytest.raises(ValueError, match="is an operator"):
        rpc.register(len, name="aten::add")
    for _ in range(2):
        assert rpc.register(len, name="length of") is len
        rpc.unregister("length of")
    rpc.unregister("length of")
    with pytest.raises(TypeError, match="unregister"):
        rpc.unregister(len)
