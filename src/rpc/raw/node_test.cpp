// What calls of one node to another do, over each transport.
#include <gmock/gmock.h>

#include <latch>
#include <random>

#include "src/base/sanitized.h"
#include "src/rpc/raw/nodes_for_tests.h"

namespace tine::rpc::testing {
namespace {

using ::testing::HasSubstr;
using Kind = RawFailure::Kind;

class RawNodeTest : public ::testing::TestWithParam<Over> {
 protected:
  RawNodes nodes{GetParam()};
  RawOne& a() { return nodes[0]; }
  RawOne& b() { return nodes[1]; }
};

INSTANTIATE_TEST_SUITE_P(Over, RawNodeTest,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& info) { return name_of(info.param); });

RawBytes pattern(size_t size, uint32_t seed) {
  auto bytes = std::make_shared<std::vector<std::byte>>(size);
  std::mt19937_64 random(seed);
  for (size_t at = 0; at + 8 <= size; at += 8) put_le<uint64_t>(bytes->data() + at, random());
  for (size_t at = size / 8 * 8; at < size; ++at) (*bytes)[at] = static_cast<std::byte>(random());
  const std::span<const std::byte> view = *bytes;
  return {view, std::move(bytes)};
}

TEST_P(RawNodeTest, ACallIsAnsweredInBothDirections) {
  nodes.make(2);
  EXPECT_EQ(a().call(1, "hello")->get().text(), "hello");
  EXPECT_EQ(b().call(0, "there")->get().text(), "there");
}

TEST_P(RawNodeTest, BothKnowEachOther) {
  nodes.make(2);
  const std::vector<RawWorker> both{{"w0", 0}, {"w1", 1}};
  EXPECT_EQ(a()->workers(), both);
  EXPECT_EQ(b()->workers(), both);
  EXPECT_EQ(a()->self(), both[0]);
  EXPECT_EQ(RawNode::owner_of(b()->card()), both[1]);
  EXPECT_EQ(a()->death_of(1), "");
}

TEST_P(RawNodeTest, TheHandlerKnowsCallerTagAndDeadline) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  const TimePoint deadline = in(3600s);
  const auto sink = a().call(1, RawMessage{42, RawBytes::copy("x"), {}}, deadline);
  RawCall call = kept.take();
  EXPECT_EQ(call.caller(), (RawWorker{"w0", 0}));
  EXPECT_EQ(call.message().tag, 42u);
  // The time on its way is not taken off: nobody knows it.
  EXPECT_LT(call.deadline() - deadline, 20s);
  EXPECT_GE(call.deadline() - deadline, -1ms);
  EXPECT_FALSE(call.cancelled());
  call.reply({43, {}, {}});
  EXPECT_EQ(sink->get().reply.tag, 43u);
  EXPECT_EQ(sink->get().reply.body.size(), 0u);
}

TEST_P(RawNodeTest, SegmentsAndBodiesOfAnySizeArriveAsTheyWereInAlignedMemory) {
  nodes.make(2);
  for (const size_t body :
       {size_t{0}, size_t{1}, size_t{16} << 10, (size_t{16} << 10) + 1, size_t{3} << 20}) {
    RawMessage m{7, pattern(body, 5), {}};
    for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{4096}, size_t{262'144},
                              size_t{0}, size_t{5} << 20, size_t{0}})
      m.segments.push_back(pattern(size, static_cast<uint32_t>(size)));
    const RawMessage sent = m;
    const auto sink = a().call(1, std::move(m));
    const Ended& got = sink->get();
    ASSERT_TRUE(got.ok) << got.failure.text;
    EXPECT_EQ(got.reply.tag, 7u);
    EXPECT_TRUE(std::ranges::equal(got.reply.body.bytes(), sent.body.bytes())) << body;
    ASSERT_EQ(got.reply.segments.size(), sent.segments.size());
    for (size_t i = 0; i < sent.segments.size(); ++i) {
      EXPECT_TRUE(std::ranges::equal(got.reply.segments[i].bytes(), sent.segments[i].bytes())) << i;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(got.reply.segments[i].bytes().data()) % 64, 0u);
    }
  }
}

