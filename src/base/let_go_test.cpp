#include "src/base/let_go.h"

#include <gtest/gtest.h>

#include "src/base/testing/kept_tasks.h"
#include "tine/executor.h"

namespace tine::detail {
namespace {

int freed = 0;
void count(void*, size_t bytes) {
  EXPECT_GE(bytes, kLargeBlock - 1);
  ++freed;
}

TEST(LetGo, ALargeBlockUnderAGateIsFreedByItsExecutorAlone) {
  KeptTasks kept;
  int block = 0;
  freed = 0;
  {
    const CallbackGate gate(kept);
    let_go(&block, kLargeBlock, &count);
    EXPECT_EQ(freed, 0);
  }
  ASSERT_EQ(kept.tasks.size(), 1U);
  kept.tasks[0]->run();
  EXPECT_EQ(freed, 1);
}

TEST(LetGo, AnExecutorThatHasClosedOrRunsItInPlaceFreesItOnce) {
  InlineExecutor here;
  KeptTasks closed;
  int block = 0;
  freed = 0;
  {
    const CallbackGate gate(here);
    let_go(&block, kLargeBlock, &count);
  }
  EXPECT_EQ(freed, 1);
  {
    const CallbackGate gate(closed);
    let_go(&block, kLargeBlock, &count);
  }
  closed.tasks.at(0)->abandon();
  EXPECT_EQ(freed, 2);
}

TEST(LetGo, LittleOrWithoutAGateItIsFreedHere) {
  KeptTasks kept;
  int block = 0;
  freed = 0;
  let_go(&block, kLargeBlock, &count);
  const CallbackGate gate(kept);
  let_go(&block, kLargeBlock - 1, &count);
  EXPECT_EQ(freed, 2);
  EXPECT_TRUE(kept.tasks.empty());
}

}  // namespace
}  // namespace tine::detail
