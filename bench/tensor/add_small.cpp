// What an operator costs beside its arithmetic: the sum of two tensors of 8 floats, with its result made and dropped.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/pointwise.h"

namespace {

// The floor: memory for the result, the loop, and the memory given back.
void baseline_malloc_loop_free(benchmark::State& state) {
  std::vector<float> a(8, 1), b(8, 2);
  for (auto _ : state) {
    auto* out = static_cast<float*>(std::malloc(8 * sizeof(float)));
    benchmark::DoNotOptimize(a.data());
    for (size_t i = 0; i < 8; ++i) out[i] = a[i] + b[i];
    benchmark::DoNotOptimize(out);
    benchmark::ClobberMemory();
    std::free(out);
  }
}
BENCHMARK(baseline_malloc_loop_free);

void add_8_floats(benchmark::State& state) {
  const tine::KernelContext context;
  const std::vector<int64_t> sizes{8};
  const tine::Tensor a = tine::tensor::ones(sizes);
  const tine::Tensor b = tine::tensor::ones(sizes);
  for (auto _ : state) {
    const tine::Tensor sum = tine::tensor::add(context, a, b);
    benchmark::DoNotOptimize(sum.impl());
  }
}
BENCHMARK(add_8_floats);

}  // namespace
