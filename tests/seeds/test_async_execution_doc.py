"""torch.distributed.rpc.functions.async_execution: each example of its document, and each sentence that promises."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "rpc"))
from cluster import run  # noqa: E402

def test_the_future_of_then_is_the_reply():
    out = run(
        3,
        """
        @rpc.functions.async_execution
        def async_add_chained(to, x, y, z):
            # This function runs on "worker1" and returns immediately when
            # the callback is installed through the `then(cb)` API. In the
            # mean time, the `rpc_async` to "worker2" can run concurrently.
            # When the return value of that `rpc_async` arrives at
            # "worker1", "worker1" will run the lambda function accordingly
            # and set the value for the previously returned `Future`, which
            # will then trigger RPC to send the result back to "worker0".
            return rpc.rpc_async(to, torch.add, args=(x, y)).then(
                lambda fut: fut.wait() + z
            )

        rpc.init_rpc(NAME)
        if RANK == 0:
            ret = rpc.rpc_sync(
                "worker1",
                async_add_chained,
                args=("worker2", torch.ones(2), 1, 1)
            )
            print(ret)  # prints tensor([3., 3.])
        rpc.shutdown()
        """,
    )
    assert out[0] == "tensor([3., 3.])\n"


def test_the_decorator_is_the_outermost_one_over_script():
    out = run(
        3,
        """
        from tine import Tensor
        from tine.futures import Future

        @torch.jit.script
        def script_add(x: Tensor, y: Tensor) -> Tensor:
            return x + y

        @rpc.functions.async_execution
        @torch.jit.script
        def async_add(to: str, x: Tensor, y: Tensor) -> Future[Tensor]:
            return rpc.rpc_async(to, script_add, (x, y))

        rpc.init_rpc(NAME)
        if RANK == 0:
            ret = rpc.rpc_sync(
                "worker1",
                async_add,
                args=("worker2", torch.ones(2), 1)
            )
            print(ret)  # prints tensor([2., 2.])
        rpc.shutdown()
        """,
    )
    assert out[0] == "tensor([2., 2.])\n"


CLASS = """
        class AsyncExecutionClass:

            @staticmethod
            @rpc.functions.async_execution
            def static_async_add(to, x, y, z):
                return rpc.rpc_async(to, torch.add, args=(x, y)).then(
                    lambda fut: fut.wait() + z
                )

            @classmethod
            @rpc.functions.async_execution
            def class_async_add(cls, to, x, y, z):
                ret_fut = torch.futures.Future()
                rpc.rpc_async(to, torch.add, args=(x, y)).then(
                    lambda fut: ret_fut.set_result(fut.wait() + z)
                )
                return ret_fut

            @rpc.functions.async_execution
            def bound_async_add(self, to, x, y, z):
                return rpc.rpc_async(to, torch.add, args=(x, y)).then(
                    lambda fut: fut.wait() + z
                )
