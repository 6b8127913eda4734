"""What the compiler refuses about modules and names from outside, with the words of the error and the place it marks."""

import pytest
from cases import parts, refused

import tine as torch
from tine import Tensor, nn


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Identity(), nn.Identity()])
        self.named = nn.ModuleDict({"a": nn.Identity()})

    def forward(self, x: Tensor) -> Tensor:
        return x


class ListOfModules(Layers):
    def forward(self, x: Tensor) -> Tensor:
        every = list(self.layers)
        return x


class DictOfModules(Layers):
    def forward(self, x: Tensor) -> Tensor:
        every = dict(self.named.items())
        return x


class Counts(nn.Module):
    def forward(self, x: Tensor) -> int:
        return x.numel()


class ElementsOfTwoTypes(Layers):
    def __init__(self):
        super().__init__()
        self.mixed = nn.ModuleList([self.layers[0], Counts()])

    def forward(self, x: Tensor) -> Tensor:
        every = [layer(x) for layer in self.mixed]
        return x


class InAModuleList(Layers):
    def forward(self, x: Tensor) -> Tensor:
        if "a" in self.layers:
            return x
        return x


class NumberInAModuleDict(Layers):
    def forward(self, x: Tensor) -> Tensor:
        if 3 in self.named:
            return x
        return x


class VariableIndex(Layers):
    def forward(self, x: Tensor, i: int) -> Tensor:
        return self.layers[i](x)


class IndexTooLarge(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.layers[2](x)


class Loop(Layers):
    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = layer(x)
        return x


class NoSuchAttribute(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class AttributeMadeOutsideInit(Layers):
    def forward(self, x: Tensor) -> Tensor:
        self.leyers = x
        return x


class AttributeOfAnotherType(Layers):
    def __init__(self):
        super().__init__()
        self.count = 1

    def forward(self, x: Tensor) -> Tensor:
        self.count = "two"
        return x


class AttributeThatWasNone(Layers):
    def __init__(self):
        super().__init__()
        self.label = None

    def forward(self, x: Tensor) -> Tensor:
        self.label = "two"
        return x


class MethodAsValue(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.helper

    def helper(self, x: Tensor) -> Tensor:
        return x


class MethodWithoutSelf(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.helper()

    def helper() -> Tensor:
        return torch.ones(1)


MODULES = {
    ListOfModules: ("modules stay in their container; loop over it", "self.layers"),
    DictOfModules: ("modules stay in their container; loop over it", "self.named.items()"),
    ElementsOfTwoTypes: ("the elements of a list must have one type: this is int, those before are Tensor", "layer(x)"),
    InAModuleList: ("`in` does not take str and ", '"a" in self.layers'),
    NumberInAModuleDict: ("`in` does not take int and ", "3 in self.named"),
    VariableIndex: ("the index into a module must be a constant int or str, so that its type is known", "i"),
    IndexTooLarge: ("has 2 modules, so no index 2", "2"),
    Loop: ("a loop can run over a ModuleList, a Sequential or a ModuleDict; ", "self"),
    NoSuchAttribute: ("has no attribute or method `layer`; did you mean `layers`?", "layer"),
    AttributeMadeOutsideInit: ("has no attribute `leyers`; did you mean `layers`?", "leyers"),
    AttributeOfAnotherType: ("the attribute `count` is int and cannot be given a value of type str", '"two"'),
    AttributeThatWasNone: ("annotate it in the class, not in __init__: `label: Optional[str]`", '"two"'),
    MethodAsValue: ("`helper` is a method; call it: `helper(...)`", "self.helper"),
    MethodWithoutSelf: ("a method has at least the parameter `self`", "helper"),
}


@pytest.mark.parametrize("cls", MODULES)
def test_what_a_module_cannot_do_is_refused_where_it_stands(cls):
    words, marked = MODULES[cls]
    _, _, said, mark = parts(refused(cls()))
    assert words in said and mark == marked, (said, mark)


mixed = [1, "a"]
stream = open


class Plain:
    limit = 3


def uses_mixed(i: int) -> int:
    return len(mixed)


def uses_a_builtin_that_is_none_of_ours(name: str) -> int:
    stream(name)
    return 1


def uses_a_class(x: Tensor) -> Tensor:
    return Plain(x)


def uses_an_unknown_method(x: Tensor) -> Tensor:
    return x.no_such_method()


@pytest.mark.parametrize(
    "fn, words",
    [
        (uses_mixed, "`mixed` is a variable outside of the function and may change. Pass it in as an argument"),
        (uses_a_builtin_that_is_none_of_ours, "scripts do not open files; read in Python and pass the content in"),
        (uses_a_class, "`Plain` takes 0 arguments, got 1"),
        (uses_an_unknown_method, "Tensor has no method `no_such_method` in scripts"),
    ],
)
def test_what_stands_outside_and_fits_no_script_is_named(fn, words):
    _, _, said, _ = parts(refused(fn))
    assert words in said, said
