"""Bad input: each case is an error that names what was wrong and where, and nothing is lost."""
import socket
import time

import pytest

from cluster import Cluster, free_port, run

RAISES = """
        def raises(kind, f, *words):
            try:
                f()
            except kind as error:
                text = str(error) + " ".join(getattr(error, "__notes__", []))
                for word in words:
                    assert word in text, (word, text)
                return error
            raise SystemExit(f"no error; expected {kind} with {words}")
"""


def test_an_unknown_worker_is_named_with_the_known_ones():
    run(
        2,
        RAISES
        + """
        rpc.init_rpc(NAME)
        raises(ValueError, lambda: rpc.rpc_sync("worker7", torch.add, args=(1, 2)), "worker7", "worker0", "worker1")
        raises(ValueError, lambda: rpc.rpc_async("nobody", torch.add, args=(1, 2)), "nobody")
        raises(ValueError, lambda: rpc.remote("nobody", torch.add, args=(1, 2)), "nobody")
        raises(ValueError, lambda: rpc.get_worker_info("nobody"), "nobody")
        rpc.shutdown()
        """,
    )


def test_a_callees_exception_keeps_type_args_and_text_and_shows_the_remote_traceback():
    run(
        2,
        RAISES
        + """
        class Special(Exception):
            def __init__(self, code, what):
                super().__init__(code, what)
                self.code = code
            def __str__(self):
                return f"special {self.code}"
        class Unpicklable(ValueError):
            def __init__(self, what):
                super().__init__(what)
                self.lock = threading.Lock()
        def fails(kind, *args):
            raise kind(*args)
        @rpc.functions.async_execution
        def fails_later(text):
            f = torch.futures.Future()
            return rpc.rpc_async("worker0", torch.add, args=(1, 1)).then(lambda g: fails(KeyError, text))
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                e = raises(ValueError, lambda: rpc.rpc_sync(to, fails, args=(ValueError, "foo", 3)), "foo")
                assert type(e) is ValueError and e.args == ("foo", 3), e.args
                e = raises(Special, lambda: rpc.rpc_sync(to, fails, args=(Special, 7, "x")))
                assert e.args == (7, "x") and e.code == 7 and str(e) == "special 7"
                e = raises(KeyError, lambda: rpc.rpc_sync(to, fails, args=(KeyError, "k")))
                assert e.args == ("k",)
                e = raises(ValueError, lambda: rpc.rpc_sync(to, fails, args=(Unpicklable, "u")), "u")
                raises(KeyError, lambda: rpc.rpc_sync(to, fails_later, args=("later",)), "later")
                raises(ZeroDivisionError, lambda: rpc.rpc_sync(to, divmod, args=(1, 0)))
            e = raises(ValueError, lambda: rpc.rpc_sync("worker1", fails, args=(ValueError, "foo")), "worker1")
            assert "in fails" in str(e.__cause__), e.__cause__
            e = raises(RuntimeError, lambda: rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), torch.ones(3))), "2", "3")
            rref = rpc.remote("worker1", fails, args=(ValueError, "behind"))
            raises(ValueError, lambda: rref.to_here(), "behind")
            raises(AttributeError, lambda: rpc.remote("worker1", dict).rpc_sync().no_such_method(), "no_such_method")
        rpc.shutdown()
        """,
    )


def test_a_function_that_the_callee_does_not_have_is_named():
    run(
        2,
        RAISES
        + """
        if RANK == 0:
            def only_here():
                return 1
        rpc.init_rpc(NAME)
        if RANK == 0:
            raises(AttributeError, lambda: rpc.rpc_sync("worker1", only_here), "only_here", "this worker does not have")
        rpc.shutdown()
        """,
    )


def test_an_argument_that_cannot_be_pickled_is_an_error_at_the_caller():
    run(
        2,
        RAISES
        + """
        sys.modules["cloudpickle"] = None  # else lambdas travel
        def takes(x):
            return 1
        rpc.init_rpc(NAME)
        if RANK == 0:
            raises(TypeError, lambda: rpc.rpc_sync("worker1", takes, args=(threading.Lock(),)), "pickle", "takes")
            raises(Exception, lambda: rpc.rpc_sync("worker1", lambda: 1), "at the top level", "tine.jit.script")
            def maker():
                def inner():
                    return 1
                return inner
            raises(Exception, lambda: rpc.rpc_sync("worker1", maker()), "at the top level")
            # The result likewise, and the connection lives on.
            raises(TypeError, lambda: rpc.rpc_sync("worker1", threading.Lock), "pickle")
            assert rpc.rpc_sync("worker1", takes, args=(1,)) == 1
        rpc.shutdown()
        """,
    )


def test_wrong_arguments_of_an_operator_say_what_was_expected():
    run(
        2,
        RAISES
        + """
        rpc.init_rpc(NAME)
        if RANK == 0:
            raises(TypeError, lambda: rpc.rpc_sync("worker1", torch.add, args=("a", [])), "aten::add")
            raises(TypeError, lambda: rpc.rpc_sync("worker1", torch.add, args=(1, 2), kwargs={"betta": 1}), "betta")
            raises(TypeError, lambda: rpc.rpc_sync("worker1", 5), "5")
            raises(TypeError, lambda: rpc.rpc_sync("worker1", torch.add, args=torch.ones(2)), "tuple")
            raises(TypeError, lambda: rpc.rpc_sync("worker1", torch.add, args=(1, 2), kwargs=[1]), "dict")
        rpc.shutdown()
        """,
    )


