// int, float, bool: arithmetic, comparison, bits, conversion.
#include <fmt/format.h>

#include <cmath>

#include "src/value/arithmetic.h"
#include "src/value/compare.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using I = int64_t;
using V = const Value&;
using F = double;

// An operator on int, on float and on both; on Scalar, where only the run knows which.
#define TINE_ARITHMETIC(name, integer, int_result, floating)                                        \
  rows.pure(cost::kFixed, "aten::" #name ".int(int a, int b) -> " int_result,                       \
            [](I a, I b) { return integer; });                                                      \
  rows.pure(cost::kFixed, "aten::" #name ".float(float a, float b) -> float",                       \
            [](F a, F b) { return floating; });                                                     \
  rows.pure(cost::kFixed, "aten::" #name ".int_float(int a, float b) -> float", [](I i, F b) {      \
    const F a = F(i);                                                                               \
    return floating;                                                                                \
  });                                                                                               \
  rows.pure(cost::kFixed, "aten::" #name ".float_int(float a, int b) -> float", [](F a, I i) {      \
    const F b = F(i);                                                                               \
    return floating;                                                                                \
  });                                                                                               \
  rows.pure(cost::kFixed, "aten::" #name "(Scalar a, Scalar b) -> Scalar", [](Scalar x, Scalar y) { \
    if (x.is_float() || y.is_float()) {                                                             \
      const F a = x.as<F>(), b = y.as<F>();                                                         \
      return Scalar(floating);                                                                      \
    }                                                                                               \
    const I a = x.as<I>(), b = y.as<I>();                                                           \
    return Scalar(integer);                                                                         \
  })

// compare() is exact between int and float, but has no answer for NaN. So a NaN is compared as a float, with
// anything.
#define TINE_COMPARISON(name, op)                                                                        \
  rows.pure(cost::kFixed, "aten::" #name ".int(int a, int b) -> bool", [](I a, I b) { return a op b; }); \
  rows.pure(cost::kFixed, "aten::" #name ".float(float a, float b) -> bool",                             \
            [](F a, F b) { return a op b; });                                                            \
  rows.pure(cost::kFixed, "aten::" #name ".int_float(int a, float b) -> bool",                           \
            [](I a, F b) { return std::isnan(b) ? F(0) op b : compare(Value(a), Value(b)) op 0; });      \
  rows.pure(cost::kFixed, "aten::" #name ".float_int(float a, int b) -> bool",                           \
            [](F a, I b) { return std::isnan(a) ? a op F(0) : compare(Value(a), Value(b)) op 0; });      \
  rows.pure(cost::kFixed, "aten::" #name "(Scalar a, Scalar b) -> bool", [](Scalar a, Scalar b) {        \
    const F x = a.as<F>(), y = b.as<F>();                                                                \
    if ((a.is_float() && b.is_float()) || std::isnan(x) || std::isnan(y)) return x op y;                 \
    return compare(to_value(a), to_value(b)) op 0;                                                       \
  });                                                                                                    \
  rows.pure(cost::kText, "aten::" #name ".str(str a, str b) -> bool",                                    \
            [](const std::string& a, const std::string& b) { return a op b; });                          \
  rows.pure(cost::kFixed, "aten::" #name ".bool(bool a, bool b) -> bool",                                \
            [](bool a, bool b) { return a op b; })

// As hex(), oct() and bin() write it; a digit has `bits` bits.
std::string in_base(I i, const char* prefix, unsigned bits) {
  uint64_t magnitude = i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i);
  std::string digits;
  do {
    digits.insert(0, 1, "0123456789abcdef"[magnitude & ((1u << bits) - 1)]);
  } while ((magnitude >>= bits) != 0);
  return (i < 0 ? "-" : "") + (prefix + digits);
}

// hash() of an int is the int; of equal numbers it is equal, whatever their types.
I hash(V v) {
  if (v.is_int()) return v.as_int();
  if (v.is_bool()) return v.as_bool();
  if (v.is(Tag::kList) || v.is(Tag::kDict))
    throw TypeError(fmt::format("unhashable type: '{}'", v.is(Tag::kList) ? "list" : "dict"));
  if (v.is_float() && v.as_float() == std::floor(v.as_float()) && std::fabs(v.as_float()) < 0x1p63)
    return static_cast<I>(v.as_float());
  if (v.is(Tag::kTuple)) {
    uint64_t mixed = v.as_tuple().items.size();
    for (V item : v.as_tuple().items)
      mixed = (mixed ^ static_cast<uint64_t>(hash(item))) * 0x9e3779b97f4a7c15;
    return static_cast<I>(mixed);
  }
  if (hashable(v)) return static_cast<I>(hash_of(v));
  return v.is_none() ? 0 : static_cast<I>(reinterpret_cast<uintptr_t>(v.as_counted()) >> 4);
}

