"""What CMake says where tine cannot be built: one sentence, before anything is compiled."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BASE = sys.executable

# Answers CMake's questions as a Python of another version would.
OLD = f"""#!/bin/sh
if [ "$1" = -c ]; then
  code=$2; shift 2
  exec "{BASE}" -c "import sys; sys.version_info = (3, 10, 13, 'final', 0); sys.hexversion = 0x030a0df0
$code" "$@"
fi
exec "{BASE}" "$@"
"""


def refusal(folder, *options):
    """The sentences of the error with which CMake ends. Nothing may be compiled by then but CMake's own trials."""
    command = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DTINE_TESTS=OFF", *options]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode != 0, done.stdout
    assert not list(pathlib.Path(folder).rglob("*.cpp.o"))
    (text,) = re.findall(r"CMake Error at [^\n]*\n(.*?)(?:\n\n\n|\Z|\nCall Stack)", done.stderr, re.DOTALL)
    return " ".join(text.split())


@pytest.mark.skipif(not shutil.which("cmake"), reason="there is no cmake")
class TestRefusals:
    def test_a_python_that_is_too_old(self, tmp_path):
        python = tmp_path / "python3.10"
        python.write_text(OLD)
        python.chmod(0o755)
        said = refusal(tmp_path / "build", f"-DPython3_EXECUTABLE={python}")
        assert said == (
            f"tine is for CPython 3.11 and later; {python} is Python 3.10.13. Name another one by -DPython3_EXECUTABLE=..."
        )

    def test_a_library_that_is_missing(self, tmp_path):
        said = refusal(tmp_path / "build", f"-DPython3_EXECUTABLE={BASE}", "-DTINE_VENDORED=OFF", "-DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON")
        assert said.startswith("tine needs fmt and CMake did not find it: run tools/deps, which installs it on Debian, or tools/vendor")

    def test_a_wheel_without_the_package_that_has_openblas(self, tmp_path):
        python = tmp_path / "python3"  # without the packages of others
        python.write_text(f'#!/bin/sh\nexec "{BASE}" -I -S "$@"\n')
        python.chmod(0o755)
        said = refusal(tmp_path / "build", f"-DPython3_EXECUTABLE={python}", "-DTINE_WHEEL=ON", "-DTINE_VENDORED=OFF")
        assert said == f"{python} does not find the package scipy-openblas32: run pip install scipy-openblas32."

    def test_an_operating_system_that_is_not_linux(self, tmp_path):
        said = refusal(tmp_path / "build", "-DCMAKE_SYSTEM_NAME=FreeBSD", f"-DPython3_EXECUTABLE={BASE}")
        assert said == "tine is for Linux; this is FreeBSD."
