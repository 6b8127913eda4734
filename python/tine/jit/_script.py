"""script(): functions and modules to compiled code."""

import functools
import inspect
import sys
import types
import weakref
from collections import OrderedDict

from .. import _C
from ..nn.containers import ModuleDict, ModuleList, Sequential
from ..nn.module import Module
from ..nn.parameter import Parameter
from . import _source
from ._marks import Attribute
from ._names import Names, describe, function_source
from ._types import UnknownType, type_text, value_type_text

Graph = _C.Graph
ScriptFunction = _C.ScriptFunction
Tensor = _C.Tensor



class NotAScript(_C.SyntaxError, TypeError):
    """script() was given what is no function and no module."""


_functions = weakref.WeakKeyDictionary()  # Python function -> ScriptFunction


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """Compiles a function, or the `forward` of a module and all that it calls.

    Args:
        obj: a Python function written in the script language, or a `tine.nn.Module`. What is scripted already is
            returned as it is.
        optimize, example_inputs: accepted and not used.

    Returns:
        a `ScriptFunction`, or a `ScriptModule` that shares the module's parameters and buffers.

    Errors: `tine.SyntaxError` with file, line and marker for what is no script; OSError where there is no
    source. What is neither a function nor a module is a TypeError as well.
    """
    if isinstance(obj, (ScriptFunction, ScriptModule)):
        return obj
    if isinstance(obj, Module):
        return _script_module(obj)
    if isinstance(obj, types.FunctionType):
        nested = "<locals>" in obj.__qualname__
        return _script_function(obj, sys._getframe(_frames_up + 1).f_locals if nested else None)
    if isinstance(obj, type):
        if issubclass(obj, Module):
            raise NotAScript(f"script: `{obj.__name__}` is a module class; script an instance of it")
        raise NotAScript(f"script: class `{obj.__name__}`: classes are not supported in scripts yet")
    if isinstance(obj, types.MethodType):
        raise NotAScript(f"script: `{obj.__qualname__}` is a method of a {type(obj.__self__).__name__}; script a function, "
                        "or the module and mark the method with @tine.jit.export")
    raise NotAScript(f"script: expected a function or a tine.nn.Module, got {type(obj).__name__}")


def known(fn):
    """The ScriptFunction of a Python function that is compiled already, or None."""
    return _functions.get(fn)


def _script_function(fn, frame_locals=None):
    done = _functions.get(fn)
    if done is not None:
        return done
    if hasattr(fn, "_wrapped_async_rpc_function"):
        raise NotAScript(f"script: `{fn.__qualname__}` is wrapped by rpc.functions.async_execution, which must be the "
                        "outermost decorator: put @rpc.functions.async_execution above @torch.jit.script")
    why = _source.refuse_kind(fn)
    if why is not None:
        raise NotAScript("script: " + why)
    done = _C._compile(function_source(fn, frame_locals=frame_locals))
    functools.update_wrapper(done, fn)
    _functions[fn] = done
    return done


def _by_name(qualified_name):
    """For pickle: the script function of that name, here."""
    found = _C._find_script(qualified_name)
    if found is not None:
        return found
    parts = qualified_name.split(".")
    from importlib import import_module

    for at in range(len(parts) - 1, 0, -1):
        try:
            obj = import_module(".".join(parts[:at]))
        except ImportError:
            continue
        try:
            for part in parts[at:]:
                obj = getattr(obj, part)
        except AttributeError:
            break
        obj = getattr(obj, "_wrapped_async_rpc_function", obj)
        if isinstance(obj, ScriptFunction):
            return obj
    raise AttributeError(f"there is no script function `{qualified_name}` in this process; "
                         "import the module that defines it")


class CompilationUnit:
    """Script functions from text: `CompilationUnit("def f(x): return x + 1").f`."""

    _count = 0

    def __init__(self, lang=None):
        CompilationUnit._count += 1
        self._prefix = f"__tine__.unit{CompilationUnit._count}"
        if lang is not None:
            self.define(lang)

    def define(self, lang):
        """Compiles every `def` of the text and adds them to the unit."""
        import textwrap

        for fn in _C._compile_text(textwrap.dedent(lang), f"<{self._prefix}>", self._prefix):
            setattr(self, fn.name, fn)


# Modules


class _Record:
    """A scripted module class with its slots; several modules may share it."""

    def __init__(self, type_, module, functions):
        self.type = type_
        self.module = module  # methods and function attributes are looked up on it
        self.functions = functions


