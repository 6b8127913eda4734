"""The Debian packages, each tried as its user would: tools/check_packages builds them and runs this.

TINE_DEBS is their folder.
"""

import os
import pathlib
import re
import stat
import subprocess

import pytest
from consumer import MINOR, ROOT, SONAME, VERSION, check_cmake, check_pkg_config, dynamic, run

DEBS = pathlib.Path(os.environ["TINE_DEBS"])
LIBRARY, DEVELOPMENT, PYTHON = f"libtine{MINOR}", "libtine-dev", "python3-tine"


@pytest.fixture(scope="module")
def debs():
    """{the name of a package: its file}"""
    found = {path.name.split("_")[0]: path for path in DEBS.glob("*.deb")}
    assert set(found) == {LIBRARY, DEVELOPMENT, PYTHON}
    return found


@pytest.fixture(scope="module")
def root(debs, tmp_path_factory):
    """Where the packages are unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    for deb in debs.values():
        run("dpkg-deb", "--extract", str(deb), str(folder))
    return folder


@pytest.fixture
def environment(root):
    """What the programs of the unpacked packages need, since they are not in /usr."""
    (library,) = root.glob(f"usr/lib/*/{SONAME}")
    return {"PYTHONPATH": str(root / "usr/lib/python3/dist-packages"), "LD_LIBRARY_PATH": str(library.parent)}


def fields(deb):
    names = ("Version", "Maintainer", "Description", "Depends", "Section", "Architecture", "Suggests")
    return {name: run("dpkg-deb", "--field", str(deb), name).strip() for name in names}


def test_each_package_says_what_it_is_and_who_made_it(debs):
    for name, section in ((LIBRARY, "libs"), (DEVELOPMENT, "libdevel"), (PYTHON, "python")):
        said = fields(debs[name])
        assert said["Version"] == f"{VERSION}-1" and said["Section"] == section
        assert re.fullmatch(r"The tine authors <\S+@\S+>", said["Maintainer"])
        first, *more = said["Description"].splitlines()
        assert 10 < len(first) < 80 and len(more) > 2 and all(line.startswith(" ") for line in more)


def test_each_package_depends_on_what_it_needs(debs):
    library, development, python = (fields(debs[name])["Depends"] for name in (LIBRARY, DEVELOPMENT, PYTHON))
    for needed in ("libc6 (>=", "libstdc++6 (>=", "libopenblas0"):
        assert needed in library
    this = f"{LIBRARY} (= {VERSION}-1)"
    assert development == this
    assert this in python and "python3 (>= 3." in python and "libc6 (>=" in python
    # Another package that is linked with the library learns from this which one it needs.
    shlibs = subprocess.run(["dpkg-deb", "--info", str(debs[LIBRARY]), "shlibs"], capture_output=True, text=True).stdout
    assert shlibs.strip() == f"libtine {MINOR} {LIBRARY} (>= {VERSION}-1)"


def test_each_package_has_its_licence_and_its_changes(root):
    for name in (LIBRARY, DEVELOPMENT, PYTHON):
        folder = root / "usr/share/doc" / name
        assert "Redistribution and use in source and binary forms" in (folder / "copyright").read_text()
        assert (folder / "changelog.gz").stat().st_size > 1000 and (folder / "changelog.Debian.gz").exists()


def test_the_files_are_roots_and_in_the_folders_of_debian(debs, root):
    for deb in debs.values():
        for line in run("dpkg-deb", "--contents", str(deb)).splitlines():
            mode, owner, _, _, _, path = line.split(maxsplit=5)
            assert owner == "root/root", line
            assert path.startswith("./") and mode[0] in "dl-", line
            path = path.split(" -> ")[0]
            expected = {"d": "drwxr-xr-x", "l": "lrwxrwxrwx"}.get(mode[0], "-rwxr-xr-x" if path.startswith("./usr/bin/") else "-rw-r--r--")
            assert mode == expected, line
    for path in root.rglob("*"):
        assert path.exists(), f"{path} -> {os.readlink(path)}"  # no link leads to nowhere
        if path.is_file() and not path.is_symlink():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o022
            assert str(ROOT).encode() not in path.read_bytes(), f"{path} names the folder that it was built in"


def test_the_programs_name_no_folders_to_load_libraries_from(root):
    (extension,) = root.glob("usr/lib/python3/dist-packages/tine/_C*.so")
    (library,) = root.glob(f"usr/lib/*/libtine.so.{VERSION}")
    for file in (extension, library, root / "usr/bin/tine"):
        assert not {"RPATH", "RUNPATH"} & set(dynamic(file)), file
    assert SONAME in dynamic(extension)["NEEDED"]


def test_lintian_finds_no_error(debs):
    allowed = "lacks-ldconfig-trigger"  # the CPack of Debian 12 runs ldconfig in a script instead
    run("lintian", "--allow-root", "--fail-on", "error", "--suppress-tags", allowed, *map(str, debs.values()))


def test_the_unpacked_packages_are_found_by_cmake(tmp_path, root):
    check_cmake(tmp_path, root / "usr")


def test_the_unpacked_packages_are_found_by_pkg_config(tmp_path, root):
    (folder,) = root.glob("usr/lib/*/pkgconfig")
    check_pkg_config(tmp_path, folder)


def test_the_python_package_of_debian_imports_and_computes(environment):
    program = "import tine; print(tine.__version__, tine.add(tine.ones(2), 1).tolist(), tine.__file__)"
    version, *_, file = run("/usr/bin/python3", "-c", program, **environment).split()
    assert version == VERSION and file.startswith(environment["PYTHONPATH"])


def test_the_command_of_debian_starts_programs_that_find_each_other(tmp_path, root, environment):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, tine\n"
        "from tine.distributed import rpc\n"
        "rank = int(os.environ['RANK'])\n"
        "rpc.init_rpc(f'w{rank}', rank=rank, world_size=2)\n"
        "print(rpc.rpc_sync(f'w{1 - rank}', tine.add, args=(tine.ones(2), rank)).tolist())\n"
        "rpc.shutdown()\n"
    )
    shown = run(str(root / "usr/bin/tine"), "launch", "-n", "2", str(program), **environment)
    assert "[1.0, 1.0]" in shown and "[2.0, 2.0]" in shown
