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

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace tine::compile {

// "; did you mean `x`?", or nothing when none is spelled almost alike. Only those that `usable` (null: all) says can
// stand there; it is asked about the near ones.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates,
                                       const std::function<bool(const std::string&)>& usable = nullptr);

}  // namespace tine::compile
