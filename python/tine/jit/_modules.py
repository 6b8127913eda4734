"""Module classes as scripts see them: the slots of their objects, and what their other attributes mean."""

from __future__ import annotations

import inspect
import types
import typing
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .. import _C
from .._C import Meaning, ScriptFunction
from ..nn.containers import ModuleDict, ModuleList, Sequential
from ..nn.module import Module
from . import _source
from ._hooks import CallSource, Hooks
from ._marks import Attribute
from ._names import Names, describe, function_source, overloads
from ._records import UnknownType, evaluator, own_annotations
from ._subclasses import FunctionText, ScriptMethodStub
from ._types import is_dtype, type_text, value_type_text

if TYPE_CHECKING:
    from ._registry import Registry

    _Slot = tuple[str | _C.ObjectType, Any]


class ModuleClass:
    """A scripted module class with its slots; several modules may share it. It lives as long as one of them."""

    def __init__(
        self,
        registry: Registry,
        cls: type,
        children: Mapping[str, Any],
        slots: OrderedDict[str, _Slot],
        functions: dict[str, Any],
        constants: dict[str, Any],
        refused: dict[str, str],
        interfaces: dict[str, Any],
        members: Mapping[str, tuple[str, ...]],
        hooks: Hooks,
        texts: Mapping[str, FunctionText],
    ) -> None:
        self.registry = registry
        self.cls = cls  # methods are looked up on it
        self.children = tuple(children)  # the names of the submodules
        # Of those that are compiled here, and stay.
        self._below: dict[str, ModuleClass] = {name: child._tine_class for name, child in children.items() if child is not None
                                               and name not in interfaces and isinstance(child._tine_class, ModuleClass)}
        self.functions = functions
        self.constants = constants
        self.refused = refused
        self.interfaces = interfaces
        self.members = members  # "parameters" and "buffers", and the names of those that are not None
        self.type = _C.ObjectType(registry.new_type_name(cls), [(name, text) for name, (text, _) in slots.items()])
        self.texts = dict(texts)  # methods that `define` added
        self.call = CallSource(registry, cls, self.type, self.texts.get("forward") or self.function("forward"), hooks,
                               {*slots, *functions, *constants, *texts, *dir(cls)}) if hooks else None

    def container(self: ModuleClass | ReceivedClass) -> tuple[bool, tuple[str, ...]] | None:
        """(known by name, the names of its modules) of a class that scripts loop over; None of all others."""
        if not issubclass(self.cls, (Sequential, ModuleList, ModuleDict)):
            return None
        return issubclass(self.cls, ModuleDict), self.children

    def describe(self, name: str) -> Meaning | None:
        """What `self.name` is where it is not a slot; None where there is nothing."""
        if name in self.functions:
            return describe(self.functions[name], name, self.registry)
        if name in self.constants:
            return Meaning.constant(self.constants[name])
        if name in self.refused:
            return Meaning.refused(self.refused[name])
        own = f"{self.type.name}.{name}"
        if name in self.texts:
            return Meaning.function(own, self.texts[name].source(own, self.type))
        if self.call is not None:
            hook = self.call.hook_named(name)
            if hook is not None:
                return Meaning.function(own, self._method_source(name, hook))
        if name == "__call__":
            return None if self.call is None else Meaning.function(own, self.call.source())
        cls = self.cls
        fn = self.function(name)
        if fn is None:
            return None
        if name == "forward" and issubclass(cls, Sequential) and fn is Sequential.forward:
            return Meaning.function(own, self._sequential_source())
        if isinstance(fn, staticmethod):
            return describe(fn.__func__, name, self.registry)
        if isinstance(fn, property):
            return self._property(name, fn)
        if not isinstance(fn, types.FunctionType):
            return Meaning.refused(f"attribute `{name}` of `{cls.__name__}` is a {type(fn).__name__}, which scripts cannot use")
        if fn is Module.forward:
            return Meaning.refused(f"module `{cls.__name__}` has no `forward`")
        kind = name.removeprefix("named_")
        if kind in self.members and fn is getattr(Module, name):
            return Meaning.function(own, self._members_source(name, kind))
        return self._method(name, fn, self._refuse(name, fn))

    def function(self, name: str) -> Any:
        """What the class has under that name."""
        found = inspect.getattr_static(self.cls, name, None)
        return found.function if isinstance(found, ScriptMethodStub) else found

    def _refuse(self, name: str, fn: types.FunctionType) -> str | None:
        why = _source.refuse_kind(fn)
        if why is None and fn.__module__ in ("tine.nn.module", "tine.jit._scripted"):
            why = f"`{name}` of tine.nn.Module is not available in scripts"
        if why is None and fn.__module__ == "tine.nn.containers":
            why = (f"`{name}` of {self.cls.__name__} is not available in scripts; loop over a Sequential or ModuleList itself, and "
                   "over the keys(), values() or items() of a ModuleDict")
        return why

    def _property(self, name: str, found: property) -> Meaning:
        if found.fget is None:
            return Meaning.refused(f"the property `{name}` of `{self.cls.__name__}` has no getter")
        if name in getattr(self.cls, "__jit_unused_properties__", ()) or getattr(found.fget, "_tine_jit_mark", None) == "unused":
            return Meaning.refused(f"the property `{name}` of `{self.cls.__name__}` is marked @unused, or named in "
                                   "__jit_unused_properties__, so it stays Python's")
        get, *set = (self._accessor(f"__{name}_{kind}", fn)
                     for kind, fn in (("getter", found.fget), ("setter", found.fset)) if fn is not None)
        return Meaning.property(get, *set)

    def _accessor(self, name: str, fn: Any) -> Meaning:
        if not _source.is_plain(fn):
            return Meaning.refused(f"a property of `{self.cls.__name__}` is made of a {type(fn).__name__}, which scripts cannot call; "
                                   "write its getter and setter as `def`s")
        return self._method(name, fn, _source.refuse_kind(fn))

    def _method(self, name: str, fn: types.FunctionType, why: str | None) -> Meaning:
        """A function of the class as that method; refused where there is a reason."""
        if why is not None:
            return Meaning.refused(why)
        own = f"{self.type.name}.{name}"
        try:
            return overloads(fn, self.registry, self.type, own) or Meaning.function(own, self._method_source(name, fn))
        except (OSError, TypeError, _C.SyntaxError) as error:
            return Meaning.refused(str(error))

    def _method_source(self, name: str, fn: types.FunctionType) -> _C.FunctionSource:
        return function_source(fn, self.registry, self.type, f"{self.type.name}.{name}")

    def _members_source(self, name: str, kind: str) -> _C.FunctionSource:
        """parameters(), named_parameters(), buffers() and named_buffers(): each Tensor once, in Python's order."""
        named = name != kind
        item, unique = ("tuple[str, Tensor]", "x[1] is other[1]") if named else ("Tensor", "x is other")
        of_itself: list[str] = []
        below: list[str] = []
        for number, path in enumerate(self._paths(kind)):
            held = "self"
            for part in path:
                held = f'getattr({held}, "{part}")'
            what = f'("{".".join(path)}", x{number})' if named else f"x{number}"
            lines = [f"x{number} = {held}", f"if x{number} is not None:", f"    found.append({what})"]
            (of_itself if len(path) == 1 else below).extend(lines)
        lines = [f"def {name}(self, recurse: bool = True):", f"    found: list[{item}] = []", *("    " + line for line in of_itself),
                 "    if recurse:", *("        " + line for line in (below or ["pass"])),
                 f"    unique: list[{item}] = []", "    for x in found:", "        seen = False", "        for other in unique:",
                 f"            seen = seen or {unique}", "        if not seen:", "            unique.append(x)", "    return unique"]
        names = Names(vars(Module)[name], self.registry)
        return _C.FunctionSource(f"{self.type.name}.{name}", f"<{name} of {self.cls.__name__}>", "\n".join(lines) + "\n", 1, name, names,
                                 self.type, {"recurse": True})

    def _paths(self, kind: str) -> Iterator[tuple[str, ...]]:
        yield from ((name,) for name in self.members[kind])
        for name, child in self._below.items():
            yield from ((name, *path) for path in child._paths(kind))

    def _sequential_source(self) -> _C.FunctionSource:
        """`forward` of a Sequential, unrolled: its modules have a type each."""
        lines = ["def forward(self, input):"]
        for name in self.children:
            lines.append(f'    input = getattr(self, "{name}")(input)')
        lines.append("    return input")
        return _C.FunctionSource(f"{self.type.name}.forward", "<Sequential>", "\n".join(lines) + "\n", 1, "forward",
                                 Names(vars(Sequential)["forward"], self.registry), self.type)


