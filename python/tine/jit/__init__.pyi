from collections.abc import Callable, Sequence
from typing import Any, Final as Final, ParamSpec, TypeVar, overload

from .._C import Graph as Graph
from .._C import ScriptFunction as ScriptFunction
from ..futures import Future as Future
from ..nn import Module
from ._async import _fork as _fork
from ._async import _wait as _wait
from ._async import fork as fork
from ._async import wait as wait
from ._classes import interface as interface
from ._marks import Attribute as Attribute
from ._marks import _overload as _overload
from ._marks import _overload_method as _overload_method
from ._marks import _unwrap_optional as _unwrap_optional
from ._marks import annotate as annotate
from ._marks import export as export
from ._marks import is_scripting as is_scripting
from ._marks import is_tracing as is_tracing
from ._marks import isinstance as isinstance
from ._marks import unused as unused
from ._script import CompilationUnit as CompilationUnit
from ._races import RaceWarning as RaceWarning
from ._scripted import RecursiveScriptModule as RecursiveScriptModule
from ._methods import ScriptMethod as ScriptMethod
from ._scripted import ScriptModule as ScriptModule
from ._script import export_opnames as export_opnames
from ._trace import TopLevelTracedModule as TopLevelTracedModule
from ._trace import TracedModule as TracedModule
from ._trace import TracerWarning as TracerWarning
from ._trace import TracingCheckError as TracingCheckError
from ._trace import trace_module as trace_module

_T = TypeVar("_T")
_P = ParamSpec("_P")
_F = TypeVar("_F", bound=Callable[..., object])

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

Error = Exception

# A module and a class can be called, too: the first that fits decides.
@overload
def script(  # type: ignore[overload-overlap]
    obj: type[_T], optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None
) -> type[_T]: ...
@overload
def script(  # type: ignore[overload-overlap]
    obj: Module, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None, *, strict: bool = False
) -> RecursiveScriptModule: ...
@overload
def script(
    obj: Callable[_P, _T], optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None,
    *, strict: bool = False
) -> ScriptFunction[_P, _T]: ...
@overload
def trace(
    func: Module,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Sequence[Any] | None = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    *,
    example_kwarg_inputs: dict[str, Any] | None = None,
    **ignored: Any,
) -> TopLevelTracedModule: ...
@overload
def trace(
    func: Callable[_P, _T],
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Sequence[Any] | None = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    *,
    example_kwarg_inputs: dict[str, Any] | None = None,
    **ignored: Any,
) -> ScriptFunction[_P, _T]: ...
@overload
def ignore(drop: _F) -> _F: ...
@overload
def ignore(drop: bool = False, **kwargs: Any) -> Callable[[_F], _F]: ...
def script_if_tracing(fn: _F) -> _F: ...
def script_method(fn: _F) -> _F: ...
