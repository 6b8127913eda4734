"""Memory of tensors: used again, bounded, and given back to the system after idleness."""
import subprocess
import sys
import textwrap

PROGRAM = """
import os, time
import tine

def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20  # MiB

def comes_true(condition):
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()
"""


def run(body):
    done = subprocess.run([sys.executable, "-c", PROGRAM + textwrap.dedent(body)], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr


def test_resident_memory_goes_back_to_the_system_after_idleness():
    run(
        """
        tine.ones(10)
        before = resident()
        many = [tine.ones(1_000_000) for _ in range(40)]  # 160 MB
        assert resident() > before + 120, (before, resident())
        del many
        assert comes_true(lambda: resident() < before + 20), (before, resident())
        """
    )


def test_what_is_kept_meanwhile_is_bounded():
    run(
        """
        before = resident()
        many = [tine.ones(1_000_000) for _ in range(200)]  # 800 MB
        assert resident() > before + 600, (before, resident())
        del many
        assert resident() < before + 300, (before, resident())
        """
    )


def test_a_results_memory_is_used_again_whatever_ran_before():
    run(
        """
        x = tine.ones(1_000_000)
        for n in range(1, 60):
            tine.ones(n * 50_000)
        for n in range(1, 60):
            tine.ones(n * 50_000)
        # No page of it is new: each addition writes where an earlier result was.
        faults = lambda: int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[7])
        y = x + x
        del y
        began = faults()
        for _ in range(100):
            y = x + x
            del y
        assert faults() - began < 500, faults() - began  # 4,000,000 bytes are 977 pages, each time
        """
    )


def test_a_forked_child_makes_and_drops_tensors_of_any_size():
    run(
        """
        kept = tine.ones(1_000_000)
        tine.ones(1_000_000)
        child = os.fork()
        if child == 0:
            del kept
            for n in (10, 10_000, 1_000_000):
                assert float((tine.ones(n) + 1).sum()) == 2 * n
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """
    )
