"""The examples at the head of public headers compile as they are written, and do what they say."""

import re
import socket

from test_readme import BUILD, ROOT, run

ASK_RAW = """
#include <cstdio>
int main() {
  Runtime runtime;
  Echo echo;
  const auto other = RawNode::start(runtime, {.name = "w1", .id = 1, .handler = &echo});
  other->open();
  std::puts(ask(runtime, other->card()).c_str());
}
"""

# Two workers in one process, each of a Runtime of its own.
ASK = """
#include <cstdio>
#include <thread>
int main(int, char** arguments) {
  Runtime here, there;
  const std::string address = std::string("tcp://127.0.0.1:") + arguments[1];
  std::thread server([&] { serve(there, address); });
  std::printf("%g\\n", ask(here, address));
  server.join();
}
"""


def example(header):
    head = (ROOT / "include" / "tine" / header).read_text().split("#pragma once")[0]
    return "\n".join(line[5:] for line in head.splitlines() if re.match(r"//   |//$", line)) + "\n"


def built(header, main, folder):
    source, program, library = folder / "ask.cpp", folder / "ask", BUILD / "python" / "tine"
    source.write_text(example(header) + main)
    run(
        ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", str(source), "-o", str(program)]
        + [f"-L{library}", "-ltine", f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined"],
        LD_PRELOAD="",
    )
    return program


def test_the_example_of_raw_h_compiles_without_a_warning_and_runs(tmp_path):
    program = built("raw.h", ASK_RAW, tmp_path)
    assert run([str(program)], TINE_AUTH_KEY="a secret for tests") == "hello\n"


def test_the_example_of_rpc_h_compiles_without_a_warning_and_runs(tmp_path):
    program = built("rpc.h", ASK, tmp_path)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    # Two threes, twice as large.
    assert run([str(program), str(port)], TINE_AUTH_KEY="a secret for tests") == "12\n"
