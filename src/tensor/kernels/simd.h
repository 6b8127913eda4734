// The loops that are compiled for several instruction sets (Highway). The first call finds the best one for this
// processor; finding a loop takes about 2 ns.
//
// A null loop means that the operator has none for that dtype. Strides are in bytes. Unit strides and repeated operands
// (stride 0) run at full width, all others through a buffer on the stack.
#pragma once

#include "src/tensor/kernels/pointwise.h"

namespace tine::tensor {

using UnaryLoop = void (*)(char* out, const char* a, int64_t out_stride, int64_t a_stride, int64_t n);
// strides: out, a, b. param: what the operator needs beside its operands (alpha), or null.
using BinaryLoop = void (*)(char* out, const char* a, const char* b, const int64_t* strides, int64_t n,
                            const void* param);

// float32 and float64 only.
[[nodiscard]] UnaryLoop simd_unary(UnaryOp op, DType dtype) noexcept;
[[nodiscard]] BinaryLoop simd_binary(BinaryOp op, DType dtype) noexcept;
[[nodiscard]] BinaryLoop simd_add_scaled(DType dtype) noexcept;  // a + alpha * b; param: alpha in that dtype

struct RowKernels {
  double (*sum_f32)(const float*, int64_t);
  double (*sum_f64)(const double*, int64_t);
  // The largest and the smallest; NaN if there is one. n > 0.
  float (*max_f32)(const float*, int64_t, bool smallest);
  double (*max_f64)(const double*, int64_t, bool smallest);
  void (*softmax_f32)(const float* a, float* out, int64_t n, bool log);
  void (*softmax_f64)(const double* a, double* out, int64_t n, bool log);
};
[[nodiscard]] const RowKernels& row_kernels() noexcept;

}  // namespace tine::tensor
