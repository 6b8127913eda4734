#include "tine/scheduler.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "src/base/testing/eventually.h"
#include "src/sched/deque.h"
#include "tine/context.h"

namespace tine {
namespace {

int fib(Scheduler& pool, int n) {
  if (n < 2) return n;
  Future<int> left = fork(pool, [&pool, n] { return fib(pool, n - 1); });
  const int right = fib(pool, n - 2);
  return left.get() + right;
}

TEST(Scheduler, ForkAndWaitComputeWhatAPlainCallComputes) {
  for (const int threads : {1, 2, 4}) {
    Scheduler pool(threads);
    EXPECT_EQ(fib(pool, 20), 6765) << threads;
    EXPECT_EQ(fork(pool, [&] { return fib(pool, 20); }).get(), 6765) << threads;
  }
}

TEST(Scheduler, AnExceptionCrossesToTheWaiter) {
  Scheduler pool(2);
  Future<int> f = fork(pool, []() -> int { throw IndexError("there"); });
  EXPECT_THROW(f.get(), IndexError);
}

TEST(Scheduler, ATaskThatNobodyWaitsForIsRunByAWorker) {
  Scheduler pool(1);
  Promise<std::thread::id> where;
  const Future<std::thread::id> told = where.future();
  (void)fork(pool, [&] { where.set_value(std::this_thread::get_id()); });
  EXPECT_NE(told.get(), std::this_thread::get_id());
}

TEST(Scheduler, AConsumedFutureOfTheNewestTaskIsRunByTheWaiter) {
  Scheduler pool(1);
  const auto here = std::this_thread::get_id();
  for (int i = 0; i < 1000; ++i) {
    // A worker may have been faster.
    Future<std::thread::id> f = fork(pool, [] { return std::this_thread::get_id(); });
    const std::thread::id ran = std::move(f).get();
    if (ran == here) return;
  }
  FAIL() << "a thousand tasks, and the waiter ran none";
}

TEST(Scheduler, AConsumedFutureThrowsTheTasksError) {
  Scheduler pool(1);
  for (int i = 0; i < 100; ++i) {
    Future<int> f = fork(pool, []() -> int { throw IndexError("there"); });
    EXPECT_THROW((void)std::move(f).get(), IndexError);
  }
}

// The count says so when the task ends: the completion is then one that others see.
TEST(Scheduler, ATaskMayHandOutItsOwnFutureInsideTheWaitThatConsumesIt) {
  Scheduler pool(1);
  const auto here = std::this_thread::get_id();
  for (int i = 0; i < 500; ++i) {
    Promise<Future<int>*> place;
    const Future<Future<int>*> told = place.future();
    std::thread other;
    int seen = i;
    Future<int> mine = fork(pool, [&, i] {
      Future<int>* const own = told.get();
      if (std::this_thread::get_id() == here)
        other = std::thread([copy = *own, &seen] { seen = copy.get(); });
      return i;
    });
    place.set_value(&mine);
    EXPECT_EQ(std::move(mine).get(), i);
    if (other.joinable()) other.join();
    EXPECT_EQ(seen, i);
  }
}

// Each task blocks outside of tine until all run, so one that nobody was woken for would be missed for ever.
TEST(Scheduler, AsManyTasksRunAtOnceAsThereAreThreadsAlsoWhenThePoolIsResized) {
  Scheduler pool(2);
  for (int i = 0; i < 2000; ++i) {
    const int n = 2 + i % 7;
    pool.set_num_threads(n);
    std::mutex mutex;
    std::condition_variable all_here;
    int missing = n;
    std::vector<Future<bool>> met;
    for (int k = 0; k < n; ++k) {
      met.push_back(fork(pool, [&] {
                      std::unique_lock lock(mutex);
                      if (--missing == 0) all_here.notify_all();
                      return all_here.wait_for(lock, std::chrono::seconds(30), [&] { return missing == 0; });
                    }).then([](const Future<bool>& f) { return f.get(); }));
    }
    for (const Future<bool>& f : met) ASSERT_TRUE(f.get()) << "round " << i << ", " << n << " threads";
    pool.set_num_threads(1 + i % 2);
  }
}

// The waiting thread looks through its own queue at the moment when the worker goes to sleep.
TEST(Scheduler, ATaskIsNotForgottenByAPosterThatWaitsForSomethingElse) {
  Scheduler pool(1);
  for (int i = 0; i < 20'000; ++i) {
    const Future<int> next = fork(pool, [i] { return i; }).then([](const Future<int>& f) { return f.get(); });
    ASSERT_TRUE(next.wait_for(std::chrono::seconds(30))) << i;
  }
}

TEST(Scheduler, AWaitInEveryWorkerDoesNotDeadlockThePool) {
  Scheduler pool(2);
  Promise<int> gate;
  std::vector<Future<int>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(fork(pool, [f = gate.future()] { return f.get(); }));
  }
  // Runs only if spare threads came: twenty tasks block two workers.
  Promise<void> through;
  const Future<void> told = through.future();
  for (int i = 0; i < 20; ++i) (void)fork(pool, [] {});
  Future<void> last = fork(pool, [&] { through.set_value(); });
  EXPECT_TRUE(told.wait_for(std::chrono::seconds(30)));
  gate.set_value(5);
  for (Future<int>& f : waiting) EXPECT_EQ(f.get(), 5);
  last.wait();
  EXPECT_GT(pool.counters().spare_threads, 0);
}

TEST(Scheduler, DestroyingItCompletesEveryFuture) {
  std::vector<Future<int>> futures;
  {
    Scheduler pool(1);
    Promise<void> entered;
    Promise<void> leave;
    const Future<void> inside = entered.future();
    Future<void> blocker = fork(pool, [&, f = leave.future()] {
      entered.set_value();
      f.wait();
    });
    inside.wait();
    for (int i = 0; i < 1000; ++i) futures.push_back(fork(pool, [i] { return i; }));
    leave.set_value();
    blocker.wait();
  }
  for (Future<int>& f : futures) {
    ASSERT_TRUE(f.ready());
    if (f.error()) {
      EXPECT_THROW(f.get(), Abandoned);
    }
  }
}

TEST(Scheduler, GivesATaskBackToTheThreadThatPostedItAndDropsSpentOnesBelowOnlyIfAsked) {
  class Counted final : public Task {
   public:
    explicit Counted(bool spent) noexcept : spent_(spent) {}
    std::atomic<int> runs{0};
    std::latch ran{1};

   private:
    void run() noexcept override {
      ++runs;
      ran.count_down();
    }
    void abandon() noexcept override {}
    [[nodiscard]] bool spent() const noexcept override { return spent_; }
    const bool spent_;
  };
  std::vector<std::unique_ptr<Counted>> kept;  // longer than the threads that run them
  const auto make = [&](bool is_spent) -> Counted& {
    return *kept.emplace_back(std::make_unique<Counted>(is_spent));
  };
  Scheduler pool({.num_threads = 1, .max_threads = 1});
  for (const bool sweep : {false, true}) {
    // The only worker is busy, so that it takes none of them.
    std::latch go_on(1);
    Promise<void> entered;
    const Future<void> inside = entered.future();
    const Future<void> busy = fork(pool, [&] {
      entered.set_value();
      go_on.wait();
    });
    inside.wait();
    Counted &below = make(false), &spent = make(true), &wanted = make(false);
    for (Counted* task : {&below, &spent, &wanted}) pool.post(*task);
    EXPECT_TRUE(pool.take_back(wanted, sweep));
    EXPECT_EQ(spent.runs, sweep ? 1 : 0);
    EXPECT_FALSE(pool.take_back(wanted, sweep)) << "it has been given back";
    EXPECT_EQ(below.runs, 0) << "it goes on waiting";
    EXPECT_EQ(wanted.runs, 0);
    go_on.count_down();
    busy.get();
    below.ran.wait();
    spent.ran.wait();
    EXPECT_EQ(below.runs, 1);
    EXPECT_EQ(spent.runs, 1);
    EXPECT_EQ(wanted.runs, 0);
    EXPECT_FALSE(pool.take_back(below, sweep)) << "it has run";
  }
}

TEST(Scheduler, ParallelForVisitsEachIndexOnceAndRethrows) {
  Scheduler pool(3);
  std::vector<std::atomic<int>> seen(10'000);
  pool.parallel_for(10'000, 7, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) seen[static_cast<size_t>(i)].fetch_add(1);
  });
  for (auto& n : seen) ASSERT_EQ(n.load(), 1);
  EXPECT_THROW(pool.parallel_for(100, 1, [](int64_t, int64_t) { throw ValueError("x"); }), ValueError);
  pool.parallel_for(0, 1, [](int64_t, int64_t) { FAIL(); });
}

TEST(Scheduler, ParallelForCutsNoPieceBelowTheGrainButTheLast) {
  Scheduler pool(4);
  std::mutex mutex;
  std::vector<int64_t> pieces;
  pool.parallel_for(1003, 100, [&](int64_t b, int64_t e) {
    const std::lock_guard lock(mutex);
    pieces.push_back(e - b);
  });
  EXPECT_EQ(std::accumulate(pieces.begin(), pieces.end(), int64_t{0}), 1003);
  EXPECT_GT(pieces.size(), 1U);
  EXPECT_LE(std::count_if(pieces.begin(), pieces.end(), [](int64_t n) { return n < 100; }), 1);
}

TEST(Scheduler, ParallelForBeginsNoPieceMoreOnceOneHasFailed) {
  Scheduler pool(4);
  std::atomic<int> begun{0};
  EXPECT_THROW(pool.parallel_for(1000, 1,
                                 [&](int64_t, int64_t) {
                                   ++begun;
                                   throw ValueError("x");
                                 }),
               ValueError);
  EXPECT_LE(begun, 4) << "one for each thread that had begun already, of 16";
}

TEST(Scheduler, ParallelForRunsItsPiecesInTheCallersContext) {
  Scheduler pool(3);
  const ContextScope scope(Context().with_trace_id("loop"));
  std::atomic<int> with{0};
  pool.parallel_for(300, 1, [&](int64_t b, int64_t e) {
    if (Context::current().trace_id() == "loop") with += static_cast<int>(e - b);
  });
  EXPECT_EQ(with, 300);
}

TEST(Scheduler, StartsItsThreadsWithItsFirstTaskAndCountsNoMoreStolenThanRun) {
  Scheduler pool(1);
  EXPECT_EQ(pool.counters().threads, 0);
  EXPECT_EQ(pool.counters().tasks_run, 0U);
  EXPECT_EQ(fork(pool, [] { return 1; }).get(), 1);
  EXPECT_EQ(pool.counters().threads, 1);
  // A thread counts a task as stolen, then as run, and only then runs it.
  EXPECT_TRUE(eventually([&] { return pool.counters().tasks_stolen <= pool.counters().tasks_run; }));
  EXPECT_EQ(pool.counters().spare_threads, 0);
  EXPECT_EQ(pool.counters().blocked_threads, 0);
}

TEST(Scheduler, ByDefaultHasAWorkerForEachCoreThatTheProcessMayUse) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_LE(Scheduler::usable_cores(), CPU_COUNT(&before));
  EXPECT_EQ(Scheduler().num_threads(), Scheduler::usable_cores());
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(Scheduler().num_threads(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Scheduler, AForkPastTheLimitOfTheQueueRunsInPlace) {
  Scheduler pool({.num_threads = 1, .max_threads = 1});
  // A wait that the pool does not see: its only thread is gone meanwhile.
  std::mutex mutex;
  std::condition_variable wake;
  bool go = false;
  Promise<void> entered;
  const Future<void> inside = entered.future();
  const Future<void> busy = fork(pool, [&] {
    entered.set_value();
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return go; });
  });
  inside.wait();
  constexpr int kLimit = 1 << 20;
  std::atomic<int> ran{0};
  std::vector<Future<void>> tasks;
  tasks.reserve(kLimit + 10);
  for (int i = 0; i < kLimit; ++i) tasks.push_back(fork(pool, [&] { ++ran; }));
  EXPECT_EQ(ran, 0);
  for (int i = 0; i < 10; ++i) tasks.push_back(fork(pool, [&] { ++ran; }));
  EXPECT_EQ(ran, 10);
  {
    const std::lock_guard lock(mutex);
    go = true;
  }
  wake.notify_one();
  for (const Future<void>& task : tasks) task.wait();
  busy.wait();
  EXPECT_EQ(ran, kLimit + 10);
}

