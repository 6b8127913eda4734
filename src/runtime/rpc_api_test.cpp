// include/tine/rpc.h as a C++ program uses it: two workers in one process, each of a Runtime of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <latch>
#include <thread>

#include "src/runtime/rpc.h"
#include "src/runtime/workers_for_tests.h"
#include "tine/context.h"
#include "tine/foreign.h"
#include "tine/fork.h"
#include "tine/operators.h"
#include "tine/rpc.h"
#include "tine/runtime.h"
#include "tine/timer.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

using testing::floats;
using ::testing::HasSubstr;
using testing::numbers;
using testing::options;
using testing::Workers;

TEST_F(Workers, KnowThemselvesAndEachOther) {
  EXPECT_FALSE(caller().joined());
  join();
  EXPECT_TRUE(caller().joined());
  EXPECT_EQ(caller().self(), (WorkerInfo{"w0", 0}));
  EXPECT_THAT(callee().workers(), ElementsAre(WorkerInfo{"w0", 0}, WorkerInfo{"w1", 1}));
  EXPECT_EQ(caller().info("w1").id, 1);
  EXPECT_EQ(caller().info(1).name, "w1");
  EXPECT_EQ(caller().info(WorkerInfo{"w1", 1}).id, 1);
  EXPECT_THAT(refusal([&] { (void)caller().info("w9"); }), HasSubstr("w0"));
}

TEST_F(Workers, CallAnOperatorByNameWithConversionsAndKeywords) {
  join();
  for (const char* to : {"w0", "w1"}) {
    EXPECT_THAT(numbers(caller().call(to, "aten::add", floats({1, 2}), floats({3, 4})).get()),
                ElementsAre(4, 6));
    EXPECT_THAT(numbers(caller().call(to, "aten::add", floats({1, 2}), 1, Keyword("alpha", 2)).get()),
                ElementsAre(3, 4));
  }
  EXPECT_EQ(caller().call(1, "aten::numel", floats({1, 2, 3})).get().to_int(), 3);
}

TEST_F(Workers, ArgumentsThatNoOverloadTakesAreAnErrorOfTheCallItself) {
  join();
  EXPECT_THAT(refusal([&] { (void)caller().call("w1", "aten::add", "a"); }),
              HasSubstr("TypeError: Overloaded"));
  EXPECT_THAT(refusal([&] { (void)caller().call("w1", "aten::add", make_ready(Value(1)), 1); }),
              HasSubstr("holds a Future"));
  EXPECT_THAT(refusal([&] { (void)caller().remote("w1", "aten::add", "a"); }),
              HasSubstr("TypeError: Overloaded"));
}

TEST_F(Workers, CallsGoToWorkersThatAreThere) {
  join();
  EXPECT_THAT(refusal([&] { (void)caller().call("w7", "aten::add", 1, 2); }),
              HasSubstr("ValueError: could not find destination"));
  EXPECT_THAT(refusal([&] { (void)caller().call(7, "aten::add", 1, 2); }),
              HasSubstr("ValueError: could not find destination"));
  EXPECT_THAT(refusal([&] { (void)caller().call(To(Value(1.5)), "aten::add", 1, 2); }),
              HasSubstr("TypeError: to: expected a worker's name, rank or WorkerInfo, got float"));
  EXPECT_THAT(
      refusal([&] {
        (void)caller().call({.to = "w1", .name = "aten::add", .args = {1, 2}, .timeout = Seconds(NAN)});
      }),
      HasSubstr("ValueError: timeout"));
}

TEST_F(Workers, AServedFunctionGetsItsParametersByTheirTypes) {
  callee().serve("scale",
                 [](Tensor x, double by) { return Runtime::instance().ops().call("aten::mul", x, by); });
  callee().serve("join", [](const std::string& a, const std::vector<int64_t>& b, bool c) {
    return a + std::to_string(b.at(1)) + (c ? "yes" : "no");
  });
  callee().serve("nothing", [] {});
  join();
  EXPECT_THAT(numbers(caller().call("w1", "scale", floats({1, 2}), 3).get()), ElementsAre(3, 6));
  EXPECT_EQ(caller().call("w1", "join", "a", std::vector{1, 2}, true).get().to_string(), "a2yes");
  EXPECT_TRUE(caller().call("w1", "nothing").get().is_none());
}

