"""Streams: the items that a generator on another worker makes, one after the other."""
from functools import partial

from ... import _C
from . import api
from .constants import UNSET_RPC_TIMEOUT

_END = _C._rpc.END
_WAYS = (_C._rpc.stream_named, _C._rpc.stream_plain, _C._rpc.stream_python)


def _as_runtime_error(error):
    """An error of the other side that would pass for the end of the stream (PEP 479)."""
    return RuntimeError(f"the stream's function raised {type(error).__name__}: {error}")


class Stream:
    """What :func:`stream` returns: an iterator and an async iterator of the items.

    One user at a time takes them. Dropped or closed, it ends the generator; ``with`` and ``async with`` close it.
    """

    __slots__ = ("_items", "_kept", "__weakref__")  # kept: the Future of an item that came when its await was cancelled

    def __init__(self):
        raise TypeError("Stream is made by rpc.stream()")

    def _asked(self, over):
        if self._items is None:
            raise over
        kept, self._kept = self._kept, None
        return _C._rpc.next_item(self._items) if kept is None else kept

    def _keep(self, future, error):
        # Ctrl-C or a cancelled await: the item stays for the next call, also when it has come meanwhile.
        if not (future.cancel() or future.cancelled() or future.exception() is error):
            self._kept = future

    def __iter__(self):
        return self

    def __next__(self):
        future = self._asked(StopIteration)
        try:
            item = future.wait()
        except (StopIteration, StopAsyncIteration) as error:
            raise _as_runtime_error(error) from error
        except BaseException as error:
            self._keep(future, error)
            raise
        if item is _END:
            self.close()
            raise StopIteration
        return item

    def __aiter__(self):
        return self

    async def __anext__(self):
        future = self._asked(StopAsyncIteration)
        try:
            item = await future
        except (StopIteration, StopAsyncIteration) as error:
            raise _as_runtime_error(error) from error
        except BaseException as error:
            self._keep(future, error)
            raise
        if item is _END:
            self.close()
            raise StopAsyncIteration
        return item

    def close(self):
        """Nobody takes more: the generator is closed where it runs, soon."""
        items, self._items, self._kept = self._items, None, None
        if items is not None:
            _C._rpc.close_stream(items)

    async def aclose(self):
        """As :meth:`close`."""
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        self.close()

    def __repr__(self):
        return f"<{'closed ' if self._items is None else ''}stream of items of another worker>"


def stream(to, func, args=None, kwargs=None, timeout=UNSET_RPC_TIMEOUT, credit=16):
    """Calls ``func(*args, **kwargs)`` on worker ``to``, which makes a generator, and returns its items as they come.

        >>> for row in rpc.stream("worker1", rows, args=(path,)): ...
        >>> async for row in rpc.stream("worker1", rows, args=(path,)): ...

    Args:
        to, args, kwargs: as for :func:`rpc_async`.
        func: a generator function or async generator function, any function that returns an iterator, or the name of a
            function that ``to`` serves, such as one in C++ that returns a ``tine::Stream``.
        timeout: seconds that each item may take, then TimeoutError; 0 for no limit; default: get_rpc_timeout().
        credit: how many items may be made that were not taken yet, 1 to 65,536. The callee begins at once and waits when
            the credit is used up, or when items of 16 MiB wait to be sent. So a reader that is slower than the generator does
            not wait for messages.

    Returns:
        a :class:`Stream`. What the generator raises is raised after the items before it. When the stream is dropped or
        closed the generator is closed: GeneratorExit is raised in it, its ``finally`` runs, in a cancelled Context
        (``tine.CancelScope(shield=True)`` is for what it has to wait for). A worker that dies ends the stream with ConnectionError.
        An error that had come by then and was not raised is reported as that of a Future at which nobody looked.
    """
    if type(credit) is not int or not 1 <= credit <= 65536:
        raise _C.ValueError(f"credit: expected 1 to 65536 items, got {credit!r}")
    self = Stream.__new__(Stream)
    self._items = self._kept = None
    ways = tuple(partial(way, credit) for way in _WAYS)
    self._items = api._send(ways, to, func, args, kwargs, timeout)
    return self
