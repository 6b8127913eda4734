"""Tensors that a module lists as its own."""

from .._C import Tensor


class Parameter(Tensor):
    """A tensor that a `Module` lists among its parameters when it is assigned to an attribute.

    Args:
        data: a Tensor; the parameter shares its storage. Without it, an empty tensor.
        requires_grad: kept as an attribute; nothing in tine differentiates.
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            from .. import zeros

            data = zeros(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter: expected a Tensor as data, got {type(data).__name__}")
        made = Tensor.__new__(cls, data)
        made._requires_grad = bool(requires_grad)
        return made

    @property
    def requires_grad(self):
        """What it was made or set with; nothing in tine differentiates."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value):
        self._requires_grad = bool(value)

    @property
    def data(self):
        """The tensor itself; assigning copies into it."""
        return self

    @data.setter
    def data(self, value):
        self.copy_(value)

    def __repr__(self):
        return "Parameter containing:\n" + Tensor.__repr__(self)

    def __reduce__(self):
        return _rebuild_parameter, (Tensor.clone(self), self.requires_grad)

    def __deepcopy__(self, memo):
        copy = type(self)(Tensor.clone(self), self.requires_grad)
        memo[id(self)] = copy
        return copy


class Buffer(Parameter):
    """A tensor that a `Module` lists among its buffers when it is assigned to an attribute.

    Args:
        data: a Tensor; the buffer shares its storage.
        persistent: whether `state_dict()` holds it.
    """

    def __new__(cls, data=None, *, persistent=True):
        made = Parameter.__new__(cls, data, False)
        made.persistent = persistent
        return made

    def __repr__(self):
        return Tensor.__repr__(self)

    def __reduce__(self):
        return _rebuild_buffer, (Tensor.clone(self), self.persistent)

    def __deepcopy__(self, memo):
        copy = type(self)(Tensor.clone(self), persistent=self.persistent)
        memo[id(self)] = copy
        return copy


def _rebuild_parameter(data, requires_grad):
    return Parameter(data, requires_grad)


def _rebuild_buffer(data, persistent):
    return Buffer(data, persistent=persistent)