TEST_F(Workers, AServedFunctionRefusesArgumentsOfOtherTypesAndNumbers) {
  callee().serve("half", [](double x) { return x / 2; });
  join();
  EXPECT_THAT(describe(caller().call("w1", "half", "text").error()),
              HasSubstr("TypeError: half(): argument 1: "));
  EXPECT_THAT(describe(caller().call("w1", "half", 1, 2).error()),
              HasSubstr("TypeError: half() takes 1 argument, got 2"));
  EXPECT_THAT(describe(caller().call("w1", "half").error()),
              HasSubstr("TypeError: half() takes 1 argument, got 0"));
  EXPECT_THAT(describe(caller().call("w1", "half", Keyword("x", 1)).error()),
              HasSubstr("half() takes no arguments by name, got 'x'"));
}

TEST_F(Workers, AFunctionServedAsOfAnInvocationSeesAllOfTheCall) {
  callee().serve("all", [](const Invocation& call) {
    return call.caller.name + " " + call.name + " " + std::to_string(call.args.size()) + " " +
           call.kwargs.at(0).first;
  });
  join();
  EXPECT_EQ(caller().call("w1", "all", 1, 2, Keyword("k", 3)).get().to_string(), "w0 all 2 k");
}

TEST_F(Workers, AServedFunctionMayAnswerByAFuture) {
  Promise<int> promise;
  callee().serve("later", [answer = promise.future()] { return answer; });
  callee().serve("done", [answer = promise.future()] { return answer.and_then([](int) {}); });
  callee().serve("never made", []() -> Future<Value> { return {}; });
  join();
  const Future<Value> later = caller().call("w1", "later");
  const Future<Value> here = callee().call("w1", "later");
  EXPECT_FALSE(later.wait_for(milliseconds(20)));
  promise.set_value(5);
  EXPECT_EQ(later.get().to_int(), 5);
  EXPECT_EQ(here.get().to_int(), 5);
  EXPECT_TRUE(caller().call("w1", "done").get().is_none());
  EXPECT_THAT(describe(caller().call("w1", "never made").error()), HasSubstr("TypeError: never made"));
}

TEST_F(Workers, AnErrorOfAServedFunctionKeepsItsKindAndTellsItsWay) {
  callee().serve("fail", [](bool later) -> Future<Value> {
    if (!later) throw KeyError("no such key");
    return make_failed<Value>(std::make_exception_ptr(IndexError("too far")));
  });
  callee().serve("odd", [] { throw 1; });
  join();
  for (Worker* const worker : {&caller(), &callee()}) {
    EXPECT_THROW((void)worker->call("w1", "fail", false).get(), KeyError);
    EXPECT_THROW((void)worker->call("w1", "fail", true).get(), IndexError);
  }
  try {
    (void)caller().call("w1", "fail", false).get();
  } catch (const Error& e) {
    ASSERT_FALSE(e.trail().empty());
    EXPECT_EQ(e.trail().back().kind, Hop::Kind::kWorker);
    EXPECT_EQ(e.trail().back().what, "w1");
  }
  EXPECT_THAT(describe(caller().call("w1", "odd").error()), HasSubstr("a type unknown to C++"));
}

