"""Deadlines and cancellation of what code starts: C++'s Context (include/tine/context.h), for Python.

A Context follows the work: calls to other workers, scripts and what they fork, functions given to the pool, callbacks, and
the tasks of asyncio that are made in it. It is kept in a context variable, so two tasks of one loop have each their own. A
thread starts without one; contextvars.copy_context().run(f) gives it that of the code that starts it.
"""

import math
import sys

from tine._C import Context, _CancelSource, _enter_context, _leave_context


def seconds_of(given, what):
    """A time in seconds: a number or a timedelta, not negative; inf means that there is none."""
    datetime = sys.modules.get("datetime")  # who has a timedelta has imported it
    if datetime is not None and isinstance(given, getattr(datetime, "timedelta", ())):
        seconds = given.total_seconds()
    elif isinstance(given, (bool, str, bytes, bytearray)) or not (hasattr(given, "__float__") or hasattr(given, "__index__")):
        raise TypeError(f"{what}: expected seconds, a number or a timedelta, got {given!r} of type {type(given).__name__}")
    else:
        try:
            seconds = float(given)
        except OverflowError:
            seconds = math.inf if given > 0 else -math.inf
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"{what}: expected seconds that are not negative (inf for no limit), got {given!r}")
    return seconds


class _Scope:
    """Puts a Context in force for a `with` statement."""

    __slots__ = ("_token", "__weakref__")

    def __init__(self):
        self._token = None

    def _context(self):
        raise NotImplementedError

    def __enter__(self):
        if self._token is not None:
            raise RuntimeError(f"this {type(self).__name__} is in force already: make one for each `with`")
        self._token = _enter_context(self._context())
        return self

    def __exit__(self, *error):
        token, self._token = self._token, None
        _leave_context(token)


class deadline(_Scope):
    """What runs and waits in the `with` statement ends after so many seconds, with tine.DeadlineExceeded (a TimeoutError).

        with tine.deadline(2.0):
            total = rpc.rpc_sync("worker1", add, args=(x, y))  # the callee is told how much time is left

    The time counts from the `with`. Of nested deadlines the earlier one counts. It goes on counting after the statement
    for what was started in it. Waits of others, `time.sleep` or `asyncio.sleep`, go on: ask `tine.Context.current().check()` in long work
    of Python's own.

    seconds: a number or a datetime.timedelta; inf for no limit. ValueError for NaN and negative ones.
    """

    __slots__ = ("_seconds", "_made")

    def __init__(self, seconds):
        super().__init__()
        self._seconds = seconds_of(seconds, "deadline()")
        self._made = None

    def _context(self):
        self._made = Context.current()._with_timeout(self._seconds)
        return self._made

    @property
    def at(self):
        """When it passes, on the clock of time.monotonic(): that of the outer one if that is earlier. None: never, or not begun."""
        return None if self._made is None else self._made.deadline

    @property
    def remaining(self):
        """Seconds until then, negative afterwards. None: no limit, or not begun."""
        return None if self._made is None else self._made.remaining

    def __repr__(self):
        return f"tine.deadline({self._seconds})"


class CancelScope(_Scope):
    """What is started in the `with` statement can be cancelled together.

        with tine.CancelScope() as scope:
            futures = [rpc.rpc_async(w, work) for w in workers]
        scope.cancel()  # they fail with tine.Cancelled, and the workers are told

    The end of the statement cancels nothing. cancel() may be called before, in and after it, from any thread.

    shield: what runs in it is not ended by the deadlines and scopes around it: for cleaning up that has to wait.
    """

    __slots__ = ("_source", "_shield")

    def __init__(self, *, shield=False):
        super().__init__()
        self._source = _CancelSource()
        self._shield = bool(shield)

    def _context(self):
        outer = Context.current()
        return (outer._without() if self._shield else outer)._with_source(self._source)

    def cancel(self):
        """Cancels what is pending of what was started in it, and ends waits in it. True for the first call."""
        return self._source.cancel()

    @property
    def cancelled(self):
        """Whether cancel() was called."""
        return self._source.cancelled()

    def __repr__(self):
        return f"<tine.CancelScope{', cancelled' if self.cancelled else ''}>"
