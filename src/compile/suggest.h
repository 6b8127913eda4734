// suggest: the name that a misspelled one may have meant.
//
// State      None.
// Threads    Any.
// Ordering   Of equally near names the first.
// Ownership  Returns a copy.
// Errors     None.
// Cost       The product of both lengths a candidate; only when an error is being written.
// Source     Damerau-Levenshtein distance (optimal string alignment).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tine::compile {

// Empty when nothing is near.
[[nodiscard]] std::string nearest(std::string_view name, std::span<const std::string> candidates);
// "; did you mean `x`?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace tine::compile
