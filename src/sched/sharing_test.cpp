// One Future object used by many threads, queues that are never empty, threads that end: who must not be forgotten.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "src/base/testing/eventually.h"
#include "src/base/testing/kept_tasks.h"
#include "tine/combinators.h"
#include "tine/scheduler.h"
#include "tine/task_group.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

// Runs it on two threads that begin together.
template <class F>
void twice_at_once(F f) {
  std::atomic<int> there{0};
  const auto body = [&] {
    ++there;
    while (there < 2) std::this_thread::yield();
    f();
  };
  std::thread other(body);
  body();
  other.join();
}

TEST(OneFutureObject, WakesEveryThreadThatWaitsOnItWhenOneOfThemRunsTheTask) {
  Scheduler pool(2);
  for (int round = 0; round < 200; ++round) {
    Future<int> made;
    // Forked by a thread that ends: so the queue's reference goes early, and none but this Future is left.
    std::thread([&] {
      made = fork(pool, [] {
        const TimePoint end = Clock::now() + 200us;
        while (Clock::now() < end) std::this_thread::yield();
        return 1;
      });
    }).join();
    const Future<int>& shared = made;
    std::atomic<int> late{0};
    twice_at_once([&] {
      const TimePoint begin = Clock::now();
      if (!shared.wait_for(20s) || Clock::now() - begin > 19s) ++late;
    });
    ASSERT_EQ(late, 0) << round;
  }
}

TEST(OneFutureObject, RunsEveryCallbackThatThreadsAddToItWhenItIsDone) {
  constexpr int kEach = 400'000;
  const Future<int> done = make_ready(1);
  std::atomic<int> ran{0};
  twice_at_once([&] {
    for (int i = 0; i < kEach; ++i) (void)done.then([&](const Future<int>&) { ++ran; });
  });
  EXPECT_EQ(ran, 2 * kEach);
}

TEST(Fork, TheClosureIsGoneWhenTheFutureIsDone) {
  KeptTasks held;
  auto owned = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = owned;
  const Future<int> f = fork(held, [owned = std::move(owned)] { return *owned; });
  bool alive = true;
  const Future<void> told = f.then([&](const Future<int>&) { alive = !seen.expired(); });
  held.run_one();
  EXPECT_FALSE(alive);
  EXPECT_EQ(f.get(), 7);
}

TEST(Finally, OnAClosedExecutorKeepsItsErrorAndStillRuns) {
  struct Closed final : Executor {
    void post(Task& task) noexcept override { task.abandon(); }
  } closed;
  int ran = 0;
  for (const Future<int>& source :
       {make_ready(1), make_failed<int>(std::make_exception_ptr(IndexError("there")))}) {
    EXPECT_THROW((void)source.finally(closed, [&] { ++ran; }).get(), Abandoned);
    EXPECT_THROW((void)source.finally(closed, [&] { throw ValueError("here"); }).get(), Abandoned);
    (void)source.error();
  }
  EXPECT_EQ(ran, 2);
}

TEST(Misuse, FuturesWithoutAStateAndErrorsThatAreNoneAreNamed) {
  EXPECT_THROW((void)wait_all(std::vector<Future<int>>(1)), ValueError);
  EXPECT_THROW((void)make_failed<int>(nullptr), ValueError);
}

TEST(TaskGroup, DoesNotForgetATaskThatItsExecutorAbandoned) {
  struct First final : Executor {
    void post(Task& task) noexcept override {
      if (n++ == 0) {
        task.abandon();
      } else {
        task.run();
      }
    }
    int n = 0;
  } first;
  TaskGroup group(first);
  for (int i = 0; i < 3; ++i) group.run([] {});
  EXPECT_THROW(group.wait(), Abandoned);
}

