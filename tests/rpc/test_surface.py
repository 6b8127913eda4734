"""The names of torch.distributed.rpc that programs use beyond its documents, and what they mean."""
import datetime

import pytest

from cluster import PREAMBLE, Cluster, run
from tine.distributed import rpc

RAISES = PREAMBLE + """
def raises(kind, f, *words):
    try: got = f()
    except kind as error:
        for word in words: assert word in str(error), (word, str(error))
    else: raise SystemExit(f"no {kind}: {got!r}, {words}")
"""


def test_confirmed_by_owner_means_that_the_owner_knows_the_reference():
    run(
        3,
        """
        def fail(): raise ValueError("x")
        begun, go_on = threading.Event(), threading.Event()
        def wait(): return go_on.wait(30)
        def let_go(): go_on.set()
        def seen(rref): return rref.confirmed_by_owner(), rref.is_owner()
        rpc.init_rpc(NAME)
        if RANK == 0:
            made = rpc.remote("worker1", wait)
            assert not made.confirmed_by_owner()
            own = rpc.remote("worker0", wait)
            assert own.confirmed_by_owner() and rpc.RRef(1).confirmed_by_owner()
            rpc.rpc_sync("worker1", let_go); let_go()
            assert made.to_here() and made.confirmed_by_owner()
            failed = rpc.remote("worker1", fail)
            while not failed.confirmed_by_owner(): time.sleep(0.001)
            try: failed.to_here()
            except ValueError: pass
            late = rpc.remote("worker1", time.sleep, args=(0.3,), timeout=0.01)
            try: late._get_future().wait()
            except TimeoutError: pass
            assert not late.confirmed_by_owner()
            for to in ("worker1", "worker2"):
                assert rpc.rpc_sync(to, seen, args=(made,)) == (True, to == "worker1")
        rpc.shutdown()
        """,
    )


def test_get_type_asks_the_owner_once_and_holds_no_thread():
    run(
        2,
        """
        class Net:
            def __len__(self): return 3
        def slowly():
            time.sleep(0.2)
            return Net()
        def fail(): raise KeyError("k")
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                net = rpc.remote(to, slowly)
                future = net._get_type(blocking=False)
                assert not future.done() and future.wait() is Net and net._get_type() is Net
                assert net._get_type(timeout=5) is Net and net._get_type(5, False) is net._get_type(blocking=False)
                assert rpc.remote(to, torch.ones, args=(2,))._get_type() is Tensor
                # PyTorch's proxies break after it.
                assert net.rpc_sync().__len__() == 3
                try: rpc.remote(to, fail)._get_type()
                except KeyError: pass
                else: raise SystemExit("no error")
                try: rpc.remote(to, slowly)._get_type(timeout=0.01)
                except TimeoutError: pass
                else: raise SystemExit("no timeout")
            assert rpc.RRef(5)._get_type() is int
        rpc.shutdown()
        """,
    )


def test_a_serialized_reference_goes_by_any_way_and_keeps_its_value():
    run(
        3,
        """
        import gc, pickle
        from tine import _C
        def owned(): return _C._rpc.debug_info()["references_owned"]
        def passed(): return rpc.debug_info()["references_passed"]
        def read(text):
            r = rpc.PyRRef._deserialize(pickle.loads(text))
            return r.is_owner(), r.to_here(), r.owner_name()
        def until(f):
            end = time.monotonic() + 20
            while not f():
                assert time.monotonic() < end, f
                time.sleep(0.002)
        rpc.init_rpc(NAME)
        if RANK == 0:
            for owner in ("worker0", "worker1"):
                for taker in ("worker0", "worker1", "worker2"):
                    r = rpc.remote(owner, max, args=(3, 4))
                    r.to_here()
                    text = pickle.dumps(r._serialize())
                    del r
                    gc.collect()
                    assert passed() == 1
                    assert rpc.rpc_sync(taker, read, args=(text,)) == (owner == taker, 4, owner), (owner, taker)
                    until(lambda: passed() == 0 and rpc.rpc_sync(owner, owned) == 0)
            assert rpc.RRef(5)._serialize()[0] == 0
        rpc.shutdown()
        """,
    )