_records = {}  # key -> _Record
_by_type_name = {}  # type name -> _Record
_type_counts = {}

_SKIP = {"training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers"}


def _annotations(cls):
    """Class annotations, those of bases first; strings are evaluated where that is possible."""
    found = {}
    for base in reversed(cls.__mro__):
        if base is object or base is Module:
            continue
        own = base.__dict__.get("__annotations__", {})
        for name, annotation in own.items():
            if isinstance(annotation, str):
                try:
                    annotation = eval(annotation, vars(inspect.getmodule(base) or types), dict(vars(base)))
                except Exception:
                    pass  # its text may be a type's name as it is
            found[name] = annotation
    return found


def _plain_attributes(module):
    """(name, value) of everything that is no parameter, buffer or submodule."""
    yield "training", module.training
    for cls in reversed(type(module).__mro__):
        if cls is object or cls is Module:
            continue
        for name, value in vars(cls).items():
            if not name.startswith("_") and isinstance(value, (bool, int, float, str, tuple)) and name not in module.__dict__:
                yield name, value
    for name, value in vars(module).items():
        if name not in _SKIP:
            yield name, value


def _slots(module, children):
    """What the object of a module holds: [(name, type, value)], and the functions among its attributes."""
    annotations = _annotations(type(module))
    slots, functions, refused = OrderedDict(), {}, {}
    for name, tensor in list(module._parameters.items()) + list(module._buffers.items()):
        text = "Tensor" if tensor is not None else "NoneType"
        if name in annotations:
            try:
                text = type_text(annotations[name])
            except UnknownType:
                pass
        slots[name] = (text, tensor)
    for name, child in children.items():
        slots[name] = ("NoneType", None) if child is None else (child._tine_record.type, child)
    for name, value in _plain_attributes(module):
        if isinstance(value, Attribute):
            slots[name] = (type_text(value.type), value.value)
            continue
        try:
            text = type_text(annotations[name]) if name in annotations else value_type_text(value)
            slots[name] = (text, value)
        except UnknownType as why:
            if isinstance(value, (types.FunctionType, ScriptFunction)) or _C._operator_name(value) is not None:
                functions[name] = value
            else:
                refused[name] = f"attribute `{name}` of `{type(module).__name__}` is {why}"
    return slots, functions, refused


def _script_module(module, memo=None, cls=None):
    """With `cls` (a trace) the modules get types of their own, and no method is compiled."""
    memo = {} if memo is None else memo
    made_as = cls or RecursiveScriptModule
    done = memo.get(id(module))
    if done is not None:
        return done
    if isinstance(module, ScriptModule) and cls is None:
        return module
    if "_parameters" not in module.__dict__ and not isinstance(module, ScriptModule):
        raise RuntimeError(f"script: `{type(module).__name__}.__init__` did not call super().__init__()")
    children = OrderedDict()
    for name, child in module._modules.items():
        children[name] = None if child is None else _script_module(child, memo, cls)
    slots, functions, refused = _slots(module, children)
    module_class = type(module)
    key = (module_class, tuple((name, t if isinstance(t, str) else t.name) for name, (t, _) in slots.items()),
           tuple((name, id(fn)) for name, fn in functions.items()), tuple(refused.items()))
    record = _records.get(key) if made_as is RecursiveScriptModule else None
    if record is None:
        base = f"__tine__.{module_class.__module__}.{module_class.__qualname__}"
        number = _type_counts[base] = _type_counts.get(base, -1) + 1
        name = base if number == 0 else f"{base}___tine_{number}"
        record = _Record(_C.ObjectType(name, [(n, t) for n, (t, _) in slots.items()]), module, functions)
        record.refused = refused
        _by_type_name[name] = record
        if made_as is RecursiveScriptModule:
            _records[key] = record
    made = _C.ScriptObject(record.type, [_slot_value(value) for _, value in slots.values()])
    done = made_as._make(module, record, made, children)
    memo[id(module)] = done
    for name in _entry_points(module) if cls is None else ():
        done._tine_compile(name)
    return done


def _slot_value(value):
    return value._c if isinstance(value, ScriptModule) else value


def _entry_points(module):
    """The methods that are compiled without being called: forward and what is marked @export."""
    cls = type(module)
    if isinstance(module, Sequential) or (cls.forward is not Module.forward
                                          and getattr(cls.forward, "_tine_jit_mark", None) is None):
        yield "forward"
    for name in dir(cls):
        fn = inspect.getattr_static(cls, name)
        if getattr(fn, "_tine_jit_mark", None) == "export" and name != "forward":
            yield name


