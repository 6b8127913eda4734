// Worker::stream(): items of another worker, or of this one, one after the other (include/tine/rpc_stream.h).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <mutex>
#include <utility>

#include "src/rpc/rref.h"
#include "src/rpc/stream_reader.h"
#include "src/runtime/rpc.h"
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

constexpr Function<Stream<int64_t>(int64_t)> kCount{"count"};

Stream<int64_t> count(int64_t n) {
  for (int64_t i = 0; i < n; ++i) co_yield i;
}

template <class T>
std::vector<T> all(Stream<T> stream) {
  std::vector<T> items;
  for (T& item : stream) items.push_back(std::move(item));
  return items;
}

class Streams : public Workers {
 protected:
  // What a function makes without an end; says how far it is, and that it has ended.
  void serve_endless() {
    callee().serve("endless", [this](int64_t first) -> Stream<int64_t> {
      struct End {
        std::atomic<int>& ended;
        ~End() { ++ended; }
      } const at_end{ended};
      for (int64_t n = first;; ++n) {
        made = n - first + 1;
        co_yield n;
      }
    });
  }
  std::atomic<int64_t> made{0};
  std::atomic<int> ended{0};
};

TEST_F(Streams, ItemsComeInOrderFromAnotherWorkerAndFromThisOne) {
  callee().serve(kCount, count);
  join();
  for (Worker* const worker : {&caller(), &callee()}) {
    const std::vector<int64_t> items = all(worker->stream(kCount, "w1", 1000));
    ASSERT_EQ(items.size(), 1000U);
    for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(items[static_cast<size_t>(i)], i);
    EXPECT_TRUE(all(worker->stream<int64_t>("w1", "count", 0)).empty());
  }
  EXPECT_TRUE(eventually([&] { return callee().counts().references_owned == 0; }));
}

