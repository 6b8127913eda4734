"""Random well-typed programs do in a script what they do in Python: 300 here, and 20,000 by `make random-programs`."""

import collections
import functools
import subprocess
import sys

import pytest
from random_programs import __main__ as night
from random_programs import check, program
from random_programs.check import Difference, NoProgram, difference
from random_programs.shrink import alike, shrink

generate = functools.cache(program.generate)
PROGRAMS = 300
GROUPS = 30
# What the programs must have between them, each at least so many times.
FEATURES = {
    "attribute of the class itself": 30, "call of a static or class method": 180, "class": 90, "dataclass": 50,
    "operator of a class": 20, "object made": 490, "variable of kind object": 80, "attribute assigned": 170,
    "call of a method": 20, "property": 50, "with": 40, "named tuple made": 500, "variable of kind record": 70,
    "element of a tuple": 140, "for over a tuple": 190, "tuples compared": 480, "variable of kind tuple": 70,
    "unpacking": 580, "for over an enum": 50, "for over enumerate": 20, "member of an enum": 1090, "name of an enum": 210,
    "value of an enum": 150, "variable of kind enum": 70, "optional refined by 'and'": 30,
    "optional refined by a statement": 50, "optional refined by leaving": 14, "optional refined in an expression": 610,
    "variable of kind optional": 140, "union refined by 'and'": 17, "union refined by a statement": 30,
    "union refined in an expression": 350, "variable of kind union": 80, "dict changed in place": 170,
    "dict comprehension": 160, "dict.get": 60, "element of a dict": 280, "for over a list or dict itself": 60,
    "variable of kind dict": 160, "element of a list": 460, "for over a list": 20, "list changed in place": 200,
    "list comprehension": 810, "list of Optionals": 110, "list of tasks": 80, "variable of kind list": 280,
    "Tensor changed in place": 570, "Tensor that shares memory": 100, "for over a Tensor": 30, "number of a tensor": 1250,
    "size of a tensor": 210, "variable of kind tensor": 500, "task": 190, "call of a function": 770,
    "call whose result is not used": 380, "assert": 260, "augmented assignment": 310, "break": 60, "continue": 60,
    "default of a parameter": 150, "early return": 330, "elif": 250, "for over a str": 190, "for over items()": 11,
    "for over keys()": 13, "for over range": 200, "for over reversed": 20, "for over values()": 12, "for over zip": 40,
    "generator expression": 17, "global constant": 2870, "if": 900, "isinstance of several types": 4,
    "operation that may raise": 130, "raise": 280, "recursion": 100, "swap": 30, "ternary": 5400,
    "two names for one value": 120, "variable of kind bool": 200, "variable of kind float": 180,
    "variable of kind int": 190, "variable of kind str": 190, "variable that changes its type": 30, "while": 360,
    "while True": 90,
}  # fmt: skip


@pytest.mark.parametrize("group", range(GROUPS))
def test_a_script_does_what_python_does(group):
    for seed in range(group, PROGRAMS, GROUPS):
        text, _ = generate(seed)
        found = difference(text)
        assert not found, f"make random-programs FIRST={seed} PROGRAMS=1   # makes this small:\n{text}"


def test_the_programs_have_everything_between_them():
    count = collections.Counter()
    for seed in range(PROGRAMS):
        count += generate(seed)[1]
    assert not {feature: count[feature] for feature, least in FEATURES.items() if count[feature] < least}


def test_most_programs_run_to_their_end():
    """What raises in its first line would compare nothing."""
    ended = collections.Counter()
    for seed in range(60):
        with check.loaded(generate(seed)[0]) as module:
            ran = check.in_python(module)
            ended["printed"] += len(ran.printed) > 40
            ended["raised" if ran.error else "returned"] += 1
    assert ended["printed"] > 30
    assert ended["returned"] > 35
    assert ended["raised"] > 3


def test_a_seed_is_one_program():
    assert program.generate(7) == program.generate(7)
    assert program.generate(7) != program.generate(8)


