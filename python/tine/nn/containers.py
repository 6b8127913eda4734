"""Modules that hold modules."""

import operator
from collections import OrderedDict

from .module import Module


def _index(length, at):
    at = operator.index(at)
    if not -length <= at < length:
        raise IndexError(f"index {at} is out of range")
    return str(at % length)


class Sequential(Module):
    """Calls its modules one after the other, each with what the one before returned."""

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def _name_at(self, at):
        return list(self._modules)[int(_index(len(self), at))]

    def __getitem__(self, at):
        if isinstance(at, slice):
            return type(self)(OrderedDict(list(self._modules.items())[at]))
        return self._modules[self._name_at(at)]

    def __setitem__(self, at, module):
        setattr(self, self._name_at(at), module)

    def __delitem__(self, at):
        delattr(self, self._name_at(at))

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def append(self, module):
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self


class ModuleList(Module):
    """A list of modules, listed as submodules "0", "1", ..."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, at):
        if isinstance(at, slice):
            return type(self)(list(self._modules.values())[at])
        return self._modules[_index(len(self), at)]

    def __setitem__(self, at, module):
        setattr(self, _index(len(self), at), module)

    def __delitem__(self, at):
        gone = range(len(self))[at]
        gone = {gone} if isinstance(gone, int) else set(gone)
        left = [module for i, module in enumerate(self._modules.values()) if i not in gone]
        self._modules.clear()
        self.extend(left)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __iadd__(self, modules):
        return self.extend(modules)

    def insert(self, at, module):
        """Puts a module before position `at`."""
        modules = list(self._modules.values())
        modules.insert(at, module)
        self._modules.clear()
        self.extend(modules)

    def append(self, module):
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Adds modules at the end."""
        for module in modules:
            self.append(module)
        return self


class ModuleDict(Module):
    """A dict of modules, in the order in which they were added."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, name):
        return self._modules[name]

    def __setitem__(self, name, module):
        self.add_module(name, module)

    def __delitem__(self, name):
        del self._modules[name]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, name):
        return name in self._modules

    def keys(self):
        return self._modules.keys()

    def values(self):
        return self._modules.values()

    def items(self):
        return self._modules.items()

    def clear(self):
        self._modules.clear()

    def pop(self, name):
        """Removes a module and returns it."""
        return self._modules.pop(name)

    def update(self, modules):
        """Adds (name, module) pairs, or the items of a mapping."""
        for name, module in modules.items() if hasattr(modules, "items") else modules:
            self.add_module(name, module)
