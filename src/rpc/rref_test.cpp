#include "src/rpc/rref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "src/rpc/rref_table.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

using testing::foreign;
using ::testing::HasSubstr;
using testing::numbers;
using testing::World;

TimePoint soon() { return Clock::now() + seconds(60); }
Value as_value(const detail::Ref<Reference>& r) { return detail::Ref<RRefObject>(r); }

TEST(RRef, RemoteMakesTheValueAtItsOwner) {
  World world(2);
  const auto r = world[0].remote(1, testing::add({1, 2}, {3, 4}), soon());
  EXPECT_FALSE(r->is_owner());
  EXPECT_EQ(r->owner().name, "w1");
  EXPECT_THAT(numbers(r->to_here(soon()).get()), ElementsAre(4, 6));
  EXPECT_FALSE(r->confirmed().error());
  EXPECT_THROW((void)r->local_value(), Error);
  EXPECT_THAT(r->repr(), HasSubstr("UserRRef(owner='w1'"));
}

TEST(RRef, OneOwnValueIsHandedOutAsItIs) {
  World world(1);
  const Tensor t = testing::floats({1});
  const auto r = world[0].own(t);
  EXPECT_TRUE(r->is_owner());
  EXPECT_TRUE(r->to_here(soon()).get().to_tensor().shares_storage_with(t));
  const auto made = world[0].remote(0, testing::add({1}, {2}), soon());
  EXPECT_TRUE(made->is_owner());
  EXPECT_THAT(numbers(made->local_value().get()), ElementsAre(3));
}

