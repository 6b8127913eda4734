"""The examples in Python run, and end well; digits_parameter_server.py is run by tests/cli and tests/rpc."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev")
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", ["futures.py", "asyncio_bridge.py"])
def test_the_example_runs_and_leaves_nothing_on_stderr(name):
    done = subprocess.run([sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and done.stdout.endswith("done\n"), (done.stdout, done.stderr)
    assert done.stderr == ""


def test_clients_in_python_share_a_server_in_cpp():
    program = [sys.executable, str(EXAMPLES / "mixed/client.py"), str(BUILD / "examples/mixed_server")]
    env = {**{k: v for k, v in os.environ.items() if k != "RANK"}, "TINE_AUTH_KEY": "a secret of the tests"}
    done = subprocess.run(program, capture_output=True, text=True, timeout=100, env=env)
    assert done.returncode == 0 and done.stdout.endswith("done\n"), (done.stdout, done.stderr)
    for client in ("client1", "client2"):
        assert f"{client}: sum 9.0, moving average [1.0, 2.0, 4.0], doubled [2.0, 6.0, 10.0]" in done.stdout
    assert done.stderr == ""
