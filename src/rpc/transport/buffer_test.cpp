#include "src/rpc/transport/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "tine/executor.h"

namespace tine::rpc {
namespace {

using detail::make_ref;
using detail::Ref;

TEST(BufferPool, ABufferIsAlignedAndAtLeastAsLargeAsAsked) {
  auto pool = make_ref<BufferPool>();
  for (size_t size : {size_t{0}, size_t{1}, size_t{256}, size_t{257}, size_t{4096}, size_t{5000},
                      size_t{1} << 20, (size_t{1} << 20) + 1}) {
    auto b = pool->acquire(size);
    EXPECT_EQ(b->size(), size);
    EXPECT_GE(b->capacity(), size);
    EXPECT_LE(b->capacity(), std::max<size_t>(256, size + size / 4 + 1));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(b->data()) % 64, 0u);
    if (size) std::memset(b->data(), 1, size);
  }
}

TEST(BufferPool, ATrimGivesBackWhatNobodyTookSinceTheLastOne) {
  auto pool = make_ref<BufferPool>();
  const auto two = [&] { return std::pair(pool->acquire(1 << 20), pool->acquire(1 << 20)); };
  (void)two();
  EXPECT_EQ(pool->retained_bytes(), size_t{2} << 20);
  pool->trim();  // both were lent at some time
  EXPECT_EQ(pool->retained_bytes(), size_t{2} << 20);
  (void)pool->acquire(1 << 20);
  pool->trim();  // one was not
  EXPECT_EQ(pool->retained_bytes(), size_t{1} << 20);
  pool->trim();
  EXPECT_EQ(pool->retained_bytes(), 0u);
  EXPECT_FALSE(pool->may_trim());
}

TEST(BufferPool, ALargeBufferThatIsLentMayBeTrimmedSometime) {
  auto pool = make_ref<BufferPool>();
  auto small = pool->acquire(1 << 16);
  EXPECT_FALSE(pool->may_trim());
  auto large = pool->acquire(1 << 20);
  EXPECT_TRUE(pool->may_trim());
  large = nullptr;
  EXPECT_TRUE(pool->may_trim());
  pool->trim();
  pool->trim();
  EXPECT_FALSE(pool->may_trim());
}

TEST(BufferPool, ADroppedBuffersMemoryIsUsedAgain) {
  auto pool = make_ref<BufferPool>();
  auto a = pool->acquire(100'000);
  const auto* data = a->data();
  a = nullptr;
  EXPECT_GT(pool->retained_bytes(), 0u);
  auto b = pool->acquire(99'000);
  EXPECT_EQ(b->data(), data);
  EXPECT_EQ(pool->retained_bytes(), 0u);
}

TEST(BufferPool, KeepsNoMoreThanItsBound) {
  auto pool = make_ref<BufferPool>(size_t{1} << 20);
  std::vector<Ref<Buffer>> buffers;
  for (int i = 0; i < 100; ++i) buffers.push_back(pool->acquire(size_t{64} << 10));
  buffers.clear();
  EXPECT_LE(pool->retained_bytes(), size_t{1} << 20);
  EXPECT_GT(pool->retained_bytes(), size_t{1} << 19);
  pool->acquire(size_t{8} << 20) = nullptr;
  EXPECT_LE(pool->retained_bytes(), size_t{1} << 20);
}

TEST(BufferPool, ABufferOutlivesItsPool) {
  auto pool = make_ref<BufferPool>();
  auto b = pool->acquire(1000);
  pool = nullptr;
  std::memset(b->data(), 0, b->size());
}

TEST(BufferPool, IsSharedByThreads) {
  auto pool = make_ref<BufferPool>(size_t{1} << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      std::vector<Ref<Buffer>> held(8);
      for (int i = 0; i < 5000; ++i) {
        auto& slot = held[random() % held.size()];
        slot = pool->acquire(random() % 20'000);
        if (slot->size()) slot->data()[slot->size() - 1] = std::byte{1};
      }
    });
  }
  for (auto& t : threads) t.join();
}

TEST(BufferPool, ThatRetainsNoMoreGivesItsBlocksAndThoseThatComeBackToTheSystem) {
  const auto pool = detail::make_ref<BufferPool>();
  auto kept = pool->acquire(1000);
  (void)pool->acquire(2000);
  EXPECT_GT(pool->retained_bytes(), 0U);
  pool->retain_no_more();
  EXPECT_EQ(pool->retained_bytes(), 0U);
  kept = {};
  EXPECT_EQ(pool->retained_bytes(), 0U);
}

TEST(BufferPool, AThreadThatReadsGivesNoLargeBlockBackToTheSystem) {
  class Kept final : public Executor {
   public:
    void post(Task& task) noexcept override { tasks.push_back(&task); }
    std::vector<Task*> tasks;
  } kept;
  {
    const detail::CallbackGate gate(kept);
    auto pool = make_ref<BufferPool>(0);
    for (const size_t size : {size_t{4096}, size_t{8} << 20}) (void)pool->acquire(size);
  }
  ASSERT_EQ(kept.tasks.size(), 1u);
  kept.tasks[0]->run();
}

}  // namespace
}  // namespace tine::rpc
