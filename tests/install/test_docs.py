"""Documents show code that compiles or runs, and name files that exist."""

import ast
import re
import sys

import pytest
from test_readme import BUILD, ROOT, run

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@by_page
def test_each_link_leads_to_a_file(page):
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)\s#]+)", prose) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@by_page
def test_each_path_of_the_source_that_a_page_names_exists(page):
    # `src/rpc/rref_table` names a unit: its header and body.
    paths = re.findall(r"\b(?:src|include|python/(?:src|tine|pytorch)|docs|tests|examples|tools)/[\w./]*\w", page.read_text())
    assert [path for path in paths if not (ROOT / path).exists() and not list(ROOT.glob(path + ".*"))] == []


@by_page
def test_each_python_example_is_python(page):
    for text in blocks(page, "python"):
        compile(text, page.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


ALONE = """
import os
os.environ.update(MASTER_ADDR="localhost", MASTER_PORT="0", TINE_AUTH_KEY="a secret for tests")
import tine as torch
from tine import Tensor
from tine.distributed import rpc
rpc.init_rpc("server", rank=0, world_size=1)
w, x = torch.ones(3), torch.ones(3)
"""


def test_the_call_that_the_tour_follows_runs(tmp_path):
    (example,) = blocks(ROOT / "docs/tour.md", "python")
    source = tmp_path / "tour.py"
    source.write_text(ALONE + example + "print(future.wait())\nrpc.shutdown()\n")
    shown = run([sys.executable, str(source)], PYTHONPATH=str(BUILD / "python"))
    assert shown == "tensor(4.5696)\n"  # 6 * tanh(1)


HEADERS = "combinators context coroutine fork future runtime scheduler"
WORLD = """
#include <map>
#include <mutex>
#include <vector>
struct Node { Node* next; };
using Key = int;
using Table = std::map<Key, int>;
extern tine::Scheduler pool;
extern tine::Promise<int> promise;
extern tine::Future<int> f, other, ready, work;
extern std::mutex mutex;
extern Table table;
extern Key key;
extern Node* n;
tine::Future<int> undo();
int left(), right();
"""


def test_the_cpp_examples_of_the_hazards_compile(tmp_path):
    text = "".join(f"#include <tine/{name}.h>\n" for name in HEADERS.split()) + WORLD
    examples = blocks(ROOT / "docs/hazards.md", "cpp")
    assert len(examples) >= 10
    for number, example in enumerate(examples):
        if not re.match(r"(int|tine::Future<int>) walk\(", example):
            walk = "tine::Future<int> walk(Node*);\n"
            example = f"{walk}tine::Future<int> example() {{\n{example}co_return 0;\n}}\n"
        text += f"namespace hazard_{number} {{\n{example}}}\n"
    source = tmp_path / "hazards.cpp"
    source.write_text(text)
    run(["c++", "-std=c++20", "-fsyntax-only", f"-I{ROOT}/include", str(source)], LD_PRELOAD="")
