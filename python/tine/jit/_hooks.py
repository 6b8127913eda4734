"""Hooks of a module that is scripted: methods of it, and `__call__`, which calls them around `forward`."""

from __future__ import annotations

import ast
import re
import types
import typing
from typing import TYPE_CHECKING, Any, Self

from .. import _C
from ..nn.containers import Sequential
from ..nn.module import Module
from . import _source
from ._names import Names
from ._subclasses import FunctionText

if TYPE_CHECKING:
    from ..nn._hooks import Hook
    from ._registry import Registry


class Hooks:
    """The hooks that a module has when it is scripted: its compiled calls run these, in this order."""

    def __init__(self, before: list[types.FunctionType], after: list[types.FunctionType]) -> None:
        self.before = before
        self.after = after

    @classmethod
    def of(cls, module: Module) -> Self:
        """SyntaxError for one that cannot be compiled."""
        return cls([cls._function(hook, module, "pre-hook", 2) for hook in module._forward_pre_hooks.values()],
                   [cls._function(hook, module, "hook", 3) for hook in module._forward_hooks.values()])

    def __bool__(self) -> bool:
        return bool(self.before or self.after)

    def key(self) -> tuple[object, ...]:
        """Modules of one class have the same."""
        return tuple(map(id, self.before)), tuple(map(id, self.after))

    @staticmethod
    def _function(hook: Hook, module: Module, kind: str, parameters: int) -> types.FunctionType:
        fn = hook.function
        of = f"of module `{type(module).__name__}`"
        if not _source.is_plain(fn):
            raise _source.NotAScript(f"script: a forward {kind} {of} is a {type(fn).__name__}; a hook that is compiled is a plain "
                                     "function. Remove it by its handle before the module is scripted")
        if fn.__name__ == "<lambda>":
            raise _source.refusal(fn, f"a forward {kind} {of} is a lambda, which cannot be compiled; write it as a `def`, or remove it "
                                  "by its handle before the module is scripted")
        if hook.with_kwargs or hook.always_call:
            raise _source.refusal(fn, f"the {kind} `{fn.__name__}` {of} is registered with with_kwargs or always_call, which "
                                  "compiled hooks do not have; all arguments of `forward` are in `input`")
        if fn.__code__.co_argcount != parameters or fn.__code__.co_kwonlyargcount:
            expected = "(self, input)" if parameters == 2 else "(self, input, output)"
            raise _source.refusal(fn, f"the {kind} `{fn.__name__}` {of} takes {fn.__code__.co_argcount} parameters; one that is "
                                  f"compiled is `def {fn.__name__}{expected}`")
        return fn


NO_HOOKS = Hooks([], [])


