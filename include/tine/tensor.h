// Tensor: an n-dimensional array; a handle on shared storage, as in PyTorch.
//
//   Tensor t = Tensor::empty(std::vector<int64_t>{2, 3}, DType::kFloat32);
//   std::fill_n(t.data_as<float>(), t.numel(), 1.0f);
//   std::cout << t.repr();
//
// A tensor has a dtype, sizes, strides and an offset, both in elements, and a storage. The first four never change; the
// elements may. Copies of a handle share everything; views share the storage. The storage frees its memory, or, of memory that
// it was lent (by NumPy, DLPack, a receive buffer), tells the lender.
//
// Handles are as safe as an int. Elements are not locked: a write needs exclusive access. A handle is one pointer, and a new
// small tensor one allocation. Every function that can fail throws IndexError, ShapeError, TypeError or ValueError, with the
// sizes and dtypes that it was given. What computes with tensors is in operators.h.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tine/detail/export.h"
#include "tine/detail/ref.h"

namespace tine {

// The numbers are those of PyTorch's ScalarType, so a saved schema default keeps its meaning.
enum class DType : int8_t { kUInt8 = 0, kInt64 = 4, kFloat32 = 6, kFloat64 = 7, kBool = 11 };
[[nodiscard]] TINE_API std::string_view name_of(DType dtype) noexcept;  // "float32"
[[nodiscard]] constexpr size_t size_of(DType dtype) noexcept {
  return dtype == DType::kFloat32 ? 4 : dtype == DType::kBool || dtype == DType::kUInt8 ? 1 : 8;
}
[[nodiscard]] constexpr bool is_floating(DType dtype) noexcept {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

using Shape = std::vector<int64_t>;
class TensorImpl;

class TINE_API Tensor {
 public:
  Tensor() noexcept = default;  // undefined: every other function of it but repr() throws
  [[nodiscard]] bool defined() const noexcept { return static_cast<bool>(impl_); }

  // A new tensor whose elements are not set.
  [[nodiscard]] static Tensor empty(std::span<const int64_t> sizes, DType dtype);
  // A tensor on memory of the caller's, which must stay until `release` is called: once, on any thread. Strides are in elements
  // and not negative.
  [[nodiscard]] static Tensor from_blob(void* data, std::span<const int64_t> sizes,
                                        std::span<const int64_t> strides, DType dtype,
                                        std::function<void()> release, bool writable = true);
  // A tensor without dimensions.
  [[nodiscard]] static Tensor scalar(double value, DType dtype);
  [[nodiscard]] static Tensor scalar(int64_t value, DType dtype = DType::kInt64);
  [[nodiscard]] static Tensor scalar(bool value);

  [[nodiscard]] DType dtype() const;
  [[nodiscard]] int64_t dim() const;
  [[nodiscard]] std::span<const int64_t> sizes() const;
  [[nodiscard]] std::span<const int64_t> strides() const;
  [[nodiscard]] int64_t size(int64_t dim) const;  // negative counts from the end
  [[nodiscard]] int64_t numel() const;
  [[nodiscard]] int64_t storage_offset() const;
  [[nodiscard]] bool is_contiguous() const;
  [[nodiscard]] bool is_writable() const;  // false only on memory that was lent as read-only
  [[nodiscard]] bool shares_storage_with(const Tensor& other) const;
  // The first element. Memory that tine allocated is aligned to 16 bytes, and to 64 if it has 256 bytes or more.
  [[nodiscard]] void* data() const;
  // The same. Nothing compares T with dtype().
  template <class T>
  [[nodiscard]] T* data_as() const {
    return static_cast<T*>(data());
  }

  // A view of the same storage. `offset` counts elements from the first of the storage. IndexError if it reaches beyond the
  // end.
  [[nodiscard]] Tensor as_strided(std::span<const int64_t> sizes, std::span<const int64_t> strides,
                                  int64_t offset) const;
  [[nodiscard]] Tensor contiguous() const;  // this very tensor when it is contiguous already
  [[nodiscard]] Tensor to(DType dtype) const;

  // The only element, converted; throws if there is not exactly one.
  [[nodiscard]] double item_as_double() const;
  [[nodiscard]] int64_t item_as_int() const;
  [[nodiscard]] bool item_as_bool() const;

  [[nodiscard]] std::string repr() const;  // as PyTorch prints: tensor([3., 3.])

  // For tine's own use.
  [[nodiscard]] TensorImpl* impl() const noexcept { return impl_.get(); }
  [[nodiscard]] inline detail::RefCounted* leak_impl() noexcept;
  [[nodiscard]] static inline Tensor adopt(TensorImpl* impl) noexcept {
    Tensor t;
    t.impl_ = detail::Ref<TensorImpl>::adopt(impl);
    return t;
  }

 private:
  detail::Ref<TensorImpl> impl_;
};

// Holds the slot in which a language binding keeps its wrapper of a tensor. It is read and written under that language's lock
// only. The wrapper owns the impl, never the other way round.
class TINE_API TensorImpl : public detail::RefCounted {
 public:
  void* binding = nullptr;

 protected:
  TensorImpl() noexcept = default;
};

inline detail::RefCounted* Tensor::leak_impl() noexcept { return impl_.leak(); }

}  // namespace tine
