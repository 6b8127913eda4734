"""Who comes to a world while others wait, die, or are no friends; and Ctrl-C while it waits."""

import os
import signal
import threading
import time

import pytest
import torch
import torch.distributed.rpc as rpc
from agent_world import init, run

import tine

STORE_WAIT = 60


def wait_for(path, name):
    until = time.monotonic() + STORE_WAIT
    while not os.path.exists(f"{path}.{name}"):
        assert time.monotonic() < until, f"nobody said {name}"
        time.sleep(0.005)
    with open(f"{path}.{name}") as file:
        return file.read()


def say(path, name, what=""):
    with open(f"{path}.{name}.new", "w") as file:
        file.write(what)
    os.rename(f"{path}.{name}.new", f"{path}.{name}")


def names():
    return sorted(w.name for w in rpc.api._get_current_rpc_agent().get_worker_infos())


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def after(module, name, action):
    """Has a function of a module be followed by another that gets its arguments."""
    before = getattr(module, name)

    def both(*args):
        result = before(*args)
        action(*args)
        return result

    setattr(module, name, both)


# ---- refusals


def _other_protocol(rank, world_size, path):
    from tine.pytorch import _agent_class, _build

    if rank == 0:
        init(0, None, path)
        say(path, "first")
        wait_for(path, "refused")
        rpc.shutdown()
        return None
    wait_for(path, "first")
    attempts = []
    after(_agent_class.Agent, "connect", lambda *_: None)
    connect = _agent_class.Agent.connect
    _agent_class.Agent.connect = lambda *args: (attempts.append(1), connect(*args))
    _build.protocol = lambda: "torch.distributed.rpc of torch 0.1"
    began = time.monotonic()
    with pytest.raises(tine.ValueError, match="torch 0.1.*both must speak the same"):
        init(1, None, path)
    took = time.monotonic() - began
    say(path, "refused")
    return len(attempts), took


def test_a_worker_that_is_refused_is_told_at_once_and_asks_no_second_time():
    attempts, took = run(_other_protocol, 2)[1]
    assert attempts == 1 and took < 10  # the time to meet is a minute


def _secrets(rank, world_size, path):
    began = time.monotonic()
    with pytest.raises(tine.AuthError, match="secret") as error:
        init(rank, world_size, path, secret=f"key of {rank}" * 4)
    assert f"w{1 - rank}" in str(error.value)
    return time.monotonic() - began


def test_both_of_two_workers_with_different_secrets_are_told_and_the_other_is_named():
    assert max(run(_secrets, 2)) < 20  # the time to meet is a minute


def _claims_a_name(rank, world_size, path):
    """Rank 0 hears of a w1 with another secret before w1 has come."""
    from tine.pytorch import _agent_class, _group

    if rank == 2:
        # A stranger: it reaches the store, and calls itself w1.
        import torch.distributed as dist

        store = dist.PrefixStore("rpc_prefix_0", dist.FileStore(path, -1))
        card = store.get("tine/card/0").decode()
        stranger = _agent_class.Agent(
            name="w1", id=1, world_size=2, **_arguments(secret="a stranger's secret"),
        )  # fmt: skip
        with pytest.raises(tine.AuthError):
            stranger.connect(card, 10.0)
        stranger.shutdown()
        say(path, "refused")
        return
    if rank == 1:
        wait_for(path, "refused")
    else:
        _group._EXPECTED_WITHIN = 30.0
    init(rank, 2, path)
    assert rpc.rpc_sync(f"w{1 - rank}", max, args=(1, 2)) == 2
    rpc.shutdown()


def _arguments(**options):
    from tine.pytorch._backend import TineRpcBackendOptions, agent_arguments

    return agent_arguments(TineRpcBackendOptions(**options))


def test_a_stranger_that_calls_itself_like_a_worker_keeps_no_world_from_starting():
    run(_claims_a_name, 3)


