// Calls of include/tine/rpc.h by C++ types: results, declarations that both sides share, references, coroutines as handlers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "src/base/testing/eventually.h"
#include "src/runtime/workers_for_tests.h"
#include "tine/context.h"
#include "tine/operators.h"
#include "tine/timer.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::floats;
using ::testing::HasSubstr;
using testing::numbers;
using testing::Reports;
using testing::Workers;

constexpr Function<Tensor(Tensor, double)> kScale{"scale"};
constexpr Function<std::string(const std::string&, int64_t)> kRepeat{"repeat"};
constexpr Function<void()> kNothing{"nothing"};
constexpr Function<std::vector<int64_t>(std::vector<int64_t>)> kSorted{"sorted"};

TEST_F(Workers, ATypedCallHoldsItsResultAsThatType) {
  callee().serve("half", [](double x) { return x / 2; });
  callee().serve("pair", [] { return std::pair(1, std::string("a")); });
  join();
  const Future<double> half = caller().call<double>("w1", "half", 5);
  EXPECT_EQ(half.get(), 2.5);
  EXPECT_EQ((caller().call<std::pair<int, std::string>>("w1", "pair").get()), std::pair(1, std::string("a")));
  EXPECT_EQ(caller().call<double>({.to = 1, .name = "half", .args = {3.0}, .timeout = Seconds(30)}).get(),
            1.5);
  caller().call<void>("w1", "half", 1.0).get();
  EXPECT_EQ(caller().call<int64_t>("w0", "aten::numel", floats({1, 2})).get(), 2);
}

TEST_F(Workers, AResultOfAnotherTypeIsATypeErrorThatNamesTheFunction) {
  callee().serve("text", [] { return "text"; });
  join();
  EXPECT_THAT(describe(caller().call<double>("w1", "text").error()),
              HasSubstr("TypeError: the result of text: "));
  EXPECT_THAT(describe(caller().remote<double>("w1", "text").to_here().error()),
              HasSubstr("TypeError: the result of UserRRef("));
}

TEST_F(Workers, ATypedCallFailsAsTheUntypedOneDoes) {
  callee().serve("fail", []() -> int { throw KeyError("gone"); });
  join();
  EXPECT_THROW((void)caller().call<int>("w1", "fail").get(), KeyError);
  EXPECT_THROW((void)caller().call<int>("w1", "no such").get(), Error);
}

TEST_F(Workers, AnErrorThatNobodyLooksAtIsReportedWithTheLineOfTheCall) {
  static constexpr Function<int64_t()> kBreaks{"breaks"};
  callee().serve(kBreaks, []() -> int64_t { throw KeyError("broken"); });
  join();
  const Reports reports;
  const auto expect_report = [&](int line) {
    std::vector<std::string> texts;
    // The thread that brought the answer may be the last that has the future.
    EXPECT_TRUE(eventually([&] { return !(texts = Reports::take()).empty(); }));
    EXPECT_THAT(texts, ElementsAre(AllOf(HasSubstr(fmt::format("rpc_typed_test.cpp:{}: ", line)),
                                         HasSubstr("broken"))));
  };
  for (const char* const to : {"w0", "w1"}) {
    if (to == std::string_view("w0")) caller().serve(kBreaks, []() -> int64_t { throw KeyError("broken"); });
    caller().call<int64_t>(to, "breaks").wait();
    expect_report(__LINE__ - 1);
    caller().call<void>(to, "breaks").wait();
    expect_report(__LINE__ - 1);
    caller().call(to, "breaks").wait();
    expect_report(__LINE__ - 1);
    caller().call(kBreaks, {to, Seconds(30)}).wait();
    expect_report(__LINE__ - 1);
    caller().call({.to = to, .name = "breaks"}).wait();
    expect_report(__LINE__ - 1);
    caller().remote<int64_t>(to, "breaks").to_here().wait();
    expect_report(__LINE__ - 1);
  }
  caller().call<int64_t>(1, "breaks").wait();
  expect_report(__LINE__ - 1);
  EXPECT_TRUE(caller().call("w1", "breaks").error());
  EXPECT_TRUE(caller().call<int64_t>("w1", "breaks").error());
  caller().call("w1", "breaks").or_else([](const std::exception_ptr&) { return Value(); }).wait();
  EXPECT_THAT(Reports::take(), ElementsAre());
}

