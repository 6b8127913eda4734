// What tine adds to OpenBLAS: the product of two matrices of 512 x 512 floats on one thread.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <vector>

#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/linear.h"

namespace {

constexpr int64_t kSide = 512;

void baseline_openblas(benchmark::State& state) {
  tine::tensor::use_one_blas_thread();
  const std::vector<float> a(kSide * kSide, 0.5F), b(kSide * kSide, 0.25F);
  std::vector<float> out(kSide * kSide);
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, kSide, kSide, kSide, 1, a.data(), kSide, b.data(),
                kSide, 0, out.data(), kSide);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(baseline_openblas);

void matmul_512(benchmark::State& state) {
  tine::tensor::use_one_blas_thread();
  tine::Generator generator;
  const tine::KernelContext context{&generator, nullptr};
  const std::vector<int64_t> sizes{kSide, kSide};
  const tine::Tensor a = tine::tensor::randn(context, sizes);
  const tine::Tensor b = tine::tensor::randn(context, sizes);
  for (auto _ : state) {
    const tine::Tensor r = tine::tensor::matmul(context, a, b);
    benchmark::DoNotOptimize(r.impl());
  }
}
BENCHMARK(matmul_512);

}  // namespace
