// The dtype in which an operator computes, by PyTorch's rules of type promotion ("Tensor Attributes"): a tensor with
// dimensions outranks one without, which outranks a number, unless the lower rank is of a higher category (bool < integer
// < float).
#pragma once

#include "tine/scalar.h"
#include "tine/tensor.h"

namespace tine::tensor {

// Of two tensors' dtypes on the same footing.
[[nodiscard]] DType promote(DType a, DType b) noexcept;
// Of two tensors, with the rule above; of a tensor and a number.
[[nodiscard]] DType result_type(const Tensor& a, const Tensor& b);
[[nodiscard]] DType result_type(const Tensor& a, Scalar b);
// May a result of `from` be stored into an existing tensor of `to`: not float into integer, nothing into bool but bool.
[[nodiscard]] bool can_cast(DType from, DType to) noexcept;

}  // namespace tine::tensor
