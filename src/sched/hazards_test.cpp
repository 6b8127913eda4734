// What docs/hazards.md says of waits and pools.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/scheduler.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

TEST(Hazard, BlockingInACallbackHoldsItsWorkerAndThoseBehindItButNotThePool) {
  Scheduler pool(1);
  Promise<int> first;
  Promise<int> other;
  std::atomic<bool> behind{false};
  const Future<void> blocks =
      first.future().then(pool, [f = other.future()](const Future<int>&) { f.wait(); });
  const Future<void> next = blocks.then([&](const Future<void>&) { behind = true; });
  first.set_value(1);
  while (pool.counters().blocked_threads == 0) std::this_thread::yield();
  // A spare thread runs this.
  const Future<int> goes_on = fork(pool, [] { return 1; }).then([](const Future<int>& f) { return f.get(); });
  EXPECT_TRUE(goes_on.wait_for(30s));
  EXPECT_FALSE(behind);
  other.set_value(1);
  next.wait();
  EXPECT_TRUE(behind);
}

TEST(Hazard, ReturningTheOtherFutureInsteadHoldsNoThread) {
  Scheduler pool(1);
  Promise<int> first;
  Promise<int> other;
  const Future<int> flat = first.future().and_then(pool, [f = other.future()](int) { return f; });
  first.set_value(1);
  while (pool.counters().tasks_run == 0) std::this_thread::yield();
  EXPECT_EQ(pool.counters().blocked_threads, 0);
  other.set_value(2);
  EXPECT_EQ(flat.get(), 2);
}

TEST(Hazard, AWaitMayRunTheAwaitedTaskOnTheWaitingThread) {
  Scheduler pool(1);
  Promise<void> gate;
  Promise<void> entered;
  const Future<void> inside = entered.future();
  // The only worker is busy, so that nobody else begins the task.
  const Future<void> busy = fork(pool, [&entered, f = gate.future()] {
    entered.set_value();
    f.wait();
  });
  inside.wait();
  pool.set_num_threads(1);
  const Future<std::thread::id> where = fork(pool, [] { return std::this_thread::get_id(); });
  // A spare may have been faster; then it ran there.
  const std::thread::id ran_on = where.get();
  EXPECT_TRUE(ran_on == std::this_thread::get_id() || pool.counters().spare_threads > 0);
  gate.set_value();
  busy.wait();
}

TEST(Hazard, CancellingAFutureDoesNotStopTheTaskThatRunsButItCanAsk) {
  Scheduler pool(1);
  const CancelSource source;
  std::atomic<bool> running{false};
  std::atomic<bool> ended{false};
  Future<void> task;
  {
    const ContextScope scope(Context().with_token(source.token()));
    task = fork(pool, [&] {
      running = true;
      while (!Context::current().stopped()) std::this_thread::yield();
      ended = true;
    });
  }
  while (!running) std::this_thread::yield();
  task.cancel();
  EXPECT_THROW(task.get(), Cancelled);
  EXPECT_FALSE(ended);
  source.cancel();
  while (!ended) std::this_thread::yield();
}

struct Link {
  int value;
  Link* next;
};
Future<int> length(Link* link) {
  if (!link) co_return 0;
  co_return 1 + co_await length(link->next);
}

TEST(Hazard, WhatNestsTooDeepForWaitsACoroutineDoes) {
  std::vector<Link> links(1'000'000);
  for (size_t i = 0; i + 1 < links.size(); ++i) links[i].next = &links[i + 1];
  links.back().next = nullptr;
  EXPECT_EQ(length(links.data()).get(), 1'000'000);
}

}  // namespace
}  // namespace tine
