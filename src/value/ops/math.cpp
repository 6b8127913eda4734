// Python's math module, for ints and floats.
#include <cmath>
#include <numbers>
#include <numeric>

#include "src/value/arithmetic.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using I = int64_t;
using F = double;

// As math.* does: NaN out of numbers is a domain error, infinity out of finite numbers a range error.
F checked(F result, F a, F b = 0) {
  if (std::isnan(result) && !std::isnan(a) && !std::isnan(b)) throw ValueError("math domain error");
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) throw OverflowError("math range error");
  return result;
}

F logarithm(F (*f)(F), F a) {
  if (a <= 0) throw ValueError("math domain error");
  return f(a);
}

F ln(F a) { return std::log(a); }
F log10(F a) { return std::log10(a); }
F log2(F a) { return std::log2(a); }

F log_of_one_plus(F a) {
  if (a <= -1) throw ValueError("math domain error");
  return std::log1p(a);
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
  TINE_MATH(sqrt, checked(std::sqrt(a), a));
  TINE_MATH(exp, checked(std::exp(a), a));
  TINE_MATH(expm1, checked(std::expm1(a), a));
  TINE_MATH(log, logarithm(ln, a));
  TINE_MATH(log10, logarithm(log10, a));
  TINE_MATH(log2, logarithm(log2, a));
  TINE_MATH(log1p, log_of_one_plus(a));
  TINE_MATH(sin, checked(std::sin(a), a));
  TINE_MATH(cos, checked(std::cos(a), a));
  TINE_MATH(tan, checked(std::tan(a), a));
  TINE_MATH(asin, checked(std::asin(a), a));
  TINE_MATH(acos, checked(std::acos(a), a));
  TINE_MATH(atan, std::atan(a));
  TINE_MATH(sinh, checked(std::sinh(a), a));
  TINE_MATH(cosh, checked(std::cosh(a), a));
  TINE_MATH(tanh, std::tanh(a));
  TINE_MATH(asinh, std::asinh(a));
  TINE_MATH(erf, std::erf(a));
  TINE_MATH(erfc, std::erfc(a));
  TINE_MATH(degrees, a * (180 / std::numbers::pi));
  TINE_MATH(radians, a * (std::numbers::pi / 180));
  TINE_MATH_2(atan2, std::atan2(a, b));
  TINE_MATH_2(hypot, checked(std::hypot(a, b), a, b));
  TINE_MATH_2(copysign, std::copysign(a, b));
  TINE_MATH_2(fmod, checked(std::fmod(a, b), a, b));
  // clang-format off
  rows.pure(cost::kFixed, "aten::log.base(float a, float b) -> float", [](F a, F b) { const F base = logarithm(ln, b); return divide(logarithm(ln, a), base); });
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
  rows.pure(cost::kFixed, "aten::round.int(int a) -> int", [](I a) { return a; });
  rows.pure(cost::kFixed, "aten::isnan.float(float a) -> bool", [](F a) { return std::isnan(a); });
  rows.pure(cost::kFixed, "aten::isinf.float(float a) -> bool", [](F a) { return std::isinf(a); });
  rows.pure(cost::kFixed, "aten::isfinite.float(float a) -> bool", [](F a) { return std::isfinite(a); });
  rows.pure(cost::kFixed, "aten::gcd.int(int a, int b) -> int", [](I a, I b) { return gcd(a, b); });
  rows.pure(cost::kFixed, "aten::factorial.int(int a) -> int", [](I a) { return factorial(a); });
  // clang-format on
}

}  // namespace tine::value
