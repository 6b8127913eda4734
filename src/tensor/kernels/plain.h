// The loops that the compiler vectorises by itself, or that nothing vectorises: integers, bool, comparisons, logic,
// powers, remainders, conversions. Floor division and remainder follow Python.
//
// A null loop means that the dtype has none. Integer division by zero throws ZeroDivisionError.
#pragma once

#include "src/tensor/kernels/simd.h"

namespace tine::tensor {

// Operands of `dtype`; the result is of that dtype, or bool for comparisons and logic.
[[nodiscard]] BinaryLoop plain_binary(BinaryOp op, DType dtype) noexcept;
[[nodiscard]] BinaryLoop plain_add_scaled(DType dtype) noexcept;
[[nodiscard]] UnaryLoop plain_unary(UnaryOp op, DType dtype) noexcept;
// Copies and converts.
[[nodiscard]] UnaryLoop convert_loop(DType from, DType to) noexcept;

[[nodiscard]] constexpr bool yields_bool(BinaryOp op) noexcept { return op >= BinaryOp::kEq; }
[[nodiscard]] constexpr bool yields_bool(UnaryOp op) noexcept {
  return op == UnaryOp::kLogicalNot || op == UnaryOp::kIsNan || op == UnaryOp::kIsFinite;
}

}  // namespace tine::tensor
