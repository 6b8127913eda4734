// Workers that block: spare threads, their bound, and what happens there. Resizing under load.
#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

#include "src/base/testing/eventually.h"
#include "tine/coroutine.h"
#include "tine/scheduler.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

TEST(Spares, ComeWhileWorkersAreBlockedAndAreCounted) {
  Scheduler pool({.num_threads = 1, .max_threads = 4});
  Promise<void> gate;
  std::vector<Future<void>> blocked;
  for (int i = 0; i < 3; ++i) blocked.push_back(fork(pool, [f = gate.future()] { f.wait(); }));
  EXPECT_TRUE(eventually([&] { return pool.counters().blocked_threads == 3; }));
  EXPECT_EQ(fork(pool, [] { return 1; }).then([](const Future<int>& f) { return f.get(); }).get(), 1);
  EXPECT_GE(pool.counters().spare_threads, 2);
  EXPECT_LE(pool.counters().threads, 4);
  gate.set_value();
  for (const Future<void>& f : blocked) f.wait();
  EXPECT_TRUE(eventually([&] { return pool.counters().blocked_threads == 0; }));
}

TEST(Spares, ComeForAWorkerInABlockingScope) {
  Scheduler pool({.num_threads = 1, .max_threads = 2});
  std::binary_semaphore inside(0), go_on(0);
  const Future<void> blocked = fork(pool, [&] {
    const BlockingScope scope;
    inside.release();
    go_on.acquire();  // tine does not see this wait
  });
  inside.acquire();
  EXPECT_EQ(pool.counters().blocked_threads, 1);
  const Future<void> opener =
      fork(pool, [&] { go_on.release(); }).then([](const Future<void>& f) { f.wait(); });
  const bool ran = opener.wait_for(30s);
  EXPECT_TRUE(ran) << "no spare thread came";
  if (!ran) go_on.release();
  blocked.wait();
  EXPECT_TRUE(eventually([&] { return pool.counters().blocked_threads == 0; }));
  const BlockingScope outside;  // on a thread of no pool: nothing happens
}

TEST(Spares, AtTheirBoundABlockedWaitRunsWhatIsQueued) {
  for (const int bound : {1, 2, 8}) {
    Scheduler pool({.num_threads = 1, .max_threads = bound});
    Promise<int> gate;
    std::vector<Future<int>> waiting;
    for (int i = 0; i < bound + 5; ++i)
      waiting.push_back(fork(pool, [f = gate.future()] { return f.get(); }));
    EXPECT_TRUE(eventually([&] { return pool.counters().blocked_threads == bound; }));
    // Every thread is blocked, and the one that opens the gate is queued after their tasks.
    const Future<void> opener = fork(pool, [&] { gate.set_value(7); });
    EXPECT_TRUE(opener.wait_for(30s)) << bound;
    for (const Future<int>& f : waiting) EXPECT_EQ(f.get(), 7);
    EXPECT_EQ(pool.counters().threads, bound);
  }
}

TEST(Spares, OneThatHasGoneOnIsNotCalledBack) {
  Scheduler pool({.num_threads = 2, .max_threads = 2});
  Promise<void> first, second;
  std::atomic<bool> gone_on{false}, end{false}, ran{false};
  const Future<void> asleep = fork(pool, [f = first.future()] { f.wait(); });
  ASSERT_TRUE(eventually([&] { return pool.counters().blocked_threads == 1; }));
  const Future<void> busy = fork(pool, [&, f = second.future()] {
    f.wait();
    gone_on = true;
    (void)eventually([&] { return end.load(); });
  });
  ASSERT_TRUE(eventually([&] { return pool.counters().blocked_threads == 2; }));
  second.set_value();
  ASSERT_TRUE(eventually([&] { return gone_on.load(); }));
  // The other one, which still waits, has to run it.
  const Future<void> queued = fork(pool, [&] { ran = true; });
  EXPECT_TRUE(eventually([&] { return ran.load(); }));
  end = true;
  first.set_value();
  asleep.wait();
  busy.wait();
  queued.wait();
}

