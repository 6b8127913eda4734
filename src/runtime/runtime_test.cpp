#include "tine/runtime.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "src/value/op_table.h"
#include "tine/context.h"

namespace tine {
namespace {

int add(int a, int b) { return a + b; }

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

}  // namespace
}  // namespace tine
