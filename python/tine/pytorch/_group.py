"""How workers meet and part: cards exchanged through PyTorch's store, and what a death means to PyTorch's Python code."""

from __future__ import annotations

import atexit
import collections
import contextlib
import datetime
import os
import pickle
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.rpc as rpc
from torch._C._distributed_rpc import _delete_all_user_and_unforked_owner_rrefs
from torch.distributed.rpc import api, internal
from torch.distributed.rpc._utils import _update_group_membership

import tine

_WRONG_BACKEND = (
    "the workers of one world must run the same RPC backend, but some run TINE (tine.pytorch) and some TENSORPIPE: start "
    "all of them with the same one"
)
_CARD = "tine/card/"
_LIST = "tine/workers"
# The keys under which PyTorch's own agent says whether its group is static, and which worker joins or leaves.
_STATIC_KEY = "rpcIsStaticGroup"
_TOKEN_KEY = "RpcGroupManagementToken"
_LONGEST_NAP = 0.02
_LOOK_EVERY = 0.25
_EXPECTED_WITHIN = 1.0
_ANSWERS_WITHIN = 2.0
# A worker may start slowly, so a short timeout of calls does not shorten this wait.
LEAST_MEETING_TIME = 60.0
_MOST_TOLD = 1 << 20


class MeetingError(RuntimeError):
    pass


# ---- starting


def start(
    agent_class: Any, store: Any, name: str, rank: int, world_size: int | None, options: Any, arguments: dict[str, Any]
) -> Any:
    """Makes the agent, lets it meet the others, and starts it; all or nothing."""
    if not isinstance(store, dist.Store):
        raise TypeError(f"`store` must be a c10d::Store. {store}")
    world_size = int(world_size) if world_size else None
    agent = agent_class(name=name, id=rank, world_size=world_size, **arguments)
    agent.store = store
    agent._options = options
    _own_running(agent)
    try:
        _check_kind(store, world_size is not None)
        if world_size is not None:
            _meet(agent, store, name, rank, world_size, _meeting_time(options))
            api._init_rpc_states(agent)
        else:
            with _membership(store, name, True):
                _enter(agent, store, name, rank, _meeting_time(options))
    except BaseException:
        _give_up(agent)
        raise
    return agent


def _meeting_time(options: Any) -> float:
    return max(options.rpc_timeout, LEAST_MEETING_TIME) if options.rpc_timeout > 0 else 0.0


def _give_up(agent: Any) -> None:
    if rpc._is_current_rpc_agent_set():
        rpc.shutdown(graceful=False)
    else:
        agent.shutdown()


def _check_kind(store: Any, static: bool) -> None:
    """The store's note of the group's kind: with PyTorch's agents there, and ours elsewhere, both sides say so."""
    mine = f"{'true' if static else 'false'} (this one runs the RPC backend TINE: all workers must run the same)"
    theirs = store.compare_set(_STATIC_KEY, "", mine).decode()
    if theirs == mine:
        return
    if theirs in ("true", "false"):
        raise MeetingError(_WRONG_BACKEND)
    raise MeetingError(
        "RPC group mixes statically and dynamically initialized members which is not supported. Static group property is "
        f"initialized as {theirs.split()[0]} and is trying to be set as {mine.split()[0]}"
    )


