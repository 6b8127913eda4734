"""What a format makes of a number or a text in a script is what Python makes of it, or the same error."""

import itertools
import random

import pytest

import tine as torch

VALUES = {
    "int": [0, 7, -7, 65, 1234567, -(2**63)],
    "float": [0.0, -0.0, 1.5, 2.0, 99.5, -1234567.891, 1e-7, 1e16, 1e22, float("inf"), float("-inf"), float("nan")],
    "str": ["", "ab", "äöü€x"],
    "bool": [True, False],
}
FILLS = ["", "<", "^", ">", "=", "*^", "€>", "0="]
WIDTHS = ["", "1", "12", "012", "0"]
PRECISIONS = ["", ".0", ".3", "."]
TYPES = ["", *"dnxXobceEfFgG%s?"]
EDGES = ["<", ">5", ",,", "__", ",_", "_,", "00", "+s", "-s", " s", "#s", "=5s", ",s", "#c", "+c", "_c", ".0d", "1048576", "1048577", ".1048577f"]


def specifications():
    chance = random.Random(7)
    every = ["".join(parts) for parts in itertools.product(FILLS, ["", "+", " ", "-"], ["", "#"], WIDTHS, ["", ",", "_"], PRECISIONS, TYPES)]
    return [each for each in every if len(each) < 3] + chance.sample(every, 700) + EDGES


def outcome(call):
    try:
        return call()
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        return type(error).__name__, str(error).splitlines()[0]


def functions(texts, kind):
    """A script function for each text, which formats its argument."""
    unit = torch.jit.CompilationUnit("".join(f"def f{n}(x: {kind}) -> str:\n    return {text!r}.format(x)\n" for n, text in enumerate(texts)))
    return [getattr(unit, f"f{n}") for n in range(len(texts))]


@pytest.mark.parametrize("kind", VALUES)
def test_each_specification_gives_what_python_gives(kind):
    specs = specifications()
    texts = ["{:" + spec + "}" for spec in specs]
    for text, function in zip(texts, functions(texts, kind)):
        for value in VALUES[kind]:
            expected, found = outcome(lambda: text.format(value)), outcome(lambda: function(value))
            if isinstance(expected, tuple) and "Invalid format" in expected[1] or "1048577" in text:
                assert found[0] == "ValueError", (text, value, found)  # CPython's words change; our limit is ours
            else:
                assert found == expected, (text, value)


FIELDS = ["{{}}", "{{{}}}", "a{}b", "{0}{0}", "{!r}", "{!s:>5}", "{!a}", "}", "{", "a{", "{0", "{1}", "{}{}", "{}{0}", "{0}{}", "{!x}", "{0!r}"]


@pytest.mark.parametrize("text", FIELDS)
def test_each_field_of_a_format_is_pythons_or_the_same_error(text):
    function = functions([text], "str")[0]
    for value in ("q", "ä€\U0001f600"):
        assert outcome(lambda: function(value)) == outcome(lambda: text.format(value))


@pytest.mark.parametrize("text", ["{!}", "{!rr}", "{a}", "{0.a}", "{:{}}"])
def test_what_a_script_cannot_format_is_a_value_error(text):
    with pytest.raises(ValueError):
        functions([text], "str")[0]("q")
