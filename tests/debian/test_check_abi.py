"""tools/check_abi on a small library: which changes it refuses, and what it says to do."""

import pathlib
import shutil
import subprocess
import sys

import pytest
from consumer import ROOT

HEADER = """
#pragma once
namespace tine {
class Thing {
 public:
  Thing();
  virtual ~Thing();
  virtual int first();
  int get() const;
 private:
  int number_ = 0;
};
}
"""
SOURCE = """
#include "include/tine/thing.h"
namespace tine {
Thing::Thing() {}
Thing::~Thing() {}
int Thing::first() { return 1; }
int Thing::get() const { return number_; }
}
"""
MAP = "TINE_0.1 { global: _ZN4tine*; _ZNK4tine*; _ZT?N4tine*; local: *; };\nTINE_PRIVATE_0.1.0 { global: _ZN4tine6inside*; };\n"


@pytest.fixture
def check(tmp_path):
    """Runs the tool on a checkout with that header and source: (exit status, stdout, stderr)."""
    (tmp_path / "include/tine").mkdir(parents=True)
    (tmp_path / "cmake/abi").mkdir(parents=True)
    shutil.copy(ROOT / "cmake/abi/ignored.ini", tmp_path / "cmake/abi")

    def run(*options, header=HEADER, source=SOURCE, version="0.1.0", released=True):
        (tmp_path / "CMakeLists.txt").write_text(f"project(tine VERSION {version} LANGUAGES CXX)\n")
        (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n## 0.1.0{'' if released else ' (not released)'}\n")
        (tmp_path / "include/tine/thing.h").write_text(header)
        (tmp_path / "thing.cpp").write_text(source)
        (tmp_path / "thing.map").write_text(MAP)
        subprocess.run(["c++", "-g", "-shared", "-fPIC", "thing.cpp", "-o", "libthing.so", "-Wl,--version-script=thing.map"],
                       cwd=tmp_path, check=True)
        command = [sys.executable, ROOT / "tools/check_abi", "--root", tmp_path, "--library", tmp_path / "libthing.so", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    code, _, told = run("--update")
    assert code == 0, told
    return run


def test_the_same_library_passes(check):
    assert check() == (0, "", "")


def test_a_function_more_breaks_nothing(check):
    assert check(header=HEADER.replace("  int get() const;", "  int get() const;\n  int more();"),
                 source=SOURCE + "int tine::Thing::more() { return 2; }\n") == (0, "", "")


BREAKING = {
    "a function that is gone": (HEADER.replace("  int get() const;\n", ""), SOURCE.replace("int Thing::get() const { return number_; }\n", "")),
    "another result": (HEADER.replace("int get()", "long get()"), SOURCE.replace("int Thing::get()", "long Thing::get()")),
    "a member more": (HEADER.replace("int number_ = 0;", "int number_ = 0;\n  double more_ = 0;"), SOURCE),
    "a virtual function before the others": (
        HEADER.replace("  virtual int first();", "  virtual int zeroth();\n  virtual int first();"),
        SOURCE + "int tine::Thing::zeroth() { return 0; }\n",
    ),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_change_that_breaks_programs_is_refused_and_the_ways_out_are_named(check, change):
    header, source = BREAKING[change]
    code, shown, told = check(header=header, source=source)
    assert code == 1 and "Thing" in shown
    assert "raise the minor version in CMakeLists.txt" in told and "tools/check_abi --update" in told
    # It cannot be recorded away once the minor version was released, in a later patch neither.
    assert check("--update", header=header, source=source, version="0.1.1")[0] == 1


def test_before_the_first_release_a_change_may_be_recorded(check):
    header, source = BREAKING["a member more"]
    code, _, told = check(header=header, source=source, released=False)
    assert code == 1 and "0.1.0 is not released" in told
    assert check("--update", header=header, source=source, released=False)[0] == 0
    assert check(header=header, source=source) == (0, "", "")


def test_a_new_minor_version_is_recorded_and_compared_with_nothing(check):
    header, source = BREAKING["a member more"]
    code, _, told = check(header=header, source=source, version="0.2.0")
    assert code == 1 and "version 0.2 has not been recorded" in told
    assert check("--update", header=header, source=source, version="0.2.0")[0] == 0
    assert check(header=header, source=source, version="0.2.0") == (0, "", "")


def test_what_is_for_the_python_extension_alone_may_change(check):
    inside = "namespace tine { int inside(int x) { return x; } }\n"
    assert check("--update", source=SOURCE + inside)[0] == 0
    assert check(source=SOURCE + inside.replace("int x", "long x")) == (0, "", "")


def test_a_library_without_debug_information_is_named(check, tmp_path):
    subprocess.run(["strip", "--strip-debug", tmp_path / "libthing.so"], check=True)
    command = [sys.executable, ROOT / "tools/check_abi", "--root", tmp_path, "--library", tmp_path / "libthing.so"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "no debug information" in done.stderr
