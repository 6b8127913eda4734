"""The programs that scripts are held against mean what their comments say: in Python, and scripted from Python."""
import importlib.util
import pathlib
import re

import pytest

PATH = pathlib.Path(__file__).with_name("programs.py")
CASES = re.findall(r"^# == (.*)\ndef (case_\w+)\(", PATH.read_text(), re.M)


@pytest.fixture(scope="module")
def programs():
    spec = importlib.util.spec_from_file_location("programs", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("expected, name", CASES, ids=[name for _, name in CASES])
def test_python_says_what_the_comment_says(programs, expected, name):
    assert repr(getattr(programs, name)()) == expected


@pytest.mark.parametrize("expected, name", CASES, ids=[name for _, name in CASES])
def test_a_script_says_the_same(programs, expected, name):
    import tine as torch

    assert repr(torch.jit.script(getattr(programs, name))()) == expected