def _method_source(record, name, fn):
    return function_source(fn, record.type, f"{record.type.name}.{name}")


def _sequential_source(record):
    """`forward` of a Sequential, unrolled: its modules have a type each."""
    lines = ["def forward(self, input):"]
    for name in record.module._modules:
        lines.append(f'    input = getattr(self, "{name}")(input)')
    lines.append("    return input")
    return (f"{record.type.name}.forward", "<Sequential>", "\n".join(lines) + "\n", 1, "forward",
            Names(Sequential.forward), record.type)


def describe_method(type_name, name):
    """What `self.name` is where it is no slot; see _names.py for the answer's form."""
    record = _by_type_name.get(type_name)
    if record is None:
        return None
    if name in record.functions:
        return describe(record.functions[name], name)
    if name in record.refused:
        return ("refused", record.refused[name])
    cls = type(record.module)
    fn = inspect.getattr_static(cls, name, None)
    if fn is None:
        return None
    if name == "forward" and isinstance(record.module, Sequential) and fn is Sequential.forward:
        return ("function", f"{record.type.name}.forward", _sequential_source(record))
    if isinstance(fn, staticmethod):
        return describe(fn.__func__, name)
    if isinstance(fn, property):
        return ("refused", f"`{name}` is a property of `{cls.__name__}`; call a method instead")
    if not isinstance(fn, types.FunctionType):
        return ("refused", f"attribute `{name}` of `{cls.__name__}` is a {type(fn).__name__}, which scripts cannot use")
    if fn is Module.forward:
        return ("refused", f"module `{cls.__name__}` has no `forward`")
    why = _source.refuse_kind(fn)
    if why is None and fn.__module__ == "tine.nn.module":
        why = f"`{name}` of tine.nn.Module is not available in scripts"
    if why is None and fn.__module__ == "tine.nn.containers":
        why = (f"`{name}` of {cls.__name__} is not available in scripts; loop over a Sequential or ModuleList itself, "
               "and name the modules of a ModuleDict: self.modules_by_name[\"name\"]")
    if why is not None:
        return ("refused", why)
    try:
        return ("function", f"{record.type.name}.{name}", _method_source(record, name, fn))
    except (OSError, TypeError) as error:
        return ("refused", str(error))


class ScriptMethod:
    """A compiled method of a ScriptModule."""

    def __init__(self, owner, name, function):
        self._owner = owner
        self._function = function
        self.name = self.__name__ = name
        self.__doc__ = function.__doc__

    owner = property(lambda self: self._owner)
    graph = property(lambda self: self._function.graph)
    code = property(lambda self: self._function.code)
    schema = property(lambda self: self._function.schema)
    qualified_name = property(lambda self: self._function.qualified_name)

    def __call__(self, *args, **kwargs):
        return self._function(self._owner._c, *args, **kwargs)

    def __repr__(self):
        return f"<ScriptMethod {self.qualified_name}>"


class ScriptModule(Module):
    """A module whose methods are compiled; made by `tine.jit.script` or `tine.jit.trace` of a module.

    It shares parameters and buffers with the module that it was made from; other attributes are copied. Reading and
    assigning an attribute goes to the object that the compiled methods see.
    """

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self).__name__} is made by tine.jit.script(module), not directly")


def _members(kind):
    def members(self):
        own = self.__dict__
        return OrderedDict((name, own["_c"].get(name)) for name in own["_tine_names"][kind])

    return property(members)


