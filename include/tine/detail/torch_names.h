// The public names of PyTorch. The error for a name that is missing here can say whether PyTorch has it, so that it is not
// there yet, or whether it is misspelled. Nobody who wrote a name of PyTorch's is offered another one instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tine/detail/export.h"

namespace tine {

// `place`: "torch", "torch.nn.functional", "torch.Tensor", ...
[[nodiscard]] TINE_API bool in_torch(std::string_view place, std::string_view name);
[[nodiscard]] TINE_API std::vector<std::string_view> torch_names(std::string_view place);
// "`torch.topk` is not there yet"; empty when PyTorch has no such name either.
[[nodiscard]] TINE_API std::string not_there_yet(std::string_view place, std::string_view name);

}  // namespace tine
