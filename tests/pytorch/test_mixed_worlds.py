"""A world of which some workers run tine and some PyTorch's own agent cannot work, and says so on both sides."""

import json
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parent / "mixed_worlds.py"


def run(letters, place, *timeout):
    command = [sys.executable, str(PROGRAM), letters, f"file://{place}/store", *timeout]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.parametrize("letters", ["tp", "pt", "ttpp", "pppt", "tppp", "tttp"])
def test_a_mixed_world_fails_with_words_on_both_sides(letters, tmp_path):
    seen, log = run(letters, tmp_path)
    for rank, (letter, story) in enumerate(zip(letters, seen)):
        who = f"rank {rank} ({letter}) of {letters}: {story}\n{log}"
        assert story["error"], who
        assert "TINE" in story["error"] and "TENSORPIPE" in story["error"], who
        assert story["seconds"] < 30, who
        assert story["code"] == 0, who


@pytest.mark.parametrize("letters", ["tt", "pp"])
def test_a_world_of_one_kind_starts(letters, tmp_path):
    seen, log = run(letters, tmp_path)
    assert [story["error"] for story in seen] == [None, None], log