TEST_F(Workers, ANameThatIsNotServedIsRefusedWithThoseThatAre) {
  callee().serve("one", [] { return 1; });
  join();
  EXPECT_THAT(describe(caller().call("w1", "two").error()),
              HasSubstr("NameError: this worker has no function \"two\": it serves \"one\""));
  EXPECT_THAT(describe(caller().call("w0", "two").error()), HasSubstr("it serves nothing"));
  EXPECT_THAT(describe(caller().call("w1", "mul", 1, 2).error()),
              HasSubstr("Did you mean the operator \"aten::mul\"?"));
  EXPECT_THAT(describe(caller().remote("w1", "two").to_here().error()), HasSubstr("NameError"));
  callee().stop_serving("one");
  callee().stop_serving("never served");
  EXPECT_THAT(describe(caller().call("w1", "one").error()), HasSubstr("it serves nothing"));
}

TEST_F(Workers, ANameIsServedOnceAndNotThatOfAnOperator) {
  callee().serve("one", [] { return 1; });
  EXPECT_THAT(refusal([&] { callee().serve("one", [] {}); }), HasSubstr("is served already"));
  EXPECT_THAT(refusal([&] { callee().serve("aten::add", [] {}); }), HasSubstr("is an operator"));
  EXPECT_THAT(refusal([&] { callee().serve("", [] {}); }), HasSubstr("got an empty text"));
  for (const char* const name : {"module:function", "a:", ":b"})
    EXPECT_THAT(refusal([&] { callee().serve(name, [] {}); }),
                HasSubstr("a name with one colon in it is that of a Python"));
  callee().serve("space::one", [] { return 1; });
}

TEST_F(Workers, ServedFunctionsBlockWithoutHoldingCallsUp) {
  std::latch& both = latch(2);
  callee().serve("meet", [&] { both.arrive_and_wait(); });
  join();
  const Future<Value> a = caller().call("w1", "meet"), b = caller().call("w1", "meet");
  EXPECT_EQ(caller().call("w1", "aten::numel", floats({1})).get().to_int(), 1);
  (void)a.get();
  (void)b.get();
}

TEST_F(Workers, RemoteKeepsTheResultAtItsOwner) {
  join();
  const RRef sum = caller().remote("w1", "aten::add", floats({1, 2}), floats({3, 4}));
  EXPECT_EQ(sum.owner().name, "w1");
  EXPECT_FALSE(sum.is_owner());
  EXPECT_THAT(numbers(sum.to_here().get()), ElementsAre(4, 6));
  EXPECT_FALSE(sum.confirmed().error());
  EXPECT_EQ(callee().counts().references_owned, 1U);
  EXPECT_THAT(refusal([&] { (void)sum.local_value(); }), HasSubstr("lives on worker 'w1'"));
  EXPECT_THAT(refusal([&] { (void)sum.to_here(Seconds(NAN)); }), HasSubstr("ValueError: timeout"));
}

TEST_F(Workers, RRefsAreArgumentsAndResults) {
  callee().serve("first of", [](const RRef<>& list) { return list.to_here().get().to_list().items.at(0); });
  callee().serve("own", [this](double x) { return callee().own(x); });
  callee().serve("same", [](RRef<> r) { return r; });
  callee().serve("home", [](const RRef<>& r) { return r.is_owner(); });
  join();
  const RRef list = caller().own(to_value(std::vector{7, 8}));
  EXPECT_TRUE(list.is_owner());
  EXPECT_EQ(list.local_value().get().to_list().items.size(), 2U);
  EXPECT_EQ(caller().call("w1", "first of", list).get().to_int(), 7);
  const RRef theirs = RRef<>::from(caller().call("w1", "own", 2.5).get());
  EXPECT_EQ(theirs.owner().name, "w1");
  EXPECT_EQ(theirs.to_here().get().to_float(), 2.5);
  EXPECT_TRUE(caller().call("w1", "home", theirs).get().to_bool());
  const RRef back = from_value<RRef<>>(caller().call("w1", "same", list).get());
  EXPECT_EQ(back, list);
  EXPECT_EQ(back.id(), list.id());
  EXPECT_FALSE(back == theirs);
  EXPECT_THAT(refusal([] { (void)RRef<>::from(Value(1)); }),
              HasSubstr("TypeError: expected an RRef, got int"));
  EXPECT_THAT(refusal([&] { (void)caller().own(make_ready(Value(1))); }), HasSubstr("holds a Future"));
}

