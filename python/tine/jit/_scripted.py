"""Scripted modules, and how a module becomes one."""

from __future__ import annotations

import copy
import inspect
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

from .. import _C
from .._C import Graph, ScriptFunction, Tensor
from ..nn.containers import ModuleDict, ModuleList, Sequential
from ..nn.module import Module
from ..nn.parameter import Parameter
from . import _ignored, _marks, _registry
from .._missing import attribute_error
from ._hooks import NO_HOOKS, Hooks
from ._methods import ScriptMethod
from ._modules import OF_ITSELF, ModuleClass, ReceivedClass, slots_of
from ._races import report_races
from ._subclasses import FunctionText, ScriptMethodStub, functions_of

if TYPE_CHECKING:
    from ..nn._hooks import Hook, RemovableHandle


def script_module(
    module: Module,
    registry: _registry.Registry,
    memo: dict[int, RecursiveScriptModule] | None = None,
    cls: type[RecursiveScriptModule] | None = None,
    within: type[RecursiveScriptModule] | None = None,
) -> RecursiveScriptModule:
    """With `cls` (a trace) the modules get types of their own, and no method is compiled; the modules in it are `within`s. A
    ScriptModule, whose `__init__` has ended, becomes a scripted one itself."""
    memo = {} if memo is None else memo
    if isinstance(module, RecursiveScriptModule):
        return module
    known = memo.get(id(module))
    if known is not None:
        return known
    if "_parameters" not in module.__dict__:
        raise RuntimeError(f"script: `{type(module).__name__}.__init__` did not call super().__init__()")
    hooks = Hooks.of(module) if cls is None else NO_HOOKS  # a trace has recorded what they do
    texts: dict[str, FunctionText] = module.__dict__.get("_tine_texts", {})
    children: OrderedDict[str, ScriptModule | None] = OrderedDict()
    for name, child in module._modules.items():
        children[name] = None if child is None else script_module(child, registry, memo, within, within)
    slots, functions, constants, refused, interfaces = slots_of(module, children, registry)
    module_class = type(module)
    members = {kind: tuple(name for name in held if slots[name][0] != "NoneType")
               for kind, held in (("parameters", module._parameters), ("buffers", module._buffers))}
    key = (module_class, tuple((name, t if isinstance(t, str) else t.name) for name, (t, _) in slots.items()),
           tuple((name, id(fn)) for name, fn in functions.items()),
           tuple((name, repr(value)) for name, value in constants.items()), tuple(refused.items()), *members.values(), hooks.key())
    shared = cls is None and not texts
    record: ModuleClass | None = registry.module_class(key) if shared else None
    if record is None:
        record = ModuleClass(registry, module_class, children, slots, functions, constants, refused, interfaces, members, hooks, texts)
        registry.add_module_class(record, key if shared else None)
    made = _C.ScriptObject(record.type, [_slot_value(value) for _, value in slots.values()])
    if isinstance(module, ScriptModule):
        done = _scripted_class(type(module))._make(module, record, made, children, module)
    else:
        done = (cls or RecursiveScriptModule)._make(module, record, made, children)
    memo[id(module)] = done
    for name in dict.fromkeys((*_entry_points(module_class), *texts)) if cls is None else ():
        done._tine_compile(name)
    if record.call is not None:
        try:
            done._tine_compile("__call__")
        except _C.SyntaxError as error:
            error.add_note(record.call.expected())
            raise
    return done


def _slot_value(value: Any) -> Any:
    return value._c if isinstance(value, RecursiveScriptModule) else value


def _entry_points(cls: type[Module]) -> Iterator[str]:
    """The methods that are compiled without being called: forward and what is marked @export. Of a class that derives from
    ScriptModule, those that are marked @script_method."""
    if issubclass(cls, ScriptModule):
        yield from (name for name in dir(cls) if isinstance(inspect.getattr_static(cls, name), ScriptMethodStub))
        return
    if issubclass(cls, Sequential) or (cls.forward is not Module.forward
                                          and getattr(cls.forward, "_tine_jit_mark", None) is None
                                          and not _marks.declared_overloads(cls.forward)):
        yield "forward"
    for name in dir(cls):
        fn = inspect.getattr_static(cls, name)
        if getattr(fn, "_tine_jit_mark", None) == "export" and name != "forward":
            yield name


