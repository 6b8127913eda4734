// Losses of classifiers and regressions.
//
// State      None.
// Threads    Any.
// Ordering   None.
// Ownership  Results are new tensors.
// Errors     ShapeError naming both shapes; IndexError "Target 12 is out of bounds." naming the classes.
// Cost       As the operators that they are made of.
// Source     PyTorch's torch.nn.functional.
#pragma once

#include "src/tensor/splitter.h"
#include "tine/tensor.h"

namespace tine::tensor {

enum class Reduction : int64_t { kNone = 0, kMean = 1, kSum = 2 };  // PyTorch's numbers

// log_probabilities (N, C) or (C), target (N) or () of class numbers.
[[nodiscard]] TINE_API Tensor nll_loss(const KernelContext& c, const Tensor& log_probabilities,
                                       const Tensor& target, Reduction reduction = Reduction::kMean);
[[nodiscard]] TINE_API Tensor cross_entropy(const KernelContext& c, const Tensor& logits,
                                            const Tensor& target, Reduction reduction = Reduction::kMean);
[[nodiscard]] TINE_API Tensor mse_loss(const KernelContext& c, const Tensor& a, const Tensor& b,
                                       Reduction reduction = Reduction::kMean);
// int64; -1 classes: one more than the largest.
[[nodiscard]] TINE_API Tensor one_hot(const KernelContext& c, const Tensor& classes,
                                      int64_t num_classes = -1);

}  // namespace tine::tensor