TEST_P(RawNodeTest, ASegmentOf64MiBComesBack) {
  nodes.make(2);
  RawMessage m{0, {}, {pattern(size_t{64} << 20, 3)}};
  const RawBytes sent = m.segments[0];
  const auto sink = a().call(1, std::move(m));
  ASSERT_TRUE(sink->get().ok) << sink->get().failure.text;
  EXPECT_TRUE(std::ranges::equal(sink->get().reply.segments[0].bytes(), sent.bytes()));
}

TEST_P(RawNodeTest, AMessageMayHave65536Segments) {
  nodes.make(2);
  b().handler.on_call = [](RawCall call) {
    uint64_t sum = 0;
    for (size_t i = 0; i < call.message().segments.size(); ++i) {
      const RawBytes& s = call.message().segments[i];
      if (s.size() == 4) sum += get_le<uint32_t>(s.bytes().data()) == i;
    }
    call.reply(
        {0, RawBytes::copy(std::to_string(call.message().segments.size()) + " " + std::to_string(sum)), {}});
  };
  auto numbers = std::make_shared<std::vector<uint32_t>>(65536);
  std::vector<RawBytes> segments;
  for (uint32_t i = 0; i < 65536; ++i) {
    (*numbers)[i] = i;
    segments.emplace_back(std::as_bytes(std::span(*numbers)).subspan(4 * i, i % 3 == 2 ? 0 : 4), numbers);
  }
  EXPECT_EQ(a().call(1, RawMessage{0, {}, segments})->get().text(), "65536 43691");
  segments.emplace_back();
  const auto refused = a().call(1, RawMessage{0, {}, segments});
  EXPECT_EQ(refused->get().failure.kind, Kind::kRefused);
  EXPECT_THAT(refused->get().failure.text,
              HasSubstr("worker 'w1' (id 1) cannot be sent: the message has 65537 segments"));
  EXPECT_EQ(a().call(1, "goes on")->get().text(), "0 0");
}

TEST_P(RawNodeTest, AMessageBeyondTheLimitOfAPayloadIsRefusedBeforeItLeaves) {
  nodes.make(2);
  // Nobody reads them: the limit is of lengths.
  const std::span<const std::byte> huge(reinterpret_cast<const std::byte*>(4096), size_t{65} << 30);
  const auto refused = a().call(1, RawMessage{0, {}, {RawBytes(huge, nullptr)}});
  EXPECT_EQ(refused->get().failure.kind, Kind::kRefused);
  EXPECT_EQ(a().call(1, "goes on")->get().text(), "goes on");
}

TEST_P(RawNodeTest, AnAnswerBeyondALimitOfTheWireFailsTheCallWithThat) {
  nodes.make(2);
  b().handler.on_call = [](RawCall call) { call.reply({0, {}, std::vector<RawBytes>(65537)}); };
  const auto refused = a().call(1, "x");
  EXPECT_EQ(refused->get().failure.kind, Kind::kRefused);
  EXPECT_THAT(refused->get().failure.text, HasSubstr("the answer of worker 'w1' (id 1) cannot be sent"));
}

TEST_P(RawNodeTest, SmallCallsArriveInTheOrderInWhichTheyWereMade) {
  nodes.make(2, {}, 1);
  std::mutex mutex;
  std::vector<uint32_t> order;
  b().handler.on_call = [&](RawCall call) {
    {
      const std::lock_guard lock(mutex);
      order.push_back(call.message().tag);
    }
    call.reply({});
  };
  std::vector<std::shared_ptr<Result>> sinks;
  for (uint32_t i = 0; i < 3000; ++i) sinks.push_back(a().call(1, RawMessage{i, {}, {}}));
  for (const auto& sink : sinks) EXPECT_TRUE(sink->get().ok);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(order.size(), 3000u);
}

