#include "src/base/recycler.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "src/base/let_go.h"
#include "src/base/testing/kept_tasks.h"

namespace tine {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct Counting final : Recycler::Keeper {
  bool wanted() noexcept override {
    ++told;
    return able;
  }
  int told = 0;
  bool able = true;
};

struct Kept : ::testing::Test {
  Kept() { recycler.add(keeper); }
  ~Kept() override { recycler.remove(keeper); }
  void pass(size_t bytes) { recycler.give_back(recycler.take(bytes), bytes); }
  void pass_two(size_t bytes) {
    void* const a = recycler.take(bytes);
    void* const b = recycler.take(bytes);
    recycler.give_back(a, bytes);
    recycler.give_back(b, bytes);
  }

  Recycler recycler{8 * kMiB};
  Counting keeper;
};
using TheRecycler = Kept;

TEST_F(TheRecycler, GivesAlignedBlocksOfAtMostAFifthMoreThanAsked) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{256}, size_t{257}, size_t{4096}, size_t{5000},
                             kMiB - 1, kMiB, kMiB + 1}) {
    void* const block = recycler.take(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % Recycler::kAlign, 0U);
    EXPECT_GE(Recycler::capacity_for(bytes), bytes);
    EXPECT_LE(Recycler::capacity_for(bytes), std::max<size_t>(256, bytes + bytes / 4 + 1));
    std::memset(block, 1, Recycler::capacity_for(bytes));
    recycler.give_back(block, bytes);
  }
}

