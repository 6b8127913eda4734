// Buffer, BufferPool: recycled memory, aligned to 64 bytes, that frames are received into.
//
// State      A Buffer is `size` bytes of a block; the pool keeps free blocks by size class.
// Threads    Any. One writer of a Buffer's bytes at a time.
// Ordering   What was written to a block before its last release is visible to who acquires it next.
// Ownership  A Buffer is counted; its last reference gives the block back to the pool, which lives as long as
//            any of its buffers. A Tensor borrows one through Tensor::from_blob with a release that drops
//            the Ref.
// Errors     acquire throws Error(kMemory) naming the size when the system has none left.
// Cost       A recycled block: one lock, no page faults. Free blocks are bounded in bytes: what is over the
//            bound, or of no use for a while (trim), goes back to the system, by no thread that reads. Classes are a quarter of a power of two apart.
// Source     Fresh pages cost more than the copy into them (DESIGN, "RPC").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "tine/detail/ref.h"

namespace tine::rpc {

class BufferPool;

class Buffer final : public detail::RefCounted {
 public:
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  friend class BufferPool;
  Buffer(detail::Ref<BufferPool> pool, std::byte* data, size_t size, size_t capacity) noexcept
      : pool_(std::move(pool)), data_(data), size_(size), capacity_(capacity) {}
  ~Buffer() override;

  detail::Ref<BufferPool> pool_;
  std::byte* data_;
  size_t size_;
  size_t capacity_;
};

class BufferPool final : public detail::RefCounted {
 public:
  static constexpr size_t kDefaultRetained = size_t{256} << 20;
  explicit BufferPool(size_t max_retained_bytes = kDefaultRetained) noexcept
      : max_retained_(max_retained_bytes) {}

  // `size` may be 0. The bytes are whatever they were.
  [[nodiscard]] detail::Ref<Buffer> acquire(size_t size);
  [[nodiscard]] size_t retained_bytes() const noexcept;
  // Gives to the system what has lain free since the last time. What is large goes by detail::let_go.
  void trim();
  // Whether trim() may ever find something: large blocks are lent, or blocks lie free.
  [[nodiscard]] bool may_trim() const noexcept;
  // Free blocks go to the system, now and later.
  void retain_no_more() noexcept;
  [[nodiscard]] static size_t capacity_for(size_t size) noexcept;

 private:
  friend class Buffer;
  static constexpr int kClasses = 4 * 40;
  ~BufferPool() override;
  void give_back(std::byte* data, size_t capacity) noexcept;

  mutable std::mutex mutex_;
  size_t max_retained_;
  size_t retained_ = 0;
  size_t large_lent_ = 0;
  std::array<std::vector<std::byte*>, kClasses> free_;
  std::array<uint32_t, kClasses> unused_{};  // the fewest that lay free at any time since the last trim
};

}  // namespace tine::rpc
