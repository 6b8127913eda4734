#include "tine/detail/block.h"

#include <new>

#include "src/base/sanitized.h"

namespace tine::detail {

constinit thread_local ThreadState thread_state;

namespace {

constinit thread_local bool ended = false;

struct CacheOwner {
  CacheOwner() { thread_state.blocks = kept; }
  ~CacheOwner() {
    thread_state.blocks = nullptr;
    ended = true;
    if (!kept) return;
    for (FreeBlock* block : kept->lists) {
      while (block) {
        FreeBlock* const next = block->next;
        ::operator delete(block);
        block = next;
      }
    }
    delete kept;
  }
  BlockCache* const kept = new (std::nothrow) BlockCache;
};

}  // namespace

void* allocate_new_block(size_t bytes) {
  return ::operator new(bytes > BlockCache::kLargest ? bytes : BlockCache::rounded(bytes));
}

void free_unkept_block(void* block, size_t) noexcept {
  if (!kSanitized && !thread_state.blocks && !ended) thread_local const CacheOwner owner;
  ::operator delete(block);
}

}  // namespace tine::detail
