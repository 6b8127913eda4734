"""What the compiler's Python side says of names: tine._C.Meaning and FunctionSource."""

import itertools

import pytest

from tine import _C

Meaning = _C.Meaning
_numbers = itertools.count()


class Names:
    """A resolver of a few names."""

    def __init__(self, **meanings):
        self._meanings = meanings

    def resolve(self, dotted):
        return self._meanings.get(dotted)

    def method(self, type_name, name):
        return None

    def submodules(self, type_name):
        return None

    def candidates(self, dotted):
        return sorted(self._meanings)


def source(body, names, **more):
    text = f"def f(x: int) -> int:\n    return {body}\n"
    return _C.FunctionSource(f"test_meanings.f{next(_numbers)}", "f.py", text, 1, "f", names, **more)


def test_each_kind_of_meaning_is_taken():
    callee = source("x + 1", Names())
    names = Names(k=Meaning.constant(3), absolute=Meaning.operator("prim::abs"), g=Meaning.function("test_meanings.g", _C.FunctionSource(
        "test_meanings.g", "f.py", "def g(x: int) -> int:\n    return x + 1\n", 1, "g", Names())), length=Meaning.builtin("builtins.len"))
    assert _C._compile(source("absolute(x) * k + g(x) + length([x])", names))(-2) == 6
    assert Meaning.function("f", callee).source is not None
    assert Meaning.function("f").source is None and Meaning.function("f").why is None
    assert Meaning.refused("no").why == "no" and Meaning.refused("no").source is None


def test_the_defaults_of_python_are_the_functions():
    text = "def f(x: int = 1) -> int:\n    return x\n"
    made = _C.FunctionSource(f"test_meanings.f{next(_numbers)}", "f.py", text, 1, "f", Names(), defaults={"x": 7})
    assert _C._compile(made)() == 7


def test_what_is_refused_is_an_error_in_its_words():
    with pytest.raises(_C.SyntaxError, match="f.py:2:12: take another"):
        _C._compile(source("k", Names(k=Meaning.refused("take another"))))


def test_an_answer_that_is_not_a_meaning_is_refused():
    with pytest.raises(TypeError, match="a resolver's answer: expected a tine._C.Meaning or None, got tuple"):
        _C._compile(source("k", Names(k=("constant", 3))))


def test_an_error_of_the_resolver_is_the_error():
    class Broken(Names):
        def resolve(self, dotted):
            raise LookupError("no names today")

    with pytest.raises(LookupError, match="no names today"):
        _C._compile(source("k", Broken()))


def test_what_is_not_a_source_is_refused():
    with pytest.raises(TypeError, match="expected a tine._C.FunctionSource, got str"):
        _C._compile("def f(): pass")
    with pytest.raises(TypeError, match="expected a tine._C.FunctionSource, got int"):
        Meaning.function("f", 1)
    with pytest.raises(TypeError, match="expected an ObjectType as self_type, got int"):
        source("x", Names(), self_type=1)
    with pytest.raises(TypeError):
        Meaning()
