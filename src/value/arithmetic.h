// Python's arithmetic on int (64 bits, wrapping) and float: one definition for the operators' kernels and for
// whoever executes the same operations without them. Errors are Python's, type and words.
#pragma once

#include <cmath>
#include <cstdint>

#include "tine/error.h"

namespace tine::value {

[[nodiscard]] inline int64_t wrapping_add(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
[[nodiscard]] inline int64_t wrapping_sub(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
[[nodiscard]] inline int64_t wrapping_mul(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
[[nodiscard]] inline int64_t wrapping_neg(int64_t a) noexcept { return wrapping_sub(0, a); }

[[nodiscard]] inline double divide(int64_t a, int64_t b) {
  if (b == 0) [[unlikely]]
    throw ZeroDivisionError("division by zero");
  return static_cast<double>(a) / static_cast<double>(b);
}
[[nodiscard]] inline double divide(double a, double b) {
  if (b == 0) [[unlikely]]
    throw ZeroDivisionError("float division by zero");
  return a / b;
}
// Rounds down, as Python does; C++ rounds toward zero.
[[nodiscard]] inline int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) [[unlikely]]
    throw ZeroDivisionError("integer division or modulo by zero");
  if (b == -1) return wrapping_neg(a);  // the one quotient that can overflow
  return a / b - (a % b != 0 && (a ^ b) < 0);
}
[[nodiscard]] inline int64_t remainder(int64_t a, int64_t b) {
  if (b == 0) [[unlikely]]
    throw ZeroDivisionError("integer modulo by zero");
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r ^ b) < 0 ? r + b : r;
}
[[nodiscard]] inline double remainder(double a, double b) {
  if (b == 0) [[unlikely]]
    throw ZeroDivisionError("float modulo");
  const double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);
  return (b < 0) != (r < 0) ? r + b : r;
}
[[nodiscard]] inline double floor_divide(double a, double b) {
  if (b == 0) [[unlikely]]
    throw ZeroDivisionError("float floor division by zero");
  // By the remainder: floor(a / b) would be wrong where the quotient rounds up to a whole number.
  const double quotient = (a - remainder(a, b)) / b;
  return quotient == 0             ? std::copysign(0.0, a / b)
         : std::isfinite(quotient) ? std::nearbyint(quotient)
                                   : quotient;
}

[[nodiscard]] int64_t power(int64_t base, int64_t exponent);  // ValueError for a negative exponent
[[nodiscard]] double power(double base, double exponent);
[[nodiscard]] int64_t shift_left(int64_t a, int64_t n);
[[nodiscard]] int64_t shift_right(int64_t a, int64_t n);
// Toward zero; ValueError for NaN, OverflowError for what does not fit 64 bits.
[[nodiscard]] int64_t to_int(double d);
[[nodiscard]] int64_t parse_int(const std::string& text);
[[nodiscard]] double parse_float(const std::string& text);

}  // namespace tine::value
