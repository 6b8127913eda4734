#include "src/rpc/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "src/rpc/world_for_tests.h"
#include "src/value/cost.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::foreign;
using ::testing::HasSubstr;
using testing::name_of;
using testing::numbers;
using testing::Over;
using testing::talk;
using testing::World;

TimePoint in(std::chrono::nanoseconds t) { return Clock::now() + t; }

template <class E>
std::string thrown(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& e) {
    return e.message();
  } catch (const std::exception& e) {
    return std::string("another error: ") + e.what();
  }
  return "nothing was thrown";
}

// Unix sockets, and TCP.
class Calls : public ::testing::TestWithParam<Over> {
 protected:
  World::Change change() {
    return [over = GetParam()](int, AgentOptions& o) { talk(o, over); };
  }
};
INSTANTIATE_TEST_SUITE_P(Agent, Calls,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(Calls, ABuiltinRunsOnTheOtherWorker) {
  World world(2, change());
  EXPECT_THAT(numbers(world[0].call(1, testing::add({1, 2}, {3, 4})).get()), ElementsAre(4, 6));
  EXPECT_THAT(numbers(world[1].call(0, testing::add({1}, {1})).get()), ElementsAre(2));
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {41})).get().to_int(), 42);
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {41}, {{"b", 2}})).get().to_int(), 43);
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::long", {5})).get().to_int(), 5);
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
}

TEST_P(Calls, ALargeTensorComesBackAsItWas) {
  World world(2, change());
  std::vector<float> v(1 << 20);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i);
  EXPECT_EQ(numbers(world[0].call(1, CallRequest::builtin("test::same", {testing::floats(v)})).get()), v);
}

TEST_P(Calls, EveryKindOfValueTravels) {
  World world(2, change());
  auto dict = detail::make_ref<Dict>();
  dict->set("k", detail::make_ref<Tuple>(std::vector<Value>{1, 2.5, true, Value(), "text"}));
  dict->set(7, detail::make_ref<List>(std::vector<Value>{testing::floats({1, 2})}));
  const Value back = world[0].call(1, CallRequest::builtin("test::any", {dict})).get();
  EXPECT_EQ(back.repr(), Value(dict).repr());
}

TEST_P(Calls, AnErrorKeepsItsKindAndNamesTheWorker) {
  World world(2, change());
  for (const char* kind : {"TypeError", "IndexError", "ShapeError", "ZeroDivisionError"}) {
    const auto error = world[0].call(1, CallRequest::builtin("test::fail", {kind})).error();
    try {
      std::rethrow_exception(error);
    } catch (const Error& e) {
      EXPECT_EQ(name_of(e.kind()), kind);
      EXPECT_EQ(e.message(), "as asked");
      ASSERT_FALSE(e.trail().empty());
      EXPECT_EQ(e.trail().back().what, "w1");
    }
  }
}

TEST_P(Calls, AnUnknownOperatorFailsTheCallAlone) {
  World world(2, change());
  EXPECT_TRUE(world[0].call(1, CallRequest::builtin("test::nothing", {})).error());
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
}

TEST_P(Calls, AForeignCallGetsItsBytesAndLeaves) {
  World world(2, change());
  world.handlers(1).on["f"] = [](IncomingCall call) {
    const ForeignPayload* p = ForeignPayload::in(call.args().at(0));
    EXPECT_EQ(p->bytes().size(), 3U);
    EXPECT_EQ(call.caller().name, "w0");
    call.reply(
        detail::Ref<Foreign>(detail::make_ref<ForeignPayload>(std::vector<std::byte>(5), p->leaves())));
  };
  const Value answer = world[0].call(1, foreign("f", {testing::floats({1, 2}), 5})).get();
  const ForeignPayload* p = ForeignPayload::in(answer);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->bytes().size(), 5U);
  ASSERT_EQ(p->leaves().size(), 2U);
  EXPECT_THAT(numbers(p->leaves()[0]), ElementsAre(1, 2));
  EXPECT_EQ(p->leaves()[1].to_int(), 5);
}

TEST_P(Calls, AThousandCallsInFlightAreAllAnswered) {
  World world(3, change());
  std::vector<Future<Value>> answers;
  for (int i = 0; i < 1000; ++i)
    answers.push_back(world[0].call(1 + i % 2, CallRequest::builtin("test::plus", {i})));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(answers[static_cast<size_t>(i)].get().to_int(), i + 1);
}

