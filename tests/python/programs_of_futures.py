"""What the tests of tine.futures share."""

import gc
import signal
import subprocess
import sys
import textwrap

from tine.futures import Future


class Marked(Exception):
    """Raised by the tests alone."""


def done(value):
    future = Future()
    future.set_result(value)
    return future


def failed(error):
    future = Future()
    future.set_exception(error)
    return future


def run_program(text, timeout=60, expected=0):
    """Runs it in another interpreter; what it wrote."""
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=timeout)
    assert ended.returncode == expected, (ended.returncode, ended.stdout, ended.stderr)
    return ended


def interrupt_program(text, expected="interrupted\n"):
    """The program prints ready and blocks: a SIGINT each 0.3 s has to end it."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        for _ in range(100):  # the signal may come before the wait
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.3)
                break
            except subprocess.TimeoutExpired:
                continue
        assert process.stdout.read() == expected
    finally:
        process.kill()
        process.wait()


def interrupt_wait(wait):
    """The same for an expression that waits; the Futures that it makes are kept."""
    interrupt_program(f"""
        import os, threading
        from tine.futures import *
        kept = Future
        futures, never = [], threading.Event()
        class Future(kept):
            def __init__(self):
                super().__init__()
                futures.append(self)
        try:
            print("ready", flush=True)
            {wait}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        never.set()
    """)


def vanishes(make):
    """What make() returns a weak reference to is gone after a collection."""
    reference = make()
    gc.collect()
    return reference() is None
