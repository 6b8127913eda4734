// str.format: replacement fields, and the format language of numbers and strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tine/value.h"

namespace tine::value {

// "{} {1!r} {0:>8.3f}" over positional arguments. Fields have no names, attributes or nested fields. ValueError,
// IndexError and TypeError in Python's words.
[[nodiscard]] std::string format(std::string_view text, const std::vector<Value>& args);
// "%d and %-8.3f", Python's `%` over positional arguments.
[[nodiscard]] std::string percent_format(std::string_view text, const std::vector<Value>& args);
// Python's format(value, spec): "08.3f", "<10", ",", "x", "%", ...
[[nodiscard]] std::string format_value(const Value& value, std::string_view spec);

}  // namespace tine::value
