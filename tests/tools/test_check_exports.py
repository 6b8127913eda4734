"""tools/check_exports on a small library: what it refuses, and what it writes."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAP = "TINE_0.1 { global: _ZN4tine*; _ZT?N4tine*; extra; local: *; };\nTINE_PRIVATE_0.1.0 { global: _ZN4tine6hidden*; };\n"
SOURCE = """
#include <string>
namespace tine {
struct Error { virtual ~Error(); };
Error::~Error() {}
void add(const std::string&) {}
void hidden() {}
inline __attribute__((used)) void weak() {}
}
"""


@pytest.fixture
def check(tmp_path):
    """Runs the tool on the library of a source: (exit status, stdout, stderr); check.list is its list."""

    def run(source, *options):
        (tmp_path / "a.cpp").write_text(source)
        (tmp_path / "a.map").write_text(MAP)
        subprocess.run(["c++", "-shared", "-fPIC", "a.cpp", "-o", "liba.so", "-Wl,--version-script=a.map"], cwd=tmp_path, check=True)
        command = [sys.executable, ROOT / "tools/check_exports", tmp_path / "liba.so", "--list", run.list, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    run.list = tmp_path / "exports.txt"
    return run


def test_the_list_has_each_symbol_below_its_version_and_no_weak_function(check):
    assert check(SOURCE, "--update") == (0, "", "")
    lines = [line for line in check.list.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == [
        "[TINE_0.1]",
        "tine::Error::~Error()",
        "tine::add(std::string const&)",
        "typeinfo for tine::Error",
        "typeinfo name for tine::Error",
        "vtable for tine::Error",
        "[TINE_PRIVATE_0.1.0]",
        "tine::hidden()",
    ]
    assert check(SOURCE) == (0, "", "")


def test_a_function_that_is_gone_and_one_that_is_new_are_named(check):
    check(SOURCE, "--update")
    code, shown, told = check(SOURCE.replace("add(const", "sub(const"))
    assert code == 1
    assert shown.splitlines() == [
        "tine::add(std::string const&): is listed, and TINE_0.1 of the library does not export it",
        "tine::sub(std::string const&): TINE_0.1 of the library exports it, and it is not listed",
    ]
    assert "tools/check_exports --update" in told


def test_what_is_not_tines_is_refused_also_by_an_update(check):
    check(SOURCE, "--update")
    before = check.list.read_text()
    code, shown, _ = check(SOURCE + 'extern "C" void extra() {}\n', "--update")
    assert code == 1 and "extra: is exported, and is not tine's: cmake/tine.map.in" in shown
    assert check.list.read_text() == before


def test_a_file_that_is_not_a_library_is_named(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "tools/check_exports", tmp_path / "none.so"], capture_output=True, text=True)
    assert done.returncode == 1 and "none.so" in done.stderr and "Traceback" not in done.stderr