TEST(Scheduler, TheNumberOfThreadsCanChangeWhileItRuns) {
  Scheduler pool(1);
  pool.set_num_threads(4);
  EXPECT_EQ(fib(pool, 18), 2584);
  pool.set_num_threads(1);
  EXPECT_EQ(fib(pool, 18), 2584);
  EXPECT_THROW(pool.set_num_threads(0), ValueError);
}

TEST(Scheduler, AnOutsideThreadsTasksSurviveTheThread) {
  Scheduler pool(2);
  std::vector<Future<int>> futures;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) futures.push_back(fork(pool, [i] { return i; }));
  }).join();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(futures[static_cast<size_t>(i)].get(), i);
}

TEST(Scheduler, APoolMadeAtTheAddressOfADeadOneGetsItsOwnTasks) {
  for (int i = 0; i < 50; ++i) {
    Scheduler pool(1);
    EXPECT_EQ(fork(pool, [i] { return i; }).get(), i);
  }
}

TEST(Deque, ManyThievesAndTheOwnerTakeEachElementOnce) {
  constexpr int kItems = 200'000;
  std::vector<std::atomic<int>> taken(kItems);
  std::vector<int> items(kItems);
  std::iota(items.begin(), items.end(), 0);
  sched::Deque<int> deque(4);
  std::atomic<bool> stop{false};
  std::vector<std::thread> thieves;
  for (int i = 0; i < 3; ++i) {
    thieves.emplace_back([&] {
      while (!stop.load()) {
        if (int* item = deque.steal()) taken[static_cast<size_t>(*item)].fetch_add(1);
      }
    });
  }
  for (int i = 0; i < kItems; ++i) {
    ASSERT_TRUE(deque.push(&items[static_cast<size_t>(i)]));
    if (i % 3 == 0) {
      if (int* item = deque.pop()) taken[static_cast<size_t>(*item)].fetch_add(1);
    }
  }
  while (int* item = deque.pop()) taken[static_cast<size_t>(*item)].fetch_add(1);
  while (deque.size() > 0) std::this_thread::yield();
  stop.store(true);
  for (std::thread& t : thieves) t.join();
  for (auto& n : taken) ASSERT_EQ(n.load(), 1);
}

TEST(Deque, PushAnswersFalseAtItsLimit) {
  sched::Deque<int> deque(2, 4);
  int x = 0;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(deque.push(&x));
  EXPECT_FALSE(deque.push(&x));
}

}  // namespace
}  // namespace tine
