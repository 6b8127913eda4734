"""What an RRef has that is written in Python: its proxies, and what it asks its owner for."""
from __future__ import annotations

from ... import _C
from . import _pickling
from .constants import UNSET_RPC_TIMEOUT
from .options import call_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from tine._C._rpc import _Seconds

RRef = _C._rpc.RRef

# Looked up on instances by the standard library, to find out what an object is: no calls of a method.
_PROBED = frozenset(("__copy__", "__deepcopy__", "__setstate__", "__wrapped__", "__isabstractmethod__", "__array_interface__", "__array_struct__"))

_WRITTEN_OUT = frozenset(("__call__", "__getitem__", "__setitem__", "__delitem__", "__len__", "__contains__", "__bool__"))


class _Proxy:
    """What RRef.rpc_sync(), rpc_async() and remote() return: its attributes are the methods of the value."""

    __slots__ = ("_rref", "_timeout", "_how")

    def __init__(self, rref: RRef[Any], timeout: float, how: str) -> None:
        self._rref = rref
        self._timeout = timeout
        self._how = how

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(
            f"'_Proxy' object is not callable: name the method of the value: rref.{self._how}().forward(x) of a module, "
            f"rref.{self._how}().__call__(x) of anything that can be called"
        )

    def __getitem__(self, key: object) -> Any:
        return self.__getattr__("__getitem__")(key)

    def __setitem__(self, key: object, value: object) -> None:
        self.__getattr__("__setitem__")(key, value)

    def __delitem__(self, key: object) -> None:
        self.__getattr__("__delitem__")(key)

    def __len__(self) -> Any:
        self._must_be_sync("len()")
        return self.__getattr__("__len__")()

    def __contains__(self, item: object) -> Any:
        self._must_be_sync("in")
        return self.__getattr__("__contains__")(item)

    def __bool__(self) -> bool:
        return True  # of the proxy, without a call

    def _must_be_sync(self, what: str) -> None:
        if self._how != "rpc_sync":
            raise TypeError(f"{what} needs the answer: use rref.rpc_sync(), not rref.{self._how}()")

    def __getattribute__(self, name: str) -> Any:
        if name in _WRITTEN_OUT:  # it is a method like any other; len(proxy) does not come here
            return self.__getattr__(name)
        return object.__getattribute__(self, name)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method in _PROBED:
            raise AttributeError(
                f"a proxy of an RRef does not call {method} remotely; call a function that does, with the RRef as its argument"
            )
        if method in _Proxy.__slots__:
            raise AttributeError("this proxy was made without its RRef: call rref.rpc_sync(), rpc_async() or remote()")
        rref, timeout, how = self._rref, self._timeout, self._how

        def call(*args: Any, **kwargs: Any) -> Any:
            plain: Any = _C._rpc.remote_plain if how == "remote" else _C._rpc.call_plain
            result = plain(rref.owner(), method, args, kwargs, timeout, rref)
            if result is None:
                data, leaves = _pickling.call_to_pickle(_pickling.MethodCall(rref, method), args, kwargs)
                send: Any = _C._rpc.remote_python if how == "remote" else _C._rpc.call_python
                result = send(rref.owner(), f"RRef.{method}", data, leaves, timeout, rref)
            return result.wait() if how == "rpc_sync" else result

        return call

    def __repr__(self) -> str:
        return f"<{self._how} proxy of {self._rref!r}>"


def _proxy_method(how: str, text: str) -> Any:
    def method(self: RRef[Any], timeout: _Seconds = UNSET_RPC_TIMEOUT) -> _Proxy:
        return _Proxy(self, call_timeout(timeout), how)

    method.__name__ = how
    method.__qualname__ = f"RRef.{how}"
    method.__doc__ = text
    return method


for _how, _text in {
    "rpc_sync": "``rref.rpc_sync().f(x)`` calls method f of the value on its owner and waits.",
    "rpc_async": "``rref.rpc_async().f(x)`` calls method f on the owner; returns a Future.",
    "remote": "``rref.remote().f(x)`` calls method f on the owner; returns an RRef.",
}.items():
    setattr(RRef, _how, _proxy_method(_how, _text))


def _type_of_value(rref: RRef[Any]) -> type:
    return type(rref.local_value())


def _get_type(self: RRef[Any], timeout: _Seconds = UNSET_RPC_TIMEOUT, blocking: bool = True) -> Any:
    """Returns the type of the value, or a Future of it if not ``blocking``. The owner is asked once."""
    future = self.__dict__.get("_type")
    if future is None or (future.done() and future.exception() is not None):
        seconds = call_timeout(timeout)
        data, leaves = _pickling.call_to_pickle(_type_of_value, (self,), {})
        # It begins when the value is there, and holds no thread until then.
        future = _C._rpc.call_python(self.owner(), "RRef._get_type", data, leaves, seconds, self)
        self.__dict__["_type"] = future
    return future.wait() if blocking else future


def _get_profiling_future(self: RRef[Any]) -> _C.Future[Any]:
    """Returns what _set_profiling_future() was given. tine has no profiler that would set one."""
    future: _C.Future[Any] | None = self.__dict__.get("_profiling_future")
    if future is None:
        raise RuntimeError("Profiling future has not been set! tine has no profiler that sets it")
    return future


def _set_profiling_future(self: RRef[Any], profilingFuture: _C.Future[Any]) -> None:
    if not isinstance(profilingFuture, _C.Future):
        raise TypeError(f"_set_profiling_future: expected a Future, got {profilingFuture!r}")
    self.__dict__["_profiling_future"] = profilingFuture


def backward(self: RRef[Any], dist_autograd_ctx_id: int = -1, retain_graph: bool = False) -> NoReturn:
    """Refused: tine has no automatic differentiation."""
    raise RuntimeError(
        "RRef.backward(): tine has no automatic differentiation. Distributed autograd runs on PyTorch's RPC, over tine's "
        "backend: see docs/pytorch.md"
    )


for _function in (_get_type, _get_profiling_future, _set_profiling_future, backward):
    setattr(RRef, _function.__name__, _function)
    _function.__qualname__ = f"RRef.{_function.__name__}"