TEST_P(RawNodeTest, ASmallCallOvertakesALargeOne) {
  nodes.make(2);
  std::atomic<bool> small_came{false};
  std::atomic<bool> before{false};
  std::latch standing(1);
  const auto go = std::make_shared<std::latch>(1);
  b().handler.here = [](const RawMessage&) { return true; };
  b().handler.on_call = [&, go](RawCall call) {
    if (call.message().body.text() == "stand still") {
      standing.count_down();
      go->wait();
    } else if (call.message().segments.empty()) {
      small_came = true;
    } else {
      before = small_came.load();
    }
    call.reply({});
  };
  // Its reader stands still until both have been sent.
  const auto first = a().call(1, "stand still");
  standing.wait();
  const auto large = a().call(1, RawMessage{0, {}, {pattern(size_t{96} << 20, 1)}});
  const auto small = a().call(1, "small");
  go->count_down();
  EXPECT_TRUE(first->get().ok);
  EXPECT_TRUE(small->get().ok);
  EXPECT_TRUE(large->get().ok);
  EXPECT_TRUE(before);
}

TEST_P(RawNodeTest, AReplyMayComeLaterFromAnotherThread) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  const auto sink = a().call(1, "later");
  RawCall call = kept.take();
  EXPECT_FALSE(sink->has_ended());
  std::thread([call = std::move(call)]() mutable { call.reply(std::move(call.message())); }).join();
  EXPECT_EQ(sink->get().text(), "later");
}

TEST_P(RawNodeTest, OnlyTheFirstAnswerCounts) {
  nodes.make(2);
  b().handler.on_call = [](RawCall call) {
    call.reply({1, {}, {}});
    call.reply({2, {}, {}});
    call.fail("too late");
  };
  const auto sink = a().call(1, "x");
  EXPECT_EQ(sink->get().reply.tag, 1u);
  EXPECT_EQ(a().call(1, "next")->get().reply.tag, 1u);
}

TEST_P(RawNodeTest, WhatTheHandlerFailsWithArrivesAsItWasSaid) {
  nodes.make(2);
  b().handler.on_call = [](RawCall call) { call.fail("no \xc3\xa4pples today"); };
  const auto sink = a().call(1, "x");
  EXPECT_EQ(sink->get().failure.kind, Kind::kFailed);
  EXPECT_EQ(sink->get().failure.text, "no \xc3\xa4pples today");
}

TEST_P(RawNodeTest, ADroppedCallFailsAsAbandoned) {
  nodes.make(2);
  b().handler.on_call = [](const RawCall&) {};
  for (const int to : {1, 0}) {
    nodes[to].handler.on_call = [](const RawCall&) {};
    const auto sink = a().call(to, "x");
    EXPECT_EQ(sink->get().failure.kind, Kind::kAbandoned);
    EXPECT_THAT(sink->get().failure.text, HasSubstr("the handler of worker 'w" + std::to_string(to) +
                                                    "' (id " + std::to_string(to) + ") dropped"));
  }
}

TEST_P(RawNodeTest, ADeadlineThatComesFirstEndsTheCallAndTellsTheCallee) {
  nodes.make(2);
  Kept kept;
  for (const int to : {1, 0}) {
    nodes[to].handler.on_call = kept.handler();
    // On a busy machine a call may not have begun by its deadline: then it does not begin at all.
    for (auto time = 30ms; kept.size() == 0; time *= 2) {
      const auto sink = a().call(to, "x", in(time));
      EXPECT_EQ(sink->get().failure.kind, Kind::kTimedOut);
      EXPECT_THAT(sink->get().failure.text,
                  HasSubstr("RPC ran for more than its timeout: worker 'w" + std::to_string(to)));
    }
    RawCall call = kept.take();
    wait_until("the callee is told", [&] { return call.cancelled(); });
    call.reply({});  // dropped quietly
  }
  wait_until("nothing is pending", [&] { return a()->counts().calls_pending == 0; });
  b().handler.on_call = [](RawCall call) { call.reply({}); };
  EXPECT_TRUE(a().call(1, "goes on")->get().ok);
}

TEST_P(RawNodeTest, ADeadlineThatPassesCancelsNoCallOfTheSameNumberAtAnotherWorker) {
  nodes.make(2);
  Kept own, others;
  a().handler.on_call = own.handler();
  b().handler.on_call = others.handler();
  const auto lasting = a().call(1, "x");
  RawCall call = others.take();
  // Calls to oneself are looked at first. When the second has ended, all is done that the end of the first brings.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(a().call(0, "x", in(10ms))->get().failure.kind, Kind::kTimedOut);
  const auto next = a().call(1, "y");
  RawCall later = others.take();
  EXPECT_FALSE(call.cancelled());
  call.reply({});
  later.reply({});
  EXPECT_TRUE(lasting->get().ok);
  EXPECT_TRUE(next->get().ok);
}