TEST(Resize, GrowingWakesAsManyAsThereIsWorkForAlsoWhatLiesInSleepersOwnQueues) {
  Scheduler pool({.num_threads = 3, .max_threads = 8});
  std::atomic<int> parents{0};
  std::atomic<int> children{0};
  std::atomic<bool> shrunk{false};
  std::atomic<bool> over{false};
  std::vector<Future<void>> forked;
  for (int i = 0; i < 3; ++i) {
    forked.push_back(fork(pool, [&, i] {
      ++parents;
      while (parents < 3) std::this_thread::yield();
      (void)fork(pool, [&] {
        ++children;
        while (!over) std::this_thread::yield();
      });
      while (!shrunk) std::this_thread::yield();
      if (i == 0) {
        while (!over) std::this_thread::yield();
      }
    }));
  }
  ASSERT_TRUE(eventually([&] { return parents == 3; }));
  const uint64_t parks = pool.counters().parks;
  pool.set_num_threads(1);
  shrunk = true;
  // Two leave their child where it is and sleep.
  ASSERT_TRUE(eventually([&] { return pool.counters().parks >= parks + 2; }));
  pool.set_num_threads(4);
  EXPECT_TRUE(eventually([&] { return children == 3; })) << children;
  over = true;
  for (const Future<void>& f : forked) f.wait();
}

TEST(Scheduler, TasksThatPostTasksForEverLetOthersRun) {
  std::atomic<bool> stop{false};
  std::function<void()> step;
  Scheduler pool(1);  // ends first: until then steps run
  step = [&] {
    if (!stop) (void)fork(pool, step);
  };
  (void)fork(pool, [&] {
    step();
    step();
  });
  Promise<void> asked;
  const Future<void> outside = asked.future();
  (void)fork(pool, [&] { asked.set_value(); });
  EXPECT_TRUE(outside.wait_for(30s));
  // A timer's callback comes from a thread that has no queue of its own here.
  const Future<void> timed = pool.timer().sleep_for(1ms).then([](const Future<void>&) {});
  EXPECT_TRUE(timed.wait_for(30s));
  stop = true;
}

TEST(Spares, AtTheirBoundACallbackThatNoStackIsLeftForFailsToo) {
  Scheduler pool({.num_threads = 1, .max_threads = 1});
  Promise<int> gate;
  const Future<int> opened = gate.future();
  const Future<int> ready = make_ready(1);
  constexpr int kCallbacks = 2000;
  std::atomic<int> begun{0};
  std::vector<Future<int>> results;
  std::thread([&] {
    for (int i = 0; i < kCallbacks; ++i) {
      results.push_back(ready.then(pool, [&](const Future<int>&) {
        ++begun;
        volatile char frame[16384] = {};
        const int got = opened.get();
        return got + frame[3];
      }));
    }
  }).join();
  std::atomic<int> failed{0};
  for (const Future<int>& f : results) {
    (void)f.then([&](const Future<int>& g) {
      if (g.error()) ++failed;
    });
  }
  EXPECT_TRUE(eventually([&] { return begun + failed == kCallbacks; })) << begun << " " << failed;
  gate.set_value(3);
  for (const Future<int>& f : results) f.wait();
  EXPECT_GT(failed, 0);
  EXPECT_GT(begun, 50);
}

// A thread-local made before the thread's first fork is destroyed when the thread has given its queue away.
struct Late {
  std::function<void()> at_end;
  ~Late() {
    if (at_end) at_end();
  }
};
TEST(Scheduler, AThreadMayForkInDestructorsThatRunWhenItsQueueIsAnothers) {
  constexpr int kForks = 20'000;
  Scheduler pool(1);
  std::atomic<int> ran{0};
  const auto forks = [&] {
    for (int i = 0; i < kForks; ++i) (void)fork(pool, [&] { ++ran; });
  };
  std::atomic<int> stage{0};
  std::thread ends([&] {
    thread_local Late late;
    late.at_end = [&] {
      stage = 1;  // its queue is free now
      while (stage < 2) std::this_thread::yield();
      forks();
    };
    (void)fork(pool, [] {});
  });
  while (stage < 1) std::this_thread::yield();
  std::thread other([&] {
    (void)fork(pool, [] {});  // takes the queue
    stage = 2;
    forks();
  });
  ends.join();
  other.join();
  EXPECT_TRUE(eventually([&] { return ran == 2 * kForks; })) << ran;
}

}  // namespace
}  // namespace tine