# ---- the token of those who come and go


def _dies_with_the_token(rank, world_size, path, leaving):
    from tine.pytorch import _group

    if rank == 0:
        init(0, None, path)
        say(path, "first")
        wait_for(path, "third")
        assert names() == ["w0", "w2"]
        say(path, "seen")
        wait_for(path, "third left")
        began = time.monotonic()
        rpc.shutdown()
        return time.monotonic() - began
    wait_for(path, "first")
    if rank == 1:
        if leaving:
            init(1, None, path)
            _group.leave = lambda *_: (say(path, "held"), die())
            rpc.shutdown()
        else:
            _group._enter = lambda *_: (say(path, "held"), die())
            init(1, None, path)
    wait_for(path, "held")
    began = time.monotonic()
    init(2, None, path)
    took = time.monotonic() - began
    say(path, "third")
    wait_for(path, "seen")
    rpc.shutdown()
    say(path, "third left")
    return took


@pytest.mark.parametrize("leaving", [False, True], ids=["coming", "leaving"])
def test_the_token_of_a_worker_that_was_killed_is_taken_back(leaving):
    took = run(_dies_with_the_token, 3, leaving, expect_death={1})
    assert took[2] < 15 and took[0] < 15  # the timeout of RPC is a minute


def _stops_with_the_token(rank, world_size, path):
    from tine.pytorch import _group

    if rank == 0:
        _group._enter = lambda *_: (say(path, "pid", str(os.getpid())), os.kill(os.getpid(), signal.SIGSTOP))
        init(0, None, path)
    pid = int(wait_for(path, "pid"))
    _group.LEAST_MEETING_TIME = 1.0
    try:
        with pytest.raises(_group.MeetingError, match="'w1' waited 1.0 s for its turn.*Token_for_w0_join was not"):
            init(1, None, path, rpc_timeout=1.0)
    finally:
        os.kill(pid, signal.SIGKILL)
    assert not rpc._is_current_rpc_agent_set()


def test_a_token_that_a_stopped_worker_holds_is_waited_for_in_bounds_and_its_holder_named():
    run(_stops_with_the_token, 2, expect_death={0})


# ---- deaths of others


def _dies_beside(rank, world_size, path, when):
    from tine.pytorch import _group

    if rank == 0:
        init(0, None, path)
        say(path, "first")
        wait_for(path, "third")
        assert names() == ["w0", "w2"]
        say(path, "seen")
        rpc.shutdown()
        return
    if rank == 1:
        wait_for(path, "first")
        init(1, None, path)
        say(path, "pid", str(os.getpid()))
        threading.Event().wait()
    pid = int(wait_for(path, "pid"))
    _, card = _card_of(path, 1)

    killed = []

    def kill(*args):
        # Behind the connection to it: the last of the two. Once: later its number may be another's.
        if killed or when == "connected" and args[1] != card:
            return
        killed.append(pid)
        os.kill(pid, signal.SIGKILL)

    after(_group, "_connect", kill) if when == "connected" else after(_group, "_write_list", kill)
    init(2, None, path)
    assert names() == ["w0", "w2"]
    until = time.monotonic() + 30
    while rpc.rpc_sync("w0", names) != ["w0", "w2"]:  # it sees the death for itself
        assert time.monotonic() < until
    assert sorted(_group._listed(rpc.api._get_current_rpc_agent().store)) == [0, 2]
    say(path, "third")
    wait_for(path, "seen")
    rpc.shutdown()


def _card_of(path, rank):
    import torch.distributed as dist

    store = dist.PrefixStore("rpc_prefix_0", dist.FileStore(path, -1))
    return store, store.get(f"tine/card/{rank}").decode()


@pytest.mark.parametrize("when", ["connected", "known"])
def test_who_comes_goes_on_without_a_member_that_dies_meanwhile(when):
    run(_dies_beside, 3, when, expect_death={1})


