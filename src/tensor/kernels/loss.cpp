#include "src/tensor/kernels/loss.h"

#include <fmt/format.h>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/reduce.h"

namespace tine::tensor {
namespace {

Tensor reduced(const KernelContext& c, const Tensor& each, Reduction reduction) {
  if (reduction == Reduction::kMean) return mean(c, each);
  if (reduction == Reduction::kSum) return sum(c, each);
  return each;
}

}  // namespace

Tensor nll_loss(const KernelContext& c, const Tensor& log_probabilities, const Tensor& target,
                Reduction reduction) {
  const Impl& x = impl_of(log_probabilities);
  const Impl& y = impl_of(target);
  const bool fits =
      (x.dim() == 1 && y.dim() == 0) || (x.dim() == 2 && y.dim() == 1 && x.sizes()[0] == y.sizes()[0]);
  if (!fits)
    throw ShapeError(fmt::format(
        "nll_loss: expected input (N, C) and target (N), or (C) and (), but got input batch {} and "
        "target {}",
        to_string(x.sizes()), to_string(y.sizes())));
  if (y.dtype() != DType::kInt64)
    throw TypeError(
        fmt::format("nll_loss: expected int64 class numbers as target, not {}", name_of(y.dtype())));
  const int64_t classes = x.sizes().back();
  const Tensor labels = contiguous(c, target);
  // Checked before gather(), which would count negative labels from the end and would not speak of classes.
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t label = labels.data_as<int64_t>()[i];
    if (label < 0 || label >= classes)
      throw IndexError(fmt::format("Target {} is out of bounds: there are {} classes (input {})", label,
                                   classes, to_string(x.sizes())));
  }
  const Tensor column = unsqueeze(labels, -1);
  return reduced(c, neg(c, squeeze(gather(c, log_probabilities, -1, column), -1)), reduction);
}

Tensor cross_entropy(const KernelContext& c, const Tensor& logits, const Tensor& target,
                     Reduction reduction) {
  if (impl_of(logits).dim() == 0)
    throw ShapeError("cross_entropy: expected logits (N, C) or (C), but got a tensor without dimensions");
  return nll_loss(c, log_softmax(c, logits, -1), target, reduction);
}

Tensor mse_loss(const KernelContext& c, const Tensor& a, const Tensor& b, Reduction reduction) {
  return reduced(c, square(c, sub(c, a, b)), reduction);
}

Tensor one_hot(const KernelContext& c, const Tensor& classes, int64_t num_classes) {
  const Impl& x = impl_of(classes);
  if (x.dtype() != DType::kInt64)
    throw TypeError(fmt::format("one_hot is only applicable to index tensors of dtype int64, not {}",
                                name_of(x.dtype())));
  if (num_classes == -1) {
    if (x.numel() == 0) throw ValueError("Can not infer total number of classes from empty tensor.");
    num_classes = max(c, classes).item_as_int() + 1;
  }
  DimVector sizes(x.sizes());
  sizes.push_back(num_classes);
  const Tensor labels = contiguous(c, classes);
  Tensor out = zeros(sizes, DType::kInt64);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const int64_t label = labels.data_as<int64_t>()[i];
    if (label < 0) throw IndexError(fmt::format("Class values must be non-negative, not {}.", label));
    if (label >= num_classes)
      throw IndexError(fmt::format("Class values must be smaller than num_classes: {} is not below {}.",
                                   label, num_classes));
    out.data_as<int64_t>()[i * num_classes + label] = 1;
  }
  return out;
}

}  // namespace tine::tensor
