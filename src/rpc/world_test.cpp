#include "src/rpc/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "src/rpc/calls_for_tests.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;

class Worlds : public ::testing::Test {
 protected:
  Worlds() {
    options_.max_calls = 1;
    options_.pool = options_.callbacks = &here_;
  }
  detail::Ref<Peer> peer(std::string name, int rank, uint64_t incarnation, bool is_self = false) {
    return detail::make_ref<Peer>(WorkerInfo{std::move(name), rank}, incarnation, is_self, options_, nobody_);
  }
  detail::Ref<Peer> join(World& world, const std::string& name, int rank, uint64_t incarnation) {
    auto newcomer = peer(name, rank, incarnation);
    world.add(newcomer);
    newcomer->set_joined();
    return newcomer;
  }
  static void die(Peer& peer, const char* how = "gone") { peer.die(make_error(ErrorKind::kPeerDied, how)); }

 private:
  InlineExecutor here_;
  Nobody nobody_;
  Peer::Options options_;
};

class WorldOfThree : public Worlds {
 protected:
  WorldOfThree() { world.fill({peer("w0", 0, 100), peer("w1", 1, 101, true), peer("w2", 2, 102)}); }
  World world{"w1", 1, 101};
};

TEST_F(WorldOfThree, KnowsWorkersByNameAndByRank) {
  EXPECT_EQ(world.self().name, "w1");
  EXPECT_EQ(world.find("w2")->info.id, 2);
  EXPECT_EQ(world.find(0)->info.name, "w0");
  EXPECT_EQ(world.find(2)->incarnation, 102U);
  EXPECT_EQ(world.workers().size(), 3U);
}

TEST_F(WorldOfThree, AnUnknownWorkerIsRefusedByWhatIsKnown) {
  try {
    (void)world.find("w9");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_THAT(e.message(), HasSubstr("'w9'; the workers are 'w0', 'w1', 'w2'"));
  }
  // No number is taken for another one.
  for (const int64_t rank :
       {int64_t{-1}, int64_t{3}, int64_t{1} << 32, (int64_t{1} << 32) + 1, INT64_MIN, INT64_MAX}) {
    try {
      (void)world.find(rank);
      ADD_FAILURE() << rank;
    } catch (const ValueError& e) {
      EXPECT_EQ(e.message(), "unknown worker with rank " + std::to_string(rank) + "; ranks go from 0 to 2");
    }
  }
}

TEST_F(WorldOfThree, TheDeadAreDeadForGoodWithTheirFirstCause) {
  const auto w2 = world.peer(2);
  EXPECT_TRUE(world.lives(102));
  die(*w2, "first");
  die(*w2, "second");
  EXPECT_TRUE(w2->dead());
  EXPECT_FALSE(world.lives(102));
  EXPECT_THAT(describe(w2->death()), HasSubstr("first"));
  // What is told to it goes nowhere, and nobody waits for it.
  world.tell(2, 102, OutFrame(FrameKind::kCancel, 1));
  EXPECT_TRUE(w2->has_room());
  EXPECT_FALSE(world.peer(0)->dead());
  // In a fixed world it is still one of them.
  EXPECT_EQ(world.info_of(*w2).name, "w2");
  EXPECT_EQ(world.workers().size(), 3U);
}

TEST_F(WorldOfThree, WhoWaitsForAChangeSeesIt) {
  EXPECT_FALSE(world.wait_until(Clock::now(), [] { return false; }));
  std::thread other([&] {
    die(*world.peer(0));
    world.changed();
  });
  EXPECT_TRUE(world.wait_until(kNoDeadline, [&] { return world.peer(0)->dead(); }));
  other.join();
}

class ChangingWorld : public Worlds {
 protected:
  ChangingWorld() { world.fill({peer("w0", 0, 100), peer("w1", 1, 101, true)}); }
  World world{"w1", -1, 101, true};
};

TEST_F(ChangingWorld, LearnsItsOwnRankWhenItIsFilled) { EXPECT_EQ(world.rank(), 1); }

TEST_F(ChangingWorld, ANewcomerIsFoundOnceItHasJoinedAndItsReferencesBefore) {
  const auto newcomer = peer("w7", 7, 107);
  world.add(newcomer);
  EXPECT_THROW((void)world.find("w7"), ValueError);
  EXPECT_THROW((void)world.find(7), ValueError);
  EXPECT_EQ(world.workers().size(), 2U);
  EXPECT_EQ(world.info_of_life(7, 107).name, "w7");
  EXPECT_TRUE(newcomer->set_joined());
  EXPECT_FALSE(newcomer->set_joined());
  EXPECT_EQ(world.find("w7"), newcomer);
  EXPECT_EQ(world.workers().size(), 3U);
}

