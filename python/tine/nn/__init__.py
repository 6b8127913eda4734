"""Modules and layers: what `tine.jit.script` turns into script objects.

The names, constructors, defaults and printed forms are those of `torch.nn`. There is no automatic
differentiation: parameters are tensors that a module lists (see docs/differences.md).
"""

from typing import NoReturn

from . import functional, init
from .containers import ModuleDict, ModuleList, Sequential
from .layers import (
    CrossEntropyLoss,
    Flatten,
    Identity,
    Linear,
    LogSoftmax,
    MSELoss,
    NLLLoss,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from .module import Module
from .parameter import Buffer, Parameter

__all__ = [
    "Buffer",
    "CrossEntropyLoss",
    "Flatten",
    "Identity",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
]


def __getattr__(name: str) -> NoReturn:
    from .._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
