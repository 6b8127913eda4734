"""The programs that scripts are held against mean what their comments say: in Python, and scripted from Python."""
import importlib.util
import pathlib
import re

import pytest

FILES = ["programs.py", "programs_classes.py"]
CASES = [pytest.param(file, expected, name, id=name)
         for file in FILES
         for expected, name in re.findall(r"^# == (.*)\ndef (case_\w+)\(",
                                          pathlib.Path(__file__).with_name(file).read_text(), re.M)]


@pytest.fixture(scope="module")
def programs():
    modules = {}
    for file in FILES:
        spec = importlib.util.spec_from_file_location(file[:-3], pathlib.Path(__file__).with_name(file))
        modules[file] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[file])
    return modules


@pytest.mark.parametrize("file, expected, name", CASES)
def test_python_says_what_the_comment_says(programs, file, expected, name):
    assert repr(getattr(programs[file], name)()) == expected


@pytest.mark.parametrize("file, expected, name", CASES)
def test_a_script_says_the_same(programs, file, expected, name):
    import tine as torch

    assert repr(torch.jit.script(getattr(programs[file], name))()) == expected
