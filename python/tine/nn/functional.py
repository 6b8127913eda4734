"""Layers as functions. All of them can be scripted: they are written in the script language."""

from typing import NoReturn, Optional

import tine
from tine import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise; with `inplace` written into the input."""
    if inplace:
        return tine.relu_(input)
    return tine.relu(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise."""
    return tine.tanh(input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), elementwise."""
    return tine.sigmoid(input)


def _softmax_dim(ndim: int) -> int:
    # What PyTorch chooses where no dimension is given.
    if ndim == 0 or ndim == 1 or ndim == 3:
        return 0
    return 1


def softmax(input: Tensor, dim: Optional[int] = None) -> Tensor:
    """exp(x) / sum of exp(x) along `dim`; without one, dimension 1 (0 for 0, 1 and 3 dimensions)."""
    if dim is None:
        dim = _softmax_dim(len(input.shape))
    return tine.softmax(input, dim)


def log_softmax(input: Tensor, dim: Optional[int] = None) -> Tensor:
    """log(softmax(x)) along `dim`, computed in one."""
    if dim is None:
        dim = _softmax_dim(len(input.shape))
    return tine.log_softmax(input, dim)


def linear(input: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """x A^T + b: input (*, in), weight (out, in), bias (out)."""
    return tine.linear(input, weight, bias)


def _reduction_number(reduction: str) -> int:
    if reduction == "none":
        return 0
    elif reduction == "mean":
        return 1
    elif reduction == "sum":
        return 2
    raise ValueError(reduction + " is not a valid value for reduction")


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Of logits (N, C) or (C) and class numbers (N) or ()."""
    return nll_loss(tine.log_softmax(input, input.dim() - 1), target, reduction)


def nll_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Of log-probabilities (N, C) or (C) and class numbers (N) or ()."""
    return tine.nll_loss(input, target, _reduction_number(reduction))


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """The squared difference: none, mean or sum of it."""
    return tine.mse_loss(input, target, _reduction_number(reduction))


def __getattr__(name: str) -> NoReturn:
    from .._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