TEST_F(Streams, ItemsMayBeTensorsReferencesAndAnythingThatTravels) {
  callee().serve("mixed", [this, two = floats({1, 2})]() -> Stream<Value> {
    co_yield two;
    co_yield Value(std::string(100'000, 'x'));
    co_yield Value(callee().own(7));
    co_yield Value();
  });
  join();
  Stream<Value> items = caller().stream("w1", "mixed");
  EXPECT_THAT(numbers(*items.next().get()), ElementsAre(1, 2));
  EXPECT_EQ(items.next().get()->to_string().size(), 100'000U);
  EXPECT_EQ(RRef<int64_t>::from(*items.next().get()).to_here().get(), 7);
  EXPECT_TRUE(items.next().get()->is_none());
  EXPECT_FALSE(items.next().get().has_value());
}

TEST_F(Streams, LargeItemsThatDoNotFitOneMessageTogetherComeAll) {
  callee().serve("rows", [](int64_t n) -> Stream<std::vector<int64_t>> {
    for (int64_t i = 0; i < n; ++i) co_yield std::vector<int64_t>(300'000, int64_t{1} << 40);
  });
  join();
  size_t rows = 0;
  for (const auto& row :
       caller().stream<std::vector<int64_t>>({.to = "w1", .name = "rows", .args = {40}}, 40)) {
    EXPECT_EQ(row.size(), 300'000U);
    ++rows;
  }
  EXPECT_EQ(rows, 40U);
}

TEST_F(Streams, TheCalleeIsNeverAheadByMoreThanTheCredit) {
  serve_endless();
  join();
  for (const int64_t credit : {int64_t{1}, int64_t{2}, int64_t{5}, int64_t{16}}) {
    made = 0;
    Stream<int64_t> items =
        caller().stream<int64_t>({.to = "w1", .name = "endless", .args = {0}}, static_cast<size_t>(credit));
    // It makes as many before anybody takes one, and no more.
    EXPECT_TRUE(eventually([&] { return made == credit; }));
    for (int64_t taken = 1; taken <= 50; ++taken) {
      EXPECT_EQ(items.next().get(), taken - 1);
      EXPECT_LE(made, taken + credit);
    }
    EXPECT_TRUE(eventually([&] { return made >= 50 + (credit + 1) / 2; }));
    EXPECT_LE(made, 50 + credit);
  }
}

TEST_F(Streams, ADroppedStreamEndsAtTheCallee) {
  serve_endless();
  join();
  {
    Stream<int64_t> items = caller().stream<int64_t>("w1", "endless", 5);
    EXPECT_EQ(items.next().get(), 5);
  }
  EXPECT_TRUE(eventually([&] { return ended == 1; }));
  EXPECT_TRUE(eventually([&] { return callee().counts().calls_running == 0; }));
  // Also one that nobody has read, and one of this worker's own.
  (void)caller().stream<int64_t>("w1", "endless", 0).valid();
  (void)callee().stream<int64_t>("w1", "endless", 0).valid();
  EXPECT_TRUE(eventually([&] { return callee().counts().references_owned == 0; }));
  EXPECT_TRUE(eventually([&] { return callee().counts().calls_running == 0; }));
}

TEST_F(Streams, AFunctionThatBlocksOrWaitsFindsItsContextCancelledWhenTheReaderGoes) {
  std::latch &entered = latch(2), &told = latch(2);
  Promise<int> never;
  callee().serve("blocks", [&]() -> Stream<int64_t> {
    entered.count_down();
    while (!Context::current().stopped()) std::this_thread::sleep_for(milliseconds(1));
    told.count_down();
    co_yield 1;
  });
  callee().serve("waits", [&, until = never.future()]() -> Stream<int64_t> {
    entered.count_down();
    try {
      co_yield co_await until;
    } catch (const Cancelled&) {
      told.count_down();
    }
  });
  join();
  {
    const Stream<int64_t> blocks = caller().stream<int64_t>("w1", "blocks");
    const Stream<int64_t> waits = caller().stream<int64_t>("w1", "waits");
    entered.wait();
  }
  told.wait();
  never.set_value(0);
}

TEST_F(Streams, AnErrorComesAfterTheItemsBeforeItAndTellsItsWay) {
  callee().serve("breaks", []() -> Stream<int64_t> {
    co_yield 1;
    co_yield 2;
    throw KeyError("no third");
  });
  callee().serve("never begins", []() -> Stream<int64_t> { throw IndexError("at once"); });
  join();
  Stream<int64_t> items = caller().stream<int64_t>("w1", "breaks");
  EXPECT_EQ(items.next().get(), 1);
  EXPECT_EQ(items.next().get(), 2);
  try {
    (void)items.next().get();
    ADD_FAILURE();
  } catch (const KeyError& e) {
    EXPECT_EQ(e.message(), "no third");
    ASSERT_FALSE(e.trail().empty());
    EXPECT_EQ(e.trail().back().what, "w1");
  }
  EXPECT_FALSE(items.next().get().has_value());
  EXPECT_THROW((void)caller().stream<int64_t>("w1", "never begins").next().get(), IndexError);
  EXPECT_THROW((void)caller().stream<int64_t>("w1", "no such").next().get(), Error);
}

TEST_F(Streams, AFailureThatCameAndThatNobodyIsToldOfIsReportedOnceWhenTheStreamGoes) {
  callee().serve("breaks", []() -> Stream<int64_t> {
    co_yield 1;
    throw KeyError("no second");
  });
  join();
  const Reports reports;
  for (const bool closes : {false, true}) {
    for (Worker* const worker : {&caller(), &callee()}) {
      std::vector<std::string> told;
      std::string place;
      const auto reads_one = [&] {
        place = fmt::format("rpc_stream_test.cpp:{}:", __LINE__ + 1);
        Stream<int64_t> items = worker->stream<int64_t>("w1", "breaks");
        EXPECT_EQ(items.next().get(), 1);
        EXPECT_THAT(reports.take(), ElementsAre());
        if (closes) {
          items.close();
        } else {
          items = Stream<int64_t>();
        }
        told = reports.take();
        return !told.empty();
      };
      // Nothing says when the failure has come. One that had not come belongs to a stream that was given up.
      EXPECT_TRUE(eventually(reads_one));
      EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr("no second"), HasSubstr(place))));
    }
  }
  Stream<int64_t> told = caller().stream<int64_t>("w1", "breaks");
  EXPECT_EQ(told.next().get(), 1);
  EXPECT_THROW((void)told.next().get(), KeyError);
  told.close();
  // One that is dropped before anything came is given up, as a call that is cancelled.
  (void)caller().stream<int64_t>("w1", "breaks").valid();
  EXPECT_THAT(reports.take(), ElementsAre());
}

// Of a worker that breaks the rules, or can ask for nothing: its requests end as the test says.
class OddReference final : public Reference {
 public:
  explicit OddReference(std::function<Future<Value>()> next) : Reference({}, {}), next_(std::move(next)) {}
  bool is_owner() const noexcept override { return false; }
  Future<Value> to_here(TimePoint) const override { return confirmed(); }
  Future<Value> next_items(std::string, int64_t, TimePoint) const override { return next_(); }
  Future<Value> confirmed() const override { return make_ready(Value()); }
  bool confirmed_by_owner() const noexcept override { return true; }
  PassedRRef lend() const override { return {}; }
  TimePoint deadline_after(Seconds) const override { return kNoDeadline; }
  Future<Value> local_value() const override { return confirmed(); }

 private:
  const std::function<Future<Value>()> next_;
};

TEST(StreamReaders, AnAnswerThatIsNoneAndARequestThatCannotBeMadeAreToldOrReported) {
  const auto open = [](std::function<Future<Value>()> next) {
    auto reader =
        tine::detail::make_ref<StreamReader>(tine::detail::make_ref<OddReference>(std::move(next)), "odd",
                                             kNoTimeout, kStreamCredit, std::source_location::current());
    reader->start();
    return Stream<int64_t>(tine::detail::make_ref<tine::detail::RemoteSource<int64_t>>(std::move(reader)));
  };
  const auto malformed = [] { return make_ready(Value(7)); };
  const auto refused = []() -> Future<Value> { throw TypeError("cannot ask"); };
  const Reports reports;
  open(malformed).close();
  EXPECT_THAT(reports.take(),
              ElementsAre(AllOf(HasSubstr("rpc_stream_test.cpp"), HasSubstr("not the next items"))));
  open(refused).close();
  EXPECT_THAT(reports.take(), ElementsAre(AllOf(HasSubstr("rpc_stream_test.cpp"), HasSubstr("cannot ask"))));
  (void)open(refused).valid();
  EXPECT_THAT(reports.take(), ElementsAre(HasSubstr("cannot ask")));
  Stream<int64_t> told = open(malformed);
  EXPECT_THROW((void)told.next().get(), ValueError);
  EXPECT_FALSE(told.next().get().has_value());
  told = open(refused);
  EXPECT_THROW((void)told.next().get(), TypeError);
  // A reader that closes a stream before its end gives it up.
  Promise<Value> later;
  told = open([f = later.future()] { return f; });
  told.close();
  (void)later.set_error(KeyError("late"));
  told = Stream<int64_t>();
  EXPECT_THAT(reports.take(), ElementsAre());
}

TEST_F(Streams, ThatAShutdownGivesUpIsNoNews) {
  serve_endless();
  join();
  const Reports reports;
  Stream<int64_t> waits = caller().stream<int64_t>("w1", "endless", 0);
  Stream<int64_t> own = callee().stream<int64_t>("w1", "endless", 0);
  EXPECT_EQ(waits.next().get(), 0);
  EXPECT_EQ(own.next().get(), 0);
  EXPECT_TRUE(eventually([&] { return caller().counts().calls_pending == 0; }));
  caller().leave_now();
  callee().leave_now();
  // What came is still there, and more cannot be asked for.
  for (int64_t n = 1; n < 9; ++n) (void)waits.next().error();
  waits.close();
  own.close();
  EXPECT_THAT(reports.take(), ElementsAre());
}

TEST_F(Streams, ACallAndAStreamAreToldApart) {
  callee().serve(kCount, count);
  callee().serve("one", [] { return 1; });
  callee().serve("nothing there", [] { return Stream<int64_t>(); });
  join();
  EXPECT_THAT(describe(caller().call("w1", "count", 3).error()),
              AllOf(HasSubstr("TypeError: count returns a stream"), HasSubstr("Worker::stream()")));
  EXPECT_THAT(describe(caller().stream("w1", "one").next().error()),
              HasSubstr("TypeError: one returned int, which is not a stream"));
  EXPECT_THAT(describe(caller().stream("w1", "aten::add", 1, 2).next().error()),
              HasSubstr("is not a stream"));
  EXPECT_THAT(describe(caller().stream("w1", "nothing there").next().error()), HasSubstr("of nothing"));
  EXPECT_THAT(describe(caller().stream<std::string>("w1", "count", 1).next().error()),
              HasSubstr("TypeError"));
  for (const size_t credit : {size_t{0}, kMaxStreamCredit + 1}) {
    EXPECT_THAT(refusal([&] { (void)caller().stream({.to = "w1", .name = "count", .args = {1}}, credit); }),
                HasSubstr("ValueError: credit: expected 1 to 65536"));
  }
  EXPECT_THAT(refusal([&] { (void)caller().stream("w9", "count", 1); }),
              HasSubstr("could not find destination"));
}

TEST_F(Streams, AnItemThatCannotTravelEndsTheStream) {
  callee().serve("futures", []() -> Stream<Value> {
    co_yield Value(1);
    co_yield Value(make_ready(Value(1)));
  });
  join();
  Stream<Value> items = caller().stream("w1", "futures");
  EXPECT_EQ(items.next().get()->to_int(), 1);
  EXPECT_THAT(describe(items.next().error()), HasSubstr("Can not pickle"));
}

TEST_F(Streams, TheTimeoutIsThatOfEachItem) {
  Promise<int> never;
  callee().serve("slow", [until = never.future()]() -> Stream<int64_t> {
    co_yield 1;
    co_yield co_await until;
  });
  join(2, kNoTimeout);
  Stream<int64_t> items = caller().stream<int64_t>({"w1", Seconds(0.1)}, "slow");
  EXPECT_EQ(items.next().get(), 1);
  EXPECT_THAT(describe(items.next().error()),
              AllOf(HasSubstr("DeadlineExceeded"), HasSubstr("worker 'w1'"), HasSubstr("slow")));
  EXPECT_TRUE(eventually([&] { return callee().counts().references_owned == 0; }));
  never.set_value(0);
}

TEST_F(Streams, AFunctionThatHasNotReturnedWhenItsStreamEndsFindsItsContextCancelled) {
  std::latch &entered = latch(1), &told = latch(2);
  const auto late = [&](int64_t n) {
    entered.count_down(n == 0);
    while (!Context::current().stopped()) std::this_thread::sleep_for(milliseconds(1));
    told.count_down();
    return count(1);
  };
  callee().serve("late", std::function<Stream<int64_t>(int64_t)>(late));
  join(2, kNoTimeout);
  Stream<int64_t> in_time = caller().stream<int64_t>({"w1", Seconds(0.05)}, "late", 1);
  EXPECT_THAT(describe(in_time.next().error()), HasSubstr("DeadlineExceeded"));
  const CancelSource source;
  Stream<int64_t> cancelled;
  {
    const ContextScope scope(Context().with_token(source.token()));
    cancelled = caller().stream<int64_t>("w1", "late", 0);
  }
  entered.wait();
  source.cancel();
  EXPECT_THROW((void)cancelled.next().get(), Cancelled);
  told.wait();
  EXPECT_TRUE(eventually([&] { return callee().counts().references_owned == 0; }));
}

// Of 1 MiB: 16 MiB are full at either end, and one item may be on its way.
TEST_F(Streams, AReaderThatDoesNotTakeLargeItemsKeepsTheCalleeFromMakingMoreWhateverTheCredit) {
  callee().serve("large", [this]() -> Stream<Value> {
    const std::vector<int64_t> shape{512, 512};
    for (;;) {
      ++made;
      co_yield Tensor::empty(shape, DType::kFloat32);
    }
  });
  join();
  Stream<Value> items = caller().stream({.to = "w1", .name = "large"}, 1000);
  EXPECT_TRUE(eventually([&] { return made >= 32; }));
  for (int64_t taken = 1; taken <= 40; ++taken) {
    EXPECT_EQ(items.next().get()->as_tensor().numel(), 512 * 512);
    EXPECT_LE(made, taken + 34);
  }
  EXPECT_TRUE(eventually([&] { return made >= 72; }));
  EXPECT_LE(made, 74);
}

TEST_F(Streams, ADeadlineOfTheContextEndsTheStreamAndReachesTheCallee) {
  callee().serve("time left", []() -> Stream<double> {
    for (;;) {
      const TimePoint deadline = Context::current().deadline();
      co_yield deadline == kNoDeadline ? -1.0 : Seconds(deadline - Clock::now()).count();
    }
  });
  Promise<int> never;
  callee().serve("never", [until = never.future()]() -> Stream<int64_t> { co_yield co_await until; });
  join(2, Seconds(0.2));
  // The timeout of calls is not that of the whole stream.
  Stream<double> unlimited = caller().stream<double>("w1", "time left");
  EXPECT_EQ(unlimited.next().get(), -1);
  Timer& timer = runtimes_[0].scheduler().timer();
  {
    const ContextScope scope(Context().with_timeout(timer, std::chrono::seconds(600)));
    const double left = *caller().stream<double>("w1", "time left").next().get();
    EXPECT_GT(left, 1);
    EXPECT_LE(left, 600);
  }
  Stream<int64_t> ends;
  {
    const ContextScope scope(Context().with_timeout(timer, milliseconds(50)));
    ends = caller().stream<int64_t>({"w1", kNoTimeout}, "never");
  }
  EXPECT_THROW((void)ends.next().get(), DeadlineExceeded);
  never.set_value(0);
}

TEST_F(Streams, ACancelledContextEndsTheStream) {
  Promise<int> never;
  callee().serve("never", [until = never.future()]() -> Stream<int64_t> { co_yield co_await until; });
  join();
  const CancelSource source;
  Stream<int64_t> items;
  {
    const ContextScope scope(Context().with_token(source.token()));
    items = caller().stream<int64_t>("w1", "never");
  }
  const auto item = items.next();
  source.cancel();
  EXPECT_THROW((void)item.get(), Cancelled);
  EXPECT_TRUE(eventually([&] { return callee().counts().calls_running == 0; }));
  never.set_value(0);
}

TEST_F(Streams, ADeadWorkerEndsStreamsOnBothSides) {
  serve_endless();
  Promise<int> never;
  callee().serve("never", [until = never.future()]() -> Stream<int64_t> { co_yield co_await until; });
  join(3);
  Stream<int64_t> items = caller().stream<int64_t>("w1", "never");
  const auto item = items.next();
  Stream<int64_t> orphan = (*this)[2].stream<int64_t>("w1", "endless", 0);
  EXPECT_EQ(orphan.next().get(), 0);
  (*this)[2].leave_now();
  EXPECT_TRUE(eventually([&] { return ended == 1; }));  // its reader has died
  EXPECT_FALSE(item.ready());
  callee().leave_now("it ran out of luck");
  EXPECT_THAT(describe(item.error()), AllOf(HasSubstr("PeerDied: worker 'w1'"), HasSubstr("out of luck")));
  EXPECT_FALSE(items.next().get().has_value());
  never.set_value(0);
}

TEST_F(Streams, AStreamMayBePassedOnByAWorkerInBetween) {
  callee().serve(kCount, count);
  (*this)[2].serve("relay", [this](int64_t n) { return (*this)[2].stream(kCount, "w1", n); });
  join(3);
  EXPECT_THAT(all(caller().stream<int64_t>("w2", "relay", 3)), ElementsAre(0, 1, 2));
}

TEST_F(Streams, ACoroutineReadsAStreamWithoutAThread) {
  callee().serve(kCount, count);
  join();
  const auto sum = [](Stream<int64_t> numbers) -> Future<int64_t> {
    int64_t total = 0;
    while (const auto n = co_await numbers.next()) total += *n;
    co_return total;
  };
  EXPECT_EQ(sum(caller().stream(kCount, "w1", 1000)).get(), 499'500);
}

TEST_F(Streams, AnItemWhoseFutureWasCancelledIsKept) {
  Promise<int64_t> later;
  callee().serve("later", [until = later.future()]() -> Stream<int64_t> {
    co_yield co_await until;
    co_yield 2;
  });
  join();
  Stream<int64_t> items = caller().stream<int64_t>("w1", "later");
  EXPECT_TRUE(items.next().cancel());
  later.set_value(1);
  EXPECT_EQ(items.next().get(), 1);
  EXPECT_EQ(items.next().get(), 2);
}

TEST_F(Streams, ParametersByReferenceAndCapturesLiveForAsLongAsTheStream) {
  const std::string text = "a text that is longer than what a string holds in place";
  callee().serve("letters", [capture = text](const std::string& given) -> Stream<std::string> {
    for (size_t i = 0; i < given.size(); ++i) co_yield given.substr(i, 1) + capture.substr(i, 1);
  });
  join();
  Stream<std::string> items =
      caller().stream<std::string>({.to = "w1", .name = "letters", .args = {text}}, 1);
  std::string seen = items.next().get()->substr(1);
  callee().stop_serving("letters");
  for (const std::string& item : items) seen += item.substr(1);
  EXPECT_EQ(seen, text);
}

// What a worker that breaks the rules may send: each is answered with an error, and the stream goes on.
TEST_F(Streams, ARequestForItemsThatBreaksTheRulesIsRefused) {
  serve_endless();
  join();
  const Destination to = destination(caller(), Value("w1"), kDefaultTimeout);
  const auto ask = [&](std::vector<Value> args) {
    CallRequest request;
    request.target = Target::kNext;
    request.name = "the next items";
    request.args = std::move(args);
    return to.call(std::move(request));
  };
  CallRequest opening = request_for(caller(), "endless", {Value(0)});
  opening.stream_credit = 4;
  const RRef<> stream = to.remote(std::move(opening));
  EXPECT_THAT(describe(ask({}).error()), HasSubstr("ValueError"));
  EXPECT_THAT(describe(ask({Value(stream)}).error()), HasSubstr("ValueError"));
  EXPECT_THAT(describe(ask({Value(stream), Value("one")}).error()), HasSubstr("ValueError"));
  EXPECT_THAT(describe(ask({Value(1), Value(0)}).error()), HasSubstr("TypeError: expected an RRef"));
  EXPECT_THAT(describe(ask({Value(caller().remote("w1", "aten::add", 1, 2)), Value(0)}).error()),
              HasSubstr("TypeError: the next items were asked of a value that is not a stream"));
  EXPECT_THAT(describe(ask({Value(caller().own(1)), Value(0)}).error()), HasSubstr("non-local reference"));
  EXPECT_THAT(describe(ask({Value(stream), Value(1)}).error()),
              HasSubstr("a reader that has taken 1 items of a stream that has given 0"));
  EXPECT_THAT(describe(ask({Value(stream), Value(-1)}).error()), HasSubstr("has taken -1 items"));
  int64_t given = 0;
  while (given < 4)
    given +=
        static_cast<int64_t>(ask({Value(stream), Value(0)}).get().as_tuple().items[0].as_list().items.size());
  EXPECT_EQ(given, 4);
  const Future<Value> waits = ask({Value(stream), Value(0)});
  EXPECT_TRUE(eventually([&] { return callee().counts().calls_running == 1; }));
  EXPECT_THAT(describe(ask({Value(stream), Value(0)}).error()), HasSubstr("have not come yet"));
  EXPECT_TRUE(waits.cancel());
  EXPECT_TRUE(eventually([&] { return callee().counts().calls_running == 0; }));
  EXPECT_EQ(ask({Value(stream), Value(4)}).get().as_tuple().items[0].as_list().items.front().as_int(), 4);
  EXPECT_THAT(describe(ask({Value(stream), Value(3)}).error()), HasSubstr("has taken 3 items"));
  // The stream itself stays where it is.
  EXPECT_THAT(describe(stream.to_here().error()), HasSubstr("served stream"));
}

TEST_F(Streams, ManyStreamsAtOnceHoldNoThreads) {
  callee().serve(kCount, count);
  join();
  std::vector<Stream<int64_t>> streams;
  for (int i = 0; i < 500; ++i) streams.push_back(caller().stream(kCount, "w1", 40));
  for (int64_t n = 0; n < 40; ++n) {
    for (Stream<int64_t>& s : streams) ASSERT_EQ(s.next().get(), n);
  }
  for (Stream<int64_t>& s : streams) ASSERT_FALSE(s.next().get().has_value());
}

}  // namespace
}  // namespace tine::rpc