TEST_F(TheRecycler, ABlockIsUsedAgainByTheNextOfItsSizeTheNewestFirst) {
  void* const a = recycler.take(100'000);
  void* const b = recycler.take(100'000);
  recycler.give_back(a, 100'000);
  recycler.give_back(b, 100'000);
  EXPECT_EQ(recycler.kept(), 2 * Recycler::capacity_for(100'000));
  EXPECT_EQ(recycler.take(99'000), b);
  EXPECT_EQ(recycler.take(99'000), a);
  EXPECT_EQ(recycler.kept(), 0U);
  recycler.give_back(a, 99'000);
  recycler.give_back(b, 99'000);
}

TEST_F(TheRecycler, ATrimGivesBackWhatNobodyTookSinceTheLastOne) {
  pass_two(kMiB);
  EXPECT_TRUE(recycler.trim());  // both came back since then
  EXPECT_EQ(recycler.kept(), 2 * kMiB);
  pass(kMiB);
  EXPECT_TRUE(recycler.trim());  // one was not taken
  EXPECT_EQ(recycler.kept(), kMiB);
  EXPECT_FALSE(recycler.trim());
  EXPECT_EQ(recycler.kept(), 0U);
}

TEST_F(TheRecycler, KeepsNoMoreThanItsBoundAndForTheNewcomerTheOldestGoes) {
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(recycler.take(kMiB / 4));
  for (void* block : blocks) recycler.give_back(block, kMiB / 4);
  EXPECT_EQ(recycler.kept(), 8 * kMiB);
  void* const other = recycler.take(kMiB);
  recycler.give_back(other, kMiB);
  EXPECT_EQ(recycler.kept(), 8 * kMiB);
  EXPECT_EQ(recycler.take(kMiB), other);
  EXPECT_EQ(recycler.take(kMiB / 4), blocks.back());
  recycler.give_back(other, kMiB);
  recycler.give_back(blocks.back(), kMiB / 4);
}

TEST_F(TheRecycler, ABlockOfMoreThanHalfOfItsBoundPushesNothingOut) {
  pass(kMiB);
  pass(5 * kMiB);
  EXPECT_EQ(recycler.kept(), kMiB);
}

TEST_F(TheRecycler, TellsOneKeeperWhenSomethingIsKeptAndAgainAfterATrimThatLeftNothing) {
  EXPECT_EQ(keeper.told, 0);
  pass(kMiB);
  pass(kMiB);
  EXPECT_EQ(keeper.told, 1);
  EXPECT_TRUE(recycler.trim());
  EXPECT_FALSE(recycler.trim());
  EXPECT_EQ(keeper.told, 1);
  pass(kMiB);
  EXPECT_EQ(keeper.told, 2);
}

TEST_F(TheRecycler, AKeeperThatCannotIsAskedAgainAndTheOthersInItsPlace) {
  keeper.able = false;
  pass(kMiB);
  pass(kMiB);
  EXPECT_EQ(keeper.told, 2);
  Counting other;
  recycler.add(other);
  pass(kMiB);
  pass(kMiB);
  EXPECT_EQ(other.told, 1);
  keeper.able = true;
  const int before = keeper.told;
  recycler.remove(other);  // what it was told of is another's now
  EXPECT_EQ(keeper.told, before + 1);
}

TEST_F(TheRecycler, WithTheLastKeeperAllGoesBackAndWithoutOneTheNextIsToldOfWhatIsKept) {
  pass(kMiB);
  recycler.remove(keeper);
  EXPECT_EQ(recycler.kept(), 0U);
  pass(kMiB);
  EXPECT_EQ(recycler.kept(), kMiB);
  EXPECT_EQ(keeper.told, 1);
  recycler.add(keeper);
  EXPECT_EQ(keeper.told, 2);
}

TEST_F(TheRecycler, SaysWhenTheSystemHasNoMemory) { EXPECT_EQ(recycler.take(size_t{1} << 60), nullptr); }

TEST_F(TheRecycler, IsSharedByThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      std::vector<std::pair<void*, size_t>> held(8);
      for (int i = 0; i < 5000; ++i) {
        auto& [block, bytes] = held[random() % held.size()];
        if (block) {
          EXPECT_EQ(static_cast<char*>(block)[bytes - 1], static_cast<char>(t));
          recycler.give_back(block, bytes);
        }
        bytes = 1 + random() % 200'000;
        block = recycler.take(bytes);
        static_cast<char*>(block)[bytes - 1] = static_cast<char>(t);
        if (i % 500 == 0) recycler.trim();
      }
      for (auto& [block, bytes] : held) {
        if (block) recycler.give_back(block, bytes);
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_LE(recycler.kept(), 8 * kMiB);
}

TEST_F(TheRecycler, AThreadThatReadsGivesNoLargeBlockBackToTheSystem) {
  KeptTasks posted;
  recycler.remove(keeper);
  {
    const detail::CallbackGate gate(posted);
    for (const size_t bytes : {size_t{4096}, 8 * kMiB}) pass(bytes);
  }
  ASSERT_EQ(posted.tasks.size(), 1U);
  posted.tasks[0]->run();
  recycler.add(keeper);
}

#if !defined(__SANITIZE_THREAD__)  // allows a forked child no threads
TEST(TheRecyclerOfTheProcess, IsFreeInAChildWhateverOtherThreadsDoWhileItForks) {
  std::atomic<bool> enough{false};
  std::vector<std::thread> busy;
  for (int t = 0; t < 2; ++t) {
    busy.emplace_back([&] {
      Recycler& all = Recycler::of_process();
      while (!enough) all.give_back(all.take(1000), 1000);
    });
  }
  for (int i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      Recycler& all = Recycler::of_process();
      all.give_back(all.take(1000), 1000);
      ::_exit(0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  enough = true;
  for (auto& t : busy) t.join();
}
#endif

TEST(TheRecyclerOfTheProcess, InAChildAParentsKeeperIsNotAskedAndANewOneIs) {
  Recycler recycler;
  Counting parents;
  recycler.add(parents);
  recycler.give_back(recycler.take(kMiB), kMiB);
  const pid_t child = ::fork();
  if (child == 0) {
    void* const block = recycler.take(kMiB);
    recycler.give_back(block, kMiB);
    if (recycler.kept() != kMiB || parents.told != 1) ::_exit(1);
    Counting own;
    recycler.add(own);
    ::_exit(own.told == 1 && parents.told == 1 ? 0 : 2);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  recycler.remove(parents);
}

}  // namespace
}  // namespace tine
