// The word of a future under every order of its operations.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "src/base/testing/interleave.h"
#include "tine/detail/state_word.h"

namespace tine {
namespace {

using interleave::Explorer;
using interleave::Report;
using interleave::require;
using interleave::Scenario;

struct TestNode {
  TestNode* next_ = nullptr;
  int adder = 0;
  int order = 0;
  int ran = 0;
};
static_assert(alignof(TestNode) >= 8);

template <template <class> class Atomic>
struct Cell {
  detail::StateWord<TestNode, Atomic> word;
  TestNode tail;
  std::array<TestNode, 4> nodes;
  int finished = 0;
  int draining = 0;
  std::array<int, 2> last{-1, -1};

  // As StateBase::run_all does it.
  void drain(TestNode* newest) {
    require(draining++ == 0, "two threads drain at once");
    const uintptr_t code = word.load(std::memory_order_relaxed) & 7;
    for (;;) {
      TestNode* oldest = nullptr;
      while (newest && newest != &tail) {
        TestNode* const next = std::exchange(newest->next_, oldest);
        oldest = std::exchange(newest, next);
      }
      for (; oldest; oldest = oldest->next_) {
        require(oldest->ran++ == 0, "a callback ran twice");
        int& before = last[static_cast<size_t>(oldest->adder)];
        require(before < oldest->order, "one thread's callbacks ran out of order");
        before = oldest->order;
      }
      --draining;
      if (word.leave(
              code, &tail, [] { return false; }, &newest)) {
        return;
      }
      require(draining++ == 0, "two threads drain at once");
    }
  }
  void finish(uintptr_t code) {
    TestNode* newest = nullptr;
    if (!word.finish(
            code, &tail, [] { return false; }, &newest)) {
      return;
    }
    ++finished;
    if (newest) drain(newest);
  }
  void add(TestNode& node, int adder, int order) {
    node.adder = adder;
    node.order = order;
    if (word.add(&node, &tail)) drain(&node);
  }
};

// Two threads add two callbacks each while one delivers the value and one cancels.
template <template <class> class Atomic>
Scenario race() {
  const auto cell = std::make_shared<Cell<Atomic>>();
  Scenario s;
  s.threads = {[cell] { cell->finish(1); }, [cell] { cell->finish(3); }};
  for (int adder = 0; adder < 2; ++adder) {
    s.threads.push_back([cell, adder] {
      for (int k = 0; k < 2; ++k) cell->add(cell->nodes[static_cast<size_t>(2 * adder + k)], adder, k);
    });
  }
  s.check = [cell] {
    require(cell->finished == 1, "not exactly one thread completed it");
    for (const TestNode& node : cell->nodes) require(node.ran == 1, "a callback was lost");
    require((cell->word.load(std::memory_order_relaxed) & ~uintptr_t{7}) == 0, "it did not end idle");
  };
  return s;
}

TEST(StateWordInterleavings, RunEachCallbackOnceInOrderAndCompleteOnce) {
  const Report deep = Explorer::exhaustive(race<interleave::Atomic>, 50'000, 4);
  EXPECT_EQ(deep.failure, "");
  EXPECT_TRUE(deep.exhausted || deep.runs == 50'000) << deep.runs;
  const Report wide = Explorer::random(race<interleave::Atomic>, 50'000, 20261121);
  interleave::tell("state word", deep, wide);
  EXPECT_EQ(wide.failure, "");
}

TEST(StateWordInterleavings, OfABrokenCompareAndSwapAreCaught) {
  EXPECT_NE(Explorer::exhaustive(race<interleave::TornAtomic>, 50'000, 3).failure, "");
  EXPECT_NE(Explorer::random(race<interleave::TornAtomic>, 50'000, 1).failure, "");
}

}  // namespace
}  // namespace tine
