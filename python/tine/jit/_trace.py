"""trace(): what a function does with example inputs, as a graph."""

import functools
import inspect
import os
import threading
import types
import warnings

from .. import _C
from ..futures import Future
from ..nn.module import Module
from . import _async, _script

Tensor = _C.Tensor

_local = threading.local()
# Lines of files in here are not the user's.
_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


class TracerWarning(Warning):
    """The trace may not do what the function does."""


class _TracedFuture(Future):
    """What fork returns while tracing: its wait() is recorded, too."""

    def wait(self, *args):
        tracer = _async._tracer()
        return tracer.wait(self) if tracer is not None else super().wait(*args)


class _Tracer:
    def __init__(self, c):
        self._c = c

    def fork(self, func, args, kwargs):
        if not callable(func):
            raise TypeError(f"fork: expected a function or a module as the first argument, got {type(func).__name__}")
        self._c.begin_fork()
        try:
            result = func(*args, **kwargs)
        except BaseException:
            self._c.drop_fork()
            raise
        future = _TracedFuture()
        future.set_result(result)
        self._c.end_fork(result, future)
        return future

    def wait(self, future):
        if not isinstance(future, Future):
            return _C._wait(future)  # which says what it expects
        result = _C._wait(future)
        self._c.record_wait(future, result)
        return result


def _active():
    return getattr(_local, "tracer", None)


_async._active = _active


def _is_traceable(value):
    if isinstance(value, Tensor):
        return True
    return isinstance(value, (list, tuple)) and all(map(_is_traceable, value))


def _clone(value):
    if isinstance(value, Tensor):
        return Tensor.clone(value)
    return type(value)(map(_clone, value))


def _check_output(value, name):
    if _is_traceable(value) or isinstance(value, Future):
        return
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_output(item, name)
        return
    raise RuntimeError(f"trace: only tensors, and lists and tuples of tensors, can be output from traced functions; `{name}` "
                       f"returned a value of type {type(value).__name__}")


def _close(a, b, rtol):
    if isinstance(a, Tensor):
        if not isinstance(b, Tensor) or a.dtype != b.dtype or list(a.shape) != list(b.shape):
            return False
        if a.dtype in (_float32(), _float64()):
            return _allclose(a, b, rtol)
        return bool((a == b).all())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(_close(x, y, rtol) for x, y in zip(a, b))
    return True


def _float32():
    import tine

    return tine.float32


def _float64():
    import tine

    return tine.float64


def _allclose(a, b, rtol):
    import tine

    return tine.allclose(a, b, rtol=rtol, atol=1e-5, equal_nan=True)


def _names(func, count):
    fn = func.forward if isinstance(func, Module) else func
    try:
        names = [p.name for p in inspect.signature(fn).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        names = []
    return (names + [f"arg_{i}" for i in range(len(names), count)])[:count]


def _record(func, inputs, name, self_=None):
    """Runs `func` on copies of the inputs: (the defined function, the output)."""
    if _active() is not None:
        raise RuntimeError("trace: this thread is tracing already; a trace within a trace is not possible")
    c = _C.Tracer(name, _PACKAGE)
    if self_ is not None:
        c.add_self(self_._c)
    copies = tuple(map(_clone, inputs))
    for value, argument in zip(copies, _names(func, len(copies))):
        c.add_input(value, argument)
    c.start()
    _local.tracer = _Tracer(c)
    try:
        output = func(*copies)
    finally:
        _local.tracer = None
        c.stop()
    _check_output(output, name)
    for text, file, line in dict.fromkeys(c.warnings()):
        if not any(f"aten::{harmless} " in text for harmless in ("size", "dim", "len", "numel")):
            warnings.warn_explicit(text, TracerWarning, file, line)
    return c.finish(output, name), output


def trace(func, example_inputs=None, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5,
          strict=True, **ignored):
    """Runs `func` on `example_inputs` and returns what it did as a `ScriptFunction` or `ScriptModule`.

    Args:
        func: a Python function, or a `tine.nn.Module` whose `forward` is traced.
        example_inputs: a Tensor, or a tuple of Tensors and (nested) lists and tuples of them. They are copied.
        check_trace: run the result on the inputs once and warn when it gives something else.
        check_tolerance: the relative difference that is let pass.

    Only operators are recorded: the path that `if` and `for` took, and every number that Python read from a
    tensor, are fixed for good. `tine.jit.fork` runs at once and is recorded as a `prim::fork` with its subgraph.

    Errors: RuntimeError for inputs and outputs that are no tensors; what `func` raises passes through.
    """
    if example_inputs is None:
        raise TypeError("trace: example_inputs is missing: a Tensor or a tuple of them")
    inputs = (example_inputs,) if isinstance(example_inputs, Tensor) else example_inputs
    if not isinstance(inputs, (tuple, list)):
        raise TypeError(f"trace: expected a Tensor or a tuple as example_inputs, got {type(inputs).__name__}")
    inputs = tuple(inputs)
    for i, value in enumerate(inputs):
        if not _is_traceable(value):
            raise RuntimeError(f"Type '{type(value).__name__}' of example input {i} cannot be traced. Only Tensors and "
                               "(possibly nested) lists and tuples of Tensors can be traced")
    if isinstance(func, _script.ScriptModule) or isinstance(func, _C.ScriptFunction):
        return func
    if isinstance(func, Module):
        return _trace_module(func, inputs, check_trace, check_tolerance)
    if not callable(func):
        raise TypeError(f"trace: expected a function or a tine.nn.Module, got {type(func).__name__}")
    module = getattr(func, "__module__", None) or "__main__"
    name = f"{module}.{getattr(func, '__qualname__', type(func).__name__)}"
    made, output = _record(func, inputs, name)
    if isinstance(func, types.FunctionType):
        functools.update_wrapper(made, func)
        made._tine_traced = True
    if check_trace:
        _check(made, inputs, output, check_tolerance)
    return made


def _check(made, inputs, output, rtol):
    if isinstance(output, Future):
        return
    again = made(*map(_clone, inputs))
    if not _close(output, again, rtol):
        warnings.warn("Output of the traced function does not match the output of the Python function: it is not "
                      "deterministic, or it depends on more than its inputs", TracerWarning, stacklevel=3)


class TracedModule(_script.RecursiveScriptModule):
    """What `tine.jit.trace(module, inputs)` returns: only `forward` is compiled."""


TopLevelTracedModule = TracedModule


def _trace_module(module, inputs, check_trace, rtol):
    made = _script._script_module(module, cls=TracedModule)
    function, output = _record(module, inputs, made._tine_record.type.name + ".forward", made)
    made.__dict__["_tine_methods"]["forward"] = _script.ScriptMethod(made, "forward", function)
    if check_trace:
        _check(made, inputs, output, rtol)
    return made


def trace_module(mod, inputs, *args, **kwargs):
    """`trace` of a module, with the inputs of its `forward` in a dict: {"forward": inputs}."""
    if set(inputs) != {"forward"}:
        raise NotImplementedError("trace_module: only `forward` can be traced in this version")
    return trace(mod, inputs["forward"], *args, **kwargs)