class RecursiveScriptModule(ScriptModule):
    """What `tine.jit.script(module)` returns."""

    @classmethod
    def _make(cls, module, record, c, children):
        self = cls.__new__(cls)
        own = self.__dict__
        own["_c"] = c
        own["_tine_record"] = record
        own["_tine_children"] = children
        own["_tine_names"] = {"parameters": list(module._parameters), "buffers": list(module._buffers)}
        own["_non_persistent_buffers"] = set(module._non_persistent_buffers)
        own["_tine_methods"] = {}
        own["_tine_original_name"] = type(module).__name__
        # While one of these is alive, the tensor's Python object stays the Parameter that it is.
        own["_tine_tensors"] = [*module._parameters.values(), *module._buffers.values()]
        return self

    _parameters = _members("parameters")
    _buffers = _members("buffers")
    _modules = property(lambda self: self.__dict__["_tine_children"])

    @property
    def original_name(self):
        return self.__dict__["_tine_original_name"]

    def _tine_compile(self, name):
        own = self.__dict__
        done = own["_tine_methods"].get(name)
        if done is None:
            record = own["_tine_record"]
            function = _C._find_script(f"{record.type.name}.{name}")
            if function is None:
                what = describe_method(record.type.name, name)
                if what is None or what[0] != "function":
                    why = what[1] if what is not None and what[0] == "refused" else "there is no such method"
                    raise AttributeError(f"'{self._get_name()}' has no scripted method '{name}': {why}")
                function = _C._compile(what[2])
            done = own["_tine_methods"][name] = ScriptMethod(self, name, function)
        return done

    def forward(self, *args, **kwargs):
        return self.__dict__["_tine_methods"]["forward"](*args, **kwargs) if self._has_forward() else self._no_forward()

    def _has_forward(self):
        return "forward" in self.__dict__["_tine_methods"]

    def _no_forward(self):
        raise NotImplementedError(f"module `{self._get_name()}` has no scripted `forward`")

    def __getattribute__(self, name):
        if name == "forward":  # the compiled method, with its graph
            done = object.__getattribute__(self, "__dict__")["_tine_methods"].get(name)
            if done is not None:
                return done
        return object.__getattribute__(self, name)

    def __getattr__(self, name):  # only when the usual search found nothing
        own = self.__dict__
        if "_tine_methods" not in own:
            raise AttributeError(name)
        method = own["_tine_methods"].get(name)
        if method is not None:
            return method
        children = own["_tine_children"]
        if name in children:
            return children[name]
        record = own["_tine_record"]
        if record.type.index(name) >= 0:
            return own["_c"].get(name)
        function = _C._find_script(f"{record.type.name}.{name}")  # compiled because another method calls it
        if function is not None:
            return ScriptMethod(self, name, function)
        if name in record.functions:
            return record.functions[name]
        hint = ""
        if isinstance(inspect.getattr_static(type(record.module), name, None), types.FunctionType):
            hint = "; it was not compiled: mark it with @tine.jit.export"
        raise AttributeError(f"'{self._get_name()}' object has no attribute '{name}'{hint}")

    def __setattr__(self, name, value):
        own = self.__dict__
        record = own["_tine_record"]
        if name in own["_tine_children"]:
            raise RuntimeError(f"cannot re-assign modules in a ScriptModule ('{name}')")
        if record.type.index(name) < 0:
            if isinstance(value, (Parameter, Module)):
                raise RuntimeError(f"cannot add new parameters or modules to a ScriptModule ('{name}')")
            if name in own:
                own[name] = value
                return
            raise AttributeError(f"'{self._get_name()}' has no attribute '{name}': the attributes of a ScriptModule are fixed "
                                 "when it is scripted")
        own["_c"].set(name, value)

    def __delattr__(self, name):
        raise RuntimeError(f"cannot delete '{name}' of a ScriptModule")

    def register_parameter(self, name, param):
        raise RuntimeError("cannot add new parameters to a ScriptModule")

    def register_buffer(self, name, tensor, persistent=True):
        raise RuntimeError("cannot add new buffers to a ScriptModule")

    def add_module(self, name, module):
        raise RuntimeError("cannot add new modules to a ScriptModule")

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.__dict__["_c"].set("training", mode)
        for child in self.children():
            child.train(mode)
        return self

    @property
    def graph(self):
        """The graph of `forward`."""
        return self._tine_compile("forward").graph

    @property
    def code(self):
        """The source of `forward`."""
        return self._tine_compile("forward").code

    @property
    def schema(self):
        return self._tine_compile("forward").schema

    def extra_repr(self):
        return f"original_name={self.original_name}"

    def __len__(self):
        return len(self._modules) if self._is_container() else self._missing("__len__")

    def __iter__(self):
        return iter(self._modules.values()) if self._is_container() else self._missing("__iter__")

    def __getitem__(self, at):
        if not self._is_container():
            self._missing("__getitem__")
        if isinstance(at, str):
            return self._modules[at]
        return list(self._modules.values())[at]

    def __bool__(self):
        return True

    def _is_container(self):
        return isinstance(self.__dict__["_tine_record"].module, (Sequential, ModuleList, ModuleDict))

    def _missing(self, name):
        raise NotImplementedError(f"'{self._get_name()}' is no container of modules ({name})")

    def __reduce__(self):
        raise TypeError("a ScriptModule cannot be pickled in this version; send its state_dict()")

    def __copy__(self):
        raise TypeError("a ScriptModule cannot be copied; script the module again")

    def __deepcopy__(self, memo):
        raise TypeError("a ScriptModule cannot be copied; script the module again")


