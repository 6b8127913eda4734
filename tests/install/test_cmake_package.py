"""A C++ program elsewhere finds tine, installed or in the folder of its build, by find_package(tine) and by pkg-config."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from consumer import MINOR, ROOT, SONAME, VERSION, check_cmake, check_pkg_config, cmake_project, dynamic, run

BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev").resolve()
EXAMPLES = sorted((ROOT / "examples/cpp").glob("*.cpp"))


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where it is installed: moved after that, so that nothing may name the place."""
    folder = tmp_path_factory.mktemp("installed")
    for component in ("library", "development", "python"):
        run("cmake", "--install", str(BUILD), "--component", component, "--prefix", str(folder / "first-place"), LD_PRELOAD="")
    return pathlib.Path(shutil.move(folder / "first-place", folder / "second-place"))


@pytest.fixture(scope="module")
def project(tmp_path_factory, prefix):
    """The folder of a project with all the examples, configured against an installed tine."""
    return cmake_project(tmp_path_factory.mktemp("elsewhere"), prefix, EXAMPLES, find="find_package(fmt REQUIRED)\n", libraries="fmt::fmt")


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_an_example_builds_against_the_installed_library_and_runs(project, name):
    run("cmake", "--build", str(project), "--target", name, LD_PRELOAD="")
    # The example itself fails when what it shows does not hold.
    assert run(str(project / name))


def test_the_installed_library_is_found_by_cmake_where_it_was_moved_to(tmp_path, prefix):
    check_cmake(tmp_path, prefix)


def test_the_installed_library_is_found_by_pkg_config_where_it_was_moved_to(tmp_path, prefix):
    (config,) = prefix.glob("lib/**/pkgconfig")
    program = check_pkg_config(tmp_path, config)
    assert SONAME in dynamic(program)["NEEDED"]


def test_the_build_tree_is_found_by_cmake(tmp_path):
    check_cmake(tmp_path, BUILD)


def test_the_build_tree_is_found_by_pkg_config(tmp_path):
    check_pkg_config(tmp_path, BUILD)


def test_the_library_has_a_name_for_each_version_and_knows_nothing_of_where_it_was_built(prefix):
    (library,) = prefix.glob(f"lib/**/libtine.so.{VERSION}")
    assert library.is_file() and not library.is_symlink()
    assert os.readlink(library.parent / SONAME) == library.name
    assert os.readlink(library.parent / "libtine.so") == SONAME
    assert dynamic(library)["SONAME"] == [SONAME]
    assert "RUNPATH" not in dynamic(library) and "RPATH" not in dynamic(library)
    for path in prefix.rglob("*"):
        if path.suffix in (".cmake", ".pc"):
            assert str(ROOT) not in path.read_text() and "first-place" not in path.read_text()


def test_the_installed_python_package_finds_the_library_and_the_command_where_they_were_moved_to(prefix):
    (package,) = prefix.glob("lib/**/site-packages/tine")
    program = "import tine; print(tine.__file__, tine.add(tine.ones(1), 1).item())"
    shown = run(sys.executable, "-c", program, PYTHONPATH=str(package.parent))
    assert shown == f"{package}/__init__.py 2.0\n"
    assert (package / "bin/tine").resolve() == prefix / "bin/tine"
    assert (package / "include/tine/future.h").exists()


@pytest.mark.parametrize("version", ["0.0", "0.2", "1.0"])
def test_another_minor_version_is_not_taken_for_this_one(tmp_path, prefix, version):
    with pytest.raises(AssertionError, match=rf'compatible\s+with\s+requested\s+version\s+"{version}"'):
        cmake_project(tmp_path, prefix, [], version)


def test_the_python_module_refuses_a_library_of_another_version_and_names_both(tmp_path):
    (tmp_path / "other.c").write_text("const char tine_version[] = \"0.1.99\";\n")
    (tmp_path / "other.map").write_text(f"TINE_{MINOR} {{ global: tine_version; local: *; }};\nTINE_PRIVATE_0.1.99 {{ }};\n")
    other = tmp_path / SONAME
    run("cc", "-shared", "-fPIC", str(tmp_path / "other.c"), "-o", str(other), f"-Wl,-soname,{SONAME}",
        f"-Wl,--version-script={tmp_path / 'other.map'}", LD_PRELOAD="")
    done = subprocess.run([sys.executable, "-c", "import tine"], capture_output=True, text=True, timeout=100,
                          env={**os.environ, "PYTHONPATH": str(BUILD / "python"), "LD_LIBRARY_PATH": str(tmp_path)})
    assert done.returncode == 1
    assert f"{other}: version `TINE_PRIVATE_{VERSION}' not found (required by {BUILD / 'python/tine/_C'}" in done.stderr
