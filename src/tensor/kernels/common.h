// What the kernels share: shapes on the stack, numbers as operands, checks before writing.
#pragma once

#include <array>

#include "src/tensor/iterate.h"
#include "src/tensor/kernels/shape.h"
#include "src/tensor/tensor_impl.h"
#include "tine/scalar.h"

namespace tine::tensor {

// Sizes or strides without a heap allocation.
class DimVector {
 public:
  DimVector() = default;
  explicit DimVector(std::span<const int64_t> v) {
    for (int64_t x : v) push_back(x);
  }
  void push_back(int64_t x) {
    if (size_ == static_cast<size_t>(kMaxDims)) throw ShapeError("a tensor has at most 64 dimensions");
    items_[size_++] = x;
  }
  void insert(size_t at, int64_t x) {
    push_back(0);
    for (size_t i = size_ - 1; i > at; --i) items_[i] = items_[i - 1];
    items_[at] = x;
  }
  void erase(size_t at) {
    for (size_t i = at + 1; i < size_; ++i) items_[i - 1] = items_[i];
    --size_;
  }
  void resize(size_t n, int64_t fill = 0) {
    while (size_ < n) push_back(fill);
    size_ = n;
  }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  int64_t& operator[](size_t i) noexcept { return items_[i]; }
  int64_t operator[](size_t i) const noexcept { return items_[i]; }
  operator std::span<const int64_t>() const noexcept { return {items_.data(), size_}; }
  [[nodiscard]] const int64_t* begin() const noexcept { return items_.data(); }
  [[nodiscard]] const int64_t* end() const noexcept { return items_.data() + size_; }

 private:
  size_t size_ = 0;
  std::array<int64_t, kMaxDims> items_;
};

[[nodiscard]] DimVector broadcast(Sizes a, Sizes b);  // ShapeError naming both

// A number in the memory of an element of some dtype.
struct Number {
  alignas(8) char bytes[8];
  static Number of(Scalar s, DType dtype) {
    Number n;
    with_type(dtype, [&]<class T>(T) {
      const T v = s.as<T>();
      __builtin_memcpy(n.bytes, &v, sizeof v);
    });
    return n;
  }
  // Of a tensor of one element.
  static Number of(const Impl& i, DType dtype);
};

// Refuses to store a number that no element of the dtype can hold. Whole numbers down to -255 wrap in uint8, as in
// PyTorch; arithmetic is not asked: there numbers wrap in uint8, and are infinite in float32.
void check_holds(Scalar s, DType dtype);

// `t` as an operand of that dtype: itself, its only element, or a converted copy kept in `hold`.
[[nodiscard]] Operand operand(const KernelContext& c, const Tensor& t, DType dtype, Number& number,
                              Tensor& hold);

// ---- where the elements of an elementwise result lie

// True when the strides name each element once and leave no gap: some order of the dimensions is row-major.
[[nodiscard]] bool is_dense(Sizes sizes, std::span<const int64_t> strides) noexcept;
// The order in which PyTorch walks operands that broadcast to the shape: by their strides, the first operand that
// tells two dimensions apart decides; what none tells apart stays row-major.
[[nodiscard]] Order order_of(Sizes shape, std::span<const Operand> operands) noexcept;
// A new tensor whose elements lie in that order.
[[nodiscard]] Tensor make(Sizes shape, const Order& order, DType dtype);
// A new tensor laid out as `a`, with its very strides where those are dense.
[[nodiscard]] Tensor make_strided_like(const Impl& a, DType dtype);
[[nodiscard]] inline Tensor make_like(const Impl& a, DType dtype) {
  return a.contiguous() ? make(a.sizes(), dtype) : make_strided_like(a, dtype);
}
// A contiguous copy, also of what is contiguous already.
[[nodiscard]] Tensor packed(const KernelContext& c, const Tensor& a);

// Refuses to write to read-only memory and to memory that several elements share.
void check_writable(const Impl& self, std::string_view op);
// True when writing `self` in any order could change elements of `source` that are still to be read.
[[nodiscard]] bool clashes(const Impl& self, const Impl& source) noexcept;

}  // namespace tine::tensor
