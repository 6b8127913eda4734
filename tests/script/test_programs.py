"""The programs that scripts are held against mean in Python what their comments say."""
import pathlib
import re

import pytest

PATH = pathlib.Path(__file__).with_name("programs.py")
TEXT = PATH.read_text()
CASES = re.findall(r"^# == (.*)\ndef (case_\w+)\(", TEXT, re.M)


@pytest.mark.parametrize("expected, name", CASES, ids=[name for _, name in CASES])
def test_python_says_what_the_comment_says(expected, name):
    names = {}
    exec(compile(TEXT, str(PATH), "exec"), names)
    assert repr(names[name]()) == expected