def test_a_tuple_that_is_no_reference_is_refused():
    run(
        1,
        """
        rpc.init_rpc(NAME)
        good = rpc.RRef(5)._serialize()
        assert len(good) == 7
        for bad in (None, 5, (), good[:6], good + (1,), (-1, *good[1:]), ("0", *good[1:]), (2**40, *good[1:]), (0, 2**64, *good[2:])):
            try: rpc.PyRRef._deserialize(bad)
            except TypeError: pass
            else: raise SystemExit(bad)
        for bad in ((5, *good[1:]), (0, good[1] ^ 1, *good[2:]), (*good[:4], 7, *good[5:])):
            try: rpc.PyRRef._deserialize(bad)
            except ValueError: pass
            else: raise SystemExit(bad)
        first = rpc.PyRRef._deserialize(good)
        assert first.local_value() == 5
        del first
        # It serves once: then its value is gone.
        try: rpc.PyRRef._deserialize(good).to_here()
        except ConnectionError: pass
        else: raise SystemExit("served twice")
        rpc.shutdown()
        """,
    )


def test_timeouts_of_every_kind_are_checked_wherever_they_are_given():
    run(
        2,
        """
        from datetime import timedelta
        def five(): return 5
        def slow(): time.sleep(2)
        class Net:
            def five(self): return 5
        rpc.init_rpc(NAME)
        if RANK == 0:
            net = rpc.remote("worker1", Net)
            ways = {
                "rpc_sync": lambda t: rpc.rpc_sync("worker1", five, timeout=t),
                "rpc_async": lambda t: rpc.rpc_async("worker1", five, timeout=t).wait(),
                "operator": lambda t: rpc.rpc_sync("worker1", torch.add, args=(2, 3), timeout=t),
                "remote": lambda t: rpc.remote("worker1", five, timeout=t).to_here(),
                "to_here": lambda t: rpc.remote("worker1", five).to_here(timeout=t),
                "to_here_async": lambda t: rpc.remote("worker1", five).to_here_async(t).wait(),
                "proxy": lambda t: net.rpc_sync(timeout=t).five(),
                "async proxy": lambda t: net.rpc_async(t).five().wait(),
                "remote proxy": lambda t: net.remote(t).five().to_here(),
                "_get_type": lambda t: 5 if rpc.remote("worker1", five)._get_type(timeout=t) is int else 0,
                "udf": lambda t: rpc._invoke_rpc_python_udf("worker1", *rpc.internal.serialize(rpc.internal.PythonUDF(five, (), {})), t, False).wait(),
            }
            for name, way in ways.items():
                for good in (0, -1, -1.0, 5, 30.5, True, timedelta(seconds=9), 1e300, float("inf")):
                    assert way(good) == 5, (name, good)
                for bad in ("x", "5", b"5", None, [1], {}, 1j, object()):
                    raises(TypeError, lambda: way(bad), "timeout", "expected seconds")
                for bad in (float("nan"), -2, -0.5, -1e300, float("-inf"), 10**400, timedelta(seconds=-3)):
                    raises(ValueError, lambda: way(bad), "timeout", "expected seconds")
            assert rpc.rpc_sync("worker1", torch.add, args=(1, 2), timeout=timedelta(minutes=1)) == 3
            raises(TimeoutError, lambda: rpc.rpc_sync("worker1", slow, timeout=timedelta(milliseconds=50)), "RPC ran for more than")
            rpc._set_rpc_timeout(timedelta(seconds=7))
            assert rpc.get_rpc_timeout() == 7
            for bad in ("x", None): raises(TypeError, lambda: rpc._set_rpc_timeout(bad), "rpc_timeout")
            for bad in (-1, float("nan"), 10**400): raises(ValueError, lambda: rpc._set_rpc_timeout(bad), "rpc_timeout")
            for bad in ("x", None): raises(TypeError, lambda: rpc.shutdown(timeout=bad), "timeout")
            for bad in (-1, float("nan")): raises(ValueError, lambda: rpc.shutdown(timeout=bad), "timeout")
        rpc.shutdown(timeout=datetime_of(20) if RANK else 1e300)
        """,
        preamble=RAISES + "\nimport datetime\ndef datetime_of(n): return datetime.timedelta(seconds=n)\n",
    )


