#!/usr/bin/env python3
"""Runs PyTorch's own RPC tests, those that its wheel ships, over a backend of torch.distributed.rpc.

    build/pytorch/bin/python tests/pytorch/run_torch_tests.py [--backend tine|tensorpipe|installed ...] [--filter PATTERN]

tine: the backend by its name; installed: TensorPipe's names after tine.pytorch.install(); tensorpipe: PyTorch's own.
Which tests there are, and how each ended over TensorPipe, is in torch_tests.txt: one that is missing or new is a failure, as
is one that ends otherwise. Tests marked "shaky" there (over TensorPipe too) run several times; one pass is enough, and the
counts are reported. A test that does not end within its bound is ended and has failed, with its stacks.
"""

import argparse
import collections
import fnmatch
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXPECTED = HERE / "torch_tests.txt"
GRACE = 30  # seconds that a server gets beyond a test's bound to end it by itself

Expected = collections.namedtuple("Expected", "outcome notes")
Result = collections.namedtuple("Result", "test outcome seconds text")


def read_expected():
    """({"Class.test": Expected}, the release of torch that they are of)."""
    tests, version = {}, None
    for line in EXPECTED.read_text().splitlines():
        if line.startswith("torch "):
            version = line.split()[1]
        elif line and not line.startswith("#"):
            outcome, test, *notes = line.split()
            tests[test] = Expected(outcome, notes)
    return tests, version


def counts_for(backend, notes):
    """Whether a test with these notes says anything about that backend."""
    return backend not in [note.removeprefix("not-") for note in notes if note.startswith("not-")]


class ServerGone(Exception):
    pass


class Server:
    """One process of torch_test_server.py, its answers and the processes below it."""

    def __init__(self, backend, group, bound, spawn, scratch):
        read, write = os.pipe()
        environment = dict(
            os.environ,
            TINE_TEST_BACKEND=backend,
            TINE_TEST_GROUP=group,
            TINE_TEST_SPAWN="1" if spawn else "",
            DISTRIBUTED_TESTS_DEFAULT_TIMEOUT=str(bound),
            OPENBLAS_NUM_THREADS="1",  # NumPy's pool would be threads in the process that forks
            OMP_NUM_THREADS="1",
            PYTHONPATH=os.pathsep.join([str(ROOT / "build" / "python"), str(HERE)]),
            TMPDIR=str(scratch),
        )
        self.log = pathlib.Path(tempfile.mkstemp(dir=scratch, suffix=".log")[1])
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "import torch_test_server; torch_test_server.serve()", str(write)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[write],
                env=environment,
                text=True,
                start_new_session=True,
            )
        os.close(write)
        self.answers = os.fdopen(read)
        self.hello = self.answer(120)

    def answer(self, seconds):
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        line = self.answers.readline()
        timer.cancel()
        if not line:
            self.kill()
            raise ServerGone(f"no answer within {seconds} s, or the server ended:\n{self.log.read_text()[-4000:]}")
        return json.loads(line)

    def run(self, test, bound, finalize):
        class_name, name = test.split(".")
        request = {"class": class_name, "test": name, "log": str(self.log), "finalize": finalize}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer(bound + GRACE)

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.kill()
        self.answers.close()