TEST_P(Calls, ManyThreadsMayCallAtTheSameTime) {
  World world(2, change());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&world, t] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(world[t % 2].call(1 - t % 2, CallRequest::builtin("test::plus", {i})).get().to_int(),
                  i + 1);
      }
    });
  }
  for (auto& t : threads) t.join();
}

TEST(Agent, ACallToItselfTakesTheSameWay) {
  World world(1);
  EXPECT_THAT(numbers(world[0].call(0, testing::add({1}, {2})).get()), ElementsAre(3));
  world.handlers(0).on["f"] = [](IncomingCall call) { call.reply(call.args().at(0)); };
  EXPECT_TRUE(ForeignPayload::in(world[0].call(0, foreign("f")).get()));
  world.handlers(0).on["s"] = [](IncomingCall call) { call.reply(call.args().at(0)); };
  const Tensor t = testing::floats({1, 2});
  const Value same = world[0].call(0, CallRequest::script("s", nullptr, {t})).get();
  EXPECT_TRUE(same.to_tensor().shares_storage_with(t));
  EXPECT_THAT(describe(world[0].call(0, CallRequest::builtin("test::fail", {"KeyError"})).error()),
              HasSubstr("KeyError"));
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
}

TEST(Agent, AFutureIsRefusedOnEveryWay) {
  World world(2);
  Promise<Value> promise;
  const Value future(promise.future());
  const Value inside(detail::make_ref<List>(std::vector<Value>{1, future}));
  for (const int to : {0, 1}) {
    for (const Value& v : {future, inside}) {
      EXPECT_THAT(thrown<Error>([&] { (void)world[0].call(to, CallRequest::builtin("test::any", {v})); }),
                  HasSubstr("Can not pickle torch.futures.Future"));
    }
    world.handlers(to).on["f"] = [inside](IncomingCall call) { call.reply(inside); };
    EXPECT_THAT(describe(world[0].call(to, foreign("f")).error()),
                HasSubstr("Can not pickle torch.futures.Future"));
    const auto kept = world[0].remote(to, foreign("f"), kNoDeadline);
    EXPECT_THAT(describe(kept->to_here(in(seconds(10))).error()),
                HasSubstr("Can not pickle torch.futures.Future"));
    EXPECT_TRUE(kept->confirmed().error());  // the creation's own answer may come after that of the fetch
  }
  EXPECT_EQ(world[0].counts().calls_pending, 0U);
}

TEST(Agent, ADeadlineFailsTheCallNamingWorkerCallAndTime) {
  std::optional<IncomingCall> kept;
  std::mutex mutex;
  World world(2);
  world.handlers(1).on["never"] = [&](IncomingCall call) {
    const std::lock_guard lock(mutex);
    kept.emplace(std::move(call));
  };
  const auto answer = world[0].call(1, foreign("never"), in(milliseconds(50)));
  const std::string text = describe(answer.error());
  EXPECT_THAT(text, HasSubstr("DeadlineExceeded"));
  EXPECT_THAT(text, HasSubstr("RPC ran for more than its timeout"));
  EXPECT_THAT(text, HasSubstr("'w1'"));
  EXPECT_THAT(text, HasSubstr("never"));
  EXPECT_EQ(world[0].counts().calls_pending, 0U);
  // A call to oneself, too.
  world.handlers(0).on["never"] = world.handlers(1).on["never"];
  EXPECT_THAT(describe(world[0].call(0, foreign("never"), in(milliseconds(50))).error()),
              HasSubstr("DeadlineExceeded"));
  const std::lock_guard lock(mutex);
  kept.reset();
}

TEST(Agent, ALateAnswerHarmsNobody) {
  std::latch timed_out(1);
  std::atomic<int> begun{0}, answered{0};
  World world(2);
  world.handlers(1).on["late"] = [&](IncomingCall call) {
    ++begun;
    timed_out.wait();
    call.reply(1);
    ++answered;
  };
  // On a busy machine a call may not have begun by its deadline: then it does not begin at all.
  for (auto time = milliseconds(20); begun == 0; time *= 2)
    EXPECT_TRUE(world[0].call(1, foreign("late"), in(time)).error());
  timed_out.count_down();
  EXPECT_TRUE(eventually([&] { return answered == begun; }));
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
}