TEST_F(Workers, CallsThatAWorkersOwnEndGivesUpAreNotReported) {
  std::latch& go = latch(1);
  callee().serve("block", [&] {
    go.wait();
    return 1;
  });
  join();
  const Reports reports;
  {
    const Future<Value> untyped = caller().call("w1", "block");
    const Future<int64_t> typed = caller().call<int64_t>("w1", "block");
    const Future<void> nothing = caller().call<void>("w1", "block");
    caller().leave_now();
    untyped.wait(), typed.wait(), nothing.wait();
  }
  go.count_down();
  EXPECT_THAT(Reports::take(), ElementsAre());
}

TEST_F(Workers, CancellingATypedFutureCancelsTheCall) {
  std::latch &entered = latch(1), &told = latch(1);
  callee().serve("until stopped", [&] {
    entered.count_down();
    while (!Context::current().stopped()) std::this_thread::sleep_for(milliseconds(1));
    told.count_down();
    return 1;
  });
  join();
  const Future<int> call = caller().call<int>("w1", "until stopped");
  entered.wait();
  EXPECT_TRUE(call.cancel());
  told.wait();
  EXPECT_THROW((void)call.get(), Cancelled);
  EXPECT_EQ(caller().counts().calls_pending, 0U);
}

TEST_F(Workers, OneDeclarationServesAndCalls) {
  callee().serve(kScale, [](const Tensor& x, float by) {
    return Runtime::instance().ops().call<Tensor>("aten::mul", x, by);
  });
  callee().serve(kRepeat, [](std::string text, int64_t n) {
    std::string all;
    for (; n > 0; --n) all += text;
    return all;
  });
  callee().serve(kNothing, [] {});
  callee().serve(kSorted, [](std::vector<int64_t> v) -> Future<std::vector<int64_t>> {
    std::sort(v.begin(), v.end());
    return make_ready(std::move(v));
  });
  join();
  const Future<Tensor> scaled = caller().call(kScale, "w1", floats({1, 2}), 2);
  EXPECT_THAT(numbers(scaled.get()), ElementsAre(2, 4));
  EXPECT_EQ(caller().call(kRepeat, "w1", "ab", 2).get(), "abab");
  caller().call(kNothing, "w1").get();
  EXPECT_THAT(caller().call(kSorted, {"w1", Seconds(30)}, std::vector<int64_t>{2, 1}).get(),
              ElementsAre(1, 2));
  const RRef<std::string> kept = caller().remote(kRepeat, "w1", "ab", 1);
  EXPECT_EQ(kept.to_here().get(), "ab");
  // On the wire it is a call by name.
  EXPECT_EQ(caller().call("w1", "repeat", "x", 3).get().to_string(), "xxx");
}

TEST_F(Workers, AServedResultIsConvertedToThatOfTheDeclaration) {
  constexpr Function<double(int64_t)> kCount{"count"};
  callee().serve(kCount, [](int64_t n) { return n; });
  join();
  EXPECT_TRUE(caller().call("w1", "count", 3).get().is_float());
}

TEST_F(Workers, ADestinationMayCarryTheTimeoutOfACall) {
  std::latch& go = latch(1);
  callee().serve(kNothing, [&] { go.wait(); });
  join();
  EXPECT_THROW(caller().call(kNothing, {"w1", Seconds(0.05)}).get(), DeadlineExceeded);
  EXPECT_THROW(caller().call<void>({1, Seconds(0.05)}, "nothing").get(), DeadlineExceeded);
  go.count_down();
}

