"""Classes of scripts: what a script knows of a Python class, and how it is compiled.

A class is known by its ScriptClass, which lives as long as the class. Its objects are Python's in Python and the script's in a
script: what passes the border is copied, attribute by attribute (python/src/script_objects.cpp).
"""

from __future__ import annotations

import dataclasses
import sys
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _C
from .._C import Meaning, ScriptFunction
from ..nn.module import Module
from . import _records, _registry, _source
from ._dataclasses import written_out
from ._names import Names, describe, function_source
from ._records import UnknownType, evaluator, own_annotations
from ._types import type_text

if TYPE_CHECKING:
    from ._registry import Registry


def refuse_class(cls: type) -> str | None:
    """Why scripts cannot have this class, or None."""
    if issubclass(cls, Module):
        return (f"the module class `{cls.__name__}` cannot be made in a script; make it in Python and assign it to an "
                "attribute, or script an instance of it")
    if issubclass(cls, BaseException):
        return f"`{cls.__name__}` is an exception; a script can only raise it"
    if cls.__bases__ != (object,) or type(cls) is not type:
        return (f"class `{cls.__name__}`: classes of scripts have no base classes and no metaclass; keep an object of the base "
                "class in an attribute")
    if getattr(cls, "_tine_jit_mark", None) in ("ignore", "unused"):
        return f"class `{cls.__name__}` is left to Python; compile it, or use it before the script"
    return None


def _is_written_in_python(cls: type) -> bool:
    foreign = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType,
               types.ClassMethodDescriptorType)
    return (isinstance(cls.__module__, str) and cls.__module__ != "builtins" and not cls.__module__.startswith("tine.")
            and ("__dict__" in vars(cls) or "__slots__" in vars(cls))
            and not any(isinstance(found, foreign) for found in vars(cls).values()))


