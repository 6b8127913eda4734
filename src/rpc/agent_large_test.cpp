// Large transfers beside everything else, over unix sockets and TCP.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "src/rpc/rref.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using testing::foreign;
using ::testing::HasSubstr;
using testing::name_of;
using testing::Over;
using testing::talk;
using testing::World;

constexpr size_t kBound = 64 << 10;  // of copied bytes: small, so that little data is beyond it
constexpr int64_t kMegabyte = 1 << 20;

TimePoint soon() { return Clock::now() + seconds(60); }
Value as_value(const detail::Ref<Reference>& r) { return detail::Ref<RRefObject>(r); }

Tensor tensor_of(int64_t bytes) {
  Tensor t = Tensor::empty(std::array<int64_t, 1>{bytes / 4}, DType::kFloat32);
  std::fill_n(t.data_as<float>(), bytes / 4, 1.0F);
  return t;
}
// A pickle of that size, as a language makes them: memory that exists for being sent alone.
CallRequest pickled(const std::string& name, size_t bytes, std::vector<Value> leaves = {}) {
  return CallRequest::foreign(
      name, detail::make_ref<ForeignPayload>(std::vector<std::byte>(bytes, std::byte{7}), std::move(leaves)));
}
// A body of many small values, which nobody wants to decode on a thread that reads.
Value long_list(int64_t n) {
  auto list = detail::make_ref<List>();
  for (int64_t i = 0; i < n; ++i) list->items.emplace_back(i);
  return list;
}

class Large : public ::testing::TestWithParam<Over> {
 protected:
  World::Change change() {
    return [over = GetParam()](int, AgentOptions& o) {
      talk(o, over);
      o.max_send_buffer_bytes = kBound;
    };
  }
};
INSTANTIATE_TEST_SUITE_P(Agent, Large,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(Large, TensorsOfAnySizeAndNumberArriveAndComeBack) {
  World world(2, change());
  const Tensor t = tensor_of(8 * kMegabyte);
  std::vector<Future<Value>> answers;
  // A tensor is not copied, so nobody waits for it: all of them are in flight.
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(world[0].has_room(1));
    answers.push_back(world[0].call(1, CallRequest::builtin("test::same", {t})));
  }
  for (auto& a : answers) EXPECT_EQ(a.get().to_tensor().numel(), t.numel());
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
}

TEST_P(Large, ASmallCallGoesBetweenTheChunks) {
  std::atomic<int> large{0};
  std::latch standing(1), go(1);
  World world(2, change());
  world.handlers(1).on["large"] = [&](IncomingCall call) {
    ++large;
    call.reply(Value());
  };
  // Scripts run on the reader: this one holds it until all has been sent.
  world.handlers(1).on["stand still"] = [&](IncomingCall call) {
    standing.count_down();
    go.wait();
    call.reply(Value());
  };
  world.handlers(1).on["small"] = [&](IncomingCall call) { call.reply(large.load()); };
  const Value t = tensor_of(16 * kMegabyte);
  std::vector<Future<Value>> answers;
  answers.push_back(world[0].call(1, CallRequest::script("stand still", nullptr, {})));
  standing.wait();
  for (int i = 0; i < 16; ++i) answers.push_back(world[0].call(1, foreign("large", {t})));
  const auto small = world[0].call(1, CallRequest::script("small", nullptr, {}));
  go.count_down();
  EXPECT_LT(small.get().to_int(), 16);
  for (auto& a : answers) EXPECT_FALSE(a.error());
}

