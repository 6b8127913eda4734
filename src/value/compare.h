// Python's `==`, order and hash for Values: what list.index, `in`, sort and dict keys use.
#pragma once

#include <cstddef>

#include "tine/value.h"

namespace tine {

// Numbers by value whatever their type, containers element by element, tensors when dtype-promoted
// elements and shapes are all equal, everything else by identity. Never throws for kinds that differ.
[[nodiscard]] bool equals(const Value& a, const Value& b);
// Negative, zero, positive. TypeError, in Python's words, for kinds that have no order.
[[nodiscard]] int compare(const Value& a, const Value& b);
// Python's `is`: the same object. Numbers, bools and strings, which nothing changes, are the same when they are equal and of
// one type.
[[nodiscard]] bool identical(const Value& a, const Value& b) noexcept;
[[nodiscard]] bool hashable(const Value& key) noexcept;
[[nodiscard]] size_t hash_of(const Value& key) noexcept;  // only of what is hashable

}  // namespace tine