TEST_F(Workers, ACallEndsAtItsOwnTimeout) {
  std::latch& go = latch(1);
  callee().serve("wait", [&] { go.wait(); });
  join(2, Seconds(0.05));
  EXPECT_EQ(caller().rpc_timeout(), Seconds(0.05));
  EXPECT_THROW((void)caller().call("w1", "wait").get(), DeadlineExceeded);  // the worker's
  caller().set_rpc_timeout(Seconds(600));
  EXPECT_THROW((void)caller().call({.to = "w1", .name = "wait", .timeout = Seconds(0.05)}).get(),
               DeadlineExceeded);
  EXPECT_THROW((void)caller().remote({.to = "w1", .name = "wait", .timeout = Seconds(0.05)}).to_here().get(),
               DeadlineExceeded);
  const Future<Value> unlimited = caller().call({.to = "w1", .name = "wait", .timeout = kNoTimeout});
  EXPECT_FALSE(unlimited.ready());
  go.count_down();
  EXPECT_TRUE(unlimited.get().is_none());
  EXPECT_THAT(refusal([&] { caller().set_rpc_timeout(Seconds(-1)); }), HasSubstr("ValueError: rpc_timeout"));
}

TEST_F(Workers, AContextEndsTheCallsThatAreMadeInItAndTheWorkThatTheyCaused) {
  std::latch &entered = latch(2), &told = latch(2);
  callee().serve("until stopped", [&] {
    const Context mine = Context::current();
    entered.count_down();
    while (!mine.stopped()) std::this_thread::sleep_for(milliseconds(1));
    told.count_down();
  });
  join();
  const CancelSource source;
  Future<Value> call, creation;
  {
    const ContextScope scope(Context().with_token(source.token()));
    call = caller().call("w1", "until stopped");
    creation = caller().remote("w1", "until stopped").confirmed();
  }
  entered.wait();
  source.cancel();
  EXPECT_THROW((void)call.get(), Cancelled);
  EXPECT_THROW((void)creation.get(), Cancelled);
  told.wait();
  EXPECT_TRUE(eventually([&] { return caller().counts().calls_pending == 0; }));
  // Work of a context that has stopped is not begun.
  const ContextScope scope(Context().with_token(source.token()));
  const Future<Value> late = caller().call("w1", "until stopped");
  EXPECT_TRUE(late.ready());
  EXPECT_EQ(caller().counts().calls_pending, 0U);
}

TEST_F(Workers, AContextsDeadlineReachesTheCalleeAndEndsTheCall) {
  callee().serve("time left", [] {
    const TimePoint deadline = Context::current().deadline();
    return deadline == kNoDeadline ? -1.0 : Seconds(deadline - Clock::now()).count();
  });
  std::latch& seen = latch(1);  // the error: the answer is not to overtake it
  callee().serve("until stopped", [&] {
    while (!Context::current().stopped()) std::this_thread::sleep_for(milliseconds(1));
    seen.wait();
  });
  join(2, kNoTimeout);
  EXPECT_EQ(caller().call("w1", "time left").get().to_float(), -1);
  Timer& timer = runtimes_[0].scheduler().timer();
  {
    const ContextScope scope(Context().with_timeout(timer, seconds(600)));
    const double left = caller().call("w1", "time left").get().to_float();
    EXPECT_GT(left, 1);
    EXPECT_LE(left, 600);
  }
  const ContextScope scope(Context().with_timeout(timer, milliseconds(50)));
  EXPECT_THROW((void)caller().call("w1", "until stopped").get(), DeadlineExceeded);
  seen.count_down();
  EXPECT_TRUE(eventually([&] { return callee().counts().calls_running == 0; }));
}