class ReceivedClass:
    """A module class whose code came from another worker. It keeps the code alive."""

    def __init__(self, type: _C.ObjectType, methods: dict[str, ScriptFunction[..., Any]], cls: type[Module], traced: bool,
                 original_name: str, children: tuple[str, ...], constants: dict[str, Any]) -> None:
        self.type = type
        self.methods = methods
        self.cls = cls  # Module, or the kind of container
        self.traced = traced
        self.original_name = original_name
        self.children = children
        self.functions: dict[str, Any] = {}
        self.constants = constants
        self.refused: dict[str, str] = {}
        self.interfaces: dict[str, Any] = {}
        self.call = None  # `__call__` is one of the methods where there is one

    container = ModuleClass.container

    def describe(self, name: str) -> Meaning | None:
        """What `self.name` is where it is not a slot; None where there is nothing."""
        if name in self.constants:
            return Meaning.constant(self.constants[name])
        return Meaning.function(f"{self.type.name}.{name}") if name in self.methods else None


# What the attributes of a module say about itself.
OF_ITSELF = {"training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers", "_forward_hooks", "_forward_pre_hooks",
             "_tine_texts"}


def _annotations(cls: type) -> dict[str, Any]:
    """Class annotations, those of bases first; strings are evaluated where that is possible."""
    found = {}
    for base in reversed(cls.__mro__):
        if base is object or base is Module:
            continue
        for name, annotation in own_annotations(base).items():
            if isinstance(annotation, str):
                try:
                    annotation = evaluator(base)(annotation)
                except UnknownType:
                    pass  # its text may be a type's name as it is
            found[name] = annotation
    return found