TEST_F(Workers, ATypedReferenceIsOneToTheSameValueAsTheUntypedOne) {
  callee().serve("take", [](const RRef<std::string>& text) { return text.to_here().get() + "!"; });
  callee().serve("give", [this] { return callee().own<std::string>("theirs"); });
  join();
  const RRef<std::string> mine = caller().own<std::string>("mine");
  const RRef<> untyped = mine;
  EXPECT_EQ(untyped, mine);
  EXPECT_EQ(mine.local_value().get(), "mine");
  EXPECT_EQ(caller().call<std::string>("w1", "take", mine).get(), "mine!");
  const auto theirs = caller().call<RRef<std::string>>("w1", "give").get();
  EXPECT_EQ(theirs.owner().name, "w1");
  EXPECT_EQ(theirs.to_here().get(), "theirs");
  EXPECT_EQ(RRef<std::string>(untyped).to_here().get(), "mine");
  (void)theirs.confirmed().get();
  EXPECT_THAT(refusal([&] { (void)theirs.local_value(); }), HasSubstr("lives on worker 'w1'"));
  EXPECT_THAT(describe(RRef<double>(untyped).to_here().error()), HasSubstr("TypeError"));
}

TEST_F(Workers, ACoroutineAwaitsCallsAndMayBeAHandler) {
  callee().serve("twice", [this](int64_t n) -> Future<int64_t> {
    const int64_t one = co_await callee().call<int64_t>("w0", "next", n);
    co_return one + co_await callee().call<int64_t>("w0", "next", n);
  });
  caller().serve("next", [](int64_t n) { return n + 1; });
  join();
  const auto ask = [](Worker& worker) -> Future<int64_t> {
    co_return co_await worker.call<int64_t>("w1", "twice", 4) * 10;
  };
  EXPECT_EQ(ask(caller()).get(), 100);
}

// Counts the lives of what a handler captures, or gets.
struct Counted {
  explicit Counted(std::atomic<int>& n) : count(&n) { ++*count; }
  Counted(const Counted& o) : count(o.count) { ++*count; }
  ~Counted() { --*count; }
  std::atomic<int>* count;
};

TEST_F(Workers, ParametersByReferenceAndCapturesOfACoroutineLiveForAsLongAsItRuns) {
  Promise<int> go;
  std::atomic<int> captures{0};
  std::atomic<int> begun{0};
  callee().serve("slow",
                 [counted = Counted(captures), until = go.future(), &begun](
                     const std::string& text, const std::vector<int64_t>& more) -> Future<std::string> {
                   ++begun;
                   (void)co_await until;
                   co_return text + std::to_string(more.at(1)) + (*counted.count > 0 ? "" : "gone");
                 });
  join();
  const std::string text = "a text that is longer than what a string holds in place";
  const auto call = caller().call<std::string>("w1", "slow", text, std::vector<int64_t>{1, 2});
  const auto second = caller().call<std::string>("w1", "slow", "b", std::vector<int64_t>{1, 2});
  EXPECT_TRUE(eventually([&] { return begun == 2; }));
  callee().stop_serving("slow");
  EXPECT_TRUE(second.cancel());
  go.set_value(1);
  EXPECT_EQ(call.get(), text + "2");
  EXPECT_TRUE(eventually([&] { return captures == 0; }));
}

TEST_F(Workers, ACoroutineWhoseCallerGivesUpUsesItsParametersUntilItsEnd) {
  Promise<int> never;
  std::latch &waits = latch(1), &ended = latch(1);
  std::string seen;
  callee().serve("wait", [&, until = never.future()](const std::string& text) -> Future<void> {
    try {
      waits.count_down();
      (void)co_await until;
    } catch (const Cancelled&) {
      seen = text;
      ended.count_down();
    }
  });
  join();
  const std::string text = "a text that is longer than what a string holds in place";
  const auto call = caller().call<void>("w1", "wait", text);
  waits.wait();
  EXPECT_TRUE(call.cancel());
  ended.wait();
  EXPECT_EQ(seen, text);
  never.set_value(1);
}

TEST_F(Workers, AContextsDeadlineEndsTypedCallsAndStubs) {
  std::latch& go = latch(1);
  callee().serve(kNothing, [&] { go.wait(); });
  join(2, kNoTimeout);
  const ContextScope scope(Context().with_timeout(runtimes_[0].scheduler().timer(), milliseconds(50)));
  EXPECT_THROW(caller().call(kNothing, "w1").get(), DeadlineExceeded);
  go.count_down();
}

}  // namespace
}  // namespace tine::rpc
