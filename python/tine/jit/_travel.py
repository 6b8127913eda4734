"""Scripted modules and functions on their way to another worker (docs/spec/wire.md, "Scripted modules and functions").

What travels is a list of values beside a pickle: the code, which goes by its hash, and what the module holds. Whatever
arrives, it is read or refused with an error.
"""

from __future__ import annotations

import enum
import json
import re
import threading
from collections import OrderedDict
from typing import Any, NoReturn
from weakref import WeakValueDictionary

from .. import _C
from .._C import ScriptFunction, Tensor
from ..nn.containers import ModuleDict, ModuleList, Sequential
from ..nn.module import Module
from ..nn.parameter import Buffer, Parameter
from . import _registry
from ._modules import ReceivedClass
from ._methods import ScriptMethod
from ._scripted import RecursiveScriptModule
from ._types import is_dtype

_KINDS: dict[str, type[Module]] = {kind.__name__: kind for kind in (Module, Sequential, ModuleList, ModuleDict)}


# What an object of `tensors` is: a Tensor, a Parameter (with and without requires_grad), a Buffer (persistent or not).
def _kind_of(tensor: Tensor) -> int:
    if isinstance(tensor, Buffer):
        return 3 if tensor.persistent else 4
    if isinstance(tensor, Parameter):
        return 1 if tensor.requires_grad else 2
    return 0


def _as_kind(tensor: Tensor, kind: int) -> Tensor:
    if kind in (1, 2):
        return Parameter(tensor, kind == 1)
    if kind in (3, 4):
        return Buffer(tensor, persistent=kind == 3)
    return tensor


def parts_of(obj: ScriptFunction[..., Any] | RecursiveScriptModule) -> list[Any]:
    """A scripted function or module as the values that travel."""
    if isinstance(obj, ScriptFunction):
        return ["function", _C._rpc.export_function(obj), obj.qualified_name]
    return _Packing(obj).parts()


class _Packing:
    """One module: its own modules come first, and each once."""

    def __init__(self, root: RecursiveScriptModule) -> None:
        self._tensors: list[Tensor] = []
        self._numbers: dict[int, int] = {}  # id of a tensor, which the list keeps -> its number
        self._objects: list[list[Any]] = []
        self._modules: dict[int, int] = {}  # id of a module -> its number
        self._classes: dict[str, int] = {}  # name of a type -> its number
        self._records: list[tuple[Any, bool]] = []
        self._methods: list[dict[str, ScriptFunction[..., Any]]] = []
        self._add(root)

    def parts(self) -> list[Any]:
        root = self._records[-1][0]
        key = tuple((record.type.name, tuple(methods)) for (record, _), methods in zip(self._records, self._methods))
        known: dict[Any, Any] = vars(root).setdefault("_codes", {})
        code = known.get(key)
        if code is None:
            code = known[key] = _C._rpc.export_classes([
                (record.type, re.sub(r"\W", "_", _original_name(record), flags=re.ASCII), _facts(record, traced), methods)
                for (record, traced), methods in zip(self._records, self._methods)])
        return ["module", code, [_kind_of(t) for t in self._tensors], self._tensors, self._objects]

    def _add(self, module: RecursiveScriptModule) -> int:
        done = self._modules.get(id(module))
        if done is not None:
            return done
        own = vars(module)
        record, c, children = own["_tine_class"], own["_c"], own["_tine_children"]
        numbers = {name: None if child is None else self._add(child) for name, child in children.items()}
        at = self._classes.get(record.type.name)
        if at is None:
            at = self._classes[record.type.name] = len(self._records)
            self._records.append((record, module._tine_traced))
            self._methods.append({})
        for name, method in own["_tine_methods"].items():
            self._methods[at].setdefault(name, method._function)
        for name, function in getattr(record, "methods", {}).items():
            self._methods[at].setdefault(name, function)
        slots = []
        for name in record.type.slots:
            if numbers.get(name) is not None:
                slots.append(("m", numbers[name]))
            else:
                slots.append(self._packed(c.get(name), name, module))
        names = own["_tine_names"]
        self._objects.append([at, slots, names["parameters"], names["buffers"], sorted(own["_non_persistent_buffers"]),
                              list(own["_tine_methods"])])
        self._modules[id(module)] = len(self._objects) - 1
        return len(self._objects) - 1

    def _packed(self, value: Any, name: str, module: RecursiveScriptModule) -> Any:
        if isinstance(value, enum.Enum):  # the type of the slot says of which enum
            value = value.value
        if value is None or isinstance(value, (bool, int, float, str, _C._rpc.RRef)):
            return value
        if isinstance(value, Tensor):
            number = self._numbers.get(id(value))
            if number is None:
                number = self._numbers[id(value)] = len(self._tensors)
                self._tensors.append(value)
            return ("t", number)
        if isinstance(value, list):
            return [self._packed(item, name, module) for item in value]
        if isinstance(value, tuple):
            return ("u", *(self._packed(item, name, module) for item in value))
        if isinstance(value, dict):
            return {self._packed(key, name, module): self._packed(item, name, module) for key, item in value.items()}
        raise TypeError(f"attribute '{name}' of {module.original_name} is or holds a {type(value).__name__}, which cannot be sent "
                        "to another worker")


