// How Python counts: negative indices, slices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "tine/error.h"

namespace tine::value {

// 0 <= result < size, or IndexError with these words.
[[nodiscard]] inline size_t wrap_index(int64_t index, size_t size, const char* out_of_range) {
  const auto n = static_cast<int64_t>(size);
  const int64_t i = index < 0 ? index + n : index;
  if (i < 0 || i >= n) [[unlikely]]
    throw IndexError(out_of_range);
  return static_cast<size_t>(i);
}

// The indices that [start:end:step] selects.
struct SliceRange {
  int64_t start, step, count;
  SliceRange(std::optional<int64_t> from, std::optional<int64_t> to, int64_t by, size_t size) : step(by) {
    if (by == 0) throw ValueError("slice step cannot be zero");
    const auto n = static_cast<int64_t>(size);
    const int64_t least = by > 0 ? 0 : -1, most = by > 0 ? n : n - 1;
    const auto place = [&](std::optional<int64_t> i, int64_t missing) {
      return i ? std::clamp(*i < 0 ? *i + n : *i, least, most) : missing;
    };
    start = place(from, by > 0 ? 0 : n - 1);
    const int64_t end = place(to, by > 0 ? n : -1);
    const int64_t distance = by > 0 ? end - start : start - end;
    // A step beyond the size takes one element; so the smallest int need not be negated.
    const int64_t stride = by > 0 ? std::min(by, n + 1) : -std::max(by, -n - 1);
    count = distance > 0 ? (distance - 1) / stride + 1 : 0;
  }
};

}  // namespace tine::value
