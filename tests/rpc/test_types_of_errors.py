"""Each error has PyTorch's type as a base class and PyTorch's words in its text, tine's around them."""
import pickle
import re

import pytest

from cluster import Cluster, run

import tine
from tine.distributed import rpc

RAISES = """
        def raises(kinds, f, *words):
            try:
                f()
            except Exception as error:
                text = str(error) + " ".join(getattr(error, "__notes__", []))
                for kind in kinds if isinstance(kinds, tuple) else (kinds,):
                    assert isinstance(error, kind), (kind, type(error).__mro__, text)
                for word in words:
                    assert word in text, (word, text)
                return error
            raise AssertionError(f"no error; expected {kinds} with {words}")
"""


def test_the_errors_of_a_call_are_what_programs_for_pytorch_catch():
    run(
        2,
        RAISES
        + """
        @torch.jit.script
        def one_arg(x: Tensor) -> Tensor:
            return x
        if RANK == 0:
            def only_here(): pass
            sys.modules["only_here_module"] = type(sys)("only_here_module")
            def elsewhere(): pass
            elsewhere.__module__ = "only_here_module"
            sys.modules["only_here_module"].elsewhere = elsewhere
        def slow(): time.sleep(1)
        def five(): return 5
        rpc.init_rpc(NAME)
        if RANK == 0:
            me = (torch.ones(2),)
            both = (RuntimeError, ValueError)
            for call in (lambda w: rpc.get_worker_info(w), lambda w: rpc.rpc_sync(w, torch.add, args=(1, 2)), lambda w: rpc.remote(w, five),
                         lambda w: rpc.rpc_async(w, five)):
                raises(both, lambda: call("nobody"), "could not find destination", "nobody", "'worker0', 'worker1'")
                for rank in (5, -1, 2**31, 2**32, 2**40, 2**80):       # 2**32 is not 0
                    raises(both, lambda: call(rank), "could not find destination", "0 to 1")
                for what in (1.5, None, ("worker1",), torch.ones(1)):
                    raises((TypeError, ValueError, RuntimeError), lambda: call(what) if what is not None else rpc.rpc_sync(what, five), "expected a worker's name, rank or WorkerInfo")
            for to in ("worker0", "worker1"):
                schema = "failed to match any schema"
                for call in (rpc.rpc_sync, rpc.rpc_async, rpc.remote):       # at the call, of the last two as well
                    raises((RuntimeError, TypeError), lambda: call(to, torch.add, args=()), schema, "aten::add")
                    raises((RuntimeError, TypeError), lambda: call(to, torch.add, args=me, kwargs={"betta": 1}), schema, "betta")
                    raises((RuntimeError, TypeError), lambda: call(to, one_arg, args=me + me), "one_arg() expected at most 1 argument(s) but received 2 argument(s)", "one_arg(Tensor x)")
                    raises((RuntimeError, TypeError), lambda: call(to, one_arg), "missing value for argument 'x'")
                    raises((RuntimeError, TypeError), lambda: call(to, one_arg, kwargs={"y": 1}), "'y'")
                raises((RuntimeError, TimeoutError), lambda: rpc.rpc_sync(to, slow, timeout=0.1), "RPC ran for more than", to, "slow", "0.1")
            raises((RuntimeError, AttributeError), lambda: rpc.rpc_sync("worker1", only_here), "RPC pickler does not serialize", "only_here", "this worker does not have")
            raises((RuntimeError, ImportError), lambda: rpc.rpc_sync("worker1", elsewhere), "RPC pickler does not serialize", "only_here_module")
            import pickle, copy
            for dumps in (pickle.dumps, lambda r: pickle.dumps(r, 0), copy.deepcopy):
                raises((RuntimeError, TypeError), lambda: dumps(rpc.RRef(1)), "Can not pickle rref in python pickler, rref can only be pickled when using RPC")
        rpc.shutdown()
        """,
    )


