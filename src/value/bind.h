// The arguments of one call, bound to one schema: one Value for each of its arguments. Each of the three says whether that
// worked; `bound` is overwritten in any case.
#pragma once

#include "tine/operators.h"

namespace tine {

// Positions and defaults, nothing to convert: what nearly every call is.
[[nodiscard]] bool bind_positions(const Schema& schema, std::span<const Value> args,
                                  std::vector<Value>* bound);

// The same with keywords.
[[nodiscard]] bool bind_as_it_is(const Schema& schema, std::span<const Value> args,
                                 std::span<const Keyword> keywords, Boundary boundary,
                                 std::vector<Value>* bound);

// With the conversions of the boundary. When it does not fit, `bound` is empty and `why`, unless null, gets the reason.
[[nodiscard]] bool bind(const Schema& schema, std::span<const Value> args, std::span<const Keyword> keywords,
                        Boundary boundary, std::vector<Value>* bound, std::string* why);

}  // namespace tine
