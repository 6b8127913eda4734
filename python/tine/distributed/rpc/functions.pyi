from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from tine.futures import Future

__all__ = ["async_execution"]

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_S = TypeVar("_S")
_T = TypeVar("_T")

# What async_execution makes. A method of an object gives Any: called here it is the Future, through a proxy of an RRef
# what becomes of it.
class _AsyncFunction(Generic[_P, _T]):
    __name__: str
    __qualname__: str
    __wrapped__: Callable[_P, Future[_T]]
    _wrapped_async_rpc_function: Callable[_P, Future[_T]]
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]: ...
    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: _AsyncFunction[Concatenate[_S, _Q], _T], instance: _S, owner: type | None = None
    ) -> Callable[_Q, Any]: ...

# Under @classmethod the first argument is a class.
@overload
def async_execution(
    fn: Callable[Concatenate[type[Any], _P], Future[_T]],
) -> Callable[Concatenate[type[Any], _P], Future[_T]]: ...
@overload
def async_execution(fn: Callable[_P, Future[_T]]) -> _AsyncFunction[_P, _T]: ...
