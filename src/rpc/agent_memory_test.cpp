// What stays of an agent that has ended: nothing, whatever its futures' owners still hold.
#include <gtest/gtest.h>

#include "src/rpc/reply_helper.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using testing::add;
using testing::World;

TEST(AgentMemory, OnceWorldsHaveEndedNothingOfThemIsKeptThoughTheirFuturesAre) {
  const auto held = std::make_shared<int>(7);  // as long as an agent's parts are
  std::vector<Future<Value>> answers;
  for (int round = 0; round < 3; ++round) {
    World world(2, [&](int, AgentOptions& o) { o.log = [held](const std::string&) {}; });
    answers.push_back(world[0].call(1, add({1}, {2})));
    answers.push_back(world[1].call(0, add({3}, {4})));
    for (size_t i = answers.size() - 2; i < answers.size(); ++i) (void)answers[i].get();
    EXPECT_GT(held.use_count(), 1);
    for (const auto& error : world.shutdown()) EXPECT_EQ(error, nullptr);
  }
  EXPECT_EQ(held.use_count(), 1);
  for (const Future<Value>& answer : answers) EXPECT_TRUE(answer.wait_for(std::chrono::seconds(0)));
}

TEST(AgentMemory, AHelperThatIsRetiredKeepsNothingAndServesTheNext) {
  const auto held = std::make_shared<int>(7);
  ReplyHelper& helper = ReplyHelper::take();
  ReplyHelper& other = ReplyHelper::take();
  EXPECT_NE(&helper, &other);
  helper.serve(nullptr, held);
  EXPECT_EQ(held.use_count(), 2);
  helper.retire();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(&ReplyHelper::take(), &helper);
  helper.retire();
  other.retire();
}

}  // namespace
}  // namespace tine::rpc
