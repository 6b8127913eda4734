// object_sorting: `xs.sort()` and `sorted(xs)` of a list of objects, by the `__lt__` of their class: script functions like any
// other, made for each class that needs them.
#pragma once

#include <memory>

#include "src/compile/compile.h"

namespace tine::compile {

// `sorted(xs, reverse)`, or `xs.sort(reverse)` with `in_place`. `names` knows the class.
[[nodiscard]] FunctionRef sorting_of(const TypePtr& element, bool in_place, std::shared_ptr<Resolver> names);

}  // namespace tine::compile
