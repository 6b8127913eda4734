"""tools/check_locks where its compiler is missing. What it finds is its own self-test's business (ctest: locks_self_test)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_without_clang_it_says_in_one_sentence_what_to_install(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "tools/check_locks"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 77  # ctest takes it for a skipped test
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "tools/deps --clang" in done.stderr


def test_a_plain_mutex_in_a_product_folder_is_named_with_its_line(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    (tmp_path / "src/base/a.cpp").write_text("#include <mutex>\n// std::mutex in words\nstatic std::mutex lock;\n")
    (tmp_path / "src/base/a_test.cpp").write_text("#include <mutex>\nstatic std::mutex lock;\n")
    compiler = tmp_path / "clang"  # nothing here is annotated, so it is not called
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    done = subprocess.run([sys.executable, ROOT / "tools/check_locks", "--root", tmp_path], env={"PATH": "", "TINE_CLANG": str(compiler)},
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("src/base/a.cpp:3: std::mutex: use Mutex") and done.stdout.count("\n") == 1
