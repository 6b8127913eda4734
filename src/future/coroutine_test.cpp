#include "tine/coroutine.h"
#include "src/base/testing/kept_tasks.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tine {
namespace {

Future<int> ready_seven() { co_return 7; }
Future<int> plus_one(Future<int> f) { co_return co_await f + 1; }
Future<void> nothing() { co_return; }
Future<int> throws() {
  co_await nothing();
  throw IndexError("inside");
}

TEST(Coroutine, StartsAtOnceOnTheCallingThread) {
  EXPECT_TRUE(ready_seven().ready());
  EXPECT_EQ(ready_seven().get(), 7);
  nothing().get();
}

TEST(Coroutine, ResumesOnTheThreadThatCompletesWhatItAwaits) {
  Promise<int> p;
  std::thread::id where;
  const Future<int> f = [](Future<int> g, std::thread::id* id) -> Future<int> {
    const int v = co_await g;
    *id = std::this_thread::get_id();
    co_return v;
  }(p.future(), &where);
  EXPECT_FALSE(f.ready());
  std::thread other([&] { p.set_value(3); });
  const std::thread::id id = other.get_id();
  other.join();
  EXPECT_EQ(f.get(), 3);
  EXPECT_EQ(where, id);
}

TEST(Coroutine, AnExceptionIsItsFuturesErrorAndPassesThroughCoAwait) {
  EXPECT_THROW(throws().get(), IndexError);
  EXPECT_THROW(plus_one(throws()).get(), IndexError);
  const Future<std::string> caught = []() -> Future<std::string> {
    try {
      co_await throws();
    } catch (const IndexError& e) {
      co_return e.message();
    }
    co_return "";
  }();
  EXPECT_EQ(caught.get(), "inside");
}

TEST(Coroutine, MovesOnlyValuesThrough) {
  const auto make = [](int v) -> Future<std::unique_ptr<int>> { co_return std::make_unique<int>(v); };
  const Future<int> f = [](auto m) -> Future<int> {
    const std::unique_ptr<int> p = co_await m(5);
    co_return *p;
  }(make);
  EXPECT_EQ(f.get(), 5);
}

Future<int> deep(int n) {
  if (n == 0) co_return 0;
  co_return co_await deep(n - 1) + 1;
}

TEST(Coroutine, AMillionNestedCallsCompleteAndAreDestroyedOnABoundedStack) {
  EXPECT_EQ(deep(1'000'000).get(), 1'000'000);
}

TEST(Coroutine, AMillionNestedCallsThatWaitForOnePromiseComplete) {
  Promise<int> p;
  struct Deep {
    static Future<int> call(int n, Future<int> bottom) {
      if (n == 0) co_return co_await bottom;
      co_return co_await call(n - 1, bottom) + 1;
    }
  };
  const Future<int> f = Deep::call(1'000'000, p.future());
  EXPECT_FALSE(f.ready());
  p.set_value(1);
  EXPECT_EQ(f.get(), 1'000'001);
}

TEST(Coroutine, LocalsAreGoneBeforeTheFutureCompletes) {
  bool gone_first = false;
  auto flag = std::make_shared<int>(1);
  Promise<void> p;
  const Future<void> f = [](Future<void> g, std::shared_ptr<int> local) -> Future<void> {
    const std::shared_ptr<int> inner = std::move(local);
    co_await g;
  }(p.future(), flag);
  (void)f.then([&](const Future<void>&) { gone_first = flag.use_count() == 1; });
  p.set_value();
  EXPECT_TRUE(gone_first);
}

TEST(Coroutine, ResumeOnGoesOnInTheExecutor) {
  KeptTasks queue;
  const Future<int> f = [](Executor& e) -> Future<int> {
    co_await schedule_on(e);
    co_return co_await resume_on(e, make_ready(4));
  }(queue);
  ASSERT_EQ(queue.tasks.size(), 1u);
  queue.tasks[0]->run();
  ASSERT_EQ(queue.tasks.size(), 2u);
  queue.tasks[1]->run();
  EXPECT_EQ(f.get(), 4);
}

TEST(Coroutine, ACancelledCoroutineRunsToItsEndAndItsValueIsDropped) {
  Promise<int> p;
  const Future<int> f = plus_one(p.future());
  EXPECT_TRUE(f.cancel());
  p.set_value(1);
  EXPECT_THROW(f.get(), Cancelled);
}

}  // namespace
}  // namespace tine
