#pragma once

#include <string>

#include "tine/tensor.h"

namespace tine::tensor {

// As PyTorch prints it, with the dtype named `tine.float64` where it is not the one that the digits suggest.
[[nodiscard]] std::string repr(const Tensor& a);

}  // namespace tine::tensor
