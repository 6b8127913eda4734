"""A C++ program elsewhere finds the installed library with find_package(tine)."""

import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev")

PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(elsewhere LANGUAGES CXX)
find_package(tine 0.1 REQUIRED)
find_package(fmt REQUIRED)
add_executable(futures futures.cpp)
target_link_libraries(futures PRIVATE tine::tine fmt::fmt)
target_link_options(futures PRIVATE -Wl,--allow-shlib-undefined)
"""


def run(*command, **extra):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **extra})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_example_builds_against_the_installed_library_and_runs(tmp_path):
    prefix, source, build = tmp_path / "prefix", tmp_path / "source", tmp_path / "build"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(PROJECT)
    shutil.copy(ROOT / "examples/cpp/futures.cpp", source)
    # The tools themselves do not run under a sanitizer's preloaded runtime.
    run("cmake", "--install", str(BUILD), "--component", "cpp", "--prefix", str(prefix), LD_PRELOAD="")
    run("cmake", "-S", str(source), "-B", str(build), f"-DCMAKE_PREFIX_PATH={prefix}", LD_PRELOAD="")
    run("cmake", "--build", str(build), LD_PRELOAD="")
    # The example itself fails when what it shows does not hold.
    assert run(str(build / "futures"))
