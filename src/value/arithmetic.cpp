#include "src/value/arithmetic.h"

#include <fmt/format.h>

#include <charconv>

#include "src/value/text.h"

namespace tine::value {
namespace {

constexpr std::string_view kSpace = " \t\n\r\v\f";

std::string_view stripped(std::string_view s) {
  const size_t begin = s.find_first_not_of(kSpace);
  return begin == s.npos ? std::string_view() : s.substr(begin, s.find_last_not_of(kSpace) + 1 - begin);
}

// Python allows one `_` between digits. False: they stand elsewhere.
bool without_underscores(std::string_view s, std::string* out) {
  const auto digit = [&](size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; };
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '_') {
      *out += s[i];
    } else if (i == 0 || !digit(i - 1) || !digit(i + 1)) {
      return false;
    }
  }
  return true;
}

}  // namespace

double power(double base, double exponent) {
  if (base == 0 && exponent < 0) throw ZeroDivisionError("0.0 cannot be raised to a negative power");
  return std::pow(base, exponent);
}

std::pair<double, double> divide_with_rest(double a, double b) {
  if (b == 0) throw ZeroDivisionError("float divmod()");
  double rest = std::fmod(a, b);
  // As in Python, the rest has the sign of the divisor.
  if (rest != 0 && (a < 0) != (b < 0)) rest += b;
  return {(a - rest) / b, rest};
}

int64_t shift_left(int64_t a, int64_t n) {
  if (n < 0) throw ValueError("negative shift count");
  // C++ does not define shifts by 64 and more.
  return n > 63 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(a) << n);
}
int64_t shift_right(int64_t a, int64_t n) {
  if (n < 0) throw ValueError("negative shift count");
  return a >> (n > 63 ? 63 : n);
}

int64_t to_int(double d) {
  if (std::isnan(d)) throw ValueError("cannot convert float NaN to integer");
  if (std::isinf(d)) throw OverflowError("cannot convert float infinity to integer");
  // 2^63 is the first double that does not fit. The largest int is not a double.
  if (d >= 9223372036854775808.0 || d < -9223372036854775808.0) {
    throw OverflowError(fmt::format("float {} does not fit a 64-bit integer", float_repr(d)));
  }
  return static_cast<int64_t>(d);
}

int64_t parse_int(const std::string& text) {
  std::string digits;
  const std::string_view plain = stripped(text);
  int64_t value = 0;
  if (without_underscores(plain, &digits)) {
    // from_chars() takes no plus sign, so it is skipped. "+-5" is refused below.
    const char* first = digits.data() + digits.starts_with('+');
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(first, last, value);
    const bool two_signs = digits.starts_with("+-");
    if (end == last && !two_signs && error == std::errc()) return value;
    if (end == last && !two_signs && error == std::errc::result_out_of_range) {
      throw OverflowError(fmt::format("{} does not fit a 64-bit integer", string_repr(text)));
    }
  }
  throw ValueError(fmt::format("invalid literal for int() with base 10: {}", string_repr(text)));
}

double parse_float(const std::string& text) {
  std::string digits;
  double value = 0;
  if (without_underscores(stripped(text), &digits)) {
    const char* first = digits.data() + digits.starts_with('+');
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(first, last, value);
    // from_chars() also reads "nan(123)".
    if (end == last && !digits.starts_with("+-") && !digits.ends_with(')')) {
      if (error == std::errc()) return value;
      if (error == std::errc::result_out_of_range)
        return std::strtod(digits.c_str(), nullptr);  // inf or 0, as Python
    }
  }
  throw ValueError(fmt::format("could not convert string to float: {}", string_repr(text)));
}

}  // namespace tine::value
