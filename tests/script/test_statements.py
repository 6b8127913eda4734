"""Small programs by topic, each with its value or its error: statements/*.py.

A chunk begins with `# --- name`. It defines `f`, or a module class `M` that stands for it. The lines behind it say what calls
of the scripted `f` give: `# f(3) => 4`, `# f(3) raises ValueError: text`, `# f(3) prints 'text'` (on stdout) or
`# f(3) warns 'text'` (on stderr). Where `f` is refused, no such line stands there: the wrong line of the program ends in
`### 12: text`, the column and the words of its error in full. A line `# PyTorch: ...` says what PyTorch 2.13 does where that is
something else (docs/differences.md says why).
"""

import math
import pathlib
import re
import warnings
from typing import Any, Dict, List, Optional, Tuple

import pytest
from cases import load, refused

import tine as torch
from tine import Tensor, nn


class Plus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


# What a small program finds around it.
NAMES = {"math": math, "warnings": warnings, "torch": torch, "nn": nn, "Tensor": Tensor, "Plus": Plus, "Twice": Twice}
NAMES |= {"Any": Any, "Dict": Dict, "List": List, "Optional": Optional, "Tuple": Tuple}

FOLDER = pathlib.Path(__file__).with_name("statements")
CALL = re.compile(r"# (?P<call>.+?) (?:=> (?P<value>.+)|raises (?P<kind>\w+): ?(?P<text>.*)|"
                  r"(?P<stream>prints|warns) (?P<written>.+))$")
COMMENT = re.compile(r"# PyTorch: .+| +# type: .+")


def chunks():
    for path in sorted(FOLDER.glob("*.py")):
        for part in re.split(r"^# --- ", path.read_text(), flags=re.M)[1:]:
            name, _, body = part.partition("\n")
            yield pytest.param(body, id=f"{path.stem}-{name.strip()}")


def shown(value):
    if isinstance(value, Tensor):
        dtype = "" if value.dtype == torch.float32 else f":{str(value.dtype).split('.')[-1]}"
        return f"tensor({value.tolist()}){dtype}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    return repr(value)


@pytest.mark.parametrize("body", chunks())
def test_a_small_program(body, tmp_path, capfd):
    calls, wrong, program = [], [], ""
    for line in body.splitlines():
        call = CALL.fullmatch(line)
        if call and not line.startswith("# PyTorch: "):
            calls.append(call)
        else:
            assert COMMENT.fullmatch(line) or not line.lstrip().startswith("#"), f"not understood: {line}"
            line, *expected = line.split("  ### ")
            program += line + "\n"
            wrong += [(program.count("\n"), line, text) for text in expected]
    path = tmp_path / "small_program.py"
    path.write_text(program)
    names = vars(load(path, **NAMES))
    given = names["M"]() if "M" in names else names["f"]
    if wrong:
        assert not calls
        ((number, line, expected),) = wrong
        said = refused(given).replace(str(path), path.name)
        assert said.splitlines()[0] == f"{path.name}:{number}:{expected}"
        assert f"\n  {line}\n  {' ' * (int(expected.split(':')[0]) - 1)}^" in said
        return
    assert calls
    names["f"] = torch.jit.script(given)
    for m in calls:
        if m["value"]:
            assert shown(eval(m["call"], names)) == m["value"]
        elif m["written"]:
            capfd.readouterr()
            eval(m["call"], names)
            out, err = map(repr, capfd.readouterr())
            assert (out, err) == ((m["written"], "''") if m["stream"] == "prints" else ("''", m["written"]))
        else:
            with pytest.raises(Exception) as caught:
                eval(m["call"], names)
            assert type(caught.value).__name__ == m["kind"]
            said = str(caught.value)
            assert m["text"] in said if m["text"] else said == ""
