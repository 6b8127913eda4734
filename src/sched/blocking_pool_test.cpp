#include "src/sched/blocking_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "src/base/testing/eventually.h"
#include "tine/detail/thread_state.h"
#include "tine/future.h"

namespace tine {
namespace {

using namespace std::chrono_literals;
using sched::BlockingOptions;
using sched::BlockingPool;

BlockingOptions small(int eager, int max_threads, bool refuses = true) {
  BlockingOptions options;
  options.name = "test";
  options.eager = eager;
  options.max_threads = max_threads;
  options.refuses = refuses;
  return options;
}

// As a call that somebody else waits for: the one who waits can't run it himself, as with tine::fork.
template <class F>
class Job final : public Task {
 public:
  using T = std::invoke_result_t<F>;
  explicit Job(F f) : f_(std::move(f)) {}
  Future<T> future() { return promise_.future(); }

 private:
  void run() noexcept override {
    const std::unique_ptr<Job> self(this);
    try {
      if constexpr (std::is_void_v<T>) {
        f_();
        promise_.set_value();
      } else {
        promise_.set_value(f_());
      }
    } catch (...) {
      promise_.set_error(std::current_exception());
    }
  }
  void abandon() noexcept override { refuse(make_error(ErrorKind::kAbandoned, "abandoned")); }
  void refuse(const std::exception_ptr& why) noexcept override {
    const std::unique_ptr<Job> self(this);
    promise_.set_error(why);
  }
  F f_;
  Promise<T> promise_;
};

template <class F>
auto submit(Executor& pool, F f) {
  auto* const job = new Job<F>(std::move(f));
  auto future = job->future();
  pool.post(*job);
  return future;
}

// Something to wait for that tine does not see.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    wake_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool open_ = false;
};

TEST(BlockingPool, TasksThatBlockInAFutureDoNotUseUpItsThreads) {
  BlockingPool pool(small(2, 64));
  Promise<int> gate;
  std::vector<Future<int>> waiting;
  for (int i = 0; i < 10; ++i) waiting.push_back(submit(pool, [f = gate.future()] { return f.get(); }));
  Promise<void> through;
  const Future<void> told = through.future();
  (void)submit(pool, [&] { through.set_value(); });
  EXPECT_TRUE(told.wait_for(std::chrono::seconds(30)));
  gate.set_value(1);
  for (Future<int>& f : waiting) EXPECT_EQ(f.get(), 1);
}

TEST(BlockingPool, CountsTheThreadsThatWaitForAFutureHoweverTheirWaitsNest) {
  BlockingPool pool(small(8, 8));
  std::vector<Promise<void>> gates(3);
  std::vector<Future<void>> waiting;
  for (auto& gate : gates) {
    waiting.push_back(submit(pool, [f = gate.future()] {
      const BlockingScope outer;
      f.wait();
    }));
  }
  const auto blocked = [&](int count) {
    EXPECT_TRUE(eventually([&] { return pool.counters().blocked == count; })) << pool.counters().blocked;
  };
  blocked(3);
  gates[1].set_value();
  blocked(2);
  for (const size_t left : {0U, 2U}) gates[left].set_value();
  for (Future<void>& f : waiting) f.get();
  blocked(0);
}

TEST(BlockingPool, TasksThatMeetAtABarrierAllGetAThread) {
  BlockingPool pool(small(4, 256));
  constexpr int kTasks = 100;
  std::barrier meet(kTasks);
  std::vector<Future<void>> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(submit(pool, [&] { meet.arrive_and_wait(); }));
  for (Future<void>& f : tasks) {
    ASSERT_TRUE(f.wait_for(60s));
    f.get();
  }
  EXPECT_GE(pool.counters().peak, kTasks);
}

TEST(BlockingPool, ATaskBesideManyThatSleepIsBegunAtOnceByAThreadThatIsIdle) {
  BlockingPool pool(small(2, 64));
  Gate gate;
  std::vector<Future<void>> asleep;
  for (int i = 0; i < 20; ++i) asleep.push_back(submit(pool, [&] { gate.wait(); }));
  for (int i = 0; i < 50; ++i) {
    const Future<int> f = submit(pool, [] { return 1; });
    ASSERT_TRUE(f.wait_for(30s));
  }
  EXPECT_LE(pool.counters().peak, 20 + 8);  // what runs one after the other shares a thread
  gate.open();
  for (Future<void>& f : asleep) f.get();
}

TEST(BlockingPool, ABurstOfShortTasksDoesNotGetAThreadEach) {
  BlockingPool pool(small(2, 4096));
  std::atomic<int> done{0};
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 5000; ++i) tasks.push_back(submit(pool, [&] { ++done; }));
  for (Future<void>& f : tasks) f.get();
  EXPECT_EQ(done.load(), 5000);
  EXPECT_LT(pool.counters().peak, 500);
  EXPECT_EQ(pool.counters().refused, 0U);
}