def checked(module: RecursiveScriptModule, strict: bool = False) -> RecursiveScriptModule:
    """The module; races in its methods, and in those of the modules in it, have been reported."""
    report_races([method._function for each in module.modules() if isinstance(each, RecursiveScriptModule)
                   for method in each.__dict__["_tine_methods"].values()], strict)
    return module


class _ScriptMeta(type):
    """When `__init__` of an object has ended, it is scripted."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made_from = cls.__dict__.get("_tine_made_from", cls)
        made = type.__call__(made_from, *args, **kwargs)
        if isinstance(made, ScriptModule) and not isinstance(made, RecursiveScriptModule):
            return checked(script_module(made, _registry.registry))
        return made


class ScriptModule(Module, metaclass=_ScriptMeta):
    """A module whose methods are compiled; made by `tine.jit.script` or `tine.jit.trace` of a module, or of a class that derives
    from this one and marks methods with `tine.jit.script_method`.

    It shares parameters and buffers with the module that it was made from; other attributes are copied. Reading and
    assigning an attribute goes to the object that the compiled methods see.
    """

    def define(self, src: str) -> None:
        """Adds methods: the text of functions whose first parameter is `self`. Their names mean what they mean to the caller.

        In `__init__` they are compiled when it has ended, otherwise at once. A method that is there already is a RuntimeError.
        """
        texts: dict[str, FunctionText] = self.__dict__.setdefault("_tine_texts", {})
        for text in functions_of(src, sys._getframe(1)):
            if text.name in texts:
                raise RuntimeError(f"define: `{type(self).__name__}` has a method `{text.name}` already")
            texts[text.name] = text

    def __getattr__(self, name: str) -> Any:  # only when the usual search found nothing
        if isinstance(inspect.getattr_static(type(self), name, None), ScriptMethodStub):
            raise AttributeError(f"`{type(self).__name__}.{name}` is compiled when `__init__` has ended; it is not there before")
        return super().__getattr__(name)


def _scripted_class(cls: type[ScriptModule]) -> type[RecursiveScriptModule]:
    """What the objects of a class that derives from ScriptModule are when they are scripted: the same class, with compiled methods."""
    made: type[RecursiveScriptModule] | None = cls.__dict__.get("_tine_scripted")
    if made is None:
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__, "_tine_made_from": cls}
        bases = (RecursiveScriptModule,) if cls is ScriptModule else (cls, RecursiveScriptModule)
        made = cast("type[RecursiveScriptModule]", _ScriptMeta(cls.__name__, bases, names))
        setattr(cls, "_tine_scripted", made)
    return made


class RecursiveScriptModule(ScriptModule):
    """The module that `tine.jit.script(module)` returns."""

    _tine_traced = False

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise RuntimeError(f"{type(self).__name__} is made by tine.jit.script(module), not directly")

    @classmethod
    def _make(cls, module: Module, record: ModuleClass, c: _C.ScriptObject, children: OrderedDict[str, Any],
              itself: ScriptModule | None = None) -> Self:
        names = list(module._parameters), list(module._buffers), set(module._non_persistent_buffers)
        tensors = [*module._parameters.values(), *module._buffers.values()]
        if itself is None:
            return cls._assemble(cls.__new__(cls), record, c, children, *names, type(module).__name__, tensors)
        # What is neither an attribute of the script's object nor the module's own business stays Python's.
        kept = {name: value for name, value in itself.__dict__.items()
                if name not in OF_ITSELF and record.type.index(name) < 0 and name not in record.constants}
        itself.__dict__.clear()
        itself.__dict__.update(kept)
        object.__setattr__(itself, "__class__", cls)
        return cls._assemble(cast(Self, itself), record, c, children, *names, type(module).__name__, tensors)

    def _assemble(self, record: ModuleClass | ReceivedClass, c: _C.ScriptObject, children: OrderedDict[str, Any],
                  parameters: list[str], buffers: list[str], non_persistent: set[str], original_name: str,
                  tensors: list[Any]) -> Self:
        own = self.__dict__
        own["_c"] = c
        own["_tine_class"] = record
        own["_tine_children"] = children
        own["_tine_names"] = {"parameters": parameters, "buffers": buffers}
        own["_non_persistent_buffers"] = non_persistent
        own["_tine_methods"] = {}
        own["_tine_original_name"] = original_name
        # While one of these is alive, the tensor's Python object stays the Parameter that it is.
        own["_tine_tensors"] = tensors
        _ignored.add_module(self)
        return self

    def _tine_members(self, kind: str) -> OrderedDict[str, Any]:
        own = self.__dict__
        return OrderedDict((name, own["_c"].get(name)) for name in own["_tine_names"][kind])

    @property
    def _parameters(self) -> OrderedDict[str, Any]:  # type: ignore[override]
        return self._tine_members("parameters")

    @property
    def _buffers(self) -> OrderedDict[str, Any]:  # type: ignore[override]
        return self._tine_members("buffers")

    @property
    def _modules(self) -> OrderedDict[str, Any]:  # type: ignore[override]
        children: OrderedDict[str, Any] = self.__dict__["_tine_children"]
        return children

    def _replace(self, members: OrderedDict[str, Any], name: str, tensor: _C.Tensor) -> None:
        setattr(self, name, tensor)
        own = self.__dict__
        own["_tine_tensors"] = [own["_c"].get(each) for kind in own["_tine_names"].values() for each in kind]

    @property
    def original_name(self) -> str:
        name: str = self.__dict__["_tine_original_name"]
        return name

    def _tine_compile(self, name: str) -> ScriptMethod:
        own = self.__dict__
        done: ScriptMethod | None = own["_tine_methods"].get(name)
        if done is None:
            record = own["_tine_class"]
            function = _C._find_script(f"{record.type.name}.{name}")
            if function is None:
                what = record.describe(name)
                if what is None or what.source is None:
                    why = what.why if what is not None and what.why is not None else "there is no such method"
                    raise AttributeError(f"'{self._get_name()}' has no scripted method '{name}': {why}")
                function = _C._compile(what.source)
            done = own["_tine_methods"][name] = ScriptMethod(self, name, function)
        return done

    def define(self, src: str) -> None:
        own = self.__dict__
        record = own["_tine_class"]
        if not isinstance(record, ModuleClass):
            raise RuntimeError(f"define: `{self.original_name}` came from another worker, and its class has no more methods")
        texts = functions_of(src, sys._getframe(1))
        added = []
        try:
            for text in texts:
                known = record.texts.get(text.name)
                found = record.describe(text.name) if known is None else None
                if text.name in own["_tine_methods"] or text.name in added or (found is not None and found.why is None):
                    raise RuntimeError(f"define: `{self.original_name}` has a method `{text.name}` already")
                if known is None:
                    record.texts[text.name] = text
                    added.append(text.name)
                elif not known.means(text):
                    raise RuntimeError(f"define: another module of the class `{self.original_name}` has a different method "
                                       f"`{text.name}`, and they share their methods")
            methods = [self._tine_compile(text.name) for text in texts]
        except BaseException:
            for name in added:
                del record.texts[name]
                own["_tine_methods"].pop(name, None)
            raise
        report_races([method._function for method in methods], False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        own = object.__getattribute__(self, "__dict__")
        methods = own["_tine_methods"]
        method = methods.get("__call__") or methods.get("forward")
        if method is None or "forward" in own or "_forward_hooks" in own or "_forward_pre_hooks" in own:
            return super().__call__(*args, **kwargs)
        return method._function(own["_c"], *args, **kwargs)

    def _add_hook(self, where: str, hook: Hook, prepend: bool) -> RemovableHandle:
        if "__call__" in self.__dict__["_tine_methods"]:
            raise RuntimeError(f"`{self._get_name()}` is compiled with its hooks, and gets no more: register all before it is scripted")
        return super()._add_hook(where, hook, prepend)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        method = self.__dict__["_tine_methods"].get("forward")
        if method is not None:
            return method(*args, **kwargs)
        raise NotImplementedError(f"module `{self._get_name()}` has no scripted `forward`")

    def __getattribute__(self, name: str) -> Any:
        if name == "forward":  # the compiled method, with its graph
            own = object.__getattribute__(self, "__dict__")
            done = None if name in own else own["_tine_methods"].get(name)  # one that was assigned is Python's
            if done is not None:
                return done
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:  # only when the usual search found nothing
        own = self.__dict__
        if "_tine_methods" not in own:
            raise AttributeError(name)
        method = own["_tine_methods"].get(name)
        if method is not None:
            return method
        children = own["_tine_children"]
        if name in children:
            return children[name]
        record = own["_tine_class"]
        if record.type.index(name) >= 0:
            return own["_c"].get(name)
        function = _C._find_script(f"{record.type.name}.{name}")  # compiled because another method calls it
        if function is not None:
            return ScriptMethod(self, name, function)
        if name in record.functions:
            return record.functions[name]
        if name in record.constants:
            return record.constants[name]
        method = inspect.getattr_static(record.cls, name, None)
        if isinstance(method, property) and method.fget is not None:
            return method.fget(self)
        if getattr(method, "_tine_jit_mark", None) in ("unused", "ignore"):  # Python's, which scripts leave alone
            return types.MethodType(method, self)
        hint = ""
        if isinstance(method, types.FunctionType):
            hint = "it was not compiled: mark it with @tine.jit.export"
        raise attribute_error(f"'{self._get_name()}' object has no attribute '{name}'", "torch.jit.ScriptModule",
                              "torch.nn.Module", name=name, hint=hint)

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        record = own["_tine_class"]
        if name in own["_tine_children"]:
            interface = record.interfaces.get(name)
            if interface is None or not isinstance(value, RecursiveScriptModule):
                what = "of an interface's type only to a scripted module" if interface is not None else "in a ScriptModule"
                raise RuntimeError(f"cannot re-assign modules {what} ('{name}')")
            interface.check(value._c.type, _registry.registry)
            own["_tine_children"][name] = value
            own["_c"].set(name, value._c)
            return
        if name in record.constants:
            raise RuntimeError(f"Can't set constant '{name}' which has value:{record.constants[name]!r}. It is Final, or named "
                               "in __constants__, and compiled code relies on it")
        if record.type.index(name) < 0:
            if isinstance(value, (Parameter, Module)):
                raise RuntimeError(f"cannot add new parameters or modules to a ScriptModule ('{name}')")
            found = inspect.getattr_static(record.cls, name, None)
            if isinstance(found, property):
                if found.fset is None:
                    raise AttributeError(f"property '{name}' of '{self._get_name()}' has no setter")
                found.fset(self, value)
            else:
                own[name] = value  # Python's alone
            return
        own["_c"].set(name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self.__dict__ or name in _INSIDE:
            raise RuntimeError(f"cannot delete '{name}' of a ScriptModule")
        del self.__dict__[name]

    def register_parameter(self, name: str, param: Parameter | None) -> NoReturn:
        raise RuntimeError("cannot add new parameters to a ScriptModule")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> NoReturn:
        raise RuntimeError("cannot add new buffers to a ScriptModule")

    def add_module(self, name: str, module: Module | None) -> NoReturn:
        raise RuntimeError("cannot add new modules to a ScriptModule")

    def train(self, mode: bool = True) -> Self:
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.__dict__["_c"].set("training", mode)
        for child in self.children():
            child.train(mode)
        return self

    @property
    def graph(self) -> Graph:
        """The graph of `forward`."""
        return self._tine_compile("forward").graph

    @property
    def inlined_graph(self) -> Graph:
        """The graph of `forward`, with what it calls in place of the calls."""
        return self._tine_compile("forward").inlined_graph

    def graph_for(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph of `forward` that runs for these arguments: the same for all."""
        return self.graph

    @property
    def code_with_constants(self) -> tuple[str, dict[str, Any]]:
        """The source of `forward`, and the constants beside it: none, since the source has them."""
        return self.code, {}

    @property
    def code(self) -> str:
        """The source of `forward`."""
        return self._tine_compile("forward").code

    @property
    def schema(self) -> str:
        return self._tine_compile("forward").schema

    def extra_repr(self) -> str:
        return f"original_name={self.original_name}"

    def __len__(self) -> int:
        return len(self._modules) if self._is_container() else self._missing("__len__")

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values()) if self._is_container() else self._missing("__iter__")

    def __getitem__(self, at: Any) -> Any:
        if not self._is_container():
            self._missing("__getitem__")
        if isinstance(at, str):
            return self._modules[at]
        return list(self._modules.values())[at]

    def __bool__(self) -> bool:
        return True

    def _is_container(self) -> bool:
        return issubclass(self.__dict__["_tine_class"].cls, (Sequential, ModuleList, ModuleDict))

    def _missing(self, name: str) -> NoReturn:
        raise NotImplementedError(f"'{self._get_name()}' is not a container of modules ({name})")

    def __reduce__(self) -> tuple[Any, ...]:
        """Its code, its attributes and its tensors: it is loaded without the source of its class, and is of no class of Python."""
        from importlib import import_module

        travel = import_module("tine.jit._travel")  # which builds on this module
        kept = {path: own for path, each in self.named_modules()
                if (own := {name: value for name, value in each.__dict__.items() if name not in _INSIDE})}
        return travel.received, (travel.parts_of(self),), kept or None

    def __setstate__(self, state: dict[str, dict[str, Any]]) -> None:
        for path, own in state.items():
            self.get_submodule(path).__dict__.update(own)

    def __copy__(self) -> Self:
        """A module with attributes of its own, which begin as the same values, and the same modules and tensors."""
        return self._copied(lambda value: value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copied(lambda value: copy.deepcopy(value, memo), memo)

    def _copied(self, copied: Callable[[Any], Any], memo: dict[int, Any] | None = None) -> Self:
        own = self.__dict__
        made = type(self).__new__(type(self))
        if memo is not None:
            memo[id(self)] = made  # for what refers back to it
        record, names = own["_tine_class"], own["_tine_names"]
        children = OrderedDict((name, copied(child)) for name, child in own["_tine_children"].items())
        values = {name: children[name] if children.get(name) is not None else copied(own["_c"].get(name)) for name in record.type.slots}
        made._assemble(record, _C.ScriptObject(record.type, [_slot_value(value) for value in values.values()]), children,
                       list(names["parameters"]), list(names["buffers"]), set(own["_non_persistent_buffers"]), self.original_name,
                       [values[name] for kind in names.values() for name in kind])
        made.__dict__["_tine_methods"].update(
            (name, ScriptMethod(made, name, method._function)) for name, method in own["_tine_methods"].items())
        if "_tine_code" in own:
            made.__dict__["_tine_code"] = own["_tine_code"]
        made.__dict__.update((name, copied(value)) for name, value in own.items() if name not in _INSIDE)
        return made


# What __dict__ of one holds beside Python's own attributes.
_INSIDE = {"_c", "_tine_class", "_tine_children", "_tine_names", "_non_persistent_buffers", "_tine_methods", "_tine_original_name",
           "_tine_tensors", "_tine_code"}


# What a call to another worker sends by its code: _travel.py.
SENT_BY_CODE = (ScriptFunction, RecursiveScriptModule, ScriptMethod)
