// How types go together: what the compiler and the tracer ask of schemas with variables and of values that meet.
#pragma once

#include <string>
#include <unordered_map>

#include "tine/type.h"

namespace tine {

// Binds the variables of `pattern` so that it matches `actual`; false when it can't.
using TypeBindings = std::unordered_map<std::string, TypePtr>;
[[nodiscard]] bool match(const TypePtr& pattern, const TypePtr& actual, TypeBindings* bindings);
// `pattern` with its variables replaced; null when one is unbound.
[[nodiscard]] TypePtr substitute(const TypePtr& pattern, const TypeBindings& bindings);
// The least type that both fit, null when there is none (None and T give Optional[T]).
[[nodiscard]] TypePtr unify(const TypePtr& a, const TypePtr& b);

}  // namespace tine
