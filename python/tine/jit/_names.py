"""What the names in a script mean. The compiler asks for one name at a time.

An answer is a Meaning (python/src/script_resolver.cpp), or None where there is no such name.
"""

from __future__ import annotations

import builtins
import inspect
import math
import sys
import types
import typing
import warnings
from typing import TYPE_CHECKING, Any, TypeGuard

from .. import _C, futures
from .._C import Meaning, ScriptFunction, Tensor
from ..futures import Future
from ..nn.module import Module
from . import _async, _ignored, _marks, _records, _registry, _source
from ._records import UnknownType
from ._types import is_dtype, is_dtype_class, record_name, type_text, value_type_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._registry import Registry

_MISSING = object()


_table: dict[int, str] = {}


def _specials() -> dict[int, str]:
    """{id: name} of the objects that the compiler knows by a name of its own."""
    if _table:
        return _table
    table = {
        id(_async.fork): "torch.jit.fork",
        id(_async.wait): "torch.jit.wait",
        id(_marks.annotate): "torch.jit.annotate",
        id(_marks.isinstance): "torch.jit.isinstance",
        id(_marks._unwrap_optional): "torch.jit._unwrap_optional",
        id(_marks.is_scripting): "torch.jit.is_scripting",
        id(_marks.is_tracing): "torch.jit.is_tracing",
        id(_C._is_tracing): "torch.jit.is_tracing",
        id(_C._get_tracing_state): "torch.jit.is_tracing",
        id(futures.wait_all): "torch.futures.wait_all",
        id(futures.collect_all): "torch.futures.collect_all",
        id(Future): "torch.jit.Future",
        id(Tensor): "torch.Tensor",
        id(warnings.warn): "warnings.warn",
    }
    for name in ("List", "Dict", "Tuple", "Optional", "Union", "Any", "Final"):
        table[id(getattr(typing, name))] = "typing." + name
    for name, value in vars(math).items():
        if callable(value):
            table[id(value)] = "math." + name
    for name, value in vars(builtins).items():
        if callable(value) and not name.startswith("_") and not _is_exception(value):
            table[id(value)] = "builtins." + name
    _table.update(table)
    return _table


def _special_name(obj: object) -> str | None:
    name = _specials().get(id(obj))
    if name is not None:
        return name
    rpc = sys.modules.get("tine.distributed.rpc")  # not loaded: then nobody can hold one of its objects
    if rpc is not None:
        for known in ("rpc_async", "rpc_sync", "remote", "RRef"):
            if getattr(rpc, known, None) is obj:
                return "torch.distributed.rpc." + known
    return None


def _is_exception(obj: object) -> TypeGuard[type[BaseException]]:
    return isinstance(obj, type) and issubclass(obj, BaseException)


def _exception_name(cls: type) -> str:
    """The class itself where scripts can raise it, else the nearest of its bases that they can."""
    for base in cls.__mro__:
        if base.__module__ in ("builtins", "tine", "tine._C"):
            return base.__name__
    return "RuntimeError"


def function_source(
    fn: types.FunctionType,
    registry: Registry,
    self_type: _C.ObjectType | None = None,
    name: str | None = None,
    frame: types.FrameType | None = None,
    names: Names | None = None,
    cls_type: _C.ObjectType | None = None,
) -> _C.FunctionSource:
    """What the compiler takes for a Python function."""
    name = name or registry.qualified_name(fn)
    ignored_as = None
    if getattr(fn, "_tine_jit_mark", None) == "ignore":
        ignored_as = name
        _ignored.add(name, fn)
    file, text, first_line = _source.text_of(fn, ignored_as)
    return _C.FunctionSource(name, file, text, first_line, fn.__name__,
                             names or Names(fn, registry, frame), self_type, _source.defaults_of(fn), cls_type)


def overloads(
    fn: types.FunctionType, registry: Registry, self_type: _C.ObjectType | None = None, name: str | None = None
) -> Meaning | None:
    """A function that torch.jit._overload declared signatures for; None where it has none."""
    declared = _marks.declared_overloads(fn)
    if not declared:
        return None
    name = name or registry.qualified_name(fn)
    functions = []
    for number, one in enumerate(declared):
        file, text, first_line = _source.overload_text(one, fn)
        of_one = f"{name}__{number}"
        functions.append(Meaning.function(of_one, _C.FunctionSource(of_one, file, text, first_line, fn.__name__,
                                                                    Names(fn, registry), self_type, _source.defaults_of(one))))
    return Meaning.overloads(functions)


