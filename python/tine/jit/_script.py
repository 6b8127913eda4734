"""script(): compiles functions, classes and modules."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from typing import Any

from .. import _C
from .._C import Graph, ScriptFunction
from ..nn.module import Module
from . import _marks, _registry, _source
from .._missing import attribute_error
from ._classes import script_class
from ._methods import ScriptMethod
from ._names import function_source
from ._races import report_races
from ._scripted import RecursiveScriptModule, ScriptModule, checked, script_module


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None,
           *, strict: bool = False) -> Any:
    """Compiles a function, a class, or the `forward` of a module and all that it calls.

    Args:
        obj: a Python function or class written in the script language, or a `tine.nn.Module`. What is scripted already is
            returned as it is.
        optimize, example_inputs: accepted and not used.
        strict: a forked task that writes what others read or write before it is waited for is a SyntaxError.
            Otherwise it is a `RaceWarning`.

    Returns:
        a `ScriptFunction`, the class itself, or a `ScriptModule` that shares the module's parameters and buffers.

    Errors: `tine.SyntaxError` with file, line and marker for what is not a script; OSError where there is no
    source. What is neither a function, a class nor a module is a TypeError as well.
    """
    if isinstance(obj, (ScriptFunction, ScriptModule)):
        return obj
    if isinstance(obj, Module):
        return checked(script_module(obj, _registry.registry), strict)
    if isinstance(obj, types.FunctionType):
        nested = "<locals>" in obj.__qualname__
        return _script_function(obj, _registry.registry, sys._getframe(_frames_up + 1) if nested else None, strict)
    if isinstance(obj, type):
        return script_class(obj, _registry.registry, sys._getframe(_frames_up + 1) if "<locals>" in obj.__qualname__ else None,
                            functools.partial(report_races, strict=strict))
    if isinstance(obj, types.MethodType):
        raise _source.refusal(obj.__func__, f"`{obj.__qualname__}` is a method of a {type(obj.__self__).__name__}; script a "
                              "function, or the module and mark the method with @tine.jit.export")
    raise _source.NotAScript(f"script: expected a function or a tine.nn.Module, got {type(obj).__name__}")


def script_if_tracing(fn: Any) -> Any:
    """Compiles `fn` when it is first called within a trace, so that its control flow is kept; elsewhere it stays Python's."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return (script(fn) if _marks.is_tracing() else fn)(*args, **kwargs)

    wrapper.__dict__.update(__original_fn=fn, __script_if_tracing_wrapper=True)
    return wrapper


def _script_function(
    fn: types.FunctionType, registry: _registry.Registry, frame: types.FrameType | None, strict: bool = False
) -> ScriptFunction[..., Any]:
    if getattr(fn, "__script_if_tracing_wrapper", False):
        fn = getattr(fn, "__original_fn")
    done = registry.scripted(fn)
    if done is not None:
        return done
    if hasattr(fn, "_wrapped_async_rpc_function"):
        inner = fn._wrapped_async_rpc_function
        raise _source.refusal(inner if _source.is_plain(inner) else fn,
                              f"`{fn.__qualname__}` is wrapped by rpc.functions.async_execution, which must be the outermost "
                              "decorator: put @rpc.functions.async_execution above @torch.jit.script")
    why = _source.refuse_kind(fn)
    mark = getattr(fn, "_tine_jit_mark", None)
    if why is None and mark in ("unused", "ignore"):
        why = f"`{fn.__qualname__}` is marked @{mark}: there is nothing to compile"
    if why is not None:
        raise _source.refusal(fn, why)
    done = _C._compile(function_source(fn, registry, frame=frame))
    report_races([done], strict)
    functools.update_wrapper(done, fn)
    registry.add_scripted(fn, done)
    return done


def _by_name(qualified_name: str) -> ScriptFunction[..., Any]:
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

    def __init__(self, lang: str | None = None, *, strict: bool = False) -> None:
        self._prefix = _registry.registry.new_unit_name()
        self._strict = strict
        if lang is not None:
            self.define(lang)

    def define(self, lang: str) -> None:
        """Compiles every `def` of the text and adds them to the unit."""
        import textwrap

        made = _C._compile_text(textwrap.dedent(lang), f"<{self._prefix}>", self._prefix)
        report_races(made, self._strict)
        for fn in made:
            setattr(self, fn.name, fn)

    def create_function(self, name: str, graph: Graph) -> ScriptFunction[..., Any]:
        """Adds a function that does what the graph says, and returns it."""
        made = _C._create_function_from_graph(f"{self._prefix}.{name}", graph)
        setattr(self, name, made)
        return made

    def __getattr__(self, name: str) -> ScriptFunction[..., Any]:  # only when the usual search found nothing
        raise attribute_error(f"'CompilationUnit' object has no attribute '{name}'", "torch.jit.CompilationUnit", name=name)


def export_opnames(m: ScriptModule | ScriptMethod | ScriptFunction[..., Any]) -> list[str]:
    """The names of the operators that a module's methods, or a function, call, with their overloads, sorted."""
    names: set[str] = set()

    def add(graph: Graph) -> None:
        for node in _nodes(graph.block()):
            schema = node.schema()
            if schema != "(no schema)":
                names.add(schema.split("(", 1)[0])
            if node.kind() == "prim::fork":
                add(node.g("Subgraph"))

    if isinstance(m, ScriptModule):
        for method in m.__dict__["_tine_methods"].values():
            add(method.inlined_graph)
    else:
        add(m.inlined_graph)
    return sorted(names)


def _nodes(block: _C.Block) -> Iterator[_C.Node]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
