"""What the Python side of scripts remembers lives in one object, which a program can have more than one of."""

import ast
import gc
import pathlib

import tine
import tine as torch
from tine.jit import _registry


def twice(x: int) -> int:
    return 2 * x


class Scale(tine.nn.Module):
    def __init__(self, by: float):
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.by


def fresh(monkeypatch):
    made = _registry.Registry()
    monkeypatch.setattr(_registry, "registry", made)
    return made


def test_a_registry_knows_what_was_scripted_through_it_and_a_new_one_does_not(monkeypatch):
    fresh(monkeypatch)
    first = torch.jit.script(twice)
    assert torch.jit.script(twice) is first
    fresh(monkeypatch)
    second = torch.jit.script(twice)
    assert second is not first and torch.jit.script(twice) is second
    assert (first(3), second(3)) == (6, 6)


def test_two_registries_never_give_out_the_same_name(monkeypatch):
    held = []  # a name may come again once its code is gone
    for _ in range(3):
        fresh(monkeypatch)
        scripted = torch.jit.script(Scale(2.0))
        unit = torch.jit.CompilationUnit("def f(x: int) -> int:\n    return x\n")
        held += [torch.jit.script(twice), scripted.forward, unit.f]
        assert scripted(torch.tensor([1.5])).tolist() == [3.0]
    assert len({function.qualified_name for function in held}) == len(held)


def test_modules_share_a_class_within_a_registry_only(monkeypatch):
    fresh(monkeypatch)
    one, other = torch.jit.script(Scale(2.0)), torch.jit.script(Scale(3.0))
    assert one.forward.qualified_name == other.forward.qualified_name
    fresh(monkeypatch)
    assert torch.jit.script(Scale(2.0)).forward.qualified_name != one.forward.qualified_name
    assert other(torch.tensor([1.0])).tolist() == [3.0]


def test_code_asks_the_registry_that_it_was_scripted_through(monkeypatch):
    """A method that is compiled later finds the functions under the names that they had then."""

    class Late(tine.nn.Module):
        def forward(self, x: int) -> int:
            return x

        @torch.jit.export
        def other(self, x: int) -> int:
            return twice(x)

    fresh(monkeypatch)
    known = torch.jit.script(twice)
    module = torch.jit.script(Late())
    fresh(monkeypatch)
    assert known.qualified_name in str(module.other.graph)


def test_a_registry_forgets_what_nobody_holds(monkeypatch):
    registry = fresh(monkeypatch)

    def gone(x: int) -> int:
        return x + 1

    scripted = torch.jit.script(gone)
    module = torch.jit.script(Scale(2.0))
    name, type_name = scripted.qualified_name, module.forward.qualified_name.rpartition(".")[0]
    assert registry.qualified_name(gone) == name and registry.module_class_named(type_name) is not None
    del scripted, gone, module
    gc.collect()
    assert registry.module_class_named(type_name) is None
    assert not list(registry._owners) and not list(registry._scripted)


def imports_of(path):
    """The other parts of tine.jit that a part imports, inside its functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [name.name for name in node.names]


def test_the_parts_of_the_package_import_one_another_in_one_direction():
    folder = pathlib.Path(_registry.__file__).parent
    needs = {path.stem: set(imports_of(path)) for path in folder.glob("_[a-z]*.py")}
    assert needs["_names"] and needs["_script"]
    while free := [part for part, others in needs.items() if not others & set(needs)]:
        for part in free:
            del needs[part]
    assert not needs, f"these import each other: {needs}"