def test_what_a_call_is_given_is_checked_with_words_of_its_own():
    run(
        1,
        RAISES
        + """
        import datetime, functools
        def five(**kwargs): return 5
        class Odd:
            def __init__(self): self.__qualname__ = 7
            def __call__(self): return 5
        rpc.init_rpc(NAME)
        for call in (rpc.rpc_sync, rpc.rpc_async, rpc.remote):
            for func in (five, torch.add):
                for timeout in (float("nan"), "x", None, [1]):
                    raises((TypeError, ValueError)[timeout != timeout], lambda: call(NAME, func, args=(), timeout=timeout), "timeout")
                raises(TypeError, lambda: call(NAME, func, kwargs={1: 2}), "kwargs", "1")
            raises(ValueError, lambda: call(NAME, five, timeout=datetime.timedelta(seconds=-1)), "timeout", "-1 day")
            for to, words in ((True, "True of type bool"), (False, "False of type bool")):
                raises(TypeError, lambda: call(to, five), "expected a worker's name, rank or WorkerInfo", words)
            for rank in (-1, -2, 7, 2**31, 10**30):
                raises(ValueError, lambda: call(rank, five), f"unknown worker with rank {rank}")
            for name in (":", "a:", ":b", "a:b:c", ""):
                raises(NameError, lambda: call(NAME, name).to_here() if call is rpc.remote else torch.futures.wait_all([call(NAME, name)]), f'no function "{name}"')
        raises(TypeError, lambda: rpc.get_worker_info(True), "True of type bool")
        raises(TimeoutError, lambda: rpc.rpc_sync(NAME, five, timeout=1e-9), "within 1e-06 s")
        raises(ValueError, lambda: rpc.register("a:b")(five), "'a:b'", "one colon")
        rref = rpc.RRef(1)
        for method in (rref.to_here, rref.to_here_async, lambda t: rref.rpc_sync(t).__add__(1)):
            raises(ValueError, lambda: method(float("nan")), "timeout")
        raises(TypeError, lambda: rref.rpc_sync("x"), "timeout")
        assert rpc.rpc_sync(NAME, functools.partial(five, a=1), kwargs={"not a name": 1}, timeout=torch.tensor(5.0).item()) == 5
        assert rpc.rpc_sync(NAME, Odd()) == 5
        rpc.shutdown()
        """,
    )


def test_calls_with_short_timeouts_say_the_same_whoever_finds_out():
    run(
        2,
        RAISES
        + """
        def sleepy(): time.sleep(0.003)
        rpc.init_rpc(NAME)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", sleepy, timeout=0.0005 + i % 10 * 0.0005) for i in range(400)]
            for call in calls:
                try: call.wait()
                except TimeoutError as error:
                    text = str(error)
                    assert "RPC ran for more than" in text and "worker1" in text and "sleepy" in text, text
        rpc.shutdown()
        """,
    )


def test_a_name_that_is_taken_is_a_runtime_error_at_once():
    with Cluster(
        3,
        RAISES
        + """
        began = time.monotonic()
        options = rpc.RpcBackendOptions(init_timeout=10)
        raises(RuntimeError, lambda: rpc.init_rpc("same" if RANK else "other", rpc_backend_options=options), "is not unique", "same")
        assert time.monotonic() - began < 8, time.monotonic() - began
        print("refused", flush=True)
        """,
    ) as cluster:
        results = cluster.finish(90)
        assert [out for _, out, _ in results] == ["refused\n"] * 3, results


def test_a_wait_for_none_is_pytorchs_error():
    with pytest.raises(RuntimeError, match="Future can't be None") as caught:
        tine.jit.wait(None)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "make, builtin",
    [
        (lambda: tine.add("x", 1), TypeError),
        (lambda: tine.ones(2).view(3), ValueError),
        (lambda: tine.ones(2)[5], IndexError),
    ],
)
def test_what_tine_raises_itself_is_pythons_class_and_a_runtime_error(make, builtin):
    with pytest.raises(builtin) as caught:
        make()
    assert isinstance(caught.value, RuntimeError) and type(caught.value).__module__ == "tine"
    back = pickle.loads(pickle.dumps(caught.value))
    assert type(back) is type(caught.value) and str(back) == str(caught.value)


