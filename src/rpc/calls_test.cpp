#include "src/rpc/calls.h"

#include <gtest/gtest.h>

#include "src/rpc/calls_for_tests.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(CallsToOneself, OneWhoseDeadlineHasPassedIsNotMade) {
  const Future<Value> late = call(Clock::now() - seconds(1));
  ASSERT_TRUE(late.ready());
  EXPECT_THROW((void)late.get(), DeadlineExceeded);
  EXPECT_EQ(calls.pending(), 0U);
}

// Whether the later deadline or the earlier one was watched first.
TEST_F(CallsToOneself, EachEndsAtItsDeadline) {
  const TimePoint now = Clock::now();
  const Future<Value> third = call(now + seconds(600)), second = call(now + milliseconds(40)),
                      first = call(now + milliseconds(20));
  ASSERT_TRUE(second.wait_for(seconds(20)));
  EXPECT_GE(Clock::now(), now + milliseconds(40));
  EXPECT_TRUE(first.ready());
  EXPECT_THROW((void)first.get(), DeadlineExceeded);
  EXPECT_THROW((void)second.get(), DeadlineExceeded);
  EXPECT_FALSE(third.ready());
  EXPECT_EQ(calls.pending(), 1U);
}

}  // namespace
}  // namespace tine::rpc
