#include "src/rpc/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "src/rpc/calls_for_tests.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;

class WorldOfThree : public ::testing::Test {
 protected:
  WorldOfThree() {
    Peer::Options options;
    options.max_calls = 1;
    options.pool = options.callbacks = &here_;
    std::vector<detail::Ref<Peer>> peers;
    for (int rank = 0; rank < 3; ++rank)
      peers.push_back(detail::make_ref<Peer>(WorkerInfo{"w" + std::to_string(rank), rank},
                                             100 + uint64_t(rank), rank == 1, options, nobody_));
    world.fill(std::move(peers));
  }
  InlineExecutor here_;
  Nobody nobody_;
  World world{"w1", 1, 101};
};

TEST_F(WorldOfThree, KnowsWorkersByNameAndByRank) {
  EXPECT_EQ(world.self().name, "w1");
  EXPECT_EQ(world.find("w2").id, 2);
  EXPECT_EQ(world.find(0).name, "w0");
  EXPECT_EQ(world.incarnation_of(2), 102U);
  EXPECT_EQ(world.size(), 3);
}

TEST_F(WorldOfThree, AnUnknownWorkerIsRefusedByWhatIsKnown) {
  try {
    (void)world.find("w9");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_THAT(e.message(), HasSubstr("'w9'; the workers are 'w0', 'w1', 'w2'"));
  }
  for (const int rank : {-1, 3}) EXPECT_THROW((void)world.find(rank), ValueError);
}

TEST_F(WorldOfThree, TheDeadAreDeadForGoodWithTheirFirstCause) {
  EXPECT_FALSE(world.is_dead(2));
  world.peer(2).die(make_error(ErrorKind::kPeerDied, "first"));
  world.peer(2).die(make_error(ErrorKind::kPeerDied, "second"));
  EXPECT_TRUE(world.is_dead(2));
  EXPECT_THAT(describe(world.peer(2).death()), HasSubstr("first"));
  // What is told to it goes nowhere, and nobody waits for it.
  world.tell(2, OutFrame(FrameKind::kCancel, 1));
  EXPECT_TRUE(world.peer(2).has_room());
  EXPECT_FALSE(world.is_dead(0));
}

TEST_F(WorldOfThree, WhoWaitsForAChangeSeesIt) {
  EXPECT_FALSE(world.wait_until(Clock::now(), [] { return false; }));
  std::thread other([&] {
    world.peer(0).die(make_error(ErrorKind::kPeerDied, "gone"));
    world.changed();
  });
  EXPECT_TRUE(world.wait_until(kNoDeadline, [&] { return world.is_dead(0); }));
  other.join();
}

}  // namespace
}  // namespace tine::rpc
