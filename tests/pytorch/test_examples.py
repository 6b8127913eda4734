"""The programs of examples/pytorch run over both backends; those that train compute the same to the digit."""

import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "pytorch"


def output(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "name, steps",
    [
        ("parameter_server.py", 8),
        ("rnn.py", 8),
        ("pipeline.py", 8),
        ("ddp_remote_embedding.py", 6),
        ("batched_parameter_server.py", 20),
        ("actor_learner.py", 3),
        ("sampler.py", 12),
    ],
)
def test_the_program_computes_the_same_to_the_digit_over_both_backends(name, steps):
    over_tine, over_tensorpipe = (
        re.findall(
            r"^step +\d+  (?:loss|return) (\S+)$", output(EXAMPLES / name, "--backend", backend, f"--steps={steps}"), re.M
        )
        for backend in ("tine", "tensorpipe")
    )
    assert len(over_tine) == steps and len(set(over_tine)) > steps // 2  # it trains: the numbers change
    assert over_tine == over_tensorpipe


def rows_of_kill_a_worker(*command):
    """{what: (seconds, words)}. Calls have a minute, so that what ends in seconds has not waited for their timeout."""
    rows = re.findall(r"^(\w.*?) +([\d.]+) s  (.*)$", output(*command, "--timeout=60"), re.M)
    return {what: (float(seconds), words) for what, seconds, words in rows}


@pytest.mark.timeout(120)
def test_over_tine_a_killed_worker_fails_its_calls_by_name_and_holds_up_nobody():
    rows = rows_of_kill_a_worker(EXAMPLES / "kill_a_worker.py", "--backend=tine")
    assert rows.pop("a call to the bystander")[1] == "well"
    assert set(rows) == {"8 calls in flight", "the next call", "shutdown of the caller", "shutdown of the bystander"}
    for seconds, words in rows.values():
        assert seconds < 15 and "victim" in words, rows


@pytest.mark.timeout(120)
def test_a_program_that_names_tensorpipe_runs_over_tine_under_its_command():
    rows = rows_of_kill_a_worker("-m", "tine.pytorch", EXAMPLES / "kill_a_worker.py", "--backend=tensorpipe")
    # Only tine's errors name the worker.
    seconds, words = rows["8 calls in flight"]
    assert seconds < 15 and "victim" in words, rows
    assert rows["shutdown of the caller"][0] < 15, rows