// However the Context ends, and whoever sees it first: the waiting thread, the Future or the look at the deadlines.
TEST_F(Workers, TheErrorOfACallWhoseContextEndedNamesTheCallAndTheWorker) {
  std::latch& seen = latch(1);  // the error: the answer is not to overtake it
  callee().serve("until stopped", [&] {
    while (!Context::current().stopped()) std::this_thread::sleep_for(milliseconds(1));
    seen.wait();
  });
  join(2, kNoTimeout);
  const auto named = ::testing::AllOf(HasSubstr("until stopped"), HasSubstr("worker 'w1'"));
  {
    const ContextScope scope(Context().with_timeout(runtimes_[0].scheduler().timer(), milliseconds(20)));
    const Future<Value> call = caller().call("w1", "until stopped");
    EXPECT_THAT(refusal([&] { return Future<Value>(call).get(); }), named);
    EXPECT_THAT(describe(call.error()), named);
    seen.count_down();
  }
  CancelSource source;
  const ContextScope scope(Context().with_token(source.token()));
  const Future<Value> call = caller().call("w1", "until stopped");
  ASSERT_TRUE(source.cancel());
  EXPECT_EQ(describe(call.error()), "Cancelled: the call of until stopped to worker 'w1' was cancelled");
  EXPECT_EQ(refusal([&] { return caller().call("w1", "until stopped").get(); }),
            "Cancelled: the call of until stopped to worker 'w1' was cancelled");
}

TEST_F(Workers, ACancelledFutureStopsTheServedFunctionAndWhatItCalls) {
  std::latch &entered = latch(1), &told = latch(1);
  callee().serve("deep", [&] {
    entered.count_down();
    while (!Context::current().stopped()) std::this_thread::sleep_for(milliseconds(1));
    told.count_down();
  });
  caller().serve("through", [this] { return caller().call("w1", "deep"); });
  join();
  const Future<Value> call = callee().call("w0", "through");
  entered.wait();
  EXPECT_TRUE(call.cancel());
  told.wait();
}

TEST_F(Workers, ADeadWorkerFailsCallsAndReferencesAtOnce) {
  std::latch &go = latch(1), &entered = latch(1);
  callee().serve("wait", [&] {
    entered.count_down();
    go.wait();
  });
  join();
  const RRef theirs = caller().remote("w1", "aten::add", 1, 2);
  (void)theirs.confirmed().get();
  const Future<Value> call = caller().call({.to = "w1", .name = "wait", .timeout = kNoTimeout});
  entered.wait();
  callee().leave_now("it ran out of luck");
  EXPECT_THAT(describe(call.error()),
              ::testing::AllOf(HasSubstr("PeerDied: worker 'w1'"), HasSubstr("out of luck")));
  EXPECT_THROW((void)theirs.to_here().get(), PeerDied);
  EXPECT_THROW((void)caller().call("w1", "aten::add", 1, 2).get(), PeerDied);
  go.count_down();
}

TEST_F(Workers, LeavingWaitsForCallsAndTheWorldMayBeJoinedAgain) {
  for (int life = 0; life < 2; ++life) {
    if (life == 0)
      callee().serve("slow", [] {
        std::this_thread::sleep_for(milliseconds(50));
        return 1;
      });
    join();
    const Future<Value> slow = caller().call("w1", "slow");
    std::thread other([&] { callee().leave(); });
    caller().leave();
    other.join();
    EXPECT_EQ(slow.get().to_int(), 1);
    EXPECT_FALSE(caller().joined());
    EXPECT_THAT(refusal([&] { (void)caller().call("w1", "slow"); }), HasSubstr("RPC has been shut down"));
    caller().leave();  // nothing happens
  }
}

TEST_F(Workers, LeavingAloneEndsAtItsTimeoutAndNamesTheStragglers) {
  join();
  EXPECT_THAT(refusal([&] { caller().leave(Seconds(0.1)); }), HasSubstr("w1"));
  EXPECT_FALSE(caller().joined());
}

