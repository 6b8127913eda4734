"""Small programs by topic, each with its value or its error: statements/*.py.

A chunk begins with `# --- name`. It defines `f`, or a module class `M` that stands for it. The lines behind it say what calls
of the scripted `f` give: `# f(3) => 4`, `# f(3) raises ValueError: text`, `# f(3) prints 'text'`, or `# refused: text`. A line
`# PyTorch: ...` says what PyTorch 2.13 does where that is something else (docs/differences.md says why).
"""

import importlib.util
import pathlib
import re
import sys

import pytest

import tine as torch
from tine import Tensor

FOLDER = pathlib.Path(__file__).with_name("statements")
PRELUDE = ("import math; import warnings; from typing import Any, Dict, List, Optional, Tuple; import tine as torch; "
           "from tine import Tensor, nn\n")
CALL = re.compile(r"# (?:(?P<call>.+?) (?:=> (?P<value>.+)|raises (?P<kind>\w+): ?(?P<text>.*)|prints (?P<printed>.+))"
                  r"|refused: (?P<refused>.+)|PyTorch: .*)$")


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


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("body", chunks())
def test_a_small_program(body, tmp_path, capfd):
    lines = body.splitlines()
    expected = [m for m in map(CALL.fullmatch, lines) if m]
    path = tmp_path / "small_program.py"
    path.write_text(PRELUDE + "\n".join(line for line in lines if not CALL.fullmatch(line)) + "\n")
    spec = importlib.util.spec_from_file_location("small_program", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_program"] = module
    try:
        spec.loader.exec_module(module)
        names = vars(module)
        refused = next((m["refused"] for m in expected if m["refused"]), None)
        if refused is not None:
            with pytest.raises(torch.SyntaxError) as caught:
                torch.jit.script(names["M"]() if "M" in names else names["f"])
            assert refused in str(caught.value)
            return
        names["f"] = torch.jit.script(names["M"]() if "M" in names else names["f"])
        assert any(m["call"] for m in expected)
        for m in expected:
            if m["value"]:
                assert shown(eval(m["call"], names)) == m["value"]
            elif m["printed"]:
                capfd.readouterr()
                eval(m["call"], names)
                assert repr(capfd.readouterr().out) == m["printed"]
            elif m["kind"]:
                with pytest.raises(Exception) as caught:
                    eval(m["call"], names)
                assert type(caught.value).__name__ == m["kind"]
                assert m["text"] in str(caught.value)
    finally:
        del sys.modules["small_program"]
