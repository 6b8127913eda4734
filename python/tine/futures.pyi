import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future as ConcurrentFuture
from typing import ParamSpec, TypeVar

from tine._C import Future as Future
from tine._C import _gather as gather
from tine._C import as_completed as as_completed
from tine._C import collect_all as collect_all
from tine._C import collect_all_settled as collect_all_settled
from tine._C import collect_any as collect_any
from tine._C import set_unobserved_error_hook as set_unobserved_error_hook
from tine._C import wait_all as wait_all

__all__ = [
    "Future",
    "as_completed",
    "collect_all",
    "collect_all_settled",
    "collect_any",
    "from_asyncio",
    "from_concurrent",
    "gather",
    "pool",
    "set_unobserved_error_hook",
    "to_concurrent",
    "wait_all",
    "wrap_future",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")

class _Pool:
    @staticmethod
    def submit(function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]: ...

pool: _Pool

def wrap_future(future: Future[_T], *, loop: asyncio.AbstractEventLoop | None = None) -> asyncio.Future[_T]: ...
def from_asyncio(awaitable: Awaitable[_T], loop: asyncio.AbstractEventLoop | None = None) -> Future[_T]: ...
def to_concurrent(future: Future[_T]) -> ConcurrentFuture[_T]: ...
def from_concurrent(future: ConcurrentFuture[_T]) -> Future[_T]: ...