TEST(Agent, CancellingACallCancelsTheFutureItsAnswerComesFrom) {
  std::latch running(1);
  World world(2);
  Promise<Value> promise;
  const Future<Value> source = promise.future();
  world.handlers(1).on["wait"] = [&](IncomingCall call) {
    call.reply_with(source);
    running.count_down();
  };
  const auto answer = world[0].call(1, foreign("wait"));
  running.wait();
  EXPECT_TRUE(answer.cancel());
  EXPECT_THAT(describe(source.error()), HasSubstr("Cancelled"));
  EXPECT_EQ(world[0].counts().calls_pending, 0U);
}

TEST(Agent, AnAnswerMayComeFromAFutureWithoutHoldingAThread) {
  std::atomic<size_t> next{0};
  std::latch all(100);
  World world(2, {}, 1);
  std::vector<Promise<Value>> promises(100);
  world.handlers(1).on["pause"] = [&](IncomingCall call) {
    call.reply_with(promises[next++].future());
    all.count_down();
  };
  std::vector<Future<Value>> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(world[0].call(1, foreign("pause")));
  all.wait();
  for (size_t i = 0; i < promises.size(); ++i) promises[i].set_value(static_cast<int64_t>(i));
  int64_t sum = 0;
  for (auto& a : answers) sum += a.get().to_int();
  EXPECT_EQ(sum, 4950);
}

TEST(Agent, ACallbackMayMakeABlockingCall) {
  World world(2);
  const auto chained = world[0].call(1, CallRequest::builtin("test::plus", {1})).then([&](Future<Value> f) {
    return Value(world[0].call(1, CallRequest::builtin("test::plus", {f.get()})).get());
  });
  EXPECT_EQ(chained.get().to_int(), 3);
}

TEST(Agent, HandlersMayCallBackToTheirCaller) {
  World world(2);
  world.handlers(0).on["inner"] = [](IncomingCall call) { call.reply(5); };
  world.handlers(1).on["outer"] = [&](IncomingCall call) {
    call.reply(world[1].call(0, foreign("inner")).get());
  };
  EXPECT_EQ(world[0].call(1, foreign("outer")).get().to_int(), 5);
}

TEST(Agent, AHandlerThatBlocksInEveryThreadStopsNoBuiltin) {
  std::latch blocked(2), go(1);
  World world(2);
  world.handlers(1).on["block"] = [&](IncomingCall call) {
    blocked.count_down();
    go.wait();
    call.reply(1);
  };
  const auto a = world[0].call(1, foreign("block")), b = world[0].call(1, foreign("block"));
  blocked.wait();
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {i})).get().to_int(), i + 1);
  go.count_down();
  EXPECT_EQ(a.get().to_int() + b.get().to_int(), 2);
}

TEST(Agent, ASecondAnswerIsIgnored) {
  std::latch answered(1);
  World world(2);
  std::vector<Promise<Value>> promises(2);
  world.handlers(1).on["twice"] = [&](IncomingCall call) {
    call.reply_with(promises[0].future());
    // Before the first future is done.
    call.reply_with(promises[1].future());
    call.reply(3);
    call.fail(make_error(ErrorKind::kValue, "no"));
    answered.count_down();
  };
  const auto answer = world[0].call(1, foreign("twice"));
  answered.wait();
  promises[1].set_value(2);
  EXPECT_FALSE(answer.ready());
  promises[0].set_value(1);
  EXPECT_EQ(answer.get().to_int(), 1);
  // The connection is as it was.
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
}

TEST(Agent, ACallThatIsRefusedAsItBeginsIsAnsweredOnce) {
  World world(2);
  // The creation is there, the operator is not.
  const auto r = world[0].remote(1, CallRequest::builtin("test::nothing", {}), in(seconds(10)));
  EXPECT_THAT(describe(r->to_here(in(seconds(10))).error()), HasSubstr("test::nothing"));
  EXPECT_THAT(describe(r->confirmed().error()), HasSubstr("test::nothing"));
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
}

TEST(Agent, ACallWhoseTimeIsOverBeforeItBeginsIsNotDoneAndSaysWorkerCallAndTime) {
  std::latch blocked(1), go(1);
  std::atomic<int> ran{0};
  World world(2, {}, 1);
  world.handlers(1).on["block"] = [&](IncomingCall call) {
    blocked.count_down();
    go.wait();
    call.reply(1);
  };
  world.handlers(1).on["late"] = [&](IncomingCall call) {
    ++ran;
    call.reply(1);
  };
  const auto first = world[0].call(1, foreign("block"));
  blocked.wait();
  std::vector<Future<Value>> late;
  for (int i = 0; i < 200; ++i)
    late.push_back(world[0].call(1, foreign("late"), in(milliseconds(1 + i % 5))));
  go.count_down();
  for (auto& l : late) {
    if (!l.error()) continue;
    for (const char* part : {"RPC ran for more than its timeout", "'w1'", "late", " s"})
      EXPECT_THAT(describe(l.error()), HasSubstr(part));
  }
  EXPECT_EQ(first.get().to_int(), 1);
}

