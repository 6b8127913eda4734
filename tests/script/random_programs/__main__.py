"""Many random programs, in processes.

    make random-programs                  20,000 programs
    make random-programs PROGRAMS=1000 FIRST=5000
    PYTHONPATH=build/python:tests/script python3 -m random_programs --show 17

Each seed is one program. A program that differs, that is refused, or that ends its process is made small and shown, once for
each kind of finding; then the exit code is 1.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from .check import NoProgram, difference
from .program import generate
from .shrink import alike, shrink

LONGEST = 120  # seconds for one program in its process, compiled and run twice; SIGALRM ends the process then


def finds(first):
    """The test for shrink(): whether a text shows that finding."""

    def test(text):
        try:
            return alike(first, difference(text))
        except (Exception, NoProgram):
            return False

    return test


def work(seeds):
    """The programs of these seeds. Lines of JSON go to stdout: [seed], and then [seed, finding or None]."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    seen = set()
    for seed in seeds:
        print(json.dumps([seed]), file=out)
        text, _ = generate(seed)
        signal.alarm(LONGEST)
        try:
            found = difference(text)
        except NoProgram:
            found = None
        signal.alarm(0)
        finding = None
        if found:
            sign = [found.kind, str(found.sign())]
            first = tuple(sign) not in seen
            seen.add(tuple(sign))
            small = shrink(text, finds(found)) if first else ""
            shown = difference(small) if first else found
            finding = {"sign": sign, "text": small, "python": shown.python, "script": shown.script}
        print(json.dumps([seed, finding]), file=out)


def died(text):
    """Whether the text ends a process that runs it by a signal."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(text)
        file.flush()
        try:
            done = subprocess.run(command("--file", file.name), env=environment(), capture_output=True, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode < 0


def environment():
    paths = [str(pathlib.Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return dict(os.environ, PYTHONPATH=os.pathsep.join(paths))


def command(*arguments):
    return [sys.executable, "-m", "random_programs", *map(str, arguments)]


class Bar:
    """A bar on a terminal; else a line now and then."""

    def __init__(self, total):
        self.total, self.done, self.found, self.began, self.told = total, 0, 0, time.monotonic(), 0
        self.terminal = sys.stdout.isatty()

    def step(self):
        self.done += 1
        took = time.monotonic() - self.began
        left = int(took / self.done * (self.total - self.done))
        text = f"{self.done}/{self.total} programs, {self.found} differ, {left // 60}:{left % 60:02} left"
        if self.terminal:
            filled = 24 * self.done // self.total
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(f"\r[{'#' * filled}{'.' * (24 - filled)}] {text}"[: width + 1].ljust(width))
            sys.stdout.flush()
        elif self.done == self.total or took > self.told + 30:
            self.told = took
            print(text, flush=True)


class Night:
    def __init__(self, seeds, jobs):
        self.seeds, self.jobs = seeds, jobs
        self.lock = threading.Lock()
        self.bar = Bar(len(seeds))
        self.findings = collections.defaultdict(list)  # of each sign: (seed, finding)

    def run(self):
        threads = [threading.Thread(target=self.follow, args=(self.seeds[i :: self.jobs],)) for i in range(self.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print()
        for sign, found in sorted(self.findings.items(), key=lambda item: -len(item[1])):
            seed, finding = min(found, key=lambda one: len(one[1]["text"]) or sys.maxsize)
            print(f"== {' '.join(sign)}: {len(found)} programs, seeds {', '.join(str(s) for s, _ in found[:8])}")
            print(f"-- seed {seed}\n{finding['text']}-- Python: {finding['python']}\n-- script: {finding['script']}\n")
        print(f"{len(self.seeds)} programs, {self.bar.found} differ, in {time.monotonic() - self.bar.began:.0f} s")
        return 1 if self.findings else 0

    def follow(self, seeds):
        """Runs a process for these seeds, and another one behind a seed that ends it."""
        while seeds:
            worker = subprocess.Popen(command("--work", *seeds), env=environment(), stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)  # fmt: skip
            at = 0
            for line in worker.stdout:
                seed, *told = json.loads(line)
                if told:
                    at += 1
                    self.tell(seed, told[0])
            code = worker.wait()
            if at < len(seeds):
                text, _ = generate(seeds[at])
                small = shrink(text, died, seconds=300, now=time.monotonic) if code < 0 else text
                self.tell(seeds[at], {"sign": ["ended its process", str(code)], "text": small, "python": "", "script": ""})
                at += 1
            seeds = seeds[at:]

    def tell(self, seed, finding):
        with self.lock:
            if finding:
                self.bar.found += 1
                self.findings[tuple(finding["sign"])].append((seed, finding))
            self.bar.step()


def main():
    parser = argparse.ArgumentParser(prog="random_programs", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--show", type=int, metavar="SEED", help="print the program of a seed, and how it differs")
    parser.add_argument("--work", type=int, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=pathlib.Path, help="run the program in a file")
    options = parser.parse_args()
    if options.work:
        return work(options.work)
    if options.show is not None or options.file:
        text = options.file.read_text() if options.file else generate(options.show)[0]
        found = difference(text)
        print(text if options.show is not None else "", found or "no difference", sep="")
        return 1 if found else 0
    return Night(range(options.first, options.first + options.count), options.jobs).run()


if __name__ == "__main__":
    sys.exit(main())