void add_arithmetic(Rows& rows) {
  TINE_ARITHMETIC(add, wrapping_add(a, b), "int", a + b);
  TINE_ARITHMETIC(sub, wrapping_sub(a, b), "int", a - b);
  TINE_ARITHMETIC(mul, wrapping_mul(a, b), "int", a * b);
  TINE_ARITHMETIC(div, F(a) / F(b), "float", a / b);
  TINE_ARITHMETIC(floordiv, floor_divide(a, b), "int", floor_divide(a, b));
  TINE_ARITHMETIC(remainder, remainder(a, b), "int", remainder(a, b));
  TINE_ARITHMETIC(pow, power(F(a), F(b)), "float", power(a, b));
  // clang-format off
  rows.pure(cost::kFixed, "aten::neg.int(int a) -> int", [](I a) { return wrapping_neg(a); });
  rows.pure(cost::kFixed, "aten::neg.float(float a) -> float", [](F a) { return -a; });
  rows.pure(cost::kFixed, "aten::neg.Scalar(Scalar a) -> Scalar", [](Scalar a) { return a.is_float() ? Scalar(-a.as<F>()) : Scalar(wrapping_neg(a.as<I>())); });
  rows.pure(cost::kFixed, "aten::divmod.int(int x, int y) -> (int, int)", [](I a, I b) { const I q = floor_divide(a, b); return std::pair(q, remainder(a, b)); });
  rows.pure(cost::kFixed, "aten::divmod.float(float x, float y) -> (float, float)", [](F a, F b) { return divide_with_rest(a, b); });
  // clang-format on
}

void add_bits(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::__and__.int(int a, int b) -> int", [](I a, I b) { return a & b; });
  rows.pure(cost::kFixed, "aten::__or__.int(int a, int b) -> int", [](I a, I b) { return a | b; });
  rows.pure(cost::kFixed, "aten::__xor__.int(int a, int b) -> int", [](I a, I b) { return a ^ b; });
  rows.pure(cost::kFixed, "aten::__and__.bool(bool a, bool b) -> bool", [](bool a, bool b) { return a && b; });
  rows.pure(cost::kFixed, "aten::__or__.bool(bool a, bool b) -> bool", [](bool a, bool b) { return a || b; });
  rows.pure(cost::kFixed, "aten::__xor__.bool(bool a, bool b) -> bool", [](bool a, bool b) { return a != b; });
  rows.pure(cost::kFixed, "aten::__lshift__.int(int a, int b) -> int", [](I a, I b) { return shift_left(a, b); });
  rows.pure(cost::kFixed, "aten::__rshift__.int(int a, int b) -> int", [](I a, I b) { return shift_right(a, b); });
  rows.pure(cost::kFixed, "aten::bitwise_not.int(int a) -> int", [](I a) { return ~a; });
  rows.pure(cost::kFixed, "aten::__not__(bool self) -> bool", [](bool a) { return !a; });
  // clang-format on
}

void add_conversions(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::Int.int(int a) -> int", [](I a) { return a; });
  rows.pure(cost::kFixed, "aten::Int.float(float a) -> int", [](F a) { return to_int(a); });
  rows.pure(cost::kFixed, "aten::Int.bool(bool a) -> int", [](bool a) { return I(a); });
  rows.pure(cost::kText, "aten::Int.str(str a) -> int", [](const std::string& a) { return parse_int(a); });
  rows.pure(cost::kFixed, "aten::Int.Scalar(Scalar a) -> int", [](Scalar a) { return a.is_float() ? to_int(a.as<F>()) : a.as<I>(); });
  rows.pure(cost::kFixed, "aten::Float.int(int a) -> float", [](I a) { return F(a); });
  rows.pure(cost::kFixed, "aten::Float.float(float a) -> float", [](F a) { return a; });
  rows.pure(cost::kFixed, "aten::Float.bool(bool a) -> float", [](bool a) { return F(a); });
  rows.pure(cost::kText, "aten::Float.str(str a) -> float", [](const std::string& a) { return parse_float(a); });
  rows.pure(cost::kFixed, "aten::Float.Scalar(Scalar a) -> float", [](Scalar a) { return a.as<F>(); });
  rows.pure(cost::kFixed, "aten::Bool.int(int a) -> bool", [](I a) { return a != 0; });
  rows.pure(cost::kFixed, "aten::Bool.float(float a) -> bool", [](F a) { return a != 0; });
  rows.pure(cost::kFixed, "aten::Bool.bool(bool a) -> bool", [](bool a) { return a; });
  rows.pure(cost::kFixed, "aten::Bool.str(str a) -> bool", [](const std::string& a) { return !a.empty(); });
  rows.pure(cost::kFixed, "aten::Bool.Scalar(Scalar a) -> bool", [](Scalar a) { return a.as<bool>(); });
  // clang-format on
}

