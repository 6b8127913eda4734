// How wide the elementwise loops run: tanh of 100,000 floats on one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/pointwise.h"

namespace {

constexpr int64_t kCount = 100000;

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
  const tine::KernelContext context;
  const tine::Tensor a = tine::tensor::linspace(-4, 4, kCount);
  for (auto _ : state) {
    const tine::Tensor r = tine::tensor::tanh(context, a);
    benchmark::DoNotOptimize(r.impl());
  }
}
BENCHMARK(tanh_100000_floats);

}  // namespace
