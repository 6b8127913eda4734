#include "tine/runtime.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <string>
#include <thread>

#include "src/base/sanitized.h"
#include "tine/context.h"
#include "tine/operators.h"

namespace tine {
namespace {

int add(int a, int b) { return a + b; }

TEST(Runtime, StopsTheThreadsOfOpenBlasWhereItIsMadeBeforeAnyOther) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer has a thread of its own";
  const std::string style = GTEST_FLAG_GET(death_test_style);
  GTEST_FLAG_SET(death_test_style,
                 "threadsafe");  // in a process that is started anew: fork(2) stops them as well
  EXPECT_EXIT(
      {
        const Runtime runtime;
        int threads = 0;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
          threads += task.exists();
        std::exit(threads);
      },
      ::testing::ExitedWithCode(1), "");
  GTEST_FLAG_SET(death_test_style, style);
}

TEST(Fork, OnTheDefaultPoolKnowsThePlaceOfTheCallWhateverArgumentsItTakes) {
  const auto place = [](const auto& future) {
    const std::source_location& where = future.state()->where();
    return std::string(where.file_name()).ends_with("runtime_test.cpp") ? where.line() : 0;
  };
  const unsigned line = __LINE__;
  const auto none = fork([] { return 1; });
  const auto one = fork([](int a) { return a; }, 1);
  const auto two = fork(add, 1, 2);
  const auto three = fork([](int a, int b, int c) { return a + b + c; }, 1, 2, 3);
  const auto four = fork([](int a, int b, int c, int d) { return a + b + c + d; }, 1, 2, 3, 4);
  const auto on_pool = fork(default_scheduler(), add, 1, 2);
  const auto five = fork([](int a, int b, int c, int d, int e) { return a + b + c + d + e; }, 1, 2, 3, 4, 5);
  EXPECT_EQ(place(none), line + 1);
  EXPECT_EQ(place(one), line + 2);
  EXPECT_EQ(place(two), line + 3);
  EXPECT_EQ(place(three), line + 4);
  EXPECT_EQ(place(four), line + 5);
  EXPECT_EQ(place(on_pool), line + 6);
  EXPECT_EQ(none.get() + one.get() + two.get() + three.get() + four.get() + on_pool.get() + five.get(), 39);
}

TEST(Fork, TakesItsArgumentsByValueAndMovesThemIn) {
  auto owned = std::make_unique<int>(4);
  EXPECT_EQ(fork([](std::unique_ptr<int> p) { return *p; }, std::move(owned)).get(), 4);
  EXPECT_EQ(fork([](const std::string& s, size_t n) { return s.substr(0, n); }, "abc", size_t{2}).get(),
            "ab");
}

TEST(Runtime, EveryOperatorDeclaresItsCost) {
  for (const Op* op : Runtime::instance().ops().all()) {
    EXPECT_NE(op->traits.cost.rule, Cost::Rule::kUndeclared) << op->schema.str();
  }
}

// One that is pure may be left out where nobody uses its result, or run once for two.
TEST(Runtime, NoOperatorThatAsksAnotherWorkerIsPure) {
  int found = 0;
  for (const Op* op : Runtime::instance().ops().all()) {
    if (!op->schema.name.starts_with("rpc::")) continue;
    ++found;
    EXPECT_FALSE(op->traits.pure) << op->schema.str();
  }
  EXPECT_GE(found, 9);
}

TEST(Runtime, InAChildAfterForkIsMadeAnewOnFirstUse) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer allows a forked child no threads";
#endif
  EXPECT_EQ(fork([] { return 1; }).get(), 1);
  Promise<void> gate;
  const Future<void> before = fork([f = gate.future()] { f.wait(); });
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    const bool fails = describe(before.error()).starts_with("Abandoned");
    const bool works = fork(add, 2, 3).get() == 5 && !sleep_for(std::chrono::milliseconds(1)).error();
    _exit(fails && works ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  gate.set_value();
  before.wait();
}

TEST(Runtime, EachOfItsThreadsHasTheNameOfItsPool) {
  struct Named final : Task {
    void run() noexcept override {
      char text[16] = {};
      pthread_getname_np(pthread_self(), text, sizeof text);
      name.set_value(text);
    }
    void abandon() noexcept override {}
    Promise<std::string> name;
  };
  Named handler, callback;
  const Future<std::string> handlers = handler.name.future(), callbacks = callback.name.future();
  Runtime runtime({.num_threads = 1});
  runtime.blocking().post(handler);
  runtime.callbacks().post(callback);
  EXPECT_EQ(handlers.get().substr(0, 7), "tine-h-");
  EXPECT_EQ(callbacks.get().substr(0, 7), "tine-c-");
  EXPECT_EQ(runtime.close_blocking(kNoDeadline), 0);
}

TEST(Runtime, CallbacksHaveThreadsOfTheirOwnAndHandlersThoseOfTheirOptions) {
  EXPECT_THROW(Runtime({.handler_threads = 0}), ValueError);
  EXPECT_THROW(Runtime({.handler_threads = 8, .max_handler_threads = 4}), ValueError);
  struct Waits final : Task {
    void run() noexcept override { gate.wait(); }
    void abandon() noexcept override {}
    void refuse(const std::exception_ptr& error) noexcept override {
      why = describe(error);
      ++refused;
    }
    std::string why;
    std::latch gate{1};
    std::atomic<int> refused{0};
  };
  struct Opens final : Task {
    void run() noexcept override { waits->gate.count_down(); }
    void abandon() noexcept override {}
    Waits* waits = nullptr;
  };
  Waits a, b, c;
  Opens opens_a, opens_b;
  Runtime runtime({.handler_threads = 1, .max_handler_threads = 2});
  EXPECT_THROW(runtime.set_handler_threads(1, 0), ValueError);
  for (Waits* const task : {&a, &b, &c}) runtime.blocking().post(*task);
  while (c.refused == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (const char* part : {"2 handler threads blocked", "max_handler_threads=2", "RuntimeOptions"})
    EXPECT_NE(c.why.find(part), std::string::npos) << part << " is not in: " << c.why;
  EXPECT_EQ(runtime.handler_counters().refused, 1U);
  EXPECT_EQ(runtime.handler_counters().threads, 2);
  opens_a.waits = &a;
  opens_b.waits = &b;
  runtime.callbacks().post(opens_a);
  runtime.callbacks().post(opens_b);
  a.gate.wait();
  b.gate.wait();
  EXPECT_EQ(runtime.close_blocking(kNoDeadline), 0);
}

}  // namespace
}  // namespace tine
