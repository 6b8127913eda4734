#include "src/rpc/transport/shm/shared_segment.h"
#include "tine/rpc.h"

namespace tine::rpc {

Tensor shared_empty(std::span<const int64_t> sizes, DType dtype) {
  auto bytes = static_cast<int64_t>(size_of(dtype));
  bool ordinary = sizes.size() > 64;  // Tensor::empty has the words for what cannot be
  for (const int64_t size : sizes) ordinary |= size <= 0 || __builtin_mul_overflow(bytes, size, &bytes);
  if (ordinary || bytes < static_cast<int64_t>(SharedSegment::kLeastBytes))
    return Tensor::empty(sizes, dtype);
  auto segment = SharedSegment::make(static_cast<size_t>(bytes));
  if (!segment) return Tensor::empty(sizes, dtype);
  Shape strides(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) strides[i] = stride;
  void* const data = segment->data();
  return Tensor::from_blob(data, sizes, strides, dtype,
                           [segment = std::move(segment)]() mutable { segment = nullptr; });
}

}  // namespace tine::rpc
