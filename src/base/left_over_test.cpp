#include "src/base/left_over.h"

#include <gtest/gtest.h>

namespace tine {
namespace {

TEST(LeftOver, GivesTheFirstOrTheLastAndKeepsTheOrderWhileItGrows) {
  LeftOver<int> left{};
  int item = -1;
  EXPECT_FALSE(left.pop_first(&item));
  EXPECT_FALSE(left.pop_last(&item));
  for (int i = 0; i < 1000; ++i) left.push(i);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(left.pop_first(&item));
    EXPECT_EQ(item, i);
    left.push(1000 + i);
  }
  ASSERT_TRUE(left.pop_last(&item));
  EXPECT_EQ(item, 1499);
  for (int i = 500; i < 1499; ++i) {
    ASSERT_TRUE(left.pop_first(&item));
    EXPECT_EQ(item, i);
  }
  EXPECT_FALSE(left.pop_first(&item));
  EXPECT_EQ(left.end, 0U);  // an emptied one begins at the beginning again
  left.push(7);
  left.free_if_empty();
  ASSERT_TRUE(left.pop_first(&item));
  EXPECT_EQ(item, 7);
  left.free_if_empty();
  EXPECT_EQ(left.capacity, 0U);
}

}  // namespace
}  // namespace tine
