"""tine: one asynchronous runtime for tensor programs.

The same Future whether the work runs on another thread, inside a compiled script, or on another machine.
It speaks PyTorch's names: ``import tine as torch`` runs programs of torch.futures, torch.jit and
torch.distributed.rpc. docs/differences.md lists where it differs.

Every operator of the table is a function here (``tine.add``) and, where it takes a tensor first, a method of
Tensor. Shapes are tuples of int, sizes count elements, timeouts are in seconds. Source: torch.
"""

import sys as _sys

if _sys.version_info < (3, 11):
    raise ImportError(f"tine needs CPython 3.11 or later; {_sys.executable} is {_sys.version.split()[0]}")

import os as _os
from math import e, inf, nan, pi

# OpenBLAS starts a thread for each processor while it is loaded, unless the environment says otherwise, and each spins for
# 26 ms. tine has no use for them: it splits products over its own pool.
_blas_threads = _os.environ.get("OPENBLAS_NUM_THREADS")
_os.environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    from tine import _C

    if getattr(_C, "__file__", None) is None:  # the folder of its stubs, which a Python without the extension takes for a package
        raise ImportError("the extension is missing")
except ImportError as _error:
    from tine._unloaded import explained as _explained

    raise _explained(_error) from None
finally:
    if _blas_threads is None:
        del _os.environ["OPENBLAS_NUM_THREADS"]
    else:
        _os.environ["OPENBLAS_NUM_THREADS"] = _blas_threads

from tine import _alias, _trail, futures
from tine._C import (
    Abandoned,
    AuthError,
    Cancelled,
    Context,
    DeadlineExceeded,
    PeerDied,
    RemoteError,
    ShapeError,
    Size,
    SyntaxError,
    Tensor,
    dtype,
    float32,
    float64,
    from_dlpack,
    from_numpy,
    get_num_threads,
    int64,
    manual_seed,
    scheduler_counters,
    set_num_threads,
    uint8,
)
from tine._context import CancelScope, deadline
from tine._grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

__version__ = _C.__version__

_C._set_package(__path__[0] + "/")

get_num_interop_threads = get_num_threads


def set_num_interop_threads(n):
    """The same as set_num_threads: one pool runs forks and splits operators."""
    set_num_threads(n)


globals().update({name: getattr(_C, name) for name in _C._operators})
# After the operators: `float` and the like are dtypes here, as in PyTorch, and methods on Tensor.
float = float32
double = float64
long = int64
bool = _C.bool


class device(str):
    """Where a tensor is: device("cpu"). A str, so it goes wherever a device's name goes.

    type: "cpu"; index: None or 0. ValueError for any other device.
    """

    __slots__ = ()

    def __new__(cls, name="cpu", index=None):
        name = str(name) if index is None else f"{name}:{index}"
        if name not in ("cpu", "cpu:0"):
            raise ValueError(f"device {name!r} is not available; tensors live on 'cpu'")
        return super().__new__(cls, name)

    type = property(lambda self: "cpu", doc="'cpu'")
    index = property(lambda self: 0 if self.endswith(":0") else None, doc="0 when it was named, else None")

    def __repr__(self):
        return f"device(type='cpu'{', index=0' if self.index == 0 else ''})"


_cpu = device("cpu")


def get_include() -> str:
    """The folder of the C++ headers, for `#include <tine/...>`; `python -m tine --help` has more for C++ programs."""
    return __path__[0] + "/include"


def is_tensor(obj):
    """True when obj is a Tensor."""
    return isinstance(obj, _C.Tensor)


def get_default_dtype():
    """The dtype that Python floats become: float32, always."""
    return _C.float32


def as_tensor(data, dtype=None):
    """The tensor itself, memory shared with an array where that goes, a new tensor otherwise.

    dtype: of the result; converting makes a copy. TypeError and ValueError as tine.tensor raises them.
    """
    if not isinstance(data, _C.Tensor):
        try:
            data = _C.from_numpy(data)
        except TypeError:
            return _C.tensor(data, dtype=dtype)
    return data if dtype is None or data.dtype == dtype else data.to(dtype)


def _get_tracing_state():
    """The trace that records this thread now, or None; programs ask for it as torch._C._get_tracing_state()."""
    from sys import modules

    jit = modules.get("tine.jit._async")  # nothing traces before it is loaded
    return None if jit is None else jit._tracer()


def _is_tracing():
    return _get_tracing_state() is not None


_C._get_tracing_state = _get_tracing_state
_C._is_tracing = _is_tracing

# Loaded when they are first used.
_PACKAGES = ("distributed", "jit", "multiprocessing", "nn")
# Python's exceptions as tine raises them: RuntimeErrors, too. Not in the module's globals, where Python's own are meant.
_ERRORS = frozenset(
    """TypeError ValueError IndexError KeyError AttributeError NameError AssertionError ZeroDivisionError OverflowError
    MemoryError OSError""".split()
)


def __getattr__(name):
    if name in _PACKAGES:
        from importlib import import_module

        return import_module("tine." + name)
    if name in _ERRORS:
        return getattr(_C, name)
    from tine._missing import module_attribute_error

    raise module_attribute_error("tine", name)


def __dir__():
    return sorted(set(globals()) | set(_PACKAGES) | _ERRORS)