TEST(Agent, AHandlerThatDropsItsCallAnswersAbandoned) {
  World world(2);
  world.handlers(1).on["drop"] = [](IncomingCall) {};
  EXPECT_THAT(describe(world[0].call(1, foreign("drop")).error()), HasSubstr("Abandoned"));
  EXPECT_THAT(describe(world[0].call(1, foreign("unknown")).error()), HasSubstr("NameError"));
}

TEST(Agent, AnErrorThatIsTooLongToTravelArrivesCut) {
  World world(2);
  world.handlers(1).on["long"] = [](IncomingCall call) {
    call.fail(make_error(ErrorKind::kKey, "first words" + std::string(kMaxBodyBytes, 'x')));
  };
  const std::string text = describe(world[0].call(1, foreign("long")).error());
  EXPECT_THAT(text, HasSubstr("KeyError: first words"));
  EXPECT_LT(text.size(), 100000U);
}

TEST(Agent, AnUnknownWorkerIsRefusedByTheKnownNames) {
  World world(2);
  EXPECT_EQ(world[0].worker_info("w1").id, 1);
  const std::string text = thrown<ValueError>([&] { (void)world[0].worker_info("nobody"); });
  EXPECT_THAT(text, HasSubstr("'nobody'"));
  EXPECT_THAT(text, HasSubstr("'w0', 'w1'"));
}

TEST(Agent, AtTheLimitOfCallsInFlightCallersWait) {
  std::latch go(1);
  World world(2, [](int, AgentOptions& o) { o.max_calls_in_flight = 2; });
  world.handlers(1).on["block"] = [&](IncomingCall call) {
    go.wait();
    call.reply(1);
  };
  std::vector<Future<Value>> answers;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(world[0].has_room(1));
    answers.push_back(world[0].call(1, foreign("block")));
  }
  EXPECT_FALSE(world[0].has_room(1));
  EXPECT_TRUE(world[0].has_room(0));  // oneself has no such limit
  const Future<void> room = world[0].room(1);
  EXPECT_FALSE(room.ready());
  // Not for longer than the call itself would last, nor when interrupted.
  world[0].wait_for_room(1, in(milliseconds(20)));
  EXPECT_THROW(world[0].wait_for_room(1, kNoDeadline, [] { return true; }), Cancelled);
  // A caller that cannot wait goes beyond the bound, and nothing fails.
  answers.push_back(world[0].call(1, foreign("block")));
  go.count_down();
  world[0].wait_for_room(1, kNoDeadline);
  room.wait();
  for (auto& a : answers) EXPECT_EQ(a.get().to_int(), 1);
}

TEST(Agent, NobodyWaitsForRoomAtADeadWorker) {
  std::latch go(1);
  World world(2, [](int, AgentOptions& o) { o.max_calls_in_flight = 1; });
  world.handlers(1).on["block"] = [&](IncomingCall) { go.wait(); };
  const auto pending = world[0].call(1, foreign("block"));
  EXPECT_FALSE(world[0].has_room(1));
  const Future<void> room = world[0].room(1);
  world[1].shutdown(false);
  room.wait();
  world[0].wait_for_room(1, kNoDeadline);
  EXPECT_THAT(describe(pending.error()), HasSubstr("PeerDied"));
  go.count_down();
}

TEST(Agent, ScriptCodeTravelsUntilTheWorkerHasAnswered) {
  std::mutex mutex;
  std::latch go(1);
  World world(2);
  std::vector<std::string> texts;
  world.handlers(1).on["mod.f"] = [&](IncomingCall call) {
    EXPECT_EQ(call.code_hash(), "hash");
    {
      const std::lock_guard lock(mutex);
      texts.push_back(call.code_text());
    }
    if (call.args().at(0).to_int() == 0) go.wait();
    call.reply(call.args().at(0));
  };
  const auto code = std::make_shared<const ScriptCode>(ScriptCode{"hash", "graph()"});
  // As long as none has been answered the worker may not have it: with whichever begins first it comes.
  const auto first = world[0].call(1, CallRequest::script("mod.f", code, {0}));
  const auto second = world[0].call(1, CallRequest::script("mod.f", code, {1}));
  go.count_down();
  (void)first.get();
  (void)second.get();
  for (int i = 2; i < 4; ++i) (void)world[0].call(1, CallRequest::script("mod.f", code, {i})).get();
  EXPECT_THAT(texts, ElementsAre("graph()", "graph()", "", ""));
}