@pytest.mark.parametrize("name", "TypeError ValueError IndexError KeyError AttributeError NameError AssertionError".split())
def test_the_classes_have_the_names_of_pythons_and_can_be_made(name):
    import builtins

    kind = getattr(tine, name)
    error = kind("text")
    assert isinstance(error, RuntimeError) and isinstance(error, getattr(builtins, name))
    assert str(error) == str(getattr(builtins, name)("text")) and kind.__name__ == name and kind.__module__ == "tine"


def test_the_notes_of_a_runtime_error_in_a_script_show_the_source_line_with_a_marker():
    run(
        2,
        RAISES
        + """
        @torch.jit.script
        def inner(x: Tensor) -> Tensor:
            return x + torch.ones(7)      # größer
        @torch.jit.script
        def outer(x: Tensor) -> Tensor:
            y = x * 2
            return inner(y)
        rpc.init_rpc(NAME)
        if RANK == 0:
            for call in (lambda: outer(torch.ones(2)), lambda: rpc.rpc_sync("worker0", outer, args=(torch.ones(2),)),
                         lambda: rpc.rpc_sync("worker1", outer, args=(torch.ones(2),))):
                error = raises(RuntimeError, call)
                notes = "\\n".join(error.__notes__)
                line = "return x + torch.ones(7)      # größer"
                assert f"    {line}\\n    {'~' * len(line)} <--- HERE" in notes, notes
        rpc.shutdown()
        """,
    )


# --- WorkerInfo


def test_a_worker_info_can_be_made_compared_hashed_and_pickled():
    info = rpc.WorkerInfo("a-b_c:1", 3)
    assert (info.name, info.id, repr(info)) == ("a-b_c:1", 3, "WorkerInfo(id=3, name=a-b_c:1)")
    same, other = rpc.WorkerInfo(name="a-b_c:1", id=3), rpc.WorkerInfo("a-b_c:1", 4)
    assert info == same and hash(info) == hash(same) and info != other and info != "a-b_c:1"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(info, protocol)) == info
    assert rpc.WorkerInfo("x" * 127, -1).id == -1


@pytest.mark.parametrize("name", ["", "a b", "x" * 128, "ü", "a\n", "a/b", "a\0", "a.b"])
def test_the_name_of_a_worker_info_follows_pytorchs_rule(name):
    with pytest.raises(RuntimeError, match="must be non-empty and shorter than 128 chars") as caught:
        rpc.WorkerInfo(name, 0)
    assert isinstance(caught.value, ValueError) and "^[A-Za-z0-9-_:]*$" in str(caught.value)


@pytest.mark.parametrize("args", [(), ("a",), (5, 0), ("a", "b"), ("a", 1.5), ("a", 2**40), ("\ud800", 0)])
def test_a_worker_info_of_wrong_arguments_is_a_type_error(args):
    with pytest.raises((TypeError, ValueError)):
        rpc.WorkerInfo(*args)


# --- init_rpc


def init(name="w", rank=0, world_size=1, **options):
    return lambda: rpc.init_rpc(
        name, rank=rank, world_size=world_size, rpc_backend_options=rpc.TensorPipeRpcBackendOptions(**options)
    )