TEST_P(Large, CallersWaitPastTheBoundOfCopiedBytesAndTwoThatFloodEachOtherGoOn) {
  World world(2, change());
  for (const int w : {0, 1}) {
    world.handlers(w).on["echo"] = [](IncomingCall call) {
      const auto size = ForeignPayload::in(call.args()[0])->bytes().size();
      Value answer = detail::Ref<Foreign>(
          detail::make_ref<ForeignPayload>(std::vector<std::byte>(size), std::vector<Value>()));
      call.wait_for_room(answer);
      call.reply(std::move(answer));
    };
  }
  constexpr int kCalls = 200;
  std::vector<std::thread> threads;
  for (const int from : {0, 1}) {
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&world, from] {
        std::vector<Future<Value>> answers;
        for (int i = 0; i < kCalls; ++i) {
          world[from].wait_for_room(1 - from, kNoDeadline);
          answers.push_back(world[from].call(1 - from, pickled("echo", 2 * kBound)));
        }
        for (auto& a : answers) EXPECT_EQ(ForeignPayload::in(a.get())->bytes().size(), 2 * kBound);
      });
    }
  }
  for (auto& t : threads) t.join();
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
}

// Calls that wait for room for calls are not what answers wait for: else each side's answers would wait for the other's.
TEST_P(Large, AnswersPassWhereCallsAreAtTheirLimit) {
  std::latch go(1);
  World world(2, [change = change()](int rank, AgentOptions& o) {
    change(rank, o);
    o.max_calls_in_flight = 4;
  });
  for (const int w : {0, 1}) {
    world.handlers(w).on["echo"] = [&, w](IncomingCall call) {
      go.wait();
      Value answer = detail::Ref<Foreign>(
          detail::make_ref<ForeignPayload>(std::vector<std::byte>(2 * kBound), std::vector<Value>()));
      if (w == 0) call.wait_for_room(answer);
      call.reply(std::move(answer));
    };
  }
  std::vector<Future<Value>> answers;
  for (int i = 0; i < 4; ++i) {
    for (const int from : {0, 1}) answers.push_back(world[from].call(1 - from, foreign("echo"), soon()));
  }
  for (const int from : {0, 1}) EXPECT_FALSE(world[from].has_room(1 - from));
  go.count_down();
  for (auto& a : answers) EXPECT_FALSE(a.error()) << describe(a.error());
}

TEST_P(Large, AnswersWaitUnencodedPastTheBoundAndNoneIsLost) {
  World world(2, change());
  // Small values by the thousand, so that what is sent is copied.
  const Value list = long_list(30000);
  world.handlers(1).on["list"] = [&](IncomingCall call) { call.reply(list); };
  world.handlers(1).on["one"] = [](IncomingCall call) { call.reply(1); };
  std::vector<Future<Value>> lists, ones;
  for (int i = 0; i < 100; ++i) {
    lists.push_back(world[0].call(1, CallRequest::script("list", nullptr, {})));
    ones.push_back(world[0].call(1, CallRequest::script("one", nullptr, {})));
  }
  for (auto& a : ones) EXPECT_EQ(a.get().to_int(), 1);
  for (auto& a : lists) EXPECT_EQ(a.get().to_list().items.size(), 30000U);
}

TEST_P(Large, ReleasesBesideItAreNotLost) {
  World world(2, change());
  std::vector<detail::Ref<Reference>> held;
  for (int i = 0; i < 300; ++i) held.push_back(world[0].remote(1, testing::add({1}, {1}), soon()));
  for (const auto& r : held) EXPECT_FALSE(r->confirmed().error());
  EXPECT_EQ(world[1].counts().references_owned, 300U);
  const Value t = tensor_of(16 * kMegabyte);
  std::vector<Future<Value>> large;
  for (int i = 0; i < 8; ++i) large.push_back(world[0].call(1, CallRequest::builtin("test::same", {t})));
  held.clear();
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
  for (auto& a : large) EXPECT_FALSE(a.error());
}