TEST(BlockingPool, ThreadsThatWaitForTheirTurnDoNotGetCompanyAndAreNotRefused) {
  BlockingPool pool(small(2, 64));
  std::mutex lock;
  std::unique_lock held(lock);
  std::vector<Future<void>> tasks;
  const TimePoint began = Clock::now();
  std::latch both_wait(2);
  for (int i = 0; i < 1000; ++i) {
    // A thread that has begun, and has not come to the lock yet, is not one that waits.
    if (i == 2) both_wait.wait();
    tasks.push_back(submit(pool, [&, i] {
      std::optional<detail::WaitForTurn> waits(std::in_place);
      if (i < 2) both_wait.count_down();
      const std::lock_guard turn(lock);
      waits.reset();
    }));
  }
  // Without it there would be all 64 within a tenth of a second, and then the rest would be refused.
  EXPECT_TRUE(eventually([&] { return pool.counters().threads >= 4; }));
  held.unlock();
  const auto intervals = (Clock::now() - began) / 50ms;
  EXPECT_LE(pool.counters().peak, 2 + intervals);
  for (Future<void>& f : tasks) f.get();
}

TEST(BlockingPool, ThreadsOfAnotherPoolThatWaitForTheirTurnDoNotHoldItBack) {
  BlockingPool other(small(16, 64)), pool(small(2, 64));
  Gate gate;
  std::latch waiting(16);
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 16; ++i) {
    tasks.push_back(submit(other, [&] {
      const detail::WaitForTurn waits;
      waiting.count_down();
      gate.wait();
    }));
  }
  waiting.wait();
  const TimePoint began = Clock::now();
  for (int i = 0; i < 32; ++i) tasks.push_back(submit(pool, [&] { gate.wait(); }));
  EXPECT_TRUE(eventually([&] { return pool.counters().threads >= 20; }));
  EXPECT_LT((Clock::now() - began) / 50ms, 18);
  gate.open();
  for (Future<void>& f : tasks) f.get();
}

TEST(BlockingPool, AtItsLimitATaskIsRefusedWhenEveryThreadIsBlockedAndTheErrorNamesIt) {
  BlockingOptions options = small(2, 4);
  options.limit_name = "max_handler_threads";
  options.advice = "; raise it";
  BlockingPool pool(options);
  Gate gate;
  std::latch inside(4);
  std::vector<Future<void>> blocked;
  for (int i = 0; i < 4; ++i) {
    blocked.push_back(submit(pool, [&] {
      inside.count_down();
      gate.wait();
    }));
  }
  inside.wait();
  const Future<int> refused = submit(pool, [] { return 1; });
  ASSERT_TRUE(refused.wait_for(30s));
  ASSERT_TRUE(refused.error());
  EXPECT_EQ(describe(refused.error()),
            "RuntimeError: 4 handler threads blocked (max_handler_threads=4); raise it");
  EXPECT_EQ(pool.counters().refused, 1U);
  gate.open();
  for (Future<void>& f : blocked) f.get();
  EXPECT_EQ(submit(pool, [] { return 2; }).get(), 2);
}

TEST(BlockingPool, AtItsLimitATaskIsRefusedAtOnceWhenEveryThreadWaitsForAFuture) {
  BlockingPool pool(small(2, 3));
  // Each waits for the next, down to the one that finds no thread: what a recursion between workers does.
  std::function<int(int)> down = [&](int n) {
    return n == 0 ? 0 : 1 + submit(pool, [&, n] { return down(n - 1); }).get();
  };
  EXPECT_EQ(submit(pool, [&] { return down(2); }).get(), 2);
  const Future<int> too_deep = submit(pool, [&] { return down(3); });
  ASSERT_TRUE(too_deep.wait_for(60s));
  EXPECT_NE(describe(too_deep.error()).find("3 handler threads blocked"), std::string::npos)
      << describe(too_deep.error());
}

TEST(BlockingPool, AtItsLimitTasksWaitWhileTheThreadsGetOn) {
  BlockingPool pool(small(2, 2));
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 200; ++i) tasks.push_back(submit(pool, [] { std::this_thread::sleep_for(1ms); }));
  for (Future<void>& f : tasks) EXPECT_FALSE(f.error());
}

TEST(BlockingPool, OneThatDoesNotRefuseKeepsWhatIsQueuedForAThreadThatComesBack) {
  BlockingPool pool(small(1, 2, false));
  Gate gate;
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(submit(pool, [&] { gate.wait(); }));
  EXPECT_FALSE(tasks.back().wait_for(300ms));
  gate.open();
  for (Future<void>& f : tasks) f.get();
}