TEST(Spares, ThousandsOfWaitsForTasksStillQueuedEndAtASmallBound) {
  Scheduler pool({.num_threads = 2, .max_threads = 8});
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr size_t kWaits = 400;  // they nest, and frames are larger
#else
  constexpr size_t kWaits = 4000;
#endif
  std::vector<Promise<int>> promises(kWaits);
  std::vector<Future<int>> waiting;
  for (size_t i = 0; i < kWaits; ++i) {
    waiting.push_back(fork(pool, [f = promises[i].future()] { return f.get(); }));
  }
  // Each wait is for a task behind all the waits.
  std::vector<Future<void>> setters;
  for (size_t i = 0; i < kWaits; ++i) {
    setters.push_back(fork(pool, [&promises, i] { promises[i].set_value(static_cast<int>(i)); }));
  }
  // Not run by this thread: the pool has to do it.
  for (size_t i = 0; i < kWaits; ++i) {
    const Future<int> done = waiting[i].then([](const Future<int>& f) { return f.get(); });
    ASSERT_TRUE(done.wait_for(60s));
    EXPECT_EQ(done.get(), static_cast<int>(i));
  }
  for (const Future<void>& f : setters) f.wait();
}

TEST(Spares, AtTheirBoundATaskThatNoStackIsLeftForFailsAndNamesItsPlace) {
  Scheduler pool({.num_threads = 1, .max_threads = 1});
  // Each task waits for a promise that only the next one would set; each is run on top of the wait before.
  struct Chain {
    Scheduler& pool;
    std::atomic<int> depth{0};
    void link(const Future<void>& before) {
      ++depth;
      volatile char frame[16384] = {};
      Promise<void> mine;
      const Future<void> end = mine.future();
      // Not this future is waited for, so that the task is not simply run in place.
      const Future<void> next = fork(pool, [this, f = std::move(mine), before]() mutable {
        link(before);
        f.set_value();
      });
      end.wait();
      (void)end.error();
      next.get();
      (void)frame[3];
    }
  } chain{pool};
  const Future<void> top = fork(pool, [&] { chain.link({}); });
  const Future<void> done = top.then([](const Future<void>& f) { f.get(); });
  ASSERT_TRUE(done.wait_for(60s));
  const std::string told = describe(done.error());
  EXPECT_NE(told.find("spares_test.cpp"), std::string::npos) << told;
  EXPECT_NE(told.find("nested so deep"), std::string::npos) << told;
  EXPECT_GT(chain.depth, 50);
}

TEST(Spares, DestroyingThePoolCompletesWhatABlockedWorkerWaitsFor) {
  Promise<void> entered;
  const Future<void> inside = entered.future();
  auto pool = std::make_unique<Scheduler>(SchedulerOptions{.num_threads = 1, .max_threads = 1});
  const Future<void> waits = fork(*pool, [&] {
    // Dropped with the task that is abandoned: then the wait ends.
    Promise<void> p;
    const Future<void> f = p.future();
    const Future<void> never = fork(*pool, [q = std::move(p)]() mutable { q.set_value(); });
    entered.set_value();
    (void)f.error();
    (void)never.error();
  });
  inside.wait();
  pool.reset();
  EXPECT_TRUE(waits.ready());
}

