"""The examples in Python run, and end well; digits_parameter_server.py is run by tests/cli and tests/rpc."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", ["futures.py", "asyncio_bridge.py"])
def test_the_example_runs_and_leaves_nothing_on_stderr(name):
    done = subprocess.run([sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and done.stdout.endswith("done\n"), (done.stdout, done.stderr)
    assert done.stderr == ""
