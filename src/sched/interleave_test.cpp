// The deque and the sleep protocol under every order of their operations.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "src/base/testing/interleave.h"
#include "src/sched/deque.h"
#include "src/sched/sleep_counts.h"

namespace tine::sched {
namespace {

using interleave::Explorer;
using interleave::Report;
using interleave::require;
using interleave::Scenario;

// The owner pushes, past the first ring's end, and pops; two thieves steal.
template <template <class> class Atomic>
Scenario deque_race() {
  struct Shared {
    Deque<int, Atomic> deque{2, 8};
    std::array<int, 4> items{};
    void took(int* item) {
      if (item) require(++*item == 1, "an element was given out twice");
    }
  };
  const auto shared = std::make_shared<Shared>();
  Scenario s;
  s.threads.push_back([shared] {
    Deque<int, Atomic>& deque = shared->deque;
    for (size_t i = 0; i < 3; ++i) require(deque.push(&shared->items[i]), "there was room");
    shared->took(deque.pop());
    require(deque.push(&shared->items[3]), "there was room");
    shared->took(deque.pop());
    shared->took(deque.pop());
  });
  for (int thief = 0; thief < 2; ++thief) {
    s.threads.push_back([shared] {
      shared->took(shared->deque.steal());
      shared->took(shared->deque.steal());
    });
  }
  s.check = [shared] {
    while (int* item = shared->deque.pop()) shared->took(item);
    for (const int taken : shared->items) require(taken == 1, "an element was lost");
  };
  return s;
}

TEST(DequeInterleavings, GiveEachElementOutOnce) {
  const Report deep = Explorer::exhaustive(deque_race<interleave::Atomic>, 50'000, 4);
  EXPECT_EQ(deep.failure, "");
  const Report wide = Explorer::random(deque_race<interleave::Atomic>, 50'000, 20261121);
  interleave::tell("deque", deep, wide);
  EXPECT_EQ(wide.failure, "");
  EXPECT_GE(wide.runs, 50'000U);
}

TEST(DequeInterleavings, OfABrokenCompareAndSwapAreCaught) {
  EXPECT_NE(Explorer::exhaustive(deque_race<interleave::TornAtomic>, 50'000, 3).failure, "");
}

// Workers that search, sleep and are woken while posters queue tasks; as Scheduler::Impl does it. Sections under
// its mutex have no step inside.
template <bool LooksAgain, bool Announces = true, bool Cheap = true, int Target = 2>
struct Sleepers {
  static constexpr int kTarget = Target;
  static constexpr int kTasks = 3;
  SleepCounts<interleave::Atomic> counts;
  interleave::Atomic<int> queued{0};
  int consumed = 0;
  std::array<bool, kTarget> woken{};
  std::vector<int> asleep;

  void wake_one() {
    if (counts.running() >= kTarget || asleep.empty()) return;
    const int chosen = asleep.back();
    asleep.pop_back();
    counts.run();
    woken[static_cast<size_t>(chosen)] = true;
  }
  void post() {
    queued.fetch_add(1);
    if (counts.must_wake(kTarget, Cheap)) wake_one();
  }
  // What a thread does that waits for something else than its newest task.
  void take_and_put_back() {
    if (!take()) return;
    --consumed;
    queued.fetch_add(1);
    if (Announces && counts.must_wake(kTarget, Cheap)) wake_one();
  }
  bool take() {
    int n = queued.load();
    while (n > 0) {
      if (queued.compare_exchange_strong(n, n - 1)) {
        ++consumed;
        return true;
      }
    }
    return false;
  }
  void work(int me) {
    while (consumed < kTasks) {
      counts.begin_search();
      const bool found = take();
      const bool last = counts.end_search();
      if (found) {
        if (last && queued.load() > 0) wake_one();
        continue;
      }
      bool& up = woken[static_cast<size_t>(me)];
      up = false;
      asleep.push_back(me);
      counts.leave();
      if (LooksAgain && queued.load() > 0) wake_one();
      Explorer::block_until([&] { return up || consumed == kTasks; });
    }
  }
};

template <bool LooksAgain, bool Announces = true, bool Cheap = true>
Scenario sleep_race() {
  using Pool = Sleepers<LooksAgain, Announces, Cheap>;
  const auto pool = std::make_shared<Pool>();
  pool->counts.run(Pool::kTarget);
  Scenario s;
  for (int i = 0; i < Pool::kTarget; ++i) s.threads.push_back([pool, i] { pool->work(i); });
  s.threads.push_back([pool] {
    for (int i = 0; i < Pool::kTasks; ++i) {
      pool->post();
      pool->take_and_put_back();
    }
  });
  s.check = [pool] { require(pool->queued.load() == 0, "a task was left"); };
  return s;
}

// A heavy fence is to the one that calls it what one order of all operations is: so the explorer's orders are those
// of both kinds of kernels.
TEST(SleepInterleavings, NeverLoseAWakeUp) {
  for (const auto scenario : {sleep_race<true, true, true>, sleep_race<true, true, false>}) {
    const Report deep = Explorer::exhaustive(scenario, 50'000, 4);
    EXPECT_EQ(deep.failure, "");
    const Report wide = Explorer::random(scenario, 50'000, 20261121);
    EXPECT_EQ(wide.failure, "");
    EXPECT_GE(wide.runs, 50'000U);
    interleave::tell("sleep protocol", deep, wide);
  }
}

TEST(SleepInterleavings, WithoutTheSecondLookLoseOneAndAreCaught) {
  const Report report = Explorer::exhaustive(sleep_race<false>, 50'000, 4);
  EXPECT_NE(report.failure.find("a wake-up was lost"), std::string::npos) << report.failure;
}

// As many tasks as the pool has threads for, and none ends before all run. Workers that were woken take what lies in
// their own queue, or where they found the last one, without a search.
template <bool WakesNext>
Scenario meeting_race() {
  struct Pool : Sleepers<true, true, true, 3> {
    void meet(int me) {
      for (bool called = false; consumed < kTarget;) {
        bool found = called && take();
        if (found && WakesNext && counts.running() < kTarget && queued.load() > 0) wake_one();
        if (!found) {
          counts.begin_search();
          found = take();
          const bool last = counts.end_search();
          if (found && last && counts.running() < kTarget && queued.load() > 0) wake_one();
        }
        if (found) {
          Explorer::block_until([&] { return consumed == kTarget; });
          return;
        }
        bool& up = this->woken[static_cast<size_t>(me)];
        up = false;
        asleep.push_back(me);
        counts.leave();
        if (queued.load() > 0) wake_one();
        Explorer::block_until([&] { return up || consumed == kTarget; });
        called = true;
      }
    }
  };
  const auto pool = std::make_shared<Pool>();
  pool->counts.run(Pool::kTarget);
  Scenario s;
  for (int i = 0; i < Pool::kTarget; ++i) s.threads.push_back([pool, i] { pool->meet(i); });
  s.threads.push_back([pool] {
    for (int i = 0; i < Pool::kTarget; ++i) pool->post();
  });
  s.check = [pool] { require(pool->consumed == Pool::kTarget, "a task was left"); };
  return s;
}

TEST(SleepInterleavings, LetAsManyTasksRunAtOnceAsThereAreThreads) {
  const Report deep = Explorer::exhaustive(meeting_race<true>, 50'000, 4);
  EXPECT_EQ(deep.failure, "");
  const Report wide = Explorer::random(meeting_race<true>, 50'000, 20261121);
  EXPECT_EQ(wide.failure, "");
}

TEST(SleepInterleavings, OfAWokenWorkerThatWakesNobodyLoseOneAndAreCaught) {
  const Report report = Explorer::random(meeting_race<false>, 50'000, 20261121);
  EXPECT_NE(report.failure.find("a wake-up was lost"), std::string::npos) << report.failure;
}

TEST(SleepInterleavings, OfATaskPutBackUnannouncedLoseOneAndAreCaught) {
  const Report report = Explorer::exhaustive(sleep_race<true, false>, 50'000, 4);
  EXPECT_NE(report.failure.find("a wake-up was lost"), std::string::npos) << report.failure;
}

// One thread, and no other to be had: it sleeps in a wait whose future is completed by the last of the tasks that are
// posted meanwhile. As PoolThread and Scheduler::Impl do it.
template <bool LooksAgain>
struct Called {
  static constexpr int kTasks = 3;
  SleepCounts<interleave::Atomic> counts;
  interleave::Atomic<int> queued{0};
  int consumed = 0;
  bool callable = false;
  bool called = false;

  void wake_one() {
    if (counts.running() >= 1 || !callable) return;
    callable = false;
    counts.run();
    called = true;
  }
  void post() {
    queued.fetch_add(1);
    if (counts.must_wake(1, false)) wake_one();
  }
  void lie_down() {
    callable = true;
    counts.leave();
    if (LooksAgain && queued.load() > 0) wake_one();
  }
  void wait() {
    lie_down();
    for (;;) {
      Explorer::block_until([&] { return called || consumed == kTasks; });
      if (consumed == kTasks) break;
      called = false;
      int n = queued.load();
      while (n > 0 && !queued.compare_exchange_strong(n, n - 1)) {
      }
      if (n > 0) ++consumed;
      lie_down();
    }
  }
};

template <bool LooksAgain>
Scenario call_race() {
  const auto pool = std::make_shared<Called<LooksAgain>>();
  pool->counts.run(1);
  Scenario s;
  s.threads.push_back([pool] { pool->wait(); });
  s.threads.push_back([pool] {
    for (int i = 0; i < 2; ++i) pool->post();
  });
  s.threads.push_back([pool] { pool->post(); });
  s.check = [pool] { require(pool->queued.load() == 0, "a task was left"); };
  return s;
}

TEST(CallInterleavings, NeverLeaveATaskToAThreadThatSleeps) {
  const Report deep = Explorer::exhaustive(call_race<true>, 50'000, 5);
  EXPECT_EQ(deep.failure, "");
  const Report wide = Explorer::random(call_race<true>, 50'000, 20261121);
  EXPECT_EQ(wide.failure, "");
  EXPECT_GE(deep.runs + wide.runs, 50'000U);
}

TEST(CallInterleavings, WithoutTheSecondLookLeaveOneAndAreCaught) {
  const Report report = Explorer::exhaustive(call_race<false>, 50'000, 4);
  EXPECT_NE(report.failure, "");
}

}  // namespace
}  // namespace tine::sched
