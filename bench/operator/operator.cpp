// What an operator call costs: choosing the row, the kernel, and both, against adding two numbers in a loop.
#include <benchmark/benchmark.h>

#include "src/tensor/kernels/create.h"
#include "src/value/op_context.h"
#include "src/value/ops/ops.h"
#include "tine/functions.h"
#include "tine/runtime.h"

namespace {

using namespace tine;

const OpTable& table() {
  static const OpTable& made = *[] {
    auto* t = new OpTable;
    add_builtin_operators(*t);
    return t;
  }();
  return made;
}

Value eight() { return tensor::full(std::vector<int64_t>{8}, 1.5); }

// The floor: allocate eight floats, add, free.
void baseline_malloc_add(benchmark::State& state) {
  float a[8] = {1, 2, 3}, b[8] = {4, 5, 6};
  for (auto _ : state) {
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(b);
    auto* sum = static_cast<float*>(std::malloc(sizeof(a)));
    for (int i = 0; i < 8; ++i) sum[i] = a[i] + b[i];
    benchmark::DoNotOptimize(sum);
    std::free(sum);
  }
}
BENCHMARK(baseline_malloc_add);

void resolve_add_tensor(benchmark::State& state) {
  const Value args[] = {eight(), eight()};
  std::vector<Value> bound;
  for (auto _ : state)
    benchmark::DoNotOptimize(&table().resolve("aten::add", args, {}, Boundary::kPython, &bound));
}
BENCHMARK(resolve_add_tensor);

void resolve_add_tensor_known_name(benchmark::State& state) {
  const Value args[] = {eight(), eight()};
  const auto overloads = table().overloads("aten::add");
  std::vector<Value> bound;
  for (auto _ : state)
    benchmark::DoNotOptimize(&OpTable::resolve(overloads, args, {}, Boundary::kPython, &bound));
}
BENCHMARK(resolve_add_tensor_known_name);

// What deciding who runs a call costs.
void estimate_add_tensor(benchmark::State& state) {
  const Op& op = *table().find("aten::add.Tensor");
  const Value args[] = {eight(), eight(), 1};
  for (auto _ : state) benchmark::DoNotOptimize(nanoseconds(op, args));
}
BENCHMARK(estimate_add_tensor);

void resolve_add_scalar_known_name(benchmark::State& state) {
  const Value args[] = {eight(), 1};
  const auto overloads = table().overloads("aten::add");
  std::vector<Value> bound;
  for (auto _ : state)
    benchmark::DoNotOptimize(&OpTable::resolve(overloads, args, {}, Boundary::kPython, &bound));
}
BENCHMARK(resolve_add_scalar_known_name);

void kernel_add_tensor(benchmark::State& state) {
  const Value args[] = {eight(), eight(), 1};
  const Op& op = *table().find("aten::add.Tensor");
  OpContext context;
  for (auto _ : state) benchmark::DoNotOptimize(call(op, context, args));
}
BENCHMARK(kernel_add_tensor);

void resolve_and_add_tensor(benchmark::State& state) {
  const Value args[] = {eight(), eight()};
  const auto overloads = table().overloads("aten::add");
  std::vector<Value> bound;
  OpContext context;
  for (auto _ : state) {
    const Op& op = OpTable::resolve(overloads, args, {}, Boundary::kPython, &bound);
    benchmark::DoNotOptimize(call(op, context, bound.data()));
  }
}
BENCHMARK(resolve_and_add_tensor);

// As a C++ program calls it: by name, and typed.
void call_add_by_name(benchmark::State& state) {
  const Tensor x = ones({8}), y = ones({8});
  const OpTable& ops = Runtime::instance().ops();
  for (auto _ : state) benchmark::DoNotOptimize(ops.call<Tensor>("aten::add", x, y));
}
BENCHMARK(call_add_by_name);

void call_add_typed(benchmark::State& state) {
  const Tensor x = ones({8}), y = ones({8});
  for (auto _ : state) benchmark::DoNotOptimize(add(x, y));
}
BENCHMARK(call_add_typed);

void kernel_add_int(benchmark::State& state) {
  const Value args[] = {2, 3};
  const Op& op = *table().find("aten::add.int");
  OpContext context;
  for (auto _ : state) benchmark::DoNotOptimize(call(op, context, args));
}
BENCHMARK(kernel_add_int);

void build_the_table(benchmark::State& state) {
  for (auto _ : state) {
    OpTable fresh;
    add_builtin_operators(fresh);
    benchmark::DoNotOptimize(&fresh);
  }
}
BENCHMARK(build_the_table)->Unit(benchmark::kMillisecond);

}  // namespace
