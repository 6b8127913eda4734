#include "tine/combinators.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tine {
namespace {

struct Three {
  std::vector<Promise<int>> promises{3};
  std::vector<Future<int>> futures;
  Three() {
    futures.reserve(promises.size());
    for (const Promise<int>& p : promises) futures.push_back(p.future());
  }
};

TEST(CollectAllSettled, IsDoneWhenAllAreAndNeverFails) {
  Three t;
  const auto all = collect_all_settled(t.futures);
  t.promises[2].set_value(2);
  t.promises[0].set_error(IndexError("zero"));
  EXPECT_FALSE(all.ready());
  t.promises[1].set_error(KeyError("one"));
  ASSERT_TRUE(all.ready());
  EXPECT_EQ(all.get(), t.futures);
  EXPECT_THROW(all.get()[0].get(), IndexError);
  EXPECT_EQ(all.get()[2].get(), 2);
  EXPECT_TRUE(collect_all_settled(std::vector<Future<int>>{}).get().empty());
}

TEST(CollectAll, OfDifferentTypesYieldsTheVeryFutures) {
  Promise<int> a;
  Promise<void> b;
  const Future<int> fa = a.future();
  const auto all = collect_all(fa, b.future(), make_ready(std::string("c")));
  a.set_value(1);
  EXPECT_FALSE(all.ready());
  b.set_value();
  ASSERT_TRUE(all.ready());
  EXPECT_EQ(std::get<0>(all.get()), fa);
  EXPECT_EQ(std::get<2>(all.get()).get(), "c");
}

TEST(CollectAll, OfDifferentTypesFailsWithTheFirstFailureInInputOrderOnceAllAreDone) {
  Promise<int> a;
  Promise<void> b;
  const auto all = collect_all(a.future(), b.future());
  b.set_error(KeyError("second"));
  EXPECT_FALSE(all.ready());
  a.set_error(IndexError("first"));
  EXPECT_THROW(all.get(), IndexError);
}

TEST(CollectAny, YieldsTheIndexAndTheVeryFutureThatIsDoneFirst) {
  Three t;
  const Future<Any<int>> any = collect_any(t.futures);
  EXPECT_FALSE(any.ready());
  t.promises[1].set_error(IndexError("one"));
  ASSERT_TRUE(any.ready());
  t.promises[0].set_value(0);
  EXPECT_EQ(any.get().index, 1U);
  EXPECT_EQ(any.get().future, t.futures[1]);
  EXPECT_THROW(any.get().future.get(), IndexError);
  EXPECT_FALSE(t.futures[2].ready());
}

TEST(CollectAny, OfNothingIsRefused) {
  EXPECT_THROW((void)collect_any(std::vector<Future<int>>{}), ValueError);
  EXPECT_THROW((void)collect_any(std::vector<Future<int>>(1)), ValueError);
}

TEST(Gather, YieldsTheValuesInInputOrder) {
  Three t;
  const Future<std::vector<int>> all = gather(t.futures);
  for (const size_t i : {2, 0, 1}) {
    EXPECT_FALSE(all.ready());
    t.promises[i].set_value(static_cast<int>(i));
  }
  EXPECT_EQ(all.get(), (std::vector<int>{0, 1, 2}));
  gather(std::vector<Future<void>>{make_ready()}).get();
}

TEST(Gather, FailsWithTheFirstErrorInTimeAndCancelsTheRest) {
  Three t;
  const Future<std::vector<int>> all = gather(t.futures);
  t.promises[2].set_error(KeyError("first in time"));
  EXPECT_THROW(all.get(), KeyError);
  EXPECT_THROW(t.futures[0].get(), Cancelled);
  EXPECT_THROW(t.futures[1].get(), Cancelled);
  EXPECT_FALSE(t.promises[0].set_value(1));
}

TEST(Gather, ThatIsCancelledCancelsItsInputsAndTellsTheSourceOnce) {
  Three t;
  CancelSource source;
  const Future<std::vector<int>> all = gather(source, t.futures);
  t.promises[0].set_value(0);
  EXPECT_TRUE(all.cancel());
  EXPECT_EQ(t.futures[0].get(), 0);
  EXPECT_TRUE(t.promises[1].cancelled());
  EXPECT_TRUE(t.promises[2].cancelled());
  EXPECT_TRUE(source.cancelled());
}

TEST(Combinators, ResultOfACancelledInputIsCancelled) {
  Three t;
  const auto all = collect_all(t.futures);
  const auto values = gather(t.futures);
  t.futures[1].cancel();  // the rest goes with it, by the gather
  EXPECT_EQ(all.state()->outcome(), detail::Outcome::kCancelled);
  EXPECT_EQ(values.state()->outcome(), detail::Outcome::kCancelled);
}

TEST(Combinators, HoldNoPendingInputAndEachDoneOneUntilTheLastIsDone) {
  Three t;
  const auto all = collect_all_settled(std::exchange(t.futures, {}));
  const auto first = t.promises[0].future();
  const auto pending = t.promises[1].future();
  EXPECT_EQ(pending.state()->references(), 2U);  // the promise's and this one
  t.promises[0].set_value(0);
  EXPECT_EQ(first.state()->references(), 2U);  // the collection's and this one
  t.promises.clear();                          // what nobody can complete any more is done
  ASSERT_TRUE(all.ready());
  EXPECT_THROW(all.get()[1].get(), Abandoned);
}

TEST(AsCompleted, HandsTheInputsOutInTheOrderInWhichTheyBecomeDone) {
  Three t;
  AsCompleted<int> done = as_completed(t.futures);
  t.promises[1].set_value(1);
  EXPECT_EQ(done.next(), t.futures[1]);
  EXPECT_EQ(done.left(), 2U);
  EXPECT_FALSE(done.next_until(Clock::now() + std::chrono::milliseconds(1)).valid());
  std::thread other([&] {
    t.promises[2].set_value(2);
    t.promises[0].set_error(IndexError("last"));
  });
  EXPECT_EQ(done.next(), t.futures[2]);
  EXPECT_EQ(done.next(), t.futures[0]);
  EXPECT_FALSE(done.next().valid());
  other.join();
}

TEST(AsCompleted, IsARange) {
  int sum = 0;
  for (const Future<int>& f : as_completed(std::vector{make_ready(1), make_ready(2), make_ready(3)})) {
    sum = 10 * sum + f.get();
  }
  EXPECT_EQ(sum, 123);
  for (const Future<int>& f : as_completed(std::vector<Future<int>>{})) ADD_FAILURE() << f.get();
}

TEST(WaitAll, ThrowsAsSoonAsAnyInputFailsWhicheverItIs) {
  Three t;
  std::thread other([&] { t.promises[2].set_error(KeyError("the last one")); });
  EXPECT_THROW((void)wait_all(t.futures), KeyError);
  EXPECT_FALSE(t.futures[0].ready());
  other.join();
}

TEST(Combinators, WhoseResultIsDroppedDoNoHarm) {
  Three t;
  (void)collect_any(t.futures);
  (void)gather(t.futures);
  (void)collect_all_settled(t.futures);
  { const auto dropped = as_completed(t.futures); }
  for (Promise<int>& p : t.promises) p.set_value(1);
}

TEST(Combinators, CompletedFromSeveralThreadsCompleteOnce) {
  for (int round = 0; round < 200; ++round) {
    Three t;
    const auto any = collect_any(t.futures);
    const auto settled = collect_all_settled(t.futures);
    const auto values = gather(t.futures);
    AsCompleted<int> done = as_completed(t.futures);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] { t.promises[i].set_value(static_cast<int>(i)); });
    }
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(done.next().ready());
    EXPECT_EQ(values.get(), (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(settled.get().size(), 3U);
    EXPECT_TRUE(any.get().future.ready());
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace tine