@pytest.mark.parametrize("kind", [rpc.RpcBackendOptions, rpc.TensorPipeRpcBackendOptions])
def test_options_take_timedeltas_and_name_what_they_do_not_take(kind):
    options = kind(rpc_timeout=datetime.timedelta(seconds=3), init_timeout=datetime.timedelta(minutes=1))
    assert (options.rpc_timeout, options.init_timeout) == (3.0, 60.0)
    assert kind(rpc_timeout=1e300).rpc_timeout == 1e300
    for bad in ("5", None, [], b"1"):
        with pytest.raises(TypeError, match="rpc_timeout: expected seconds"):
            kind(rpc_timeout=bad)
    for bad in (-1, float("nan"), 10**400, datetime.timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="rpc_timeout: expected seconds") as caught:
            kind(rpc_timeout=bad)
        assert isinstance(caught.value, RuntimeError)  # PyTorch's


def test_devices_are_the_cpu_and_maps_go_from_it_to_it():
    options = rpc.TensorPipeRpcBackendOptions(device_maps={"w1": {"cpu": "cpu"}}, devices=["cpu"])
    assert options.device_maps == {"w1": {"cpu": "cpu"}} and options.devices == ["cpu"]
    import tine

    options.set_device_map("w2", {tine.device("cpu"): "cpu:0"})
    options.set_devices([tine.device("cpu")])
    assert options.device_maps["w2"] == {"cpu": "cpu"} and options.num_worker_threads == 16
    for refuse, words in (
        (lambda: options.set_device_map("w1", {0: 1}), "w1"),
        (lambda: options.set_device_map("w1", {"cpu": "cuda:0"}), "cuda:0"),
        (lambda: options.set_devices(["cuda:0"]), "set_devices"),
        (lambda: options.set_devices([0]), "set_devices"),
        (lambda: rpc.TensorPipeRpcBackendOptions(device_maps={"w3": {0: 1}}), "w3"),
        (lambda: rpc.TensorPipeRpcBackendOptions(devices=[0]), "devices"),
        (lambda: options.set_device_map("w1", {"cpu": "cpu", "cpu:0": "cpu"}), "1-to-1"),
    ):
        with pytest.raises(ValueError, match="CPU tensors only|1-to-1") as caught:
            refuse()
        assert words in str(caught.value)
    for refuse in (
        lambda: options.set_device_map(5, {"cpu": "cpu"}),
        lambda: options.set_device_map("w1", ["cpu"]),
        lambda: options.set_devices("cpu"),
        lambda: options.set_devices(5),
    ):
        with pytest.raises(TypeError, match="expected"):
            refuse()


