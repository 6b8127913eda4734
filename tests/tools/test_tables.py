"""The tables beside the code name what is there: folders, libraries, packages, units, words."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
CODE = [path for top in ("src", "include", "python/src", "python/pytorch", "bench", "examples")
        for path in sorted((ROOT / top).rglob("*")) if path.suffix in (".h", ".cpp")]
TEXTS = {path: path.read_text() for path in CODE}
INCLUDED = set(re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', "\n".join(TEXTS.values()), re.M))


def layer_rows():
    lines = [line.split("#", 1)[0].strip() for line in (ROOT / "tools/layers.txt").read_text().splitlines()]
    return [line for line in lines if line]


def test_each_folder_that_the_layers_name_exists_and_each_library_is_included():
    for row in layer_rows():
        if row.startswith("<"):
            name = row[1:].split(">")[0]
            assert any(i == name or i.startswith((name, name + ".", name + "/")) for i in INCLUDED), row
        else:
            folder = row.split(":")[0]
            assert folder == "through" or (ROOT / folder).is_dir() or (ROOT / "src" / folder).is_dir(), row


def test_each_folder_that_the_build_names_exists():
    (listed,) = re.findall(r"^foreach\(folder (base [\w ]+)\)", (ROOT / "CMakeLists.txt").read_text(), re.M)
    assert [f for f in listed.split() if not (ROOT / "src" / f).is_dir()] == []
    for build in sorted((ROOT / "src").glob("*/CMakeLists.txt")):
        for row in re.findall(r"tine_folder\(\w+ DEPS ([a-z ]+)", build.read_text()):
            assert [f for f in row.split() if not (ROOT / "src" / f).is_dir()] == [], build


# What shows that a package of tools/deps has a use: a header that is included, or words of a file that calls it.
USES = {
    "libhwy-dev": "hwy/", "libopenblas-pthread-dev": "cblas.h", "libssl-dev": "openssl/", "libfmt-dev": "fmt/",
    "libcli11-dev": "CLI/", "libmsgpack-cxx-dev": "msgpack.hpp", "libgtest-dev": "gtest/", "libgmock-dev": "gmock/",
    "libbenchmark-dev": "benchmark/", "python3-dev": "Python.h", "libtbb-dev": "oneapi/tbb/",
    "python3-numpy": ("tests/python", "import numpy"), "python3-pytest": ("tests/python", "import pytest"),
    "python3-pytest-timeout": ("cmake/TineChecks.cmake", "--timeout"), "python3-hypothesis": ("tests", "hypothesis"),
    "python3-cloudpickle": ("tests", "cloudpickle"),
    "g++": ("CMakeLists.txt", "LANGUAGES C CXX"), "make": ("Makefile", "build:"), "cmake": ("Makefile", "cmake "),
    "ninja-build": ("CMakePresets.json", "Ninja"), "ccache": ("cmake/TineOptions.cmake", "ccache"),
    "pkg-config": ("cmake/TineLibraries.cmake", "PkgConfig"), "git": ("tools/format", "git "),
    "clang-format": ("tools/format", "clang-format"), "python3-venv": ("tools/venv", "-m venv"),
    "clang": ("tools/configure", "clang$version"), "libclang-rt-dev": ("cmake/TineChecks.cmake", "-fsanitize=fuzzer"),
    "dpkg-dev": ("cmake/TinePackage.cmake", "SHLIBDEPS"), "abigail-tools": ("tools/check_abi", "abidiff"),
    "lintian": ("tests/debian", "lintian"), "spin": ("tests/model/check", "spin -a"),
}


def packages():
    text = (ROOT / "tools/deps").read_text()
    listed = re.search(r"^packages=\((.*?)^\)", text, re.M | re.S)[1].split()
    asked = " ".join(re.findall(r"packages\+=\(([^)$]*)\)", text)).split()
    clang = " ".join(re.findall(r"clang=\(([^)]*)\)", text))
    return listed + asked + re.sub(r"-\d+", "", clang).split()


def test_each_package_that_is_installed_has_a_use():
    assert set(packages()) == set(USES)
    for package, use in USES.items():
        if isinstance(use, str):
            assert any(i.startswith(use) for i in INCLUDED), f"{package}: nothing includes <{use}>"
        else:
            place = ROOT / use[0]
            files = [place] if place.is_file() else place.rglob("*.py")
            assert any(use[1] in file.read_text() for file in files), f"{package}: {use[0]} does not use it"


# A body whose header has another name, and why.
APART = {
    "src/cli/main.cpp": "a program",
    "src/runtime/graph_nodes.cpp": "the parts of include/tine/graph.h that graph.cpp does not have",
    "src/runtime/rpc_operators.cpp": "the operators of the table that make calls",
    "src/runtime/foreign_operators.cpp": "the same for functions of the language that a script was written in",
    "src/runtime/script_api.cpp": "implements include/tine/script.h, as script.cpp does src/runtime/script.h",
    "src/runtime/worker.cpp": "implements include/tine/rpc.h, as rpc.cpp does src/runtime/rpc.h",
    "src/runtime/script_code.cpp": "the part of script.h that turns a script into text and back",
    "src/syntax/brackets.cpp": "the part of expression_parser.h that reads what stands in brackets",
    "src/syntax/literals.cpp": "the part of expression_parser.h that reads constants and strings",
    "src/sched/parallel_for.cpp": "the part of include/tine/scheduler.h that splits loops",
    "src/vm/interpreter.cpp": "the loop of task.h, apart because it takes long to compile",
    "src/tensor/kernels/blas_threads.cpp": "the part of linear.h that has to do with OpenBLAS's own threads",
    "src/tensor/kernels/index.cpp": "the part of shape.h that reads and writes by index",
    "python/src/module.cpp": "the module itself",
    "python/pytorch/bindings.cpp": "the module itself",
    "python/pytorch/engine.cpp": "compiles the other bodies of the folder as one",
}
# Folders of parts that have one header between them.
SHARED = {
    "src/value/ops": "one function each, declared in ops.h: rows of the table",
    "src/tensor/kernels/simd_": "one function each, declared in simd.h: compiled for each width of vectors",
    "python/src": "one topic of future.h, tensor.h, builtin.h or script.h each, with an init function declared there",
    "src/rpc": "parts of one header there",
}


def test_a_body_has_the_name_of_its_header_or_a_reason():
    headers = {path for path in CODE if path.suffix == ".h"}
    apart = set()
    for path in CODE:
        if path.suffix != ".cpp" or path.name.endswith("_test.cpp") or path.relative_to(ROOT).parts[0] in ("bench", "examples"):
            continue
        own = [path.with_suffix(".h"), ROOT / "include/tine" / (path.stem + ".h"), ROOT / "include/tine/detail" / (path.stem + ".h")]
        if not headers & set(own):
            apart.add(str(path.relative_to(ROOT)))
    assert {name for name in apart if name not in APART and not name.startswith(tuple(SHARED))} == set()
    assert {name for name in APART if name not in apart} == set(), "these need no exception"


# A name that said something else, and what it is called now (docs/glossary.md).
OLD_NAMES = {
    "hook_now": "current_hook", "write_line": "log_report", "sched::Worker": "sched::PoolThread", "Thing": "Meaning",
    "things.cpp": "meanings.cpp",
    "forks_behind": "fork_count", "fork_generation": "forks_so_far", "kForked": "kInherited",
    "kPlaces": "kModules",
}
# A test's own class.
ITS_OWN = {("Thing", "src/rpc/agent_test.cpp")}


def test_old_names_are_gone_from_the_code():
    found = {(name, str(path.relative_to(ROOT))) for path, text in TEXTS.items() for name in OLD_NAMES
             if re.search(rf"\b{name}\b", text)}
    assert found - ITS_OWN == set()


def test_each_name_that_the_glossary_says_differs_is_in_the_code():
    table = (ROOT / "docs/glossary.md").read_text().split("## Names in the code that differ", 1)[1]
    code = "\n".join(TEXTS.values())
    for row in re.findall(r"^\| (`.*?) \|", table, re.M):
        for name in re.findall(r"`([\w:]+)`", row):
            assert re.search(rf"\b{name.split('::')[-1]}\b", code), f"{name}: the row can go"