// Until that many calls have come, and the deadlines of those with 10 ms have passed there: they count from their arrival.
void wait_until_late(RawOne& one, uint64_t calls) {
  wait_until("they have come", [&] { return one->counts().calls_begun == calls; });
  std::this_thread::sleep_until(in(11ms));
}

TEST_P(RawNodeTest, ACallWhoseDeadlineHasPassedDoesNotBegin) {
  nodes.make(2, {}, 1);
  Kept kept;
  const auto go = std::make_shared<std::latch>(1);
  std::atomic<int> begun{0};
  b().handler.on_call = [&, go](RawCall call) {
    ++begun;
    if (call.message().body.text() == "first") go->wait();
    call.reply({});
  };
  const auto first = a().call(1, "first");
  const auto second = a().call(1, "second", in(10ms));
  EXPECT_EQ(second->get().failure.kind, Kind::kTimedOut);
  const auto past = a().call(1, "third", Clock::now() - 1s);
  EXPECT_EQ(past->get().failure.kind, Kind::kTimedOut);
  wait_until_late(b(), 3);
  go->count_down();
  EXPECT_TRUE(first->get().ok);
  EXPECT_TRUE(a().call(1, "last")->get().ok);
  EXPECT_EQ(begun, 2);
}

TEST_P(RawNodeTest, ACallWhoseDeadlineHasPassedBeginsWhereTheHandlerWantsIt) {
  nodes.make(2, {}, 1);
  const auto go = std::make_shared<std::latch>(1);
  std::atomic<int> begun{0};
  b().handler.late = [](const RawMessage& message) { return message.body.text() == "late"; };
  b().handler.on_call = [&, go](RawCall call) {
    ++begun;
    if (call.message().body.text() == "first") go->wait();
    call.reply({});
  };
  const auto first = a().call(1, "first");
  const auto late = a().call(1, "late", in(10ms));
  const auto never = a().call(1, "never", in(10ms));
  EXPECT_EQ(late->get().failure.kind, Kind::kTimedOut);
  EXPECT_EQ(never->get().failure.kind, Kind::kTimedOut);
  wait_until_late(b(), 3);
  go->count_down();
  EXPECT_TRUE(first->get().ok);
  EXPECT_TRUE(a().call(1, "last")->get().ok);
  EXPECT_EQ(begun, 3);
}

TEST_P(RawNodeTest, SinksRunOnThreadsOfCallbacksOnly) {
  nodes.make(2);
  const auto is_one = [&](std::thread::id id) { return a().callbacks.has(id); };
  EXPECT_TRUE(is_one(a().call(1, "x")->get().thread));
  EXPECT_TRUE(is_one(a().call(0, "x")->get().thread));
  EXPECT_TRUE(is_one(a().call(7, "x")->get().thread));
  EXPECT_TRUE(is_one(a().call(1, "x", Clock::now())->get().thread));
  b()->close();
  EXPECT_TRUE(is_one(a().call(1, "x")->get().thread));
  a()->close();
  EXPECT_TRUE(is_one(a().call(1, "x")->get().thread));
}

TEST_P(RawNodeTest, AHandlerRunsOnTheReaderOnlyIfItSaysSo) {
  nodes.make(2);
  b().handler.here = [](const RawMessage& m) { return m.tag == 1; };
  b().handler.on_call = [&](RawCall call) {
    call.reply({b().blocking.has(std::this_thread::get_id()) ? 1u : 0u, {}, {}});
  };
  EXPECT_EQ(a().call(1, RawMessage{1, {}, {}})->get().reply.tag, 0u);
  EXPECT_EQ(a().call(1, RawMessage{2, {}, {}})->get().reply.tag, 1u);
  EXPECT_EQ(b().call(1, RawMessage{1, {}, {}})->get().reply.tag, 1u) << "never within call()";
}