class CallSource:
    """`__call__` of a module class that has hooks. Their names are of none of `taken`."""

    def __init__(self, registry: Registry, cls: type[Module], type: _C.ObjectType, forward: Any, hooks: Hooks,
                 taken: set[str]) -> None:
        self._registry = registry
        self._cls = cls
        self._type = type
        self._hooks = hooks
        self._forward_names: Names
        if isinstance(forward, FunctionText):
            self._arguments, self._forward_names, self._defaults = forward.arguments(), forward.names, {}
        elif _source.is_plain(forward) and forward is not Module.forward:
            # That of a Sequential is written anew for each.
            self._arguments = (_source.head_of(forward).args if forward is not Sequential.forward
                               else ast.arguments([], [ast.arg("self"), ast.arg("input")], None, [], [], None, []))
            self._forward_names, self._defaults = Names(forward, registry), _source.defaults_of(forward)
        else:
            raise _source.NotAScript(f"script: module `{cls.__name__}` has hooks and no `forward` for them to stand around")
        self._parameters = (self._arguments.posonlyargs + self._arguments.args + self._arguments.kwonlyargs)[1:]
        self._names: dict[types.FunctionType, str] = {}  # a hook -> the method that it is
        for hook in dict.fromkeys(hooks.before + hooks.after):
            plain = re.sub(r"\W", "_", hook.__name__)
            name, number = plain, 1
            while name in taken:
                number += 1
                name = f"{plain}_{number}"
            taken.add(name)
            self._names[hook] = name

    def hook_named(self, name: str) -> types.FunctionType | None:
        """The hook that is this method."""
        return next((hook for hook, method in self._names.items() if method == name), None)

    def source(self) -> _C.FunctionSource:
        parameters = [parameter.arg for parameter in self._parameters]
        unique = "hook_"
        while any(name.startswith(unique) for name in parameters):
            unique += "_"
        given, made = unique + "input", unique + "output"
        lines = [f"def __call__({ast.unparse(self._arguments)}):", f"    {given} = ({''.join(name + ', ' for name in parameters)})"]
        for hook in self._hooks.before:
            lines += self._before(hook, given, len(parameters))
        lines.append(f"    {made} = self.forward({', '.join(f'{name}={given}[{i}]' for i, name in enumerate(parameters))})")
        for number, hook in enumerate(self._hooks.after):
            changed, kept = f"{made}_{number}", f"{made}_or_{number}"
            lines += [f"    {changed} = self.{self._names[hook]}({given}, {made})", f"    if {changed} is not None:",
                      f"        {kept} = {changed}", "    else:", f"        {kept} = {made}"]
            made = kept
        lines.append(f"    return {made}")
        name = f"{self._type.name}.__call__"
        return _C.FunctionSource(name, f"<hooks of {self._cls.__name__}>", "\n".join(lines) + "\n", 1, "__call__",
                                 self._forward_names, self._type, self._defaults)

    def _before(self, hook: types.FunctionType, given: str, count: int) -> list[str]:
        call = f"self.{self._names[hook]}({given})"
        returned = self._returned(hook)
        if returned is type(None):
            return [f"    {call}"]
        whole = self._is_tuple(returned)
        if not whole and count != 1:
            raise _source.refusal(hook, f"the pre-hook `{hook.__name__}` of module `{self._cls.__name__}` returns one value, and "
                                  f"`forward` takes {count}; return a tuple of {count}, or None")
        if type(None) not in typing.get_args(returned):
            return [f"    {given} = {call}" if whole else f"    {given} = ({call},)"]
        changed = given + "_changed"
        return [f"    {changed} = {call}", f"    if {changed} is not None:",
                f"        {given} = {changed}" if whole else f"        {given} = ({changed},)"]

    def _returned(self, hook: types.FunctionType) -> Any:
        written = _source.head_of(hook).returns
        if written is None:
            raise _source.refusal(hook, f"the pre-hook `{hook.__name__}` of module `{self._cls.__name__}` has no return annotation; "
                                  "it says whether the hook changes the arguments: `-> None`, or the type of their tuple")
        try:
            returned: Any = hook.__annotations__.get("return", ast.unparse(written))
            if isinstance(returned, str):
                cells = zip(hook.__code__.co_freevars, hook.__closure__ or ())
                returned = eval(returned, hook.__globals__, {name: cell.cell_contents for name, cell in cells})
        except (NameError, AttributeError, TypeError, ValueError) as error:
            raise _source.refusal(hook, f"the annotation of what the pre-hook `{hook.__name__}` returns cannot be read: {error}") from None
        return type(None) if returned is None else returned

    @staticmethod
    def _is_tuple(returned: Any) -> bool:
        inner = [each for each in typing.get_args(returned) if each is not type(None)]
        optional = type(None) in typing.get_args(returned) and len(inner) == 1
        return typing.get_origin(inner[0] if optional else returned) is tuple

    def expected(self) -> str:
        """What the author of a hook is told when the compiler refuses one."""
        made = ", ".join("Tensor" if p.annotation is None else ast.unparse(p.annotation) for p in self._parameters)
        return (f"while compiling the hooks of module `{self._cls.__name__}`: a pre-hook is `def hook(self, input: Tuple[{made}])` "
                f"and returns None or such a tuple; a hook is `def hook(self, input: Tuple[{made}], output: ...)`, where `output` is "
                "what `forward` or the hook before it returns. Hooks that are not to be compiled are removed by their handles before "
                "the module is scripted")