TEST_F(Workers, LeavingAtOnceFailsWhatIsPending) {
  std::latch& go = latch(1);
  callee().serve("wait", [&] { go.wait(); });
  join();
  const Future<Value> call = caller().call("w1", "wait");
  caller().leave_now();
  EXPECT_THAT(describe(call.error()), HasSubstr("shut down"));
  go.count_down();
}

TEST_F(Workers, PythonsFunctionsAreRefusedWithWhatToDo) {
  callee().serve("one", [] { return 1; });
  join();
  // As a Python worker calls: src/runtime/rpc.h is what its binding uses, the agent below knows no difference.
  const RRef own = caller().own(1);
  (void)own;
  std::vector<std::byte> pickle(3);
  const auto payload = tine::detail::make_ref<ForeignPayload>(pickle, std::vector<Value>{});
  const Destination to = destination(caller(), Value("w1"), kDefaultTimeout);
  const Future<Value> call = to.call(CallRequest::foreign("train", payload));
  EXPECT_THAT(
      describe(call.error()),
      ::testing::AllOf(HasSubstr("TypeError: this worker is a C++ program"), HasSubstr("function train"),
                       HasSubstr("rpc_sync(to, \"name\", args=...)"), HasSubstr("It serves \"one\"")));
}

TEST_F(Workers, AnotherLanguagesCallsAndErrorsTravelThroughItsCodec) {
  struct OurError final : Error {
    using Error::Error;
  };
  class Codec final : public ForeignCodec {
   public:
    Value encode(const Value&, bool) override { throw TypeError("nothing to encode"); }
    bool owns(const std::exception_ptr& error) const noexcept override {
      try {
        std::rethrow_exception(error);
      } catch (const OurError&) {
        return true;
      } catch (...) {
        return false;
      }
    }
    ErrorBody encode_error(const std::exception_ptr& error) override {
      ErrorBody body = ErrorBody::of(error);
      body.qualname = "Ours";
      return body;
    }
  } codec;
  const Language language{
      &codec, [](IncomingCall call) {
        if (call.name() == "fail") throw OurError("as asked");
        call.reply(static_cast<int64_t>(ForeignPayload::in(call.args().at(0))->bytes().size()));
      }};
  std::thread other([&] {
    JoinOptions o = options(address_, 1, 2);
    o.language = &language;
    callee().join(std::move(o));
  });
  caller().join(options(address_, 0, 2));
  other.join();
  const Destination to = destination(caller(), Value("w1"), kDefaultTimeout);
  const auto payload = [] {
    return tine::detail::make_ref<ForeignPayload>(std::vector<std::byte>(5), std::vector<Value>{});
  };
  EXPECT_EQ(to.call(CallRequest::foreign("size", payload())).get().to_int(), 5);
  try {
    (void)to.call(CallRequest::foreign("fail", payload())).get();
    FAIL();
  } catch (const RemoteException& e) {
    EXPECT_EQ(e.body().qualname, "Ours");
    EXPECT_EQ(e.message(), "as asked");
  }
}

TEST_F(Workers, OptionsThatCannotBeAreRefused) {
  const auto refused = [&](auto change) {
    JoinOptions o = options(address_, 0, 1);
    change(o);
    return refusal([&] { caller().join(std::move(o)); });
  };
  EXPECT_THAT(refused([](JoinOptions& o) { o.name = ""; }), HasSubstr("ValueError: worker name ''"));
  EXPECT_THAT(refused([](JoinOptions& o) { o.rank = 3; }), HasSubstr("expected a rank from 0 to 0"));
  EXPECT_THAT(refused([](JoinOptions& o) {
                o.world_size = 2;
                o.address = "nowhere";
              }),
              HasSubstr("nowhere"));
  EXPECT_THAT(refused([](JoinOptions& o) {
                o.world_size = 2;
                o.address = "tcp://127.0.0.1:0";
              }),
              ::testing::AllOf(HasSubstr("ValueError"), HasSubstr("'tcp://127.0.0.1:0' of a world of 2")));
  EXPECT_THAT(refused([](JoinOptions& o) { o.secret = "short"; }), HasSubstr("AuthError"));
  EXPECT_THAT(refused([](JoinOptions& o) {
                o.world_size = 2;
                o.init_timeout = Seconds(0.1);
              }),
              HasSubstr("DeadlineExceeded"));
  EXPECT_THAT(refused([](JoinOptions& o) {
                o.world_size = 2;
                o.interrupted = [] { return true; };
              }),
              HasSubstr("Cancelled"));
  EXPECT_FALSE(caller().joined());
  EXPECT_THAT(refusal([&] { (void)caller().call("w0", "aten::add", 1, 2); }),
              HasSubstr("RPC has not been initialized"));
  EXPECT_THAT(refusal([&] { (void)caller().self(); }), HasSubstr("rpc::Worker::join"));
  caller().join(options(address_, 0, 1));
  EXPECT_THAT(refusal([&] { caller().join(options(address_, 0, 1)); }), HasSubstr("already initialized"));
}

