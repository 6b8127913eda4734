"""Module: named parameters, buffers and submodules around a `forward`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar

from .._C import Tensor, dtype
from ._hooks import Hook, RemovableHandle, run_with_hooks
from .parameter import Buffer, Parameter

_T = TypeVar("_T", bound=Tensor)


def _indent(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first] + ["  " + line for line in rest])


def _as_kind_of(old: Tensor, data: Tensor) -> Tensor:
    if isinstance(old, Buffer):
        return Buffer(data, persistent=old.persistent)
    return Parameter(data, old.requires_grad) if isinstance(old, Parameter) else data


def _dtype_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dtype | None:
    """What the arguments of Module.to() cast to; a ValueError for a device that is not there."""
    import tine

    unknown = set(kwargs) - {"device", "dtype", "tensor", "non_blocking", "memory_format"}
    if unknown or len(args) > 3:
        raise TypeError(f"to(): expected a dtype, a device or a tensor, got {', '.join(map(repr, [*args, *unknown]))}")
    kind = kwargs.get("dtype")
    for given in (*args, kwargs.get("device"), kwargs.get("tensor")):
        if isinstance(given, dtype):
            kind = given
        elif isinstance(given, Tensor):
            kind = given.dtype
        elif given is not None and not isinstance(given, bool):
            tine.device(given)  # refuses what is none, and all but the CPU
    if kind is not None and not isinstance(kind, dtype):
        raise TypeError(f"to(): dtype: expected a dtype, got {kind!r}")
    if kind is not None and kind not in (tine.float32, tine.float64):
        raise TypeError(f"to(): a module is cast to a floating-point dtype alone, got {kind}")
    return kind


class Module:
    """Base class of everything with parameters, as in `torch.nn`.

    A subclass calls `super().__init__()` before it assigns parameters, buffers or submodules, and
    defines `forward`. Calling the module calls `forward`.
    """

    training: bool
    # Values may be None, but nobody who looks for one by its name expects that.
    _parameters: OrderedDict[str, Any]
    _buffers: OrderedDict[str, Any]
    _modules: OrderedDict[str, Any]
    _non_persistent_buffers: set[str]
    # Of a module without hooks, so that its calls cost no more.
    _forward_pre_hooks: Mapping[int, Hook] = {}
    _forward_hooks: Mapping[int, Hook] = {}

    def __init__(self) -> None:
        set_ = super().__setattr__
        set_("training", True)
        set_("_parameters", OrderedDict())
        set_("_buffers", OrderedDict())
        set_("_modules", OrderedDict())
        set_("_non_persistent_buffers", set())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; each subclass has its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._forward_hooks or self._forward_pre_hooks:
            return run_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """From now on each call first calls ``hook(module, args)``, and takes what it returns, unless None, for its arguments.

        One that is not a tuple is the only argument. With `with_kwargs` it is ``hook(module, args, kwargs)``, which returns
        None or both. `prepend` puts it before the hooks that are there.
        """
        return self._add_hook("_forward_pre_hooks", Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """From now on each call ends with ``hook(module, args, output)``, and returns what that returns, unless None.

        With `with_kwargs` it is ``hook(module, args, kwargs, output)``. With `always_call` it is also called, with None for the
        output, when the call has raised; an error of its own is then a warning.
        """
        return self._add_hook("_forward_hooks", Hook(hook, with_kwargs, always_call), prepend)

    def _add_hook(self, where: str, hook: Hook, prepend: bool) -> RemovableHandle:
        if not callable(hook.function):
            raise TypeError(f"expected a function as a hook, got {hook.function!r}")
        hooks = self.__dict__.get(where)
        if hooks is None:
            hooks = self.__dict__[where] = OrderedDict()
        handle = RemovableHandle(hooks, hook)
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    # Registration

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter under `name`; `param` may be None."""
        self._check_new_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                            "(tine.nn.Parameter or None required)")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is state but no parameter; `state_dict()` holds it when it is persistent."""
        self._check_new_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                            "(tine Tensor or None required)")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers.discard(name)
        else:
            self._non_persistent_buffers.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule under `name`; `module` may be None."""
        self._check_new_name("module", name, self._modules)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._modules[name] = module

    register_module = add_module

    def _check_new_name(self, kind: str, name: str, where: Mapping[str, object]) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: "{name}"')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in where and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        parameters = state.get("_parameters")
        kind = ("buffer" if isinstance(value, Buffer) else "parameter" if isinstance(value, Parameter)
                else "module" if isinstance(value, Module) else None)
        if kind is not None:
            if parameters is None:
                raise AttributeError(f"cannot assign {kind}s before Module.__init__() call"
                                     if kind != "module" else "cannot assign module before Module.__init__() call")
            self._forget(name)
            if kind == "parameter":
                self.register_parameter(name, value)
            elif kind == "buffer":
                self.register_buffer(name, value, value.persistent)
            else:
                self._modules[name] = value
            return
        if parameters is not None:
            if name in parameters:
                if value is not None:
                    raise TypeError(f"cannot assign '{type(value).__name__}' as parameter '{name}' "
                                    "(tine.nn.Parameter or None expected)")
                parameters[name] = None
                return
            if name in state["_modules"]:
                if value is not None:
                    raise TypeError(f"cannot assign '{type(value).__name__}' as child module '{name}' "
                                    "(tine.nn.Module or None expected)")
                state["_modules"][name] = None
                return
            if name in state["_buffers"]:
                if value is not None and not isinstance(value, Tensor):
                    raise TypeError(f"cannot assign '{type(value).__name__}' as buffer '{name}' "
                                    "(tine.Tensor or None expected)")
                state["_buffers"][name] = value
                return
        super().__setattr__(name, value)

    def _forget(self, name: str) -> None:
        self.__dict__.pop(name, None)
        for where in (self._parameters, self._buffers, self._modules):
            where.pop(name, None)
        self._non_persistent_buffers.discard(name)

    def __getattr__(self, name: str) -> Any:  # only when the usual search found nothing
        state = self.__dict__
        for where in ("_parameters", "_buffers", "_modules"):
            if where in state and name in state[where]:
                return state[where][name]
        from .._missing import attribute_error

        raise attribute_error(f"'{type(self).__name__}' object has no attribute '{name}'", "torch.nn.Module", name=name)

    def __delattr__(self, name: str) -> None:
        for where in (self._parameters, self._buffers, self._modules):
            if name in where:
                del where[name]
                self._non_persistent_buffers.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = set(dir(type(self))) | set(self.__dict__)
        names.update(self._parameters, self._buffers, self._modules)
        return sorted(name for name in names if not name[0].isdigit())

    # Walking

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """(name, module) of this module and all below it, each module once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                below = prefix + ("." if prefix else "") + name
                yield from module.named_modules(memo, below, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the direct submodules, each module once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self, members: Callable[[Module], Mapping[str, _T | None]], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, _T]]:
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for below, module in modules:
            for name, tensor in members(module).items():
                if tensor is None or id(tensor) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(tensor))
                yield below + ("." if below else "") + name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(name, Parameter) of this module and, with `recurse`, of all below it."""
        yield from self._named_members(lambda module: module._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Those of this module and, with `recurse`, of all below it."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(name, Tensor) of this module and, with `recurse`, of all below it."""
        yield from self._named_members(lambda module: module._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Those of this module and, with `recurse`, of all below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path, e.g. "encoder.0"; "" is this one."""
        module = self
        for part in target.split(".") if target else ():
            if part not in module._modules:
                raise AttributeError(f"{type(module).__name__} has no submodule `{part}` (looking for `{target}`)")
            module = module._modules[part]
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{type(module).__name__} has no parameter `{name}` (looking for `{target}`)")
        parameter: Parameter = module._parameters[name]
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._buffers:
            raise AttributeError(f"{type(module).__name__} has no buffer `{name}` (looking for `{target}`)")
        buffer: Tensor = module._buffers[name]
        return buffer

    # State

    def state_dict(
        self, *, destination: OrderedDict[str, Tensor] | None = None, prefix: str = ""
    ) -> OrderedDict[str, Tensor]:
        """An ordered dict of all parameters and persistent buffers by dotted name; the tensors are shared."""
        out = OrderedDict() if destination is None else destination
        for name, parameter in self._parameters.items():
            if parameter is not None:
                out[prefix + name] = parameter
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers:
                out[prefix + name] = buffer
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=out, prefix=prefix + name + ".")
        return out

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True) -> _Keys:
        """Copies the tensors of `state_dict` into this module's.

        Nothing is copied when anything does not fit. Returns the names that were missing and unexpected.
        """
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{n}"' for n in unexpected) + ".")
        if strict and missing:
            problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{n}"' for n in missing) + ".")
        for name, tensor in own.items():
            if name in state_dict and list(state_dict[name].shape) != list(tensor.shape):
                problems.append(f"size mismatch for {name}: copying a param with shape "
                                f"{list(state_dict[name].shape)} from checkpoint, the shape in current model is "
                                f"{list(tensor.shape)}.")
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        for name, tensor in own.items():
            if name in state_dict:
                tensor.copy_(state_dict[name])
        return _Keys(missing, unexpected)

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Calls `fn` on each submodule, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Puts ``fn(t)`` in the place of each parameter and buffer. One that several modules share stays shared."""
        made: dict[int, Any] = {}
        for module in self.modules():
            for members in (module._parameters, module._buffers):
                for name, old in members.items():
                    if old is None:
                        continue
                    if id(old) not in made:
                        fresh = fn(old)
                        # The old one, too: it must not give its id to another.
                        made[id(old)] = old, fresh if fresh is old else _as_kind_of(old, fresh)
                    if made[id(old)][1] is not old:
                        module._replace(members, name, made[id(old)][1])
        return self

    def _replace(self, members: OrderedDict[str, Any], name: str, tensor: Tensor) -> None:
        members[name] = tensor

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)``: casts floating-point parameters and buffers.

        What is cast is a new Parameter; ask ``parameters()`` after it. The only device is the CPU.
        """
        kind = _dtype_of(args, kwargs)
        return self if kind is None else self._cast(kind)

    def type(self, dst_type: dtype) -> Self:
        """Casts all parameters and buffers."""
        return self._apply(lambda t: t.to(dst_type))

    def float(self) -> Self:
        """``to(tine.float32)``."""
        import tine

        return self._cast(tine.float32)

    def double(self) -> Self:
        """``to(tine.float64)``."""
        import tine

        return self._cast(tine.float64)

    def cpu(self) -> Self:
        """Does nothing: all tensors are the CPU's."""
        return self

    def _cast(self, kind: dtype) -> Self:
        return self._apply(lambda t: t.to(kind) if t.is_floating_point() else t)

    def train(self, mode: bool = True) -> Self:
        """Sets `training` here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Sets the parameters' attribute; nothing in tine differentiates."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Does nothing, because tine has no gradients."""

    # Printing

    def extra_repr(self) -> str:
        """The text between the brackets of the printed form."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): " + _indent(repr(module)) for name, module in self._modules.items()]
        name = self._get_name()
        if len(extra_lines) <= 1 and not child_lines:
            return f"{name}({extra})"
        return f"{name}(\n  " + "\n  ".join(extra_lines + child_lines) + "\n)"


class _Keys(tuple[list[str], list[str]]):
    """Names that a state dict lacks, and those that it has too many."""

    __slots__ = ()

    def __new__(cls, missing: list[str], unexpected: list[str]) -> Self:
        return super().__new__(cls, (missing, unexpected))

    @property
    def missing_keys(self) -> list[str]:
        return self[0]

    @property
    def unexpected_keys(self) -> list[str]:
        return self[1]

    def __repr__(self) -> str:
        if not self[0] and not self[1]:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self[0]}, unexpected_keys={self[1]})"
