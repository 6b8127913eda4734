// overload: which row of an operator a call means. It depends on the rows' schemas and on the arguments' types alone.
//
// The rows are tried in four rounds, in their order, and the first that takes all arguments is chosen. A round accepts
// what those before it accept, and
//   0  nothing else: each argument is of its parameter's type;
//   1  lists: `[]` for any list, a tuple for a list of its elements, bare numbers for a list of numbers (x.sum(0, 1));
//   2  an int for a float;
//   3  rows over bare numbers, whose result no longer says whether it is an int or a float.
// So a row that fits exactly always wins over one that needs a conversion, wherever it stands in the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tine/schema.h"

namespace tine::compile {

struct ArgumentType {
  std::string_view name;  // empty: by position
  TypePtr type;
  bool empty_list = false;     // a `[]` that may still become a list of anything
  std::string_view help = {};  // for a refusal: what to do about a value that may be None
};

// Where one input of the chosen row comes from.
struct InputSource {
  enum class How : uint8_t { kAsIs, kToFloat, kEmptyList, kWrap, kTupleToList, kDefault } how = How::kAsIs;
  size_t arg = 0;
  size_t count = 1;   // kWrap: the arguments [arg, arg + count) become one list
  TypePtr list = {};  // kEmptyList, kWrap and kTupleToList: its type
};

struct Choice {
  size_t row = 0;  // its index among the rows
  std::vector<InputSource> inputs;
  TypePtr result;
};

[[nodiscard]] std::optional<Choice> choose_overload(std::span<const Schema* const> rows,
                                                    std::span<const ArgumentType> args);

// Why no row was chosen: of a single row ": <reason>" with its schema below, of several each schema with its reason.
// Empty when there are no rows.
[[nodiscard]] std::string why_no_overload(std::span<const Schema* const> rows,
                                          std::span<const ArgumentType> args);

// Whether a type of a schema has a variable in it, such as the `t` of `t[]`.
[[nodiscard]] bool has_variable(const TypePtr& type);

}  // namespace tine::compile
