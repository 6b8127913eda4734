// Elementwise operators: arithmetic, comparison, logic and functions of one number, with the broadcasting, type promotion
// and division rules of PyTorch's operators of the same names.
//
// Results are new tensors, except for functions named with a trailing underscore: these write into `self` and return it,
// and no other thread may use `self` during the call.
//
// An operator is one pass over Highway's widest vectors. Above 65,536 elements the pass is split over the context's
// cores. Operands of another dtype are converted first. Shapes that do not broadcast are a ShapeError that names both, a
// dtype that the operator does not have is a TypeError, and integer division by zero is a ZeroDivisionError.
#pragma once

#include <optional>

#include "src/tensor/splitter.h"
#include "tine/scalar.h"
#include "tine/tensor.h"

namespace tine::tensor {

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDivide,
  kRemainder,
  kPow,
  kMaximum,
  kMinimum,  // result: promoted dtype
  kBitwiseAnd,
  kBitwiseOr,
  kBitwiseXor,  // bool and integers
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kLogicalAnd,
  kLogicalOr,
  kLogicalXor,  // result: bool
};
enum class UnaryOp : uint8_t {
  kNeg,
  kAbs,
  kSign,
  kSquare,
  kRelu,  // same dtype
  kExp,
  kLog,
  kSqrt,
  kRsqrt,
  kReciprocal,
  kSin,
  kCos,
  kTanh,
  kSigmoid,  // integers become float32
  kFloor,
  kCeil,
  kRound,
  kTrunc,  // same dtype
  kLogicalNot,
  kBitwiseNot,
  kIsNan,
  kIsFinite,
};
[[nodiscard]] std::string_view name_of(BinaryOp op) noexcept;  // "add"
[[nodiscard]] std::string_view name_of(UnaryOp op) noexcept;

[[nodiscard]] Tensor binary(const KernelContext& c, BinaryOp op, const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor binary(const KernelContext& c, BinaryOp op, const Tensor& a, Scalar b);
[[nodiscard]] Tensor binary(const KernelContext& c, BinaryOp op, Scalar a, const Tensor& b);
const Tensor& binary_(const KernelContext& c, BinaryOp op, const Tensor& self, const Tensor& other);
const Tensor& binary_(const KernelContext& c, BinaryOp op, const Tensor& self, Scalar other);
[[nodiscard]] Tensor unary(const KernelContext& c, UnaryOp op, const Tensor& a);
const Tensor& unary_(const KernelContext& c, UnaryOp op, const Tensor& self);

// a + alpha * b, a - alpha * b; rsub is b - alpha * a.
[[nodiscard]] Tensor add(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha = 1);
[[nodiscard]] Tensor add(const KernelContext& c, const Tensor& a, Scalar b, Scalar alpha = 1);
[[nodiscard]] Tensor sub(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha = 1);
[[nodiscard]] Tensor sub(const KernelContext& c, const Tensor& a, Scalar b, Scalar alpha = 1);
[[nodiscard]] Tensor rsub(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha = 1);
[[nodiscard]] Tensor rsub(const KernelContext& c, const Tensor& a, Scalar b, Scalar alpha = 1);
const Tensor& add_(const KernelContext& c, const Tensor& self, const Tensor& b, Scalar alpha = 1);
const Tensor& add_(const KernelContext& c, const Tensor& self, Scalar b, Scalar alpha = 1);
const Tensor& sub_(const KernelContext& c, const Tensor& self, const Tensor& b, Scalar alpha = 1);
const Tensor& sub_(const KernelContext& c, const Tensor& self, Scalar b, Scalar alpha = 1);

// The rest by name: mul(c, a, b), lt(c, a, 3), mul_(c, self, b), exp(c, a), ...
#define TINE_BINARY(name, op)                                                                  \
  [[nodiscard]] inline Tensor name(const KernelContext& c, const Tensor& a, const Tensor& b) { \
    return binary(c, BinaryOp::op, a, b);                                                      \
  }                                                                                            \
  [[nodiscard]] inline Tensor name(const KernelContext& c, const Tensor& a, Scalar b) {        \
    return binary(c, BinaryOp::op, a, b);                                                      \
  }                                                                                            \
  inline const Tensor& name##_(const KernelContext& c, const Tensor& self, const Tensor& b) {  \
    return binary_(c, BinaryOp::op, self, b);                                                  \
  }                                                                                            \
  inline const Tensor& name##_(const KernelContext& c, const Tensor& self, Scalar b) {         \
    return binary_(c, BinaryOp::op, self, b);                                                  \
  }