def describe(obj: Any, dotted: str, registry: Registry, lookup: Callable[[str], Any] | None = None) -> Meaning:
    """What the object that `dotted` names is to a script."""
    if isinstance(obj, _C.ObjectType):
        return Meaning.type(obj)
    obj = getattr(obj, "__original_fn", obj) if getattr(obj, "__script_if_tracing_wrapper", False) else obj
    special = "torch.dtype" if is_dtype_class(obj) else _special_name(obj)
    if special is not None:
        return Meaning.builtin(special)
    if isinstance(obj, types.ModuleType):
        return Meaning.namespace()
    if isinstance(obj, ScriptFunction):
        return _describe_scripted(obj, registry)
    wrapped = getattr(obj, "_wrapped_async_rpc_function", None)
    if isinstance(wrapped, ScriptFunction):
        return _describe_scripted(wrapped, registry, async_execution=True)
    if _source.is_plain(wrapped):
        return _describe_function(wrapped, registry, async_execution=True)
    operator = _C._operator_name(obj)
    if operator is not None:
        return Meaning.operator(operator)
    if _source.is_plain(obj):
        return _describe_function(obj, registry)
    if _records.is_enum(type(obj)):
        try:
            record_name(type(obj))
            return Meaning.constant(obj)
        except UnknownType as why:
            return Meaning.refused(f"`{dotted}` is a member of {why}")
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return Meaning.constant(obj)
    if is_dtype(obj):
        return Meaning.constant(obj)
    if isinstance(obj, tuple):
        try:
            value_type_text(obj)
            return Meaning.constant(obj)
        except UnknownType as why:
            return Meaning.refused(f"the tuple `{dotted}` holds {why}")
    if _is_exception(obj):
        return Meaning.exception(_exception_name(obj))
    if isinstance(obj, (Tensor, list, dict)):
        kind = "Tensor" if isinstance(obj, Tensor) else type(obj).__name__
        return Meaning.refused(f"python value of type '{kind}' cannot be used as a value: `{dotted}` is a variable outside of "
                           "the function and may change. Pass it in as an argument, or make it a module's attribute")
    if isinstance(obj, type) or typing.get_origin(obj) is not None or type(obj).__name__ in ("UnionType", "ForwardRef"):
        return _describe_type(obj, dotted, registry, lookup)
    return Meaning.refused(_why_not(obj, dotted))


def _describe_scripted(
    function: ScriptFunction[..., Any], registry: Registry, async_execution: bool = False
) -> Meaning:
    name = function.qualified_name
    fn = getattr(function, "__wrapped__", None)
    # After os.fork() the child has a unit of its own, which compiles again what it needs.
    if _source.is_plain(fn) and not hasattr(function, "_tine_traced") and _C._find_script(name) is None:
        return Meaning.function(name, function_source(fn, registry, name=name), async_execution)
    return Meaning.function(name, None, async_execution)


def _describe_function(fn: types.FunctionType, registry: Registry, async_execution: bool = False) -> Meaning:
    if fn.__module__ == "tine" or (fn.__module__ or "").startswith("tine._"):
        return Meaning.builtin(f"torch.{fn.__name__}")
    if (fn.__module__ or "").startswith("tine.distributed."):
        return Meaning.refused(f"`{fn.__name__}` of tine.distributed is Python's: scripts call `rpc.rpc_async`, `rpc.rpc_sync` and "
                               "`rpc.remote`")
    why = _source.LAMBDA if fn.__name__ == "<lambda>" else _source.refuse_kind(fn)
    if why is not None:
        return Meaning.refused(why)
    if fn.__closure__ is not None and getattr(fn, "__wrapped__", None) is not None:
        return Meaning.refused(f"`{fn.__qualname__}` is wrapped by a decorator, which scripts cannot run; "
                           "call the function that it wraps")
    scripted = registry.scripted(fn)
    if scripted is not None:
        return _describe_scripted(scripted, registry, async_execution)
    try:
        return (overloads(fn, registry)
                or Meaning.function(registry.qualified_name(fn), function_source(fn, registry), async_execution))
    except (OSError, TypeError, _C.SyntaxError) as error:
        return Meaning.refused(str(error))


def _describe_type(obj: Any, dotted: str, registry: Registry, lookup: Callable[[str], Any] | None) -> Meaning:
    why_no_class = ""
    if isinstance(obj, type) and not _records.is_record(obj):
        known = _registry.meet_class(obj, registry)
        if not isinstance(known, str):
            return Meaning.type(known.type)
        why_no_class = known
    try:
        if _records.is_named_tuple(obj):
            return Meaning.type(record_name(obj, lookup), _records.defaults_of(obj))
        if _records.is_enum(obj):
            return Meaning.type(record_name(obj))
        return Meaning.type(type_text(obj))
    except UnknownType as why:
        if _records.is_record(obj):
            return Meaning.refused(f"scripts cannot have {why}")
        if isinstance(obj, type):
            instead = {"defaultdict": "use a Dict, and `if key not in d:` before `d[key] += ...`",
                       "OrderedDict": "use a Dict, which keeps the order, too",
                       "deque": "use a List", "Counter": "use a Dict[str, int]"}.get(obj.__name__)
            if obj.__module__ == "collections" and instead is not None:
                return Meaning.refused(f"`{dotted}` is not a type of scripts; {instead}")
            return Meaning.refused(why_no_class)
        return Meaning.refused(str(why))