TEST_F(Workers, AnotherSecretIsRefused) {
  std::string theirs;
  std::thread other([&] {
    JoinOptions o = options(address_, 1, 2);
    o.secret = "quite another secret";
    theirs = refusal([&] { callee().join(std::move(o)); });
  });
  JoinOptions o = options(address_, 0, 2);
  std::atomic<bool> stop{false};
  o.interrupted = [&] { return stop.load(); };
  std::thread mine(
      [&] { EXPECT_THAT(refusal([&] { caller().join(std::move(o)); }), HasSubstr("Cancelled")); });
  other.join();
  stop = true;
  mine.join();
  EXPECT_THAT(theirs, HasSubstr("AuthError"));
}

TEST_F(Workers, ACallThatFindsNoRoomWaitsForItUntilItsDeadline) {
  std::latch& go = latch(1);
  callee().serve("wait", [&] { go.wait(); });
  std::thread other([&] { callee().join(options(address_, 1, 2)); });
  JoinOptions o = options(address_, 0, 2);
  o.max_calls_in_flight = 1;
  caller().join(std::move(o));
  other.join();
  const Future<Value> first = caller().call("w1", "wait");
  const TimePoint before = Clock::now();
  const Future<Value> second =
      caller().call({.to = "w1", .name = "aten::add", .args = {1, 2}, .timeout = Seconds(0.1)});
  EXPECT_GE(Clock::now() - before, milliseconds(100));
  EXPECT_THROW((void)second.get(), DeadlineExceeded);
  go.count_down();
  (void)first.get();
  EXPECT_EQ(caller().call("w1", "aten::add", 1, 2).get().to_int(), 3);
}

TEST(JoinOptions, FromTheEnvironmentSaysWhatIsMissingOrNoNumber) {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) ::unsetenv(name);
  const auto tried = [] { return refusal([] { (void)JoinOptions::from_environment("w"); }); };
  EXPECT_THAT(tried(), HasSubstr("ValueError: the environment variable RANK is not set"));
  ::setenv("RANK", "1x", 1);
  EXPECT_THAT(tried(), HasSubstr("RANK: expected a whole number, got \"1x\""));
  ::setenv("RANK", "1", 1);
  EXPECT_THAT(tried(), HasSubstr("WORLD_SIZE is not set"));
  ::setenv("WORLD_SIZE", "2", 1);
  EXPECT_THAT(tried(), HasSubstr("MASTER_ADDR is not set"));
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  EXPECT_THAT(tried(), HasSubstr("MASTER_PORT is not set"));
  ::setenv("MASTER_PORT", "1234", 1);
  const JoinOptions o = JoinOptions::from_environment("w");
  EXPECT_EQ(o.name, "w");
  EXPECT_EQ(o.rank, 1);
  EXPECT_EQ(o.world_size, 2);
  EXPECT_EQ(o.address, "tcp://127.0.0.1:1234");
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) ::unsetenv(name);
}

}  // namespace
}  // namespace tine::rpc
