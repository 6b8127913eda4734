#include "tine/tensor.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "src/base/recycler.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/shape.h"
#include "src/tensor/repr.h"
#include "src/tensor/tensor_impl.h"

namespace tine {
namespace tensor {
namespace {

constexpr size_t kWideFrom = 256;  // from this many bytes on, the elements start on a cache line
constexpr size_t kWide = 64;
constexpr size_t kRecycled =
    size_t{32} << 10;  // blocks from here on, where fresh pages begin to cost more than the work
constexpr size_t kAddressable = size_t{1} << 47;  // what a process can have at most

constexpr size_t head_bytes(size_t dim) noexcept { return sizeof(Impl) + 2 * sizeof(int64_t) * dim; }
constexpr size_t block_bytes(size_t dim, size_t bytes) noexcept {
  return head_bytes(dim) + bytes + (bytes >= kWideFrom ? kWide : 0);
}

[[noreturn]] void throw_bad_sizes(std::span<const int64_t> sizes, DType dtype) {
  if (static_cast<int64_t>(sizes.size()) > kMaxDims)
    throw ShapeError(fmt::format("a tensor has at most {} dimensions, not {}", kMaxDims, sizes.size()));
  for (int64_t s : sizes)
    if (s < 0)
      throw ShapeError(
          fmt::format("Trying to create tensor with negative dimension {}: {}", s, to_string(sizes)));
  throw ShapeError(fmt::format("a {} tensor of sizes {} has more bytes than can be addressed", name_of(dtype),
                               to_string(sizes)));
}

[[noreturn]] void throw_no_memory(std::span<const int64_t> sizes, DType dtype) {
  std::rethrow_exception(make_error(
      ErrorKind::kMemory,
      fmt::format("not enough memory for a {} tensor of sizes {}", name_of(dtype), to_string(sizes))));
}

}  // namespace

void throw_undefined() {
  throw ValueError(
      "an undefined Tensor has no elements; make one with zeros, tensor or another operator first");
}

void Impl::operator delete(Impl* impl, std::destroying_delete_t) noexcept {
  // The size of the block is needed only if the block may be recycled. Most tensors are so small that their number of elements
  // alone says no.
  size_t bytes = 0;
  if (!impl->owner_ && impl->numel_ >= static_cast<int64_t>(kRecycled / sizeof(int64_t)) / 2)
    bytes = block_bytes(impl->dim_, static_cast<size_t>(impl->numel_) * size_of(impl->dtype_));
  impl->Impl::~Impl();
  if (bytes >= kRecycled) return Recycler::of_process().give_back(impl, bytes);
  std::free(impl);
}

Impl* Impl::make(std::span<const int64_t> sizes, DType dtype) {
  const size_t dim = sizes.size();
  int64_t numel = 1;
  bool bad = dim > static_cast<size_t>(kMaxDims);
  for (size_t i = 0; i < dim; ++i) bad |= sizes[i] < 0 || __builtin_mul_overflow(numel, sizes[i], &numel);
  // Strides count an empty dimension as 1, so they may overflow although the number of elements is 0.
  int64_t stride = 1;
  for (size_t i = dim; i-- > 1;) bad |= __builtin_mul_overflow(stride, sizes[i] > 1 ? sizes[i] : 1, &stride);
  size_t bytes = 0;
  bad = bad || __builtin_mul_overflow(static_cast<size_t>(numel), size_of(dtype), &bytes) ||
        bytes > (size_t{1} << 62);
  if (bad) [[unlikely]]
    throw_bad_sizes(sizes, dtype);
  // Sizes beyond 2^62 bytes are a mistake of the program (ShapeError). What only this machine cannot have is a want
  // of memory.
  if (bytes > kAddressable) [[unlikely]]
    throw_no_memory(sizes, dtype);
  const size_t whole = block_bytes(dim, bytes);
  void* block = whole >= kRecycled ? Recycler::of_process().take(whole) : std::malloc(whole);
  if (!block) [[unlikely]]
    throw_no_memory(sizes, dtype);
  Impl* impl = new (block) Impl(dtype, static_cast<int64_t>(dim));
  int64_t* dims = impl->dims();
  stride = 1;
  for (size_t i = dim; i-- > 0;) {
    dims[i] = sizes[i];
    dims[dim + i] = stride;
    if (i != 0) stride *= sizes[i] > 1 ? sizes[i] : 1;
  }
  char* data = static_cast<char*>(block) + head_bytes(dim);
  if (bytes >= kWideFrom) data += (kWide - reinterpret_cast<uintptr_t>(data) % kWide) % kWide;
  impl->data_ = data;
  impl->numel_ = numel;
  return impl;
}

Impl* Impl::make(std::span<const int64_t> sizes, std::span<const int64_t> strides, DType dtype) {
  Impl* impl = make(sizes, dtype);
  for (size_t i = 0; i < sizes.size(); ++i) impl->dims()[sizes.size() + i] = strides[i];
  impl->contiguous_ = impl->is_row_major();
  return impl;
}

bool Impl::is_row_major() const noexcept {
  int64_t step = 1;
  for (size_t i = dim_; i-- > 0;) {
    // An empty tensor is contiguous whatever its strides are.
    if (sizes()[i] != 1 && strides()[i] != step) return numel_ == 0;
    step *= sizes()[i];
  }
  return true;
}

Impl* Impl::on(detail::RefCounted* owner, void* data, std::span<const int64_t> sizes,
               std::span<const int64_t> strides, int64_t offset, DType dtype, bool writable) {
  const size_t dim = sizes.size();
  // An expanded view repeats elements, so the product of its sizes may overflow.
  int64_t numel = 1;
  bool bad = dim > static_cast<size_t>(kMaxDims);
  for (size_t i = dim; i-- > 0;) bad |= __builtin_mul_overflow(numel, sizes[i], &numel);
  if (bad) [[unlikely]]
    throw_bad_sizes(sizes, dtype);
  void* block = std::malloc(head_bytes(dim));
  if (!block) [[unlikely]]
    throw_no_memory(sizes, dtype);
  Impl* impl = new (block) Impl(dtype, static_cast<int64_t>(dim));
  int64_t* dims = impl->dims();
  for (size_t i = 0; i < dim; ++i) {
    dims[i] = sizes[i];
    dims[dim + i] = strides[i];
  }
  impl->numel_ = numel;
  impl->contiguous_ = impl->is_row_major();
  impl->data_ = data;
  impl->offset_ = offset;
  impl->writable_ = writable;
  owner->retain();
  impl->owner_ = owner;
  return impl;
}

int64_t Impl::storage_bytes() const noexcept {
  if (const auto* lent = dynamic_cast<const Blob*>(storage())) return lent->bytes;
  const auto* root = static_cast<const Impl*>(storage());
  return root->numel_ * static_cast<int64_t>(size_of(root->dtype_));
}

}  // namespace tensor

using tensor::impl_of;

std::string_view name_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::kUInt8: return "uint8";
    case DType::kInt64: return "int64";
    case DType::kFloat32: return "float32";
    case DType::kFloat64: return "float64";
    case DType::kBool: return "bool";
  }
  return "?";
}

