"""Tensors that a module lists as its own."""

from __future__ import annotations

from typing import Any, Self

from .._C import Tensor


class Parameter(Tensor):
    """A tensor that a `Module` lists among its parameters when it is assigned to an attribute.

    Args:
        data: a Tensor; the parameter shares its storage. Without it, an empty tensor.
        requires_grad: kept as an attribute; nothing in tine differentiates.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Self:
        if data is None:
            from .. import zeros

            data = zeros(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter: expected a Tensor as data, got {type(data).__name__}")
        made = Tensor.__new__(cls, data)
        made._requires_grad = bool(requires_grad)
        return made

    @property
    def requires_grad(self) -> bool:
        """What it was made or set with; nothing in tine differentiates."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._requires_grad = bool(value)

    @property
    def data(self) -> Tensor:
        """The tensor itself; assigning copies into it."""
        return self

    @data.setter
    def data(self, value: Tensor) -> None:
        self.copy_(value)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + Tensor.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_parameter, (Tensor.clone(self), self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copy = type(self)(Tensor.clone(self), self.requires_grad)
        memo[id(self)] = copy
        return copy


class Buffer(Parameter):
    """A tensor that a `Module` lists among its buffers when it is assigned to an attribute.

    Args:
        data: a Tensor; the buffer shares its storage.
        persistent: whether `state_dict()` holds it.
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Self:
        made = Parameter.__new__(cls, data, False)
        made.persistent = persistent
        return made

    def __repr__(self) -> str:
        return Tensor.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_buffer, (Tensor.clone(self), self.persistent)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copy = type(self)(Tensor.clone(self), persistent=self.persistent)
        memo[id(self)] = copy
        return copy


def _rebuild_parameter(data: Tensor, requires_grad: bool) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_buffer(data: Tensor, persistent: bool) -> Buffer:
    return Buffer(data, persistent=persistent)
