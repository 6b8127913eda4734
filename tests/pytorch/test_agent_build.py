"""Building the agent: once, by whoever comes first, and in one clear sentence when it can't be."""

import concurrent.futures
import os
import shutil
import stat
import subprocess
import sys

import pytest
import tine.pytorch
import torch
from tine.pytorch import _build


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache; CXX is a compiler that writes its calls down and makes empty files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiler = tmp_path / "cxx"
    compiler.write_text(
        f"#!{sys.executable}\n"
        "import os, sys, time\n"
        f"open({str(tmp_path / 'calls')!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "time.sleep(0.2)\n"
        "open(sys.argv[sys.argv.index('-o') + 1], 'w').write('made')\n"
    )
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CXX", str(compiler))
    return tmp_path


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
    command = [sys.executable, "-m", "tine.pytorch", "build"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, timeout=90), range(2)))
    assert [d.returncode for d in done] == [0, 0], done
    assert done[0].stdout == done[1].stdout
    assert len(calls(fresh)) == len(_build._UNITS) + 1


def test_another_compilation_is_needed_for_other_sources(fresh, monkeypatch):
    first = _build.path()
    other = fresh / "csrc"
    shutil.copytree(_build._SOURCES, other)
    monkeypatch.setattr(_build, "_SOURCES", other)
    assert _build.path() == first
    (other / "codec.h").write_text("// another\n")
    assert _build.path() != first


def test_no_compiler_is_one_clear_sentence(fresh, monkeypatch):
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(fresh))
    with pytest.raises(tine.pytorch.BuildError, match="needs a C\\+\\+ compiler .* none of c\\+\\+, g\\+\\+ and clang"):
        tine.pytorch.build()
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    with pytest.raises(tine.pytorch.BuildError, match="CXX names 'no-such-compiler -O3', which is not there"):
        tine.pytorch.build()
    done = subprocess.run(
        [sys.executable, "-m", "tine.pytorch", "build"], capture_output=True, text=True, env=dict(os.environ), timeout=90
    )
    assert done.returncode == 1 and done.stderr.startswith("error: tine.pytorch needs a C++ compiler")


def test_a_compiler_that_fails_is_shown_with_what_it_said(fresh, monkeypatch):
    compiler = fresh / "bad"
    compiler.write_text("#!/bin/sh\necho 'agent.cpp:1: error: too old' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(tine.pytorch.BuildError, match="(?s)could not be built for torch .*C\\+\\+20.*error: too old"):
        tine.pytorch.build()
    assert not _build.path().exists()


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
    with pytest.raises(tine.pytorch.BuildError, match="can't write its built backend to .*XDG_CACHE_HOME"):
        tine.pytorch.build()
