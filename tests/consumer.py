"""A project elsewhere that uses tine as one finds it there: by find_package(tine) or by pkg-config."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parents[1]
VERSION = re.search(r"project\(tine VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
MINOR = VERSION.rsplit(".", 1)[0]
SONAME = f"libtine.so.{MINOR}"
BORDER = ROOT / "tests/install/border.cpp"

PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(elsewhere LANGUAGES CXX)
find_package(tine {version} REQUIRED)
file(GLOB programs ${{CMAKE_SOURCE_DIR}}/*.cpp)
foreach(program IN LISTS programs)
  get_filename_component(name ${{program}} NAME_WE)
  add_executable(${{name}} ${{program}})
  target_link_libraries(${{name}} PRIVATE tine::tine {libraries})
  target_link_options(${{name}} PRIVATE -Wl,--allow-shlib-undefined)
endforeach()
"""


def run(*command, bound=100, **extra):
    done = subprocess.run(command, capture_output=True, text=True, timeout=bound, env={**os.environ, **extra})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cmake_project(folder, prefix, programs, version=MINOR, find="", libraries=""):
    """The build folder of a project with these programs, configured to find tine in `prefix`."""
    source = folder / "source"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(PROJECT.format(version=version, libraries=libraries).replace("find_package", find + "find_package", 1))
    for program in programs:
        for file in (program, *program.parent.glob("*.h")):
            shutil.copy(file, source)
    # The tools themselves do not run under a sanitizer's preloaded runtime.
    run("cmake", "-S", str(source), "-B", str(folder / "build"), f"-DCMAKE_PREFIX_PATH={prefix}", LD_PRELOAD="")
    return folder / "build"


def pkg_config(pkgconfigdir, *options):
    return run("pkg-config", *options, "tine", PKG_CONFIG_PATH=str(pkgconfigdir), LD_PRELOAD="").split()


def check_cmake(folder, prefix, **environment):
    """The program that tests the library's border builds by find_package() and runs."""
    build = cmake_project(folder, prefix, [BORDER])
    run("cmake", "--build", str(build), LD_PRELOAD="")
    assert run(str(build / "border"), **environment) == "one on both sides\n"


def check_pkg_config(folder, pkgconfigdir, **environment):
    """The same by pkg-config. The library is not where the loader looks: the program is told where."""
    assert pkg_config(pkgconfigdir, "--modversion") == [VERSION]
    found = pkg_config(pkgconfigdir, "--cflags", "--libs")
    libraries = [flag[2:] for flag in pkg_config(pkgconfigdir, "--libs-only-L", "--keep-system-libs")]
    program = folder / "border"
    run("c++", "-std=c++20", str(BORDER), "-o", str(program), *found, "-Wl,--allow-shlib-undefined",
        *(f"-Wl,-rpath,{path}" for path in libraries), LD_PRELOAD="")
    assert run(str(program), **environment) == "one on both sides\n"
    return program


def dynamic(file):
    """The entries of an ELF file's dynamic section: {"NEEDED": [...], ...}."""
    entries = {}
    for name, value in re.findall(r"\((\w+)\).*?\[(.*)\]", run("readelf", "--dynamic", "--wide", str(file), LD_PRELOAD="")):
        entries.setdefault(name, []).append(value)
    return entries