// A codec whose foreign objects are numbers.
class Thing final : public Foreign {
 public:
  explicit Thing(int v) : value(v) {}
  std::string type_name() const override { return "Thing"; }
  std::string repr() const override { return "Thing"; }
  const int value;
};
struct ThingError {};
class ThingCodec final : public ForeignCodec {
 public:
  detail::Ref<ForeignPayload> encode(const Value& value) override {
    const auto n = static_cast<size_t>(static_cast<const Thing&>(value.as_foreign()).value);
    if (n == 0) throw ThingError();
    return detail::make_ref<ForeignPayload>(std::vector<std::byte>(n), std::vector<Value>());
  }
  bool owns(const std::exception_ptr& error) const noexcept override {
    try {
      std::rethrow_exception(error);
    } catch (const ThingError&) {
      return true;
    } catch (...) {
      return false;
    }
  }
  ErrorBody encode_error(const std::exception_ptr&) override {
    ErrorBody body;
    body.kind = "ValueError";
    body.message = "thing";
    body.module = "things";
    body.qualname = "ThingError";
    body.traceback = "in thing.py";
    body.pickled.assign(4, std::byte{1});
    return body;
  }
};

TEST(Agent, ForeignResultsAreEncodedByTheirLanguage) {
  ThingCodec codec;
  World world(3, [&](int, AgentOptions& o) { o.codec = &codec; });
  world.handlers(1).on["thing"] = [](IncomingCall call) {
    call.reply(detail::Ref<Foreign>(detail::make_ref<Thing>(9)));
  };
  const Value answer = world[0].call(1, foreign("thing")).get();
  ASSERT_TRUE(ForeignPayload::in(answer));
  EXPECT_EQ(ForeignPayload::in(answer)->bytes().size(), 9U);
  // As an argument of an operator there is nobody to encode it.
  EXPECT_THAT(thrown<TypeError>([&] {
                (void)world[0].call(
                    1, CallRequest::builtin("test::any", {detail::Ref<Foreign>(detail::make_ref<Thing>(1))}));
              }),
              HasSubstr("Thing"));
  // Also its errors: raised, while encoding, and passed through a third worker unread.
  world.handlers(1).on["raise"] = [](IncomingCall) { throw ThingError(); };
  world.handlers(1).on["bad"] = [](IncomingCall call) {
    call.reply(detail::Ref<Foreign>(detail::make_ref<Thing>(0)));
  };
  world.handlers(2).on["through"] = [&](IncomingCall call) {
    call.reply_with(world[2].call(1, foreign("raise")));
  };
  for (const auto& [to, name] : {std::pair{1, "raise"}, {1, "bad"}, {2, "through"}}) {
    const auto error = world[0].call(to, foreign(name)).error();
    ASSERT_TRUE(error);
    try {
      std::rethrow_exception(error);
    } catch (const RemoteException& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kValue);
      EXPECT_EQ(e.body().qualname, "ThingError");
      EXPECT_EQ(e.body().pickled.size(), 4U);
      EXPECT_EQ(e.trail().size(), to == 1 ? 1U : 2U);
    } catch (...) {
      FAIL() << describe(error);
    }
  }
}

TEST(Agent, AThreadThatLingersForOneCallerGivesWayToACallOfAnother) {
  World world(
      3, [](int, AgentOptions& o) { testing::talk(o, testing::Over::kShm); }, 1);
  world.handlers(0).on["f"] = [](IncomingCall call) { call.reply(Value(1)); };
  std::atomic<bool> stop{false};
  std::thread one([&] {
    while (!stop) (void)world[1].call(0, foreign("f"), in(seconds(60))).get();
  });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(world[2].call(0, foreign("f"), in(seconds(60))).get().to_int(), 1);
  stop = true;
  one.join();
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
}

// Has no thread for anybody.
class Refusing final : public Executor {
 public:
  void post(Task& task) noexcept override {
    task.refuse(make_error(ErrorKind::kRuntime, "no thread to give"));
  }
};

