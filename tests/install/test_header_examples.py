"""The example at the head of each public header compiles as it is written, and runs.

An example is the indented text before `#pragma once`. One that has an #include is a piece of a file; any other is
statements of a function, where the header, functions.h and runtime.h are included."""

import re

import pytest
from test_readme import BUILD, ROOT, run

HEADERS = sorted(path.name for path in (ROOT / "include/tine").glob("*.h"))

RAW_MAIN = """
#include <cstdio>
int main() {
  Runtime runtime;
  Echo echo;
  const auto other = RawNode::start(runtime, {.name = "w1", .id = 1, .handler = &echo});
  other->open();
  std::puts(ask(runtime, other->card()).c_str());
}
"""
SCRIPT_MAIN = """
#include <cstdio>
int main() { std::printf("%.1f\\n", losses()); }
"""
RESOLVER_MAIN = """
#include <cstdio>
#include "tine/functions.h"
int main() { std::puts(unit.function("f")(tine::full({2}, 2.0)).repr().c_str()); }
"""
# Two workers in one process, each of a Runtime of its own: two threes, twice as large.
RPC_MAIN = """
#include <arpa/inet.h>
#include <cstdio>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
int main() {
  sockaddr_in free{};
  socklen_t size = sizeof free;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  free.sin_family = AF_INET;
  free.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)bind(fd, reinterpret_cast<sockaddr*>(&free), size);
  (void)getsockname(fd, reinterpret_cast<sockaddr*>(&free), &size);
  close(fd);
  const std::string address = "tcp://127.0.0.1:" + std::to_string(ntohs(free.sin_port));
  Runtime here, there;
  std::thread server([&] { serve(there, address); });
  std::printf("%g\\n", ask(here, address));
  server.join();
}
"""
# What follows a piece of a file, and what the program prints.
ENDS = {
    "RawNode": (RAW_MAIN, "hello\n"),
    "double losses": (SCRIPT_MAIN, "0.0\n"),
    "worker.serve(": (RPC_MAIN, "12\n"),
    "class Settings": (RESOLVER_MAIN, "tensor([5., 5.])\n"),
}
# What stands before statements that need it.
BEFORE = {
    "scalar.h": "const tine::Tensor x = tine::ones({2});",
    "tracing.h": "const tine::Tensor example = tine::ones({2}), other = tine::ones({4});",
    "type.h": "const tine::OpTable& ops = tine::Runtime::instance().ops();",
}
STATEMENTS = """
#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>
#include "tine/functions.h"
#include "tine/runtime.h"
#include "tine/{header}"
int main() {{
{before}
{example}
}}
"""


def example(header):
    head = (ROOT / "include/tine" / header).read_text().split("#pragma once")[0]
    lines = re.split(r"^// State ", head, flags=re.MULTILINE)[0].splitlines()
    return "\n".join(line[5:] for line in lines if re.match(r"//   |//$", line)).strip()


def program_of(header, text):
    if "#include" not in text:
        return STATEMENTS.format(header=header, before=BEFORE.get(header, ""), example=text), None
    end, printed = next((ENDS[word] for word in ENDS if word in text), ("\nint main() {}\n", None))
    return text + ("" if "int main(" in text else end), printed


@pytest.mark.parametrize("header", [header for header in HEADERS if example(header)])
def test_the_example_of_a_header_compiles_without_a_warning_and_runs(tmp_path, header):
    source, program, library = tmp_path / "example.cpp", tmp_path / "example", BUILD / "python" / "tine"
    text, printed = program_of(header, example(header))
    source.write_text(text)
    run(
        # An example says in a comment what an expression is, and leaves it at that.
        ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-Wno-unused-result", "-Wno-unused-value"]
        + ["-Wno-unused-variable", "-Wno-unused-but-set-variable", f"-I{ROOT}/include", str(source), "-o", str(program)]
        + [f"-L{library}", "-ltine", f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined"],
        LD_PRELOAD="",
    )
    shown = run([str(program)], TINE_AUTH_KEY="a secret for tests")
    assert printed is None or shown == printed


@pytest.mark.parametrize("header", ["operators.h", "functions.h", "convert.h", "schema.h", "type.h", "scalar.h", "log.h"])
def test_a_header_on_operators_has_an_example(header):
    assert example(header)