class _Clock:
    """Counts a timeout down; 0: none."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds if seconds > 0 else None

    def left(self, most: float = float("inf")) -> float:
        return most if self._end is None else max(0.0, min(most, self._end - time.monotonic()))

    def over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def for_agent(self) -> float:
        """Seconds as the agent takes them, for which 0 is none."""
        return 0.0 if self._end is None else max(1e-3, self.left())


def _has(store: Any, key: str) -> bool:
    return bool(store.check([key]))


def _wait_for(store: Any, key: str, seconds: float) -> bool:
    """Whether the key came in time. A store's own wait sees no signal before it ends, and TCP's prints a warning when it
    ends without the key: so the store is asked, and the naps between are what Ctrl-C ends."""
    end = time.monotonic() + seconds
    nap = 0.001
    while not _has(store, key):
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(nap, left))
        nap = min(2 * nap, _LONGEST_NAP)
    return True


def _meet(agent: Any, store: Any, name: str, rank: int, world_size: int, timeout: float) -> None:
    clock = _Clock(timeout)
    store.set(f"{_CARD}{rank}", agent.card)
    cards = {rank: agent.card}
    for other in range(world_size):
        if other == rank:
            continue
        while not _wait_for(store, f"{_CARD}{other}", clock.left(_LOOK_EVERY)):
            _look_for_tensorpipe(store, name, rank, world_size)
            if clock.over():
                raise MeetingError(
                    f"worker {name!r} (rank {rank}) waited {timeout} s for rank "
                    f"{_missing(store, world_size)} of {world_size} to call init_rpc"
                )
        cards[other] = store.get(f"{_CARD}{other}").decode()

    names: dict[str, int] = {}
    for other in sorted(cards):
        its_name, its_id = agent.owner_of(cards[other])
        if its_name in names:
            raise MeetingError(
                f"RPC worker name {its_name} is not unique. Workers {names[its_name]} and {its_id} share the same name."
            )
        names[its_name] = its_id
    agent.known(list(names.items()))
    # Each pair connects once: the worker with the higher rank does it. A worker that is connected with all has all cards.
    for its_name, its_id in names.items():
        if its_id < rank:
            agent.connect(cards[its_id], clock.for_agent())
    for its_name, its_id in names.items():
        if its_id > rank:
            _expect(agent, its_name, its_id, cards[its_id], clock)
    with _gone_lock:
        died = [why for why, left in _gone.values() if not left]
    if died:
        raise MeetingError(f"worker {name!r} (rank {rank}) cannot start: {'; '.join(died)}")


def _expect(agent: Any, its_name: str, its_id: int, card: str, clock: _Clock) -> None:
    try:
        agent.expect(its_name, its_id, max(1e-3, clock.left(_EXPECTED_WITHIN)))
    except (tine.DeadlineExceeded, tine.AuthError) as late:
        # It is busy or gone, or another worker uses its name. Connecting to its own address tells which.
        try:
            agent.connect(card, clock.for_agent())
        except tine.AuthError:
            raise
        except tine.PeerDied as error:
            if isinstance(late, tine.AuthError):
                raise tine.AuthError(f"worker {its_name!r} (id {its_id}) gave up, it was refused here: {late}") from error
            raise MeetingError(f"{error} ({late}: its own output tells why it ended)") from error


def _missing(store: Any, world_size: int) -> str:
    return ", ".join(str(other) for other in range(world_size) if not _has(store, f"{_CARD}{other}"))


def _tell(group: Any, world_size: int, what: object) -> None:
    """all_gather_object without unpickling, because a process that reaches the store has not proved the secret."""
    mine = torch.frombuffer(bytearray(pickle.dumps(what)), dtype=torch.uint8)
    sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(world_size)]
    group.allgather([sizes], [torch.tensor([len(mine)])]).wait()
    most = int(max(sizes))
    if most <= _MOST_TOLD:
        mine = torch.nn.functional.pad(mine, (0, most - len(mine)))
        group.allgather([[torch.empty_like(mine) for _ in range(world_size)]], [mine]).wait()


def _look_for_tensorpipe(store: Any, name: str, rank: int, world_size: int) -> None:
    """Workers of PyTorch's agent meet in a process group first. It is joined once to tell them, and tells us."""
    if not any(_has(store, f"0/{other}") for other in range(world_size) if other != rank):
        return
    try:
        group = dist.ProcessGroupGloo(store, rank, world_size, datetime.timedelta(seconds=10))
        # A device map for a worker that is not there: each of them refuses it and shows its name.
        _tell(group, world_size, (name, 0, {_WRONG_BACKEND: {}}, []))
    except RuntimeError:
        pass  # some of them are gone by now
    raise MeetingError(_WRONG_BACKEND)


# ---- groups that workers come to and go from; with the group's token held


@contextlib.contextmanager
def _membership(store: Any, name: str, is_join: bool) -> Iterator[None]:
    """As PyTorch's, but a worker that fails releases the token, and the token of a dead worker is taken back."""
    # The holder's card in it tells the others where to look for it, and no life writes what another has written.
    token = f"Token_for_{name}_{'join' if is_join else 'leave'} {_running.card}"
    _take_token(store, name, token)
    failure = None
    try:
        yield
    except BaseException as error:  # noqa: BLE001 - raised below
        failure = error
    # In this order, as PyTorch's own agent waits for it.
    store.compare_set(_TOKEN_KEY, token, "")
    store.set(token, "Done")
    if failure is not None:
        raise failure


def _take_token(store: Any, name: str, token: str) -> None:
    seconds = _meeting_time(_running._options)
    clock = _Clock(seconds)
    before = ""
    while (holder := store.compare_set(_TOKEN_KEY, before, token).decode()) != token:
        before = ""
        # Empty: the one that was to be taken back has been given back meanwhile.
        if not holder or _wait_for(store, holder, clock.left(_LOOK_EVERY)):
            continue
        if _has_died(holder, clock):
            before = holder  # nothing that it left undone hinders the next workers
        elif clock.over():
            raise MeetingError(
                f"worker {name!r} waited {seconds} s for its turn to join or leave the group: "
                f"{holder.partition(' ')[0]} was not released"
            )
    if before:
        store.set(before, "Done")  # PyTorch's own agents wait for this


