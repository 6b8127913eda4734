"""Modules that hold modules."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self, SupportsIndex, overload

from .module import Module

_Modules = Mapping[str, Module] | Iterable[tuple[str, Module]]


def _index(length: int, at: SupportsIndex) -> str:
    at = operator.index(at)
    if not -length <= at < length:
        raise IndexError(f"index {at} is out of range")
    return str(at % length)


class Sequential(Module):
    """Calls its modules one after the other, each with what the one before returned."""

    @overload
    def __init__(self, *args: Module) -> None: ...
    @overload
    def __init__(self, arg: dict[str, Module], /) -> None: ...
    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def _name_at(self, at: SupportsIndex) -> str:
        return list(self._modules)[int(_index(len(self), at))]

    @overload
    def __getitem__(self, at: SupportsIndex) -> Module: ...
    @overload
    def __getitem__(self, at: slice) -> Self: ...
    def __getitem__(self, at: SupportsIndex | slice) -> Module | Self:
        if isinstance(at, slice):
            return type(self)(OrderedDict(list(self._modules.items())[at]))
        module: Module = self._modules[self._name_at(at)]
        return module

    def __setitem__(self, at: SupportsIndex, module: Module) -> None:
        setattr(self, self._name_at(at), module)

    def __delitem__(self, at: SupportsIndex) -> None:
        delattr(self, self._name_at(at))

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def append(self, module: Module) -> Self:
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self


class ModuleList(Module):
    """A list of modules, listed as submodules "0", "1", ..."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, at: SupportsIndex) -> Module: ...
    @overload
    def __getitem__(self, at: slice) -> Self: ...
    def __getitem__(self, at: SupportsIndex | slice) -> Module | Self:
        if isinstance(at, slice):
            return type(self)(list(self._modules.values())[at])
        module: Module = self._modules[_index(len(self), at)]
        return module

    def __setitem__(self, at: SupportsIndex, module: Module) -> None:
        setattr(self, _index(len(self), at), module)

    def __delitem__(self, at: SupportsIndex | slice) -> None:
        found = range(len(self))[at]
        gone = {found} if isinstance(found, int) else set(found)
        left = [module for i, module in enumerate(self._modules.values()) if i not in gone]
        self._modules.clear()
        self.extend(left)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def insert(self, at: SupportsIndex, module: Module) -> None:
        """Puts a module before position `at`."""
        modules = list(self._modules.values())
        modules.insert(at, module)
        self._modules.clear()
        self.extend(modules)

    def append(self, module: Module) -> Self:
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Adds modules at the end."""
        for module in modules:
            self.append(module)
        return self


class ModuleDict(Module):
    """A dict of modules, in the order in which they were added."""

    def __init__(self, modules: _Modules | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, name: str) -> Module:
        module: Module = self._modules[name]
        return module

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        del self._modules[name]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def keys(self) -> KeysView[str]:
        """The names, as those of a dict."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules, as those of a dict."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """(name, module) of each, as of a dict."""
        return self._modules.items()

    def clear(self) -> None:
        """Removes all modules."""
        self._modules.clear()

    def pop(self, name: str) -> Module:
        """Removes a module and returns it."""
        module: Module = self._modules.pop(name)
        return module

    def update(self, modules: _Modules) -> None:
        """Adds (name, module) pairs, or the items of a mapping."""
        for name, module in modules.items() if hasattr(modules, "items") else modules:
            self.add_module(name, module)