class Run:
    """The tests of one backend, on several servers at a time."""

    def __init__(self, backend, options, scratch):
        self.backend, self.options, self.scratch = backend, options, scratch
        self.results, self.total = [], 0
        self.servers, self.stopped = [], False
        self.lock = threading.Lock()
        self.began = time.monotonic()

    def start_server(self, group):
        server = Server(self.backend, group, self.options.bound, self.options.spawn, self.scratch)
        self.servers.append(server)
        return server

    def stop(self):
        self.stopped = True
        for server in self.servers:
            server.kill()

    def run(self, group, tests, server):
        """tests: names, some of them several times. server: one of the group that has said hello."""
        waiting = queue.SimpleQueue()
        for test in tests:
            waiting.put(test)
        threads = [
            threading.Thread(target=self.drain, args=(group, waiting, server if n == 0 else None))
            for n in range(min(self.options.jobs, len(tests)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def drain(self, group, waiting, server):
        while not self.stopped:
            try:
                test = waiting.get_nowait()
            except queue.Empty:
                break
            began = time.monotonic()
            try:
                server = server or self.start_server(group)
                finalize = zlib.crc32(test.encode()) % self.options.finalize == 0
                answer = server.run(test, self.options.bound, finalize)
                outcome, text = answer["outcome"], answer["text"]
                if outcome == "fail":
                    text += "\n" + server.log.read_text(errors="replace")[-self.options.log_bytes :]
            except (ServerGone, BrokenPipeError) as gone:
                outcome, text, server = "fail", str(gone), None
            self.note(Result(test, outcome, time.monotonic() - began, text))
        if server:
            server.close()

    def note(self, result):
        with self.lock:
            self.results.append(result)
            failed = sum(r.outcome == "fail" for r in self.results)
            if result.outcome == "fail":
                print(f"--- {self.backend}: {result.test} failed after {result.seconds:.1f} s\n{result.text}\n---", flush=True)
            if self.options.verbose:
                print(f"{result.outcome} {result.test} {result.seconds:.2f}", flush=True)
            elif len(self.results) % 50 == 0 or len(self.results) == self.total:
                seconds = time.monotonic() - self.began
                print(f"{self.backend}: {len(self.results)} of {self.total}, {failed} failed, {seconds:.0f} s", flush=True)


def about_the_list(there, expected):
    """Complaints about tests that are not where they should be."""
    complaints = []
    for words, odd in (
        ("in the list but not in this PyTorch", [test for test in expected if test not in there]),
        ("in this PyTorch but not in the list", [test for test in there if test not in expected]),
    ):
        if odd:
            more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
            complaints.append(f"{words} {EXPECTED.name}: {', '.join(odd[:5])}{more}")
    return complaints


def chosen(options, backend, there, expected):
    """What to run, some of it several times."""
    run = []
    for test in there:
        notes = expected[test].notes if test in expected else []
        if counts_for(backend, notes) and any(fnmatch.fnmatch(test, f"*{pattern}*") for pattern in options.filter):
            run += [test] * (options.repeat * (options.shaky_repeat if "shaky" in notes else 1))
    return run


def judge(results, expected):
    """Complaints about the results of one backend."""
    complaints = []
    by_test = collections.defaultdict(list)
    for result in results:
        by_test[result.test].append(result.outcome)
    for test, outcomes in by_test.items():
        wanted = expected.get(test, Expected("pass", []))
        good = outcomes.count(wanted.outcome)
        if "shaky" in wanted.notes:
            print(f"  {test} (shaky over TensorPipe too): {good} of {len(outcomes)} {wanted.outcome}")
            good = len(outcomes) if good else 0
        if good != len(outcomes):
            complaints.append(f"{test}: {wanted.outcome} expected, {', '.join(outcomes)} seen")
    return complaints


def table(all_results):
    """A line a class: passed, failed, skipped and seconds of each backend. Tests that ran again are counted each time."""
    classes = list(dict.fromkeys(r.test.split(".")[0] for results in all_results.values() for r in results))
    rows = [["class"] + [f"{backend}: {word}" for backend in all_results for word in ("passed", "failed", "skipped", "s")]]
    for name in classes + ["all"]:
        row = [name]
        for results in all_results.values():
            mine = [r for r in results if name in ("all", r.test.split(".")[0])]
            row += [str(sum(r.outcome == outcome for r in mine)) for outcome in ("pass", "fail", "skip")]
            row.append(f"{sum(r.seconds for r in mine):.0f}")
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(w) if n else cell.ljust(w) for n, (cell, w) in enumerate(zip(row, widths))) for row in rows)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=["tine", "tensorpipe", "installed"], help="several: one after another")
    parser.add_argument("--filter", action="append", help="run the tests whose Class.test contains this (a shell pattern)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tests at a time (default: one a core)")
    parser.add_argument("--repeat", type=int, default=1, help="how often each test runs")
    parser.add_argument("--shaky-repeat", type=int, default=6, help="how often a test runs that is shaky over TensorPipe too")
    parser.add_argument("--bound", type=int, default=100, help="seconds after which a test has failed")
    parser.add_argument("--finalize", type=int, default=4, help="of how many tests one ends by finalizing its interpreters; 1: all")
    parser.add_argument("--spawn", action="store_true", help="a new interpreter for each worker, as PyTorch does it: slow")
    parser.add_argument("--log-bytes", type=int, default=20000, help="how much of a failed test's output is shown")
    parser.add_argument("--verbose", action="store_true", help="a line for each test")
    parser.add_argument("--list", action="store_true", help="write the lines of torch_tests.txt that this run would make")
    options = parser.parse_args(arguments)
    options.backend = options.backend or ["tine"]
    options.filter = options.filter or ["*"]
    return options


def main(arguments):
    options = parse(arguments)
    expected, release = read_expected()
    all_results, complaints, runs = {}, [], []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="tine-torch-tests-"))
    try:
        for backend in options.backend:
            run = Run(backend, options, scratch)
            runs.append(run)
            servers = {group: run.start_server(group) for group in ("plain", "faulty")}
            there = {
                group: [f"{name}.{test}" for name, tests in server.hello["names"].items() for test in tests]
                for group, server in servers.items()
            }
            if backend != "installed" and servers["plain"].hello["torch"].split("+")[0] == release:  # which has no faulty agent
                complaints += about_the_list(there["plain"] + there["faulty"], expected)
            tests = {group: chosen(options, backend, names, expected) for group, names in there.items()}
            run.total = sum(len(names) for names in tests.values())
            for group, server in servers.items():
                if tests[group]:
                    run.run(group, tests[group], server)
                else:
                    server.close()
            all_results[backend] = run.results
            complaints += [f"{backend}: {c}" for c in judge(run.results, expected)]
    except ServerGone as gone:
        sys.exit(f"{backend}: the tests cannot be imported: {gone}")
    finally:
        for run in runs:
            run.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    if options.list:
        for results in all_results.values():
            for r in sorted(results):
                print(f"{r.outcome} {r.test}")
    print(table(all_results))
    for complaint in complaints:
        print(complaint)
    if not any(all_results.values()):
        complaints.append(f"no test matches {options.filter}")
        print(complaints[-1])
    for backend, results in all_results.items():
        passed = sum(r.outcome == "pass" for r in results)
        skipped = sum(r.outcome == "skip" for r in results)
        print(f"{backend}: {passed} of {len(results)} of PyTorch's own RPC tests passed, {skipped} skipped")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
