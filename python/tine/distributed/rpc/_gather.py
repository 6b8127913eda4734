"""What workers do together: _all_gather, _barrier; and _wait_all, which waits for the calls of a block."""
from __future__ import annotations

import functools
import math
import threading
import time

from ... import _C
from ..._context import CancelScope
from . import functions
from .constants import DEFAULT_SHUTDOWN_TIMEOUT, UNSET_RPC_TIMEOUT
from .options import call_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ParamSpec, TypeVar

    from tine._C._rpc import _Seconds

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

_LOOK = 1.0  # seconds after which the leader asks whether those live who have not come


class _Gathering:
    """At the leader: what has come so far, and the Future of all of it."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.all: _C.Future[dict[str, Any]] = _C.Future()


_lock = threading.Lock()
_gatherings: dict[tuple[tuple[str, ...], int], _Gathering] = {}
_turns: dict[tuple[str, ...], int] = {}  # of these workers: how many there were


def _bring(names: tuple[str, ...], turn: int, name: str, obj: Any) -> _C.Future[dict[str, Any]]:
    # Made in no call's Context: all wait for it, and one of them may be over before the others.
    with CancelScope(shield=True), _lock:
        gathering = _gatherings.setdefault((names, turn), _Gathering())
        if name in gathering.objects:
            raise _C.ValueError(f"_all_gather: worker {name!r} came twice to turn {turn} of {', '.join(names)}")
        gathering.objects[name] = obj
        complete = len(gathering.objects) == len(names)
        if complete:
            del _gatherings[names, turn]
    if complete:
        gathering.all.set_result({each: gathering.objects[each] for each in names})
    return gathering.all


@functions.async_execution
def _give(names: tuple[str, ...], turn: int, name: str, obj: Any) -> _C.Future[dict[str, Any]]:
    # A Future of its own: it is cancelled when that caller gives up, and the others wait on.
    return _bring(names, turn, name, obj).then(_C.Future.value)


def _lead(names: tuple[str, ...], turn: int, name: str, obj: Any, seconds: float) -> dict[str, Any]:
    """Waits as the leader. From a worker that has died nothing comes: its death ends the wait of all."""
    future = _bring(names, turn, name, obj)
    end = time.monotonic() + seconds if seconds else math.inf
    while not future.done():
        try:
            future.wait(max(min(_LOOK, end - time.monotonic()), 0.0))
        except TimeoutError:
            with _lock:
                gathering = _gatherings.get((names, turn))
                missing = [each for each in names if gathering and each not in gathering.objects]
            why: BaseException | None = None
            if time.monotonic() >= end:
                why = _C.DeadlineExceeded(f"_all_gather: {', '.join(missing)} did not come within {seconds:g} s")
            else:
                why = _first_dead(missing)
            if why is None:
                continue
            with _lock:
                gave_up = _gatherings.pop((names, turn), None)
            if gave_up:
                future.set_exception(why)
    return future.wait()


def _first_dead(names: list[str]) -> BaseException | None:
    """A call to a dead worker fails at once."""
    from .api import rpc_async

    for name in names:
        call = rpc_async(name, "aten::add", args=(0, 0), timeout=_LOOK)
        try:
            call.wait()
        except ConnectionError as error:
            return error
        except Exception:
            pass  # it is busy, or runs no operators
    return None


def all_gather(obj: Any, worker_names: Iterable[str] | None = None, timeout: _Seconds = UNSET_RPC_TIMEOUT) -> dict[str, Any]:
    """What each of these workers gives, by name. It returns when all have called it.

    Args:
        obj: what this worker gives: anything that can be an argument of a call.
        worker_names: who takes part, this worker too; None: all.
        timeout: seconds within which all have come; 0 and -1: as long as they live.

    Source: ``torch.distributed.rpc.api._all_gather``.
    """
    from .api import get_worker_info, rpc_sync

    here = get_worker_info().name
    names = tuple(sorted(set(worker_names))) if worker_names else tuple(sorted(info.name for info in _C._rpc.workers()))
    if here not in names:
        raise _C.ValueError(f"_all_gather: worker {here!r} is not one of {', '.join(names)}")
    seconds = call_timeout(timeout)
    seconds = seconds if seconds > DEFAULT_SHUTDOWN_TIMEOUT and math.isfinite(seconds) else 0.0
    with _lock:
        turn = _turns[names] = _turns.get(names, 0) + 1
    if here == names[0]:
        return _lead(names, turn, here, obj, seconds)
    gathered: dict[str, Any] = rpc_sync(names[0], _give, args=(names, turn, here, obj), timeout=seconds)
    gathered[here] = obj
    return gathered


def forget() -> None:
    """This worker has left: another world begins with the first turn."""
    with _lock:
        _turns.clear()
        _gatherings.clear()


_blocks = threading.local()
waiting = 0  # blocks of all threads; else rpc_async has nothing to ask


class wait_all:
    """Waits at its end for every call that ``rpc_async`` has made on this thread within the block.

    Source: ``torch.distributed.rpc.api._wait_all``.
    """

    def __call__(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """As a decorator: of each call of the function."""

        @functools.wraps(function)
        def waits(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            with wait_all():
                return function(*args, **kwargs)

        return waits

    def __enter__(self) -> None:
        global waiting
        self._outer = getattr(_blocks, "calls", None)
        self._calls: list[_C.Future[Any]] = []
        _blocks.calls = self._calls
        with _lock:
            waiting += 1

    def __exit__(self, *error: object) -> None:
        global waiting
        _blocks.calls = self._outer
        with _lock:
            waiting -= 1
        _C.wait_all(self._calls)


def made(call: _C.Future[Any]) -> None:
    calls = getattr(_blocks, "calls", None)
    if calls is not None:
        calls.append(call)
