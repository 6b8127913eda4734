"""Scripts: functions, classes and modules compiled to tine's own IR, and parallelism in them.

`script` compiles Python source of a statically typed subset; `trace` records what a function does with
example inputs. Compiled code runs without the interpreter's lock (a call that is over
within a microsecond keeps it), and `fork` in it runs on the
other threads of the pool. The names and meanings are those of `torch.jit`; docs/differences.md
lists where they differ.

Example::

    >>> import tine as torch
    >>> @torch.jit.script
    ... def both(x: torch.Tensor) -> torch.Tensor:
    ...     left = torch.jit.fork(torch.relu, x)
    ...     return torch.jit.wait(left) + torch.tanh(x)
"""

from ..futures import Future
from ._async import _fork, _wait, fork, wait
from ._marks import (
    Attribute,
    _overload,
    _overload_method,
    _unwrap_optional,
    annotate,
    export,
    ignore,
    is_scripting,
    is_tracing,
    isinstance,
    unused,
)

# Scripts raise Python's own exceptions, of any class. A handler for the exceptions of PyTorch's scripts catches these.
Error = Exception

# The parts that need `inspect` and the compiler's bindings are loaded by their first use.
_LAZY = {
    "CompilationUnit": "_script",
    "Graph": "_script",
    "RaceWarning": "_races",
    "interface": "_classes",
    "RecursiveScriptModule": "_scripted",
    "ScriptFunction": "_script",
    "ScriptMethod": "_methods",
    "ScriptModule": "_scripted",
    "export_opnames": "_script",
    "script": "_script",
    "script_if_tracing": "_script",
    "script_method": "_subclasses",
    "trace": "_trace",
    "trace_module": "_trace",
    "TracedModule": "_trace",
    "TracerWarning": "_trace",
    "TracingCheckError": "_trace",
    "TopLevelTracedModule": "_trace",
}

__all__ = [
    "Attribute",
    "CompilationUnit",
    "Error",
    "Final",
    "Future",
    "Graph",
    "RaceWarning",
    "ScriptFunction",
    "ScriptMethod",
    "ScriptModule",
    "TracerWarning",
    "TracingCheckError",
    "annotate",
    "export",
    "export_opnames",
    "fork",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
    "wait",
]


def __getattr__(name):
    where = _LAZY.get(name)
    if name == "Final":
        from typing import Final as value

        globals()[name] = value
        return value
    if where is None:
        from .._missing import module_attribute_error, not_there_yet

        instead = {"save": "send or save the state_dict()", "load": "send or save the state_dict()"}.get(name)
        hint = f"{not_there_yet('torch.jit', name=name)}; {instead}" if instead is not None else ""
        raise module_attribute_error(__name__, name, hint)
    from importlib import import_module

    value = getattr(import_module("." + where, __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(_LAZY) | {"Final"})