TEST_F(ChangingWorld, WhoHasLeftCanBeCalledInVainButIsNoWorkerAnyMore) {
  const auto w2 = join(world, "w2", 2, 102);
  die(*w2, "worker 'w2' (rank 2) has left");
  EXPECT_EQ(world.find("w2"), w2);
  EXPECT_EQ(world.workers().size(), 2U);
  try {
    (void)world.info_of(*w2);
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_THAT(e.message(), HasSubstr("'w2' (rank 2) has left; the workers are 'w0', 'w1'"));
  }
}

TEST_F(ChangingWorld, AnotherMayStandForOneThatHasDied) {
  const auto w2 = join(world, "w2", 2, 102), remains = peer("w2", 2, 102);
  die(*w2);
  remains->set_joined();
  die(*remains, "it died");
  world.replace(*w2, remains);
  EXPECT_EQ(world.find("w2"), remains);
  EXPECT_EQ(world.peer(2, 102), remains);
  world.replace(*remains, nullptr);
  EXPECT_FALSE(world.peer(2));
}

TEST_F(ChangingWorld, ARankOrNameThatIsTakenAgainIsAnotherLife) {
  die(*join(world, "w2", 2, 102));
  const auto next = join(world, "x", 2, 202);
  EXPECT_EQ(world.find(2), next);
  EXPECT_THROW((void)world.find("w2"), ValueError);
  EXPECT_FALSE(world.peer(2, 102));
  EXPECT_THAT(describe(world.end_of({"w2", 2}, 102)),
              HasSubstr("worker 'w2' (rank 2) has left; its rank is now that of another: worker 'x'"));
  EXPECT_THROW((void)world.info_of_life(2, 102), ValueError);
  die(*next);
  EXPECT_EQ(world.find("x"), next);
  const auto again = join(world, "x", 3, 303);
  EXPECT_EQ(world.find("x"), again);
  EXPECT_FALSE(world.peer(2));
}

TEST_F(ChangingWorld, RemembersABoundedNumberOfTheDead) {
  for (int rank = 2; rank < 1000; ++rank)
    die(*join(world, "d" + std::to_string(rank), rank, 1000 + uint64_t(rank)));
  size_t n = 0;
  for ([[maybe_unused]] const auto& p : world.peers()) ++n;
  EXPECT_LE(n, World::kRemembered + 4);
  EXPECT_EQ(world.find("d999")->info.id, 999);
  EXPECT_THROW((void)world.find("d2"), ValueError);
}

TEST_F(ChangingWorld, ForgetsThoseFirstWhoDiedFirstWheneverTheyCame) {
  const auto end = [&](const detail::Ref<Peer>& peer) {
    die(*peer);
    auto remains = this->peer(peer->info.name, peer->info.id, peer->incarnation);
    remains->set_joined();
    die(*remains);
    world.replace(*peer, std::move(remains));
  };
  const auto first = join(world, "first", 2, 1002);
  for (int rank = 3; rank < 3 + 300; ++rank)
    end(join(world, "d" + std::to_string(rank), rank, 1000 + uint64_t(rank)));
  end(first);
  (void)join(world, "last", 1000, 2000);
  EXPECT_EQ(world.find("first")->info.id, 2);
  EXPECT_THROW((void)world.find("d3"), ValueError);
}

TEST_F(ChangingWorld, AskersSeeWholeListsWhileItChanges) {
  std::atomic<bool> over{false};
  std::vector<std::thread> askers;
  for (int i = 0; i < 3; ++i) {
    askers.emplace_back([&] {
      while (!over.load()) {
        EXPECT_EQ(world.find("w0")->incarnation, 100U);
        // A rank has one of its lives, or none.
        const auto p = world.peer(5);
        EXPECT_TRUE(!p || p->info.name == "life" + std::to_string(p->incarnation));
      }
    });
  }
  for (uint64_t life = 1; life <= 2000; ++life) die(*join(world, "life" + std::to_string(life), 5, life));
  over.store(true);
  for (auto& t : askers) t.join();
}

}  // namespace
}  // namespace tine::rpc
