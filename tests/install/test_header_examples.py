"""The examples at the head of public headers compile as they are written, and do what they say."""

import re

from test_readme import BUILD, ROOT, run

MAIN = """
#include <cstdio>
int main() {
  Runtime runtime;
  Echo echo;
  const auto other = RawNode::start(runtime, {.name = "w1", .id = 1, .handler = &echo});
  other->open();
  std::puts(ask(runtime, other->card()).c_str());
}
"""


def example(header):
    head = (ROOT / "include" / "tine" / header).read_text().split("#pragma once")[0]
    return "\n".join(line[5:] for line in head.splitlines() if re.match(r"//   |//$", line)) + "\n"


def test_the_example_of_raw_h_compiles_without_a_warning_and_runs(tmp_path):
    source, program, library = tmp_path / "ask.cpp", tmp_path / "ask", BUILD / "python" / "tine"
    source.write_text(example("raw.h") + MAIN)
    run(
        ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", str(source), "-o", str(program)]
        + [f"-L{library}", "-ltine", f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined"],
        LD_PRELOAD="",
    )
    assert run([str(program)], TINE_AUTH_KEY="a secret for tests") == "hello\n"