TEST_P(RawNodeTest, CallsThatComeBeforeOpenWaitForIt) {
  nodes.add(0);
  nodes.add(1);
  nodes.connect(1, 0);
  b().handler.here = [](const RawMessage&) { return true; };
  const auto sink = a().call(1, "early");
  const auto own = b().call(1, "own");
  wait_until("both have come", [&] { return b()->counts().calls_begun == 2; });
  EXPECT_FALSE(sink->has_ended());
  b()->open();
  EXPECT_EQ(sink->get().text(), "early");
  EXPECT_EQ(own->get().text(), "own");
}

TEST_P(RawNodeTest, ACallToOneselfHandsItsMemoryOver) {
  nodes.make(1);
  const RawBytes segment = pattern(1000, 1);
  const void* seen = nullptr;
  a().handler.on_call = [&](RawCall call) {
    seen = call.message().segments[0].bytes().data();
    EXPECT_EQ(call.caller(), (RawWorker{"w0", 0}));
    call.reply(std::move(call.message()));
  };
  const auto sink = a().call(0, RawMessage{1, RawBytes::copy("b"), {segment}});
  ASSERT_TRUE(sink->get().ok);
  EXPECT_EQ(seen, segment.bytes().data());
  EXPECT_EQ(sink->get().reply.segments[0].bytes().data(), segment.bytes().data());
}

TEST_P(RawNodeTest, AnOwnerIsLetGoOfOnceItsSegmentIsWrittenAndNeverByAReader) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  std::promise<std::thread::id> dropped;
  {
    auto bytes = std::make_shared<std::vector<std::byte>>(size_t{40} << 20);
    const std::span<const std::byte> view = *bytes;
    std::shared_ptr<const void> owner(
        nullptr, [&dropped, bytes](const void*) mutable { dropped.set_value(std::this_thread::get_id()); });
    RawMessage message{1, {}, {RawBytes(view, std::move(owner))}};
    bytes = nullptr;
    const auto sink = a().call(1, std::move(message));
    RawCall call = kept.take();  // it has been written
    const std::thread::id by = dropped.get_future().get();
    EXPECT_TRUE(by == std::this_thread::get_id() || a().callbacks.has(by));
    call.reply({});
    EXPECT_TRUE(sink->get().ok);
  }
}

TEST_P(RawNodeTest, OwnersOfAMessageThatCannotBeSentAreLetGoOf) {
  nodes.make(2);
  b()->close();
  wait_until("it has gone", [&] { return !a()->death_of(1).empty(); });
  auto owner = std::make_shared<std::vector<std::byte>>(100);
  const std::weak_ptr<void> alive = owner;
  RawMessage message{1, {}, {RawBytes(*owner, owner)}};
  owner = nullptr;
  EXPECT_EQ(a().call(1, std::move(message))->get().failure.kind, Kind::kDied);
  EXPECT_TRUE(alive.expired());
}

TEST_P(RawNodeTest, ReceivedMemoryIsTheReceiversToWriteAndOutlivesTheNode) {
  nodes.make(2);
  RawMessage reply;
  {
    const auto sink = a().call(1, RawMessage{1, RawBytes::copy("abc"), {pattern(5000, 1)}});
    ASSERT_TRUE(sink->get().ok);
    reply = std::move(sink->get().reply);
  }
  nodes.all.clear();
  reply.segments.at(0).writable()[4999] = std::byte{1};
  reply.body.writable()[0] = std::byte{'x'};
  EXPECT_EQ(reply.body.text(), "xbc");
}

TEST_P(RawNodeTest, CountsSayWhatIsPendingRunningAndBegun) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  const auto one = a().call(1, "1"), two = a().call(1, "2");
  kept.wait_for(2);
  EXPECT_EQ(a()->counts().calls_pending, 2u);
  EXPECT_EQ(b()->counts().calls_running, 2u);
  EXPECT_EQ(b()->counts().calls_begun, 2u);
  kept.take().reply({});
  kept.take().fail("");
  (void)one->get();
  (void)two->get();
  wait_until("nothing is pending", [&] { return a()->counts().calls_pending == 0; });
  EXPECT_EQ(b()->counts().calls_running, 0u);
}