def _why_not(obj: Any, dotted: str) -> str:
    if isinstance(obj, Module):
        return (f"`{dotted}` is a module outside of the function; script the module that holds it, or call it from "
                "Python")
    if isinstance(obj, types.MethodType):
        return f"`{dotted}` is a method of a Python object; script a function, or a module"
    if callable(obj):
        return f"`{dotted}` is a Python callable of type {type(obj).__name__}, which scripts cannot call"
    return (f"python value of type '{type(obj).__name__}' cannot be used as a value: `{dotted}`. "
            "Pass what is needed of it as an argument")


class Names:
    """The names that a function does not define: its closure, its module's globals, Python's builtins."""

    def __init__(self, fn: types.FunctionType, registry: Registry, frame: types.FrameType | None = None) -> None:
        self._fn = fn
        self._registry = registry
        self._globals = fn.__globals__
        self._cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or ()))
        # The frame of script()'s caller: names that only annotations use are in no closure. Its f_locals keeps what it
        # shows alive as long as the frame runs, so it is asked last.
        self._frame = frame

    def _first(self, name: str) -> Any:
        cell = self._cells.get(name)
        if cell is not None:
            try:
                return cell.cell_contents
            except ValueError:  # not assigned yet
                return _MISSING
        found = self._globals.get(name, _MISSING)
        if found is _MISSING:
            found = getattr(builtins, name, _MISSING)
        if found is _MISSING and self._frame is not None:
            found = self._frame.f_locals.get(name, _MISSING)
        return found

    def resolve(self, dotted: str) -> Meaning | None:
        first, *rest = dotted.split(".")
        obj = self._first(first)
        if not rest and self._is_own_name(first, obj):
            return Meaning.function(self._registry.qualified_name(self._fn))
        for i, attribute in enumerate(rest):
            if obj is _MISSING:
                return None
            holder = obj
            obj = getattr(holder, attribute, _MISSING)
            if isinstance(holder, types.ModuleType) and (holder.__name__ == "tine" or holder.__name__.startswith("tine.")):
                # The package's own names are the compiler's, whatever Python object stands for them here.
                place = holder.__name__.replace("tine", "torch", 1)
                if (holder.__name__ == "tine" and not isinstance(obj, types.ModuleType)) or (
                        obj is _MISSING and _C._not_there_yet(place, attribute) is not None):
                    return Meaning.builtin(_special_name(obj) or ".".join([place, attribute] + rest[i + 1:]))
            elif isinstance(holder, types.ModuleType) and holder.__name__ == "math" and obj is _MISSING:
                return Meaning.builtin(".".join(["math", attribute] + rest[i + 1:]))
            elif isinstance(holder, type) and isinstance(obj, types.FunctionType):
                if not isinstance(inspect.getattr_static(holder, attribute, None), staticmethod):
                    return Meaning.refused(f"`{holder.__name__}.{attribute}` is a method; call it on the module, as "
                                       f"`self.{attribute}(...)`, or make it a static method")
        if obj is _MISSING:
            return None
        return describe(obj, dotted, self._registry, self._found)

    def _found(self, name: str) -> Any:
        obj = self._first(name)
        if obj is _MISSING:
            raise NameError(f"name {name!r} is not defined")
        return obj

    def _is_own_name(self, name: str, obj: object) -> bool:
        """Whether the name will mean the function itself: while a decorator runs, it does not exist yet."""
        fn = self._fn
        if name != fn.__name__ or "." in fn.__qualname__.rpartition("<locals>.")[2]:
            return False
        if obj is _MISSING:
            return True
        before = getattr(obj, "__wrapped__", None)
        return (isinstance(obj, ScriptFunction) and before is not fn and getattr(before, "__module__", None) == fn.__module__
                and getattr(before, "__qualname__", None) == fn.__qualname__)

    def method(self, type_name: str, name: str) -> Meaning | None:
        """What `self.name` is where it is not a slot."""
        found = self._registry.module_class_named(type_name)
        return None if found is None else found.describe(name)

    def submodules(self, type_name: str) -> tuple[bool, tuple[str, ...]] | None:
        """(known by name, the names of its modules) of a class that scripts loop over; None of all others."""
        found = self._registry.module_class_named(type_name)
        return None if found is None else found.container()

    def candidates(self, dotted: str) -> list[str]:
        *path, _ = dotted.split(".")
        if not path:
            return sorted(set(self._cells) | {n for n in self._globals if not n.startswith("__")})
        obj = self._first(path[0])
        for attribute in path[1:]:
            obj = getattr(obj, attribute, None)
        return [] if obj is _MISSING or obj is None else [n for n in dir(obj) if not n.startswith("_")]
