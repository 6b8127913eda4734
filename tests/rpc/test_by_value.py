"""Lambdas and local functions: their code is sent where cloudpickle is installed, and refused with words where it is not."""
import pytest

from cluster import PREAMBLE, run

LAMBDAS = PREAMBLE + """
def local(k):
    def inside(x): return x * k
    class Holder:
        def __init__(self, n): self.n = n
        def add(self, m): return self.n + m + k
    return inside, Holder
def later():
    async def inside(x): return x + 1
    return inside
class Known: pass
def is_known(x): return type(x) is Known
def call_it(f, x): return f(x)
def make(k): return lambda x: x + k
"""


def test_their_code_is_sent_by_cloudpickle_also_as_arguments_and_results():
    pytest.importorskip("cloudpickle")
    run(
        2,
        """
        rpc.init_rpc(NAME)
        if RANK == 0:
            inside, Holder = local(10)
            weights = torch.ones(1000)
            for to in ("worker0", "worker1"):
                assert rpc.rpc_sync(to, lambda x, y=2: x + y, args=(1,)) == 3
                assert rpc.rpc_sync(to, inside, args=(4,)) == 40
                assert rpc.rpc_sync(to, lambda x: (weights * x).tolist()[0], args=(3,)) == 3
                assert rpc.remote(to, Holder, args=(1,)).rpc_sync().add(2) == 13
                assert rpc.rpc_sync(to, call_it, args=(lambda x: x * 2, 4)) == 8
                assert rpc.rpc_sync(to, make, args=(5,))(1) == 6
                big = bytes(200_000)
                assert rpc.rpc_sync(to, lambda x: len(x["b"]), args=({"b": big},)) == 200_000
                # What has a name is still sent by it.
                assert rpc.rpc_sync(to, call_it, args=(lambda x: is_known(x), Known()))
                assert rpc.rpc_sync(to, later(), args=(1,)) == 2
                try: rpc.rpc_sync(to, lambda f: f, args=(torch.futures.Future(),))
                except TypeError as error: assert "Future" in str(error)
                else: raise SystemExit("sent")
        rpc.shutdown()
        """,
        preamble=LAMBDAS,
    )


def test_without_cloudpickle_they_are_refused_and_the_error_says_what_to_do():
    run(
        2,
        """
        sys.modules["cloudpickle"] = None
        rpc.init_rpc(NAME)
        if RANK == 0:
            for f in (lambda x: x, local(1)[0]):
                try: rpc.rpc_sync("worker1", f, args=(1,))
                except Exception as error:
                    notes = "\\n".join(error.__notes__)
                    assert "by name" in notes and "install cloudpickle on both workers" in notes, notes
                else: raise SystemExit("sent")
        rpc.shutdown()
        """,
        preamble=LAMBDAS,
    )


def test_a_callee_without_cloudpickle_says_that_it_has_none():
    pytest.importorskip("cloudpickle")
    run(
        2,
        """
        if RANK: sys.modules["cloudpickle"] = None
        rpc.init_rpc(NAME)
        if RANK == 0:
            try: rpc.rpc_sync("worker1", lambda x: x, args=(1,))
            except ImportError as error:
                assert "cloudpickle" in str(error) and any("install cloudpickle on this worker" in n for n in error.__notes__), error.__notes__
            else: raise SystemExit("sent")
        rpc.shutdown()
        """,
        preamble=LAMBDAS,
    )
