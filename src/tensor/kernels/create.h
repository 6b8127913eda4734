// New tensors: constants, ranges, random numbers, and tensors of a program's numbers. They follow PyTorch's functions of
// the same names, except that random numbers are tine's own sequence (src/tensor/generator.h).
//
// Each is one allocation and one pass. A wrong argument is a ValueError or ShapeError that names it. Asking for random
// numbers in a context without a generator is a RuntimeError.
#pragma once

#include <optional>
#include <span>

#include "src/tensor/generator.h"
#include "src/tensor/splitter.h"
#include "tine/scalar.h"
#include "tine/tensor.h"

namespace tine::tensor {

[[nodiscard]] Tensor zeros(std::span<const int64_t> sizes, DType dtype = DType::kFloat32);
[[nodiscard]] Tensor ones(std::span<const int64_t> sizes, DType dtype = DType::kFloat32);
// Without a dtype: that of the value.
[[nodiscard]] Tensor full(std::span<const int64_t> sizes, Scalar value, std::optional<DType> dtype = {});
[[nodiscard]] Tensor empty_like(const Tensor& a, std::optional<DType> dtype = {});
[[nodiscard]] Tensor zeros_like(const Tensor& a, std::optional<DType> dtype = {});
[[nodiscard]] Tensor ones_like(const Tensor& a, std::optional<DType> dtype = {});
[[nodiscard]] Tensor full_like(const Tensor& a, Scalar value, std::optional<DType> dtype = {});

// [start, end) by step; int64 when all three are integers, else float32.
[[nodiscard]] Tensor arange(Scalar start, Scalar end, Scalar step = 1, std::optional<DType> dtype = {});
[[nodiscard]] Tensor linspace(double start, double end, int64_t steps, DType dtype = DType::kFloat32);
[[nodiscard]] Tensor eye(int64_t n, std::optional<int64_t> m = {}, DType dtype = DType::kFloat32);
// tensor([...]) of a program: without a dtype float32 if any value is a float, else int64, else bool.
[[nodiscard]] Tensor from_scalars(std::span<const Scalar> values, std::span<const int64_t> sizes,
                                  std::optional<DType> dtype = {});
[[nodiscard]] Tensor from_scalar(Scalar value, std::optional<DType> dtype = {});  // 0-d

// Uniform in [0, 1), standard normal, integers in [low, high), a permutation of 0..n-1.
[[nodiscard]] Tensor rand(const KernelContext& c, std::span<const int64_t> sizes,
                          DType dtype = DType::kFloat32);
[[nodiscard]] Tensor randn(const KernelContext& c, std::span<const int64_t> sizes,
                           DType dtype = DType::kFloat32);
[[nodiscard]] Tensor randint(const KernelContext& c, int64_t low, int64_t high,
                             std::span<const int64_t> sizes, DType dtype = DType::kInt64);
[[nodiscard]] Tensor randperm(const KernelContext& c, int64_t n);
[[nodiscard]] Tensor rand_like(const KernelContext& c, const Tensor& a, std::optional<DType> dtype = {});
[[nodiscard]] Tensor randn_like(const KernelContext& c, const Tensor& a, std::optional<DType> dtype = {});
// In place: self is filled.
const Tensor& uniform_(const KernelContext& c, const Tensor& self, double from = 0, double to = 1);
const Tensor& normal_(const KernelContext& c, const Tensor& self, double mean = 0, double std = 1);

}  // namespace tine::tensor
