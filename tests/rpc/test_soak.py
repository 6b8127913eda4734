"""The soak of tests/chaos, for a short while; `make soak` runs it for a million calls."""

import os
import pathlib
import subprocess
import sys

SOAK = pathlib.Path(__file__).parents[1] / "chaos" / "soak.py"


def test_calls_among_workers_that_are_killed_each_end_and_leave_nothing_behind():
    done = subprocess.run(
        [sys.executable, str(SOAK), "--calls", "8000", "--per-world", "2000", "--seed", "3"],
        capture_output=True,
        text=True,
        timeout=110,
        env=dict(os.environ, TINE_AUTH_KEY="a secret of the tests"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is left behind" in done.stdout
    assert " 0 kills" not in done.stdout.splitlines()[-1]