def _original_name(record: Any) -> str:
    name: str = getattr(record, "original_name", None) or record.cls.__name__
    return name


def _facts(record: Any, traced: bool) -> str:
    """What the copy has to know of the class beside its slots and methods, in one line."""
    kind = next((name for name, cls in _KINDS.items() if cls is not Module and issubclass(record.cls, cls)), "Module")
    return json.dumps([_original_name(record), kind, traced, list(record.children),
                       {name: _constant(value) for name, value in record.constants.items()}])


def _constant(value: Any) -> Any:
    """In JSON, which has no tuples and dtypes."""
    if is_dtype(value):
        return {"dtype": str(value).rpartition(".")[2]}
    return {"tuple": [_constant(item) for item in value]} if isinstance(value, tuple) else value


def _read_constant(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("tuple"), list):
            return tuple(map(_read_constant, value["tuple"]))
        import tine

        found = getattr(tine, str(value.get("dtype")), None)
        return found if is_dtype(found) else _refuse("a constant of its class", value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else _refuse("a constant of its class", value)


def _refuse(what: str, found: object) -> NoReturn:
    raise _C.ValueError(f"a scripted module that another worker sent cannot be read: {what} is {found!r:.200}")


# Those of one code: one for the modules that live, by its hash.
class _Classes(list[ReceivedClass]):
    pass


_known: WeakValueDictionary[str, _Classes] = WeakValueDictionary()
# What was used last stays compiled for the next call: classes and functions, by the hash of their code.
_recent: OrderedDict[str, Any] = OrderedDict()
_MOST_RECENT = 64
_recent_lock = threading.Lock()


def _keep(hash: str, used: Any) -> None:
    with _recent_lock:
        before = _recent.pop(hash, None)
        _recent[hash] = used
        oldest = _recent.popitem(last=False) if len(_recent) > _MOST_RECENT else None
    del before, oldest  # not under the lock


def _function_of(name: str, code: _C._rpc.ScriptCode) -> ScriptFunction[..., Any]:
    found = _recent.get(code.hash)
    if not isinstance(found, ScriptFunction) or _C._find_script(name) is not None:  # which may be the same
        found = _C._rpc.import_function(name, code)
    if found.qualified_name != name:
        _keep(code.hash, found)
    return found


def _classes_of(code: Any) -> _Classes:
    if type(code) is not _C._rpc.ScriptCode:
        _refuse("its code", code)
    known = _known.get(code.hash)
    if known is None:
        known = _Classes(_read_class(*each) for each in _C._rpc.import_classes(code))
        for record in known:
            _registry.registry.add_module_class(record)
        _known[code.hash] = known
    _keep(code.hash, known)
    return known


def _read_class(type: _C.ObjectType, name: str, facts: str, methods: dict[str, Any]) -> ReceivedClass:
    try:
        original_name, kind, traced, children, constants = json.loads(facts)
        good = isinstance(original_name, str) and isinstance(traced, bool)
        good = good and all(isinstance(child, str) and type.index(child) >= 0 for child in children)
        return ReceivedClass(type, methods, _KINDS[kind if good else ""], traced, original_name, tuple(children),
                             {key: _read_constant(value) for key, value in constants.items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _C.ValueError(f"the class {name} of a scripted module that another worker sent cannot be read: {error!r:.200}") from None


def received(parts: Any) -> Any:
    """What parts_of() was given: the same function, or a module of its own."""
    match parts:
        case ["function", code, str(name)] if type(code) is _C._rpc.ScriptCode:
            return _function_of(name, code)
        case ["module", code, list(kinds), list(tensors), list(objects)]:
            return _Unpacking(_classes_of(code), kinds, tensors).modules(objects)
    _refuse("what stands beside its pickle", parts)


class _Unpacking:
    def __init__(self, classes: _Classes, kinds: list[Any], tensors: list[Any]) -> None:
        self._classes = classes
        if len(kinds) != len(tensors) or not all(isinstance(t, Tensor) for t in tensors):
            _refuse("a tensor of it", "missing")
        self._tensors = [_as_kind(t, kind) for t, kind in zip(tensors, kinds)]
        self._modules: list[RecursiveScriptModule] = []

    def modules(self, objects: list[Any]) -> RecursiveScriptModule:
        for each in objects:
            match each:
                case [int(at), list(slots), list(parameters), list(buffers), list(rest), list(methods)] if 0 <= at < len(self._classes):
                    self._modules.append(self._module(self._classes[at], slots, parameters, buffers, rest, methods))
                case _:
                    _refuse("an object in it", each)
        return self._modules[-1] if self._modules else _refuse("the module", None)

    def _module(self, record: ReceivedClass, slots: list[Any], parameters: list[Any], buffers: list[Any], non_persistent: list[Any],
                methods: list[Any]) -> RecursiveScriptModule:
        names = record.type.slots
        if len(slots) != len(names):
            _refuse(f"{record.original_name}, of {len(names)} attributes,", f"one of {len(slots)}")
        children: OrderedDict[str, Any] = OrderedDict((name, None) for name in record.children)
        values = []
        for name, slot in zip(names, slots):
            if name in children and slot is not None:
                child = children[name] = self._child(slot, name)
                values.append(child._c)
            else:
                values.append(self._value(slot, name))
        held = dict(zip(names, values))
        for name in (*parameters, *buffers):
            if not isinstance(name, str) or name not in held or not (held[name] is None or isinstance(held[name], Tensor)):
                _refuse("a parameter or buffer", name)
        cls: type[RecursiveScriptModule] = RecursiveScriptModule
        if record.traced:
            from . import _trace

            cls = _trace.TopLevelTracedModule if methods else _trace.TracedModule  # only the outermost has methods
        c = _C.ScriptObject(record.type, values)  # which compares types
        made = cls.__new__(cls)._assemble(record, c, children, parameters, buffers, set(map(str, non_persistent)), record.original_name,
                             [value for value in values if isinstance(value, Tensor)])
        made.__dict__["_tine_code"] = self._classes  # for the next module of this code
        for name in methods:
            if name not in record.methods:
                _refuse(f"a method of {record.original_name}", name)
            made.__dict__["_tine_methods"][name] = ScriptMethod(made, name, record.methods[name])
        return made

    def _child(self, slot: Any, name: str) -> RecursiveScriptModule:
        match slot:
            case ("m", int(at)) if 0 <= at < len(self._modules):
                return self._modules[at]
        _refuse(f"its module '{name}'", slot)

    def _value(self, slot: Any, name: str) -> Any:
        match slot:
            case ("t", int(at)) if 0 <= at < len(self._tensors):
                return self._tensors[at]
            case ("u", *items):
                return tuple(self._value(item, name) for item in items)
            case tuple():
                _refuse(f"its attribute '{name}'", slot)
            case list():
                return [self._value(item, name) for item in slot]
            case dict():
                return {key: self._value(item, name) for key, item in slot.items()}
        return slot
