"""The example at the head of each public header compiles as it is written, and runs.

An example is the indented text before `#pragma once`. One without an #include has the header, functions.h and runtime.h
included, and namespace tine in use unless it names it. What it presumes besides, and what it prints, stands in AROUND."""

import re

import pytest
from test_readme import BUILD, ROOT, run

HEADERS = sorted(path.name for path in (ROOT / "include/tine").glob("*.h"))

RAW = """
@
#include <cstdio>
int main() {
  Runtime runtime;
  Echo echo;
  const auto other = RawNode::start(runtime, {.name = "w1", .id = 1, .handler = &echo});
  other->open();
  std::puts(ask(runtime, other->card()).c_str());
}
"""
SCRIPT = """
@
#include <cstdio>
int main() { std::printf("%.1f\\n", losses()); }
"""
GRAPH = """
@
#include <cstdio>
#include "tine/functions.h"
int main() {
  const auto unit = script::compile("def f(x: Tensor) -> Tensor:\\n    return torch.relu(x)\\n");
  std::printf("%.3f", halved(unit.function("f"))(tine::ones({1, 1})).to_tensor().item_as_double());
}
"""
RESOLVER = """
@
#include <cstdio>
#include "tine/functions.h"
int main() { std::puts(unit.function("f")(tine::full({2}, 2.0)).repr().c_str()); }
"""
# Two workers in one process, each of a Runtime of its own: two threes, twice as large.
RPC = """
@
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
# A worker alone, which calls itself.
ALONE = """
#include "tine/rpc.h"
inline constexpr auto use = [](int64_t n) {{ if (n == 999) std::puts("the last"); }};
{outside}
int main() {{
  tine::Runtime runtime;
  tine::rpc::Worker& worker = runtime.rpc();
  worker.join({{.name = "server", .address = "tcp://127.0.0.1:0"}});
  {inside}
}}
"""
RPC_CALL = ALONE.format(outside="", inside="""
  worker.serve("power", [](tine::rpc::Invocation call) {
    return std::pow(call.args.at(0).to_float(), call.kwargs.at(0).second.to_float());
  });
  @
  std::printf("%g", result.get());
""")
RPC_FUNCTION = ALONE.format(outside="@", inside="""
  worker.serve(power, [](double x, int64_t n) { return std::pow(x, n); });
  worker.serve(countdown, [](int64_t n) -> tine::Stream<int64_t> { while (n > 0) co_yield n--; });
  std::printf("%g", worker.call(power, "server", 2.0, 10).get());
  for (const int64_t n : worker.stream(countdown, "server", 2)) std::printf(" %d", int(n));
""")
RPC_REFERENCE = ALONE.format(outside="", inside="""@
  std::printf("%g %d", there, again == half);