def _dies_of_all(rank, world_size, path):
    from tine.pytorch import _agent_class, _group

    if rank == 2:
        after(_agent_class.Agent, "connect", die)  # it has come to rank 0 alone
    if rank == 0:

        def seen(*args):
            until = time.monotonic() + 30
            while args[1] == "w2" and "w2" not in _group._gone:
                assert time.monotonic() < until
                time.sleep(0.005)

        after(_group, "_expect", seen)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="w2"):
        init(rank, world_size, path)
    assert not rpc._is_current_rpc_agent_set()
    return time.monotonic() - began


def test_a_world_of_a_size_does_not_start_without_a_member_that_died_and_names_it():
    took = run(_dies_of_all, 3, expect_death={2})
    assert max(took[:2]) < 30  # the time to meet is a minute


# ---- Ctrl-C


def _interrupted(start, ready):
    """Seconds from SIGINT, sent once ready() says so, to the KeyboardInterrupt that start() ends by."""
    sent = []

    def interrupt():
        until = time.monotonic() + 30
        while not ready():
            assert time.monotonic() < until
            time.sleep(0.005)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        start()
    took = time.monotonic() - sent[0]
    thread.join()
    assert not rpc._is_current_rpc_agent_set()
    return took


def _starts_again(path, rank):
    init(rank, None, path + "again")  # PyTorch lets no process change its rank
    assert rpc.rpc_sync(f"w{rank}", torch.add, args=(torch.ones(2), 1)).sum() == 4
    rpc.shutdown()


def in_function(name):
    """Whether the main thread is in a function of that name."""
    import sys

    frame = sys._current_frames()[threading.main_thread().ident]
    while frame is not None:
        if frame.f_code.co_name == name:
            return True
        frame = frame.f_back
    return False


def _interrupted_alone(rank, world_size, path):
    took = _interrupted(lambda: init(0, 2, path), lambda: in_function("_wait_for"))
    _starts_again(path, 0)
    return took


def test_ctrl_c_ends_the_wait_for_the_others_and_rpc_starts_again():
    assert run(_interrupted_alone, 1)[0] < 0.5  # 0.2 s, on an idle machine


def _interrupted_while_connecting(rank, world_size, path):
    from tine.pytorch import _agent_class

    if rank == 0:

        def stop(*_):
            say(path, "pid", str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)

        _agent_class.Agent.known = stop  # behind the exchange of cards
        init(0, 2, path)

    native_connect = _agent_class.Agent.connect
    pid = []

    def connect(*args):
        pid.append(int(wait_for(path, "pid")))
        while open(f"/proc/{pid[0]}/stat").read().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.005)
        say(path, "stopped")
        native_connect(*args)

    _agent_class.Agent.connect = connect
    try:
        took = _interrupted(lambda: init(1, 2, path), lambda: os.path.exists(f"{path}.stopped"))
    finally:
        os.kill(pid[0], signal.SIGKILL)
    _starts_again(path, 1)
    return took


def test_ctrl_c_ends_a_connection_that_is_not_answered_and_rpc_starts_again():
    assert run(_interrupted_while_connecting, 2, expect_death={0})[1] < 0.5


def _interrupted_in_turn(rank, world_size, path):
    from tine.pytorch import _group

    if rank == 0:
        enter = _group._enter

        def slowly(*args):
            say(path, "held")
            wait_for(path, "interrupted")
            enter(*args)

        _group._enter = slowly
        init(0, None, path)
        rpc.shutdown()
        return None
    wait_for(path, "held")
    try:
        took = _interrupted(lambda: init(1, None, path), lambda: in_function("_take_token"))
    finally:
        say(path, "interrupted")
    _starts_again(path, 1)
    return took


def test_ctrl_c_ends_the_wait_for_a_turn_to_join_and_rpc_starts_again():
    assert run(_interrupted_in_turn, 2)[1] < 0.5
