// A child after fork(2): what it inherited fails clearly, what it makes anew works.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/base/sanitized.h"
#include "tine/combinators.h"
#include "tine/coroutine.h"
#include "tine/scheduler.h"
#include "tine/unobserved.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

// What `body` returns in a child: empty when all was well. A child that hangs is ended after a minute.
std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    const std::string told = body();
    const bool written = write(ends[1], told.data(), told.size()) == static_cast<ssize_t>(told.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string told;
  char buffer[1024];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    told.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    told += " (the child ended with status " + std::to_string(status) + ")";
  return told;
}

std::string expect_abandoned(const char* what, const std::exception_ptr& error) {
  if (!error) return std::string(what) + " has no error; ";
  if (!describe(error).starts_with("Abandoned"))
    return std::string(what) + " failed with " + describe(error) + "; ";
  return "";
}

Future<int> waits_for(Future<int> f) { co_return co_await f; }

TEST(ForkedChild, WaitsForWhatThePoolOrTimerWouldCompleteFailInsteadOfHanging) {
  Scheduler pool(1);
  Promise<int> gate;
  Future<int> running = fork(pool, [f = gate.future()] { return f.get(); });
  Future<void> sleeping = pool.timer().sleep_for(1h);
  Future<int> called_back = running.then([](const Future<int>& f) { return f.get(); });
  Future<int> coroutine = waits_for(running);
  Future<std::vector<Future<int>>> collected = collect_all(std::vector{running});
  while (pool.counters().blocked_threads == 0) std::this_thread::yield();
  EXPECT_EQ(in_child([&] {
              return expect_abandoned("the task", running.error()) +
                     expect_abandoned("the sleep", sleeping.error()) +
                     expect_abandoned("the callback", called_back.error()) +
                     expect_abandoned("the coroutine", coroutine.error()) +
                     expect_abandoned("the collection", collected.error());
            }),
            "");
  gate.set_value(1);
  EXPECT_EQ(coroutine.get(), 1);
  sleeping.cancel();
}

TEST(ForkedChild, CallbacksOfTheParentNeverRunInTheChildAndItsOwnRunAtOnceWithTheError) {
  Scheduler pool(1);
  Promise<int> gate;
  const Future<int> running = fork(pool, [f = gate.future()] { return f.get(); });
  while (pool.counters().blocked_threads == 0) std::this_thread::yield();
  static std::atomic<int> ran;
  ran = 0;
  const auto by_parent = [](const Future<int>&) { ++ran; };
  const Future<void> then_of_parent = running.then(by_parent);
  (void)running.then(pool, by_parent);
  (void)collect_all_settled(std::vector{running}).then([](const auto&) { ++ran; });
  EXPECT_EQ(in_child([&] {
              std::string told;
              std::string seen;
              // Asked in each of the ways in which one may look.
              if (!running.ready()) told += "it is not ready; ";
              (void)running.then([&](const Future<int>& f) { seen = describe(f.error()); });
              if (!seen.starts_with("Abandoned")) told += "its own callback saw '" + seen + "'; ";
              told += expect_abandoned("what the parent's callback was to give", then_of_parent.error());
              if (ran != 0) told += "a callback of the parent ran; ";
              return told;
            }),
            "");
  EXPECT_EQ(in_child([&] {
              std::string told;
              if (running.cancel()) told += "it was cancelled; ";
              told += expect_abandoned("the task", running.error());
              return ran == 0 ? told : told + "a callback of the parent ran; ";
            }),
            "");
  gate.set_value(1);
  EXPECT_EQ(running.get(), 1);
}

TEST(ForkedChild, LooksAtAFutureWhoseLockAnotherThreadHadAtTheFork) {
  Scheduler pool(1);
  Promise<int> gate;
  const Future<int> running = fork(pool, [f = gate.future()] { return f.get(); });
  while (pool.counters().blocked_threads == 0) std::this_thread::yield();
  std::atomic<bool> stop{false};
  std::thread waiting([&] {
    while (!stop.load()) (void)running.wait_for(1us);
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(in_child([&] { return expect_abandoned("the task", running.error()); }), "");
  }
  stop = true;
  waiting.join();
  gate.set_value(1);
}

TEST(ForkedChild, ErrorsThatTheParentHasYetToTellAreNotToldTwice) {
  static std::atomic<int> told;
  told = 0;
  const UnobservedErrorHook before = set_unobserved_error_hook(
      [](const std::exception_ptr&, const std::source_location&) noexcept { ++told; });
  auto failed = std::make_unique<Future<int>>(make_failed<int>(make_error(ErrorKind::kIndex, "lost")));
  EXPECT_EQ(in_child([&] {
              failed.reset();
              return told == 0 ? std::string() : std::string("told in the child");
            }),
            "");
  failed.reset();
  EXPECT_EQ(told.load(), 1);
  set_unobserved_error_hook(before);
}

TEST(ForkedChild, TasksAndSleepsGivenToAnInheritedPoolFailAtOnceAndItsDestructorReturns) {
  auto pool = std::make_unique<Scheduler>(2);
  EXPECT_EQ(fork(*pool, [] { return 1; }).get(), 1);
  const Future<void> slept = pool->timer().sleep_for(1us);
  slept.wait();
  EXPECT_EQ(in_child([&] {
              const Future<int> task = fork(*pool, [] { return 1; });
              const Future<void> sleep = pool->timer().sleep_for(1us);
              std::string told =
                  expect_abandoned("the task", task.error()) + expect_abandoned("the sleep", sleep.error());
              try {
                pool->set_num_threads(1);
                told += "set_num_threads did not throw; ";
              } catch (const Error&) {
              }
              int sum = 0;
              pool->parallel_for(100, 1, [&](int64_t b, int64_t e) { sum += static_cast<int>(e - b); });
              if (sum != 100) told += "parallel_for left something out; ";
              pool.reset();
              return told;
            }),
            "");
  EXPECT_EQ(fork(*pool, [] { return 2; }).get(), 2);
}

TEST(ForkedChild, MakesAPoolOfItsOwnAlsoWhenAWorkerForked) {
  if (!kThreadsInChild) GTEST_SKIP() << "ThreadSanitizer allows a forked child no threads";
  Scheduler pool(2);
  const auto own_pool = [] {
    Scheduler mine(2);
    std::string told;
    if (fork(mine, [] { return 5; }).get() != 5) told += "fork; ";
    if (mine.timer().sleep_for(1ms).error()) told += "sleep; ";
    if (waits_for(fork(mine, [] { return 6; })).get() != 6) told += "coroutine; ";
    return told;
  };
  EXPECT_EQ(fork(pool, [] { return 1; }).get(), 1);
  EXPECT_EQ(in_child(own_pool), "");
  const Future<std::string> by_worker = fork(pool, [&] { return in_child(own_pool); });
  EXPECT_EQ(by_worker.then([](const Future<std::string>& f) { return f.get(); }).get(), "");
}

}  // namespace
}  // namespace tine
