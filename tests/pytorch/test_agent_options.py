"""Options and timeouts: what may be written in them, and what the environment says where they say nothing."""

import math
import os
import time

import pytest
import torch.distributed.rpc as rpc
from agent_world import init, run

import tine
import tine.pytorch
from tine.pytorch._backend import agent_arguments

BAD = (math.nan, -0.5, -math.inf)


@pytest.mark.parametrize("option", ["rpc_timeout", "heartbeat_interval", "heartbeat_timeout"])
@pytest.mark.parametrize("value", BAD)
def test_seconds_that_are_none_are_refused_by_name_and_value(option, value):
    with pytest.raises(ValueError, match=f"{option}: expected seconds.*{value}"):
        tine.pytorch.TineRpcBackendOptions(**{option: value})


@pytest.mark.parametrize("value", [math.inf, 1e300])
def test_more_seconds_than_a_century_are_a_century(value):
    options = tine.pytorch.TineRpcBackendOptions(rpc_timeout=value, heartbeat_interval=value, heartbeat_timeout=value)
    assert 2.9e9 < options.rpc_timeout < 3.2e9
    assert options.heartbeat_interval == options.heartbeat_timeout == 3e9


def _timeouts(rank, world_size, path):
    init(rank, world_size, path, rpc_timeout=math.inf, heartbeat_interval=math.inf)
    me = f"w{rank}"
    for bad in (*BAD, -2.0):
        for to in (me, f"w{1 - rank}"):
            with pytest.raises(ValueError, match=f"timeout: expected seconds.*got {bad:g}"):
                rpc.rpc_async(to, max, args=(1, 2), timeout=bad)
        with pytest.raises(ValueError, match="timeout: expected seconds"):
            rpc.api._get_current_rpc_agent().join(timeout=bad)
    for good in (math.inf, 1e30, 3e9, 60.0, 0, -1.0):  # -1: none given
        assert rpc.rpc_sync(f"w{1 - rank}", max, args=(1, 2), timeout=good) == 2
    with pytest.raises(RuntimeError, match="more than set timeout .1 ms"):
        rpc.rpc_sync(me, time.sleep, args=(0.2,), timeout=1e-6)
    rpc._set_rpc_timeout(-3)
    with pytest.raises(ValueError, match="-3000 ms"):
        rpc.rpc_async(me, max, args=(1, 2))
    rpc._set_rpc_timeout(60)
    rpc.shutdown()


def test_timeouts_of_calls_that_are_none_are_refused_and_long_ones_taken():
    run(_timeouts, 2)


def _changed_later(rank, world_size, path):
    kind, opts = rpc.BackendType.TINE, tine.pytorch.TineRpcBackendOptions(init_method=f"file://{path}")
    opts.heartbeat_timeout = math.nan
    with pytest.raises(ValueError, match="heartbeat_timeout: expected seconds.*nan"):
        rpc.init_rpc("w0", backend=kind, rank=0, world_size=1, rpc_backend_options=opts)
    assert not rpc._is_current_rpc_agent_set()


def test_options_that_were_changed_after_they_were_made_are_looked_at_when_rpc_starts():
    run(_changed_later, 1)


# ---- the environment


@pytest.mark.parametrize("make", [tine.pytorch.TineRpcBackendOptions, rpc.TensorPipeRpcBackendOptions])
def test_the_environment_says_where_to_listen_and_whether_plain_text_may_leave_the_machine(monkeypatch, make):
    from tine.pytorch._backend import own_options

    def arguments(**options):
        return agent_arguments(own_options(make(**options)))

    monkeypatch.delenv("TINE_HOST", raising=False)
    monkeypatch.delenv("TINE_PLAINTEXT", raising=False)
    assert (arguments()["host"], arguments()["plaintext_beyond_loopback"]) == ("", False)
    monkeypatch.setenv("TINE_HOST", "192.0.2.1")
    monkeypatch.setenv("TINE_PLAINTEXT", "1")
    assert (arguments()["host"], arguments()["plaintext_beyond_loopback"]) == ("192.0.2.1", True)
    monkeypatch.setenv("TINE_PLAINTEXT", "yes")
    assert arguments()["plaintext_beyond_loopback"] is False  # as for tine's own RPC


def test_what_the_program_says_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("TINE_HOST", "192.0.2.1")
    monkeypatch.setenv("TINE_PLAINTEXT", "1")
    options = tine.pytorch.TineRpcBackendOptions(host="localhost", plaintext_beyond_loopback=False)
    arguments = agent_arguments(options)
    assert (arguments["host"], arguments["plaintext_beyond_loopback"]) == ("localhost", False)


def _beyond(rank, world_size, path, plaintext):
    os.environ["TINE_HOST"] = "192.0.2.1"  # nobody's: reserved for examples
    os.environ["TINE_PLAINTEXT"] = plaintext
    if plaintext == "1":
        with pytest.raises(RuntimeError, match="cannot listen on"):
            init(0, 1, path)
    else:
        with pytest.raises(tine.AuthError, match="TINE_PLAINTEXT=1"):
            init(0, 1, path)


@pytest.mark.parametrize("plaintext", ["", "1"])
def test_an_address_beyond_loopback_takes_a_word_in_the_environment(plaintext):
    run(_beyond, 1, plaintext)
