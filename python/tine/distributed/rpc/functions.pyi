from typing import Callable, TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

def async_execution(fn: _F) -> _F: ...