def _has_died(holder: str, clock: _Clock) -> bool:
    """Whether no process listens any more at the address of a token's holder."""
    card = holder.partition(" ")[2]
    if not card:
        return False  # PyTorch's own agent says not where it is
    try:
        return not _running.lives(card, max(1e-3, clock.left(_ANSWERS_WITHIN)))
    except (tine.DeadlineExceeded, tine.ValueError):
        return False  # it is stopped or cut off, and may go on; or its card is of another release


def _listed(store: Any) -> dict[int, str]:
    """The cards of the workers in the group, by id."""
    if not _has(store, _LIST):
        return {}
    ids = [int(text) for text in store.get(_LIST).decode().split(",") if text]
    return {its_id: store.get(f"{_CARD}{its_id}").decode() for its_id in ids}


def _write_list(store: Any, ids: Iterable[int]) -> None:
    # A store takes no empty value for one that is there.
    store.set(_LIST, "," + ",".join(map(str, ids)))


def _enter(agent: Any, store: Any, name: str, rank: int, timeout: float) -> None:
    clock = _Clock(timeout)
    cards = _listed(store)
    owners = {its_id: agent.owner_of(card)[0] for its_id, card in cards.items()}
    if rank in owners:
        raise MeetingError(
            f"RPC worker id {rank} is not unique. Worker {owners[rank]} already has ID and {name} cannot be added."
        )
    for its_id, its_name in owners.items():
        if its_name == name:
            raise MeetingError(
                f"RPC worker name {name} is not unique. Workers {its_id} and {rank} share the same name."
            )
    for its_name in owners.values():
        worker_came(its_name)  # what has been seen to end while this worker waited was an earlier life
    there = [(owners[its_id], its_id) for its_id, card in cards.items() if _connect(agent, card, clock)]
    agent.known([(name, rank), *there])
    store.set(f"{_CARD}{rank}", agent.card)
    _write_list(store, [its_id for _, its_id in there] + [rank])
    api._init_rpc_states(agent)
    me = agent.get_worker_info()
    dead = set()
    for its_name, its_id in there:
        try:
            _told(its_name, me)
        except RuntimeError:
            # Nothing here depends on one that has died meanwhile.
            if not agent.death_of(its_id):
                raise
            agent.forget(its_name)
            dead.add(its_id)
    if dead:
        _write_list(store, [its_id for _, its_id in there if its_id not in dead] + [rank])


def _told(its_name: str, me: Any) -> None:
    """Tells a worker of the group that this one has come; waits so that Ctrl-C ends it."""
    future = rpc.rpc_async(its_name, _update_group_membership, args=(me, [], {}, True))
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    done.wait()
    future.wait()


def _connect(agent: Any, card: str, clock: _Clock) -> bool:
    """Whether the worker of that card is there: one that died without leaving is not, and its place is free."""
    try:
        agent.connect(card, clock.for_agent())
    except tine.PeerDied:
        return False
    return True


def leave(agent: Any) -> None:
    """The last step of leaving, after the goodbyes."""
    me = agent.get_worker_info().id
    _write_list(agent.store, [its_id for its_id in _listed(agent.store) if its_id != me])


# ---- a death, to PyTorch's Python code


class _Signal(threading.Event):
    """An event of PyTorch's that wakes and raises when a worker that it depends on is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.error: str | None = None

    def wait(self, timeout: float | None = None) -> bool:
        came = super().wait(timeout)
        if self.error is not None:
            raise RuntimeError(self.error)
        return came


class _Gathers(collections.defaultdict[str, Any]):
    """PyTorch's states of gathers in progress, by the names of their workers in a row and a number."""

    def __init__(self) -> None:
        super().__init__(api.AllGatherStates)

    def __missing__(self, sequence_id: str) -> Any:
        states = api.AllGatherStates()
        states.proceed_signal = _Signal()
        self[sequence_id] = states
        with _gone_lock:
            for name in _gone:
                _fail(sequence_id, states, name)
        return states


_gone: dict[str, tuple[str, bool]] = {}  # name: (why, which names it; whether it left in good order)
_gone_lock = threading.Lock()


def _members(sequence_id: str) -> list[str]:
    """The names in the id of a gather. PyTorch joins the sorted names and adds a number."""
    known = sorted(api._ALL_WORKER_NAMES | set(_gone))

    def parse(rest: str, first: int) -> list[str] | None:
        if rest.isdigit():
            return []
        for i in range(first, len(known)):
            if rest.startswith(known[i]):
                behind = parse(rest[len(known[i]) :], i + 1)
                if behind is not None:
                    return [known[i], *behind]
        return None

    return parse(sequence_id, 0) or []