TINE_BINARY(mul, kMul)
TINE_BINARY(div, kDiv)  // true division: integers become float32
TINE_BINARY(floor_divide, kFloorDivide)
TINE_BINARY(remainder, kRemainder)  // the sign of the divisor, as in Python
TINE_BINARY(pow, kPow)
TINE_BINARY(maximum, kMaximum)  // NaN wins
TINE_BINARY(minimum, kMinimum)
TINE_BINARY(bitwise_and, kBitwiseAnd)
TINE_BINARY(bitwise_or, kBitwiseOr)
TINE_BINARY(bitwise_xor, kBitwiseXor)
TINE_BINARY(eq, kEq)
TINE_BINARY(ne, kNe)
TINE_BINARY(lt, kLt)
TINE_BINARY(le, kLe)
TINE_BINARY(gt, kGt)
TINE_BINARY(ge, kGe)
TINE_BINARY(logical_and, kLogicalAnd)
TINE_BINARY(logical_or, kLogicalOr)
TINE_BINARY(logical_xor, kLogicalXor)
#undef TINE_BINARY
[[nodiscard]] inline Tensor pow(const KernelContext& c, Scalar base, const Tensor& exponent) {
  return binary(c, BinaryOp::kPow, base, exponent);
}

#define TINE_UNARY(name, op)                                                  \
  [[nodiscard]] inline Tensor name(const KernelContext& c, const Tensor& a) { \
    return unary(c, UnaryOp::op, a);                                          \
  }                                                                           \
  inline const Tensor& name##_(const KernelContext& c, const Tensor& self) {  \
    return unary_(c, UnaryOp::op, self);                                      \
  }
TINE_UNARY(neg, kNeg)
TINE_UNARY(abs, kAbs)
TINE_UNARY(sign, kSign)
TINE_UNARY(square, kSquare)
TINE_UNARY(relu, kRelu)
TINE_UNARY(exp, kExp)
TINE_UNARY(log, kLog)
TINE_UNARY(sqrt, kSqrt)
TINE_UNARY(rsqrt, kRsqrt)
TINE_UNARY(reciprocal, kReciprocal)
TINE_UNARY(sin, kSin)
TINE_UNARY(cos, kCos)
TINE_UNARY(tanh, kTanh)
TINE_UNARY(sigmoid, kSigmoid)
TINE_UNARY(floor, kFloor)
TINE_UNARY(ceil, kCeil)
TINE_UNARY(round, kRound)  // half to even
TINE_UNARY(trunc, kTrunc)
TINE_UNARY(logical_not, kLogicalNot)
TINE_UNARY(bitwise_not, kBitwiseNot)
TINE_UNARY(isnan, kIsNan)
TINE_UNARY(isfinite, kIsFinite)
#undef TINE_UNARY

[[nodiscard]] Tensor clamp(const KernelContext& c, const Tensor& a, std::optional<Scalar> min,
                           std::optional<Scalar> max);
// a where the bool tensor is true, else b.
[[nodiscard]] Tensor where(const KernelContext& c, const Tensor& condition, const Tensor& a, const Tensor& b);

// Into `self`, which keeps its dtype; `source` is broadcast and converted.
const Tensor& copy_(const KernelContext& c, const Tensor& self, const Tensor& source);
const Tensor& fill_(const KernelContext& c, const Tensor& self, Scalar value);
const Tensor& zero_(const KernelContext& c, const Tensor& self);
[[nodiscard]] Tensor clone(const KernelContext& c, const Tensor& a);
[[nodiscard]] Tensor to(const KernelContext& c, const Tensor& a, DType dtype);

}  // namespace tine::tensor
