// What a script costs: a loop's turn, a call, a fork and its wait.
#include <benchmark/benchmark.h>

#include <memory>
#include <string_view>

#include "src/compile/emit.h"
#include "src/ir/parse.h"
#include "src/value/op_context.h"
#include "src/value/ops/ops.h"
#include "src/vm/machine.h"
#include "tine/scheduler.h"

namespace {

using namespace tine;

struct Bench {
  OpTable ops;
  code::Library library;
  Scheduler scheduler{2};
  vm::Machine machine{scheduler, OpContext{}};

  Bench() { add_builtin_operators(ops); }
  const code::Function& define(const char* name, std::string_view text) {
    return library.define(compile::emit(*ir::parse(text, ops, name)));
  }
  Value call(const code::Function& f, int64_t n) {
    const Value args[] = {Value(n)};
    return machine.call(f, args);
  }
};

constexpr std::string_view kLoop = R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %seven : int = prim::Constant[value=7]()
  %true : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %true, %zero)
    block0(%i : int, %s.1 : int):
      %t : int = aten::remainder(%i, %seven)
      %s.2 : int = aten::add(%s.1, %t)
      -> (%true, %s.2)
  return (%s)
)";

constexpr std::string_view kFib = R"(
graph(%n : int):
  %two : int = prim::Constant[value=2]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::lt(%n, %two)
  %r : int = prim::If(%c)
    block0():
      -> (%n)
    block1():
      %m : int = aten::sub(%n, %one)
      %a : int = prim::CallFunction[name="fib"](%m)
      %k : int = aten::sub(%n, %two)
      %b : int = prim::CallFunction[name="fib"](%k)
      %s : int = aten::add(%a, %b)
      -> (%s)
  return (%r)
)";

// x + 1 in a task of its own, n times.
constexpr std::string_view kForkWait = R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %true : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %true, %zero)
    block0(%i : int, %s.1 : int):
      %f : Future[int] = prim::fork_0(%s.1)
      %s.2 : int = aten::wait(%f)
      -> (%true, %s.2)
  return (%s)

with prim::fork_0 = graph(%x : int):
  %one : int = prim::Constant[value=1]()
  %y : int = aten::add(%x, %one)
  return (%y)
)";

// The time of one of `n` things inside an iteration.
void report(benchmark::State& state, const char* name, double n) {
  state.counters[name] = benchmark::Counter(n * static_cast<double>(state.iterations()),
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void one_turn(benchmark::State& state) {
  Bench bench;
  const code::Function& f = bench.define("loop", kLoop);
  for (auto _ : state) benchmark::DoNotOptimize(bench.call(f, 1'000'000));
  report(state, "turn", 1e6);
}
BENCHMARK(one_turn)->Unit(benchmark::kMillisecond);

void fib_call(benchmark::State& state) {
  Bench bench;
  const code::Function& f = bench.define("fib", kFib);
  for (auto _ : state) benchmark::DoNotOptimize(bench.call(f, 27));
  report(state, "call", 832040);
}
BENCHMARK(fib_call)->Unit(benchmark::kMillisecond);

void fork_wait(benchmark::State& state) {
  Bench bench;
  const code::Function& f = bench.define("forks", kForkWait);
  for (auto _ : state) benchmark::DoNotOptimize(bench.call(f, 100'000));
  report(state, "fork_wait", 1e5);
}
BENCHMARK(fork_wait)->Unit(benchmark::kMillisecond)->UseRealTime();

// What a caller in C++ pays for a script function that does nothing.
void empty_call(benchmark::State& state) {
  Bench bench;
  const code::Function& f = bench.define("same", "graph(%x : int):\n  return (%x)\n");
  for (auto _ : state) benchmark::DoNotOptimize(bench.call(f, 1));
}
BENCHMARK(empty_call);

}  // namespace
