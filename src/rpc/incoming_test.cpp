#include "src/rpc/incoming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/testing/kept_tasks.h"
#include "src/rpc/connection_for_tests.h"
#include "src/rpc/stream_answer.h"
#include "src/rpc/world.h"

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MuteConnection;

class Nobody final : public Peer::Events {
 public:
  void on_frame(Peer&, Frame&, At) noexcept override {}
  void on_death(Peer&, const CloseInfo&) noexcept override {}
  std::shared_ptr<void> alive() override { return {}; }
};

// What to do with a task is the test's.
class Told final : public Executor {
 public:
  enum class How : uint8_t { kRun, kAbandon, kRefuse } how = How::kRun;
  void post(Task& task) noexcept override {
    switch (how) {
      case How::kRun: return task.run();
      case How::kAbandon: return task.abandon();
      case How::kRefuse: return task.refuse(make_error(ErrorKind::kRuntime, "4 threads, all blocked"));
    }
  }
};

class Services final : public CallServices {
 public:
  void place(detail::Ref<IncomingState> call, At) noexcept override { placed.push_back(std::move(call)); }
  std::vector<detail::Ref<IncomingState>> placed;
};

class Keeper final : public Handler {
 public:
  void handle(IncomingCall call) override {
    if (fails) throw ValueError("cannot be handled");
    calls.push_back(std::move(call));
  }
  bool fails = false;
  std::vector<IncomingCall> calls;
};

class IncomingTest : public ::testing::Test {
 protected:
  IncomingTest() {
    caller->attach(connection);
    services->handler = &handler;
    services->executor = services->blocking = services->callbacks = &told;
    services->worker = "w0";
    services->references = &references;
  }
  ~IncomingTest() override {
    caller->die(make_error(ErrorKind::kAbandoned, "the end"));
    caller->detach();
  }
  detail::Ref<IncomingState> incoming(uint64_t id, Target target = Target::kForeign) {
    auto call = detail::make_ref<IncomingState>(services, table, caller, id, target, kNoDeadline);
    call->name = "f";
    return call;
  }

  Told told;
  Nobody nobody;
  Keeper handler;
  World world{"w0", 0, 100};
  RRefTable references{world};
  std::shared_ptr<Services> services = std::make_shared<Services>();
  IncomingTable<IncomingState> table;
  detail::Ref<MuteConnection> connection = detail::make_ref<MuteConnection>("w1");
  detail::Ref<Peer> caller = detail::make_ref<Peer>(
      WorkerInfo{"w1", 1}, 101, false, Peer::Options{.max_calls = 8, .pool = &told, .callbacks = &told},
      static_cast<Peer::Events&>(nobody));
};

TEST_F(IncomingTest, ACallIsAnsweredOnceWhateverComesLater) {
  incoming(7)->run_handler(Place::kHandler);
  ASSERT_EQ(handler.calls.size(), 1u);
  EXPECT_EQ(table.running(), 1u);
  IncomingCall& call = handler.calls[0];
  call.reply(Value(1));
  call.reply(Value(2));
  call.fail(make_error(ErrorKind::kValue, "too late"));
  call.reply_with(make_ready(Value(3)));
  EXPECT_THAT(connection->sent(), ElementsAre("reply 7"));
  EXPECT_EQ(table.running(), 0u);
  handler.calls.clear();
  EXPECT_EQ(connection->sent().size(), 1u);
}

TEST_F(IncomingTest, ACallThatItsHandlerDropsIsAnsweredWithAnError) {
  incoming(7)->run_handler(Place::kHandler);
  EXPECT_THAT(connection->sent(), IsEmpty());
  handler.calls.clear();
  EXPECT_THAT(connection->sent(), ElementsAre("error 7"));
  EXPECT_EQ(table.running(), 0u);
}

TEST_F(IncomingTest, AHandlerThatThrowsHasAnswered) {
  handler.fails = true;
  incoming(7)->run_handler(Place::kHandler);
  EXPECT_THAT(connection->sent(), ElementsAre("error 7"));
}

TEST_F(IncomingTest, WithoutAHandlerTheCallIsAnsweredWithAnError) {
  services->handler = nullptr;
  incoming(7)->run_handler(Place::kHandler);
  EXPECT_THAT(connection->sent(), ElementsAre("error 7"));
}

TEST_F(IncomingTest, ACallThatNoThreadTakesIsAnsweredWithAnError) {
  told.how = Told::How::kRefuse;
  incoming(7)->run_handler(Place::kHandler);
  told.how = Told::How::kAbandon;
  incoming(8)->run_handler(Place::kHandler);
  EXPECT_THAT(connection->sent(), ElementsAre("error 7", "error 8"));
  EXPECT_THAT(handler.calls, IsEmpty());
  EXPECT_EQ(table.running(), 0u);
}

