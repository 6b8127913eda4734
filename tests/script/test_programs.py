"""The programs that scripts are held against mean what their comments say: in Python, and scripted from Python."""
import pathlib
import re

import pytest
from cases import load

FILES = ["programs.py", "programs_classes.py"]
CASES = [pytest.param(file, expected, name, id=name)
         for file in FILES
         for expected, name in re.findall(r"^# == (.*)\ndef (case_\w+)\(",
                                          pathlib.Path(__file__).with_name(file).read_text(), re.M)]


@pytest.fixture(scope="module")
def programs():
    return {file: load(pathlib.Path(__file__).with_name(file)) for file in FILES}


@pytest.mark.parametrize("file, expected, name", CASES)
def test_python_says_what_the_comment_says(programs, file, expected, name):
    assert repr(getattr(programs[file], name)()) == expected


@pytest.mark.parametrize("file, expected, name", CASES)
def test_a_script_says_the_same(programs, file, expected, name):
    import tine as torch

    assert repr(torch.jit.script(getattr(programs[file], name))()) == expected
