// Reductions, as PyTorch's operators of the same names: sum, mean, max, min and their places, any, all, softmax, equal,
// allclose.
//
// A reduction is one pass. Its result does not depend on the number of cores: blocks have a fixed size, and their sums
// are added in order. float32 sums add their blocks in double. A dimension that does not exist or is named twice is an
// IndexError, the mean of integers is a TypeError in PyTorch's words, and max, min or argmax of nothing is a
// RuntimeError.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "src/tensor/splitter.h"
#include "tine/scalar.h"
#include "tine/tensor.h"

namespace tine::tensor {

using Dims = std::span<const int64_t>;  // empty: all of them

// bool and integers sum to int64. `dtype`: convert first.
[[nodiscard]] Tensor sum(const KernelContext& c, const Tensor& a, Dims dims = {}, bool keepdim = false,
                         std::optional<DType> dtype = {});
[[nodiscard]] Tensor mean(const KernelContext& c, const Tensor& a, Dims dims = {}, bool keepdim = false,
                          std::optional<DType> dtype = {});
[[nodiscard]] Tensor prod(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim = {},
                          bool keepdim = false);
[[nodiscard]] Tensor any(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim = {},
                         bool keepdim = false);
[[nodiscard]] Tensor all(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim = {},
                         bool keepdim = false);
// Of all elements.
[[nodiscard]] Tensor max(const KernelContext& c, const Tensor& a);
[[nodiscard]] Tensor min(const KernelContext& c, const Tensor& a);
// Along one dimension: values and their first places. NaN counts as the extreme.
[[nodiscard]] std::pair<Tensor, Tensor> max(const KernelContext& c, const Tensor& a, int64_t dim,
                                            bool keepdim = false);
[[nodiscard]] std::pair<Tensor, Tensor> min(const KernelContext& c, const Tensor& a, int64_t dim,
                                            bool keepdim = false);
[[nodiscard]] Tensor argmax(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim = {},
                            bool keepdim = false);
[[nodiscard]] Tensor argmin(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim = {},
                            bool keepdim = false);

[[nodiscard]] Tensor softmax(const KernelContext& c, const Tensor& a, int64_t dim,
                             std::optional<DType> dtype = {});
[[nodiscard]] Tensor log_softmax(const KernelContext& c, const Tensor& a, int64_t dim,
                                 std::optional<DType> dtype = {});

// Same sizes and elements; different dtypes are an error, as in PyTorch.
[[nodiscard]] bool equal(const KernelContext& c, const Tensor& a, const Tensor& b);
// |a - b| <= atol + rtol * |b| everywhere.
[[nodiscard]] bool allclose(const KernelContext& c, const Tensor& a, const Tensor& b, double rtol = 1e-5,
                            double atol = 1e-8, bool equal_nan = false);

}  // namespace tine::tensor
