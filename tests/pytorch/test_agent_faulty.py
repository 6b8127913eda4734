"""The variant of the agent that drops and delays messages."""

import time

import pytest
import torch
import torch.distributed.rpc as rpc
from agent_world import run


def add(x, y):
    return x + y


def _init(rank, world_size, path, **faults):
    import tine.pytorch.faulty as faulty

    rpc.init_rpc(
        f"w{rank}", backend=rpc.BackendType.FAULTY_TINE, rank=rank, world_size=world_size,
        rpc_backend_options=faulty.FaultyTineRpcBackendOptions(init_method=f"file://{path}", **faults),
    )  # fmt: skip


def _fails(rank, world_size, path):
    _init(rank, world_size, path, messages_to_fail=["PYTHON_CALL"], num_fail_sends=2)
    if rank == 0:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="RPCErr:2:Send attempt failed intentionally"):
                rpc.rpc_sync("w0", add, args=(3, 4))
        assert rpc.rpc_sync("w0", add, args=(3, 4)) == 7
        assert rpc.rpc_sync("w0", torch.add, args=(torch.ones(1), 1)).item() == 2
        with pytest.raises(RuntimeError, match="failed intentionally"):
            rpc.rpc_sync("w0", add, args=(5, 6))
    rpc.shutdown(graceful=False)


def test_messages_of_a_type_fail_so_many_times_each():
    run(_fails, 1)


def _retries(rank, world_size, path):
    _init(rank, world_size, path, messages_to_fail=["RREF_USER_DELETE", "RREF_FORK_REQUEST"], num_fail_sends=1)
    if rank == 0:
        rref = rpc.remote("w1", add, args=(torch.ones(2), 1))
        assert rref.to_here().sum() == 4
        del rref
    rpc.shutdown()


def _delays(rank, world_size, path):
    _init(rank, world_size, path, messages_to_delay={"PYTHON_CALL": 0.5})
    if rank == 0:
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="RPC ran for more than"):
            rpc.rpc_sync("w1", add, args=(1, 2), timeout=0.1)
        assert rpc.rpc_sync("w1", add, args=(1, 2), timeout=60) == 3
        assert time.monotonic() - began >= 1.0
    rpc.shutdown()


def _unknown(rank, world_size, path):
    with pytest.raises(ValueError, match='No such message type: "PYTHON_CALLS"'):
        _init(rank, world_size, path, messages_to_fail=["PYTHON_CALLS"])


def test_retried_messages_that_fail_come_through_in_the_end():
    run(_retries, 2)


def test_a_delayed_message_runs_into_its_timeout():
    run(_delays, 2)


def test_a_message_type_that_is_none_is_refused():
    run(_unknown, 1)
