"""Workers that are killed, stopped or cut off: 27 runs, each pair of a harm and a place once. More: chaos.py --runs 200."""

import pathlib
import subprocess
import sys

CHAOS = pathlib.Path(__file__).resolve().parent / "chaos.py"


def test_a_lost_worker_hangs_nobody_crashes_nobody_and_is_named():
    run = subprocess.run([sys.executable, str(CHAOS), "--runs", "27"], capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stdout + run.stderr
