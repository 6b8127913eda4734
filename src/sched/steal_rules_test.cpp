#include "src/sched/steal_rules.h"

#include <gtest/gtest.h>

#include <vector>

namespace tine::sched {
namespace {

using namespace std::chrono_literals;

TEST(FreshRule, ASingleEntryIsLeftToItsOwnerForTwoMicrosecondsFromWhenTheThiefSawIt) {
  FreshRule rule;
  const TimePoint seen{1h};
  EXPECT_TRUE(rule.leave_alone(1, seen));
  EXPECT_TRUE(rule.leave_alone(1, seen + 1999ns));
  EXPECT_FALSE(rule.leave_alone(1, seen + 2us));
  EXPECT_FALSE(rule.leave_alone(1, seen + 1s));
}

TEST(FreshRule, AnotherEntryInItsPlaceIsFreshAgain) {
  FreshRule rule;
  const TimePoint seen{1h};
  EXPECT_TRUE(rule.leave_alone(1, seen));
  EXPECT_TRUE(rule.leave_alone(2, seen + 5us));
  EXPECT_TRUE(rule.leave_alone(2, seen + 6us));
  EXPECT_FALSE(rule.leave_alone(2, seen + 7us));
}

std::vector<uint64_t> first_of(uint64_t seed, int index) {
  VictimOrder order(seed, index);
  std::vector<uint64_t> drawn;
  for (int i = 0; i < 100; ++i) drawn.push_back(order.next());
  return drawn;
}

TEST(VictimOrder, IsTheSameForTheSameSeedAndWorkerAndAnotherForOthers) {
  EXPECT_EQ(first_of(7, 0), first_of(7, 0));
  EXPECT_NE(first_of(7, 0), first_of(8, 0));
  EXPECT_NE(first_of(7, 0), first_of(7, 1));
}

TEST(VictimOrder, StartsAtEachVictimAboutEquallyOften) {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
    VictimOrder order(seed, 3);
    std::vector<int> drawn(5);
    for (int i = 0; i < 10'000; ++i) ++drawn[order.next() % drawn.size()];
    for (const int n : drawn) {
      EXPECT_GT(n, 1800) << seed;
      EXPECT_LT(n, 2200) << seed;
    }
  }
}

}  // namespace
}  // namespace tine::sched
