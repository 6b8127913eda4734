"""What a program of torch.distributed.rpc expects to work."""
from cluster import Cluster, run


def test_every_kind_of_callee_and_every_way_to_call():
    run(
        2,
        """
        @torch.jit.script
        def scripted(x: Tensor, n: int = 2) -> Tensor:
            return x * n + 1
        def plain(a, b=0, *, c=0):
            return {"sum": a + b + c, "who": rpc.get_worker_info().name}
        class Counter:
            def __init__(self, start=0):
                self.n = start
            def add(self, k):
                self.n += k
                return self.n
        rpc.init_rpc(NAME)
        assert rpc.get_worker_info().id == RANK
        for to in ("worker0", "worker1", 0, 1, rpc.get_worker_info("worker1")):
            assert rpc.rpc_sync(to, torch.add, args=(torch.ones(2), 3)).tolist() == [4, 4]
            assert rpc.rpc_async(to, torch.add, args=(torch.ones(2), torch.ones(2)), kwargs={"alpha": 2}).wait().tolist() == [3, 3]
            assert rpc.rpc_sync(to, scripted, args=(torch.ones(2),)).tolist() == [3, 3]
            assert rpc.rpc_sync(to, scripted, args=(torch.ones(2),), kwargs={"n": 5}).tolist() == [6, 6]
            got = rpc.rpc_sync(to, plain, args=(1,), kwargs={"b": 2, "c": 3})
            assert got["sum"] == 6 and got["who"].startswith("worker")
            assert rpc.remote(to, torch.add, args=(torch.ones(2), 1)).to_here().tolist() == [2, 2]
            assert rpc.remote(to, scripted, args=(torch.ones(2), 3)).to_here().tolist() == [4, 4]
            counter = rpc.remote(to, Counter, args=(10,))
            assert counter.rpc_sync().add(1) == 11
            assert counter.rpc_async().add(1).wait() == 12
            assert counter.remote().add(1).to_here() == 13
            assert counter.is_owner() == (counter.owner().id == RANK)
            if counter.is_owner():
                assert counter.local_value().n == 13
        rpc.shutdown()
        """,
    )


def test_results_of_many_types_and_sizes_come_back_equal():
    run(
        2,
        """
        def echo(x):
            return x
        rpc.init_rpc(NAME)
        if RANK == 0:
            for x in (None, True, 5, -1, 2**62, 10**30, 1.5, "text", "ü" * 1000, b"bytes", [1, [2, {"a": (3,)}]], {1, 2}, range(3)):
                got = rpc.rpc_sync("worker1", echo, args=(x,))
                assert got == x and type(got) is type(x), (got, x)
            for shape in ((), (0,), (1,), (3, 4), (1000, 1000), (4, 1024, 1024)):
                t = torch.rand(shape)
                got = rpc.rpc_sync("worker1", echo, args=(t,))
                assert got.shape == t.shape and torch.equal(got, t)
                got = rpc.rpc_sync("worker1", echo, args=({"t": [t, t]},))
                assert torch.equal(got["t"][1], t)
            for t in (torch.arange(10), torch.arange(10) > 4, torch.ones(3, dtype=torch.float64), torch.arange(12).view(3, 4).t()):
                got = rpc.rpc_sync("worker1", echo, args=(t,))
                assert torch.equal(got, t) and got.dtype == t.dtype
                assert torch.equal(rpc.rpc_sync("worker1", torch.add, args=(t.to(torch.float32), 0)), t.to(torch.float32))
        rpc.shutdown()
        """,
    )