TEST(Resize, UnderLoadGrowsAndShrinksTheNumberThatRunAtOnce) {
  Scheduler pool({.num_threads = 1, .max_threads = 64});
  // A task posts its successor: 32 chains of work without end.
  struct Chains {
    Scheduler& pool;
    std::atomic<bool> stop{false};
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<int> ended{0};
    std::atomic<int64_t> ran{0};
    void step() {
      const int now = ++inside;
      int seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      for (int i = 0; i < 5; ++i) std::this_thread::yield();  // each may cost a time slice of a busy machine
      ++ran;
      --inside;
      if (stop) {
        ++ended;
      } else {
        (void)fork(pool, [this] { step(); });
      }
    }
  } chains{pool};
  for (int i = 0; i < 32; ++i) (void)fork(pool, [&] { chains.step(); });
  const auto runs_on = [&] {
    const int64_t before = chains.ran;
    return eventually([&] { return chains.ran > before + 100; });
  };
  EXPECT_TRUE(runs_on());
  EXPECT_EQ(chains.most, 1);
  for (const int n : {4, 2, 8, 1}) {
    pool.set_num_threads(n);
    EXPECT_EQ(pool.num_threads(), n);
    // Those beyond finish their task first; then never more than n.
    EXPECT_TRUE(eventually([&] {
      chains.most = 0;
      return runs_on() && chains.most <= n;
    })) << n;
    EXPECT_TRUE(n == 1 || eventually([&] { return chains.most > 1; })) << n;
  }
  chains.stop = true;
  EXPECT_TRUE(eventually([&] { return chains.ended == 32; }));
  EXPECT_LE(pool.counters().threads, 8);
}

TEST(SchedulerOptions, OutsideTheirLimitsAreRefused) {
  EXPECT_THROW(Scheduler({.num_threads = 2, .max_threads = 1}), ValueError);
  EXPECT_THROW(Scheduler({.num_threads = 1, .max_threads = 0}), ValueError);
  EXPECT_THROW(Scheduler({.num_threads = 1, .max_threads = 1025}), ValueError);
  EXPECT_THROW(Scheduler(-1), ValueError);
  Scheduler pool({.num_threads = 1, .max_threads = 2});
  EXPECT_THROW(pool.set_num_threads(3), ValueError);
}

TEST(Counters, TellWhatWasStolen) {
  Scheduler pool(2);
  const auto steals = [&] {
    return fork(pool, [&] {
      const uint64_t before = pool.counters().tasks_stolen;
      // Posted by a worker that goes on: only a thief can run them.
      std::vector<Future<void>> children;
      std::atomic<int> ran{0};
      for (int i = 0; i < 4; ++i) children.push_back(fork(pool, [&] { ++ran; }));
      const bool all = eventually([&] { return ran == 4; });
      for (const Future<void>& f : children) f.wait();
      return all && pool.counters().tasks_stolen >= before + 4;
    });
  };
  EXPECT_TRUE(steals().get());
}

TEST(Counters, CountATaskAParkAndAWakeOnce) {
  Scheduler pool(1);
  // A thread counts its park before it sleeps: a task that comes in between finds it awake, and one that is woken for nothing
  // parks again. So not each round has two of each, but most have.
  bool two_of_each = false;
  for (int round = 0; round < 1000 && !two_of_each; ++round) {
    const SchedulerCounters before = pool.counters();
    for (uint64_t i = 1; i <= 2; ++i) {
      const uint64_t parks = pool.counters().parks;
      const Future<void> task = fork(pool, [] {});
      // Not task.wait(): this thread would run it.
      EXPECT_TRUE(eventually([&] {
        return pool.counters().tasks_run == before.tasks_run + i && pool.counters().parks > parks;
      }));
      EXPECT_TRUE(task.ready());
    }
    const SchedulerCounters after = pool.counters();
    EXPECT_EQ(after.tasks_run - before.tasks_run, 2U);
    EXPECT_EQ(after.threads, 1);
    two_of_each = after.wakes - before.wakes == 2 && after.parks - before.parks == 2;
  }
  EXPECT_TRUE(two_of_each);
}

Future<int> nested_forks(Scheduler* pool, int n) {
  co_await schedule_on(*pool);
  if (n == 0) co_return 0;
  co_return co_await nested_forks(pool, n - 1) + 1;
}

TEST(Scheduler, AMillionNestedCoroutineForksCompleteAndAreDestroyed) {
  Scheduler pool(2);
  EXPECT_EQ(nested_forks(&pool, 1'000'000).get(), 1'000'000);
}

}  // namespace
}  // namespace tine
