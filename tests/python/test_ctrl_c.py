"""The tests that press Ctrl-C do so also where SIGINT was ignored at their start."""

import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent


def test_ctrl_c_is_heard_by_a_child():
    program = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "KeyboardInterrupt" in done.stderr, done


@pytest.mark.parametrize("tests", ["python/test_ctrl_c.py::test_ctrl_c_is_heard_by_a_child", "script/test_script_errors.py::test_control_c_interrupts_a_wait_at_once"])
def test_tests_that_press_ctrl_c_do_so_where_sigint_was_ignored_at_their_start(tests):
    # As a shell does for `make test &`, in a process between: what it ignores its children ignore from their start.
    program = "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=60", tests]
    done = subprocess.run([sys.executable, "-c", program, *command], cwd=TESTS, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
