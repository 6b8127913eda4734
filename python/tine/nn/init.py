"""Fills tensors in place, from the default random generator; each function returns its tensor."""

import math


def uniform_(tensor, a=0.0, b=1.0):
    """Uniform in [a, b)."""
    return tensor.uniform_(a, b)


def normal_(tensor, mean=0.0, std=1.0):
    """Normal with that mean and standard deviation."""
    return tensor.normal_(mean, std)


def constant_(tensor, val):
    """The same number everywhere."""
    return tensor.fill_(val)


def zeros_(tensor):
    """Zero everywhere."""
    return tensor.zero_()


def ones_(tensor):
    """One everywhere."""
    return tensor.fill_(1)


def _fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = 1
    for size in list(tensor.shape)[2:]:
        field *= size
    return tensor.size(1) * field, tensor.size(0) * field


def xavier_uniform_(tensor, gain=1.0):
    """Glorot and Bengio (2010): uniform in +-gain * sqrt(6 / (fan_in + fan_out))."""
    fan_in, fan_out = _fans(tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor, gain=1.0):
    """Glorot and Bengio (2010): normal with deviation gain * sqrt(2 / (fan_in + fan_out))."""
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def kaiming_uniform_(tensor, a=0.0):
    """He et al. (2015): uniform in +-sqrt(6 / ((1 + a^2) fan_in)); `a` is the slope below zero."""
    bound = math.sqrt(6.0 / ((1 + a * a) * _fans(tensor)[0]))
    return uniform_(tensor, -bound, bound)


def __getattr__(name):
    from .._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
