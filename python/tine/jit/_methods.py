"""ScriptMethod: a compiled method, with its module."""

from __future__ import annotations

from typing import Any, NoReturn

from .._C import Graph, ScriptFunction
from .._missing import attribute_error
from ..nn.module import Module


class ScriptMethod:
    """A compiled method of a ScriptModule."""

    def __init__(self, owner: Any, name: str, function: ScriptFunction[..., Any]) -> None:
        self._owner = owner
        self._function = function
        self.name = self.__name__ = name
        self.__qualname__ = f"{owner.original_name}.{name}"
        self.__module__ = owner._tine_class.cls.__module__
        self.__doc__ = vars(function).get("__doc__")  # not that of its class

    @property
    def owner(self) -> Module:
        """The module."""
        owner: Module = self._owner
        return owner

    @property
    def graph(self) -> Graph:
        """Its graph."""
        return self._function.graph

    @property
    def inlined_graph(self) -> Graph:
        """Its graph, with what it calls in place of the calls."""
        return self._function.inlined_graph

    def graph_for(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that runs for these arguments: the same for all."""
        return self._function.graph

    def instructions(self) -> str:
        """The code that runs: one instruction a line."""
        return self._function.instructions()

    @property
    def code_with_constants(self) -> tuple[str, dict[str, Any]]:
        """Its source, and the constants beside it: none, since the source has them."""
        return self._function.code, {}

    @property
    def code(self) -> str:
        """Its source."""
        return self._function.code

    @property
    def schema(self) -> str:
        """Its signature, as text."""
        return self._function.schema

    @property
    def qualified_name(self) -> str:
        """The name by which calls find it."""
        return self._function.qualified_name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(self._owner._c, *args, **kwargs)

    def __getattr__(self, name: str) -> NoReturn:  # only when the usual search found nothing
        raise attribute_error(f"'ScriptMethod' object has no attribute '{name}'", "torch.jit.ScriptFunction", name=name)

    def __repr__(self) -> str:
        return f"<ScriptMethod {self.qualified_name}>"
