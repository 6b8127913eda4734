#include "tine/task_group.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>
#include <utility>

#include "src/base/testing/eventually.h"
#include "src/sched/deque.h"
#include "tine/scheduler.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

TEST(TaskGroup, WaitsForAllItsTasksAlsoForThoseThatTasksAdd) {
  Scheduler pool(2);
  std::atomic<int> sum{0};
  {
    TaskGroup group(pool);
    for (int i = 0; i < 100; ++i) {
      group.run([&, i] {
        sum += i;
        group.run([&] { sum += 1000; });
      });
    }
  }
  EXPECT_EQ(sum, 4950 + 100'000);
}

TEST(TaskGroup, RethrowsTheFirstErrorAndStopsTheRest) {
  Scheduler pool(1);
  TaskGroup group(pool);
  Promise<void> begun;
  const Future<void> told = begun.future();
  group.run([&] {
    begun.set_value();
    while (!Context::current().stopped()) std::this_thread::yield();
  });
  told.wait();
  group.run([] { throw KeyError("first"); });
  EXPECT_THROW(group.wait(), KeyError);
  EXPECT_TRUE(group.cancelled());
  bool ran = false;
  group.run([&] { ran = true; });
  group.wait();
  EXPECT_FALSE(ran);
}

TEST(TaskGroup, RethrowsTheErrorOfATaskThatNeverBeganAlsoWhenThatMadeRoomForOthers) {
  class WithoutTheFirst final : public Executor {
   public:
    void post(Task& task) noexcept override { std::exchange(first_, false) ? task.abandon() : task.run(); }

   private:
    bool first_ = true;
  } executor;
  TaskGroup group(executor);
  for (int i = 0; i < 10; ++i) group.run([] {});
  EXPECT_THROW(group.wait(), Error);
}

TEST(TaskGroup, ThatIsCancelledBeginsNothingMore) {
  Scheduler pool(1);
  TaskGroup group(pool);
  group.cancel();
  std::atomic<int> ran{0};
  for (int i = 0; i < 10; ++i) group.run([&] { ++ran; });
  group.wait();
  EXPECT_EQ(ran, 0);
}

int nested(Scheduler& pool, int depth) {
  if (depth == 0) return 0;
  // Volatile: a frame that no optimiser shrinks.
  volatile char frame[4096] = {};
  const Future<int> inner = fork(pool, [&pool, depth] { return nested(pool, depth - 1); });
  return inner.get() + 1 + frame[17];
}

TEST(Scheduler, NativeWaitsNestAsDeepAsTheStackAndThenFailWithAClearError) {
  Scheduler pool(1);
  EXPECT_EQ(fork(pool, [&] { return nested(pool, 200); }).get(), 200);
  const Future<int> endless = fork(pool, [&] { return nested(pool, 10'000'000); });
  ASSERT_TRUE(endless.error());
  EXPECT_NE(describe(endless.error()).find("nested so deep"), std::string::npos) << describe(endless.error());
  EXPECT_EQ(nested(pool, 200), 200);
}

TEST(Scheduler, CountersTellTasksRunAndParks) {
  Scheduler pool(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(fork(pool, [i] { return i; }).then([](const Future<int>& f) { return f.get(); }));
  }
  for (const Future<int>& f : futures) f.wait();
  EXPECT_EQ(pool.counters().tasks_run, 100U);
  // Without work every worker goes to sleep.
  EXPECT_TRUE(eventually([&] { return pool.counters().parks > 0; }));
}

TEST(Scheduler, MoreWorkersThanCoresWithoutWorkUseNoProcessorTime) {
  Scheduler pool(64);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10'000; ++i) futures.push_back(fork(pool, [i] { return i; }));
  int64_t sum = 0;
  for (const Future<int>& f : futures) sum += f.get();
  EXPECT_EQ(sum, 49'995'000);
  const auto used = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  // The searchers give up on their own; then a stretch of time passes without use.
  const TimePoint end = Clock::now() + 30s;
  bool quiet = false;
  while (!quiet && Clock::now() < end) {
    const auto before = used();
    pool.timer().sleep_for(100ms).wait();
    quiet = used() - before < 10ms;
  }
  EXPECT_TRUE(quiet);
}

TEST(Scheduler, SleepsAndDeadlinesComeFromItsTimer) {
  Scheduler pool(1);
  const Future<int> late = pool.timer().sleep_for(5ms).and_then([] { return 7; });
  EXPECT_EQ(late.get(), 7);
  const ContextScope scope(Context().with_timeout(pool.timer(), 5ms));
  Promise<int> never;
  EXPECT_THROW(never.future().get(), DeadlineExceeded);
}

TEST(Deque, RefusesWhatIsBeyondItsMemoryLimit) {
  sched::Deque<int> deque(2, 8);
  int items[9] = {};
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(deque.push(&items[i]));
  EXPECT_FALSE(deque.push(&items[8]));
  EXPECT_EQ(deque.pop(), &items[7]);
  EXPECT_TRUE(deque.push(&items[8]));
}

}  // namespace
}  // namespace tine
