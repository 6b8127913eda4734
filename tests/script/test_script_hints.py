"""What the compiler advises: a name that is near, what to write instead, who called what was refused."""

import math
import os
from collections import defaultdict
from typing import Dict, List, Optional, Set

import pytest
from cases import refused

import tine as torch
import tine.nn.functional as F
from tine import Tensor, nn


def place(fn, offset=0):
    return f"{os.path.basename(__file__)}:{fn.__code__.co_firstlineno + offset}:"


def calls_int(x: Tensor): return x.int()  # noqa: E704
def calls_std(x: Tensor): return x.std()  # noqa: E704
def calls_argsort(x: Tensor): return x.argsort()  # noqa: E704
def calls_einsum(x: Tensor): return torch.einsum("i", x)  # noqa: E704
def calls_sort(x: Tensor): return torch.sort(x)  # noqa: E704
def calls_is_complex(x: Tensor): return torch.is_complex(x)  # noqa: E704
def calls_gelu(x: Tensor): return F.gelu(x)  # noqa: E704
def calls_l1_loss(x: Tensor): return torch.nn.functional.l1_loss(x, x)  # noqa: E704
def calls_isqrt(x: int): return math.isqrt(x)  # noqa: E704
def calls_ascii(x: str): return ascii(x)  # noqa: E704
def calls_translate(x: str): return x.translate(x)  # noqa: E704
def reads_grad(x: Tensor): return x.grad  # noqa: E704


NOT_YET = {
    calls_int: "torch.Tensor.int", calls_std: "torch.Tensor.std", calls_argsort: "torch.Tensor.argsort",
    calls_einsum: "torch.einsum", calls_sort: "torch.Tensor.sort", calls_is_complex: "torch.is_complex",
    calls_gelu: "torch.nn.functional.gelu",
    calls_l1_loss: "torch.nn.functional.l1_loss", calls_isqrt: "math.isqrt", calls_ascii: "ascii",
    calls_translate: "str.translate", reads_grad: "torch.Tensor.grad",
}


@pytest.mark.parametrize("fn", NOT_YET, ids=lambda fn: fn.__name__)
def test_a_name_that_exists_elsewhere_is_not_there_yet_and_nothing_else_is_offered(fn):
    text = refused(fn)
    assert f"`{NOT_YET[fn]}` is not available yet in scripts" in text and "did you mean" not in text
    assert place(fn) in text and "^" in text


def test_only_what_is_spelled_almost_alike_and_can_stand_there_is_offered():
    def slip(x: Tensor):
        return torch.rellu(x)

    def by_alias(x: Tensor):
        return F.rellu(x)

    def of_a_method(x: Tensor):
        return x.veiw(2)

    def near_a_name_that_is_no_script(x: Tensor):
        return torch.iscomplex(x)

    def near_nothing(x: Tensor):
        return torch.qqq(x)

    for fn in (slip, by_alias):
        assert "did you mean `relu`?" in refused(fn)
    assert "did you mean `view`?" in refused(of_a_method)
    for fn in (near_a_name_that_is_no_script, near_nothing):
        assert "did you mean" not in refused(fn)


def test_an_optional_attribute_is_to_be_assigned_to_a_variable():
    class Adds(nn.Module):
        b: Optional[Tensor]

        def __init__(self):
            super().__init__()
            self.b = None

        def forward(self, x: Tensor) -> Tensor:
            if self.b is not None:
                return x + self.b
            return x

    class Calls(Adds):
        def forward(self, x: Tensor) -> Tensor:
            if self.b is not None:
                return self.b.relu()
            return x

    class Passes(Adds):
        def forward(self, x: Tensor) -> Tensor:
            if self.b is not None:
                return torch.add(x, self.b)
            return x

    for cls in (Adds, Calls, Passes):
        text = refused(cls())
        assert "assign it to a variable first, `b = self.b`" in text and "test `is not None` first" not in text

    def plain(x: Optional[int]) -> int:
        return x + 1

    assert "test `is not None` first" in refused(plain)


def test_an_attribute_that_is_none_is_to_be_annotated_in_the_class():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.foo: Optional[List[int]] = None

        def forward(self, x: List[int]) -> int:
            self.foo = x
            return 1

    assert "annotate it in the class, not in __init__: `foo: Optional[List[int]]`" in refused(M())


