// How wide the elementwise loops run, and what their results' memory costs whatever ran before: tanh of 100,000 floats and
// the sum of 1,000,000, on one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <vector>

#include "src/future/trimming.h"
#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/pointwise.h"

namespace {

constexpr int64_t kCount = 100'000;
constexpr int64_t kMany = 1'000'000;

// As a Runtime has it.
void keep_memory() {
  static tine::InlineExecutor here;
  static tine::Timer timer(here);
  static const tine::Trimming trimming(tine::Recycler::of_process(), timer);
}

// Results of many sizes, some kept for long, as a program leaves malloc's heap behind: what it does with a block of some
// size afterwards is chance.
void leave_a_heap_behind() {
  const tine::KernelContext context;
  std::mt19937 random(1);
  std::vector<tine::Tensor> held(16);
  for (int i = 0; i < 100; ++i) {
    const std::vector<int64_t> sizes{1 + static_cast<int64_t>(random() % 2'000'000)};
    held[random() % held.size()] = tine::tensor::ones(sizes);
  }
}

void baseline_std_tanh(benchmark::State& state) {
  std::vector<float> a(kCount), out(kCount);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i) * 8e-5f - 4;
  for (auto _ : state) {
    for (size_t i = 0; i < a.size(); ++i) out[i] = std::tanh(a[i]);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(baseline_std_tanh);

void tanh_100000_floats(benchmark::State& state) {
  keep_memory();
  if (state.range(0)) leave_a_heap_behind();
  const tine::KernelContext context;
  const tine::Tensor a = tine::tensor::linspace(-4, 4, kCount);
  for (auto _ : state) {
    const tine::Tensor r = tine::tensor::tanh(context, a);
    benchmark::DoNotOptimize(r.impl());
  }
}
BENCHMARK(tanh_100000_floats)->Arg(0)->Arg(1);

// The loop alone, into memory that is there.
void baseline_add_loop(benchmark::State& state) {
  std::vector<float> a(kMany, 1), b(kMany, 2), out(kMany);
  for (auto _ : state) {
    for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] + b[i];
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(baseline_add_loop);

void add_1000000_floats(benchmark::State& state) {
  keep_memory();
  if (state.range(0)) leave_a_heap_behind();
  const tine::KernelContext context;
  const std::vector<int64_t> sizes{kMany};
  const tine::Tensor a = tine::tensor::ones(sizes);
  const tine::Tensor b = tine::tensor::ones(sizes);
  for (auto _ : state) {
    const tine::Tensor sum = tine::tensor::add(context, a, b);
    benchmark::DoNotOptimize(sum.impl());
  }
}
BENCHMARK(add_1000000_floats)->Arg(0)->Arg(1);

}  // namespace
