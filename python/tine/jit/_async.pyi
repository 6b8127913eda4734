from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ..futures import Future

_P = ParamSpec("_P")
_T = TypeVar("_T")

_active: Callable[[], Any] | None

def _tracer() -> Any: ...
def fork(func: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]: ...
def wait(future: Future[_T]) -> _T: ...

_fork = fork
_wait = wait
