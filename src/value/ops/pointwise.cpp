// Elementwise tensor operators.
#include "src/tensor/kernels/pointwise.h"

#include <utility>

#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/shape.h"
#include "src/tensor/promote.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using C = OpContext&;
using T = const Tensor&;
using S = Scalar;

// name.Tensor, name.Scalar and, for a number on the left, name.Scalar_Tensor.
#define TINE_BINARY(name, op, cost)                                                       \
  rows.pure(cost, "aten::" #name ".Tensor(Tensor self, Tensor other) -> Tensor",          \
            [](C c, T a, T b) { return tensor::binary(c, tensor::BinaryOp::op, a, b); }); \
  rows.pure(cost, "aten::" #name ".Scalar(Tensor self, Scalar other) -> Tensor",          \
            [](C c, T a, S b) { return tensor::binary(c, tensor::BinaryOp::op, a, b); }); \
  rows.pure(cost, "aten::" #name ".Scalar_Tensor(Scalar self, Tensor other) -> Tensor",   \
            [](C c, S a, T b) { return tensor::binary(c, tensor::BinaryOp::op, a, b); })
#define TINE_BINARY_IN_PLACE(name, op, cost)                                                \
  rows.write(cost, "aten::" #name "_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)",  \
             [](C c, T a, T b) { return tensor::binary_(c, tensor::BinaryOp::op, a, b); }); \
  rows.write(cost, "aten::" #name "_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)",  \
             [](C c, T a, S b) { return tensor::binary_(c, tensor::BinaryOp::op, a, b); })
