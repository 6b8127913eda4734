// numbers: the arithmetic of scripts where C++'s own differs from Python's.
#pragma once

#include <fmt/core.h>

#include <cmath>
#include <cstdint>

#include "src/vm/slow_paths.h"

namespace tine::vm {

// int(v)
inline int64_t to_integer(double v) {
  if (std::isnan(v)) throw ValueError("cannot convert float NaN to integer");
  if (std::isinf(v)) throw OverflowError("cannot convert float infinity to integer");
  // 2^63 itself is a float, the greatest int is not: so less than the one, not at most the other.
  if (!(v > -9223372036854775809.0 && v < 9223372036854775808.0)) {
    throw OverflowError(fmt::format("float {} does not fit into a 64-bit integer", v));
  }
  return static_cast<int64_t>(v);
}

inline int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t wrapping_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// a % b with the sign of the divisor, as Python has it; C++ gives it that of the dividend.
inline int64_t floor_mod(int64_t a, int64_t b) {
  // Small non-negative numbers, the usual case, divide in half the time.
  if ((static_cast<uint64_t>(a) | static_cast<uint64_t>(b)) >> 32 == 0 && b != 0) [[likely]] {
    return static_cast<uint32_t>(a) % static_cast<uint32_t>(b);
  }
  if (b == 0) throw_zero_division("integer modulo by zero");
  if (b == -1) return 0;  // of the least int the machine's own division would overflow
  const int64_t m = a % b;
  return m != 0 && (m ^ b) < 0 ? m + b : m;
}

inline int64_t floor_div(int64_t a, int64_t b) {
  if ((static_cast<uint64_t>(a) | static_cast<uint64_t>(b)) >> 32 == 0 && b != 0) [[likely]] {
    return static_cast<uint32_t>(a) / static_cast<uint32_t>(b);
  }
  if (b == 0) throw_zero_division("integer division or modulo by zero");
  if (b == -1) return wrapping_sub(0, a);
  const int64_t q = a / b;
  return a % b != 0 && ((a ^ b) < 0) ? q - 1 : q;
}

}  // namespace tine::vm
