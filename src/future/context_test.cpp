#include "tine/context.h"
#include "src/base/testing/kept_tasks.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tine/coroutine.h"
#include "tine/fork.h"
#include "tine/timer.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

std::string trace() { return std::string(Context::current().trace_id()); }

TEST(Context, IsEmptyUnlessAScopeSetsOne) {
  EXPECT_EQ(trace(), "");
  EXPECT_EQ(Context::current().deadline(), kNoDeadline);
  {
    const ContextScope scope(Context().with_trace_id("a").with("user", "7"));
    EXPECT_EQ(trace(), "a");
    EXPECT_EQ(Context::current().get("user"), "7");
    EXPECT_EQ(Context::current().get("other"), std::nullopt);
    {
      const ContextScope inner(Context::current().with_trace_id("b"));
      EXPECT_EQ(trace(), "b");
      EXPECT_EQ(Context::current().get("user"), "7");
    }
    EXPECT_EQ(trace(), "a");
  }
  EXPECT_EQ(trace(), "");
}

TEST(Context, IsCarriedByForkToWhereverItRuns) {
  KeptTasks executor;
  Future<std::string> with;
  {
    const ContextScope scope(Context().with_trace_id("t"));
    with = fork(executor, trace);
  }
  const Future<std::string> without = fork(executor, trace);
  {
    const ContextScope scope(Context().with_trace_id("of the one who waits"));
    executor.run_all();
  }
  EXPECT_EQ(with.get(), "t");
  EXPECT_EQ(without.get(), "");
}

TEST(Context, IsCarriedByCallbacksAndNotTakenFromWhoCompletes) {
  KeptTasks executor;
  Promise<int> p;
  const Future<int> f = p.future();
  const auto ask = [](const auto&...) { return trace(); };
  const Future<std::string> without = f.then(ask);
  Future<std::string> with;
  Future<std::string> posted;
  {
    const ContextScope scope(Context().with_trace_id("t"));
    with = f.and_then(ask);
    posted = f.then(executor, ask);
  }
  {
    const ContextScope scope(Context().with_trace_id("of the one who completes"));
    p.set_value(1);
    EXPECT_EQ(trace(), "of the one who completes");
  }
  executor.run_all();
  EXPECT_EQ(with.get(), "t");
  EXPECT_EQ(posted.get(), "t");
  EXPECT_EQ(without.get(), "");
}

Future<std::string> traced(Future<int> first, Future<int> second) {
  std::string seen = trace();
  co_await first;
  seen += trace();
  {
    const ContextScope scope(Context::current().with_trace_id("x"));
    co_await second;
    seen += trace();
  }
  co_return seen + trace();
}

TEST(Context, IsKeptByACoroutineAcrossItsWaitsOnOtherThreads) {
  Promise<int> a;
  Promise<int> b;
  Future<std::string> f;
  {
    const ContextScope scope(Context().with_trace_id("c"));
    f = traced(a.future(), b.future());
  }
  EXPECT_EQ(trace(), "");
  std::thread([&] {
    a.set_value(1);
    EXPECT_EQ(trace(), "");
  }).join();
  b.set_value(2);
  EXPECT_EQ(trace(), "");
  EXPECT_EQ(f.get(), "ccxc");
}

TEST(CancelSource, CompletesThePendingFuturesOfItsToken) {
  KeptTasks executor;
  const CancelSource source;
  Promise<int> outside;
  Future<int> forked;
  Future<int> called_back;
  Future<int> promised;
  bool ran = false;
  {
    const ContextScope scope(Context().with_token(source.token()));
    forked = fork(executor, [&] { return ran = true, 1; });
    called_back = outside.future().then([](const Future<int>& f) { return f.get(); });
    promised = Promise<int>().future();
  }
  Promise<int> other;
  EXPECT_FALSE(source.cancelled());
  EXPECT_TRUE(source.cancel());
  EXPECT_FALSE(source.cancel());
  EXPECT_THROW(forked.get(), Cancelled);
  EXPECT_THROW(called_back.get(), Cancelled);
  EXPECT_FALSE(other.future().ready());
  outside.set_value(1);
  executor.run_all();
  EXPECT_FALSE(ran);
  EXPECT_THROW(promised.get(), Abandoned);
}

TEST(CancelSource, RaisedBeforeCancelsAtOnce) {
  KeptTasks executor;
  const CancelSource source;
  source.cancel();
  const ContextScope scope(Context().with_token(source.token()));
  EXPECT_THROW(fork(executor, [] { return 1; }).get(), Cancelled);
  EXPECT_TRUE(Context::current().stopped());
  EXPECT_THROW(Context::current().check(), Cancelled);
  executor.run_all();
}

