"""Building the agent: once, by whoever comes first, and in one clear sentence when it can't be."""

import concurrent.futures
import errno
import fcntl
import os
import pty
import re
import shutil
import subprocess
import sys
import time

import pytest
import tine.pytorch
import torch
from tine.pytorch import _build

BUILD = [sys.executable, "-m", "tine.pytorch", "build"]


def compiler(folder, body):
    """CXX is from now on a compiler that writes its calls down and then does `body`, in Python."""
    path = folder / "cxx"
    noted = f"open({str(folder / 'calls')!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    path.write_text(f"#!{sys.executable}\nimport os, sys\n{noted}\n{body}\n")
    path.chmod(0o755)
    os.environ["CXX"] = str(path)


MAKES = "open(sys.argv[sys.argv.index('-o') + 1], 'w').write('made')"


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache, and a compiler that makes small files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "")
    monkeypatch.delenv("CXXFLAGS", raising=False)
    compiler(tmp_path, MAKES)
    return tmp_path


@pytest.fixture
def gate(fresh):
    """A compiler that stands still: what it opens when it has started, and what it waits for."""
    started, go_on = fresh / "started", fresh / "go_on"
    os.mkfifo(started)
    os.mkfifo(go_on)
    # The alarm ends those that nobody waits for.
    stands = f"import signal; signal.alarm(60); open({str(started)!r}, 'w').close(); open({str(go_on)!r}).close(); {MAKES}"
    compiler(fresh, stands)
    return started, go_on


def calls(folder):
    return (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []


def test_what_has_been_built_is_not_built_again(fresh):
    path = tine.pytorch.build()
    assert path.read_text() == "made" and str(path).startswith(str(fresh / "cache"))
    made = len(calls(fresh))
    assert made == len(_build._UNITS) + 1
    assert tine.pytorch.build() == path and len(calls(fresh)) == made
    assert torch.__version__ in str(path)


def test_two_processes_that_build_at_once_build_once(fresh):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: subprocess.run(BUILD, capture_output=True, text=True, timeout=90), range(2)))
    assert [d.returncode for d in done] == [0, 0], done
    assert done[0].stdout == done[1].stdout
    assert len(calls(fresh)) == len(_build._UNITS) + 1


def test_another_compilation_is_needed_for_other_sources_another_compiler_and_other_flags(fresh, monkeypatch):
    first = _build.path()
    other = fresh / "csrc"
    shutil.copytree(_build._SOURCES, other)
    monkeypatch.setattr(_build, "_SOURCES", other)
    assert _build.path() == first
    (other / "codec.h").write_text("// another\n")
    seen = {first, _build.path()}
    monkeypatch.setenv("CXXFLAGS", "-O1 -fsanitize=address")
    seen.add(_build.path())
    monkeypatch.setenv("CXX", "another")
    seen.add(_build.path())
    assert len(seen) == 4


