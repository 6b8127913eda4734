// Blocks: recycled memory for objects that come and go by the million: states of futures, frames of coroutines and scripts.
//
// Each thread keeps what it frees, by size, up to 16 MiB, and takes the block freed last first, because that one is in the
// processor's cache. The rest goes to the general allocator, and so does everything when the thread ends. A block may be freed
// on another thread than it came from.
//
// A pair of calls is a few instructions. The general allocator takes 11 ns a pair, and it gives the top of its heap back to
// the system only to fault it in again. Builds under a sanitizer use the general allocator each time, so that every use after
// the end is seen.
#pragma once

#include <array>
#include <cstddef>

#include "tine/detail/export.h"
#include "tine/detail/thread_state.h"

namespace tine::detail {

struct FreeBlock {
  FreeBlock* next;
};

struct BlockCache {
  // 8, 24, 40 ...: what a malloc with a header of 8 bytes and an alignment of 16 has room for anyway.
  static constexpr size_t kStep = 16;
  static constexpr size_t kLeast = 8;
  static constexpr size_t kLargest = 2056;
  static constexpr size_t kMostKept = size_t{16} << 20;  // bytes

  [[nodiscard]] static constexpr size_t index(size_t bytes) noexcept {
    return (bytes + kStep - 1 - kLeast) / kStep;
  }
  [[nodiscard]] static constexpr size_t rounded(size_t bytes) noexcept {
    return index(bytes) * kStep + kLeast;
  }

  std::array<FreeBlock*, (kLargest - kLeast) / kStep + 1> lists{};
  size_t bytes = 0;
};

[[nodiscard]] TINE_API void* allocate_new_block(size_t bytes);
TINE_API void free_unkept_block(void* block, size_t bytes) noexcept;

[[nodiscard]] inline void* allocate_block(size_t bytes) {
  BlockCache* const mine = thread_state.blocks;
  if (mine && bytes <= BlockCache::kLargest) [[likely]] {
    FreeBlock*& first = mine->lists[BlockCache::index(bytes)];
    if (FreeBlock* const block = first) [[likely]] {
      first = block->next;
      mine->bytes -= BlockCache::rounded(bytes);
      return block;
    }
  }
  return allocate_new_block(bytes);
}

// `bytes` as they were asked for.
inline void free_block(void* block, size_t bytes) noexcept {
  BlockCache* const mine = thread_state.blocks;
  if (!mine || bytes > BlockCache::kLargest || mine->bytes >= BlockCache::kMostKept) [[unlikely]] {
    free_unkept_block(block, bytes);
    return;
  }
  mine->bytes += BlockCache::rounded(bytes);
  FreeBlock*& first = mine->lists[BlockCache::index(bytes)];
  auto* const freed = static_cast<FreeBlock*>(block);
  freed->next = first;
  first = freed;
}

}  // namespace tine::detail
