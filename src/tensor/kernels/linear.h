// Matrix products, with the rules of PyTorch's matmul for dimensions. Results are new tensors.
//
// float32 and float64 use OpenBLAS on one thread; a large product is split into blocks of 128 rows over the context's
// cores. int64 uses a plain blocked loop. Shapes that do not fit are a ShapeError, "mat1 and mat2 shapes cannot be
// multiplied (2x3 and 4x5)". Different dtypes and bool are a TypeError.
#pragma once

#include <optional>

#include "src/tensor/splitter.h"
#include "tine/tensor.h"

namespace tine::tensor {

// OpenBLAS starts threads of its own unless told not to; the Runtime calls this once, before any product.
void use_one_blas_thread() noexcept;

// 1-d and 2-d operands as in PyTorch; leading dimensions are batches and broadcast.
[[nodiscard]] Tensor matmul(const KernelContext& c, const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor mm(const KernelContext& c, const Tensor& a, const Tensor& b);   // 2-d only
[[nodiscard]] Tensor bmm(const KernelContext& c, const Tensor& a, const Tensor& b);  // 3-d only
[[nodiscard]] Tensor mv(const KernelContext& c, const Tensor& a, const Tensor& b);   // 2-d and 1-d
[[nodiscard]] Tensor dot(const KernelContext& c, const Tensor& a, const Tensor& b);  // 1-d only
// x @ weight.t() + bias; an undefined bias is none.
[[nodiscard]] Tensor linear(const KernelContext& c, const Tensor& x, const Tensor& weight,
                            const Tensor& bias = {});

}  // namespace tine::tensor