"""


def test_the_decorator_is_the_inner_one_of_static_and_class_methods():
    out = run(
        3,
        CLASS
        + """
        rpc.init_rpc(NAME)
        if RANK == 0:
            ret = rpc.rpc_sync(
                "worker1",
                AsyncExecutionClass.static_async_add,
                args=("worker2", torch.ones(2), 1, 2)
            )
            print(ret)  # prints tensor([4., 4.])

            ret = rpc.rpc_sync(
                "worker1",
                AsyncExecutionClass.class_async_add,
                args=("worker2", torch.ones(2), 1, 2)
            )
            print(ret)  # prints tensor([4., 4.])
        rpc.shutdown()
        """,
    )
    assert out[0] == "tensor([4., 4.])\n" * 2


def test_it_works_with_the_helpers_of_rref():
    out = run(
        3,
        CLASS
        + """
        rpc.init_rpc(NAME)
        if RANK == 0:
            rref = rpc.remote("worker1", AsyncExecutionClass)
            ret = rref.rpc_sync().static_async_add("worker2", torch.ones(2), 1, 2)
            print(ret)  # prints tensor([4., 4.])

            rref = rpc.remote("worker1", AsyncExecutionClass)
            ret = rref.rpc_async().static_async_add("worker2", torch.ones(2), 1, 2).wait()
            print(ret)  # prints tensor([4., 4.])

            rref = rpc.remote("worker1", AsyncExecutionClass)
            ret = rref.remote().static_async_add("worker2", torch.ones(2), 1, 2).to_here()
            print(ret)  # prints tensor([4., 4.])

            print(rref.rpc_sync().class_async_add("worker2", torch.ones(2), 1, 2))
            print(rref.rpc_sync().bound_async_add("worker2", torch.ones(2), 1, 2))
        rpc.shutdown()
        """,
    )
    assert out[0] == "tensor([4., 4.])\n" * 5


def test_a_result_that_is_no_future_is_refused_by_name():
    run(
        2,
        """
        @rpc.functions.async_execution
        def no_future():
            return 5
        rpc.init_rpc(NAME)
        if RANK == 0:
            try:
                rpc.rpc_sync("worker1", no_future)
                raise SystemExit("no error")
            except TypeError as error:
                text = str(error)
                assert "no_future" in text and "torch.futures.Future" in text and "int" in text, text
        rpc.shutdown()
        """,
    )


def test_a_future_is_never_sent_on_any_path():
    run(
        2,
        """
        def undecorated():
            return torch.futures.Future()
        def inside():
            return {"x": [torch.futures.Future()]}
        def takes(x):
            return 1
        @rpc.functions.async_execution
        def future_of_future():
            outer = torch.futures.Future()
            outer.set_result([torch.futures.Future()])
            return outer
        def refused(f, *args):
            try:
                f(*args)
            except (TypeError, RuntimeError) as error:
                assert "Can not pickle torch.futures.Future" in str(error), error
            else:
                raise SystemExit(f"no error from {f} {args}")
        rpc.init_rpc(NAME)
        if RANK == 0:
            for to in ("worker1", "worker0"):
                refused(rpc.rpc_sync, to, undecorated)
                refused(rpc.rpc_sync, to, inside)
                refused(rpc.rpc_sync, to, takes, (torch.futures.Future(),))
                refused(rpc.rpc_sync, to, takes, ([torch.futures.Future()],))
                refused(rpc.rpc_sync, to, torch.add, (torch.futures.Future(), 1))
                refused(rpc.rpc_sync, to, future_of_future)
        rpc.shutdown()
        """,
    )


def test_the_callee_holds_no_thread_while_the_future_is_pending():
    run(
        2,
        """
        waiting = []
        @rpc.functions.async_execution
        def pause():
            waiting.append(torch.futures.Future())
            return waiting[-1]
        def resume():
            for i, f in enumerate(waiting):
                f.set_result(i)
            return len(waiting)
        def count():
            return len(waiting)
        def os_threads():
            return len(os.listdir("/proc/self/task"))
        rpc.init_rpc(NAME)
        if RANK == 0:
            futures = [rpc.rpc_async("worker1", pause) for _ in range(1000)]
            while rpc.rpc_sync("worker1", count) < 1000:
                pass
            assert rpc.rpc_sync("worker1", os_threads) < 40
            assert rpc.rpc_sync("worker1", resume) == 1000
            assert sorted(f.wait() for f in futures) == list(range(1000))
        rpc.shutdown()
        """,
    )


def test_the_attribute_and_functools_wraps():
    import tine.distributed.rpc as rpc

    def f(x):
        """doc"""
        return x

    wrapped = rpc.functions.async_execution(f)
    assert wrapped._wrapped_async_rpc_function is f
    assert wrapped.__name__ == "f" and wrapped.__doc__ == "doc" and wrapped.__wrapped__ is f
    assert wrapped(3) == 3