Tensor Tensor::empty(std::span<const int64_t> sizes, DType dtype) { return tensor::make(sizes, dtype); }

Tensor Tensor::from_blob(void* data, std::span<const int64_t> sizes, std::span<const int64_t> strides,
                         DType dtype, std::function<void()> release, bool writable) {
  if (sizes.size() != strides.size())
    throw ShapeError(fmt::format("from_blob: {} sizes but {} strides", sizes.size(), strides.size()));
  int64_t last = 0;
  bool negative = false;
  bool empty = false;
  bool beyond = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0)
      throw ShapeError(
          fmt::format("from_blob: negative dimension {} in {}", sizes[i], tensor::to_string(sizes)));
    empty |= sizes[i] == 0;
    negative |= strides[i] < 0 && sizes[i] > 1;
    int64_t reach = 0;
    beyond |= sizes[i] > 1 && (__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
                               __builtin_add_overflow(last, reach, &last));
  }
  // Negative strides would reach before the first element; no operator expects that.
  if (negative && !empty)
    throw ValueError(
        fmt::format("from_blob: strides {} are negative; copy the memory first", tensor::to_string(strides)));
  if (!empty && (beyond || last >= (int64_t{1} << 59)))
    throw ShapeError(fmt::format("from_blob: sizes {} and strides {} reach beyond what can be addressed",
                                 tensor::to_string(sizes), tensor::to_string(strides)));
  const int64_t bytes = empty ? 0 : (last + 1) * static_cast<int64_t>(size_of(dtype));
  auto blob = detail::make_ref<tensor::Blob>(std::move(release), bytes);
  return adopt(tensor::Impl::on(blob.get(), data, sizes, strides, 0, dtype, writable));
}

Tensor Tensor::scalar(double value, DType dtype) {
  Tensor t = tensor::make({}, dtype);
  tensor::with_type(dtype, [&]<class T>(T) { *t.data_as<T>() = static_cast<T>(value); });
  return t;
}
Tensor Tensor::scalar(int64_t value, DType dtype) {
  Tensor t = tensor::make({}, dtype);
  tensor::with_type(dtype, [&]<class T>(T) { *t.data_as<T>() = static_cast<T>(value); });
  return t;
}
Tensor Tensor::scalar(bool value) {
  Tensor t = tensor::make({}, DType::kBool);
  *t.data_as<bool>() = value;
  return t;
}

