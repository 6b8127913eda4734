// What include/tine/raw.h promises beyond plain calls: who owns bytes, who is told what and on which thread, which worker
// failed, what ends a wait.
#include <gmock/gmock.h>

#include <cstdlib>
#include <latch>

#include "src/rpc/raw/nodes_for_tests.h"

namespace tine::rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = RawFailure::Kind;

const RawWorker kW0{"w0", 0}, kW1{"w1", 1};

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(name_of(e.kind())) + ": " + e.message();
  }
  return "no error";
}

// Bytes whose owner tells which thread dropped it.
RawBytes telling(size_t size, std::promise<std::thread::id>& dropped) {
  auto bytes = std::make_shared<std::vector<std::byte>>(size);
  const std::span<const std::byte> view = *bytes;
  return {view, std::shared_ptr<const void>(nullptr, [bytes, &dropped](const void*) mutable {
            bytes = nullptr;
            dropped.set_value(std::this_thread::get_id());
          })};
}

// --- bytes

TEST(RawBytesTest, SharedBytesCannotBeWritten) {
  std::vector<std::byte> mine(5);
  RawBytes shared(mine, nullptr);
  EXPECT_FALSE(shared.is_owned());
  EXPECT_THAT(
      error_of([&] { (void)shared.writable(); }),
      AllOf(HasSubstr("ValueError"), HasSubstr("these 5 bytes are shared"), HasSubstr("RawBytes::copy()")));
  EXPECT_TRUE(RawBytes().writable().empty());
}

TEST(RawBytesTest, OwnedBytesCanBeWrittenAndMovingKeepsThat) {
  auto memory = std::make_shared<std::vector<std::byte>>(5);
  RawBytes owned = RawBytes::owned(*memory, memory);
  EXPECT_TRUE(owned.is_owned());
  EXPECT_EQ(owned.writable().data(), memory->data());
  RawBytes moved = std::move(owned);
  EXPECT_TRUE(moved.is_owned());
  EXPECT_EQ(moved.writable().size(), 5u);
  EXPECT_FALSE(owned.is_owned());  // NOLINT: says what is left
  EXPECT_EQ(owned.size(), 0u);
  EXPECT_EQ(owned.owner(), nullptr);
  EXPECT_TRUE(RawBytes::copy("abc").is_owned());
}

TEST(RawBytesTest, ACopyIsSharedAndSeesWhatIsWritten) {
  RawBytes owned = RawBytes::copy("abc");
  RawBytes copy = owned;
  EXPECT_FALSE(copy.is_owned());
  EXPECT_TRUE(owned.is_owned());
  owned.writable()[0] = std::byte{'x'};
  EXPECT_EQ(copy.text(), "xbc");
  copy = RawBytes::copy("own");
  EXPECT_TRUE(copy.is_owned());
  copy = owned;
  EXPECT_FALSE(copy.is_owned());
}

TEST(RawMessageTest, AMessageIsEmptyAndOfTag0UnlessItSaysMore) {
  const RawMessage message;
  EXPECT_EQ(message.tag, 0u);
  EXPECT_EQ(message.body.size(), 0u);
  EXPECT_TRUE(message.segments.empty());
}

class RawFaceTest : public ::testing::TestWithParam<Over> {
 protected:
  RawNodes nodes{GetParam()};
  RawOne& a() { return nodes[0]; }
  RawOne& b() { return nodes[1]; }
};