TEST(BlockingPool, SaysWhetherTasksWaitForAThreadOrForItsEnd) {
  BlockingPool pool(small(1, 1, false));
  Gate gate;
  EXPECT_FALSE(pool.has_waiting());
  const Future<void> first = submit(pool, [&] { gate.wait(); });
  const Future<void> second = submit(pool, [] {});
  EXPECT_TRUE(pool.has_waiting());
  gate.open();
  first.get();
  second.get();
  EXPECT_FALSE(pool.has_waiting());
  EXPECT_EQ(pool.close_and_join(), 0);
  EXPECT_TRUE(pool.has_waiting());
}

TEST(BlockingPool, ThreadsThatWereNeededForAWhileEnd) {
  BlockingPool pool(small(1, 64));
  {
    std::barrier meet(32);
    std::vector<Future<void>> tasks;
    for (int i = 0; i < 32; ++i) tasks.push_back(submit(pool, [&] { meet.arrive_and_wait(); }));
    for (Future<void>& f : tasks) f.get();
  }
  const TimePoint end = Clock::now() + 60s;
  while (pool.counters().threads > 1 && Clock::now() < end) std::this_thread::sleep_for(50ms);
  EXPECT_LE(pool.counters().threads, 1);
}

TEST(BlockingPool, ItsLimitsMayBeChangedWhileItRuns) {
  BlockingPool pool(small(1, 2));
  EXPECT_THROW(pool.set_limits(0, 2), ValueError);
  EXPECT_THROW(pool.set_limits(3, 2), ValueError);
  EXPECT_THROW(pool.set_limits(1, BlockingPool::kMostThreads + 1), ValueError);
  pool.set_limits(1, 8);
  std::barrier meet(8);
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(submit(pool, [&] { meet.arrive_and_wait(); }));
  for (Future<void>& f : tasks) f.get();
}

TEST(BlockingPool, ClosingItWithABoundLeavesATaskThatDoesNotReturn) {
  BlockingPool pool(small(1, 4));
  Promise<void> entered;
  const Future<void> inside = entered.future();
  Promise<void> never;
  (void)submit(pool, [&entered, f = never.future()] {
    entered.set_value();
    f.wait();
  });
  inside.wait();
  EXPECT_EQ(pool.close_and_join(Clock::now() + std::chrono::milliseconds(20)), 1);
  const Future<int> late = submit(pool, [] { return 1; });
  EXPECT_THROW(late.get(), Abandoned);
  never.set_value();
  EXPECT_EQ(pool.close_and_join(), 0);
}

TEST(BlockingPool, ClosingItAbandonsWhatIsQueued) {
  BlockingPool pool(small(1, 1, false));
  Gate gate;
  Future<void> blocked = submit(pool, [&] { gate.wait(); });
  const Future<int> queued = submit(pool, [] { return 1; });
  std::thread closing([&] { pool.close_and_join(); });
  EXPECT_THROW(queued.get(), Abandoned);
  gate.open();
  closing.join();
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST(BlockingPool, WithoutAnyMoreThreadsFromTheSystemATaskIsRefusedWithThatReason) {
  // Address space for few stacks; in a child, which can't get it back.
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    BlockingOptions options = small(1, 4096);
    options.stack_bytes = size_t{64} << 20;
    BlockingPool pool(options);
    if (submit(pool, [] { return 1; }).get() != 1) _exit(2);
    rlimit limit{};
    getrlimit(RLIMIT_AS, &limit);
    std::ifstream used("/proc/self/statm");
    rlim_t pages = 0;
    used >> pages;
    limit.rlim_cur = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (rlim_t{400} << 20);
    setrlimit(RLIMIT_AS, &limit);
    Gate gate;
    std::vector<Future<int>> tasks;
    for (int i = 0; i < 40; ++i) {
      tasks.push_back(submit(pool, [&] {
        gate.wait();
        return 1;
      }));
    }
    if (!tasks.back().wait_for(30s) || !tasks.back().error()) _exit(3);
    if (describe(tasks.back().error()).find("the system gives it no more") == std::string::npos) _exit(4);
    gate.open();
    int ran = 0;
    for (const Future<int>& f : tasks) ran += !f.error();
    _exit(ran > 0 ? 0 : 5);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}
#endif

TEST(BlockingPool, InAChildOfForkItRefusesAndItsDestructorReturns) {
  auto pool = std::make_unique<BlockingPool>(small(2, 4));
  Promise<void> gate;
  Future<void> waiting = submit(*pool, [f = gate.future()] { f.wait(); });
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    const Future<int> f = submit(*pool, [] { return 1; });
    const bool refused = f.error() && describe(f.error()).starts_with("Abandoned");
    pool->close_and_join();
    pool.reset();
    _exit(refused ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  gate.set_value();
  waiting.get();
}

}  // namespace
}  // namespace tine