TEST_P(Large, LeasesAndTheirConfirmationsBesideItAreNotLost) {
  std::mutex mutex;
  World world(3, change());
  std::vector<Value> kept;
  world.handlers(1).on["keep"] = [&](IncomingCall call) {
    const std::lock_guard lock(mutex);
    kept.push_back(ForeignPayload::in(call.args()[0])->leaves().at(0));
    call.reply(Value());
  };
  std::vector<detail::Ref<Reference>> held;
  for (int i = 0; i < 100; ++i) held.push_back(world[0].remote(2, testing::add({1}, {1}), soon()));
  const Value t = tensor_of(16 * kMegabyte);
  std::vector<Future<Value>> large;
  for (int i = 0; i < 8; ++i) large.push_back(world[1].call(2, CallRequest::builtin("test::same", {t})));
  std::vector<Future<Value>> given;
  for (const auto& r : held) given.push_back(world[0].call(1, foreign("keep", {as_value(r)})));
  held.clear();
  for (auto& g : given) EXPECT_FALSE(g.error());
  {
    const std::lock_guard lock(mutex);
    for (const Value& r : kept) EXPECT_FALSE(Reference::from(r)->to_here(soon()).error());
    kept.clear();
  }
  EXPECT_TRUE(eventually([&] { return world[2].counts().references_owned == 0; }));
  for (auto& a : large) EXPECT_FALSE(a.error());
}

TEST_P(Large, CancellationsBesideItAreNotLost) {
  std::latch blocked(1), go(1);
  std::atomic<int> ran{0};
  World world(2, change(), 1);
  world.handlers(1).on["block"] = [&](IncomingCall call) {
    blocked.count_down();
    go.wait();
    call.reply(Value());
  };
  world.handlers(1).on["count"] = [&](IncomingCall call) {
    ++ran;
    call.reply(Value());
  };
  const auto block = world[0].call(1, foreign("block"));
  blocked.wait();
  std::vector<Future<Value>> waiting;
  for (int i = 0; i < 500; ++i) waiting.push_back(world[0].call(1, foreign("count")));
  const Value t = tensor_of(16 * kMegabyte);
  std::vector<Future<Value>> large;
  for (int i = 0; i < 8; ++i) large.push_back(world[0].call(1, CallRequest::builtin("test::same", {t})));
  for (const auto& w : waiting) EXPECT_TRUE(w.cancel());
  // A small call that is sent after the cancellations arrives after them.
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
  go.count_down();
  EXPECT_FALSE(block.error());
  EXPECT_TRUE(eventually([&] { return world[1].counts().calls_running == 0 || ran.load() > 0; }));
  EXPECT_EQ(ran.load(), 0);
  for (auto& a : large) EXPECT_FALSE(a.error());
}

TEST_P(Large, ACancellationReachesItsLargeRequest) {
  std::latch blocked(1), go(1);
  std::atomic<int> ran{0};
  World world(2, change(), 1);
  world.handlers(1).on["block"] = [&](IncomingCall call) {
    blocked.count_down();
    go.wait();
    call.reply(Value());
  };
  world.handlers(1).on["count"] = [&](IncomingCall call) {
    ++ran;
    call.reply(Value());
  };
  const auto block = world[0].call(1, foreign("block"));
  blocked.wait();
  for (const Value& v : {Value(tensor_of(16 * kMegabyte)), long_list(200000)}) {
    const auto call = world[0].call(1, foreign("count", {v}));
    EXPECT_TRUE(call.cancel());
  }
  // Large frames keep their order: when this one is answered, the others and the frames right after them have arrived.
  EXPECT_FALSE(world[0].call(1, CallRequest::builtin("test::any", {long_list(200000)})).error());
  go.count_down();
  EXPECT_FALSE(block.error());
  EXPECT_TRUE(eventually([&] { return world[1].counts().calls_running == 0; }));
  EXPECT_EQ(ran.load(), 0);
}