WRONG = '''
import tine as torch
from tine import Tensor
from typing import List, Tuple

def odd(n: int) -> int:
    return {odd}

def main(n: int, x: Tensor, xs: List[int]) -> Tuple[int, List[int], Tensor]:
    total = 0
    for i in range(n):
        if i % 2 == 0:
            total += odd(i)
        else:
            xs.append(total)
    y = x[0]
    {write}
    print({text})
    assert {condition}, "the sum"
    return total, xs, x

def arguments():
    return (3, torch.zeros(2, 2), [1, 2])
'''
AS_PYTHON = {"odd": "n * 2 + 1", "write": "y.add_(1)", "text": '"n", n', "condition": "total > 1"}
HERE = "0 if torch.jit.is_scripting() else 1"


@pytest.mark.parametrize("kind, part", [("value", {"odd": f"n * 2 + ({HERE})"}), ("printed", {"text": f'"n", {HERE}'}),
                                        ("error", {"condition": "torch.jit.is_scripting()"}),
                                        ("arguments", {"write": f"y.add_({HERE})"})])  # fmt: skip
def test_each_kind_of_difference_is_seen_and_made_small(kind, part):
    assert difference(WRONG.format(**AS_PYTHON)) is None
    text = WRONG.format(**AS_PYTHON | part)
    found = difference(text)
    assert found.kind == kind
    small = shrink(text, lambda t: tells(found, t), seconds=20)
    assert difference(small).kind == kind
    assert code_lines(small) <= 10, small


def test_a_program_that_ends_its_process_is_told_from_others():
    good = "def main() -> int:\n    return 1\n\ndef arguments():\n    return ()\n"
    assert not night.died(good)
    assert night.died("import os\n" + good.replace("return ()", "os.abort()"))


def test_a_night_runs_in_processes_and_says_whether_programs_differ():
    run = night.command("--count", 5, "--jobs", 2)
    done = subprocess.run(run, env=night.environment(), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "5 programs, 0 differ" in done.stdout


def test_a_night_goes_on_behind_a_program_that_ends_its_process(monkeypatch, capsys):
    worker = """
import json, os, sys
for seed in map(int, sys.argv[1:]):
    print([seed], flush=True)
    if seed == 3:
        os.abort()
    print(json.dumps([seed, None]), flush=True)
"""
    monkeypatch.setattr(night, "command", lambda _, *seeds: [sys.executable, "-c", worker, *map(str, seeds)])
    monkeypatch.setattr(night, "shrink", lambda text, *_, **__: text)
    assert night.Night(range(6), 1).run() == 1
    said = capsys.readouterr().out
    assert "ended its process -6: 1 programs, seeds 3\n" in said
    assert "6 programs, 1 differ" in said


def code_lines(text):
    return sum(bool(line) and "import" not in line for line in text.splitlines())


def tells(found, text):
    try:
        return alike(found, difference(text))
    except (Exception, NoProgram):
        return False


def test_a_program_that_is_refused_is_made_small():
    text = WRONG.format(**AS_PYTHON).replace("total = 0", "total = 0\n    z = x.nowhere if n > 5 else x")
    found = difference(text)
    assert (found.kind, "nowhere" in found.script) == ("refused", True)
    small = shrink(text, lambda t: tells(found, t), seconds=20)
    assert "nowhere" in small
    assert code_lines(small) <= 5, small


def test_what_shrinking_turns_into_another_finding_is_not_taken():
    first = Difference("value", "tuple(1, 2)", "tuple(1, 3)")
    assert alike(first, Difference("value", "5", "6"))
    assert not alike(first, Difference("printed", "5", "6"))
    assert not alike(first, Difference("value", "5", "5.0"))
    assert not alike(first, Difference("value", "inf", "5"))
    assert not alike(first, None)


def test_a_program_that_does_not_end_is_none(monkeypatch):
    monkeypatch.setattr(check, "PYTHON_SECONDS", 0.2)
    endless = "def main() -> int:\n    while True:\n        pass\n\ndef arguments():\n    return ()\n"
    with pytest.raises(NoProgram):
        difference(endless)
