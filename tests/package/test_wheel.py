"""The wheel as a user gets it: tools/check_wheel has installed it in a fresh environment, whose Python runs these tests.

TINE_WHEEL names the wheel's file. Of the source tree nothing is seen but CMakeLists.txt, README.md, the examples, and the
programs that use an installed library (tests/consumer.py).
"""

import email
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from consumer import ROOT, VERSION, check_cmake, check_pkg_config

README = (ROOT / "README.md").read_text()
WHEEL = pathlib.Path(os.environ["TINE_WHEEL"])
SCRIPTS = pathlib.Path(sys.executable).parent
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TINE_", "LD_"))}


def run(*command, cwd, bound=100, **extra):
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=bound, env={**CLEAN, **extra}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fails(source, cwd, **extra):
    """The last line that Python prints when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=cwd, capture_output=True, text=True, timeout=60, env={**CLEAN, **extra}
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder of the installed package."""
    source = "import tine; print(tine.__path__[0])"
    return pathlib.Path(run(sys.executable, "-c", source, cwd=tmp_path_factory.mktemp("nowhere")).strip())


@pytest.fixture(scope="module")
def names():
    with zipfile.ZipFile(WHEEL) as wheel:
        return wheel.namelist()


def test_it_has_the_version_of_the_project_and_says_what_it_needs():
    with zipfile.ZipFile(WHEEL) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        data = email.message_from_bytes(wheel.read(name))
    assert data["Version"] == VERSION and data["Requires-Python"] == ">=3.11"
    needs = data.get_all("Requires-Dist")
    assert any(need.startswith("scipy-openblas32") and "extra" not in need for need in needs)
    assert {"pytorch", "test"} <= set(data.get_all("Provides-Extra"))


def test_it_is_smaller_than_4_mb():
    assert WHEEL.stat().st_size < 4_000_000


@pytest.mark.skipif("GLIBC 2.36" not in os.confstr("CS_GNU_LIBC_VERSION").upper(), reason="the tag follows the builder's glibc")
def test_built_on_debian_12_it_runs_from_glibc_2_34_on():
    assert "-manylinux_2_34_" in WHEEL.name


def test_it_carries_types_headers_sources_of_the_agent_and_licences(names):
    def has(pattern):
        return [name for name in names if re.fullmatch(pattern, name)]

    for pattern in (r"tine/py\.typed", r"tine/_C/__init__\.pyi", r"tine/_C/_rpc\.pyi", r"tine/distributed/rpc/__init__\.pyi", r"tine/include/tine/rpc\.h",
                    r"tine/include/tine/detail/state\.h", r"tine/pytorch/csrc/agent\.cpp", r"tine/cmake/tineConfig\.cmake",
                    r".*\.dist-info/licenses/LICENSE", r".*/licenses/third_party/fmt/LICENSE\.rst",
                    r".*/licenses/third_party/highway/LICENSE-BSD3", r".*/licenses/third_party/cli11/LICENSE",
                    r".*/licenses/third_party/libsodium/LICENSE"):
        assert has(pattern), pattern
    assert not has(r".*(__pycache__|_test\.|/tests?/|\.cpp\.o|\.a$).*")
    assert all(name.startswith(("tine/", "tine-", "tine.libs/")) for name in names)


def test_its_libraries_are_stripped_and_need_nothing_but_the_system_and_openblas(package):
    for file in [*package.glob("*.so*"), package / "bin/tine"]:
        if file.read_bytes()[:4] != b"\x7fELF":
            continue
        assert ".symtab" not in run("readelf", "-SW", file, cwd="/")
        needed = re.findall(r"\[(lib\w+)", run("readelf", "-d", file, cwd="/"))
        assert set(needed) <= {"libtine", "libscipy_openblas", "libstdc", "libm", "libgcc_s", "libc"}, file


def test_the_python_example_of_the_readme_runs(tmp_path):
    (tmp_path / "taste.py").write_text(re.search(r"```python\n(.*?)```", README, re.DOTALL)[1])
    assert run(sys.executable, "taste.py", cwd=tmp_path) == "tensor(5.1769)\n"  # 3 * (tanh(1) + tanh(2))


def test_a_large_product_is_right(tmp_path):
    source = ("import tine, numpy; a, b = (numpy.random.rand(300, 300) for _ in 'ab');"
              "c = tine.mm(tine.from_numpy(a), tine.from_numpy(b)); print(abs(c.numpy() - a @ b).max() < 1e-9)")
    assert run(sys.executable, "-c", source, cwd=tmp_path) == "True\n"


def test_the_command_starts_the_python_of_its_environment(package, tmp_path):
    (tmp_path / "who.py").write_text("import sys, tine; print(sys.prefix, tine.__path__[0])")
    shown = run(SCRIPTS / "tine", "launch", "-n", "2", "who.py", cwd=tmp_path)
    assert sorted(shown.splitlines()) == [f"[{rank}] {sys.prefix} {package}" for rank in (0, 1)]
    assert run(sys.executable, "-m", "tine", "launch", "-n", "1", "who.py", cwd=tmp_path).startswith(f"[0] {sys.prefix} ")
    assert run(SCRIPTS / "tine", "--version", cwd=tmp_path).split()[-1] == VERSION


def test_the_main_job_runs(tmp_path):
    shown = run(SCRIPTS / "tine", "launch", "-n", "4", ROOT / "examples/digits_parameter_server.py", cwd=tmp_path)
    assert "96." in shown


