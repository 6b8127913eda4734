"""What a scripted function is: the names and annotations it is read with, what it is called and keeps, its graph."""

from typing import List, Optional

import pytest
import tine as torch
from tine import Tensor


def test_closure_variables_are_constants():
    scale = 3

    def fn(x: int) -> int:
        return x * scale

    assert torch.jit.script(fn)(5) == 15


def test_a_module_alias_of_the_user_is_followed():
    import tine as anything

    def fn(x):
        return anything.relu(x)

    assert torch.equal(torch.jit.script(fn)(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))


def test_a_name_imported_from_a_module_is_followed():
    from tine import tanh as squash

    def fn(x):
        return squash(x)

    assert torch.allclose(torch.jit.script(fn)(torch.ones(2)), torch.tanh(torch.ones(2)))


def test_annotations_as_text_are_read():
    def fn(x: "int", ys: "List[int]") -> "int":
        return x + ys[0]

    assert torch.jit.script(fn)(1, [2]) == 3


def test_a_type_alias_is_followed():
    Ints = List[int]

    def fn(xs: Ints) -> int:
        return xs[0]

    assert torch.jit.script(fn)([4]) == 4


def test_builtin_generics_are_types_too():
    def fn(xs: list[int], d: dict[str, int]) -> tuple[int, int]:
        return xs[0], d["a"]

    assert torch.jit.script(fn)([4], {"a": 2}) == (4, 2)


def test_is_scripting_tells_a_script_from_python():
    def fn() -> bool:
        return torch.jit.is_scripting()

    assert fn() is False
    assert torch.jit.script(fn)() is True


def test_isinstance_narrows_an_optional():
    def fn(x: Optional[int]) -> int:
        if torch.jit.isinstance(x, int):
            return x
        return 0

    assert torch.jit.script(fn)(4) == 4
    assert torch.jit.script(fn)(None) == 0


def test_print_writes_to_standard_output(capfd):
    def fn(x: int):
        print("x is", x)

    torch.jit.script(fn)(3)
    assert capfd.readouterr().out == "x is 3\n"


def test_scripting_twice_gives_the_same_function():
    def fn(x: int) -> int:
        return x

    scripted = torch.jit.script(fn)
    assert torch.jit.script(fn) is scripted
    assert torch.jit.script(scripted) is scripted


def test_functions_of_one_name_do_not_replace_each_other():
    def make(n: int):
        def fn(x: int) -> int:
            return x + n

        return torch.jit.script(fn)

    one, two = make(1), make(2)
    assert (one(10), two(10)) == (11, 12)
    assert one.qualified_name != two.qualified_name


def test_a_scripted_function_keeps_what_wraps_keeps():
    @torch.jit.script
    def fn(x: int) -> int:
        """Says what it does."""
        return x

    assert fn.__name__ == "fn" and fn.__doc__ == "Says what it does."
    assert fn.__wrapped__(3) == 3
    assert fn.name == "fn" and fn.qualified_name.endswith("fn")
    assert str(fn.schema) == "fn(int x) -> int"
    assert "return x" in fn.code


def scripted_for_pickle(x: int) -> int:
    return x + 1


scripted_for_pickle = torch.jit.script(scripted_for_pickle)


def test_a_scripted_function_is_pickled_by_its_name():
    import pickle

    again = pickle.loads(pickle.dumps(scripted_for_pickle))
    assert again == scripted_for_pickle and again(4) == 5


def test_the_graph_names_its_operators():
    def fn(x, n: int):
        for _ in range(n):
            x = torch.tanh(x)
        return x

    text = str(torch.jit.script(fn).graph)
    assert text.startswith("graph(%x")
    assert "aten::tanh" in text and "prim::Loop" in text and "return (" in text


def test_numbers_become_tensors_at_the_border():
    def fn(x: Tensor, y: Tensor) -> Tensor:
        return x + y

    assert torch.equal(torch.jit.script(fn)(torch.ones(2), 1), torch.tensor([2.0, 2.0]))


def test_an_integer_is_taken_for_a_float():
    def fn(x: float) -> float:
        return x / 2

    assert torch.jit.script(fn)(3) == 1.5


def test_a_compilation_unit_compiles_text():
    unit = torch.jit.CompilationUnit("""
        def double(x: int) -> int:
            return twice(x)

        def twice(x: int) -> int:
            return x * 2
    """)
    assert unit.double(4) == 8


def test_a_function_that_a_unit_does_not_have_is_named():
    unit = torch.jit.CompilationUnit("def f(x: int) -> int:\n    return x\n")
    assert unit.f(3) == 3
    with pytest.raises(AttributeError, match="'CompilationUnit' object has no attribute 'g'"):
        unit.g
