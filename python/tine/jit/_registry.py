"""What is scripted already, and under which name: all that the compiler's Python side remembers from call to call."""

from __future__ import annotations

import itertools
import re
import threading
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from .. import _C


def clean_name(cls: type) -> str:
    """The name of a class as the text of a type can hold it."""
    parts = f"{cls.__module__}.{cls.__qualname__}".replace("<locals>.", "").split(".")
    return ".".join(re.sub(r"^(?=\d)|\W", "_", part, flags=re.ASCII) or "_" for part in parts)


class Registry:
    """Remembers functions and module classes for as long as somebody else holds them.

    Names of code are given out once: two different functions, or two classes whose modules differ in their attributes,
    never share one, and code may live on that was compiled for a class that is gone. All registries of a process share
    the unit that holds the code, so each has names of its own there.
    """

    _made = itertools.count()

    def __init__(self) -> None:
        self._lock = threading.RLock()  # of the names; reentrant: the garbage collector may run code that needs it
        number = next(Registry._made)
        self._space = "__tine__." if number == 0 else f"__tine__.registry{number}."
        self._names: WeakKeyDictionary[FunctionType, str] = WeakKeyDictionary()  # function -> qualified name
        self._owners: WeakValueDictionary[str, FunctionType] = WeakValueDictionary()  # qualified name -> who has it
        self._numbers: dict[str, int] = {}  # name without a number -> the last number that one of its functions got
        # function -> weak reference to its ScriptFunction, which holds it
        self._scripted: WeakKeyDictionary[FunctionType, weakref.ref[_C.ScriptFunction[..., Any]]] = WeakKeyDictionary()
        # what makes two modules the same class -> ModuleClass; name of the class's type -> ModuleClass
        self._classes: WeakValueDictionary[object, Any] = WeakValueDictionary()
        self._classes_by_name: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._class_counts: dict[str, int] = {}
        self._script_classes: WeakKeyDictionary[type, Any] = WeakKeyDictionary()  # class -> ScriptClass
        self._units = 0

    def qualified_name(self, fn: FunctionType) -> str:
        """The name under which the unit knows the function, across processes too: "__main__.foo".

        A second, different function of the same name gets a number after it, until the first one and its code are gone.
        """
        with self._lock:
            name = self._names.get(fn)
            if name is None:
                name = base = f"{fn.__module__ or '__main__'}.{fn.__qualname__}"
                while name in self._owners or _C._find_script(name) is not None:
                    number = self._numbers[base] = self._numbers.get(base, 0) + 1
                    name = f"{base}___tine_{number}"
                self._names[fn] = name
                self._owners[name] = fn
            return name

    def scripted(self, fn: FunctionType) -> _C.ScriptFunction[..., Any] | None:
        """The ScriptFunction of a Python function that is compiled already, or None."""
        done = self._scripted.get(fn)
        return None if done is None else done()

    def add_scripted(self, fn: FunctionType, scripted: _C.ScriptFunction[..., Any]) -> None:
        self._scripted[fn] = weakref.ref(scripted)

    def module_class(self, key: object) -> Any:
        """The ModuleClass that modules of this key share, or None."""
        return self._classes.get(key)

    def module_class_named(self, type_name: str) -> Any:
        return self._classes_by_name.get(type_name)

    def add_module_class(self, made: Any, key: object = None) -> None:
        """With a key others may share it."""
        self._classes_by_name[made.type.name] = made
        if key is not None:
            self._classes[key] = made

    def script_class(self, cls: type) -> Any:
        """What stands for a Python class in scripts (_classes.py), or None."""
        return self._script_classes.get(cls)

    def add_script_class(self, cls: type, made: Any) -> Any:
        """Returns the first that was added."""
        known = self._script_classes.setdefault(cls, made)
        if known is made:
            self.add_module_class(made)
        return known

    def forget_script_class(self, cls: type) -> None:
        self._script_classes.pop(cls, None)

    def new_type_name(self, cls: type) -> str:
        base = self._space + clean_name(cls)
        with self._lock:
            number = self._class_counts[base] = self._class_counts.get(base, -1) + 1
        return base if number == 0 else f"{base}___tine_{number}"

    def new_unit_name(self) -> str:
        with self._lock:
            self._units += 1
            return f"{self._space}unit{self._units}"


# What stands for a class that a script meets, or why it is none of scripts. _classes.py puts it here.
meet_class: Callable[[type, Registry], Any]

# The one that script(), trace() and CompilationUnit use.
registry = Registry()
