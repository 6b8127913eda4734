"""The types of tine.pytorch are what runs. (That its code is typed throughout: tests/typing.)"""

import os
import pathlib
import subprocess
import sys

TYPING = pathlib.Path(__file__).resolve().parents[1] / "typing"


def run(*command, **extra):
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env={**os.environ, **extra})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_the_types_of_the_backend_are_what_runs():
    # mypy of another environment of the same Python, seen from the one that has PyTorch.
    python = run(TYPING.parents[1] / "tools/mypy", sys._base_executable)
    where = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    run(
        *(sys.executable, "-m", "mypy.stubtest", "tine.pytorch", "--concise", "--mypy-config-file", TYPING / "mypy.ini"),
        *("--allowlist", TYPING / "stubtest_pytorch.txt"),
        PYTHONPATH=os.pathsep.join((os.environ["PYTHONPATH"], where)),
    )
