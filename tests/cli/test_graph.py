"""`tine graph`: what a script function, or a module, is compiled to."""

import os
import pathlib
import subprocess
import sys
import xml.dom.minidom

import pytest

BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR", pathlib.Path(__file__).parents[2] / "build"))
PROGRAM = """
import tine as torch
from tine import Tensor


def half(x: Tensor) -> Tensor:
    return x / 2


@torch.jit.script
def both(x: Tensor) -> Tensor:
    return half(x) + half(x + 1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.fc(x))


net = Net()
traced = torch.jit.trace(lambda x: x * 2, (torch.ones(1),))
number = 3
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def graph(*arguments):
    return subprocess.run([BUILD / "bin" / "tine", "graph", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TINE_PYTHON": sys.executable})


def shown(*arguments):
    done = graph(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_graph_of_a_function_is_the_default(program):
    text = shown(f"{program}:both")
    assert text.startswith("graph(%x : Tensor):\n") and "prim::CallFunction" in text and text.endswith("return (%7)\n")
    assert shown(f"{program}:both", "--emit", "ir") == text
    assert "prim::CallFunction" not in shown(f"{program}:both", "--inline")


def test_a_plain_function_and_a_module_are_compiled(program):
    assert "aten::div" in shown(f"{program}:half")
    assert "prim::CallMethod" in shown(f"{program}:net")
    assert "aten::linear" in shown(f"{program}:net.forward", "--inline")


def test_each_form_is_written(program, tmp_path):
    assert shown(f"{program}:half", "--emit", "tree").startswith("Module(\n  body=[\n    FunctionDef(\n      name='half'")
    assert "RETURN" in shown(f"{program}:half", "--emit", "code")
    assert shown(f"{program}:half", "--emit", "dot").startswith("digraph")
    target = tmp_path / "half.svg"
    assert shown(f"{program}:half", "--emit", "svg", "-o", target) == ""
    assert xml.dom.minidom.parse(str(target)).documentElement.tagName == "svg"


@pytest.mark.parametrize(("what", "words"), [
    ("nowhere.py:f", "there is no file nowhere.py"),
    ("{}:nothing", "has no nothing"),
    ("{}", "name a function or a module of"),
    ("{}:number", "expected a function or a module, got a int"),
])
def test_what_cannot_be_shown_is_named(program, what, words):
    done = graph(what.format(program))
    assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr


def test_a_traced_function_has_no_tree(program):
    done = graph(f"{program}:traced", "--emit", "tree")
    assert done.returncode == 1 and "a traced function has no source" in done.stderr