DType Tensor::dtype() const { return impl_of(*this).dtype(); }
int64_t Tensor::dim() const { return impl_of(*this).dim(); }
std::span<const int64_t> Tensor::sizes() const { return impl_of(*this).sizes(); }
std::span<const int64_t> Tensor::strides() const { return impl_of(*this).strides(); }
int64_t Tensor::size(int64_t d) const {
  const auto& i = impl_of(*this);
  if (i.dim() == 0)
    throw IndexError(fmt::format("dimension specified as {} but tensor has no dimensions", d));
  return i.sizes()[static_cast<size_t>(tensor::wrap_dim(d, i.dim()))];
}
int64_t Tensor::numel() const { return impl_of(*this).numel(); }
int64_t Tensor::storage_offset() const { return impl_of(*this).offset(); }
bool Tensor::is_contiguous() const { return impl_of(*this).contiguous(); }
bool Tensor::is_writable() const { return impl_of(*this).writable(); }
bool Tensor::shares_storage_with(const Tensor& other) const {
  return impl_of(*this).storage() == impl_of(other).storage();
}
void* Tensor::data() const { return impl_of(*this).data(); }

Tensor Tensor::as_strided(std::span<const int64_t> sizes, std::span<const int64_t> strides,
                          int64_t offset) const {
  const auto& i = impl_of(*this);
  if (sizes.size() != strides.size())
    throw ShapeError(fmt::format("as_strided: mismatch in length of strides {} and shape {}",
                                 tensor::to_string(strides), tensor::to_string(sizes)));
  const int64_t width = static_cast<int64_t>(size_of(i.dtype()));
  int64_t last = offset;
  bool empty = false;
  bool bad = offset < 0;
  for (size_t d = 0; d < sizes.size(); ++d) {
    // The largest offset: all terms are at least 0, since negative strides are refused.
    int64_t reach = 0;
    bad = bad || sizes[d] < 0 || strides[d] < 0;
    empty = empty || sizes[d] == 0;
    bad = bad || __builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) ||
          __builtin_add_overflow(last, reach, &last);
  }
  if (bad || (!empty && last >= i.storage_bytes() / width))
    throw IndexError(
        fmt::format("as_strided: sizes {}, strides {}, offset {} reach beyond a storage of {} elements",
                    tensor::to_string(sizes), tensor::to_string(strides), offset, i.storage_bytes() / width));
  return tensor::view_of(*this, sizes, strides, offset - i.offset());
}

Tensor Tensor::contiguous() const { return tensor::contiguous({}, *this); }
Tensor Tensor::to(DType dtype) const { return tensor::to({}, *this, dtype); }

namespace {

void check_single(const tensor::Impl& i) {
  if (i.numel() == 1) [[likely]]
    return;
  throw ValueError(
      fmt::format("only one element tensors can be converted to Python scalars; this one has {} (sizes {})",
                  i.numel(), tensor::to_string(i.sizes())));
}

}  // namespace

double Tensor::item_as_double() const {
  const auto& i = impl_of(*this);
  check_single(i);
  return tensor::with_type(i.dtype(),
                           [&]<class T>(T) { return static_cast<double>(*static_cast<T*>(i.data())); });
}

int64_t Tensor::item_as_int() const {
  const auto& i = impl_of(*this);
  check_single(i);
  return tensor::with_type(i.dtype(), [&]<class T>(T) -> int64_t {
    const T v = *static_cast<T*>(i.data());
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(v)) throw ValueError("cannot convert float NaN to integer");
      if (std::isinf(v)) throw OverflowError("cannot convert float infinity to integer");
      if (!(v >= -0x1p63 && v < 0x1p63))
        throw OverflowError(fmt::format("{} does not fit a 64-bit integer", static_cast<double>(v)));
    }
    return static_cast<int64_t>(v);
  });
}

bool Tensor::item_as_bool() const {
  const auto& i = impl_of(*this);
  if (i.numel() != 1)
    throw ValueError(fmt::format("Boolean value of Tensor with {} value{} is ambiguous (sizes {})",
                                 i.numel() ? "more than one" : "no", i.numel() ? "" : "s",
                                 tensor::to_string(i.sizes())));
  return tensor::with_type(i.dtype(), [&]<class T>(T) { return *static_cast<T*>(i.data()) != T{}; });
}

std::string Tensor::repr() const { return defined() ? tensor::repr(*this) : "tensor(<undefined>)"; }

}  // namespace tine
