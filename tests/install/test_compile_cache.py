"""cmake/cached_compile: what one folder has compiled, another finds in ccache."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("ccache") is None, reason="ccache is not installed")


def tree_in(folder):
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.h").write_text("#include <cstddef>\ninline std::size_t a() { return 1; }\n")
    (folder / "src" / "a.cpp").write_text('#include "src/a.h"\n\nstd::size_t b() { return a(); }\n')
    return folder


def compile_in(build, tree, cache):
    (build / "out").mkdir(parents=True)
    done = subprocess.run(
        [ROOT / "cmake" / "cached_compile", tree, "ccache", "g++", f"-I{tree}", "-MD", "-MT", "out/a.o", "-MF", "out/a.d",
         "-o", "out/a.o", "-c", tree / "src" / "a.cpp"],
        cwd=build, env={**os.environ, "CCACHE_DIR": str(cache)}, capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return (build / "out" / "a.o").read_bytes(), (build / "out" / "a.d").read_text()


def hits(cache):
    counts = subprocess.run(
        ["ccache", "--print-stats"], env={**os.environ, "CCACHE_DIR": str(cache)}, capture_output=True, text=True, check=True,
        timeout=60,
    ).stdout
    return dict(line.split("\t") for line in counts.splitlines())


def test_each_folder_and_each_checkout_shares_its_objects_whatever_its_path(tmp_path):
    cache = tmp_path / "cache"
    one, other = tree_in(tmp_path / "one"), tree_in(tmp_path / "an other" / "& one")
    objects = {
        compile_in(build, tree, cache)[0]
        for build, tree in [
            (one / "build" / "release", one), (tmp_path / "elsewhere", one), (other / "b", other), (tmp_path / "a" / "b c", other)
        ]
    }
    assert len(objects) == 1
    counts = hits(cache)
    assert (counts["direct_cache_hit"], counts["cache_miss"]) == ("3", "1")


@pytest.mark.parametrize("name", ["plain", "with a space", "with & and |"])
def test_the_build_is_told_of_each_header_by_a_path_that_it_can_follow(tmp_path, name):
    tree = tree_in(tmp_path / name)
    for build in (tmp_path / "first", tmp_path / "from the cache"):
        depfile = compile_in(build, tree, tmp_path / "cache")[1]
        target, _, rest = depfile.replace("\\\n", " ").partition(":")
        assert target == "out/a.o"
        paths = rest.replace("\\ ", "\0").split()
        named = [pathlib.Path(path.replace("\0", " ").replace("\\", "")) for path in paths]
        assert all(path.is_absolute() and path.exists() for path in named)
        assert tree / "src" / "a.h" in named and tree / "src" / "a.cpp" in named


def test_a_failed_compilation_is_told_with_the_path_from_the_root(tmp_path):
    tree = tree_in(tmp_path / "tree")
    (tree / "src" / "a.cpp").write_text("int x = nothing;\n")
    with pytest.raises(AssertionError, match=r"src/a\.cpp:1:9: error"):
        compile_in(tmp_path / "build", tree, tmp_path / "cache")
