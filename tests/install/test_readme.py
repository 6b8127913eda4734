"""What README.md shows is what happens: its examples run. (Its links: test_docs.py.)"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev")
README = (ROOT / "README.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)[1]


def run(command, **extra):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **extra})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cpp_example_compiles_against_the_library_and_runs(tmp_path):
    source, program, library = tmp_path / "taste.cpp", tmp_path / "taste", BUILD / "python" / "tine"
    source.write_text(block("cpp"))
    # The compiler itself does not run under a sanitizer's preloaded runtime.
    run(
        ["c++", "-std=c++20", f"-I{ROOT}/include", str(source), "-o", str(program)]
        + [f"-L{library}", "-ltine", f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined"],
        LD_PRELOAD="",
    )
    assert run([str(program)]) == "the square is 49\n"


@pytest.mark.skipif(not (ROOT / "python/tine/jit").exists(), reason="this checkout has no Python package")
def test_the_python_example_runs(tmp_path):
    source = tmp_path / "taste.py"
    source.write_text(block("python"))
    shown = run([sys.executable, str(source)], PYTHONPATH=str(BUILD / "python"))
    assert shown == "tensor(5.1769)\n"  # 3 * (tanh(1) + tanh(2))
