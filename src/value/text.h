// How values appear in messages and in print: Python's own forms.
#pragma once

#include <string>
#include <string_view>

#include "tine/value.h"

namespace tine {

// "int", "Tensor", the class of an object, the type that a foreign object names.
[[nodiscard]] std::string type_name(const Value& value);
// One short line that names type and value: "int 3", "str 'abc'", "Tensor float32[2, 3]", "list of 4".
[[nodiscard]] std::string brief(const Value& value);
// Python's repr of a float ("1.0", "1e-05", "inf") and of a str ('it\'s', quotes chosen as Python does).
[[nodiscard]] std::string float_repr(double value);
[[nodiscard]] std::string string_repr(std::string_view text);
// Python's str(): a string as it is, everything else its repr.
[[nodiscard]] std::string to_text(const Value& value);

}  // namespace tine
