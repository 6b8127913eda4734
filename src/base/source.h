// Errors with a place in a source text (tine/source.h).
#pragma once

#include <string>
#include <string_view>

#include "tine/error.h"
#include "tine/source.h"

namespace tine {

// "file.py:3:4: message", then the excerpt.
[[nodiscard]] std::string located(const SourceSpan& where, std::string_view message);
// Throws the error class of that kind.
[[noreturn]] void throw_at(ErrorKind kind, const SourceSpan& where, std::string_view message);

}  // namespace tine