TEST(RRef, TheOwnerForgetsAValueWhenTheLastLeaseIsBack) {
  World world(2);
  {
    const auto r = world[0].remote(1, testing::add({1}, {1}), soon());
    (void)r->to_here(soon()).get();
    EXPECT_EQ(world[1].counts().references_owned, 1U);
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST(RRef, ALentReferenceKeepsItsValueUntilItsTakerHasALeaseAndNoLonger) {
  World world(3);
  for (const int lender : {0, 1, 2}) {
    for (const int owner : {0, 1}) {
      for (const int taker : {0, 1, 2}) {
        detail::Ref<Reference> r = world[lender].remote(owner, testing::add({1}, {1}), soon());
        (void)r->to_here(soon()).get();
        const PassedRRef lent = r->lend();
        r = nullptr;
        EXPECT_EQ(world[lender].report().references_passed, 1U);
        detail::Ref<Reference> taken = world[taker].take(lent);
        EXPECT_EQ(taken->is_owner(), taker == owner);
        EXPECT_TRUE(eventually([&] { return world[lender].report().references_passed == 0; }));
        EXPECT_THAT(numbers(taken->to_here(soon()).get()), ElementsAre(2));
        taken = nullptr;
        EXPECT_TRUE(eventually([&] { return world[owner].counts().references_owned == 0; }));
        EXPECT_EQ(world[taker].report().references_held, 0U);
      }
    }
  }
}

TEST(RRef, ALentReferenceThatNobodyTakesEndsWithItsLender) {
  World world(2);
  const PassedRRef lent = world[1].remote(0, testing::add({1}, {1}), soon())->lend();
  EXPECT_TRUE(eventually([&] { return world[0].counts().references_owned == 1; }));
  world[1].shutdown(false);
  EXPECT_TRUE(eventually([&] { return world[0].counts().references_owned == 0; }));
  EXPECT_THAT(describe(world[0].take(lent)->to_here(soon()).error()), HasSubstr("is gone"));
}

TEST(RRef, TheCreatorKnowsWhetherTheOwnerKnowsTheReference) {
  std::latch go(1);
  World world(2);
  world.handlers(1).on["slow"] = [&](IncomingCall call) {
    go.wait();
    call.reply(7);
  };
  EXPECT_TRUE(world[0].own(Value(1))->confirmed_by_owner());
  const auto r = world[0].remote(1, foreign("slow"), soon());
  const auto late = world[0].remote(1, foreign("slow"), Clock::now() + std::chrono::milliseconds(1));
  EXPECT_FALSE(r->confirmed_by_owner());
  EXPECT_THAT(describe(late->confirmed().error()), HasSubstr("RPC ran for more than"));
  EXPECT_FALSE(late->confirmed_by_owner());
  go.count_down();
  (void)r->to_here(soon()).get();
  EXPECT_TRUE(eventually([&] { return r->confirmed_by_owner(); }))
      << "the creation's answer may come a moment later";
  const auto failed = world[0].remote(1, CallRequest::builtin("test::fail", {"IndexError"}), soon());
  EXPECT_TRUE(eventually([&] { return failed->confirmed_by_owner(); }));
}

TEST(Agent, ReportsCallsByNameTheOldestFirstAndTheTrafficOfEachWorker) {
  std::latch go(1);
  World world(2);
  world.handlers(1).on["slow"] = world.handlers(1).on["slower"] = [&](IncomingCall call) {
    go.wait();
    call.reply(7);
  };
  std::vector<Future<Value>> calls;
  for (const char* name : {"slower", "slow", "slow"})
    calls.push_back(world[0].call(1, foreign(name), soon()));
  EXPECT_TRUE(eventually([&] { return world[1].report().peers[0].calls_running == 3; }));
  const Agent::PeerReport row = world[0].report().peers[1];
  EXPECT_EQ(row.worker.id, 1);
  ASSERT_EQ(row.calls.size(), 2U);
  EXPECT_EQ(row.calls[0].name, "slower");
  EXPECT_EQ(row.calls[1].count, 2U);
  EXPECT_GT(row.calls[0].oldest, row.calls[1].oldest);
  EXPECT_GE(row.frames_sent, 3U);
  EXPECT_GT(row.bytes_sent, 3 * kHeaderBytes);
  EXPECT_FALSE(row.address.empty());
  EXPECT_EQ(row.death, "");
  go.count_down();
  for (auto& call : calls) (void)call.get();
  EXPECT_TRUE(world[0].report().peers[1].calls.empty());
  world[1].shutdown(false);
  EXPECT_TRUE(eventually([&] { return !world[0].report().peers[1].death.empty(); }));
}

TEST(RRef, AFailedCreationShowsInToHere) {
  World world(2);
  for (const int to : {0, 1}) {
    const auto r = world[0].remote(to, CallRequest::builtin("test::fail", {"IndexError"}), soon());
    EXPECT_THAT(describe(r->to_here(soon()).error()), HasSubstr("IndexError: as asked"));
    EXPECT_THAT(describe(r->confirmed().error()), HasSubstr("IndexError: as asked"));
  }
}

TEST(RRef, ACreationThatIsNotConfirmedInItsTimeFailsAToHereThatWaitsAlready) {
  std::latch go(1);
  World world(2);
  for (const int to : {0, 1}) {
    world.handlers(to).on["slow"] = [&](IncomingCall call) {
      go.wait();
      call.reply(7);
    };
    detail::Ref<Reference> r;
    Future<Value> waiting;
    // On a busy machine the creation's time may be over before anybody waits for it.
    for (auto time = std::chrono::milliseconds(50);; time *= 2) {
      r = world[0].remote(to, foreign("slow"), Clock::now() + time);
      waiting = r->to_here(kNoDeadline);
      if (!waiting.ready()) break;
      (void)waiting.error();
    }
    EXPECT_THAT(describe(waiting.error()), HasSubstr("RPC ran for more than its timeout"));
    EXPECT_THAT(describe(r->to_here(kNoDeadline).error()), HasSubstr("RPC ran for more than its timeout"));
  }
  EXPECT_TRUE(eventually([&] { return world[0].counts().calls_pending == 0; })) << "something of it is left";
  go.count_down();
}

TEST(RRef, AToHereThatWaitsHasADeadlineOfItsOwn) {
  std::latch go(1);
  World world(2);
  world.handlers(1).on["slow"] = [&](IncomingCall call) {
    go.wait();
    call.reply(7);
  };
  const auto r = world[0].remote(1, foreign("slow"), kNoDeadline);
  EXPECT_THAT(describe(r->to_here(Clock::now() + std::chrono::milliseconds(50)).error()),
              HasSubstr("to_here()"));
  go.count_down();
  EXPECT_EQ(r->to_here(kNoDeadline).get().to_int(), 7);
}

TEST(RRef, AReferenceComesHomeAsTheOwnersOwn) {
  World world(2);
  const auto r = world[0].remote(1, testing::add({1}, {1}), soon());
  bool is_owner = false;
  world.handlers(1).on["look"] = [&](IncomingCall call) {
    const auto got = Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0));
    is_owner = got->is_owner();
    call.reply(got->local_value().get());
  };
  EXPECT_THAT(numbers(world[0].call(1, foreign("look", {as_value(r)})).get()), ElementsAre(2));
  EXPECT_TRUE(is_owner);
}

