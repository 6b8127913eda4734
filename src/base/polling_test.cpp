#include "src/base/polling.h"

#include <gtest/gtest.h>

namespace tine {
namespace {

using namespace std::chrono_literals;

TEST(PollPolicy, TriesEverMoreRarelyWhatDoesNotPay) {
  PollPolicy policy;
  EXPECT_TRUE(policy.should_poll());
  uint32_t expected = 1;
  for (int i = 0; i < 15; ++i) {
    policy.miss();
    EXPECT_EQ(policy.skip(), expected);
    for (uint32_t k = 0; k < expected; ++k) EXPECT_FALSE(policy.should_poll());
    EXPECT_TRUE(policy.should_poll());
    expected = std::min(2 * expected, PollPolicy::kMaxSkip);
  }
  policy.hit();
  EXPECT_EQ(policy.skip(), PollPolicy::kMaxSkip / 2);
}

TEST(PollPolicy, WhatComesSoonAfterATurnThatWasNotTakenEndsTheRestraint) {
  PollPolicy policy;
  const TimePoint now = Clock::now();
  for (int i = 0; i < 5; ++i) policy.miss();
  EXPECT_FALSE(policy.should_poll(now));
  policy.came(now + 60us, 50us);
  EXPECT_EQ(policy.skip(), 16U);
  policy.came(now + 10us, 50us);  // of the same turn, which something has ended
  EXPECT_EQ(policy.skip(), 16U);
  EXPECT_FALSE(policy.should_poll(now));
  policy.came(now + 40us, 50us);
  EXPECT_EQ(policy.skip(), 0U);
  EXPECT_TRUE(policy.should_poll(now));
  policy.came(now, 50us);
  policy.miss();
  EXPECT_EQ(policy.skip(), 1U);
}

TEST(PollTurn, EndsByItsBudgetOrByTheDeadlineWhicheverIsFirst) {
  // A yield that took long ends the turn, too: then somebody else had the processor.
  const TimePoint began = Clock::now();
  PollTurn by_budget(2ms);
  while (by_budget.yield()) continue;
  PollTurn by_deadline(1h, Clock::now() + 2ms);
  while (by_deadline.yield()) continue;
  EXPECT_LT(by_deadline.now() - began, 20s);
  PollTurn none(1h, Clock::now() - 1ms);
  EXPECT_FALSE(none.yield());
  PollTurn empty(0us);
  EXPECT_FALSE(empty.yield());
}

TEST(PollTurn, AfterARestartItHasItsWholeBudgetAgain) {
  PollTurn turn(0us);
  EXPECT_FALSE(turn.yield());
  PollTurn long_one(1h);
  long_one.restart();
  EXPECT_LE(long_one.now(), Clock::now());
}

}  // namespace
}  // namespace tine
