// Tensors out of a program's data.
#pragma once

#include <optional>

#include "src/value/op_context.h"
#include "tine/value.h"

namespace tine::value {

// tensor([[1, 2], [3, 4]]): numbers, or lists of them nested evenly; a Tensor is copied.
[[nodiscard]] Tensor make_tensor(OpContext& c, const Value& data, std::optional<DType> dtype = {});

}  // namespace tine::value
