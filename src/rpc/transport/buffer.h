// Buffer: memory that frames are received into, a block of the Recycler; or memory that both sides share.
//
// A Buffer is counted. Its last reference gives the block back to the Recycler, which outlives it, or lets go of the shared memory. A Tensor borrows one
// through Tensor::from_blob with a release that drops the Ref. Only one thread at a time may write its bytes. Blocks are used
// again because fresh pages cost more than the copy into them (src/base/recycler.h).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "src/base/recycler.h"
#include "tine/detail/ref.h"

namespace tine::rpc {

class Buffer final : public detail::RefCounted {
 public:
  // `size` may be 0. The bytes are whatever they were.
  [[nodiscard]] static detail::Ref<Buffer> make(Recycler& recycler, size_t size);

  // Shared memory, which `holder` keeps.
  [[nodiscard]] static detail::Ref<Buffer> lent(std::span<std::byte> bytes,
                                                std::shared_ptr<const void> holder) {
    return detail::Ref<Buffer>::adopt(new Buffer(bytes, std::move(holder)));
  }

  // Others may write to it at any time.
  [[nodiscard]] bool is_lent() const noexcept { return recycler_ == nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  Buffer(Recycler& recycler, std::byte* data, size_t size) noexcept
      : recycler_(&recycler), data_(data), size_(size) {}
  Buffer(std::span<std::byte> bytes, std::shared_ptr<const void> holder) noexcept
      : data_(bytes.data()), size_(bytes.size()), holder_(std::move(holder)) {}
  ~Buffer() override {
    if (recycler_) recycler_->give_back(data_, size_);
  }

  Recycler* recycler_ = nullptr;
  std::byte* data_;
  size_t size_;
  std::shared_ptr<const void> holder_;
};

}  // namespace tine::rpc
