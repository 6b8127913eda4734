// Impl: the concrete tensor. One block of memory holds its fields, sizes, strides and elements; it is PyTorch's
// TensorImpl and Storage in one.
//
// `owner` is null in a tensor that holds its own elements. A view, or a tensor on lent memory, retains the owner of its
// elements. Everything but the elements is constant after construction. A block frees itself; a Blob calls the deleter of
// lent memory.
//
// An Impl takes 64 bytes and 16 for each dimension, besides the elements. These are aligned to 16 bytes, and to 64 from
// 256 bytes on. Memory of 32 KiB or more is used again (src/base/recycler.h). make() throws MemoryError, or ShapeError
// for sizes that are impossible.
#pragma once

#include <functional>
#include <span>

#include "tine/error.h"
#include "tine/tensor.h"

namespace tine::tensor {

inline constexpr int64_t kMaxDims = 64;

// Memory that somebody lent.
struct Blob final : detail::RefCounted {
  Blob(std::function<void()> d, int64_t b) : deleter(std::move(d)), bytes(b) {}
  ~Blob() override {
    if (deleter) deleter();
  }
  std::function<void()> deleter;  // not `release`: that would hide the count's
  int64_t bytes;
};

class Impl final : public TensorImpl {
 public:
  // New memory, contiguous. The sizes are not checked for being negative: see Tensor::empty.
  static Impl* make(std::span<const int64_t> sizes, DType dtype);
  // The same with strides that name each element once and leave no gap.
  static Impl* make(std::span<const int64_t> sizes, std::span<const int64_t> strides, DType dtype);
  // On the memory of `owner`, which is retained.
  static Impl* on(detail::RefCounted* owner, void* data, std::span<const int64_t> sizes,
                  std::span<const int64_t> strides, int64_t offset, DType dtype, bool writable);

  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] int64_t dim() const noexcept { return dim_; }
  [[nodiscard]] int64_t numel() const noexcept { return numel_; }
  [[nodiscard]] int64_t offset() const noexcept { return offset_; }
  [[nodiscard]] bool contiguous() const noexcept { return contiguous_; }
  [[nodiscard]] bool writable() const noexcept { return writable_; }
  [[nodiscard]] void* data() const noexcept { return data_; }
  [[nodiscard]] std::span<const int64_t> sizes() const noexcept { return {dims(), dim_}; }
  [[nodiscard]] std::span<const int64_t> strides() const noexcept { return {dims() + dim_, dim_}; }
  [[nodiscard]] detail::RefCounted* storage() const noexcept {
    return owner_ ? owner_ : const_cast<Impl*>(this);
  }
  // Of the whole storage, from its first byte.
  [[nodiscard]] int64_t storage_bytes() const noexcept;

  static void operator delete(Impl* impl, std::destroying_delete_t) noexcept;

 private:
  Impl(DType dtype, int64_t dim) noexcept : dtype_(dtype), dim_(static_cast<uint8_t>(dim)) {}
  ~Impl() override {
    if (owner_) owner_->release();
  }
  static void* operator new(size_t, void* place) noexcept { return place; }
  static void operator delete(void*, void*) noexcept {}
  // True when the elements lie in row-major order without gaps.
  [[nodiscard]] bool is_row_major() const noexcept;
  [[nodiscard]] int64_t* dims() const noexcept {
    return reinterpret_cast<int64_t*>(const_cast<Impl*>(this) + 1);
  }

  void* data_ = nullptr;
  detail::RefCounted* owner_ = nullptr;
  int64_t numel_ = 0;
  int64_t offset_ = 0;
  DType dtype_;
  uint8_t dim_;
  bool contiguous_ = true;
  bool writable_ = true;
};

// The impl of a tensor that must be there.
[[noreturn]] void throw_undefined();
inline const Impl& impl_of(const Tensor& t) {
  if (!t.defined()) [[unlikely]]
    throw_undefined();
  return *static_cast<const Impl*>(t.impl());
}
// For tensors that were checked already.
inline const Impl& known(const Tensor& t) noexcept { return *static_cast<const Impl*>(t.impl()); }

[[nodiscard]] inline Tensor make(std::span<const int64_t> sizes, DType dtype) {
  return Tensor::adopt(Impl::make(sizes, dtype));
}
[[nodiscard]] inline Tensor make(std::span<const int64_t> sizes, std::span<const int64_t> strides,
                                 DType dtype) {
  return Tensor::adopt(Impl::make(sizes, strides, dtype));
}
// `offset` in elements from the first of `a`.
[[nodiscard]] inline Tensor view_of(const Tensor& a, std::span<const int64_t> sizes,
                                    std::span<const int64_t> strides, int64_t offset = 0) {
  const Impl& i = known(a);
  return Tensor::adopt(
      Impl::on(i.storage(), static_cast<char*>(i.data()) + offset * static_cast<int64_t>(size_of(i.dtype())),
               sizes, strides, i.offset() + offset, i.dtype(), i.writable()));
}

[[nodiscard]] inline bool same_sizes(std::span<const int64_t> a, std::span<const int64_t> b) noexcept {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

// Calls f(T{}) with the C++ type of the dtype; bool for kBool.
template <class F>
decltype(auto) with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32: return f(float{});
    case DType::kFloat64: return f(double{});
    case DType::kInt64: return f(int64_t{});
    case DType::kBool: return f(bool{});
    case DType::kUInt8: break;
  }
  return f(uint8_t{});
}

}  // namespace tine::tensor
