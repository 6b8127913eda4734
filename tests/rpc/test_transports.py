"""The list of transports that a worker is given: which are used, and what is refused."""
import pytest

from cluster import run
from tine.distributed import rpc


@pytest.mark.parametrize("transports", ['("tcp",)', '("unix", "tcp")', '("shm", "tcp")', '["tcp", "unix"]'])
def test_workers_talk_over_the_transports_that_they_were_given(transports):
    run(
        2,
        f"""
        options = rpc.TensorPipeRpcBackendOptions(transports={transports})
        assert options.transports == list({transports})
        rpc.init_rpc(NAME, rpc_backend_options=options)
        assert rpc.rpc_sync(f"worker{{1 - RANK}}", torch.add, args=(torch.ones(2), 2)).tolist() == [3, 3]
        rpc.shutdown()
        """,
    )


def test_workers_of_different_lists_use_what_they_have_in_common():
    run(
        2,
        """
        transports = ["tcp"] if RANK == 0 else ["tcp", "unix"]
        options = rpc.RpcBackendOptions(transports=transports)
        rpc.init_rpc(NAME, rpc_backend_options=options)
        assert rpc.rpc_sync(f"worker{1 - RANK}", torch.add, args=(torch.ones(2), 2)).tolist() == [3, 3]
        rpc.shutdown()
        """,
    )


@pytest.mark.parametrize(
    "transports, words",
    [
        (["rdma"], "there is no transport 'rdma': expected 'shm', 'unix' or 'tcp'"),
        (["tcp", "tcp"], "the transport 'tcp' is named twice"),
        ([], "no transport is named"),
        (["unix"], "is not an address of a transport that this worker has: expected one that begins with unix:"),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_what_was_expected(transports, words):
    options = rpc.RpcBackendOptions(init_method="tcp://127.0.0.1:1", transports=transports)
    with pytest.raises(ValueError, match=words):
        rpc.init_rpc("w", rank=0, world_size=2, rpc_backend_options=options)


def test_names_have_to_be_texts():
    with pytest.raises(TypeError, match="transports: expected a list of names"):
        rpc.RpcBackendOptions(transports=[1])