""")
RPC_STREAM = ALONE.format(outside="", inside="@")
COMBINATORS = """
Scheduler pool;
const auto left = [] { return 1; };
const auto right = [] { return 2; };
Promise<int> first, second;
const std::vector futures{first.future(), second.future()};
const auto use = [&](int n) {
  std::printf("%d ", n);
  if (n == 20) first.set_value(10);
};
second.set_value(20);
@
std::printf("%d %d", both.get()[0], both.get()[1]);
"""
CONTEXT = """
using namespace std::chrono_literals;
Scheduler pool;
const auto ask = [] {
  while (!Context::current().stopped()) std::this_thread::yield();
  return 1;
};
@
std::printf("%d ", answer.ready());
source.cancel();
std::printf("%s", describe(answer.error()).c_str());
"""
COROUTINE = """
@
int main() {
  Scheduler pool;
  Promise<int> b;
  const Future<int> answer = sum(pool, fork(pool, [] { return 2; }), b.future());
  b.set_value(3);
  std::printf("%d", answer.get());
}
"""
ERROR = """
int work(const Future<int>& future) {
if (!future.valid())
@
return 0;
}
int main() {
  Scheduler pool;
  std::cerr.rdbuf(std::cout.rdbuf());
  work(fork(pool, work, Future<int>()));
}
"""
EXECUTOR = """
std::queue<Task*> queue_;
void wake_loop() { std::printf("woken "); }
int main() {
Promise<int> promise;
const Future<int> future = promise.future();
@
promise.set_value(7);
std::printf("%d ", drawn.ready());
queue_.front()->run();
}
"""
FORK = """
Scheduler pool;
int fib(int n) {
if (n < 2) return n;
@
}
int main() { std::printf("%d", fib(15)); }
"""
SCHEDULER = """
const int64_t n = 10000;
std::atomic<int64_t> total = 0;
@
std::printf("%d %d", answer.get(), int(total));
"""
TASK_GROUP = """
struct Part {
  int n;
  void solve() { n *= n; }
};
int main() {
Scheduler pool;
std::vector<Part> parts{{2}, {3}};
@
std::printf("%d %d ", parts[0].n, parts[1].n);
group.run([] { throw ValueError("the first"); });
try { group.wait(); } catch (const ValueError& e) { std::printf("%s", e.what()); }
}
"""
TIMER = """
using namespace std::chrono_literals;
Scheduler pool;
static const TimePoint begun = Clock::now();
@
rung.get();
"""
UNOBSERVED = """
static const auto log = [](const std::string& error, const std::string& file, unsigned) {
  std::printf("%s %d", error.c_str(), file == __FILE__);
};
@
InlineExecutor here;
fork(here, [] { throw ValueError("unseen"); });
"""
VALUE = """
const auto use = [](int64_t n) { std::printf("%d", int(n)); };
@
"""
# What stands around the example of a header (@), and what the program prints. Without a main() it is the inside of one.
AROUND = {
    "combinators.h": (COMBINATORS, "20 10 1 2"),
    "context.h": (CONTEXT, "0 Cancelled: the future was cancelled"),
    "coroutine.h": (COROUTINE, "5"),
    "error.h": (ERROR, "ShapeError: matmul: expected a matrix, got sizes [3]"),
    "executor.h": (EXECUTOR, "woken 0 7"),
    "foreign.h": ("@\nint main() {}\n", ""),
    "fork.h": (FORK, "610"),
    "future.h": ('@\nstd::printf("%s", s.c_str());', "42"),
    "graph.h": (GRAPH, "0.381"),
    "raw.h": (RAW, "hello\n"),
    "resolver.h": (RESOLVER, "tensor([5., 5.])\n"),
    "rpc.h": (RPC, "12\n"),
    "rpc_call.h": (RPC_CALL, "1024"),
    "rpc_function.h": (RPC_FUNCTION, "1024 2 1"),
    "rpc_reference.h": (RPC_REFERENCE, "0.5 1"),
    "rpc_stream.h": (RPC_STREAM, "the last\n"),
    "scalar.h": ("const tine::Tensor x = tine::ones({2});\n@", ""),
    "scheduler.h": (SCHEDULER, "42 10000"),
    "script.h": (SCRIPT, "0.0\n"),
    "stream.h": ('@\nint main() { std::printf("%d %d", int(sum()), int(sum_of(countdown(4)).get())); }', "6 10"),
    "task_group.h": (TASK_GROUP, "4 9 the first"),
    "tensor.h": ("@", "tensor([[1., 1., 1.],\n        [1., 1., 1.]])"),
    "timer.h": (TIMER, "1"),
    "tracing.h": ("const tine::Tensor example = tine::ones({2}), other = tine::ones({4});\n@", ""),
    "type.h": ("const tine::OpTable& ops = tine::Runtime::instance().ops();\n@", ""),
    "unobserved.h": (UNOBSERVED, "ValueError: unseen 1"),
    "value.h": (VALUE, "1"),
}
# What an example leaves out.
MEANT = {
    "executor.h": [("};", "} loop;"), ("...", 'std::printf("%d", done.get());')],
    "scheduler.h": [("...", "total += end - begin;")],
    "timer.h": [("...", 'std::printf("%d", Clock::now() - begun >= 100ms);')],
}
INCLUDES = """
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <queue>
#include <string>
#include <thread>
#include <vector>
#include "tine/functions.h"
#include "tine/runtime.h"
#include "tine/{header}"
"""


def example(header):
    head = (ROOT / "include/tine" / header).read_text().split("#pragma once")[0]
    lines = re.split(r"^// State ", head, flags=re.MULTILINE)[0].splitlines()
    return "\n".join(line[5:] for line in lines if re.match(r"//   |//$", line)).strip()


def program_of(header):
    text = example(header)
    assert text, "no example"
    names = "" if "#include" in text else INCLUDES.format(header=header)
    names += "" if "tine::" in text or "#include" in text else "using namespace tine;\n"
    for shown, meant in MEANT.get(header, []):
        text = text.replace(shown, meant)
    around, printed = AROUND.get(header, ("@", None))
    program = around.replace("@", text)
    return names + (program if "int main(" in program else f"int main() {{\n{program}\n}}\n"), printed


@pytest.mark.parametrize("header", HEADERS)
def test_the_example_of_a_header_compiles_without_a_warning_and_runs(tmp_path, header):
    source, program, library = tmp_path / "example.cpp", tmp_path / "example", BUILD / "python" / "tine"
    text, printed = program_of(header)
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
