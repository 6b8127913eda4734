"""tests/chaos/mutants replaces texts: each has to stand in the code, once."""
import pathlib
import runpy

import pytest

ROOT = pathlib.Path(__file__).parents[2]
MUTANTS = runpy.run_path(str(ROOT / "tests/chaos/mutants"), run_name="tested")["MUTANTS"]


@pytest.mark.parametrize("name", MUTANTS)
def test_what_a_mutant_replaces_stands_in_the_code_once(name):
    file, text, _ = MUTANTS[name]
    assert (ROOT / file).read_text().count(text) == 1