TEST(RRef, AThirdWorkerMayUseAReferenceAfterItsGiverHasDroppedIt) {
  World world(3);
  detail::Ref<Reference> kept;
  world.handlers(2).on["keep"] = [&](IncomingCall call) {
    kept = Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0));
    call.reply(Value());
  };
  {
    const auto r = world[0].remote(1, testing::add({20}, {22}), soon());
    (void)world[0].call(2, foreign("keep", {as_value(r)})).get();
  }
  EXPECT_THAT(numbers(kept->to_here(soon()).get()), ElementsAre(42));
  EXPECT_EQ(world[1].counts().references_owned, 1U);
  kept = {};
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST(RRef, AReferenceToOnesOwnValueMayBeGivenAway) {
  World world(2);
  detail::Ref<Reference> kept;
  world.handlers(1).on["keep"] = [&](IncomingCall call) {
    kept = Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0));
    call.reply(Value());
  };
  (void)world[0].call(1, foreign("keep", {as_value(world[0].own(5))})).get();
  EXPECT_EQ(kept->to_here(soon()).get().to_int(), 5);
  EXPECT_EQ(world[0].counts().references_owned, 1U);
  kept = {};
  EXPECT_TRUE(eventually([&] { return world[0].counts().references_owned == 0; }));
}

TEST(RRef, AReferenceMayBePassedOnBeforeItsCreationHasArrived) {
  std::latch go(1);
  World world(3);
  world.handlers(1).on["slow"] = [&](IncomingCall call) {
    go.wait();
    call.reply(7);
  };
  world.handlers(2).on["fetch"] = [&](IncomingCall call) {
    call.reply_with(Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0))->to_here(soon()));
  };
  std::vector<Future<Value>> answers;
  for (int i = 0; i < 20; ++i) {
    const auto r = world[0].remote(1, foreign("slow"), soon());
    answers.push_back(world[0].call(2, foreign("fetch", {as_value(r)}), soon()));
  }
  go.count_down();
  for (auto& a : answers) EXPECT_EQ(a.get().to_int(), 7);
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST(RRef, AnAnswerThatNobodyWaitsForGivesItsLeasesBack) {
  std::latch cancelled(1);
  World world(2);
  world.handlers(1).on["own"] = [&](IncomingCall call) {
    cancelled.wait();
    call.reply(as_value(world[1].own(5)));
  };
  const auto answer = world[0].call(1, foreign("own"));
  EXPECT_TRUE(answer.cancel());
  cancelled.count_down();
  (void)world[0].call(1, CallRequest::builtin("test::plus", {1})).get();
  EXPECT_TRUE(eventually(
      [&] { return world[1].counts().references_owned == 0 && world[1].counts().calls_running == 0; }));
}