def _plain_attributes(module: Module) -> Iterator[tuple[str, Any]]:
    """(name, value) of everything that is not a parameter, buffer or submodule."""
    yield "training", module.training
    for cls in reversed(type(module).__mro__):
        if cls is object or cls is Module or cls.__module__ == "tine.jit._scripted":
            continue
        for name, value in vars(cls).items():
            if not name.startswith("_") and isinstance(value, (bool, int, float, str, tuple)) and name not in module.__dict__:
                yield name, value
    for name, value in vars(module).items():
        if name not in OF_ITSELF:
            yield name, value


def _is_constant(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str)) or is_dtype(value) or (
        isinstance(value, tuple) and all(map(_is_constant, value)))


def _interface_of(annotation: Any, registry: Registry) -> Any:
    """What stands for the interface that an annotation names, or None."""
    known = registry.script_class(annotation) if isinstance(annotation, type) else None
    return known if known is not None and known.type.is_interface else None


def _type_of(annotation: Any, module: Module) -> str:
    # A text that is left of an annotation is a type's name.
    return type_text(annotation, None if isinstance(annotation, str) else evaluator(type(module)))


def slots_of(
    module: Module, children: Mapping[str, Any], registry: Registry
) -> tuple[OrderedDict[str, _Slot], dict[str, Any], dict[str, Any], dict[str, str], dict[str, Any]]:
    """What the object of a module holds, {name: (type, value)}, and what the compiler knows of its other attributes; the
    submodules that may be assigned anew, with the interfaces that they keep to."""
    annotations = _annotations(type(module))
    final = {name for name, annotation in annotations.items()
             if annotation is typing.Final or typing.get_origin(annotation) is typing.Final}
    final.update(getattr(module, "__constants__", ()))
    slots: OrderedDict[str, _Slot] = OrderedDict()
    functions: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    refused: dict[str, str] = {}
    interfaces: dict[str, Any] = {}
    for name, tensor in list(module._parameters.items()) + list(module._buffers.items()):
        text = "Tensor" if tensor is not None else "NoneType"
        if name in annotations:
            try:
                text = _type_of(annotations[name], module)
            except UnknownType:
                pass
        slots[name] = (text, tensor)
    for name, child in children.items():
        interface = _interface_of(annotations.get(name), registry)
        if child is not None and interface is not None:
            interface.check(child._tine_class.type, registry)
            interfaces[name] = interface
            slots[name] = (interface.type, child)
        else:
            slots[name] = ("NoneType", None) if child is None else (child._tine_class.type, child)
    for name, value in _plain_attributes(module):
        if isinstance(value, Attribute):
            slots[name] = (_type_of(value.type, module), value.value)
            continue
        if name in final and _is_constant(value):
            constants[name] = value
            continue
        try:
            text = _type_of(annotations[name], module) if name in annotations else value_type_text(value)
            slots[name] = (text, value)
        except UnknownType as why:
            if isinstance(value, (types.FunctionType, ScriptFunction)) or _C._operator_name(value) is not None:
                functions[name] = value
            else:
                refused[name] = f"attribute `{name}` of `{type(module).__name__}` is {why}"
    return slots, functions, constants, refused, interfaces
