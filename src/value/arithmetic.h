// TorchScript's arithmetic on int (64 bits, wrapping) and float: one definition for the operators' kernels and for code
// that executes the same operations without them. Floats follow IEEE 754 (1.0 / 0.0 is inf). An operation that ints do not
// have (1 // 0) is an error with Python's type and words.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

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
// As in TorchScript, these have no errors for floats.
[[nodiscard]] inline double remainder(double a, double b) noexcept {
  return std::fmod(b + std::fmod(a, b), b);
}
[[nodiscard]] inline double floor_divide(double a, double b) noexcept { return std::floor(a / b); }
[[nodiscard]] double power(double base, double exponent);  // ZeroDivisionError for 0 ** -1
// The quotient and remainder of divmod(), which do have an error.
[[nodiscard]] std::pair<double, double> divide_with_rest(double a, double b);

[[nodiscard]] int64_t shift_left(int64_t a, int64_t n);
[[nodiscard]] int64_t shift_right(int64_t a, int64_t n);
// Toward zero; ValueError for NaN, OverflowError for what does not fit 64 bits.
[[nodiscard]] int64_t to_int(double d);
[[nodiscard]] int64_t parse_int(const std::string& text);
[[nodiscard]] double parse_float(const std::string& text);

}  // namespace tine::value