TEST(RRef, ACallAfterAReferenceBeginsWhenTheValueIsThere) {
  std::latch go(1);
  std::atomic<bool> made{false};
  World world(2, {}, 2);
  world.handlers(1).on["slow"] = [&](IncomingCall call) {
    go.wait();
    made = true;
    call.reply(7);
  };
  world.handlers(1).on["method"] = [&](IncomingCall call) { call.reply(made.load()); };
  const auto r = world[0].remote(1, foreign("slow"), soon());
  CallRequest request = foreign("method", {as_value(r)});
  request.after = r;
  const auto answer = world[0].call(1, std::move(request), soon());
  go.count_down();
  EXPECT_TRUE(answer.get().to_bool());
  // A value that failed is the answer.
  const auto bad = world[0].remote(1, CallRequest::builtin("test::fail", {"KeyError"}), soon());
  CallRequest second = foreign("method", {as_value(bad)});
  second.after = bad;
  EXPECT_THAT(describe(world[0].call(1, std::move(second), soon()).error()), HasSubstr("KeyError"));
}

TEST(RRef, ReferencesMayOutliveTheirAgent) {
  detail::Ref<Reference> user, owner;
  {
    World world(2);
    user = world[0].remote(1, testing::add({1}, {1}), soon());
    owner = world[1].own(3);
    (void)user->to_here(soon()).get();
    for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
    EXPECT_THROW((void)user->to_here(soon()), Error);
  }
  EXPECT_EQ(owner->local_value().get().to_int(), 3);
}

// The asking thread has no reference of its own yet when the owner completes the entry.
TEST(OwnerEntry, LosesNoCallbackThatIsAddedWhileItCompletes) {
  constexpr int kRounds = 1000;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<OwnerEntry*> shown{nullptr};
  std::atomic<int> ran{0};
  std::thread other([&] {
    for (int round = 1; round <= kRounds; ++round) {
      while (begun.load() < round) std::this_thread::yield();
      (void)shown.load()->future().then([&](const Future<Value>&) { ran.fetch_add(1); });
      ended.store(round);
    }
  });
  for (int round = 1; round <= kRounds; ++round) {
    const auto entry = detail::make_ref<OwnerEntry>(RRefId{});
    shown.store(entry.get());
    begun.store(round);
    entry->complete(Value(int64_t{1}));
    while (ended.load() < round) std::this_thread::yield();
  }
  other.join();
  EXPECT_EQ(ran.load(), kRounds);
}

// A value that takes a hundred times the memory of its bytes is refused by whoever is to read it.
TEST(RRef, WhoeverHoldsOneOfACreationThatItsOwnerCannotReadIsTold) {
  World world(3);
  world.handlers(2).on["fetch"] = [](IncomingCall call) {
    call.reply_with(Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0))->to_here(soon()));
  };
  auto bomb = detail::make_ref<List>();
  for (int i = 0; i < 3'000'000; ++i) bomb->items.emplace_back(detail::make_ref<List>());
  const auto r = world[0].remote(1, CallRequest::builtin("test::any", {std::move(bomb)}), soon());
  const Future<Value> fetched = world[0].call(2, foreign("fetch", {as_value(r)}), soon());
  EXPECT_THROW((void)r->confirmed().get(), ValueError);
  EXPECT_THROW((void)fetched.get(), ValueError);
}

TEST(RRef, OneOfACreationThatWasNeverSentIsNotPassedOn) {
  World world(3);
  auto list = detail::make_ref<List>();
  for (int i = 0; i < 8'000'000; ++i) list->items.emplace_back(int64_t{1} << 40);  // 9 bytes each: too many
  const auto r = world[0].remote(1, CallRequest::builtin("test::any", {std::move(list)}), soon());
  ASSERT_TRUE(r->confirmed().error());
  for (const int to : {1, 2}) {
    EXPECT_THROW((void)world[0].call(to, CallRequest::builtin("test::any", {as_value(r)}), soon()).get(),
                 ValueError);
  }
}

}  // namespace
}  // namespace tine::rpc
