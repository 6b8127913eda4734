// suggest: the name that a misspelled one may have meant, by Damerau-Levenshtein distance (optimal string alignment).
//
// It takes the product of both lengths a candidate, so it is called only when an error is being written.
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