def test_views_arrive_with_their_strides():
    run(
        2,
        """
        def look(*ts):
            return [(tuple(t.shape), t.stride(), t.is_contiguous(), t.tolist() if t.numel() < 1000 else None) for t in ts]
        rpc.init_rpc(NAME)
        if RANK == 0:
            x = torch.arange(25).view(5, 5)
            big = torch.rand(1000, 1000)
            views = [
                x, x.t(), x.narrow(1, 2, 2), x[::2], x[:, ::2].t(), x[1], x[:, 1], x[:, 1:2].expand(5, 3), torch.ones(1).expand(300, 300),
                torch.rand(2, 3, 4).permute(2, 0, 1), x[2:2], torch.rand(0, 3).t(), big.t(), big[:, :700], (x > 7).t(), torch.tensor(3.5).expand(2),
            ]
            for there in (look(*views), rpc.rpc_sync("worker1", look, args=tuple(views))):
                assert there == look(*views), there
            # Mostly not its own memory: the elements alone, in their order.
            assert [v[1] for v in rpc.rpc_sync("worker1", look, args=(big[:, :2], big[:, :2].t(), big[::4]))] == [(2, 1), (1, 2), (1000, 1)]
            # By an operator, and back.
            assert rpc.rpc_sync("worker1", torch.t, args=(x,)).stride() == (1, 5)
            assert rpc.rpc_sync("worker1", torch.Tensor.expand, args=(torch.ones(1), [100_000, 100_000])).stride() == (0, 0)
        rpc.shutdown()
        """,
    )


def test_long_texts_and_many_tensors_travel():
    run(
        2,
        """
        @torch.jit.script
        def twice(s: str) -> str:
            return s + "!"
        def size(x):
            return len(x)
        def back(x):
            return x
        rpc.init_rpc(NAME)
        if RANK == 0:
            text = "\u00fc" * (40 << 20)
            assert rpc.rpc_sync("worker1", size, args=(text,)) == len(text)
            assert rpc.rpc_sync("worker1", twice, args=(text,)) == text + "!"
            assert rpc.rpc_sync("worker1", back, args=(text,)) == text
            many = [torch.full((200,), i) for i in range(5000)]
            got = rpc.rpc_sync("worker1", back, args=(many,))
            assert len(got) == 5000 and torch.equal(got[4999], many[4999])
            deep = torch.ones([1] * 60)
            assert rpc.rpc_sync("worker1", back, args=(deep,)).dim() == 60
        rpc.shutdown()
        """,
    )


def test_a_result_that_refers_to_the_future_of_its_call_is_collected():
    run(
        2,
        """
        import gc, time, weakref
        class Node: pass
        def node(): return Node()
        def raises(): raise ValueError("x")
        def result(to, derive):
            f = rpc.rpc_async(to, node)
            n = derive(f).wait()
            n.future = f
            return weakref.ref(n)
        def error(to):
            witness, f = Node(), rpc.rpc_async(to, raises)
            try: f.wait()
            except ValueError: pass
            return weakref.ref(witness)
        rpc.init_rpc(NAME)
        for to in ("worker0", "worker1"):
            gone = [result(to, lambda f: f), result(to, lambda f: f.then(lambda f: f.wait())), error(to)]
            # The thread that completed a future may still hold it for a moment.
            until = time.monotonic() + 30
            while any(ref() for ref in gone) and time.monotonic() < until: gc.collect()
            assert [ref() for ref in gone] == [None] * 3, (to, gone)
        rpc.shutdown()
        """,
    )


def test_an_rref_can_be_passed_on_and_outlives_its_maker():
    run(
        3,
        """
        kept = []
        class Box:
            def __init__(self, v): self.v = v
            def get(self): return self.v
        def keep(rref):
            kept.append(rref)
        def read():
            return kept[0].rpc_sync().get()
        def forget():
            kept.clear()
        def inside(d):
            return d["r"].to_here() + 1
        def owned():
            from tine import _C
            return _C._rpc.debug_info()["references_owned"]
        rpc.init_rpc(NAME)
        if RANK == 0:
            rref = rpc.remote("worker1", Box, args=(torch.ones(3),))
            rpc.rpc_sync("worker2", keep, args=(rref,))
            del rref
            assert rpc.rpc_sync("worker2", read).tolist() == [1, 1, 1]
            local = rpc.RRef(41)
            assert rpc.rpc_sync("worker1", inside, args=({"r": local},)) == 42
            assert local.to_here() == 41 and local.local_value() == 41
            rpc.rpc_sync("worker2", forget)
            end = time.monotonic() + 10
            while rpc.rpc_sync("worker1", owned) and time.monotonic() < end:
                pass
            assert rpc.rpc_sync("worker1", owned) == 0
        rpc.shutdown()
        """,
    )


