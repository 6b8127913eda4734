// Views, joining and indexing, as PyTorch's operators of the same names.
//
// A view shares the storage of its argument and costs one small allocation. cat, stack and the index functions copy.
// reshape, flatten and contiguous copy only where a view is impossible. A dimension or an index out of range is an
// IndexError, and sizes that do not fit are a ShapeError; both name the sizes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "src/tensor/splitter.h"
#include "tine/tensor.h"

namespace tine::tensor {

using Sizes = std::span<const int64_t>;

// Views. A size of -1 is inferred (view, reshape) or kept (expand).
[[nodiscard]] Tensor view(const Tensor& a, Sizes sizes);
[[nodiscard]] Tensor reshape(const KernelContext& c, const Tensor& a, Sizes sizes);
[[nodiscard]] Tensor flatten(const KernelContext& c, const Tensor& a, int64_t start_dim = 0,
                             int64_t end_dim = -1);
[[nodiscard]] Tensor contiguous(const KernelContext& c, const Tensor& a);
[[nodiscard]] Tensor squeeze(const Tensor& a);
[[nodiscard]] Tensor squeeze(const Tensor& a, int64_t dim);
[[nodiscard]] Tensor unsqueeze(const Tensor& a, int64_t dim);
[[nodiscard]] Tensor expand(const Tensor& a, Sizes sizes);
[[nodiscard]] Tensor permute(const Tensor& a, Sizes dims);
[[nodiscard]] Tensor transpose(const Tensor& a, int64_t dim0, int64_t dim1);
[[nodiscard]] Tensor t(const Tensor& a);
[[nodiscard]] Tensor select(const Tensor& a, int64_t dim, int64_t index);
// start and end as in Python's slices; step >= 1.
[[nodiscard]] Tensor slice(const Tensor& a, int64_t dim, std::optional<int64_t> start,
                           std::optional<int64_t> end, int64_t step = 1);
[[nodiscard]] Tensor narrow(const Tensor& a, int64_t dim, int64_t start, int64_t length);
[[nodiscard]] std::vector<Tensor> unbind(const Tensor& a, int64_t dim = 0);
[[nodiscard]] std::vector<Tensor> split(const Tensor& a, int64_t split_size, int64_t dim = 0);
[[nodiscard]] std::vector<Tensor> chunk(const Tensor& a, int64_t chunks, int64_t dim = 0);

// Copies.
[[nodiscard]] Tensor cat(const KernelContext& c, std::span<const Tensor> tensors, int64_t dim = 0);
[[nodiscard]] Tensor stack(const KernelContext& c, std::span<const Tensor> tensors, int64_t dim = 0);
[[nodiscard]] Tensor index_select(const KernelContext& c, const Tensor& a, int64_t dim, const Tensor& index);
[[nodiscard]] Tensor gather(const KernelContext& c, const Tensor& a, int64_t dim, const Tensor& index);
[[nodiscard]] Tensor masked_select(const KernelContext& c, const Tensor& a, const Tensor& mask);
// a[index] where index is int64 (rows, any shape) or bool (as many leading dimensions as it has).
[[nodiscard]] Tensor index(const KernelContext& c, const Tensor& a, const Tensor& index);
// a[indices[0], indices[1], ...]; an undefined one stands for `:`; int64 and bool; they broadcast.
[[nodiscard]] Tensor index(const KernelContext& c, const Tensor& a, std::span<const Tensor> indices);
// The places of the elements that aren't zero: an int64 row for each, with a column for each dimension.
[[nodiscard]] Tensor nonzero(const KernelContext& c, const Tensor& a);
// a[indices...] = values.
const Tensor& index_put_(const KernelContext& c, const Tensor& self, std::span<const Tensor> indices,
                         const Tensor& values, bool accumulate = false);

// 0 <= result < dim (dim 0 counts as 1); IndexError in PyTorch's words.
[[nodiscard]] int64_t wrap_dim(int64_t dim, int64_t of);
[[nodiscard]] std::string to_string(Sizes sizes);  // "[2, 3]"

}  // namespace tine::tensor
