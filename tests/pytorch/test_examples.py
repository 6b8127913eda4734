"""The programs of examples/pytorch run over both backends; those that train compute the same to the digit."""

import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "pytorch"


def output(name, *options):
    done = subprocess.run([sys.executable, EXAMPLES / name, *options], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, (name, options, done.stdout, done.stderr)
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
        re.findall(r"^step +\d+  (?:loss|return) (\S+)$", output(name, "--backend", backend, f"--steps={steps}"), re.M)
        for backend in ("tine", "tensorpipe")
    )
    assert len(over_tine) == steps and len(set(over_tine)) > steps // 2  # it trains: the numbers change
    assert over_tine == over_tensorpipe


@pytest.mark.timeout(240)
def test_more_micro_batches_change_losses_in_the_last_digits_only():
    losses = [
        float(loss)
        for parts in (2, 8)
        for loss in re.findall(r"loss (\S+)$", output("pipeline.py", "--steps=4", f"--micro-batches={parts}"), re.M)
    ]
    assert losses[:4] == pytest.approx(losses[4:], rel=1e-4)


@pytest.mark.timeout(240)
def test_over_tine_a_killed_worker_fails_its_calls_and_lets_the_others_go_long_before_the_timeout():
    rows = re.findall(r"^(\w.*?\w) +([\d.]+) s  (.*)$", output("kill_a_worker.py", "--backend=tine", "--timeout=60"), re.M)
    seconds = {what: float(took) for what, took, _ in rows}
    words = {what: said for what, _, said in rows}
    assert set(words) == {
        "8 calls in flight",
        "the next call",
        "a call to the bystander",
        "shutdown of the caller",
        "shutdown of the bystander",
    }
    for what in ("8 calls in flight", "the next call"):
        assert "victim" in words[what], words
    assert words["a call to the bystander"] == "well"
    assert max(seconds.values()) < 15, rows