def test_an_object_behind_an_rref_need_not_be_picklable_until_it_is_fetched():
    run(
        2,
        """
        class Server:
            def __init__(self, start):
                self.lock = threading.Lock()
                self.future = torch.futures.Future()
                self.n = start
            def me(self):
                return self
            def add(self, k):
                with self.lock:
                    self.n += k
                return self.n
        rpc.init_rpc(NAME)
        for to in ("worker0", "worker1"):
            server = rpc.remote(to, Server, args=(10,))
            assert server.rpc_sync().add(1) == 11
            again = server.remote().me()
            assert again.rpc_sync().add(1) == 12
            if server.is_owner():
                assert server.local_value() is again.local_value() is server.to_here()
            else:
                try:
                    server.to_here()
                    raise SystemExit("no error")
                except TypeError as error:
                    assert "pickle" in str(error), error
        rpc.shutdown()
        """,
    )


def test_a_program_that_ends_well_says_nothing_on_stderr():
    with Cluster(
        4,
        """
        rpc.init_rpc(NAME)
        rpc.rpc_sync(f"worker{(RANK + 1) % WORLD}", torch.add, args=(torch.ones(2), 1))
        rpc.shutdown()
        """,
    ) as cluster:
        for code, out, err in cluster.finish(30):
            assert (code, out, err) == (0, "", ""), err


def test_calls_may_nest_across_workers():
    run(
        3,
        """
        def hop(n):
            if n == 0:
                return 0
            return 1 + rpc.rpc_sync(f"worker{(RANK + 1) % WORLD}", hop, args=(n - 1,))
        rpc.init_rpc(NAME)
        assert rpc.rpc_sync(f"worker{(RANK + 1) % WORLD}", hop, args=(30,)) == 30
        rpc.shutdown()
        """,
    )


def test_a_script_function_travels_to_a_worker_that_does_not_have_it():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            @torch.jit.script
            def helper(x: Tensor) -> Tensor:
                return x * 2
            @torch.jit.script
            def only_here(x: Tensor, n: int) -> Tensor:
                fut = torch.jit.fork(helper, x)
                y = torch.jit.wait(fut)
                for i in range(n):
                    y = y + i
                return y
            assert rpc.rpc_sync("worker1", only_here, args=(torch.ones(2), 3)).tolist() == [5, 5]
            assert rpc.rpc_sync("worker1", only_here, args=(torch.ones(2), 4)).tolist() == [8, 8]
        rpc.shutdown()
        """,
    )


def test_many_calls_in_flight_from_many_threads():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            wrong = []
            def work(k):
                futures = [rpc.rpc_async("worker1", torch.add, args=(torch.ones(2), i)) for i in range(500)]
                for i, f in enumerate(futures):
                    if f.wait().tolist() != [i + 1, i + 1]:
                        wrong.append((k, i))
            threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
            for t in threads: t.start()
            for t in threads: t.join()
            assert not wrong
        rpc.shutdown()
        """,
        timeout=90,
    )


def test_tcp_rendezvous_by_init_method():
    run(
        2,
        """
        options = rpc.TensorPipeRpcBackendOptions(init_method=f"tcp://127.0.0.1:{os.environ.pop('MASTER_PORT')}")
        rpc.init_rpc(NAME, rank=RANK, world_size=2, rpc_backend_options=options)
        assert rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 2)).tolist() == [3, 3]
        rpc.shutdown()
        # Once more in the same process.
        """,
    )