def test_a_call_that_takes_too_long_names_worker_call_and_time():
    run(
        2,
        RAISES
        + """
        def slow():
            time.sleep(3)
        rpc.init_rpc(NAME)
        if RANK == 0:
            began = time.monotonic()
            raises(TimeoutError, lambda: rpc.rpc_sync("worker1", slow, timeout=0.3), "worker1", "slow")
            assert time.monotonic() - began < 2
        rpc.shutdown()
        """,
    )


def test_calls_before_init_and_after_shutdown_are_refused():
    run(
        1,
        RAISES
        + """
        raises(RuntimeError, lambda: rpc.rpc_sync("worker0", torch.add, args=(1, 2)), "init_rpc")
        rpc.init_rpc(NAME)
        raises(RuntimeError, lambda: rpc.init_rpc(NAME), "already")
        rpc.shutdown()
        raises(RuntimeError, lambda: rpc.rpc_sync("worker0", torch.add, args=(1, 2)), "shut down")
        raises(RuntimeError, lambda: rpc.RRef(1), "shut down")
        rpc.shutdown()
        """,
    )


def test_a_duplicate_name_or_rank_is_refused_and_names_both():
    with Cluster(
        2,
        RAISES
        + """
        options = rpc.TensorPipeRpcBackendOptions(init_timeout=5)
        raises((RuntimeError, ValueError), lambda: rpc.init_rpc("same", rpc_backend_options=options), "same" if RANK else "")
        print("refused", flush=True)
        """,
    ) as cluster:
        results = cluster.finish(40)
        assert "refused" in results[1][1], results


def test_an_address_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run(
            1,
            RAISES
            + """
            raises((RuntimeError, OSError), lambda: rpc.init_rpc(NAME, rank=0, world_size=2), os.environ["MASTER_PORT"], "in use")
            """.replace("            raises", "        raises"),
            env={"MASTER_PORT": str(port)},
        )


def test_an_unreachable_address_is_named_after_the_timeout():
    port = free_port()
    began = time.monotonic()
    run(
        1,
        RAISES
        + """
        options = rpc.TensorPipeRpcBackendOptions(init_timeout=1.5)
        raises((TimeoutError, RuntimeError), lambda: rpc.init_rpc("w1", rank=1, world_size=2, rpc_backend_options=options), os.environ["MASTER_PORT"])
        """,
        env={"MASTER_PORT": str(port)},
    )
    assert time.monotonic() - began < 20


def test_a_missing_worker_is_named():
    run(
        1,
        RAISES
        + """
        options = rpc.TensorPipeRpcBackendOptions(init_timeout=1.0)
        raises(TimeoutError, lambda: rpc.init_rpc("w0", rank=0, world_size=2, rpc_backend_options=options), "1")
        """,
    )


def test_a_wrong_secret_is_refused_and_both_sides_say_so():
    with Cluster(
        2,
        """
        options = rpc.TensorPipeRpcBackendOptions(init_timeout=4)
        try:
            rpc.init_rpc(NAME, rpc_backend_options=options)
            print("connected", flush=True)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
        """,
        per_rank_env={1: {"TINE_AUTH_KEY": "quite another secret"}},
    ) as cluster:
        (_, out0, err0), (_, out1, err1) = cluster.finish(40)
        assert "connected" not in out0 + out1
        assert "secret" in out1, out1 + err1
        assert "secret" in out0 + err0, out0 + err0


@pytest.mark.parametrize(
    "call, words",
    [
        ('rpc.init_rpc("w", rank=0, world_size=1, rpc_backend_options=5)', "rpc_backend_options"),
        ('rpc.init_rpc("w", backend="gloo", rank=0, world_size=1)', "backend"),
        ('rpc.init_rpc("w", rank=3, world_size=2)', "rank"),
        ('rpc.init_rpc("", rank=0, world_size=1)', "name"),
        (
            'rpc.init_rpc("w", rank=0, world_size=1, rpc_backend_options=rpc.RpcBackendOptions(init_method="nfs:x"))',
            "init_method",
        ),
    ],
)
def test_bad_options_are_named(call, words):
    run(
        1,
        RAISES
        + f"""
        raises((TypeError, ValueError), lambda: {call}, {words!r})
        """,
    )


def test_missing_environment_is_named():
    run(
        1,
        RAISES
        + """
        del os.environ["MASTER_PORT"]
        raises(ValueError, lambda: rpc.init_rpc(NAME), "MASTER_PORT")
        """,
    )


def test_the_help_of_an_rref_names_what_can_be_imported():
    import pydoc

    from tine.distributed import rpc

    text = pydoc.render_doc(rpc.RRef, renderer=pydoc.plaintext)
    assert "_C" not in text and "to_here(self, /, timeout=-1.0)" in text, text
    assert rpc.RRef.__module__ == rpc.WorkerInfo.__module__ == "tine.distributed.rpc"
