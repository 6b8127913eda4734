// The lists, the heap and the limits behind contexts and timers, at their edges.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <random>
#include <source_location>
#include <thread>
#include <vector>

#include "src/base/left_over.h"
#include "src/future/run_limits.h"
#include "tine/context.h"
#include "tine/future.h"
#include "tine/timer.h"
#include "tine/unobserved.h"

namespace tine {
namespace {

using detail::Ref;
using namespace std::chrono_literals;

// For every order in which some of the futures of a token can become done, in the middle of its list and at its ends.
TEST(CancelSource, ReachesExactlyTheFuturesThatAreStillPending) {
  std::vector<size_t> order{0, 1, 2, 3};
  do {
    for (size_t done = 0; done <= order.size(); ++done) {
      const CancelSource source;
      const ContextScope scope(Context().with_token(source.token()));
      std::vector<Promise<size_t>> promises(order.size());
      std::vector<Future<size_t>> futures;
      for (auto& p : promises) futures.push_back(p.future());
      for (size_t k = 0; k < done; ++k) promises[order[k]].set_value(order[k]);
      Promise<size_t> late;  // goes to the end of what is left
      futures.push_back(late.future());
      source.cancel();
      for (size_t k = 0; k < order.size(); ++k)
        EXPECT_EQ(futures[order[k]].error() == nullptr, k < done) << order[k] << " of " << done;
      EXPECT_THROW(futures.back().get(), Cancelled);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(CancelSource, TellsEachContextThatIsThereHoweverManyHaveComeAndGone) {
  const CancelSource outer;
  const Context base = Context().with_token(outer.token());
  const CancelSource inner;
  std::vector<Context> kept;
  for (int i = 0; i < 200; ++i) {
    Context made = base.with_token(inner.token());
    if (i % 7 == 0) kept.push_back(std::move(made));
  }
  EXPECT_TRUE(outer.cancel());
  for (const Context& context : kept) EXPECT_TRUE(context.stopped());
  EXPECT_FALSE(inner.cancelled());
}

TEST(CancelSource, CancelledAtOnceReachesAContextThatIsMadeLater) {
  const CancelSource outer;
  const Context base = Context().with_token(outer.token());
  outer.cancel();
  const CancelSource inner;
  EXPECT_TRUE(base.with_token(inner.token()).stopped());
  EXPECT_FALSE(base.with_token(CancelToken()).with_trace_id("a").get("b").has_value());
}

TEST(RunLimits, OfNestedContextsTheSmallestCounts) {
  using detail::RunLimits;
  const auto outer = std::make_shared<RunLimits>(10, 5, nullptr);
  EXPECT_EQ(outer->left(), 10);
  RunLimits more(100, 9, outer);
  EXPECT_EQ(more.left(), 10);
  EXPECT_EQ(more.steps(), 10);
  EXPECT_EQ(more.depth(), 5U);
  RunLimits fewer(3, 2, outer);
  EXPECT_EQ(fewer.left(), 3);
  EXPECT_EQ(fewer.steps(), 3);
  EXPECT_EQ(fewer.depth(), 2U);
  EXPECT_TRUE(fewer.take(3)) << "as many as there are";
  EXPECT_EQ(fewer.left(), 0);
  EXPECT_EQ(outer->left(), 7) << "what the inner takes the outer has lost, too";
  EXPECT_FALSE(fewer.take(1));
  EXPECT_EQ(fewer.left(), 0) << "never below";
  EXPECT_EQ(outer->left(), 6);
  EXPECT_TRUE(more.take(6));
  EXPECT_FALSE(more.take(1));
}

TEST(RunLimits, OfAContextAreThoseOfTheContextsAroundItToo) {
  EXPECT_EQ(detail::run_limits(*Context().with_trace_id("a").data().get()), nullptr);
  const Context outer = detail::with_run_limits(Context(), 10, 5);
  const Context inner = detail::with_run_limits(outer.with_trace_id("a"), 100, 3);
  EXPECT_TRUE(detail::run_limits(*inner.data().get())->take(4));
  EXPECT_EQ(detail::run_limits(*inner.data().get())->left(), 6);
  EXPECT_EQ(detail::run_limits(*inner.data().get())->depth(), 3U);
  EXPECT_EQ(detail::run_limits(*outer.data().get())->left(), 6);
  EXPECT_EQ(detail::run_limits(*outer.data().get())->depth(), 5U);
  EXPECT_EQ(inner.trace_id(), "a");
}

TEST(RunLimits, WithoutALimitNothingIsCounted) {
  using detail::RunLimits;
  RunLimits none(RunLimits::kNoLimit, 7, nullptr);
  EXPECT_TRUE(none.take(RunLimits::kNoLimit));
  EXPECT_TRUE(none.take(1));
  EXPECT_EQ(none.left(), RunLimits::kNoLimit);
}

// Keeps the timer's thread until it is told to go on.
class Holding final : public Timer::Entry {
 public:
  void go_on() { go_on_.count_down(); }
  void wait_until_it_holds() { holds_.wait(); }

 private:
  void fire() noexcept override {
    holds_.count_down();
    go_on_.wait();
  }
  void abandon() noexcept override {}
  std::latch holds_{1}, go_on_{1};
};

class Noted final : public Timer::Entry {
 public:
  Noted(int number, std::vector<int>& fired, std::latch& left) noexcept
      : number_(number), fired_(fired), left_(left) {}

 private:
  void fire() noexcept override {
    fired_.push_back(number_);
    left_.count_down();
  }
  void abandon() noexcept override {}
  const int number_;
  std::vector<int>& fired_;  // by the timer's thread alone
  std::latch& left_;
};

TEST(Timer, FiresInTheOrderOfTimesWhateverTheOrderInWhichEntriesCameAndWent) {
  std::mt19937 random(5);
  InlineExecutor in_place;
  for (int round = 0; round < 30; ++round) {
    constexpr int kEntries = 40, kStopped = 15;
    std::vector<int> fired, expected, order;
    std::latch left(kEntries - kStopped);
    Timer timer(in_place);
    const auto holding = detail::make_ref<Holding>();
    const TimePoint now = Clock::now();
    timer.start(holding, now);
    holding->wait_until_it_holds();
    std::vector<Ref<Noted>> entries;
    for (int i = 0; i < kEntries; ++i) {
      order.push_back(i);
      entries.push_back(detail::make_ref<Noted>(i, fired, left));
      EXPECT_FALSE(entries.back()->stop()) << "not started";
    }
    std::shuffle(order.begin(), order.end(), random);
    for (const int i : order) timer.start(entries[static_cast<size_t>(i)], now - 1s + i * 1ms);
    EXPECT_EQ(timer.size(), size_t{kEntries});
    std::shuffle(order.begin(), order.end(), random);
    for (int k = 0; k < kStopped; ++k) {
      EXPECT_TRUE(entries[static_cast<size_t>(order[static_cast<size_t>(k)])]->stop());
      EXPECT_FALSE(entries[static_cast<size_t>(order[static_cast<size_t>(k)])]->stop());
    }
    EXPECT_EQ(timer.size(), size_t{kEntries - kStopped});
    expected.assign(order.begin() + kStopped, order.end());
    std::sort(expected.begin(), expected.end());
    holding->go_on();
    left.wait();
    EXPECT_EQ(fired, expected);
    EXPECT_EQ(timer.size(), 0U);
    EXPECT_FALSE(entries[static_cast<size_t>(expected[0])]->stop()) << "it has fired";
  }
}

TEST(Timer, AnEntryThatIsEarlierThanTheOneItWaitsForIsNotLate) {
  InlineExecutor in_place;
  Timer timer(in_place);
  Future<void> hour = timer.sleep_for(1h);
  const Future<void> soon = timer.sleep_for(1ms);
  EXPECT_TRUE(soon.wait_for(60s));
  EXPECT_FALSE(hour.ready());
  EXPECT_EQ(timer.size(), 1U);
  hour.cancel();
  EXPECT_EQ(timer.size(), 0U);
}

TEST(Timer, WhatItHoldsWhenItEndsIsAbandonedAndCannotBeStopped) {
  class Told final : public Timer::Entry {
   public:
    int fired = 0, abandoned = 0;
    bool stopped = false;

   private:
    void fire() noexcept override { ++fired; }
    void abandon() noexcept override {
      ++abandoned;
      stopped = stop();
    }
  };
  InlineExecutor in_place;
  std::vector<Ref<Told>> entries;
  {
    Timer timer(in_place);
    for (int i = 0; i < 5; ++i)
      timer.start(entries.emplace_back(detail::make_ref<Told>()), Clock::now() + 1h);
    EXPECT_TRUE(entries[2]->stop());
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i]->fired, 0);
    EXPECT_EQ(entries[i]->abandoned, i == 2 ? 0 : 1);
    EXPECT_FALSE(entries[i]->stopped);
    EXPECT_FALSE(entries[i]->stop());
  }
}

std::atomic<int> reports{0};
std::atomic<unsigned> last_line{0};

class UnobservedEdges : public testing::Test {
 protected:
  UnobservedEdges()
      : before_(set_unobserved_error_hook(
            [](const std::exception_ptr&, const std::source_location& where) noexcept {
              ++reports;
              last_line = where.line();
            })) {
    reports = 0;
  }
  ~UnobservedEdges() override { set_unobserved_error_hook(before_); }

 private:
  const UnobservedErrorHook before_;
};

TEST_F(UnobservedEdges, AnErrorStaysSoThoughAContextWatchesTheFuture) {
  const CancelSource source;
  const ContextScope scope(Context().with_token(source.token()));
  {
    Promise<int> p;
    const Future<int> f = p.future();
    p.set_error(make_error(ErrorKind::kValue, "nobody looks"));
  }
  EXPECT_EQ(reports, 1);
}

TEST_F(UnobservedEdges, AnErrorStaysSoThoughAThreadHasWaitedForTheFuture) {
  constexpr int kRounds = 20;  // in most of them the thread is there first
  const CancelSource source;
  for (int round = 0; round < kRounds; ++round) {
    const ContextScope scope(round % 2 == 0 ? Context() : Context().with_token(source.token()));
    Promise<int> p;
    const Future<int> f = p.future();
    std::thread other([&] { p.set_error(make_error(ErrorKind::kValue, "nobody looks")); });
    f.wait();
    other.join();
  }
  EXPECT_EQ(reports, kRounds);
}

TEST_F(UnobservedEdges, ACancellationThatCameAsAnErrorIsNotOne) {
  for (const ErrorKind kind : {ErrorKind::kCancelled, ErrorKind::kDeadlineExceeded, ErrorKind::kValue}) {
    Promise<int> p;
    const Future<int> f = p.future();
    p.set_error(make_error(kind, "from another worker"));
  }
  EXPECT_EQ(reports, 2) << "a deadline that passed and a wrong value";
}

TEST_F(UnobservedEdges, TheEndOfATimerIsAnErrorOfItsSleepsWhichHaveNoPlace) {
  InlineExecutor in_place;
  Future<void> sleep;
  {
    Timer timer(in_place);
    sleep = timer.sleep_for(1h);
  }
  last_line = 7;
  sleep = {};
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(last_line, 0U);
}

#ifdef __GLIBC__
// What nests too deep waits in memory of its thread, which has no destructor to free it.
TEST(Future, CallbacksThatNestTooDeepLeaveNoMemoryBehind) {
  const auto used = [] {
    const auto info = mallinfo2();
    return static_cast<int64_t>(info.uordblks + info.hblkhd);
  };
  static constexpr int kWide = 20'000;
  // So many callbacks, each of which completes what the next waits for. The last one completes many futures that have one each.
  const auto nest = [](size_t depth) {
    int ran = 0;
    std::vector<Promise<void>> chain(depth), wide(kWide);
    std::vector<Future<void>> links;
    for (size_t i = 0; i + 1 < chain.size(); ++i)
      links.push_back(chain[i].future().then([&, i](const Future<void>&) { chain[i + 1].set_value(); }));
    links.push_back(chain.back().future().then([&](const Future<void>&) {
      for (auto& p : wide) p.set_value();
    }));
    for (auto& p : wide) links.push_back(p.future().then([&](const Future<void>&) { ++ran; }));
    chain[0].set_value();
    EXPECT_EQ(ran, kWide);
  };
  nest(10);  // what futures keep for the next ones
  const int64_t before = used();
  for (size_t depth = kDeepestCall - 2; depth <= kDeepestCall + 2; ++depth) nest(depth);
  EXPECT_LT(used() - before, kWide * 10) << "each that waits takes 24 bytes";
}
#endif

}  // namespace
}  // namespace tine
