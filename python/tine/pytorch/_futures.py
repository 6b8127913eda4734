"""tine's futures where PyTorch wants its own, and torch.futures' functions of many over both."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch

import tine
from tine import _C

_TorchFuture = torch._C.Future  # the class of c10d's and jit.fork's futures, which are not torch.futures.Future


def to_torch_future(future: Any) -> torch.futures.Future[Any]:
    """A future of PyTorch's that becomes what this one becomes; for a communication hook of DDP, say.

    future: tine's, or any that tine.futures.gather takes; PyTorch's own is handed back as it is.
    Its value: tine's tensors, also in lists, tuples and dicts, become torch tensors over the same memory; anything else
    is the same object. Its error: wait() and value() raise RuntimeError, the only one that PyTorch keeps in a future, with
    the type and the text of the error in its text; torch.futures.collect_all and wait_all end with it at once.

    PyTorch's wait() blocks its thread, also one of tine's pool, and helps nobody: wait for tine's Future where both are at
    hand. A future of PyTorch's cannot be cancelled; one of tine's that was is an error here. TypeError for
    an object that is not a future.
    """
    if isinstance(future, _TorchFuture):
        return future
    source = _C._adopted(future)
    if source is None:
        raise TypeError(
            f"to_torch_future(): expected a Future, got {future!r} of type {type(future).__name__}; others' futures are "
            "taken when they have add_done_callback() and value() or result()"
        )
    done = torch.futures.Future()
    # What a callback raises is an error for PyTorch; set_exception() stores a value that one wrapper raises.
    made = done.then(lambda done: _to_torch(done.value().value()))
    source.add_done_callback(done.set_result)
    return made


def _to_torch(value: Any) -> Any:
    if isinstance(value, tine.Tensor):
        return torch.from_dlpack(value)
    kind = type(value)
    if kind is list or kind is tuple:
        items = [_to_torch(item) for item in value]
        return value if all(map(_is, items, value)) else kind(items)
    if kind is dict:
        items = [_to_torch(item) for item in value.values()]
        return value if all(map(_is, items, value.values())) else dict(zip(value, items))
    return value


def _is(a: object, b: object) -> bool:
    return a is b


def _over_both(torchs: Callable[..., Any], tines: Callable[..., Any]) -> Any:
    @functools.wraps(torchs)
    def function(futures: Iterable[Any]) -> Any:
        futures = list(futures)
        return (torchs if all(isinstance(f, _TorchFuture) for f in futures) else tines)(futures)

    return function


_NAMES = ("collect_all", "wait_all")


def install_futures() -> None:
    """Has torch.futures.collect_all and wait_all take tine's futures, and any other's, beside PyTorch's.

    With PyTorch's alone they are what they were: the result has PyTorch's type. Else they are tine's.
    """
    for name in _NAMES:
        function = getattr(torch.futures, name)
        if not hasattr(function, "_tine_replaced"):
            fresh = _over_both(function, getattr(tine.futures, name))
            fresh._tine_replaced = function
            setattr(torch.futures, name, fresh)


def uninstall_futures() -> None:
    """Gives torch.futures back the functions that install_futures() replaced."""
    for name in _NAMES:
        function = getattr(torch.futures, name)
        setattr(torch.futures, name, getattr(function, "_tine_replaced", function))