TEST_F(IncomingTest, ACancelReachesTheFutureThatTheAnswerComesFromHoweverOftenItComes) {
  incoming(7)->run_handler(Place::kHandler);
  Promise<Value> promise;
  const Future<Value> source = promise.future();
  handler.calls[0].reply_with(source);
  EXPECT_FALSE(handler.calls[0].cancelled());
  table.cancel(7);
  table.cancel(7);
  table.cancel(8);  // of none that is here
  EXPECT_TRUE(handler.calls[0].cancelled());
  ASSERT_TRUE(source.ready());
  EXPECT_THAT(describe(source.error()), HasSubstr("Cancelled"));
  EXPECT_THAT(connection->sent(), ElementsAre("error 7"));
  table.cancel(7);
  EXPECT_EQ(connection->sent().size(), 1u);
}

TEST_F(IncomingTest, ACancelThatIsFasterThanTheFutureReachesItToo) {
  incoming(7)->run_handler(Place::kHandler);
  table.cancel(7);
  Promise<Value> promise;
  const Future<Value> source = promise.future();
  handler.calls[0].reply_with(source);
  ASSERT_TRUE(source.ready());
  EXPECT_THAT(describe(source.error()), HasSubstr("Cancelled"));
}

TEST_F(IncomingTest, ACallThatIsCancelledBeforeItBeginsDoesNotRun) {
  const auto call = incoming(7);
  table.cancel(7);
  call->run_handler(Place::kHandler);
  EXPECT_THAT(handler.calls, IsEmpty());
}

TEST_F(IncomingTest, ACallWhoseTimeIsOverBeforeAHandlerIsFreeDoesNotRunAndIsNotAnswered) {
  KeptTasks handlers;
  services->blocking = &handlers;
  const auto in = [&](std::chrono::milliseconds time, uint64_t id) {
    auto call =
        detail::make_ref<IncomingState>(services, table, caller, id, Target::kForeign, Clock::now() + time);
    call->name = "f";
    return call;
  };
  in(std::chrono::milliseconds(0), 7)->run_handler(Place::kHandler);
  in(std::chrono::hours(1), 8)->run_handler(Place::kHandler);
  EXPECT_EQ(table.running(), 2u);
  handlers.run_all();  // a handler is free
  ASSERT_EQ(handler.calls.size(), 1u);
  EXPECT_EQ(table.running(), 1u);
  handler.calls[0].reply(Value(1));
  EXPECT_THAT(connection->sent(), ElementsAre("reply 8"));
}

TEST_F(IncomingTest, TheCallsOfAWorkerThatIsGoneAreCancelledAndNotCounted) {
  incoming(7)->run_handler(Place::kHandler);
  Promise<Value> promise;
  const Future<Value> source = promise.future();
  handler.calls[0].reply_with(source);
  table.cancel_all();
  table.cancel_all();
  EXPECT_TRUE(source.ready());
  EXPECT_EQ(table.running(), 0u);
  const auto late = incoming(8);
  EXPECT_TRUE(late->cancelled);
  EXPECT_EQ(table.running(), 0u);
  late->answer(Value());
}

TEST_F(IncomingTest, OfTwoCallsOfOneIdTheFirstStaysInTheTable) {
  const auto first = incoming(7);
  {
    const auto second = incoming(7);
    second->answer(Value(2));
  }
  EXPECT_EQ(table.running(), 1u);
  table.cancel(7);
  EXPECT_TRUE(first->cancelled);
  first->answer(Value(1));
  EXPECT_EQ(table.running(), 0u);
}

TEST_F(IncomingTest, ControlCallsAreNotCounted) {
  const auto call = incoming(7, Target::kControl);
  EXPECT_EQ(table.running(), 0u);
  const auto other = incoming(8);
  EXPECT_EQ(table.running(), 1u);
  call->answer(Value());
  EXPECT_EQ(table.running(), 1u);
  other->answer(Value());
  EXPECT_EQ(table.running(), 0u);
}

TEST_F(IncomingTest, ACallThatWaitsForAValueIsPlacedOnceThatIsThereAndFailsWithIt) {
  Promise<Value> good, bad;
  incoming(7)->place_after(good.future());
  incoming(8)->place_after(bad.future());
  EXPECT_THAT(services->placed, IsEmpty());
  good.set_value(Value(1));
  bad.set_error(make_error(ErrorKind::kValue, "no value"));
  ASSERT_EQ(services->placed.size(), 1u);
  EXPECT_EQ(services->placed[0]->id, 7u);
  EXPECT_THAT(connection->sent(), ElementsAre("error 8"));
  services->placed[0]->answer(Value());
  services->placed.clear();
}