// What carries the reference or makes the value is large, as a tensor or as a body that is decoded in the pool; all
// that comes behind is small.
class LargeReferences : public Large {
 protected:
  static std::vector<Value> burdens() { return {tensor_of(16 * kMegabyte), long_list(100000)}; }
  static void make(World& world, int rank) {
    world.handlers(rank).on["make"] = [](IncomingCall call) { call.reply(7); };
  }
};
INSTANTIATE_TEST_SUITE_P(Agent, LargeReferences,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(LargeReferences, AFetchMayOvertakeTheCreation) {
  World world(2, change());
  make(world, 1);
  for (const Value& burden : burdens()) {
    const auto r = world[0].remote(1, foreign("make", {burden}), soon());
    EXPECT_EQ(r->to_here(soon()).get().to_int(), 7);
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST_P(LargeReferences, ACallAfterItMayOvertakeTheCreation) {
  World world(2, change());
  make(world, 1);
  world.handlers(1).on["method"] = [](IncomingCall call) {
    call.reply(Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0))->local_value().get());
  };
  for (const Value& burden : burdens()) {
    const auto r = world[0].remote(1, foreign("make", {burden}), soon());
    CallRequest request = foreign("method", {as_value(r)});
    request.after = r;
    EXPECT_EQ(world[0].call(1, std::move(request), soon()).get().to_int(), 7);
  }
}

TEST_P(LargeReferences, AReferenceMayBePassedOnBeforeTheCreationHasArrived) {
  World world(3, change());
  make(world, 1);
  world.handlers(2).on["fetch"] = [](IncomingCall call) {
    call.reply_with(Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0))->to_here(soon()));
  };
  for (const Value& burden : burdens()) {
    Future<Value> answer;
    {
      const auto r = world[0].remote(1, foreign("make", {burden}), soon());
      answer = world[0].call(2, foreign("fetch", {as_value(r)}), soon());
    }
    EXPECT_EQ(answer.get().to_int(), 7);
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST_P(LargeReferences, OneGivenUpAtOnceIsForgottenAfterItsCreation) {
  World world(2, change());
  make(world, 1);
  for (const Value& burden : burdens()) {
    const Future<Value> confirmed = world[0].remote(1, foreign("make", {burden}), soon())->confirmed();
    EXPECT_FALSE(confirmed.error());
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST_P(LargeReferences, OneThatTravelsHomeInALargeFrameMayBeGivenUpAtOnce) {
  World world(2, change());
  world.handlers(1).on["look"] = [](IncomingCall call) {
    call.reply_with(Reference::from(ForeignPayload::in(call.args()[0])->leaves().at(0))->local_value());
  };
  for (const Value& burden : burdens()) {
    for (const bool first : {true, false}) {
      Future<Value> answer;
      {
        const auto r = world[0].remote(1, testing::add({1}, {1}), soon());
        (void)r->confirmed().error();
        std::vector<Value> leaves{as_value(r)};
        leaves.insert(first ? leaves.end() : leaves.begin() + 1, burden);
        answer = world[0].call(1, foreign("look", std::move(leaves)), soon());
      }
      EXPECT_FALSE(answer.error()) << describe(answer.error());
    }
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST_P(LargeReferences, OneThatComesInALargeAnswerIsCounted) {
  World world(3, change());
  for (const Value& burden : burdens()) {
    world.handlers(1).on["give"] = [&](IncomingCall call) {
      call.reply(detail::Ref<Foreign>(detail::make_ref<ForeignPayload>(
          std::vector<std::byte>(3), std::vector<Value>{as_value(world[1].own(5)), burden})));
    };
    world.handlers(2).on["through"] = [&](IncomingCall call) {
      call.reply_with(world[2].call(1, foreign("give")));
    };
    for (const auto& [to, name] : {std::pair{1, "give"}, {2, "through"}}) {
      const Value answer = world[0].call(to, foreign(name), soon()).get();
      EXPECT_EQ(Reference::from(ForeignPayload::in(answer)->leaves().at(0))->to_here(soon()).get().to_int(),
                5);
    }
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().references_owned == 0; }));
}

TEST_P(Large, AGracefulShutdownWaitsForIt) {
  World world(3, change());
  std::vector<Future<Value>> large;
  const Value t = tensor_of(16 * kMegabyte);
  for (int i = 0; i < 8; ++i) large.push_back(world[1].call(0, CallRequest::builtin("test::same", {t})));
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
  for (auto& a : large) {
    ASSERT_TRUE(a.ready());
    EXPECT_FALSE(a.error()) << describe(a.error());
  }
}

}  // namespace
}  // namespace tine::rpc
