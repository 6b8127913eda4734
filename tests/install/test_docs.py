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


# A program of these pages, and what its workers print between them.
PROGRAMS = [
    (page, number, program, shown)
    for page in ("rpc.md", "from_torch_rpc.md")
    for number, (program, shown) in enumerate(
        re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)
    )
]


@pytest.mark.parametrize("page, number, program, shown", PROGRAMS, ids=[f"{page}-{number}" for page, number, *_ in PROGRAMS])
def test_each_program_about_rpc_runs_and_prints_what_its_page_says(tmp_path, page, number, program, shown):
    source = tmp_path / "program.py"
    source.write_text(program)
    printed = run([str(BUILD / "bin/tine"), "launch", "-n", "2", str(source)], PYTHONPATH=str(BUILD / "python"), TINE_PYTHON=sys.executable)
    assert sorted(line.removeprefix("[0] ") for line in printed.splitlines()) == sorted(shown.splitlines())


def test_each_python_program_about_rpc_shows_what_it_prints():
    assert len(PROGRAMS) == sum(len(blocks(ROOT / "docs" / page, "python")) for page in ("rpc.md", "from_torch_rpc.md"))


def test_the_cpp_program_about_rpc_runs(tmp_path):
    source, program, library = tmp_path / "program.cpp", tmp_path / "program", BUILD / "python" / "tine"
    (text,) = blocks(ROOT / "docs/rpc.md", "cpp")
    source.write_text(text)
    run(
        ["c++", "-std=c++20", f"-I{ROOT}/include", str(source), "-o", str(program)]
        + [f"-L{library}", "-ltine", f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined"],
        LD_PRELOAD="",
    )
    assert run([str(program)], TINE_AUTH_KEY="a secret for tests") == "tensor([3., 3.])\n"


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


# What a page says in figures, and the line of the code that makes it true. Change both.
FIGURES = [
    ("security.md", "8 to 4,096 bytes", "src/rpc/auth/secret.h", "kMinBytes = 8;", "kMaxBytes = 4096;"),
    ("security.md", "at most 64 at a time", "src/rpc/transport/transport.h", "max_pending_handshakes = 64;"),
    ("decisions.md", "polls for about 20 us, and one that waits for an answer for about 50 us", "src/base/polling.h", "kTask{20};", "kConnection{50};"),
    ("decisions.md", "stops early if that took over 200 us", "src/base/polling.h", "kLongYield{200};"),
    ("decisions.md", "doubles up to 1,024", "src/base/polling.h", "kMaxSkip = 1024;"),
    ("decisions.md", "an operator of at most 20 us by the cost model, a script for 200 us", "src/value/cost.h", "kShort = 20'000;", "kSlice{200};"),
    ("hazards.md", "At 1,024 threads", "include/tine/scheduler.h", "max_threads = 1024;"),
    ("hazards.md", "less than 256 KiB is left", "src/future/context.cpp", "kStackReserve = size_t{256} << 10;"),
    ("spec/agent.md", "at most 20 us by the cost model", "src/value/cost.h", "kShort = 20'000;"),
    ("spec/agent.md", "here, for 200 us", "src/value/cost.h", "kSlice{200};"),
    ("spec/agent.md", "a body of at most 16 KiB", "src/rpc/placement.h", "kReadHere = size_t{16} << 10;"),
    ("spec/agent.md", "an answer of at most 16 KiB", "src/rpc/placement.h", "kWriteHere = size_t{16} << 10;"),
    ("spec/agent.md", "65,536 (`max_calls_in_flight`)", "src/rpc/agent.h", "max_calls_in_flight = 65536;"),
    ("spec/agent.md", "64 MiB (`max_send_buffer_bytes`)", "src/rpc/agent.h", "max_send_buffer_bytes = size_t{64} << 20;"),
    ("spec/agent.md", "at most 4,096 (`max_handler_threads`", "include/tine/runtime.h", "max_handler_threads = 4096;"),
    ("spec/agent.md", "an id (0 to 65,535)", "include/tine/raw.h", "kMaxRawId = 65'535;"),
    ("spec/wire.md", "| body | 64 MiB", "src/rpc/wire/frame.h", "kMaxBodyBytes = uint64_t{64} << 20;"),
    ("spec/wire.md", "bytes in a chunk | 256 KiB", "src/rpc/wire/frame.h", "kChunkBytes = uint64_t{256} << 10;"),
    ("spec/wire.md", "segments in a frame | 65,536", "src/rpc/wire/frame.h", "kMaxSegments = 65'536;"),
    ("spec/wire.md", "one segment | 64 GiB", "src/rpc/wire/frame.h", "kMaxSegmentBytes = uint64_t{64} << 30;"),
    ("spec/wire.md", "16 GiB unless it says otherwise", "src/rpc/wire/frame.h", "kDefaultMaxPayload = uint64_t{16} << 30;"),
    ("spec/wire.md", "interval (default 5 s)", "src/rpc/transport/connection.h", "heartbeat_interval{5000};"),
    ("spec/wire.md", "timeout (default 30 s)", "src/rpc/transport/connection.h", "heartbeat_timeout{30000};"),
    ("spec/wire.md", "Tensor of at most 512 bytes", "src/rpc/wire/value_codec.h", "kInlineTensorBytes = 512;"),
    ("spec/wire.md", "larger than 4 KiB", "src/rpc/wire/segments.h", "kInlineForeignBytes = 4096;"),
    ("spec/ir.md", "Within 50 ms", "src/vm/machine.h", "kInterruption{50};"),
    ("spec/ir.md", "Blocks nest at most 200 deep", "src/ir/parse.cpp", "kDeepestBlock = 200;"),
    ("spec/ir.md", "Pure rows of at most 10 us", "src/ir/passes/simplify.cpp", "kWorthFolding = 10'000;"),
    ("spec/language.md", "100 nested blocks", "src/syntax/tree.h", "kMaxNesting = 100;"),
    ("spec/language.md", "300 chained operations", "src/syntax/tree.h", "kMaxHeight = 300;"),
    ("spec/language.md", "255 parameters", "src/syntax/tree.h", "kMaxParameters = 255;"),
    ("differences.md", "up to 16 MiB and 400,000 nodes", "src/runtime/script_code.cpp", "size_t{16} << 20;", "kMostTerms = 400'000;"),
    ("differences.md", "worlds above 1,048,576", "python/tine/distributed/rpc/api.py", "_MOST_WORKERS = 2**20"),
    ("foreign_tensors.md", "from 513 bytes on", "python/tine/distributed/rpc/_pickling.py", "_SMALL = 512"),
    ("pytorch.md", "the 16 modules that were used last", "python/tine/pytorch/_build.py", "_KEPT = 16 "),
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure[0]}: {figure[1]}")
def test_each_figure_of_a_limit_is_the_one_in_the_code(figure):
    page, said, source, *lines = figure
    assert said.lower() in " ".join((ROOT / "docs" / page).read_text().lower().split())
    assert [line for line in lines if line not in (ROOT / source).read_text()] == []
