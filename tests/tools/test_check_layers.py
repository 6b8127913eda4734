"""tools/check_layers follows includes through headers, and tells the chain."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TABLE = """
include/tine:
base:
vm: base
runtime: *
cli: base/fd.h runtime
python/src: runtime
<hwy/> vm runtime
through: include/tine cli python/src
"""


@pytest.fixture
def checked(tmp_path):
    """checked(files, table): the lines that the check of a checkout of these files prints, without the summary."""

    def check(files, table=TABLE):
        for name, text in {"tools/layers.txt": table, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        command = [sys.executable, str(ROOT / "tools/check_layers"), "--root", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode == 0) == (not done.stdout or done.stdout.startswith("check_layers:")), done
        return [] if done.returncode == 0 else done.stdout.splitlines()

    return check


def includes(*targets):
    return "".join(f'#include "{target}"\n' for target in targets)


def test_what_a_header_of_an_allowed_folder_opens_is_seen(checked):
    files = {
        "python/src/a.cpp": includes("src/runtime/rpc.h"),
        "src/runtime/rpc.h": "// RPC\n" + includes("src/vm/machine.h"),
        "src/vm/machine.h": "",
    }
    [line] = checked(files)
    assert line.startswith("python/src/a.cpp:1: python/src may not include vm; ")
    assert line.endswith("; python/src/a.cpp -> src/runtime/rpc.h -> src/vm/machine.h")


def test_the_chain_may_go_through_public_headers_and_is_the_shortest(checked):
    files = {
        "src/cli/a.cpp": includes("src/runtime/far.h", "src/runtime/near.h"),
        "src/runtime/far.h": includes("src/runtime/near.h"),
        "src/runtime/near.h": "#include <tine/a.h>\n" + includes("src/base/log.h"),
        "src/base/log.h": "",
        "include/tine/a.h": "",
    }
    [line] = checked(files)
    assert line.startswith("src/cli/a.cpp:2: cli may not include base; ")
    assert line.endswith("; src/cli/a.cpp -> src/runtime/near.h -> src/base/log.h")


def test_a_library_behind_a_header_is_seen(checked):
    files = {
        "python/src/a.h": "\n" + includes("src/runtime/rpc.h"),
        "src/runtime/rpc.h": "#include <hwy/highway.h>\n",
    }
    [line] = checked(files)
    assert line.startswith("python/src/a.h:2: <hwy/highway.h> belongs to runtime vm, not to python/src; ")
    assert line.endswith("python/src/a.h -> src/runtime/rpc.h -> hwy/highway.h")


def test_a_fault_of_ones_own_header_is_told_once(checked):
    files = {
        "python/src/a.h": includes("src/runtime/rpc.h"),
        "python/src/a.cpp": includes("python/src/a.h"),
        "python/src/b.cpp": includes("python/src/a.h"),
        "src/runtime/rpc.h": includes("src/vm/machine.h"),
        "src/vm/machine.h": "",
    }
    assert len(checked(files)) == 1


def test_the_folders_under_src_see_more_through_headers_than_they_may_include(checked):
    files = {
        "src/vm/a.cpp": includes("src/base/a.h"),
        "src/base/a.h": "",
        "src/runtime/a.cpp": includes("src/vm/b.h"),
        "src/vm/b.h": includes("src/base/a.h"),
    }
    assert checked(files) == []


def test_a_row_may_name_a_single_header(checked):
    files = {
        "src/cli/a.cpp": includes("src/base/fd.h") + includes("src/base/log.h"),
        "src/base/fd.h": "",
        "src/base/log.h": "",
    }
    [line] = checked(files)
    assert line.startswith("src/cli/a.cpp:2: cli may not include base; allowed: base/fd.h ")


def test_this_checkout_keeps_to_its_table(tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / "tools/check_layers")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_an_include_put_into_a_header_of_runtime_is_found_in_this_checkout(tmp_path):
    for top in ("include", "src/runtime", "python/src", "tools/layers.txt"):
        source, target = ROOT / top, tmp_path / top
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    (tmp_path / "src/vm").mkdir()
    (tmp_path / "src/vm/machine.h").write_text("")
    (tmp_path / "src/runtime/opened.h").write_text(includes("src/vm/machine.h"))
    (tmp_path / "python/src/opener.cpp").write_text(includes("src/runtime/opened.h"))
    command = [sys.executable, str(ROOT / "tools/check_layers"), "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "python/src/opener.cpp -> src/runtime/opened.h -> src/vm/machine.h" in done.stdout
