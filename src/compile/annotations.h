// annotations: types and constants as the source writes them, in annotations and in the defaults of parameters.
#pragma once

#include "src/compile/names.h"

namespace tine::compile {

[[nodiscard]] TypePtr annotation_type(const syntax::Expr& e, const Names& names);
// A literal, or a name that is a Constant; fails when it is neither.
[[nodiscard]] Value constant_value(const syntax::Expr& e, const Names& names);

// Why no dict has keys of that type; empty where one may.
[[nodiscard]] std::string key_refusal(const Type& key);

}  // namespace tine::compile
