"""tools/mutate puts small faults into a commit and says which the tests do not notice."""

import importlib.machinery
import importlib.util
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "tools/mutate"


@pytest.fixture(autouse=True)
def without_a_sanitizers_runtime(monkeypatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)  # a compiler does not run under it


@pytest.fixture(scope="module")
def tool():
    loader = importlib.machinery.SourceFileLoader("mutate_tool", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate_tool", loader))
    sys.modules["mutate_tool"] = module  # dataclasses look themselves up
    loader.exec_module(module)
    yield module
    del sys.modules["mutate_tool"]


def faults(tool, text):
    return [(m.line, m.old_line, m.new_line) for m in tool.mutants_of("src/a.cpp", textwrap.dedent(text).lstrip())]


@pytest.mark.parametrize(
    "line, changed",
    [
        ("x = a < b;", ["x = a <= b;", "{}"]),
        ("x = a >= b;", ["x = a > b;", "{}"]),
        ("return a == b;", ["return a != b;"]),
        ("return a && b;", ["return a || b;"]),
        ("return true;", ["return false;"]),
        ("return at(3);", ["return at(4);"]),
        ("if (ready) go();", ["if (!(ready)) go();"]),
        ("queue_.clear();", ["{}"]),
        ("it->second.count = n;", ["{}"]),
        ("++dim;", ["{}"]),
        ("throw Error(7);", ["throw Error(8);"]),
        ("auto&& x = f<A, B>();", []),
        ("int x{};", []),
        ("virtual void f() = 0;", []),
        ("#if A < B", []),
        ("template <int N = 3>", []),
        ("static_assert(sizeof(int) == 4);", []),
        ("// a < b && true", []),
        ('return "a < b && true 3";', []),
        ("return 'a' == c;", ["return 'a' != c;"]),
        ("return 0x10 + 1.5 + a1;", []),
    ],
)
def test_each_kind_of_fault_is_made_where_it_can_be(tool, line, changed):
    found = faults(tool, f"void f() {{\n  {line}\n}}\n")
    assert sorted(new for number, _, new in found) == sorted(changed)
    assert all(number == 2 and old == line for number, old, _ in found)


def test_comments_and_literals_over_several_lines_hold_no_faults(tool):
    assert not faults(
        tool,
        '''
        /* a < b
           true && 3 */
        const char* text = R"x(
        a < b && true
        )x";
        ''',
    )


def test_a_statement_over_several_lines_is_left_out_as_a_whole(tool):
    text = "void f() {\n  fail(a,\n       b);\n  g();\n}\n"
    first = next(m for m in tool.mutants_of("src/a.cpp", text) if m.new == "{}")
    assert (first.line, first.old_line, first.new_line) == (2, "fail(a, b);", "{}")
    assert text[: first.begin] + first.new + text[first.end :] == "void f() {\n  {}\n  g();\n}\n"


def test_a_fault_changes_one_place_of_the_text_and_nothing_else(tool):
    for path in ("src/syntax/lexer.cpp", "src/value/compare.cpp", "include/tine/future.h"):
        text = (ROOT / path).read_text()
        mutants = tool.mutants_of(path, text)
        assert len(mutants) > 20
        for m in mutants:
            assert text[m.begin : m.end] != m.new and m.begin < m.end
            assert text[: m.begin].count("\n") + 1 == m.line


# A project with two folders, one of whose functions no test looks at.
FILES = {
    "CMakeLists.txt": """
        cmake_minimum_required(VERSION 3.25)
        project(small CXX)
        enable_testing()
        add_executable(a_test src/a/a.cpp src/a/a_test.cpp)
        add_test(NAME a COMMAND a_test)
        add_executable(other_test src/a/a.cpp src/a/other_test.cpp)
        add_test(NAME other COMMAND other_test)
        """,
    "CMakePresets.json": """
        {"version": 6,
         "configurePresets": [{"name": "mutate", "generator": "Ninja", "binaryDir": "${sourceDir}/build/mutate",
                                "cacheVariables": {"CMAKE_CXX_FLAGS": "-O1"}}],
         "buildPresets": [{"name": "mutate", "configurePreset": "mutate"}]}
        """,
    "src/a/a.cpp": """
        bool less(int a, int b) {
          return a < b;
        }
        bool unseen(int a) {
          return a == 7;
        }
        static int unused = 5;
        int doubled(int a) { return a * 2; }
        """,
    "src/a/a_test.cpp": """
        #include <cstdlib>
        #include <thread>
        bool less(int a, int b);
        int main() {
          if (const char* file = std::getenv("HANG")) {
            if (!less(2, 1) && less(1, 1)) std::this_thread::sleep_for(std::chrono::hours(1));
            if (less(1, 1)) return 1;
          }
          return less(1, 2) && !less(1, 1) ? 0 : 1;
        }
        """,
    "src/a/other_test.cpp": """
        int doubled(int a);
        int main() { return doubled(2) == 4 ? 0 : 1; }
        """,
    "tools/mutate.txt": "src/a: a\n",
    "tools/mutants.txt": "# none\n",
    ".gitignore": "/build/\n",
}


def git(root, *arguments):
    names = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", str(root), *names, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip("\n"))
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    return root


def run(root, *options, **more):
    return subprocess.run([sys.executable, str(TOOL), "--root", str(root), *options], capture_output=True, text=True, timeout=110, **more)


def assert_whole(root):
    """Neither the checkout nor the copy holds a fault."""
    assert git(root, "status", "--porcelain") == ""
    for name in FILES:
        assert (root / "build/mutate/tree" / name).read_text() == (root / name).read_text(), name


def test_what_the_tests_do_not_notice_is_shown_and_is_the_exit_status(project):
    done = run(project, "--sample", "20")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "src/a/a.cpp:5\n- return a == 7;\n+ return a " in done.stdout
    assert "src/a/a.cpp:2 comparison: noticed by a" in done.stdout
    assert "src/a/a.cpp:7 constant: same code" in done.stdout
    assert "folder   no build  same code   accepted    noticed   survived   survived of valid" in done.stdout
    assert_whole(project)


def test_a_line_may_be_asked_for_and_an_accepted_fault_is_not_tried(project):
    assert run(project, "--at", "src/a/a.cpp:2").returncode == 0
    table = project / "tools/mutants.txt"
    table.write_text("src/a/a.cpp\n- return a == 7;\n+ return a != 7;\n= nobody calls it\n\nsrc/a/a.cpp\n- return a == 7;\n+ return a == 8;\n= nobody calls it\n")
    git(project, "commit", "-q", "-a", "-m", "accepted")
    try:
        done = run(project, "--at", "src/a/a.cpp:5")
        assert done.returncode == 0 and "survived" in done.stdout and "- return" not in done.stdout, done.stdout
    finally:
        git(project, "reset", "-q", "--hard", "HEAD~1")


def test_the_tests_of_one_folder_are_those_written_in_its_files(tool, tmp_path):
    shop = tool.Workshop.__new__(tool.Workshop)
    shop.tree = tmp_path
    for name, text in {
        "src/a/one_test.cpp": "TEST(One, A) {}\nTEST(One, B) {}\nTEST_P(Two, A) {\n  TEST(No, A);\n}\n",
        "src/a/more_test.cpp": "TEST_F(Three, A) {}\n",
        "src/a/b/below_test.cpp": "TEST(Below, A) {}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert shop.filter("src/a") == "One.*:*/One.*:Three.*:*/Three.*:Two.*:*/Two.*"
    with pytest.raises(tool.Refused, match="src/c, which has none"):
        shop.filter("src/c")


def test_an_accepted_fault_may_be_told_from_others_by_the_line_before(tool, tmp_path):
    text = "void f() {\n  a();\n  go();\n\n  b();\n  go();\n}\n"
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/mutants.txt").write_text("src/a.cpp\n< b();\n- go();\n+ {}\n= why\n")
    accepted = tool.read_accepted(tmp_path)
    assert [m.line for m in tool.mutants_of("src/a.cpp", text) if m.is_in(accepted)] == [6]


def test_other_tests_than_those_of_the_table_may_be_asked_for(project):
    done = run(project, "--at", "src/a/a.cpp:2", "--tests", "other")
    assert done.returncode == 1 and "src/a/a.cpp:2\n- return a < b;\n+ return a <= b;" in done.stdout, done.stdout
    assert "noticed by other" in run(project, "--at", "src/a/a.cpp:8", "--tests", "other").stdout
    assert run(project, "--at", "src/a/a.cpp:2", "--tests", "nowhere").returncode == 2


def test_since_takes_only_the_lines_that_changed(project):
    git(project, "checkout", "-q", "-b", "work")
    try:
        source = project / "src/a/a.cpp"
        source.write_text(source.read_text() + "bool fresh(int a) {\n  return a > 1;\n}\n")
        git(project, "commit", "-q", "-a", "-m", "two")
        done = run(project, "--since", "main", "--list")
        assert done.returncode == 0 and done.stdout.startswith("src/a/a.cpp:10\n"), done.stdout
        assert done.stdout.count("src/a/a.cpp:") == 1
        assert "no place for a fault" in run(project, "--since", "work").stdout
    finally:
        git(project, "checkout", "-q", "main")


def test_the_same_seed_gives_the_same_faults_and_another_seed_others(project):
    lists = [run(project, "--list", "--sample", "2", "--seed", str(seed)).stdout for seed in (1, 1, 2, 3, 4)]
    assert lists[0] == lists[1] and len(set(lists)) > 1


@pytest.mark.parametrize("name", ["src/a/a.cpp", "src/a/new.cpp"])
def test_a_tree_with_changes_is_refused_and_left_alone(project, name):
    file = project / name
    before = file.read_text() if file.exists() else None
    file.write_text((before or "") + "// mine\n")
    try:
        done = run(project)
        assert done.returncode == 2 and "not committed" in done.stderr and name in done.stderr
        assert file.read_text().endswith("// mine\n")
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)


@pytest.mark.parametrize(
    "options, words",
    [
        (["--since", "nowhere"], "nowhere"),
        (["--at", "src/a/a.cpp"], "expected file:line"),
        (["--sample", "0"], "0 is not 1 or more"),
    ],
)
def test_a_wrong_option_is_named(project, options, words):
    done = run(project, *options)
    assert done.returncode == 2 and words in done.stderr


@pytest.mark.parametrize(
    "text, words",
    [
        ("src/a.cpp\n- x\n+ y\n", "the last mutant has no reason"),
        ("src/a.cpp\n- x\n= why\n", "no new"),
        ("src/a.cpp\n- x\n+ y\n=\n", "expected the reason"),
        ("- x\n+ y\n= why\n", "no path"),
        ("src/a.cpp\n- x\n+ y\nsrc/b.cpp\n", "expected the reason"),
    ],
)
def test_an_accepted_fault_needs_all_its_lines(tool, tmp_path, text, words):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/mutants.txt").write_text(text)
    with pytest.raises(tool.Refused, match=words):
        tool.read_accepted(tmp_path)


def test_the_tables_of_this_checkout_are_well_formed_and_cover_each_folder(tool):
    entries = tool.read_entries(ROOT)
    tool.read_accepted(ROOT)
    for path in (each.relative_to(ROOT).as_posix() for top in ("src", "include", "python/src") for each in (ROOT / top).rglob("*.[ch]*")):
        assert not tool.mutable(path) or tool.row_of(path, entries), path
    for tests in entries.values():
        for test in tests:
            assert not test.startswith("tests/") or (ROOT / test).exists(), test


def command_lines():
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield file.read_bytes()
        except OSError:
            pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_no_fault_and_no_process(project, number):
    # With HANG set a fault in less() hangs.
    process = subprocess.Popen([sys.executable, str(TOOL), "--root", str(project), "--at", "src/a/a.cpp:2"], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, env=dict(os.environ, HANG="1"))
    copy = project / "build/mutate/tree/src/a/a.cpp"
    try:
        end = time.monotonic() + 60
        while "a <= b" not in copy.read_text() if copy.exists() else True:
            assert time.monotonic() < end and process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "interrupted after" in out, out
    assert_whole(project)
    assert not any(str(project).encode() in each for each in command_lines())


def test_what_a_killed_run_left_in_the_copy_is_made_whole_at_the_next_start(project):
    copy = project / "build/mutate/tree/src/a/a.cpp"
    run(project, "--at", "src/a/a.cpp:2")
    copy.write_text(copy.read_text().replace("a < b", "a <= b"))
    (copy.parent / "stray.cpp").write_text("not C++\n")
    assert run(project, "--at", "src/a/a.cpp:2").returncode == 0
    assert_whole(project)
    assert not (copy.parent / "stray.cpp").exists()


def test_a_terminal_shows_a_bar_and_no_line_for_each_fault(project):
    controller, terminal = pty.openpty()
    process = subprocess.Popen([sys.executable, str(TOOL), "--root", str(project), "--at", "src/a/a.cpp:2"], stdout=terminal, stderr=terminal,
                               stdin=terminal, env=dict(os.environ, COLUMNS="120"))
    os.close(terminal)
    shown = b""
    while True:
        if not select.select([controller], [], [], 100)[0]:
            process.kill()
            raise AssertionError("nothing more was shown within 100 s")
        try:
            piece = os.read(controller, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(controller)
    assert process.wait(timeout=60) == 0
    assert b"[........................] 0/1, 0 survived" in shown and b"noticed by" not in shown
    assert b"src/a" in shown.split(b"survived of valid")[1]


def test_a_test_has_more_time_on_a_machine_that_has_become_busier(tool, monkeypatch):
    monkeypatch.setattr(tool.os, "cpu_count", lambda: 2)
    for load, strain in ((0.1, 1.0), (2.0, 1.0), (5.0, 2.5), (100.0, tool.MOST_STRAIN)):
        monkeypatch.setattr(tool.os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert tool.strain() == strain
    alone = tool.time_limit(10.0, 1.0, 1.0)
    assert tool.time_limit(10.0, 1.0, 3.0) == 3 * alone
    assert alone < tool.time_limit(10.0, 3.0, 3.0) < 2 * alone, "its time without a fault was taken on a busy machine, too"
    assert tool.time_limit(10.0, 3.0, 1.0) == alone
