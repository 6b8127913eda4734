"""A C++ program elsewhere finds the installed library with find_package(tine): each program of examples/cpp does."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev")
EXAMPLES = sorted(path.stem for path in (ROOT / "examples/cpp").glob("*.cpp"))

PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(elsewhere LANGUAGES CXX)
find_package(tine 0.1 REQUIRED)
find_package(fmt REQUIRED)
file(GLOB programs ${CMAKE_SOURCE_DIR}/*.cpp)
foreach(program IN LISTS programs)
  get_filename_component(name ${program} NAME_WE)
  add_executable(${name} ${program})
  target_link_libraries(${name} PRIVATE tine::tine fmt::fmt)
  target_link_options(${name} PRIVATE -Wl,--allow-shlib-undefined)
endforeach()
"""


def run(*command, bound=100, **extra):
    done = subprocess.run(command, capture_output=True, text=True, timeout=bound, env={**os.environ, **extra})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The folder of a project with all the examples, configured against an installed tine."""
    folder = tmp_path_factory.mktemp("elsewhere")
    prefix, source, build = folder / "prefix", folder / "source", folder / "build"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(PROJECT)
    for name in EXAMPLES:
        shutil.copy(ROOT / f"examples/cpp/{name}.cpp", source)
    # The tools themselves do not run under a sanitizer's preloaded runtime.
    run("cmake", "--install", str(BUILD), "--component", "cpp", "--prefix", str(prefix), LD_PRELOAD="")
    run("cmake", "-S", str(source), "-B", str(build), f"-DCMAKE_PREFIX_PATH={prefix}", LD_PRELOAD="")
    return build


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_builds_against_the_installed_library_and_runs(project, name):
    run("cmake", "--build", str(project), "--target", name, LD_PRELOAD="")
    # The example itself fails when what it shows does not hold.
    assert run(str(project / name))
