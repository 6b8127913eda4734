"""The examples at the head of public headers compile as they are written, and do what they say."""

import re

from test_readme import BUILD, ROOT, run

RPC_MAIN = """
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

RESOLVER_BEGIN = """
#include "tine/script.h"
#include "tine/resolver.h"
"""
RESOLVER_MAIN = """
#include <cstdio>
int main() {
  UNIT
  std::puts(unit.function("f")(tine::Tensor::scalar(2.0, tine::DType::kFloat32)).repr().c_str());
}
"""

TRACING_MAIN = """
#include <cstdio>
int main() {
  const tine::OpTable& ops = tine::Runtime::instance().ops();
  const auto example = ops.call<tine::Tensor>("aten::ones", std::vector{2});
  const auto other = ops.call<tine::Tensor>("aten::ones", std::vector{4});
  TRACE
  std::puts(f(other).repr().c_str());
}
"""


def example(header):
    head = (ROOT / "include" / "tine" / header).read_text().split("#pragma once")[0]
    lines = head.split("// State ")[0].splitlines()
    return "\n".join(line[5:] for line in lines if re.match(r"//   |//$", line)) + "\n"


def output_of(text, folder):
    """What the program prints. It compiles without a warning."""
    source, program, library = folder / "example.cpp", folder / "example", BUILD / "python" / "tine"
    source.write_text(text)
    run(
        ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", str(source), "-o", str(program)]
        + [f"-L{library}", "-ltine", f"-Wl,-rpath,{library}", "-Wl,--allow-shlib-undefined"],
        LD_PRELOAD="",
    )
    return run([str(program)], TINE_AUTH_KEY="a secret for tests")


def test_the_example_of_rpc_h_compiles_without_a_warning_and_runs(tmp_path):
    assert output_of(example("rpc.h") + RPC_MAIN, tmp_path) == "hello\n"


def test_the_example_of_script_h_compiles_without_a_warning_and_runs(tmp_path):
    assert output_of(example("script.h") + SCRIPT_MAIN, tmp_path) == "0.0\n"


def test_the_example_of_resolver_h_compiles_without_a_warning_and_runs(tmp_path):
    resolver, unit = example("resolver.h").split("const auto unit")
    text = RESOLVER_BEGIN + resolver + RESOLVER_MAIN.replace("UNIT", "const auto unit" + unit)
    assert output_of(text, tmp_path) == "tensor(5.)\n"


def test_the_example_of_tracing_h_compiles_without_a_warning_and_runs(tmp_path):
    headers, trace = example("tracing.h").split("const script::Function f")
    begin = '#include "tine/runtime.h"\n'
    text = begin + headers + TRACING_MAIN.replace("TRACE", "const script::Function f" + trace)
    assert output_of(text, tmp_path) == "tensor([0.1250, 0.1250, 0.1250, 0.1250])\n"