def test_cxxflags_are_given_to_the_compiler_and_to_the_linker(fresh, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-O1 '-DTHIS=a b'")
    tine.pytorch.build()
    assert all("-O1 -DTHIS=a b" in call for call in calls(fresh)) and len(calls(fresh)) == len(_build._UNITS) + 1


def test_what_a_killed_builder_has_left_is_removed_by_the_next(fresh, gate):
    started, _ = gate
    builder = subprocess.Popen(BUILD, stdout=subprocess.DEVNULL)
    open(started).close()
    builder.kill()
    builder.wait()
    left = list((fresh / "cache").rglob("building-*"))
    assert len(left) == 1 and left[0].is_dir()
    compiler(fresh, MAKES)
    tine.pytorch.build()
    assert list((fresh / "cache").rglob("building-*")) == []


def test_a_file_system_without_locks_does_to_build_on(fresh, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    young, old = [fresh / "cache/tine/pytorch-other" / ("building-" + age) for age in ("young", "old")]
    young.mkdir(parents=True)
    old.mkdir()
    os.utime(old, (0, time.time() - 2 * _build._ABANDONED))
    made = tine.pytorch.build()
    assert made.read_text() == "made" and _build._use(made)
    assert young.exists() and not old.exists()  # no lock tells that the young one's builder is gone


def modules(fresh, number):
    """Modules of other builds, the first the one whose last use is longest ago."""
    made = []
    for n in range(number):
        folder = fresh / f"cache/tine/pytorch-{n}"
        folder.mkdir(parents=True)
        (folder / "_agent.so").write_text("made")
        os.utime(folder, (n, n))
        made.append(folder)
    return made


def test_only_the_modules_that_were_used_last_are_kept(fresh):
    others = modules(fresh, _build._KEPT + 3)
    _build._use(others[0] / "_agent.so").close()  # is the one of the last use from here on
    made = tine.pytorch.build()
    left = set((fresh / "cache/tine").glob("pytorch-*"))
    assert len(left) == _build._KEPT
    assert left == {made.parent, others[0], *others[5:]}


def test_a_module_in_use_is_not_removed(fresh):
    others = modules(fresh, _build._KEPT + 3)
    with _build._use(others[1] / "_agent.so"):
        os.utime(others[1], (0, 0))
        tine.pytorch.build()
        assert others[1].exists() and not others[0].exists()


def test_a_module_that_is_removed_before_it_is_loaded_is_built_again(fresh, monkeypatch):
    gone, there = modules(fresh, 2)
    (gone / "_agent.so").unlink()
    assert _build._use(gone / "_agent.so") is None
    with open(there / "_agent.so", "r+b") as remover:
        fcntl.flock(remover, fcntl.LOCK_EX)
        assert _build._use(there / "_agent.so") is None
    assert _build._use(there / "_agent.so")


def test_a_build_on_a_terminal_shows_how_it_goes(fresh, gate):
    ours, theirs = pty.openpty()
    builder = subprocess.Popen(BUILD, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    while seen.count(b"building") < 3:  # a line that is written again each half second
        seen += os.read(ours, 1000)
    assert re.search(rb"\r\x1b\[Ktine: building the RPC backend for torch " + re.escape(torch.__version__.encode()) + rb", \d+ s", seen)
    opened = [os.open(path, os.O_RDWR) for path in gate]  # lets all compilers go on
    assert builder.communicate(timeout=60)[0].decode() == f"{_build.path()}\n"
    for descriptor in (ours, *opened):
        os.close(descriptor)


def test_a_compiler_that_stands_still_is_stopped(fresh, gate, monkeypatch):
    monkeypatch.setattr(_build, "_COMPILER_BOUND", 2.0)
    with pytest.raises(tine.pytorch.BuildError, match="did not finish within 2 s and was stopped: .*cxx"):
        tine.pytorch.build()
    with pytest.raises(OSError, match="No such device or address"):  # nobody has it open to read
        os.open(gate[1], os.O_WRONLY | os.O_NONBLOCK)
    assert list((fresh / "cache").rglob("building-*")) == []


def test_no_compiler_is_one_clear_sentence(fresh, monkeypatch):
    monkeypatch.setenv("CXX", " ")
    monkeypatch.setenv("PATH", str(fresh))
    with pytest.raises(tine.pytorch.BuildError, match="needs a C\\+\\+ compiler .* none of c\\+\\+, g\\+\\+ and clang"):
        tine.pytorch.build()
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    with pytest.raises(tine.pytorch.BuildError, match="CXX names 'no-such-compiler -O3', which is not there"):
        tine.pytorch.build()
    monkeypatch.setenv("CXX", "g++ '")
    with pytest.raises(tine.pytorch.BuildError, match="CXX is not the beginning of a command line"):
        tine.pytorch.build()
    monkeypatch.setenv("CXX", "no-such-compiler")
    done = subprocess.run(BUILD, capture_output=True, text=True, timeout=90)
    assert done.returncode == 1 and done.stderr.startswith("error: tine.pytorch needs a C++ compiler")


FAILS = """
if any(argument.endswith('engine.cpp') for argument in sys.argv):
    print('In file included from engine.cpp:2:\\nagent.h:7:1: error: no such thing\\nagent.h:9:1: error: another')
    sys.exit(1)
"""


def test_a_compiler_that_fails_is_one_sentence_and_a_log_of_all_that_it_said(fresh):
    compiler(fresh, FAILS)
    with pytest.raises(tine.pytorch.BuildError) as caught:
        tine.pytorch.build()
    log = _build.path().with_name("build.log")
    said = str(caught.value)
    assert f"by {os.environ['CXX']}: agent.h:7:1: error: no such thing (its whole output: {log})" in said and "\n" not in said
    assert "engine.cpp:2:\nagent.h:7:1: error: no such thing\nagent.h:9:1: error: another\n" in log.read_text()
    assert not _build.path().exists()


def test_a_compiler_that_does_not_know_cpp_20_is_one_clear_sentence(fresh):
    compiler(fresh, "sys.exit(\"error: unrecognized option '-std=c++20'\")")
    with pytest.raises(tine.pytorch.BuildError, match="needs a compiler of C\\+\\+20 .*cxx is not one.*GCC 12 and Clang 16"):
        tine.pytorch.build()


def test_the_compiler_that_is_here_knows_cpp_20(fresh, monkeypatch):
    monkeypatch.delenv("CXX")
    _build._check_compiler(_build._compiler(), str(fresh))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda m: m.delattr(torch._C._distributed_rpc, "_set_and_start_rpc_agent"), "takes no agents from outside"),
        (lambda m: m.setattr(torch._C, "_GLIBCXX_USE_CXX11_ABI", False), "old C\\+\\+ ABI"),
        (lambda m: m.setattr(torch, "__file__", "/nowhere/torch/__init__.py"), "C\\+\\+ headers are not in /nowhere"),
    ],
)
def test_a_torch_that_does_not_fit_is_one_clear_sentence(fresh, monkeypatch, break_it, words):
    path = _build.path()
    monkeypatch.setattr(_build, "path", lambda: path)
    break_it(monkeypatch)
    with pytest.raises(tine.pytorch.BuildError, match=f"can't be built for torch .*{words}.*install a newer torch"):
        tine.pytorch.build()
    assert calls(fresh) == []


def test_a_cache_that_cannot_be_written_is_named(fresh, monkeypatch):
    (fresh / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh / "file"))
    with pytest.raises(tine.pytorch.BuildError, match="in .*/file/tine \\(.*: Not a directory\\).*XDG_CACHE_HOME"):
        tine.pytorch.build()


def test_a_user_without_a_home_is_told_to_name_a_folder(fresh, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", "nor/this")
    with pytest.raises(tine.pytorch.BuildError, match="this user has no home: name a folder in XDG_CACHE_HOME"):
        tine.pytorch.build()


@pytest.mark.parametrize("who", ["compiler", "tine"])
def test_a_full_disk_is_named(fresh, who):
    compiler(fresh, "sys.exit('ld: final link failed: No space left on device')" if who == "compiler" else "sys.exit(1)")
    _build.path().parent.mkdir(parents=True)
    _build.path().with_name("build.log").symlink_to("/dev/full")
    with pytest.raises(tine.pytorch.BuildError, match=r"/cache/tine \((.*: )?No space left on device\).*XDG_CACHE_HOME") as caught:
        tine.pytorch.build()
    assert ("building-" if who == "compiler" else "can't keep") in str(caught.value)
