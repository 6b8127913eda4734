"""RRef.rpc_sync(), rpc_async() and remote(): every method by its name, those with two underscores too."""
from cluster import run


def test_methods_with_two_underscores_are_called_like_others():
    run(
        2,
        """
        class Net:
            def __init__(self): self.items = [10, 20, 30]
            def __call__(self, x, *, k=1): return x + k
            def __len__(self): return 3
            def __getitem__(self, i): return self.items[i]
            def __setitem__(self, i, v): self.items[i] = v
            def __contains__(self, v): return v in self.items
            def __enter__(self): return "in"
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                net = rpc.remote(to, Net)
                for name, args, right in (("__len__", (), 3), ("__getitem__", (1,), 20), ("__contains__", (30,), True), ("__enter__", (), "in"), ("__call__", (1,), 2)):
                    assert getattr(net.rpc_sync(), name)(*args) == right
                    assert getattr(net.rpc_async(), name)(*args).wait() == right
                    assert getattr(net.remote(), name)(*args).to_here() == right
                assert net.rpc_sync().__call__(torch.ones(2), k=2).tolist() == [3, 3]
                net.rpc_sync().__setitem__(0, 5)
                assert net.rpc_sync().__getitem__(0) == 5
        rpc.shutdown()
        """,
    )


def test_a_proxy_that_is_called_or_asked_for_what_is_not_there_says_what_to_write():
    run(
        2,
        """
        class Net:
            def forward(self, x): return x
            def other(self): return 1
            _hidden = 3
            @property
            def broken(self): raise AttributeError("from inside the property")
        def raises(kind, f, *words):
            try: f()
            except kind as error:
                for word in words: assert word in str(error), (word, str(error))
            else: raise SystemExit(words)
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker0", "worker1"):
                net = rpc.remote(to, Net)
                for how in ("rpc_sync", "rpc_async", "remote"):
                    raises(TypeError, lambda: getattr(net, how)()(1), "not callable", f"rref.{how}().forward(x)", "__call__")
                raises(AttributeError, lambda: net.rpc_sync().foward(1), "no attribute 'foward'", "forward, other")
                raises(AttributeError, lambda: net.rpc_async().foward(1).wait(), "no attribute 'foward'", "forward, other")
                raises(AttributeError, lambda: net.remote().foward(1).to_here(), "no attribute 'foward'", "forward, other")
                raises(AttributeError, lambda: net.rpc_sync().__len__(), "no attribute '__len__'", "forward, other")
                raises(AttributeError, lambda: net.rpc_sync().broken(), "from inside the property")
                raises(AttributeError, lambda: rpc.remote(to, int, args=(5,)).rpc_sync().nope(), "'int' object has no attribute 'nope'", "bit_length")
                import copy
                copy.copy(net.rpc_sync())
                for probe in ("__deepcopy__", "__wrapped__"):
                    raises(AttributeError, lambda: getattr(net.rpc_sync(), probe), probe, "call a function")
        rpc.shutdown()
        """,
    )
