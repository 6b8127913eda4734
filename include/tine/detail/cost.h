// Cost: from what an operator's time is told before it runs. nanoseconds(op, args) of tine/operators.h tells it; the rates
// of the rows are in src/value/cost.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "tine/value.h"

namespace tine {

// Longer than anybody waits: no bound is known.
inline constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

struct Cost {
  // What is counted.
  enum class Rule : uint8_t {
    kUndeclared,  // as kUnbounded; no row of tine's own may be so
    kUnbounded,   // waits, prints, calls others
    kFixed,       // nothing: numbers, views, sizes
    kResult,      // elements of all tensor arguments broadcast together
    kStored,      // the same, and the values in lists, which are read one by one
    kInputs,      // elements of all tensor arguments, those in lists, too; of empty ones the other dimensions
    kCopy,        // elements of the first argument unless it is contiguous
    kSizes,       // the product of the first int[]
    kRange,       // (end - start) / step of arange
    kSteps,       // the third argument
    kIdentity,    // the first two ints multiplied, one int squared
    kCount,       // the first argument
    kProduct,     // multiplications of the matrices args[0] @ args[1]
    kLinear,      // multiplications of args[0] @ args[1].t()
    kAddProduct,  // multiplications of args[1] @ args[2]
    kRows,        // the size of the first argument's dimension 0
    kUnbind,      // the size of dimension args[1]
    kSplit,       // the size of dimension args[2] through args[1]
    kChunk,       // args[1], at most the size of dimension args[2]
    kSelect,      // the result of index_select
    kGather,      // elements of args[2]
    kIndex,       // the result of args[0][args[1]], a Tensor?[]
    kSubscript,   // the same of a list of any indices, and what is stored; nothing where it is a view
    kOneHot,      // elements of args[0] times args[1]
    kText,        // bytes of the strings
    kLength,      // lengths of lists and dicts, bytes of strings
    kRepeat,      // the length of one argument times the int that is the other
    kPad,         // the length of args[0] and the int args[1]
    kSearch,      // the product of the strings' lengths
    kJoin,        // bytes of the list's strings and as many separators
    kDeep,        // values in values, to the leaves: lists, strings, tensors
    kSort,        // n log n of what kDeep counts
  };

  Rule rule = Rule::kUndeclared;
  uint32_t rate = 0;  // picoseconds for each of what is counted
};

namespace detail {
[[nodiscard]] TINE_API int64_t nanoseconds(Cost cost, const Value* args, size_t n) noexcept;
inline constexpr int64_t kFixedCost = 50;  // a call that does next to nothing
}  // namespace detail

// Of a call with these `n` bound arguments.
[[nodiscard]] inline int64_t nanoseconds(Cost cost, const Value* args, size_t n) noexcept {
  return cost.rule == Cost::Rule::kFixed ? detail::kFixedCost : detail::nanoseconds(cost, args, n);
}

}  // namespace tine
