// Python's math module, for ints and floats; as in TorchScript NaN and infinity are results, not errors.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "src/value/arithmetic.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using I = int64_t;
using F = double;

// Without the global variable that std::lgamma() writes the sign to.
F log_gamma(F a) {
  int sign = 0;
  return lgamma_r(a, &sign);
}

I factorial(I n) {
  if (n < 0) throw ValueError("factorial() not defined for negative values");
  if (n > 20) throw OverflowError("factorial(" + std::to_string(n) + ") does not fit a 64-bit integer");
  I result = 1;
  for (I i = 2; i <= n; ++i) result *= i;
  return result;
}

I gcd(I a, I b) {
  // Unsigned: the magnitude of the smallest int has no int.
  const auto magnitude = [](I x) { return x < 0 ? 0 - static_cast<uint64_t>(x) : static_cast<uint64_t>(x); };
  return static_cast<I>(std::gcd(magnitude(a), magnitude(b)));
}

// In long double nothing overflows, and the result is rounded once more at most. Not std::hypot: that binds whoever builds with
// glibc 2.35 to it, for a version that differs in errno alone.
F hypot(F a, F b) {
  if (std::isinf(a) || std::isinf(b)) return std::numeric_limits<F>::infinity();
  const auto x = static_cast<long double>(a), y = static_cast<long double>(b);
  return static_cast<F>(std::sqrt(x * x + y * y));
}

#define TINE_MATH(name, expression)                                                                   \
  rows.pure(cost::kFixed, "aten::" #name ".float(float a) -> float", [](F a) { return expression; }); \
  rows.pure(cost::kFixed, "aten::" #name ".int(int a) -> float", [](I i) {                            \
    const F a = F(i);                                                                                 \
    return expression;                                                                                \
  });                                                                                                 \
  rows.pure(cost::kFixed, "aten::" #name ".Scalar(Scalar a) -> float", [](Scalar s) {                 \
    const F a = s.as<F>();                                                                            \
    return expression;                                                                                \
  })
#define TINE_MATH_2(name, expression)                                                  \
  rows.pure(cost::kFixed, "aten::" #name ".float(float a, float b) -> float",          \
            [](F a, F b) { return expression; });                                      \
  rows.pure(cost::kFixed, "aten::" #name ".int(int a, int b) -> float", [](I i, I j) { \
    const F a = F(i), b = F(j);                                                        \
    return expression;                                                                 \
  })

}  // namespace

void add_math_rows(Rows& rows) {
  TINE_MATH(sqrt, std::sqrt(a));
  TINE_MATH(exp, std::exp(a));
  TINE_MATH(expm1, std::expm1(a));
  TINE_MATH(log, std::log(a));
  TINE_MATH(log10, std::log10(a));
  TINE_MATH(log2, std::log2(a));
  TINE_MATH(log1p, std::log1p(a));
  TINE_MATH(sin, std::sin(a));
  TINE_MATH(cos, std::cos(a));
  TINE_MATH(tan, std::tan(a));
  TINE_MATH(asin, std::asin(a));
  TINE_MATH(acos, std::acos(a));
  TINE_MATH(atan, std::atan(a));
  TINE_MATH(sinh, std::sinh(a));
  TINE_MATH(cosh, std::cosh(a));
  TINE_MATH(tanh, std::tanh(a));
  TINE_MATH(asinh, std::asinh(a));
  TINE_MATH(acosh, std::acosh(a));
  TINE_MATH(atanh, std::atanh(a));
  TINE_MATH(erf, std::erf(a));
  TINE_MATH(erfc, std::erfc(a));
  TINE_MATH(gamma, std::tgamma(a));
  TINE_MATH(lgamma, log_gamma(a));
  TINE_MATH(fabs, std::fabs(a));
  TINE_MATH(degrees, a * (180 / std::numbers::pi));
  TINE_MATH(radians, a * (std::numbers::pi / 180));
  TINE_MATH_2(atan2, std::atan2(a, b));
  TINE_MATH_2(hypot, hypot(a, b));
  TINE_MATH_2(copysign, std::copysign(a, b));
  TINE_MATH_2(fmod, std::fmod(a, b));
  TINE_MATH_2(mathremainder, std::remainder(a, b));  // math.remainder; aten::remainder is `%`
  // clang-format off
  rows.pure(cost::kFixed, "aten::log.base(float a, float b) -> float", [](F a, F b) { return std::log(a) / std::log(b); });
  rows.pure(cost::kFixed, "aten::floor.float(float a) -> int", [](F a) { return to_int(std::floor(a)); });
  rows.pure(cost::kFixed, "aten::floor.int(int a) -> int", [](I a) { return a; });
  rows.pure(cost::kFixed, "aten::floor.Scalar(Scalar a) -> int", [](Scalar a) { return a.is_float() ? to_int(std::floor(a.as<F>())) : a.as<I>(); });
  rows.pure(cost::kFixed, "aten::ceil.float(float a) -> int", [](F a) { return to_int(std::ceil(a)); });
  rows.pure(cost::kFixed, "aten::ceil.int(int a) -> int", [](I a) { return a; });
  rows.pure(cost::kFixed, "aten::ceil.Scalar(Scalar a) -> int", [](Scalar a) { return a.is_float() ? to_int(std::ceil(a.as<F>())) : a.as<I>(); });
  rows.pure(cost::kFixed, "aten::trunc.float(float a) -> int", [](F a) { return to_int(a); });
  rows.pure(cost::kFixed, "aten::trunc.int(int a) -> int", [](I a) { return a; });
  // As TorchScript's round(): half to even, still a float.
  rows.pure(cost::kFixed, "aten::round.float(float a) -> float", [](F a) { return std::nearbyint(a); });
  rows.pure(cost::kFixed, "aten::round.int(int a) -> float", [](I a) { return F(a); });
  rows.pure(cost::kFixed, "aten::isnan.float(float a) -> bool", [](F a) { return std::isnan(a); });
  rows.pure(cost::kFixed, "aten::isinf.float(float a) -> bool", [](F a) { return std::isinf(a); });
  rows.pure(cost::kFixed, "aten::isfinite.float(float a) -> bool", [](F a) { return std::isfinite(a); });
  rows.pure(cost::kFixed, "aten::modf(float a) -> (float, float)", [](F a) { F whole = 0; const F rest = std::modf(a, &whole); return std::pair(rest, whole); });
  rows.pure(cost::kFixed, "aten::frexp(float a) -> (float mantissa, int exponent)", [](F a) { int exponent = 0; const F mantissa = std::frexp(a, &exponent); return std::pair(mantissa, std::isfinite(a) ? I(exponent) : I(0)); });
  rows.pure(cost::kFixed, "aten::ldexp(float x, int i) -> float", [](F a, I i) { return std::ldexp(a, static_cast<int>(std::clamp<I>(i, -5000, 5000))); });
  rows.pure(cost::kFixed, "aten::gcd.int(int a, int b) -> int", [](I a, I b) { return gcd(a, b); });
  rows.pure(cost::kFixed, "aten::factorial.int(int a) -> int", [](I a) { return factorial(a); });
  // clang-format on
}

}  // namespace tine::value