def _fail(sequence_id: str, states: Any, name: str) -> None:
    members = _members(sequence_id)
    if states.proceed_signal.is_set() or name not in members:
        return
    why, left = _gone[name]
    # A worker that left in good order does not end the gather if it did its part: the leader, the first member, waits for
    # each worker's object, and the others wait only for the leader.
    leads = _running.get_worker_info().name == members[0]
    if left and (name in states.gathered_objects if leads else name != members[0]):
        return
    states.proceed_signal.error = why
    states.proceed_signal.set()


def worker_gone(name: str, why: str, left: bool) -> None:
    """Told by the agent, once for each; `why` names it."""
    agent = _running
    if agent is None:
        return
    if not agent.is_static_group:
        agent.forget(name)
    with api._all_gather_dict_lock:
        with _gone_lock:
            _gone[name] = why, left
        for sequence_id, states in list(api._all_gather_sequence_id_to_states.items()):
            if isinstance(states.proceed_signal, _Signal):
                _fail(sequence_id, states, name)


def worker_came(name: str) -> None:
    """A worker of a group that workers come to and go from; it may have been there before."""
    with _gone_lock:
        _gone.pop(name, None)


def _delete_rrefs(timeout: datetime.timedelta = datetime.timedelta(seconds=100)) -> None:
    """As PyTorch's, but a death ends the wait, because a worker that is gone confirms nothing any more."""
    end = time.monotonic() + timeout.total_seconds()
    while (left := end - time.monotonic()) > 0:
        began = time.monotonic()
        slice_ = min(left, 1.0)
        _delete_all_user_and_unforked_owner_rrefs(datetime.timedelta(seconds=slice_))
        if time.monotonic() - began < slice_ or _gone:
            return


def with_deaths(error: RuntimeError) -> RuntimeError:
    """An error of shutdown(), with the deaths that may be the reason why other workers have left already."""
    with _gone_lock:
        gone = dict(_gone)
    if _running is not None and _running.is_static_group:  # the agent knows of a death before it tells
        for info in _running.get_worker_infos():
            if info.name not in gone and (why := _running.death_of(info.id)):
                gone[info.name] = why, " has left: " in why
    unnamed = [why for name, (why, left) in gone.items() if not left and name not in str(error)]
    return RuntimeError("; before that: ".join([str(error), *unnamed])) if unnamed else error


def _wait_all_workers(timeout: float = 0) -> None:
    """As PyTorch's, but without the traceback in the log, for which PyTorch imports its compiler and takes seconds."""
    try:
        api._all_gather(None, timeout=timeout)
    except RuntimeError as error:
        error = with_deaths(error)
        api.logger.error("Failed to respond to 'Shutdown Proceed' in time: %s", error)  # noqa: TRY400
        raise error from None


# ---- the agent that runs

_running: Any = None
_process: int | None = None
# (module, name, ours, PyTorch's): what PyTorch looks up where a death has to be seen. Until ended().
_replaced: list[tuple[Any, str, Any, Any]] = []
_at_exit = False


def _own_running(agent: Any) -> None:
    """Keeps the agent's Python object, and what a death has to reach, until ended()."""
    global _running, _process, _at_exit
    from tine.pytorch._build import load

    _gone.clear()
    replacements = [
        (api, "_all_gather_sequence_id_to_states", _Gathers()),
        (api, "_wait_all_workers", _wait_all_workers),
        (api, "_group_membership_management", _membership),
        (internal, "_run_function", load().guarded(internal._run_function)),
    ]
    if api._delete_all_user_and_unforked_owner_rrefs is _delete_all_user_and_unforked_owner_rrefs:  # no test's mock
        replacements.append((api, "_delete_all_user_and_unforked_owner_rrefs", _delete_rrefs))
    for module, name, ours in replacements:
        _replaced.append((module, name, ours, getattr(module, name)))
        setattr(module, name, ours)
    _running = agent
    _process = os.getpid()
    if not _at_exit:
        atexit.register(_end_at_exit)
        _at_exit = True


def ended(agent: Any) -> None:
    global _running
    if _running is not agent:
        return
    _running = None
    while _replaced:
        module, name, ours, before = _replaced.pop()
        if getattr(module, name) is ours:
            setattr(module, name, before)


def _end_at_exit() -> None:
    """A program that ends without rpc.shutdown(): everything of it ends while the interpreter lives."""
    from tine.pytorch._build import load

    # In a child of fork() the agent's threads, and the locks that they held, are the parent's.
    if os.getpid() != _process:
        return
    try:
        if _running is not None:
            _give_up(_running)
    finally:
        load().close_interpreter()