// Of what Python's min(), max() and abs() take. As in TorchScript, of two floats one of which is NaN the second is
// taken.
void add_extremes(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "prim::abs.int(int a) -> int", [](I a) { return a < 0 ? wrapping_neg(a) : a; });
  rows.pure(cost::kFixed, "prim::abs.float(float a) -> float", [](F a) { return std::fabs(a); });
  rows.pure(cost::kFixed, "prim::abs.Scalar(Scalar a) -> Scalar", [](Scalar a) { return a.is_float() ? Scalar(std::fabs(a.as<F>())) : a.as<I>() < 0 ? Scalar(wrapping_neg(a.as<I>())) : a; });
  rows.pure(cost::kFixed, "prim::min.int(int a, int b) -> int", [](I a, I b) { return b < a ? b : a; });
  rows.pure(cost::kFixed, "prim::min.float(float a, float b) -> float", [](F a, F b) { return a < b ? a : b; });
  rows.pure(cost::kFixed, "prim::min.int_float(int a, float b) -> float", [](I a, F b) { return F(a) < b ? F(a) : b; });
  rows.pure(cost::kFixed, "prim::min.float_int(float a, int b) -> float", [](F a, I b) { return a < F(b) ? a : F(b); });
  rows.pure(cost::kText, "prim::min.str(str a, str b) -> str", [](const std::string& a, const std::string& b) { return b < a ? b : a; });
  rows.pure(cost::kFixed, "prim::max.int(int a, int b) -> int", [](I a, I b) { return b > a ? b : a; });
  rows.pure(cost::kFixed, "prim::max.float(float a, float b) -> float", [](F a, F b) { return a > b ? a : b; });
  rows.pure(cost::kFixed, "prim::max.int_float(int a, float b) -> float", [](I a, F b) { return F(a) > b ? F(a) : b; });
  rows.pure(cost::kFixed, "prim::max.float_int(float a, int b) -> float", [](F a, I b) { return a > F(b) ? a : F(b); });
  rows.pure(cost::kText, "prim::max.str(str a, str b) -> str", [](const std::string& a, const std::string& b) { return b > a ? b : a; });
  // How `for i in range(lo, hi, step)` counts.
  rows.pure(cost::kFixed, "aten::__range_length(int lo, int hi, int step) -> int", [](I lo, I hi, I step) {
    if (step == 0) throw ValueError("range() arg 3 must not be zero");
    if (step > 0 ? lo >= hi : lo <= hi) return I(0);
    const uint64_t distance = step > 0 ? uint64_t(hi) - uint64_t(lo) : uint64_t(lo) - uint64_t(hi);
    const uint64_t stride = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
    return I((distance - 1) / stride + 1);
  });
  rows.pure(cost::kFixed, "aten::__derive_index(int index, int start, int step) -> int", [](I index, I start, I step) { return wrapping_add(start, wrapping_mul(index, step)); });
  // clang-format on
}

void add_whole(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::hex(int i) -> str", [](I i) { return in_base(i, "0x", 4); });
  rows.pure(cost::kFixed, "aten::oct(int i) -> str", [](I i) { return in_base(i, "0o", 3); });
  rows.pure(cost::kFixed, "aten::bin(int i) -> str", [](I i) { return in_base(i, "0b", 1); });
  rows.pure(cost::kCompare, "aten::hash.generic(t value) -> int", [](V v) { return hash(v); });
  rows.pure(cost::kText, "aten::__is__(t self, u obj) -> bool", [](V a, V b) { return identical(a, b); });
  rows.pure(cost::kText, "aten::__isnot__(t self, u obj) -> bool", [](V a, V b) { return !identical(a, b); });
  // clang-format on
}

}  // namespace

void add_number_rows(Rows& rows) {
  add_arithmetic(rows);
  TINE_COMPARISON(eq, ==);
  TINE_COMPARISON(ne, !=);
  TINE_COMPARISON(lt, <);
  TINE_COMPARISON(le, <=);
  TINE_COMPARISON(gt, >);
  TINE_COMPARISON(ge, >=);
  add_bits(rows);
  add_conversions(rows);
  add_extremes(rows);
  add_whole(rows);
}

}  // namespace tine::value
