// Losses of classifiers and regressions, as in torch.nn.functional. Results are new tensors.
//
// Shapes that do not fit are a ShapeError that names both. A class that does not exist is an IndexError, "Target 12 is
// out of bounds", that says how many there are.
#pragma once

#include "src/tensor/splitter.h"
#include "tine/tensor.h"

namespace tine::tensor {

enum class Reduction : int64_t { kNone = 0, kMean = 1, kSum = 2 };  // PyTorch's numbers

// log_probabilities (N, C) or (C), target (N) or () of class numbers.
[[nodiscard]] Tensor nll_loss(const KernelContext& c, const Tensor& log_probabilities, const Tensor& target,
                              Reduction reduction = Reduction::kMean);
[[nodiscard]] Tensor cross_entropy(const KernelContext& c, const Tensor& logits, const Tensor& target,
                                   Reduction reduction = Reduction::kMean);
[[nodiscard]] Tensor mse_loss(const KernelContext& c, const Tensor& a, const Tensor& b,
                              Reduction reduction = Reduction::kMean);
// int64; -1 classes: one more than the largest.
[[nodiscard]] Tensor one_hot(const KernelContext& c, const Tensor& classes, int64_t num_classes = -1);

}  // namespace tine::tensor