TEST(Agent, AnAnswerThatNobodyEncodesIsAnError) {
  ThingCodec codec;
  Refusing refusing;
  World world(2, [&](int rank, AgentOptions& o) {
    o.codec = &codec;
    if (rank == 1) o.callbacks = &refusing;
  });
  const Value thing = detail::Ref<Foreign>(detail::make_ref<Thing>(9));
  world.handlers(1).on["thing"] = [&](IncomingCall call) { call.reply(thing); };
  world.handlers(1).on["raise"] = [](IncomingCall) { throw ThingError(); };
  for (const int from : {0, 1}) {
    for (const char* const name : {"thing", "raise"}) {
      if (from == 1 && name[0] == 'r') continue;  // its own error is the object
      const Future<Value> answer = world[from].call(1, foreign(name), in(seconds(10)));
      EXPECT_THAT(describe(answer.error()), HasSubstr("no thread to give"));
    }
  }
  EXPECT_TRUE(eventually([&] { return world[1].counts().calls_running == 0; }));
}

TEST(Agent, CallsForTheHandlerAreHeldUntilTheAgentIsOpened) {
  std::atomic<bool> called{false};
  World world(2, [&](int rank, AgentOptions& o) { o.hold_calls = rank == 1; });
  world.handlers(1).on["early"] = [&](IncomingCall call) {
    called.store(true);
    call.reply(7);
  };
  const Future<Value> early = world[0].call(1, foreign("early"));
  // The connection works, and what came behind the held call is answered.
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1, 2})).get().to_int(), 3);
  EXPECT_FALSE(called.load());
  world[1].open();
  EXPECT_EQ(early.get().to_int(), 7);
}

TEST(Agent, HeldCallsOfAnAgentThatEndsAreAnsweredAndNothingKeepsThem) {
  World world(2, [&](int rank, AgentOptions& o) { o.hold_calls = rank == 1; });
  const Future<Value> held = world[0].call(1, foreign("f"));
  EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {1, 2})).get().to_int(), 3);
  world[1].shutdown(false);
  EXPECT_TRUE(held.error());
}

// Each of them goes to a place where it holds nothing up: the thread that reads answers small calls meanwhile.
TEST(Agent, WhatHasNoShortBoundNeverHoldsTheReader) {
  std::latch go(1);
  static std::latch* gate = nullptr;
  gate = &go;
  World world(2);
  world.workers[1]->ops.add("test::stop(int a) -> int",
                            [](OpContext&, const Value* a) {
                              gate->wait();
                              return a[0];
                            },
                            {.cost = cost::kNoBound});
  for (const char* name : {"foreign", "first"}) {
    world.handlers(1).on[name] = [&](IncomingCall call) {
      go.wait();
      call.reply(0);
    };
  }
  std::vector<Future<Value>> stopped;
  stopped.push_back(world[0].call(1, CallRequest::builtin("test::stop", {0}), kNoDeadline));
  stopped.push_back(world[0].call(1, foreign("foreign"), kNoDeadline));
  // A script that brings its code: to compile it takes as long as it takes.
  const auto code = std::make_shared<const ScriptCode>(ScriptCode{"hash", "graph()"});
  stopped.push_back(world[0].call(1, CallRequest::script("first", code, {}), kNoDeadline));
  const auto callback =
      world[1].call(0, CallRequest::builtin("test::plus", {1})).then([&](Future<Value>) { go.wait(); });
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(world[0].call(1, CallRequest::builtin("test::plus", {i})).get().to_int(), i + 1);
    EXPECT_EQ(world[1].call(0, CallRequest::builtin("test::plus", {i})).get().to_int(), i + 1);
  }
  go.count_down();
  for (auto& s : stopped) EXPECT_EQ(s.get().to_int(), 0);
  callback.wait();
}

TEST(Agent, UsersCallbacksDoNotRunOnTheThreadThatReads) {
  std::latch go(1);
  World world(2);
  world.handlers(1).on["f"] = [&](IncomingCall call) {
    go.wait();
    call.reply(1);
  };
  const auto first = world[0].call(1, foreign("f"));
  const auto then = first.then([&](Future<Value>) {
    // Would hang for ever if this thread were the one that has to read the answer.
    return world[0].call(1, CallRequest::builtin("test::plus", {1})).get().to_int();
  });
  go.count_down();
  EXPECT_EQ(then.get(), 2);
}

}  // namespace
}  // namespace tine::rpc