def test_a_registered_backend_has_a_name_and_init_rpc_refuses_it_by_that():
    from tine.distributed.rpc import backend_registry as registry

    assert rpc.BackendType.TENSORPIPE.name == "TENSORPIPE" and repr(rpc.BackendType.TENSORPIPE) == "BackendType.TENSORPIPE"
    assert registry.backend_registered("TENSORPIPE") and not registry.backend_registered("OURS")
    made = registry.construct_rpc_backend_options(rpc.BackendType.TENSORPIPE, rpc_timeout=5, num_worker_threads=3)
    assert type(made) is rpc.TensorPipeRpcBackendOptions and (made.rpc_timeout, made.num_worker_threads) == (5, 3)
    ours = registry.register_backend("OURS", lambda *given, **named: (given, named), lambda **named: named["name"])
    try:
        assert registry.BackendType.OURS is ours and registry.backend_registered("OURS") and registry.BackendType["TENSORPIPE"]
        assert registry.construct_rpc_backend_options(ours, 1, "env://", x=2) == ((1, "env://"), {"x": 2})
        assert registry.init_backend(ours, name="w") == "w"
        with pytest.raises(RuntimeError, match="OURS: already registered"):
            registry.register_backend("OURS", None, None)
        with pytest.raises(ValueError, match="backend OURS: tine has one backend"):
            rpc.init_rpc("w", backend=ours, rank=0, world_size=1)
        with pytest.raises(TypeError, match="expected a BackendType"):
            rpc.init_rpc("w", backend="TENSORPIPE", rank=0, world_size=1)
    finally:
        registry.BackendType = rpc.BackendType


def test_what_needs_a_worker_says_so():
    @rpc._require_initialized
    def needs(x):
        return x

    assert not rpc._is_current_rpc_agent_set()
    for f in (lambda: needs(1), rpc._get_current_rpc_agent, lambda: rpc._all_gather(1), lambda: rpc._barrier(["w"]), rpc.get_rpc_timeout, rpc.debug_info, rpc._get_debug_info):
        with pytest.raises(RuntimeError, match="RPC has not been initialized"):
            f()


def test_all_gather_and_barrier_bring_workers_together():
    run(
        3,
        """
        rpc.init_rpc(NAME)
        for turn in range(20):
            got = rpc.api._all_gather({"rank": RANK, "t": torch.ones(2) * RANK, "s": {turn}})
            assert list(got) == ["worker0", "worker1", "worker2"] and [g["rank"] for g in got.values()] == [0, 1, 2], got
            assert got["worker2"]["t"].tolist() == [2, 2] and got["worker1"]["s"] == {turn}
        if RANK:
            assert rpc._all_gather(RANK, {"worker1", "worker2"}) == {"worker1": 1, "worker2": 2}
            rpc._barrier(["worker2", "worker1"])
        rpc._barrier({"worker0", "worker1", "worker2"})
        raises(ValueError, lambda: rpc._all_gather(1, ["elsewhere"]), "is not one of elsewhere")
        rpc.api._wait_all_workers()
        rpc.api._get_current_rpc_agent().join()
        rpc.shutdown()
        assert rpc._gather_is_empty()
        """,
        preamble=RAISES + "\nfrom tine.distributed.rpc import _gather\nrpc._gather_is_empty = lambda: not (_gather._turns or _gather._gatherings)\n",
    )


def test_all_gather_names_who_is_missing_and_ends_when_one_of_them_dies():
    with Cluster(
        3,
        """
        rpc.init_rpc(NAME)
        if RANK == 2:
            print("ready", flush=True)
            time.sleep(60)
        began = time.monotonic()
        if RANK == 0:
            from tine.distributed.rpc import _gather
            while not _gather._gatherings: time.sleep(0.001)  # worker1 has come first
            raises(TimeoutError, lambda: rpc._all_gather(1, timeout=1.5), "worker2 did not come within 1.5 s")
        else:
            raises(TimeoutError, lambda: rpc._all_gather(1, timeout=0.5), "0.5")  # and the leader waits on
        print("timed out", flush=True)
        raises(ConnectionError, lambda: rpc._all_gather(1), "worker2")
        print("dead", flush=True)
        time.sleep(60)  # the others learn it from this worker
        """,
        preamble=RAISES,
    ) as cluster:
        cluster.wait_for(2, "ready")
        cluster.wait_for(0, "timed out")
        cluster.wait_for(1, "timed out")
        cluster.signal(2, 9)
        cluster.wait_for(0, "dead")
        cluster.wait_for(1, "dead")


