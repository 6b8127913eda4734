// Plan: the shortest set of nested loops that visits N strided arrays of one shape together, as NumPy's nditer and
// PyTorch's TensorIterator do.
//
// It drops dimensions of one element, and merges dimensions that are contiguous in every array. At least one dimension is
// left, the innermost. Elements are visited in row-major order within a piece, or along the Order that is given. The body
// is called once for each innermost row.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "src/tensor/splitter.h"
#include "src/tensor/tensor_impl.h"

namespace tine::tensor {

inline constexpr int64_t kGrain = 65536;  // elements; less is not worth another core

// One array: address and strides in elements, aligned to the right of the shape; missing dimensions repeat.
struct Operand {
  char* data;
  std::span<const int64_t> sizes;
  std::span<const int64_t> strides;
  int64_t width;  // bytes of an element

  static Operand of(const Impl& i) {
    return {static_cast<char*>(i.data()), i.sizes(), i.strides(), static_cast<int64_t>(size_of(i.dtype()))};
  }
  static Operand number(void* value) { return {static_cast<char*>(value), {}, {}, 0}; }
};

// In which order the dimensions of a shape are walked.
struct Order {
  bool row_major = true;
  std::array<uint8_t, kMaxDims> dims;  // innermost first, unless row_major
};

template <size_t N>
class Plan {
 public:
  Plan(std::span<const int64_t> shape, const std::array<Operand, N>& operands, const Order* order = nullptr) {
    for (size_t k = 0; k < N; ++k) base_[k] = operands[k].data;
    sizes_[0] = 1;
    for (size_t k = 0; k < N; ++k) strides_[0][k] = operands[k].width;
    bool fresh = true;
    // From the innermost outwards; dims_ counts from 0 = innermost.
    for (size_t at = 0; at < shape.size(); ++at) {
      const size_t i = order && !order->row_major ? order->dims[at] : shape.size() - 1 - at;
      const int64_t n = shape[i];
      numel_ *= n;
      if (n == 1) continue;
      std::array<int64_t, N> stride;
      for (size_t k = 0; k < N; ++k) {
        const size_t missing = shape.size() - operands[k].sizes.size();
        const bool repeat = i < missing || operands[k].sizes[i - missing] == 1;
        stride[k] = repeat ? 0 : operands[k].strides[i - missing] * operands[k].width;
      }
      if (fresh) {
        sizes_[0] = n;
        strides_[0] = stride;
        fresh = false;
        continue;
      }
      bool merge = true;
      for (size_t k = 0; k < N; ++k) merge = merge && stride[k] == strides_[dims_ - 1][k] * sizes_[dims_ - 1];
      if (merge) {
        sizes_[dims_ - 1] *= n;
      } else {
        sizes_[dims_] = n;
        strides_[dims_] = stride;
        ++dims_;
      }
    }
  }

  [[nodiscard]] int64_t numel() const noexcept { return numel_; }

  // body(pointers, strides, n) for each innermost row; on several cores where that pays.
  template <class Body>
  void run(const KernelContext& context, Body&& body) const {
    if (numel_ == 0) return;
    const int64_t inner = sizes_[0];
    if (dims_ == 1) {
      split(context, inner, kGrain, [&](int64_t begin, int64_t end) {
        std::array<char*, N> p = base_;
        for (size_t k = 0; k < N; ++k) p[k] += begin * strides_[0][k];
        body(p, strides_[0], end - begin);
      });
      return;
    }
    const int64_t rows = numel_ / inner;
    split(context, rows, kGrain / inner + 1,
          [&](int64_t begin, int64_t end) { run_rows(base_, begin, end, body); });
  }

  // On this thread, with other base addresses.
  template <class Body>
  void run_at(const std::array<char*, N>& base, Body&& body) const {
    if (numel_ == 0) return;
    if (dims_ == 1) return body(base, strides_[0], sizes_[0]);
    run_rows(base, 0, numel_ / sizes_[0], body);
  }

 private:
  template <class Body>
  void run_rows(std::array<char*, N> p, int64_t begin, int64_t end, Body&& body) const {
    std::array<int64_t, kMaxDims> at;
    int64_t rest = begin;
    for (size_t d = 1; d < dims_; ++d) {
      at[d] = rest % sizes_[d];
      rest /= sizes_[d];
      for (size_t k = 0; k < N; ++k) p[k] += at[d] * strides_[d][k];
    }
    for (int64_t row = begin;;) {
      body(p, strides_[0], sizes_[0]);
      if (++row == end) return;
      for (size_t d = 1;; ++d) {
        for (size_t k = 0; k < N; ++k) p[k] += strides_[d][k];
        if (++at[d] < sizes_[d]) break;
        for (size_t k = 0; k < N; ++k) p[k] -= sizes_[d] * strides_[d][k];
        at[d] = 0;
      }
    }
  }

  size_t dims_ = 1;
  int64_t numel_ = 1;
  std::array<char*, N> base_;
  std::array<int64_t, kMaxDims> sizes_;
  std::array<std::array<int64_t, N>, kMaxDims> strides_;
};

}  // namespace tine::tensor