TEST(CancelSource, OfAnOuterContextReachesTheInnerOnes) {
  const CancelSource outer;
  const CancelSource inner;
  const ContextScope scope(Context().with_token(outer.token()));
  const ContextScope nested(Context::current().with_token(inner.token()));
  Promise<int> p;
  const Future<int> f = p.future();
  outer.cancel();
  EXPECT_THROW(f.get(), Cancelled);
  EXPECT_FALSE(inner.cancelled());
  EXPECT_TRUE(Context::current().stopped());
}

TEST(CancelSource, RacingWithCompletionLetsExactlyOneWin) {
  for (int round = 0; round < 500; ++round) {
    const CancelSource source;
    std::vector<Promise<int>> promises;
    std::vector<Future<int>> futures;
    {
      const ContextScope scope(Context().with_token(source.token()));
      for (int i = 0; i < 4; ++i) {
        promises.emplace_back();
        futures.push_back(promises.back().future());
      }
    }
    std::vector<char> set(4);
    std::thread other([&] {
      for (size_t i = 0; i < 4; ++i) set[i] = promises[i].set_value(static_cast<int>(i));
    });
    source.cancel();
    other.join();
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(futures[i].error() == nullptr, set[i] != 0);
  }
}

TEST(CancelSource, LetsFinallyRun) {
  const CancelSource source;
  bool cleaned = false;
  const ContextScope scope(Context().with_token(source.token()));
  Promise<int> p;
  const Future<int> f = p.future().finally([&] { cleaned = true; });
  source.cancel();
  EXPECT_TRUE(cleaned);
  EXPECT_THROW(f.get(), Cancelled);
  p.set_value(1);
}

struct Timed : testing::Test {
  InlineExecutor in_place;
  Timer timer{in_place};
};
using Deadline = Timed;
using Sleep = Timed;

TEST_F(Deadline, ThatPassesCompletesThePendingFutures) {
  Promise<int> p;
  Future<int> f;
  {
    const ContextScope scope(Context().with_timeout(timer, 5ms));
    f = Promise<int>().future().or_else([other = p.future()](const std::exception_ptr&) { return other; });
  }
  EXPECT_THROW(f.get(), DeadlineExceeded);
}

TEST_F(Deadline, OnlyShrinksWhenNested) {
  const TimePoint now = Clock::now();
  const Context outer = Context().with_deadline(timer, now + 1h);
  EXPECT_EQ(outer.with_deadline(timer, now + 2h).deadline(), now + 1h);
  EXPECT_EQ(outer.with_deadline(timer, now + 1min).deadline(), now + 1min);
}

TEST_F(Deadline, ThatHasPassedStopsAtOnce) {
  const ContextScope scope(Context().with_timeout(timer, -1s));
  EXPECT_THROW(Context::current().check(), DeadlineExceeded);
  Promise<int> p;
  EXPECT_THROW(p.future().get(), DeadlineExceeded);
}

TEST_F(Deadline, OfAContextThatIsGoneLeavesTheTimer) {
  for (int i = 0; i < 1000; ++i) (void)Context().with_timeout(timer, 1h);
  EXPECT_EQ(timer.size(), 0U);
}

TEST_F(Sleep, IsDoneAtItsTimeAndNotBefore) {
  const TimePoint start = Clock::now();
  const Future<void> late = timer.sleep_for(20ms);
  const Future<void> early = timer.sleep_for(5ms);
  early.get();
  EXPECT_GE(Clock::now() - start, 5ms);
  late.get();
  EXPECT_GE(Clock::now() - start, 20ms);
}

TEST_F(Sleep, ThatIsCancelledLeavesTheTimer) {
  std::vector<Future<void>> sleeps;
  for (int i = 0; i < 100; ++i) sleeps.push_back(timer.sleep_for(std::chrono::minutes(100 - i % 7)));
  EXPECT_EQ(timer.size(), 100U);
  for (const Future<void>& f : sleeps) EXPECT_TRUE(f.cancel());
  EXPECT_EQ(timer.size(), 0U);
  EXPECT_THROW(sleeps.front().get(), Cancelled);
}

TEST_F(Sleep, OfATimerThatEndsFirstIsAbandoned) {
  Future<void> f;
  {
    Timer short_lived(in_place);
    f = short_lived.sleep_for(1h);
  }
  EXPECT_THROW(f.get(), Abandoned);
}

TEST_F(Sleep, OfEqualAndMixedTimesAllEnd) {
  std::vector<Future<void>> sleeps;
  for (int i = 0; i < 500; ++i) sleeps.push_back(timer.sleep_for(std::chrono::microseconds(i * 7919 % 5000)));
  wait_all(sleeps);
}

}  // namespace
}  // namespace tine
