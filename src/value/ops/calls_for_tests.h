// For tests: calls of operator rows, written as text.
#pragma once

#include <string>

#include "tine/operators.h"

namespace tine::value {

// One call in each line: `name(args) => result`, `name(args) => Error: message` or `name(args) => *`. After ` ; self` comes
// the first argument as it is after the call. Arguments: literals, [lists], (tuples), {dicts: of}, tensor(...). `~` stands
// for the end of a line.
extern const char* const kTensorCalls;
extern const char* const kTextCalls;
extern const char* const kPythonTextCalls;
extern const char* const kProgramCalls;

struct Call {
  const Op* op = nullptr;
  std::vector<Value> args;  // bound
  std::string expected;
  std::string self;
};
[[nodiscard]] Call parse_call(const OpTable& table, std::string_view line);

}  // namespace tine::value
