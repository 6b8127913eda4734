#include "tine/detail/block.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace tine::detail {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Blocks, FreedLastAreReusedFirst) {
  free_block(allocate_block(56), 56);  // now this thread keeps blocks
  void* const a = allocate_block(56);
  void* const b = allocate_block(56);
  free_block(a, 56);
  free_block(b, 56);
  EXPECT_EQ(allocate_block(41), b);  // the same class: 41 to 56 bytes
  EXPECT_EQ(allocate_block(56), a);
  free_block(a, 56);
  free_block(b, 41);
}
#endif

TEST(Blocks, OfEverySizeAreDistinctAndAsLargeAsAskedFor) {
  for (int round = 0; round < 2; ++round) {
    std::vector<std::pair<unsigned char*, size_t>> blocks;
    for (size_t bytes = 1; bytes <= 2200; ++bytes) {
      blocks.emplace_back(static_cast<unsigned char*>(allocate_block(bytes)), bytes);
      std::memset(blocks.back().first, static_cast<int>(bytes & 0xff), bytes);
    }
    for (const auto& [block, bytes] : blocks) {
      EXPECT_EQ(block[0], bytes & 0xff);
      EXPECT_EQ(block[bytes - 1], bytes & 0xff);
      free_block(block, bytes);
    }
  }
}

TEST(Blocks, MayBeFreedOnAnotherThreadAndAfterItsOwnEnd) {
  std::vector<void*> blocks(1000);
  std::thread([&] {
    for (void*& block : blocks) block = allocate_block(100);
  }).join();
  const std::set<void*> distinct(blocks.begin(), blocks.end());
  EXPECT_EQ(distinct.size(), blocks.size());
  std::thread([&] {
    for (void* block : blocks) free_block(block, 100);
  }).join();
}

TEST(Blocks, BeyondWhatAThreadKeepsGoBackToTheAllocator) {
  constexpr size_t kBytes = 512;
  std::thread([&] {
    std::vector<void*> blocks(BlockCache::kMostKept / kBytes + 1000);
    for (void*& block : blocks) block = allocate_block(kBytes);
    for (void* block : blocks) free_block(block, kBytes);
    if (thread_state.blocks) {
      EXPECT_LT(thread_state.blocks->bytes, BlockCache::kMostKept + BlockCache::kLargest);
    }
  }).join();
}

// Thread-locals made before the cache are destroyed after it.
struct Late {
  void* block = nullptr;
  ~Late() {
    if (block) free_block(block, 64);
  }
};
TEST(Blocks, MayBeFreedByDestructorsThatRunAfterTheThreadsCacheIsGone) {
  std::thread([] {
    thread_local Late late;
    late.block = allocate_block(64);
    free_block(allocate_block(64), 64);
    free_block(allocate_block(64), 64);
  }).join();
}

}  // namespace
}  // namespace tine::detail