def test_wait_all_waits_for_the_calls_of_its_block():
    run(
        2,
        """
        done = []
        def slow(i):
            time.sleep(0.05)
            done.append(i)
            return i
        def seen(): return len(done)
        def fail(): raise KeyError("k")
        rpc.init_rpc(NAME)
        if RANK == 0:
            with rpc._wait_all():
                futures = [rpc.rpc_async("worker1", slow, args=(i,)) for i in range(5)]
                with rpc.api._wait_all(): rpc.rpc_async("worker1", slow, args=(9,))
            assert all(f.done() for f in futures) and rpc.rpc_sync("worker1", seen) == 6
            with rpc._wait_all(): called = rpc.call("worker1", slow, 10)
            assert called.done()
            def block():
                with rpc._wait_all(): rpc.rpc_async("worker1", fail)
            raises(KeyError, block, "k")
            other = rpc.rpc_async("worker1", slow, args=(7,))
            assert not other.done()
            other.wait()
        rpc.shutdown()
        """,
        preamble=RAISES,
    )


def test_the_steps_of_a_call_can_be_made_one_by_one():
    run(
        2,
        """
        from tine.distributed.rpc.internal import PythonUDF, RPCExecMode, deserialize, serialize, _internal_rpc_pickler
        def f(a, b=1): return a + b
        @rpc.functions.async_execution
        def later(x): return rpc.rpc_async("worker0", f, args=(x,))
        @torch.jit.script
        def scripted(x: Tensor, n: int = 2) -> Tensor: return x * n
        rpc.init_rpc(NAME)
        if RANK == 0:
            agent = rpc.api._get_current_rpc_agent()
            assert isinstance(agent, rpc.TensorPipeAgent) and isinstance(agent, rpc.RpcAgent) and agent.is_static_group
            assert agent.get_worker_info().name == "worker0" and agent.get_worker_info("worker1").id == 1 == agent.get_worker_info(1).id
            assert [i.name for i in agent.get_worker_infos()] == ["worker0", "worker1"]
            assert agent.get_debug_info().keys() >= {"agent.client_active_calls", "agent.thread_pool_size"} == agent.get_metrics().keys() & {"agent.client_active_calls", "agent.thread_pool_size"}
            w1 = agent.get_worker_info("worker1")
            x = torch.ones(2)
            assert rpc._invoke_rpc_builtin(w1, "aten::add", -1.0, x, x, alpha=2).wait().tolist() == [3, 3]
            assert rpc._invoke_remote_builtin(w1, "aten::add", 5.0, x, 1).to_here().tolist() == [2, 2]
            data, tensors = serialize(PythonUDF(f, (x,), {"b": 2}))
            assert rpc._invoke_rpc_python_udf(w1, data, tensors, 5.0, False).wait().tolist() == [3, 3]
            assert rpc._invoke_remote_python_udf(w1, data, tensors, 5.0, False).to_here().tolist() == [3, 3]
            data, tensors = serialize(PythonUDF(later, (4,), {}))
            assert rpc._invoke_rpc_python_udf(w1, data, tensors, 5.0, True).wait() == 5
            name = scripted.qualified_name
            assert rpc._invoke_rpc_torchscript("worker1", name, (x,), {"n": 3}, 5.0, False).wait().tolist() == [3, 3]
            assert rpc._invoke_remote_torchscript("worker1", name, 5.0, False, x, n=4).to_here().tolist() == [4, 4]
            got = deserialize(*serialize({"a": x, "b": [1]}))
            assert got["a"].tolist() == [1, 1] and got["b"] == [1] and RPCExecMode.SYNC.value == "sync"
            assert rpc.Future is torch.futures.Future and rpc.api.Future is rpc.Future and rpc.PyRRef is rpc.RRef
        rpc.shutdown()
        """,
    )