@pytest.mark.parametrize(
    "call, words",
    [
        (init(name=5), "name"),
        (init(name=None), "name"),
        (init(name=b"w"), "name"),
        (init(name=""), "non-empty"),
        (init(name="a\nb"), "[A-Za-z0-9-_:]"),
        (init(name="\x1b[31m"), "[A-Za-z0-9-_:]"),
        (init(name="\ud800"), "[A-Za-z0-9-_:]"),
        (init(name="x" * 128), "128"),
        (init(world_size=10**10), "world_size"),
        (init(world_size=10**30), "world_size"),
        (init(world_size=0), "world_size"),
        (init(world_size=-3), "world_size"),
        (init(world_size=1.5), "world_size"),
        (init(world_size="x"), "world_size"),
        (init(rank=-2), "rank"),
        (init(rank=1), "rank"),
        (init(rank=10**30), "rank"),
        (init(rank=0.5), "rank"),
        (init(init_timeout=0), "init_timeout"),
        (init(init_timeout=-1), "init_timeout"),
        (init(init_timeout=float("nan")), "init_timeout"),
        (init(init_timeout="soon"), "init_timeout"),
        (init(init_timeout=None), "init_timeout"),
        (init(rpc_timeout=float("nan")), "rpc_timeout"),
        (init(rpc_timeout=-1), "rpc_timeout"),
        (init(rpc_timeout=[]), "rpc_timeout"),
    ],
)
def test_a_world_that_cannot_be_is_refused_at_once_and_named(call, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert words in str(caught.value) and "incompatible" not in str(caught.value), caught.value
    assert not rpc.is_initialized()


def test_options_that_were_changed_afterwards_are_checked_as_well():
    options = rpc.RpcBackendOptions()
    options.init_timeout = float("nan")
    with pytest.raises(ValueError, match="init_timeout"):
        rpc.init_rpc("w", rank=0, world_size=1, rpc_backend_options=options)


def test_an_infinite_init_timeout_waits_as_long_as_it_takes():
    run(
        2,
        """
        options = rpc.RpcBackendOptions(init_timeout=float("inf") if RANK else 1e300, rpc_timeout=float("inf"))
        if RANK: time.sleep(0.2)
        rpc.init_rpc(NAME, rpc_backend_options=options)
        assert rpc.rpc_sync("worker1", torch.add, args=(1, 2)) == 3
        rpc._set_rpc_timeout(5)
        for bad in (float("nan"), -1):
            try: rpc._set_rpc_timeout(bad)
            except ValueError: pass
            else: raise SystemExit(bad)
        rpc.shutdown()
        """,
    )


@pytest.mark.parametrize("rank", [0, 1])
def test_an_address_beyond_this_machine_is_named_with_the_switch_that_allows_it(rank):
    options = {"init_method": "tcp://192.0.2.1:8880", "init_timeout": 3}
    with pytest.raises(PermissionError) as caught:
        init(rank=rank, world_size=2, **options)()
    text = str(caught.value)
    assert isinstance(caught.value, RuntimeError) and "TINE_PLAINTEXT=1" in text, text
    # No other address, such as the one that this worker would have chosen for itself.
    assert re.findall(r"tcp://[\d.:]+", text) == ["tcp://192.0.2.1:8880"], text


def test_the_options_for_devices_are_refused_with_their_reason():
    options = rpc.TensorPipeRpcBackendOptions()
    for refuse in (
        lambda: options.set_device_map("w1", {0: 1}),
        lambda: options.set_device_map("w1", {"cpu": "cuda:0"}),
        lambda: options.set_devices(["cuda:0"]),
        lambda: rpc.TensorPipeRpcBackendOptions(device_maps={"w1": {0: 1}}),
    ):
        with pytest.raises(ValueError, match="CPU tensors only"):
            refuse()
    options.set_device_map("w1", {"cpu": "cpu"})
    options.set_devices(["cpu"])
    assert options.device_maps == {"w1": {"cpu": "cpu"}} and options.devices == ["cpu"]


def test_the_constants_are_a_module_as_in_pytorch():
    from tine.distributed.rpc import constants

    assert constants.DEFAULT_RPC_TIMEOUT_SEC == 60.0 and constants.UNSET_RPC_TIMEOUT == -1.0
    assert constants.DEFAULT_INIT_METHOD == "env://" and constants.DEFAULT_SHUTDOWN_TIMEOUT == 0
    assert constants.DEFAULT_NUM_WORKER_THREADS == 16


def test_pytorchs_private_name_of_the_class_is_there():
    assert tine._C._distributed_rpc.PyRRef is rpc.RRef and tine._C._distributed_rpc.WorkerInfo is rpc.WorkerInfo
