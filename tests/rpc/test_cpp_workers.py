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
