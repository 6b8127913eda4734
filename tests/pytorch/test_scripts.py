"""The programs of tests/script under torch.jit: what PyTorch compiles gives the same, or docs/differences.md says why not."""

import collections
import json
import pathlib
import subprocess
import sys

import pytest
from script_oracle import copy_of_the_programs

HERE = pathlib.Path(__file__).resolve().parent
DIFFERENCES = HERE.parents[1] / "docs" / "differences.md"
REASONS = dict(
    line.split(" | ") for line in (HERE / "script_differences.txt").read_text().splitlines() if not line.startswith("#")
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(name, outcome, text) of every program. One that ends its process is followed by a process for the rest."""
    folder = tmp_path_factory.mktemp("programs")
    copy_of_the_programs(folder)
    found, first = [], 0
    while True:
        done = subprocess.run([sys.executable, str(HERE / "script_oracle.py"), str(folder), str(first)],
                              capture_output=True, text=True, timeout=240, check=False)  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found += [tuple(line[1:]) for line in lines if len(line) == 4]
        if done.returncode == 0:
            return found
        assert done.returncode < 0, done.stderr
        number, name = lines[-1]
        found.append((name, "differs", f"ended its process ({done.returncode})"))
        first = number + 1


def function_of(name):
    return name.partition("(")[0]


def test_what_pytorch_compiles_gives_the_same_or_has_a_reason(outcomes):
    differ = {name: text for name, outcome, text in outcomes if outcome == "differs"}
    assert not {name: text for name, text in differ.items() if function_of(name) not in REASONS}
    assert not set(REASONS) - set(map(function_of, differ)), "these give the same by now"


def test_each_reason_stands_in_the_document_of_differences():
    scripts = DIFFERENCES.read_text()
    assert not {name: words for name, words in REASONS.items() if words not in scripts}


def test_most_programs_are_ones_that_pytorch_compiles(outcomes):
    count = collections.Counter(outcome for _, outcome, _ in outcomes)
    assert len(outcomes) > 800
    assert count["same"] > 600
    assert count["refused"] > 80
    assert count["more"] < 150