class _ClassNames(Names):
    """The names of a method: its class is there before Python has bound it, and so are the types of a written-out method."""

    def __init__(self, fn: Any, registry: Registry, frame: types.FrameType | None, cls: type,
                 own: dict[str, Any] | None = None) -> None:
        super().__init__(fn, registry, frame)
        self._class = weakref.ref(cls)
        self._own = own or {}

    def _first(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        cls = self._class()
        if cls is not None and name in (cls.__name__, "__class__"):
            return cls
        return super()._first(name)


class ScriptClass:
    """A class of scripts, with its type."""

    def __init__(self, registry: Registry, cls: type) -> None:
        self._registry = registry
        self._cls = weakref.ref(cls)
        self._frame: types.FrameType | None = None
        self.compiled = False  # all of it
        self.functions: list[ScriptFunction[..., Any]] = []  # which live as long as the class
        self.type = _C.ObjectType.open_class(registry.new_type_name(cls))
        _C._set_class(self.type, cls)
        weakref.finalize(cls, _C._forget_class, self.type.name).atexit = False

    @property
    def cls(self) -> type:
        """The Python class."""
        cls = self._cls()
        if cls is None:
            raise RuntimeError(f"the class {self.type.name} is gone")
        return cls

    def container(self) -> None:
        """It holds no modules to loop over."""

    def describe(self, name: str) -> Meaning | None:
        """What `object.name` is where it is not a slot; None where there is nothing."""
        cls = self.cls
        found = vars(cls).get(name)
        if isinstance(found, types.MemberDescriptorType) or (found is None and name not in vars(cls)):  # of __slots__
            return self._declared(name)
        if isinstance(found, staticmethod):
            return self._function(f"staticmethod.{name}", found.__func__)
        if isinstance(found, classmethod):
            return self._function(f"classmethod.{name}", found.__func__, cls_type=self.type)
        if isinstance(found, property):
            if found.fget is None:
                return Meaning.refused(f"the property `{name}` of `{cls.__name__}` has no getter")
            get = self._function(f"__{name}_getter", found.fget, self.type)
            set = None if found.fset is None else self._function(f"__{name}_setter", found.fset, self.type)
            return Meaning.property(get, set)
        if isinstance(found, types.FunctionType):
            return self._function(name, found, self.type)
        if found is None and name in own_annotations(cls):
            return self._declared(name)
        if found is None or isinstance(found, (bool, int, float, str, tuple)) or _records.is_enum(type(found)):
            return describe(found, name, self._registry)
        return Meaning.refused(f"attribute `{name}` of class `{cls.__name__}` is a {type(found).__name__}, which scripts cannot "
                               "use; assign it to `self` in `__init__`")

    def _declared(self, name: str) -> Meaning | None:
        """The type that the class declares for an attribute."""
        annotation = own_annotations(self.cls).get(name)
        if annotation is None:
            return None
        try:
            return Meaning.type(type_text(annotation, evaluator(self.cls, self._around)))
        except UnknownType as why:
            return Meaning.refused(f"attribute `{name}` of class `{self.cls.__name__}`: {why}")

    def _around(self, name: str) -> Any:
        """What the name means in the function that the class stands in, as far as the methods and `script` know."""
        for fn in vars(self.cls).values():
            if _source.is_plain(fn) and name in fn.__code__.co_freevars and fn.__closure__ is not None:
                try:
                    return fn.__closure__[fn.__code__.co_freevars.index(name)].cell_contents
                except ValueError:  # not assigned yet
                    pass
        if self._frame is not None and name in self._frame.f_locals:
            return self._frame.f_locals[name]
        raise NameError(f"name {name!r} is not defined")

    def _function(self, name: str, fn: Any, self_type: _C.ObjectType | None = None,
                  cls_type: _C.ObjectType | None = None) -> Meaning:
        full_name = f"{self.type.name}.{name}"
        if not _source.is_plain(fn):
            return Meaning.refused(f"`{name}` of class `{self.cls.__name__}` is a {type(fn).__name__}, which scripts cannot "
                                   "call")
        # Made by the decorator, or, as `__replace__` of CPython 3.13 is, taken from its module.
        made = fn.__code__.co_filename == "<string>" or fn.__module__ == "dataclasses"
        if made and dataclasses.is_dataclass(self.cls):
            try:
                written = written_out(self.cls, name)
            except UnknownType as error:
                return Meaning.refused(str(error))
            if written is None:
                return Meaning.refused(f"`{name}` of the dataclass `{self.cls.__name__}` is not available in scripts")
            text, own, defaults = written
            return Meaning.function(full_name, _C.FunctionSource(
                full_name, f"<dataclass {self.cls.__name__}>", text, 1, name,
                _ClassNames(fn, self._registry, self._frame, self.cls, own), self_type, defaults))
        why = _source.refuse_kind(fn)
        if why is None and fn.__closure__ is not None and getattr(fn, "__wrapped__", None) is not None:
            why = f"`{name}` of class `{self.cls.__name__}` is wrapped by a decorator, which scripts cannot run"
        if why is not None:
            return Meaning.refused(why)
        try:
            names = _ClassNames(fn, self._registry, self._frame, self.cls)
            return Meaning.function(full_name, function_source(fn, self._registry, self_type, full_name, names=names,
                                                               cls_type=cls_type))
        except (OSError, TypeError, _C.SyntaxError) as error:
            return Meaning.refused(str(error))

    def complete(self) -> None:
        """Compiles `__init__`, which says what attributes there are."""
        if self.type.is_open:
            init = self.describe("__init__")
            if init is None:
                self.type.close()
            elif init.source is None:
                raise _source.refusal(self.cls, init.why or "it has no `__init__`")
            else:
                self.functions.append(_C._compile(init.source))

    def compile(self, frame: types.FrameType | None) -> None:
        """Compiles all methods. Names that only annotations use are looked up in `frame`."""
        self._frame = frame
        try:
            self.complete()
            for name in list(vars(self.cls)):
                found = self.describe(name)
                for each in () if found is None else (found, *found.parts):
                    if each.source is not None:
                        self.functions.append(_C._compile(each.source))
        finally:
            self._frame = None


def script_class(cls: type, registry: Registry, frame: types.FrameType | None,
                 check: Callable[[list[ScriptFunction[..., Any]]], None]) -> type:
    """Compiles a class, for `script`. What `check` raises of its functions refuses the class."""
    why = refuse_class(cls)
    if why is not None:
        raise _source.refusal(cls, why)
    known = registry.script_class(cls) or registry.add_script_class(cls, ScriptClass(registry, cls))
    if not known.compiled:
        try:
            known.compile(frame)
            check(known.functions)
        except BaseException:
            registry.forget_script_class(cls)
            raise
        known.compiled = True
    return cls


def _no_names() -> None:
    """The function whose names the check of an interface has."""


class Interface:
    """What `interface` makes of a class. Any object whose class has its methods may stand for it."""

    compiled = True

    def __init__(self, registry: Registry, cls: type, frame: types.FrameType | None) -> None:
        name = registry.new_type_name(cls)
        methods = []
        for method, fn in vars(cls).items():
            if isinstance(fn, types.FunctionType):
                methods.append((method, function_source(fn, registry, None, f"{name}.{method}", frame=frame)))
        self.type = _C.ObjectType.interface(name, methods)
        weakref.finalize(cls, _C._forget_class, name).atexit = False
        self._known: dict[str, ScriptFunction[..., Any]] = {}  # name of a type that was found to have the methods

    def container(self) -> None:
        """It holds no modules to loop over."""

    def describe(self, name: str) -> None:
        """It has nothing beside its methods."""

    def complete(self) -> None:
        """It has no attributes."""

    def check(self, type: _C.ObjectType, registry: Registry) -> None:
        """SyntaxError unless objects of that type have the methods, which are compiled then."""
        if type.name not in self._known:
            names = _ClassNames(_no_names, registry, None, Interface, {"_Object": type, "_Interface": self.type})
            self._known[type.name] = _C._compile(_C.FunctionSource(
                f"{self.type.name}.{type.name}", "<interface>",
                "def of_interface(x: _Object) -> _Interface:\n    return x\n", 1, "of_interface", names))


def interface(obj: type) -> type:
    """Makes a class the type of all objects that have its methods, for annotations in scripts::

        @torch.jit.interface
        class Shape:
            def area(self) -> float:
                pass

    A class that derives from `tine.nn.Module` is an interface of modules. Returns the class.
    """
    registry = _registry.registry
    if not isinstance(obj, type):
        raise RuntimeError("interface must be applied to a class")
    if obj.__bases__ not in ((object,), (Module,)):
        raise _source.refusal(obj, f"the interface `{obj.__name__}` has base classes; an interface has none, or tine.nn.Module "
                              "alone")
    frame = sys._getframe(1) if "<locals>" in obj.__qualname__ else None
    registry.add_script_class(obj, Interface(registry, obj, frame))
    return obj


def _object_behind(obj: Any, interface_type: _C.ObjectType) -> Any:
    """What stands for a Python object where a script takes an interface: its type, or a scripted module's object."""
    registry = _registry.registry
    known = registry.module_class_named(interface_type.name)
    if known is None:
        raise RuntimeError(f"the interface {interface_type.name} is gone")
    held = vars(obj).get("_c") if isinstance(obj, Module) else None
    if isinstance(held, _C.ScriptObject):
        known.check(held.type, registry)
        return held
    found = "script the module first" if isinstance(obj, Module) else class_of(type(obj), registry)
    if isinstance(found, str):
        raise TypeError(f"expected an object with the methods of {interface_type.name}, got a {type(obj).__name__}; {found}")
    found.complete()
    known.check(found.type, registry)
    return found.type


_C._set_object_finder(_object_behind)


def class_of(cls: type, registry: Registry) -> ScriptClass | Interface | str:
    """What stands for a class that a script meets, or why it is none of scripts."""
    known: ScriptClass | Interface | None = registry.script_class(cls)
    if known is not None:
        return known
    why = refuse_class(cls)
    if why is None and not _is_written_in_python(cls):
        why = f"class `{cls.__name__}` is not written in Python, so scripts cannot have it"
    return why or registry.add_script_class(cls, ScriptClass(registry, cls))


_registry.meet_class = class_of