def test_backward_and_profiling_say_why_not():
    run(
        1,
        """
        rpc.init_rpc(NAME)
        r = rpc.RRef(torch.ones(1))
        raises(RuntimeError, lambda: r.backward(), "no automatic differentiation", "docs/pytorch.md")
        raises(RuntimeError, lambda: r.backward(3, retain_graph=True), "no automatic differentiation")
        raises(RuntimeError, lambda: r._get_profiling_future(), "Profiling future has not been set")
        future = torch.futures.Future()
        r._set_profiling_future(future)
        assert r._get_profiling_future() is future
        raises(TypeError, lambda: r._set_profiling_future(5), "expected a Future")
        future.set_result(None)
        rpc.shutdown()
        """,
        preamble=RAISES,
    )


def test_operators_of_a_proxy_are_calls_of_special_methods():
    run(
        2,
        """
        class Table:
            def __init__(self): self.rows = {"a": 1}
            def __getitem__(self, k): return self.rows[k]
            def __setitem__(self, k, v): self.rows[k] = v
            def __delitem__(self, k): del self.rows[k]
            def __len__(self): return len(self.rows)
            def __contains__(self, k): return k in self.rows
            def __bool__(self): return False
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                table = rpc.remote(to, Table)
                proxy = table.rpc_sync()
                assert proxy["a"] == 1 and len(proxy) == 1 and "a" in proxy and "b" not in proxy
                proxy["b"] = 2
                assert table.rpc_async()["b"].wait() == 2 and table.remote()["b"].to_here() == 2
                del proxy["a"]
                assert len(proxy) == 1 and bool(proxy) and proxy.__bool__() is False
                raises(KeyError, lambda: proxy["z"], "z")
                raises(TypeError, lambda: len(table.rpc_async()), "rref.rpc_sync()")
                raises(TypeError, lambda: "a" in table.remote(), "rref.rpc_sync()")
                assert table.rpc_async().__len__().wait() == 1
        rpc.shutdown()
        """,
        preamble=RAISES,
    )


def test_debug_info_shows_calls_references_and_traffic_of_each_worker():
    run(
        2,
        """
        go_on = threading.Event()
        def wait(x): return go_on.wait(30)
        def let_go(): go_on.set()
        def of_me(): return rpc.debug_info()
        rpc.init_rpc(NAME)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", wait, args=(i,)) for i in range(3)]
            kept = rpc.remote("worker1", max, args=(1, 2))
            kept.to_here()
            mine = rpc.RRef([1])
            there = rpc.remote("worker1", type, args=(mine,))
            there.to_here()
            time.sleep(0.01)
            info = rpc.debug_info()
            assert info["calls_pending"] == 3 and info["references_held"] == 2 and info["references_passed"] == 0, info
            me, other = info["workers"]
            assert (me["rank"], me["name"], me["address"], me["transport"], me["calls"]) == (0, "worker0", "", "", [])
            assert (other["rank"], other["name"], other["death"]) == (1, "worker1", None)
            assert other["address"].startswith(other["transport"] + ":") and other["transport"]
            (waiting,) = other["calls"]
            assert waiting["name"].endswith(".wait") and waiting["count"] == 3 and 0.01 <= waiting["oldest"] < 30
            theirs = rpc.rpc_sync("worker1", of_me)
            row = theirs["workers"][0]
            assert row["calls_running"] == 4 and theirs["references_owned"] == 2, theirs
            assert row["frames_received"] >= 6 and row["bytes_received"] > 6 * 40 and row["frames_sent"] >= 2
            before = rpc.debug_info()["workers"][1]
            rpc.rpc_sync("worker1", torch.add, args=(torch.ones(100_000), 1))
            after = rpc.debug_info()["workers"][1]
            assert after["bytes_sent"] - before["bytes_sent"] > 400_000 < after["bytes_received"] - before["bytes_received"]
            assert after["bytes_queued"] == 0 and after["frames_sent"] == before["frames_sent"] + 1
            assert rpc._get_debug_info()["agent.client_active_calls"] == "3" and int(rpc._rref_context_get_debug_info()["num_owner_rrefs"]) >= 0
            rpc.rpc_sync("worker1", let_go)
            assert all(c.wait() for c in calls)
        rpc.shutdown()
        """,
    )
