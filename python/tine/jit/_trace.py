"""trace(): records what a function does with example inputs, as a graph."""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import os
import re
import threading
import types
import warnings
from collections.abc import Iterable
from typing import Any

from .. import _C
from .._C import ScriptFunction, Tensor, dtype
from ..futures import Future
from ..nn.module import Module
from . import _async, _methods, _registry, _scripted

_local = threading.local()
# Lines of files in here are not the user's.
_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")

_STRICT = (" at the output of the tracer might cause the trace to be incorrect, this is only valid if the container structure "
           "does not change based on the module's inputs. Consider using a constant container instead (e.g. for `list`, "
           "use a `tuple` instead. for `dict`, use a `NamedTuple` instead). If you absolutely need this and know the side "
           "effects, pass strict=False to trace() to allow this behavior.")


class TracerWarning(Warning):
    """The trace may not do what the function does."""


class TracingCheckError(Exception):
    """The trace cannot be run on inputs that the function takes, or the function does something else when it is traced again."""


class _TracedFuture(Future[Any]):
    """What fork returns while tracing: its wait() is recorded, too."""

    def wait(self, *args: Any) -> Any:
        tracer = _async._tracer()
        return tracer.wait(self) if tracer is not None else super().wait(*args)


class _Tracer:
    def __init__(self, c: _C.Tracer) -> None:
        self._c = c

    def fork(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        if not callable(func):
            raise TypeError(f"fork: expected a function or a module as the first argument, got {type(func).__name__}")
        self._c.begin_fork()
        try:
            result = func(*args, **kwargs)
            future = _TracedFuture()
            future.set_result(result)
        except BaseException:
            self._c.drop_fork()
            raise
        self._c.end_fork(result, future)
        return future

    def wait(self, future: Any) -> Any:
        if not isinstance(future, Future):
            return _C._wait(future)  # which says what it expects
        result = _C._wait(future)
        return _with_numbers(result, self._c.record_wait(future, result))


def _with_numbers(value: Any, recorded: Any) -> Any:
    """`value`, with the numbers by which the trace knows them."""
    if isinstance(value, (list, tuple)):
        return _rebuilt(value, map(_with_numbers, value, recorded))
    if isinstance(value, dict):
        return {key: _with_numbers(item, recorded[key]) for key, item in value.items()}
    return recorded if isinstance(value, (bool, int, float)) else value


def _rebuilt(like: Any, items: Iterable[Any]) -> Any:
    return like._make(items) if hasattr(like, "_make") else type(like)(items)


def _active() -> _Tracer | None:
    return getattr(_local, "tracer", None)


_async._active = _active


def _is_traceable(value: object) -> bool:
    if isinstance(value, Tensor):
        return True
    if isinstance(value, dict):
        return bool(value) and all(map(_is_traceable, value.values()))
    return isinstance(value, (list, tuple)) and all(map(_is_traceable, value))


def _clone(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Tensor.clone(value)
    if isinstance(value, dict):
        return {key: _clone(item) for key, item in value.items()}
    return _rebuilt(value, map(_clone, value))


def _check_output(value: object, name: str, strict: bool) -> None:
    if value is None:
        raise RuntimeError(f"The traced function didn't return any values! Side-effects are not captured in traces, so it would "
                           f"be a no-op. (`{name}`)")
    _check_part(value, name, strict)


def _check_part(value: object, name: str, strict: bool) -> None:
    if isinstance(value, (Tensor, Future, _C.TracedNumber)):
        return
    if not isinstance(value, (list, tuple, dict)):
        raise RuntimeError("Only tensors, lists, tuples of tensors, or dictionary of tensors can be output from traced functions; "
                           f"`{name}` returned a value of type {type(value).__name__}")
    if strict and isinstance(value, dict):
        raise RuntimeError("Encountering a dict" + _STRICT)
    if strict and isinstance(value, list):
        warnings.warn("Encountering a list" + _STRICT, TracerWarning, stacklevel=_user_frame())
    for item in value.values() if isinstance(value, dict) else value:
        _check_part(item, name, strict)


def _user_frame() -> int:
    """The stacklevel, for the caller, of the innermost frame that is the user's."""
    import sys

    level = 1
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def _close(a: Any, b: Any, rtol: float) -> bool:
    if isinstance(a, Tensor):
        if not isinstance(b, Tensor) or a.dtype != b.dtype or list(a.shape) != list(b.shape):
            return False
        if a.dtype in (_float32(), _float64()):
            return _allclose(a, b, rtol)
        return bool((a == b).all())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(_close(x, y, rtol) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_close(a[key], b[key], rtol) for key in a)
    if isinstance(a, (bool, int, float)):  # a size, which the graph returns as a tensor
        return isinstance(b, Tensor) and math.isclose(a, b.item(), rel_tol=max(rtol, 1e-5))
    return True


def _float32() -> dtype:
    import tine

    return tine.float32


def _float64() -> dtype:
    import tine

    return tine.float64


def _allclose(a: Tensor, b: Tensor, rtol: float) -> bool:
    import tine

    return tine.allclose(a, b, rtol=rtol, atol=1e-5, equal_nan=True)


def _parameters(func: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(func.forward if isinstance(func, Module) else func).parameters.values())
    except (TypeError, ValueError):
        return []


def _names(func: Any, count: int) -> list[str]:
    names = [p.name for p in _parameters(func) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (names + [f"arg_{i}" for i in range(len(names), count)])[:count]


class _Inputs:
    """The example inputs of a trace, or of a check of it: by position or all by keyword."""

    def __init__(self, values: tuple[Any, ...], keywords: tuple[str, ...] | None = None) -> None:
        self.values = values
        self.keywords = keywords  # of `values`, in the order of the function's parameters

    def names(self, func: Any) -> list[str]:
        return _names(func, len(self.values)) if self.keywords is None else list(self.keywords)

    def call(self, func: Any, values: Iterable[Any]) -> Any:
        return func(*values) if self.keywords is None else func(**dict(zip(self.keywords, values)))


def _record(
    func: Any, inputs: _Inputs, name: str, strict: bool, self_: Any = None, quiet: bool = False
) -> tuple[ScriptFunction[..., Any], Any]:
    """Runs `func` on copies of the inputs: (the defined function, the output)."""
    if _active() is not None:
        raise RuntimeError("Tracing can't be nested: this thread is tracing already")
    c = _C.Tracer(name, _PACKAGE)
    if self_ is not None:
        c.add_self(self_._c)
    copies = tuple(map(_clone, inputs.values))
    for value, argument in zip(copies, inputs.names(func)):
        c.add_input(value, argument)
    c.start()
    _local.tracer = _Tracer(c)
    try:
        output = inputs.call(func, copies)
    finally:
        _local.tracer = None
        c.stop()
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", TracerWarning)
        _check_output(output, name, strict)
    told = set()
    for text, file, line in c.warnings():
        if (file, line) not in told and not quiet:  # one for a place
            told.add((file, line))
            warnings.warn_explicit(text, TracerWarning, file, line)
    return c.finish(output), output


def _checked_inputs(example_inputs: Any) -> _Inputs:
    """By position; refuses what cannot be traced."""
    inputs = (example_inputs,) if isinstance(example_inputs, (Tensor, dict)) else example_inputs
    if not isinstance(inputs, (tuple, list)):
        raise TypeError(f"trace: expected a Tensor or a tuple as example_inputs, got {type(inputs).__name__}")
    for i, value in enumerate(inputs):
        _check_traceable(value, str(i))
    return _Inputs(tuple(inputs))


def _checked_keywords(func: Any, example_inputs: Any) -> _Inputs:
    """By keyword, in the order in which `func` names its parameters."""
    if not isinstance(example_inputs, dict) or not all(isinstance(name, str) for name in example_inputs):
        raise TypeError(f"trace: expected a dict from parameters' names to their example inputs, got {example_inputs!r}")
    for name, value in example_inputs.items():
        _check_traceable(value, repr(name))
    order = {p.name: i for i, p in enumerate(_parameters(func))}
    keywords = sorted(example_inputs, key=lambda name: order.get(name, len(order)))
    return _Inputs(tuple(example_inputs[name] for name in keywords), tuple(keywords))


def _check_traceable(value: Any, which: str) -> None:
    if not _is_traceable(value):
        hint = "; write tine.from_dlpack(x)" if hasattr(type(value), "__dlpack__") else ""
        raise RuntimeError(f"Type '{type(value).__name__}' of example input {which} cannot be traced. Only Tensors and "
                           f"(possibly nested) Lists, Dicts, and Tuples of Tensors can be traced{hint}")


def trace(
    func: Any,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    *,
    example_kwarg_inputs: dict[str, Any] | None = None,
    **ignored: Any,
) -> Any:
    """Runs `func` on `example_inputs` and returns what it did as a `ScriptFunction` or `ScriptModule`.

    Args:
        func: a Python function, or a `tine.nn.Module` whose `forward` is traced.
        example_inputs: a Tensor, or a tuple of Tensors and (nested) lists, tuples and dicts of them. They are copied.
        check_trace: trace once more and run the result on the inputs. Another graph is an error; other results are a warning.
        check_inputs: a list of tuples of inputs to check the result with instead.
        check_tolerance: the relative difference that is let pass.
        strict: refuse a dict in the output and warn about a list.
        example_kwarg_inputs: a dict of inputs by name in place of `example_inputs`, also of each of `check_inputs`. Parameters
            that it does not name keep their defaults for good.

    Only operators are recorded. Sizes (`x.shape`, `x.size(0)`, `x.numel()`, `x.dim()`) and what arithmetic makes of
    them are recorded, too, and follow the inputs. The path that `if` and `for` took, and each number that Python itself
    needed, are fixed for good, with a `TracerWarning` that names the line. `tine.jit.fork` runs at once and is recorded as
    a `prim::fork` with its subgraph.

    Errors: RuntimeError for inputs and outputs that are not tensors, and for an output that did not come out of the
    recorded calls; TracingCheckError when the result fails on inputs that `func` takes, or when `func` does something else the
    next time; what `func` raises passes through.
    """
    if example_inputs is None and example_kwarg_inputs is None:
        raise TypeError("trace: example_inputs is missing: a Tensor or a tuple of them")
    if example_inputs is not None and example_kwarg_inputs is not None:
        raise TypeError("trace: expected example_inputs or example_kwarg_inputs, got both")
    by_keyword = example_kwarg_inputs is not None
    inputs = _checked_keywords(func, example_kwarg_inputs) if by_keyword else _checked_inputs(example_inputs)
    if isinstance(func, _scripted.ScriptModule) or isinstance(func, _C.ScriptFunction):
        return func
    if isinstance(func, Module):
        checks = None if check_inputs is None else [{"forward": each} for each in check_inputs]
        given = {"forward": example_kwarg_inputs if by_keyword else inputs.values}
        return trace_module(func, given, optimize, check_trace, checks, check_tolerance, strict, example_inputs_is_kwarg=by_keyword)
    if not callable(func):
        raise TypeError(f"trace: expected a function or a tine.nn.Module, got {type(func).__name__}")
    module = getattr(func, "__module__", None) or "__main__"
    # A name that the text of exported code can hold.
    name = f"{module}.{getattr(func, '__qualname__', type(func).__name__)}".replace("<lambda>", "_lambda_")
    made, _ = _record(func, inputs, name, strict)
    if isinstance(func, types.FunctionType):
        functools.update_wrapper(made, func)
        setattr(made, "_tine_traced", True)
    if check_trace:
        _check(made, lambda given: _record(func, given, name, strict, quiet=True), _cases(func, inputs, check_inputs), check_tolerance)
    return made


def _cases(func: Any, inputs: _Inputs, check_inputs: Any) -> list[tuple[str, _Inputs]]:
    """What to check a trace with, and what warnings call it."""
    if check_inputs is None:
        return [("", inputs)]
    read = functools.partial(_checked_keywords, func) if inputs.keywords is not None else _checked_inputs
    return [(f" for check_inputs[{i}]", read(each)) for i, each in enumerate(check_inputs)]


def _check(made: Any, trace_again: Any, cases: list[tuple[str, _Inputs]], rtol: float) -> None:
    """Traces the function again: warns where the trace gives something else than it does, and raises for another graph."""
    for which, given in cases:
        repeated, expected = trace_again(given)
        if not isinstance(expected, Future):
            try:
                again = given.call(made, map(_clone, given.values))
            except Exception as error:
                raise TracingCheckError("Tracing failed sanity checks!\nencountered an exception while running the trace with "
                                        f"test inputs.\nException:\n\t{error}") from error
            if not _close(expected, again, rtol):
                warnings.warn(f"Output of the traced function does not match the output of the Python function{which}: it is not "
                              "deterministic, or it depends on more than its inputs", TracerWarning, stacklevel=_user_frame())
        before, after = str(made.graph), str(repeated.graph)
        if _without_places(before) != _without_places(after):
            raise TracingCheckError(f"Tracing failed sanity checks!\nERROR: Graphs differed across invocations{which}!\n"
                                    f"\tGraph diff:\n{_difference(before, after)}")


def _without_places(graph: str) -> str:
    return re.sub(" # .*", "", graph)


def _difference(before: str, after: str) -> str:
    """The lines that differ, each with the place that it comes from, and those around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "the trace", "the function, traced again", lineterm="")
    return "\n".join("\t\t" + line for line in lines)


class TracedModule(_scripted.RecursiveScriptModule):
    """A module within one that is traced."""

    _tine_traced = True


class TopLevelTracedModule(TracedModule):
    """What `tine.jit.trace(module, inputs)` returns: only the traced methods are compiled."""


def trace_module(
    mod: Module,
    inputs: dict[str, Any],
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    *,
    example_inputs_is_kwarg: bool = False,
    **ignored: Any,
) -> _scripted.ScriptModule:
    """`trace` of several methods of a module: `inputs` is a dict from a method's name to its example inputs.

    `check_inputs` is a list of such dicts. With `example_inputs_is_kwarg` the inputs of each method are a dict by the names of its
    parameters. Returns one `ScriptModule` with these methods.
    """
    if not isinstance(mod, Module):
        raise AttributeError(f"trace_module: expected a tine.nn.Module as the first argument, got {type(mod).__name__}")
    if not isinstance(inputs, dict):
        raise AttributeError("trace_module: expected a dict from the names of methods to their example inputs, got "
                             f"{type(inputs).__name__}")
    traced = {name: mod if name == "forward" else getattr(mod, name) for name in inputs}
    given = {
        name: _checked_keywords(traced[name], each) if example_inputs_is_kwarg else _checked_inputs(each)
        for name, each in inputs.items()
    }
    if isinstance(mod, _scripted.ScriptModule):
        return mod
    made = _scripted.script_module(mod, _registry.registry, cls=TopLevelTracedModule, within=TracedModule)
    for name, each in given.items():
        record = functools.partial(_record, traced[name], name=f"{made._tine_class.type.name}.{name}", strict=strict, self_=made)
        function, _ = record(each)
        made.__dict__["_tine_methods"][name] = method = _methods.ScriptMethod(made, name, function)
        if check_trace:
            checks = None if check_inputs is None else [case[name] for case in check_inputs if name in case]
            _check(method, functools.partial(record, quiet=True), _cases(traced[name], each, checks), check_tolerance)
    return made