#define TINE_UNARY(name, cost) \
  rows.pure(cost, "aten::" #name "(Tensor self) -> Tensor", [](C c, T a) { return tensor::name(c, a); })
#define TINE_UNARY_IN_PLACE(name, cost)                               \
  rows.write(cost, "aten::" #name "_(Tensor(a!) self) -> Tensor(a!)", \
             [](C c, T a) { return tensor::name##_(c, a); })

Tensor divide(C c, T a, T b, const std::optional<std::string>& rounding) {
  if (!rounding) return tensor::div(c, a, b);
  if (*rounding == "floor") return tensor::floor_divide(c, a, b);
  if (*rounding != "trunc") {
    throw ValueError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '" +
                     *rounding + "'");
  }
  if (is_floating(a.dtype()) || is_floating(b.dtype())) return tensor::trunc(c, tensor::div(c, a, b));
  // Ints are divided by magnitude, because floats would lose digits beyond 2^53.
  const Tensor quotient = tensor::floor_divide(c, tensor::abs(c, a), tensor::abs(c, b));
  return tensor::mul(c, quotient, tensor::mul(c, tensor::sign(c, a), tensor::sign(c, b)));
}

void add_arithmetic(Rows& rows) {
  // clang-format off
  rows.pure(cost::kEach, "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", [](C c, T a, T b, S alpha) { return tensor::add(c, a, b, alpha); });
  rows.pure(cost::kEach, "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", [](C c, T a, S b, S alpha) { return tensor::add(c, a, b, alpha); });
  rows.pure(cost::kEach, "aten::add.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", [](C c, S a, T b) { return tensor::add(c, b, a); });
  rows.pure(cost::kEach, "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", [](C c, T a, T b, S alpha) { return tensor::sub(c, a, b, alpha); });
  rows.pure(cost::kEach, "aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", [](C c, T a, S b, S alpha) { return tensor::sub(c, a, b, alpha); });
  rows.pure(cost::kEach, "aten::sub.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", [](C c, S a, T b) { return tensor::rsub(c, b, a); });
  rows.pure(cost::kEach, "aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", [](C c, T a, T b, S alpha) { return tensor::rsub(c, a, b, alpha); });
  rows.pure(cost::kEach, "aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", [](C c, T a, S b, S alpha) { return tensor::rsub(c, a, b, alpha); });
  rows.write(cost::kEach, "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)", [](C c, T a, T b, S alpha) { return tensor::add_(c, a, b, alpha); });
  rows.write(cost::kEach, "aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)", [](C c, T a, S b, S alpha) { return tensor::add_(c, a, b, alpha); });
  rows.write(cost::kEach, "aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)", [](C c, T a, T b, S alpha) { return tensor::sub_(c, a, b, alpha); });
  rows.write(cost::kEach, "aten::sub_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)", [](C c, T a, S b, S alpha) { return tensor::sub_(c, a, b, alpha); });
  rows.pure(cost::kEachSlowly, "aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", [](C c, T a, T b) { return tensor::pow(c, a, b); });
  rows.pure(cost::kEachSlowly, "aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", [](C c, T a, S b) { return tensor::pow(c, a, b); });
  rows.pure(cost::kEachSlowly, "aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor", [](C c, S a, T b) { return tensor::contiguous(c, tensor::pow(c, a, b)); });
  rows.pure(cost::kEach, "aten::maximum(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::maximum(c, a, b); });
  rows.pure(cost::kEach, "aten::minimum(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::minimum(c, a, b); });
  rows.pure(cost::kEachSlowly, "aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", [](C c, T a, T x, T y, S value) { return tensor::add(c, a, tensor::mul(c, x, y), value); });
  rows.pure(cost::kEachSlowly, "aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor", [](C c, T a, T b, std::optional<std::string> mode) { return divide(c, a, b, mode); });
  rows.pure(cost::kEachSlowly, "aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor", [](C c, T a, S b, std::optional<std::string> mode) { return divide(c, a, tensor::from_scalar(b), mode); });
  // clang-format on
  TINE_BINARY(mul, kMul, cost::kEach);
  TINE_BINARY(div, kDiv, cost::kEach);
  TINE_BINARY(floor_divide, kFloorDivide, cost::kEachSlowly);
  TINE_BINARY(remainder, kRemainder, cost::kEachSlowly);
  TINE_BINARY_IN_PLACE(mul, kMul, cost::kEach);
  TINE_BINARY_IN_PLACE(div, kDiv, cost::kEach);
  TINE_BINARY_IN_PLACE(floor_divide, kFloorDivide, cost::kEachSlowly);
  TINE_BINARY_IN_PLACE(remainder, kRemainder, cost::kEachSlowly);
  TINE_BINARY_IN_PLACE(pow, kPow, cost::kEachSlowly);
}

void add_comparisons(Rows& rows) {
  TINE_BINARY(eq, kEq, cost::kEach);
  TINE_BINARY(ne, kNe, cost::kEach);
  TINE_BINARY(lt, kLt, cost::kEach);
  TINE_BINARY(le, kLe, cost::kEach);
  TINE_BINARY(gt, kGt, cost::kEach);
  TINE_BINARY(ge, kGe, cost::kEach);
  TINE_BINARY(bitwise_and, kBitwiseAnd, cost::kEachSlowly);
  TINE_BINARY(bitwise_or, kBitwiseOr, cost::kEachSlowly);
  TINE_BINARY(bitwise_xor, kBitwiseXor, cost::kEachSlowly);
  // Python's &, | and ^.
  TINE_BINARY(__and__, kBitwiseAnd, cost::kEachSlowly);
  TINE_BINARY(__or__, kBitwiseOr, cost::kEachSlowly);
  TINE_BINARY(__xor__, kBitwiseXor, cost::kEachSlowly);
  // clang-format off
  rows.pure(cost::kEachSlowly, "aten::logical_and(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::logical_and(c, a, b); });
  rows.pure(cost::kEachSlowly, "aten::logical_or(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::logical_or(c, a, b); });
  rows.pure(cost::kEachSlowly, "aten::logical_xor(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::logical_xor(c, a, b); });
  // clang-format on
}

// The number as a tensor beside `t`, of the dtype that the two have together: 2.5 beside ints stays 2.5.
Tensor as_other(S number, T t) { return tensor::from_scalar(number, tensor::result_type(t, number)); }

void add_functions(Rows& rows) {
  TINE_UNARY(neg, cost::kEach);
  TINE_UNARY(abs, cost::kEach);
  TINE_UNARY(sign, cost::kEach);
  TINE_UNARY(square, cost::kEach);
  TINE_UNARY(relu, cost::kEach);
  TINE_UNARY(exp, cost::kEach);
  TINE_UNARY(log, cost::kEach);
  TINE_UNARY(sqrt, cost::kEach);
  TINE_UNARY(rsqrt, cost::kEach);
  TINE_UNARY(reciprocal, cost::kEach);
  TINE_UNARY(sin, cost::kEachSlowly);
  TINE_UNARY(cos, cost::kEachSlowly);
  TINE_UNARY(tanh, cost::kEach);
  TINE_UNARY(sigmoid, cost::kEach);
  TINE_UNARY(floor, cost::kEach);
  TINE_UNARY(ceil, cost::kEach);
  TINE_UNARY(round, cost::kEach);
  TINE_UNARY(trunc, cost::kEach);
  TINE_UNARY(logical_not, cost::kEach);
  TINE_UNARY(bitwise_not, cost::kEach);
  TINE_UNARY(isnan, cost::kEach);
  TINE_UNARY(isfinite, cost::kEach);
  TINE_UNARY_IN_PLACE(neg, cost::kEach);
  TINE_UNARY_IN_PLACE(abs, cost::kEach);
  TINE_UNARY_IN_PLACE(square, cost::kEach);
  TINE_UNARY_IN_PLACE(relu, cost::kEach);
  TINE_UNARY_IN_PLACE(exp, cost::kEach);
  TINE_UNARY_IN_PLACE(log, cost::kEach);
  TINE_UNARY_IN_PLACE(sqrt, cost::kEach);
  TINE_UNARY_IN_PLACE(reciprocal, cost::kEach);
  TINE_UNARY_IN_PLACE(tanh, cost::kEach);
  TINE_UNARY_IN_PLACE(sigmoid, cost::kEach);
  TINE_UNARY_IN_PLACE(floor, cost::kEach);
  TINE_UNARY_IN_PLACE(round, cost::kEach);
  // clang-format off
  rows.pure(cost::kEach, "aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", [](C c, T a, std::optional<S> min, std::optional<S> max) { return tensor::clamp(c, a, min, max); });
  rows.pure(cost::kEach, "aten::clamp_min(Tensor self, Scalar min) -> Tensor", [](C c, T a, S min) { return tensor::clamp(c, a, min, {}); });
  rows.pure(cost::kEach, "aten::clamp_max(Tensor self, Scalar max) -> Tensor", [](C c, T a, S max) { return tensor::clamp(c, a, {}, max); });
  rows.pure(cost::kEachSlowly, "aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor", [](C c, T condition, T a, T b) { return tensor::where(c, condition, a, b); });
  rows.pure(cost::kEachSlowly, "aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor", [](C c, T condition, T a, S b) { return tensor::where(c, condition, a, as_other(b, a)); });
  rows.pure(cost::kEachSlowly, "aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", [](C c, T condition, S a, T b) { return tensor::where(c, condition, as_other(a, b), b); });
  rows.pure(cost::kEachSlowly, "aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor", [](C c, T condition, S a, S b) { return tensor::where(c, condition, tensor::from_scalar(a), tensor::from_scalar(b)); });
  rows.pure(cost::kEachSlowly, "aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", [](C c, T a, T mask, S value) { return tensor::contiguous(c, tensor::where(c, mask, tensor::from_scalar(value, a.dtype()), a)); });
  // clang-format on
}

void add_writes(Rows& rows) {
  // clang-format off
  rows.write(cost::kEach, "aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)", [](C c, T a, T src, bool) { return tensor::copy_(c, a, src); });
  rows.write(cost::kEach, "aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)", [](C c, T a, S value) { return tensor::fill_(c, a, value); });
  rows.write(cost::kEach, "aten::fill_.Tensor(Tensor(a!) self, Tensor value) -> Tensor(a!)", [](C c, T a, T value) { return tensor::copy_(c, a, value); });
  rows.write(cost::kEach, "aten::zero_(Tensor(a!) self) -> Tensor(a!)", [](C c, T a) { return tensor::zero_(c, a); });
  // clang-format on
}

}  // namespace

void add_pointwise_rows(Rows& rows) {
  add_arithmetic(rows);
  add_comparisons(rows);
  add_functions(rows);
  add_writes(rows);
}

}  // namespace tine::value
