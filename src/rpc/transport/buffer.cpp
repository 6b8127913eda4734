#include "src/rpc/transport/buffer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "src/future/let_go.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr size_t kAlign = 64;
constexpr size_t kSmallest = 256;
constexpr int kSmallestLog = 8;
// Smaller ones do not matter when they lie around.
constexpr size_t kLarge = size_t{256} << 10;

// Classes lie at 4/4, 5/4, 6/4 and 7/4 of each power of two: at most a fifth of a block is unused.
int class_of_capacity(size_t capacity) noexcept {
  const int log = std::bit_width(capacity) - 1;
  const int quarter = static_cast<int>((capacity >> (log - 2)) & 3);
  return 4 * (log - kSmallestLog) + quarter;
}

size_t capacity_of_class(int index) noexcept {
  return (size_t{4} + static_cast<size_t>(index % 4)) << (index / 4 + kSmallestLog - 2);
}

void free_block(void* data) noexcept { ::operator delete[](data, std::align_val_t{kAlign}); }

}  // namespace

size_t BufferPool::capacity_for(size_t size) noexcept {
  if (size <= kSmallest) return kSmallest;
  const int log = std::bit_width(size - 1) - 1;
  const size_t quarter = size_t{1} << (log - 2);
  return (size + quarter - 1) / quarter * quarter;
}

Buffer::~Buffer() { pool_->give_back(data_, capacity_); }

BufferPool::~BufferPool() {
  for (auto& blocks : free_) {
    for (std::byte* block : blocks) free_block(block);
  }
}

detail::Ref<Buffer> BufferPool::acquire(size_t size) {
  const size_t capacity = capacity_for(size);
  const int index = class_of_capacity(capacity);
  std::byte* data = nullptr;
  if (index < kClasses) {
    std::lock_guard lock(mutex_);
    large_lent_ += capacity >= kLarge;
    auto& blocks = free_[static_cast<size_t>(index)];
    if (!blocks.empty()) {
      data = blocks.back();
      blocks.pop_back();
      retained_ -= capacity;
      uint32_t& unused = unused_[static_cast<size_t>(index)];
      unused = std::min(unused, static_cast<uint32_t>(blocks.size()));
    }
  }
  const auto not_lent = [&] {
    if (index >= kClasses || capacity < kLarge) return;
    const std::lock_guard lock(mutex_);
    --large_lent_;
  };
  if (!data) {
    data = static_cast<std::byte*>(::operator new[](capacity, std::align_val_t{kAlign}, std::nothrow));
    if (!data) {
      not_lent();
      throw ErrorOf<ErrorKind::kMemory>(
          fmt::format("there is no memory for a receive buffer of {} bytes", size));
    }
  }
  try {
    return detail::Ref<Buffer>::adopt(new Buffer(detail::Ref<BufferPool>::share(this), data, size, capacity));
  } catch (...) {
    free_block(data);
    not_lent();
    throw;
  }
}

void BufferPool::give_back(std::byte* data, size_t capacity) noexcept {
  const int index = class_of_capacity(capacity);
  if (index < kClasses) {
    std::lock_guard lock(mutex_);
    large_lent_ -= capacity >= kLarge;
    // One block may never be more than half of what is kept: a single huge tensor would push out the rest.
    if (capacity <= max_retained_ / 2 && retained_ + capacity <= max_retained_) {
      try {
        free_[static_cast<size_t>(index)].push_back(data);
        retained_ += capacity;
        return;
      } catch (const std::bad_alloc&) {
        // Then the system gets it back.
      }
    }
  }
  detail::let_go(data, capacity, &free_block);
}

void BufferPool::trim() {
  std::vector<std::pair<std::byte*, size_t>> dropped;  // outside of the lock
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < free_.size(); ++i) {
      auto& blocks = free_[i];
      const size_t capacity = capacity_of_class(static_cast<int>(i));
      // The newest is taken first, so these are the ones that nobody took.
      for (size_t k = 0; k < unused_[i]; ++k) dropped.emplace_back(blocks[k], capacity);
      retained_ -= unused_[i] * capacity;
      blocks.erase(blocks.begin(), blocks.begin() + unused_[i]);
      unused_[i] = static_cast<uint32_t>(blocks.size());
    }
  }
  for (const auto& [data, capacity] : dropped) detail::let_go(data, capacity, &free_block);
}

bool BufferPool::may_trim() const noexcept {
  const std::lock_guard lock(mutex_);
  return large_lent_ + retained_ != 0;
}

void BufferPool::retain_no_more() noexcept {
  std::lock_guard lock(mutex_);
  max_retained_ = retained_ = 0;
  for (auto& blocks : free_) {
    for (std::byte* block : blocks) free_block(block);
    blocks.clear();
  }
  unused_.fill(0);
}

size_t BufferPool::retained_bytes() const noexcept {
  std::lock_guard lock(mutex_);
  return retained_;
}

}  // namespace tine::rpc
