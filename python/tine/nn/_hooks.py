"""Functions that are called before and after a module's forward()."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from .module import Module


class Hook(NamedTuple):
    """A function, and how it wants to be called."""

    function: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False


_ids = itertools.count()


class RemovableHandle:
    """Takes a hook back by remove(), or at the end of a `with` block."""

    def __init__(self, hooks: OrderedDict[int, Hook], hook: Hook) -> None:
        self.id = next(_ids)
        hooks[self.id] = hook
        self._hooks = weakref.ref(hooks)

    def remove(self) -> None:
        """The hook is not called any more. Again it does nothing."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def run_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What calling a module with hooks does."""
    called: set[int] = set()
    try:
        for hook in tuple(module._forward_pre_hooks.values()):
            args, kwargs = _before(hook, module, args, kwargs)
        output = module.forward(*args, **kwargs)
        for key, hook in tuple(module._forward_hooks.items()):
            called.add(key)
            output = _after(hook, module, args, kwargs, output)
        return output
    except Exception:
        for key, hook in tuple(module._forward_hooks.items()):
            if hook.always_call and key not in called:
                try:
                    _after(hook, module, args, kwargs, None)
                except Exception as error:  # the caller is told of the first one
                    warnings.warn("module forward hook with ``always_call=True`` raised an exception that was silenced as "
                                  f"another error was raised in forward: {error}", stacklevel=3)
        raise


def _before(hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if hook.with_kwargs:
        both = hook.function(module, args, kwargs)
        if both is None:
            return args, kwargs
        if not isinstance(both, tuple) or len(both) != 2:
            raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {both}.")
        return both
    changed = hook.function(module, args)
    if changed is None:
        return args, kwargs
    return changed if isinstance(changed, tuple) else (changed,), kwargs


def _after(hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    with_kwargs = (kwargs,) if hook.with_kwargs else ()
    changed = hook.function(module, args, *with_kwargs, output)
    return output if changed is None else changed