def test_an_attribute_that_scripts_cannot_hold_says_what_they_can():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.bad = object()

        def forward(self, x: Tensor) -> Tensor:
            return x + self.bad

    assert "a value of type object, which scripts cannot hold; pass what is needed of it as an argument" in refused(M())


def test_what_python_has_and_scripts_write_otherwise():
    def deletes(xs: List[int]):
        del xs[1:3]

    def asks_a_text(device: str):
        return device.type

    def makes_a_defaultdict(x: Tensor):
        d = defaultdict(int)
        return d

    def takes_a_set(x: Set[int]):
        return x

    assert "write `x = x[:i] + x[j:]`" in refused(deletes)
    assert "the device of a Tensor is a str in scripts" in refused(asks_a_text)
    assert "use a Dict, and `if key not in d:`" in refused(makes_a_defaultdict)
    assert "they have int, float, bool, str, Tensor, List" in refused(takes_a_set)


class Static(nn.Module):
    SCALE = 3

    @staticmethod
    def square(x: Tensor) -> Tensor:
        return x * x

    def method(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        return Static.square(x) * Static.SCALE + self.square(x)


def test_static_methods_and_constants_are_found_by_their_class():
    assert torch.jit.script(Static())(torch.tensor([2.0])).tolist() == [16.0]

    class Calls(Static):
        def forward(self, x: Tensor) -> Tensor:
            return Static.method(x)

    assert "`Static.method` is a method; call it on the module, as `self.method(...)`" in refused(Calls())

    class Makes(Static):
        def forward(self, x: Tensor) -> Tensor:
            return Static()(x)

    assert "the module class `Static` cannot be made in a script" in refused(Makes())


class Base:
    pass


def test_a_decorator_on_what_is_no_script_names_the_place():
    class Point(Base):
        pass

    text = refused(Point)
    assert os.path.basename(__file__) in text and "class Point(Base):" in text and "^^^^^" in text
    assert "keep an object of the base class in an attribute" in text
    text = refused(Static)
    assert "script an instance of it" in text and "class Static(nn.Module):" in text
    assert "script a function, or the module" in refused(Static().method)

    def generates(x: int):
        yield x

    assert place(generates) in refused(generates) and "generator" in refused(generates)


def test_a_nul_in_a_text_has_a_place():
    with pytest.raises(torch.SyntaxError) as caught:
        torch.jit.CompilationUnit("def f(x: int):\n    return x\0 + 1\n")
    assert ":2:13: unexpected character with code 0" in str(caught.value)


def inner(x: Tensor) -> Tensor:
    return x.nothing()


def middle(x: Tensor) -> Tensor:
    return inner(x) + 1


def outer(x: Tensor) -> Tensor:
    y = middle(x)
    return y


def inferred_inner(x: Tensor):
    return x.nothing()


def inferred_middle(x: Tensor):
    return inferred_inner(x) + 1


def inferred_outer(x: Tensor):
    return inferred_middle(x)


@pytest.mark.parametrize("fns", [(inner, middle, outer), (inferred_inner, inferred_middle, inferred_outer)],
                         ids=["declared", "inferred"])
def test_an_error_in_a_helper_tells_who_called_it_up_to_the_root(fns):
    a, b, c = fns
    text = refused(c)
    first, *rest = text.splitlines()
    assert place(a, 1) in first
    told = [line for line in rest if "is being compiled since it was called from" in line]
    assert len(told) == 2
    assert told[0].startswith(f"'{a.__name__}' is being compiled since it was called from '{b.__name__}' (")
    assert place(b, 1) in told[0]
    assert told[1].startswith(f"'{b.__name__}' is being compiled since it was called from '{c.__name__}' (")
    assert place(c, 1) in told[1]


def bad_signature(x: "Nothing") -> int:  # noqa: F821
    return 1


def test_the_chain_is_told_of_a_signature_and_of_methods_too():
    def caller(x: Tensor) -> Tensor:
        return inner(x)

    def calls_bad_signature(x: Tensor) -> int:
        return bad_signature(x)

    class M(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return self.helper(x)

        def helper(self, x: Tensor) -> Tensor:
            return x.nothing()

    assert "'M.helper' is being compiled since it was called from 'M.forward'" in refused(M())
    assert "'bad_signature' is being compiled since it was called from 'calls_bad_signature'" in refused(calls_bad_signature)
    assert "'inner' is being compiled since it was called from 'caller'" in refused(caller)


def test_an_error_in_the_root_itself_has_no_chain():
    assert "is being compiled since" not in refused(inner)