TEST_F(IncomingTest, ALargeAnswerWaitsForRoomWithoutAThread) {
  auto list = detail::make_ref<List>();
  for (int i = 0; i < 4000; ++i) list->items.emplace_back(i);
  connection->full = true;
  incoming(7)->answer(Value(std::move(list)));
  EXPECT_THAT(connection->sent(), IsEmpty());
  EXPECT_EQ(table.running(), 1u);
  connection->make_room();
  EXPECT_THAT(connection->sent(), ElementsAre("reply 7"));
  EXPECT_EQ(table.running(), 0u);
}

TEST_F(IncomingTest, ItemsOfAStreamThatWereCopiedToBeSentWaitForRoomAsAnyLargeAnswer) {
  const Value pickle = detail::Ref<Foreign>(
      detail::make_ref<ForeignPayload>(std::vector<std::byte>(6'000), std::vector<Value>()));
  connection->full = true;
  incoming(7, Target::kNext)->answer(make_stream_answer({pickle}));
  EXPECT_THAT(connection->sent(), ElementsAre("reply 7")) << "a little answer goes beyond the bound";
  incoming(8, Target::kNext)->answer(make_stream_answer({pickle, pickle, pickle}));
  EXPECT_EQ(connection->sent().size(), 1u);
  connection->make_room();
  EXPECT_THAT(connection->sent(), ElementsAre("reply 7", "reply 8"));
}

class NoFetcher final : public Fetcher {
 public:
  Future<Value> fetch(const Reference&, TimePoint) override { return {}; }
  Future<Value> next_items(const Reference&, std::string, int64_t, TimePoint) override { return {}; }
  TimePoint deadline_after(Seconds) const override { return kNoDeadline; }
};

// What the value of a future is encoded to is for the language of the caller, or for all.
class Speller final : public ForeignCodec {
 public:
  class Word final : public Foreign {
   public:
    std::string type_name() const override { return "Word"; }
    std::string repr() const override { return "Word"; }
  };
  Value encode(const Value&, bool for_all) override {
    asked.push_back(for_all);
    if (for_all) return Value("a word");
    return detail::Ref<Foreign>(
        detail::make_ref<ForeignPayload>(std::vector<std::byte>(large), std::vector<Value>()));
  }
  bool owns(const std::exception_ptr&) const noexcept override { return false; }
  ErrorBody encode_error(const std::exception_ptr& error) override { return ErrorBody::of(error); }
  size_t large = 9;
  std::vector<bool> asked;
};

TEST_F(IncomingTest, WhatARegisteredFunctionAnswersIsEncodedForWorkersOfEveryLanguageAlsoBehindAnRRef) {
  Speller codec;
  NoFetcher nobody_fetches;
  const std::shared_ptr<void> life = std::make_shared<int>();
  references.share(life, nobody_fetches);
  world.fill({detail::make_ref<Peer>(WorkerInfo{"w0", 0}, 100, true,
                                     Peer::Options{.max_calls = 8, .pool = &told, .callbacks = &told},
                                     static_cast<Peer::Events&>(nobody)),
              caller});
  services->codec = &codec;
  const auto word = [] { return Value(detail::Ref<Foreign>(detail::make_ref<Speller::Word>())); };
  incoming(7, Target::kForeign)->answer_with(make_ready(word()), true);
  incoming(8, Target::kServed)->answer_with(make_ready(word()), true);
  EXPECT_THAT(codec.asked, ElementsAre(false, true));
  for (const Target target : {Target::kForeign, Target::kServed}) {
    const auto entry = references.create({0, 100, 101, static_cast<uint64_t>(target)}, 1);
    const auto creation = incoming(9, target);
    creation->creates = entry;
    creation->answer(word());
    const auto fetch = incoming(10, Target::kFetch);
    fetch->args.emplace_back(detail::Ref<RRefObject>(references.own(entry)));
    fetch->answer_with(entry->future(), false);
  }
  EXPECT_THAT(codec.asked, ElementsAre(false, true, false, true));
  EXPECT_THAT(connection->sent(),
              ElementsAre("reply 7", "reply 8", "reply 9", "reply 10", "reply 9", "reply 10"));
}

TEST_F(IncomingTest, AnAnswerThatItsLanguageHasEncodedWaitsForRoomToo) {
  Speller codec;
  codec.large = 100'000;
  services->codec = &codec;
  connection->full = true;
  incoming(7)->answer(detail::Ref<Foreign>(detail::make_ref<Speller::Word>()));
  EXPECT_EQ(codec.asked.size(), 1u);
  EXPECT_THAT(connection->sent(), IsEmpty());
  connection->make_room();
  EXPECT_THAT(connection->sent(), ElementsAre("reply 7"));
}

}  // namespace
}  // namespace tine::rpc