TEST_P(RawNodeTest, WhoWaitsForRoomStaysWithinTheBoundOfCalls) {
  nodes.make(2, [](int, RawNodeOptions& o) { o.max_calls_in_flight = 4; });
  Kept kept;
  b().handler.on_call = kept.handler();
  std::vector<std::shared_ptr<Result>> sinks;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(a()->wait_for_room(1, in(10s)));
    sinks.push_back(a().call(1, "x"));
  }
  EXPECT_FALSE(a()->wait_for_room(1, in(20ms)));
  sinks.push_back(a().call(1, "refused by nobody"));
  std::atomic<bool> has_room{false};
  std::thread waiter([&] { has_room = a()->wait_for_room(1, in(20s)); });
  for (int i = 0; i < 5; ++i) kept.take().reply({});
  waiter.join();
  EXPECT_TRUE(has_room);
  for (const auto& sink : sinks) EXPECT_TRUE(sink->get().ok);
}

TEST_P(RawNodeTest, WhoWaitsForRoomGoesOnWhenTheWorkerIsGone) {
  nodes.make(2, [](int, RawNodeOptions& o) { o.max_calls_in_flight = 1; });
  Kept kept;
  b().handler.on_call = kept.handler();
  const auto sink = a().call(1, "x");
  kept.wait_for(1);
  std::thread waiter([&] { EXPECT_TRUE(a()->wait_for_room(1, in(20s))); });
  b()->close();
  waiter.join();
  EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
  EXPECT_TRUE(a()->wait_for_room(99, in(20s))) << "nobody";
}

TEST_P(RawNodeTest, AnswersThatAreCopiedWaitForRoomOnThreadsThatMayBlock) {
  nodes.make(2, [](int, RawNodeOptions& o) { o.max_send_buffer_bytes = 64 << 10; });
  // The caller's reader stands still, so that nothing is read.
  const auto stand_still = std::make_shared<std::latch>(1);
  std::atomic<bool> stands{false};
  a().handler.here = [](const RawMessage&) { return true; };
  a().handler.on_call = [&, stand_still](RawCall call) {
    stands = true;
    stand_still->wait();
    call.reply({});
  };
  const auto most = std::make_shared<std::atomic<size_t>>(0);  // handlers look at it after their answer
  b().handler.on_call = [this, most](RawCall call) {
    call.reply({0, pattern(16 << 10, 1), {}});
    *most = std::max(most->load(), b()->counts().bytes_queued);
  };
  const auto stop = b().call(0, "stand still");
  wait_until("it stands still", [&] { return stands.load(); });
  std::vector<std::shared_ptr<Result>> sinks;
  for (int i = 0; i < 400; ++i) sinks.push_back(a().call(1, "x"));
  wait_until("answers wait", [&] { return b()->counts().bytes_queued > (64u << 10); });
  stand_still->count_down();
  for (const auto& sink : sinks) EXPECT_TRUE(sink->get().ok);
  EXPECT_TRUE(stop->get().ok);
  // The bound, and one for each of the two handler threads.
  EXPECT_LE(*most, (64u << 10) + 2 * (17u << 10));
}

TEST_P(RawNodeTest, MemoryOfLargeMessagesGoesBackAfterIdleSeconds) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  const auto sink = a().call(1, RawMessage{0, {}, {pattern(size_t{32} << 20, 1)}});
  RawCall call = kept.take();
  RawMessage held = std::move(call.message());
  call.reply({});
  ASSERT_TRUE(sink->get().ok);
  held.segments.clear();  // nobody else holds the memory
  if (!kSanitized) {
    EXPECT_GE(b().parts->retained_bytes(), size_t{32} << 20) << "it is kept for a while";
  }
  wait_until("it went back", [&] { return b().parts->retained_bytes() < (size_t{1} << 20); });
}

TEST_P(RawNodeTest, ManyThreadsMayCallAtOnce) {
  nodes.make(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string text = std::to_string(t) + "/" + std::to_string(i);
        EXPECT_EQ(nodes[t % 3].call((t + i) % 3, text)->get().text(), text);
      }
    });
  }
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace tine::rpc::testing