INSTANTIATE_TEST_SUITE_P(Over, RawFaceTest, ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(RawFaceTest, WhatWasReceivedIsOwnedAndWhatOneSendsToOneselfIsAsItWasGiven) {
  nodes.make(2);
  const std::string large(300'000, 'x');
  for (const std::string& body : {std::string("small"), std::string(20'000, 'b'), large}) {
    const auto sink =
        a().call(1, RawMessage{1, RawBytes::copy(body), {RawBytes::copy("s"), RawBytes::copy(large)}});
    Ended& end = sink->get();
    ASSERT_TRUE(end.ok) << end.failure.text;
    EXPECT_TRUE(end.reply.body.is_owned());
    for (RawBytes& s : end.reply.segments) {
      ASSERT_TRUE(s.is_owned());
      s.writable().back() = std::byte{'y'};
      EXPECT_EQ(s.text().back(), 'y');
    }
  }
  const RawBytes kept = RawBytes::copy("kept");
  const auto own = a().call(0, RawMessage{1, RawBytes::copy("given away"), {kept}});
  ASSERT_TRUE(own->get().ok);
  EXPECT_TRUE(own->get().reply.body.is_owned());
  EXPECT_FALSE(own->get().reply.segments[0].is_owned()) << "the sender has it, too";
}

// --- owners

TEST_P(RawFaceTest, AnAnswersOwnerIsDroppedWithinReplyOrByAThreadOfCallbacks) {
  nodes.make(2);
  for (const size_t size : {size_t{100}, size_t{40} << 20}) {
    Kept kept;
    b().handler.on_call = kept.handler();
    std::promise<std::thread::id> dropped;
    const auto sink = a().call(1, "x");
    RawCall call = kept.take();
    call.reply({1, {}, {telling(size, dropped)}});
    EXPECT_TRUE(sink->get().ok);
    const std::thread::id by = dropped.get_future().get();
    EXPECT_TRUE(by == std::this_thread::get_id() || b().callbacks.has(by));
  }
}

TEST_P(RawFaceTest, ASecondAnswerDoesNothingAndIsDroppedWithinTheCall) {
  nodes.make(2);
  for (const int to : {1, 0}) {
    Kept kept;
    nodes[to].handler.on_call = kept.handler();
    const auto sink = a().call(to, "x");
    RawCall call = kept.take();
    call.fail("the first");
    std::promise<std::thread::id> dropped;
    call.reply({1, {}, {telling(10, dropped)}});
    auto when = dropped.get_future();
    ASSERT_EQ(when.wait_for(0s), std::future_status::ready);
    EXPECT_EQ(when.get(), std::this_thread::get_id());
    call.fail("the third");
    EXPECT_EQ(sink->get().failure.text, "the first");
    EXPECT_EQ(nodes[to]->counts().calls_running, 0u);
  }
}

TEST_P(RawFaceTest, AMessageStaysUntilItsCallGoesAlsoWhenThatIsAnswered) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  const auto sink = a().call(1, "still here");
  RawCall call = kept.take();
  call.reply({});
  EXPECT_TRUE(sink->get().ok);
  EXPECT_EQ(call.message().body.text(), "still here");
  EXPECT_EQ(call.deadline(), kNoDeadline);
}

TEST_P(RawFaceTest, AnUnansweredCallThatIsAssignedToIsAbandoned) {
  nodes.make(2);
  Kept kept;
  b().handler.on_call = kept.handler();
  const auto first = a().call(1, "first"), second = a().call(1, "second");
  RawCall call = kept.take();
  call = kept.take();
  EXPECT_EQ(first->get().failure.kind, Kind::kAbandoned);
  call.reply({});
  EXPECT_TRUE(second->get().ok);
}

// --- who is told

TEST_P(RawFaceTest, EachSideIsToldOnceThatTheOtherJoinedAndThenThatItDied) {
  std::mutex mutex;
  std::vector<std::string> told;
  std::atomic<int> elsewhere{0};
  const auto tell = [&](RawOne& one, const std::string& what) {
    elsewhere += !one.callbacks.has(std::this_thread::get_id());
    const std::lock_guard lock(mutex);
    told.push_back(what);
  };
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return told.size();
  };
  for (const int id : {0, 1}) {
    RawOne& one = nodes.add(id);
    one.handler.on_join = [&tell, &one](const RawWorker& w) {
      std::this_thread::sleep_for(20ms);  // died() waits for it
      tell(one, one->self().name + " joined " + w.name);
    };
    one.handler.on_death = [&tell, &one](const RawWorker& w, const std::string&, bool) {
      tell(one, one->self().name + " died " + w.name);
    };
  }
  for (int round = 1; round <= 3; ++round) {
    {
      const std::lock_guard lock(mutex);
      told.clear();
    }
    b()->connect(a()->card(), in(20s));
    b()->connect(a()->card(), in(20s));
    a()->remove(1, "again");
    wait_until("all is told", [&] { return count() == 4; });
    const std::lock_guard lock(mutex);
    for (const char* const who : {"w0", "w1"}) {
      std::vector<std::string> own;
      std::ranges::copy_if(told, std::back_inserter(own), [&](const auto& t) { return t.starts_with(who); });
      const std::string other = std::string(who) == "w0" ? "w1" : "w0";
      EXPECT_EQ(own, (std::vector<std::string>{std::string(who) + " joined " + other,
                                               std::string(who) + " died " + other}));
    }
  }
  nodes.all.clear();
  EXPECT_EQ(count(), 4u) << "a node's own end is not news";
  EXPECT_EQ(elsewhere, 0);
}

TEST_P(RawFaceTest, WhoIsRefusedHasNotJoined) {
  std::atomic<int> joined{0};
  nodes.add(0).handler.on_join = [&](const RawWorker& w) { joined += w.name == "twin"; };
  nodes.add(1);
  nodes.connect(1, 0);
  RawNodes others(GetParam());
  RawOne& other = others.add(1, [](int, RawNodeOptions& o) { o.name = "twin"; });
  other.handler.on_join = [&](const RawWorker&) { ++joined; };
  EXPECT_THAT(error_of([&] { other->connect(a()->card(), in(20s)); }), HasSubstr("unique"));
  a()->close();
  other->close();
  EXPECT_EQ(joined, 0);
}

TEST_P(RawFaceTest, TheLogIsWrittenByAThreadOfCallbacks) {
  std::promise<std::thread::id> by;
  RawOne& one = nodes.add(0, [&](int, RawNodeOptions& o) {
    o.log = [&](const std::string&) { by.set_value(std::this_thread::get_id()); };
  });
  nodes.add(1, [](int, RawNodeOptions& o) { o.secret = "not the secret of the others"; });
  EXPECT_THAT(error_of([&] { b()->connect(a()->card(), in(20s)); }), HasSubstr("wrong secret"));
  EXPECT_TRUE(one.callbacks.has(by.get_future().get()));
}

// --- which worker failed

TEST_P(RawFaceTest, AFailureNamesTheWorkerThatFailed) {
  nodes.make(2);
  Kept kept;
  const auto failure = [&](const std::shared_ptr<Result>& sink) { return sink->get().failure; };
  const auto expect = [](const RawFailure& f, Kind kind, const RawWorker& worker) {
    EXPECT_EQ(f.kind, kind) << f.text;
    EXPECT_EQ(f.worker, worker) << f.text;
  };
  for (const auto& [to, worker] : {std::pair{1, kW1}, std::pair{0, kW0}}) {
    nodes[to].handler.on_call = [](RawCall call) { call.fail("no"); };
    expect(failure(a().call(to, "x")), Kind::kFailed, worker);
    nodes[to].handler.on_call = [](const RawCall&) {};
    expect(failure(a().call(to, "x")), Kind::kAbandoned, worker);
    nodes[to].handler.on_call = kept.handler();
    expect(failure(a().call(to, "x", Clock::now())), Kind::kTimedOut, worker);
  }
  expect(failure(a().call(1, RawMessage{0, {}, std::vector<RawBytes>(kMaxRawSegments + 1)})), Kind::kRefused,
         kW1);
  b().handler.on_call = [](RawCall call) { call.reply({0, {}, std::vector<RawBytes>(kMaxRawSegments + 1)}); };
  expect(failure(a().call(1, "x")), Kind::kRefused, kW1);
  expect(failure(a().call(7, "x")), Kind::kDied, {"", 7});
  EXPECT_THAT(
      failure(a().call(7, "x")).text,
      HasSubstr("no worker with id 7 is connected to worker 'w0' (id 0); here are 'w0' (id 0), 'w1' (id 1)"));
  b().handler.on_call = kept.handler();
  const auto pending = a().call(1, "pending");
  kept.wait_for(1);
  a()->remove(1, "it is slow");
  expect(failure(pending), Kind::kDied, kW1);
  expect(failure(a().call(1, "later")), Kind::kDied, kW1);
  a()->close();
  expect(failure(a().call(1, "closed")), Kind::kClosed, kW0);
}

TEST_P(RawFaceTest, AMessageOfMoreThanTheLimitIsRefused) {
  nodes.make(2);
  // Nobody reads them: the limit is of lengths.
  const std::span<const std::byte> half(reinterpret_cast<const std::byte*>(4096), kMaxRawMessageBytes / 2);
  const auto refused = a().call(1, RawMessage{0, {}, {RawBytes(half, nullptr), RawBytes(half, nullptr)}});
  EXPECT_EQ(refused->get().failure.kind, Kind::kRefused);
  EXPECT_THAT(refused->get().failure.text, HasSubstr("at most 17179869184 fit"));
  EXPECT_EQ(a().call(1, "goes on")->get().text(), "goes on");
}

TEST_P(RawFaceTest, AFailuresTextIsCutAtItsLimit) {
  nodes.make(2);
  b().handler.on_call = [](RawCall call) { call.fail(std::string(kMaxRawFailureBytes + 5, 'f')); };
  const auto sink = a().call(1, "x");
  EXPECT_EQ(sink->get().failure.kind, Kind::kFailed);
  EXPECT_EQ(sink->get().failure.text.size(), kMaxRawFailureBytes);
}

TEST_P(RawFaceTest, WhyAWorkerIsGoneIsKnownAndOneThatNeverWasIsAnError) {
  nodes.make(2);
  EXPECT_EQ(a()->death_of(0), "");
  a()->remove(1, "the group has shrunk");
  EXPECT_THAT(a()->death_of(1), HasSubstr("the group has shrunk"));
  EXPECT_THAT(error_of([&] { (void)a()->death_of(9); }),
              AllOf(HasSubstr("ValueError"), HasSubstr("no worker with id 9")));
}

TEST_P(RawFaceTest, TheDeathOfOneThatWasRemovedIsToldHereAsLeft) {
  nodes.make(2);
  a()->remove(1, "the group has shrunk");
  const auto deaths = a().handler.wait_for_deaths(1);
  EXPECT_EQ(deaths[0].worker, kW1);
  EXPECT_TRUE(deaths[0].left);
}

// --- threads that are not there

// Has no thread for anybody.
class Refusing final : public Executor {
 public:
  void post(Task& task) noexcept override {
    task.refuse(make_error(ErrorKind::kRuntime, "8 handler threads blocked"));
  }
};
// Closed before the node.
class Closed final : public Executor {
 public:
  void post(Task& task) noexcept override { task.abandon(); }
};

// A node by these executors; the rest is as RawOne has it.
std::unique_ptr<RawNode> node_by(Executor& handlers, Executor& callbacks, RawHandler& handler, int id) {
  RawNodeOptions o;
  o.name = "w" + std::to_string(id);
  o.id = id;
  o.handler = &handler;
  o.secret = secret_text();
  return RawNode::Parts::start({handlers, callbacks, transports_over(Over::kUnix)}, std::move(o));
}

TEST(RawThreadsTest, ACallThatNoThreadIsLeftForIsAbandonedWithTheReason) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  Refusing refusing;
  Threads callbacks(1);
  RawHandlers handler;
  const auto full = node_by(refusing, callbacks, handler, 1);
  full->open();
  full->connect(nodes[0]->card(), in(20s));
  const auto refused = nodes[0].call(1, "x");
  EXPECT_EQ(refused->get().failure.kind, Kind::kAbandoned);
  EXPECT_EQ(refused->get().failure.worker, kW1);
  EXPECT_THAT(refused->get().failure.text,
              HasSubstr("worker 'w1' (id 1) did not begin the call: it has 8 handler threads blocked"));
}

TEST(RawThreadsTest, CallbacksThatWereClosedBeforeTheNodeAreToldByWhoEndsTheCall) {
  Closed closed;
  Threads handlers(1);
  RawHandlers handler;
  const auto node = node_by(handlers, closed, handler, 0);
  node->open();
  auto sink = std::make_shared<Result>();
  node->call(7, {}, kNoDeadline, sink);
  ASSERT_TRUE(sink->has_ended());
  EXPECT_EQ(sink->get().thread, std::this_thread::get_id());
  sink = std::make_shared<Result>();
  node->call(0, {1, {}, {}}, kNoDeadline, sink);
  EXPECT_TRUE(handlers.has(sink->get().thread));
}

TEST(RawThreadsTest, WithoutASecretOfItsOwnANodeTakesTheOneOfTheEnvironment) {
  ASSERT_EQ(::setenv("TINE_AUTH_KEY", "a secret for tests of the environment", 1), 0);
  RawNodes nodes(Over::kUnix);
  nodes.add(0, [](int, RawNodeOptions& o) { o.secret.clear(); })->open();
  nodes.add(1, [](int, RawNodeOptions& o) { o.secret = "a secret for tests of the environment"; });
  ::unsetenv("TINE_AUTH_KEY");
  nodes[1]->connect(nodes[0]->card(), in(20s));
  EXPECT_EQ(nodes[1].call(0, "x")->get().text(), "x");
}

// --- what ends a wait

TEST_P(RawFaceTest, WhoWaitsForRoomGoesOnWhenItsNodeIsClosedOrTheWorkerRemoved) {
  for (const bool close : {true, false}) {
    nodes.all.clear();
    nodes.make(2, [](int, RawNodeOptions& o) { o.max_calls_in_flight = 1; });
    Kept kept;
    b().handler.on_call = kept.handler();
    const auto sink = a().call(1, "x");
    kept.wait_for(1);
    EXPECT_FALSE(a()->wait_for_room(1, in(1ms)));
    std::latch waiting(1);
    std::atomic<bool> went_on{false};
    std::thread waiter([&] {
      waiting.count_down();
      went_on = a()->wait_for_room(1, in(60s));
    });
    waiting.wait();
    if (close) {
      a()->close();
    } else {
      a()->remove(1, "enough");
    }
    waiter.join();
    EXPECT_TRUE(went_on);
    EXPECT_EQ(sink->get().failure.kind, close ? Kind::kClosed : Kind::kDied);
  }
}

TEST_P(RawFaceTest, CallersWaitForRoomForCopiedBytes) {
  nodes.make(2, [](int, RawNodeOptions& o) { o.max_send_buffer_bytes = 64 << 10; });
  // The callee's reader stands still.
  std::latch standing(1);
  const auto go = std::make_shared<std::latch>(1);
  b().handler.here = [](const RawMessage&) { return true; };
  b().handler.on_call = [&standing, go, first = std::make_shared<std::atomic<bool>>(true)](RawCall call) {
    if (first->exchange(false)) {
      standing.count_down();
      go->wait();
    }
    call.reply({});
  };
  std::vector<std::shared_ptr<Result>> sinks{a().call(1, "stand still")};
  standing.wait();
  const std::string body(16 << 10, 'x');
  while (a()->wait_for_room(1, Clock::now())) sinks.push_back(a().call(1, body));
  EXPECT_GE(a()->counts().bytes_queued, size_t{64} << 10);
  go->count_down();
  EXPECT_TRUE(a()->wait_for_room(1, in(60s)));
  for (const auto& sink : sinks) EXPECT_TRUE(sink->get().ok);
}

TEST_P(RawFaceTest, AConnectIsEndedByItsInterruptAndByTheEndOfItsNode) {
  nodes.add(0);
  // It takes connections and never says a word.
  const FreeAddress silent;
  silent.listen();
  RawCard card;
  card.worker = kW1;
  card.incarnation = 7;
  card.addresses = {{silent.text(), ""}};
  EXPECT_THAT(error_of([&] { a()->connect(card.text(), in(60s), [] { return true; }); }),
              AllOf(HasSubstr("Cancelled"), HasSubstr("interrupted")));
  std::latch begun(1);
  std::string error;
  std::thread connecting([&] {
    error = error_of([&] {
      a()->connect(card.text(), in(60s), [&, told = false]() mutable {
        if (!std::exchange(told, true)) begun.count_down();
        return false;
      });
    });
  });
  begun.wait();  // it is asked while it waits
  a()->close();
  connecting.join();
  EXPECT_THAT(error, HasSubstr("worker 'w0' (id 0) cannot connect: it has been closed"));
}

TEST_P(RawFaceTest, ASecondCloseWaitsForTheFirst) {
  nodes.make(1);
  std::latch inside(1);
  const auto go = std::make_shared<std::latch>(1);
  const auto returned = std::make_shared<std::atomic<bool>>(false);
  a().handler.on_call = [&inside, go, returned](const RawCall&) {
    inside.count_down();
    go->wait();
    *returned = true;
  };
  const auto sink = a().call(0, "x");
  inside.wait();
  std::vector<std::thread> closing;
  std::atomic<int> early{0};
  for (int i = 0; i < 3; ++i) {
    closing.emplace_back([&] {
      EXPECT_TRUE(a()->close(60s));
      early += !*returned;
    });
  }
  EXPECT_EQ(sink->get().failure.kind, Kind::kClosed);
  go->count_down();
  for (auto& t : closing) t.join();
  EXPECT_EQ(early, 0);
}

TEST_P(RawFaceTest, ACallIsPendingUntilItsSinkHasReturned) {
  nodes.make(1);
  struct Slow final : RawSink {
    void done(RawMessage) noexcept override {
      inside.count_down();
      go.wait();
    }
    void failed(RawFailure) noexcept override { ADD_FAILURE(); }
    std::latch inside{1}, go{1};
  };
  const auto sink = std::make_shared<Slow>();
  a()->call(0, {}, kNoDeadline, sink);
  sink->inside.wait();
  EXPECT_EQ(a()->counts().calls_pending, 1u);
  sink->go.count_down();
  wait_until("it is over", [&] { return a()->counts().calls_pending == 0; });
  wait_until("the sink is dropped", [&] { return sink.use_count() == 1; });
}

}  // namespace
}  // namespace tine::rpc::testing
