"""The types of the package: the stubs are what runs, mypy --strict accepts the package and its users' programs, and refuses
what does not fit. A program in programs/ says on a line what mypy says of it: `# revealed: TYPE` or `# error: CODE`."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/typing"
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build/release")
VERSIONS = ["3.11", "3.13", "3.15"]
pytestmark = pytest.mark.skipif(bool(os.environ.get("LD_PRELOAD")), reason="a sanitized build has the same types")
PROGRAMS = sorted((HERE / "programs").glob("*.py"))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env={**os.environ, "MYPY_FORCE_COLOR": "0"})


@pytest.fixture(scope="session")
def python():
    """A Python that has mypy. Without a network there is no mypy: the tests are skipped, but in continuous integration they fail."""
    made = run(ROOT / "tools/mypy", os.environ.get("TINE_PYTHON") or sys.executable)
    if made.returncode != 0 and not os.environ.get("CI"):
        pytest.skip(f"there is no mypy: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture
def check(python, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("MYPYPATH", str(BUILD / "python"))
    cache = tmp_path_factory.getbasetemp() / "cache"

    def check(version, *what, config=HERE / "mypy.ini"):
        """What mypy says of it, a line each, and nothing else."""
        command = [python, "-m", "mypy", "--config-file", config, "--cache-dir", cache, "--python-version", version]
        done = run(*map(str, command), "--no-error-summary", "--no-pretty", "--hide-error-context", *map(str, what))
        assert done.returncode in (0, 1) and not done.stderr, done.stderr
        return done.stdout.splitlines()

    return check


def test_the_stubs_are_what_runs(python):
    done = run(
        *(python, "-m", "mypy.stubtest", "tine", "--concise"),
        *("--mypy-config-file", HERE / "mypy.ini", "--allowlist", HERE / "stubtest.txt"),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_package_is_typed_throughout(check, version):
    assert check(version, "-p", "tine") == []


def documented():
    """The programs that README.md shows."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)


def test_the_examples_are_typed_throughout(check, tmp_path):
    files = sorted([*(ROOT / "examples").glob("*.py"), *(ROOT / "examples/mixed").glob("*.py")])
    for number, text in enumerate(documented()):
        files.append(tmp_path / f"readme_{number}.py")
        files[-1].write_text(text)
    assert len(files) >= 5
    assert check("3.11", *files) == []


def test_the_examples_under_pytorch_are_typed_throughout(check, monkeypatch):
    folder = ROOT / "examples/pytorch"
    monkeypatch.setenv("MYPYPATH", os.pathsep.join((str(BUILD / "python"), str(folder))))
    # What is PyTorch's is Any.
    assert check("3.11", "--no-warn-return-any", "--allow-untyped-decorators", *sorted(folder.glob("*.py"))) == []


COMMENT = re.compile(r"# (revealed|error): (.+)$")
SAID = re.compile(r'^(?P<file>[^:]+):(?P<line>\d+): (?:note: Revealed type is "(?P<type>.*)"|error: .*\[(?P<code>[\w-]+)\])$')


def expected(text):
    """{line: what the comment on it says}."""
    return {i: found[0][2:] for i, line in enumerate(text.splitlines(), 1) if (found := COMMENT.search(line))}


def told(lines):
    """{line: what mypy said of it}, in the words of the comments; modules' names are left out."""
    said = {}
    for line in lines:
        found = SAID.match(line)
        if found is None:
            assert ": note: " in line, line
            continue
        what = f"error: {found['code']}" if found["code"] else "revealed: " + re.sub(r"\b[\w.]+\.(?=\w)", "", found["type"])
        if said.get(int(found["line"]), "").startswith("error") and what.startswith("revealed"):
            continue  # what it takes the refused call for
        said[int(found["line"])] = what
    return said


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_is_typed_as_its_comments_say(check, program, version):
    wanted = expected(program.read_text())
    assert wanted
    assert told(check(version, program)) == wanted


def test_a_comment_that_is_wrong_or_missing_is_noticed(check, tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text("reveal_type(1 < 2)  # revealed: int\nx: int = ''\ny: int = 3  # error: assignment\n")
    assert expected(program.read_text()) == {1: "revealed: int", 3: "error: assignment"}
    assert told(check("3.11", program)) == {1: "revealed: bool", 2: "error: assignment"}