@pytest.fixture(scope="module")
def taste(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taste with a space")
    (folder / "taste.cpp").write_text(re.search(r"```cpp\n(.*?)```", README, re.DOTALL)[1])
    return folder


def test_the_cpp_example_compiles_with_the_options_that_the_package_tells(taste):
    command = f'c++ -std=c++20 taste.cpp -o taste $("{sys.executable}" -m tine --includes --libs)'
    run("bash", "-c", command, cwd=taste)
    assert run("./taste", cwd=taste) == "the square is 49\n"


def test_the_cpp_example_is_a_cmake_project_that_finds_the_package(taste):
    (taste / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(elsewhere LANGUAGES CXX)\n"
        f"find_package(tine {VERSION.rpartition('.')[0]} REQUIRED)\n"
        "add_executable(cmake_taste taste.cpp)\ntarget_link_libraries(cmake_taste PRIVATE tine::tine)\n"
    )
    folder = run(sys.executable, "-m", "tine", "--cmakedir", cwd=taste).strip()
    run("cmake", "-S", ".", "-B", "built", f"-Dtine_DIR={folder}", cwd=taste)
    run("cmake", "--build", "built", cwd=taste)
    assert run("built/cmake_taste", cwd=taste) == "the square is 49\n"


def test_get_include_has_the_headers(tmp_path):
    folder = run(sys.executable, "-c", "import tine; print(tine.get_include())", cwd=tmp_path).strip()
    assert pathlib.Path(folder, "tine/future.h").is_file()


def test_the_import_takes_30_ms_and_20_mb(tmp_path):
    # From the start of the process to its end, the best of many: others use the machine too.
    source = """
import subprocess, sys, time
best = bare = 9.0
told = "import tine; print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
for turn in range(200):
    for code in ("pass", told):
        began = time.perf_counter()
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        took = time.perf_counter() - began
        best, bare = (min(best, took), bare) if out else (best, min(bare, took))
    if turn > 10 and best < 0.030:
        break
print(best, bare, int(out) * 1024)
"""
    best, bare, size = (float(word) for word in run(sys.executable, "-c", source, cwd=tmp_path).split())
    print(f"import: {best * 1e3:.1f} ms and {size / 1e6:.1f} MB; Python alone: {bare * 1e3:.1f} ms")
    # Where Python alone never started within 15 ms, the machine is too busy or too slow for the bound to say anything.
    assert best < 0.030 or bare > 0.015, (best, bare)
    assert size < 20_000_000


@pytest.fixture
def copy(package, tmp_path):
    """A copy of the package, and beside it OpenBLAS, to break."""
    shutil.copytree(package, tmp_path / "copy/tine", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "copy/scipy_openblas32").symlink_to(package.parent / "scipy_openblas32")
    return tmp_path / "copy"


def test_a_copy_works_where_it_lies(copy):
    assert run(sys.executable, "-c", "import tine; print(tine.__path__[0])", cwd=copy).strip() == str(copy / "tine")


def test_a_missing_openblas_names_the_package_to_install(copy):
    (copy / "scipy_openblas32").unlink()
    line = fails("import tine", copy)
    assert line == (
        f"ImportError: tine in {copy}/tine needs libscipy_openblas.so, which is not there: install the package "
        f"scipy-openblas32: {sys.executable} -m pip install scipy-openblas32"
    )


def test_an_extension_of_another_python_is_told(copy):
    (extension,) = (copy / "tine").glob("_C*.so")
    extension.rename(copy / "tine/_C.cpython-39-x86_64-linux-gnu.so")
    line = fails("import tine", copy)
    assert f"tine in {copy}/tine cannot be imported by {sys.executable}" in line
    assert "(_C.cpython-39-x86_64-linux-gnu.so)" in line and "pip install tine" in line


def compiled(text, target):
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(target)], input=text, text=True, check=True, timeout=60)
    return target


def test_a_library_of_another_version_is_refused_with_both_paths(copy, tmp_path):
    other = compiled('const char tine_version[] = "0.0.9";', tmp_path / "libtine_of_before.so")
    (extension,) = (copy / "tine").glob("_C*.so")
    line = fails("import tine", copy, LD_PRELOAD=str(other))
    assert f"the extension {extension} is {VERSION}, and the library {other} that was loaded with it is 0.0.9" in line


def test_a_library_that_lacks_what_the_extension_needs_is_refused_with_both_paths(copy, tmp_path):
    (library,) = [path for path in (copy / "tine").glob("libtine.so*") if path.read_bytes()[:4] == b"\x7fELF"]
    (tmp_path / "before").mkdir()
    other = compiled('const char tine_version[] = "0.0.9";', tmp_path / "before" / library.name)
    (extension,) = (copy / "tine").glob("_C*.so")
    line = fails("import tine", copy, LD_LIBRARY_PATH=str(other.parent))
    assert f"the extension {extension} was loaded with the library {other}, which lacks" in line


@pytest.fixture(scope="module")
def cmake_folder(tmp_path_factory):
    return run(sys.executable, "-m", "tine", "--cmakedir", cwd=tmp_path_factory.mktemp("nowhere")).strip()


def test_programs_across_its_border_are_built_by_cmake(tmp_path, cmake_folder):
    check_cmake(tmp_path, cmake_folder)


def test_programs_across_its_border_are_built_by_pkg_config(tmp_path, cmake_folder):
    check_pkg_config(tmp_path, cmake_folder)
