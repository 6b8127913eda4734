#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "tests/script/fixture.h"

namespace tine::test {
namespace {

using Fork = Script;

constexpr std::string_view kForkAdd = R"(
graph(%x : int):
  %f : Future[int] = prim::fork_0(%x) # f.py:3:8
  %r : int = aten::wait(%f) # f.py:4:11
  return (%r)

with prim::fork_0 = graph(%x : int):
  %one : int = prim::Constant[value=1]()
  %y : int = aten::add(%x, %one)
  return (%y)
)";

TEST_F(Fork, AForkAndAWaitGiveTheResult) {
  define("f", kForkAdd);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(run("f", i).as_int(), i + 1);
}

TEST_F(Fork, AForkOfACallForksTheFunctionItself) {
  define("g", "graph(%x : str):\n  return (%x)\n");
  const code::Function& f = define("f", R"(
graph(%x : str):
  %f : Future[str] = prim::fork_0(%x)
  %r : str = aten::wait(%f)
  return (%r)

with prim::fork_0 = graph(%x : str):
  %y : str = prim::CallFunction[name="g"](%x)
  return (%y)
)");
  EXPECT_TRUE(f.children.empty());
  EXPECT_EQ(run("f", "same").as_string(), "same");
}

// def nest(n): return 0 if n <= 0 else wait(fork(nest, n - 1)) + 1
constexpr std::string_view kNest = R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::le(%n, %zero)
  %r : int = prim::If(%c)
    block0():
      -> (%zero)
    block1():
      %m : int = aten::sub(%n, %one)
      %f : Future[int] = prim::fork_0(%m)
      %a : int = aten::wait(%f)
      %b : int = aten::add(%a, %one)
      -> (%b)
  return (%r)

with prim::fork_0 = graph(%m : int):
  %y : int = prim::CallFunction[name="nest"](%m)
  return (%y)
)";

TEST_F(Fork, AHundredThousandNestedForksNeedNoStack) {
  define("nest", kNest);
  EXPECT_EQ(run("nest", 100'000).as_int(), 100'000);
}

TEST_F(Fork, AnExecutorThatRunsInPlaceNeedsNoStackEither) {
  define("nest", kNest);
  InlineExecutor in_place;
  vm::Machine direct(in_place, OpContext{});
  const std::vector<Value> args{Value(100'000)};
  EXPECT_EQ(direct.call(*library.find("nest"), args).as_int(), 100'000);
}

TEST_F(Fork, AThreadOutsideThePoolForksAndWaits) {
  define("nest", kNest);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) good += run("nest", 100).as_int() == 100;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

// fib with both calls forked.
constexpr std::string_view kForkFib = R"(
graph(%n : int):
  %two : int = prim::Constant[value=2]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::lt(%n, %two)
  %r : int = prim::If(%c)
    block0():
      -> (%n)
    block1():
      %m : int = aten::sub(%n, %one)
      %f : Future[int] = prim::fork_0(%m)
      %k : int = aten::sub(%n, %two)
      %g : Future[int] = prim::fork_1(%k)
      %a : int = aten::wait(%f)
      %b : int = aten::wait(%g)
      %s : int = aten::add(%a, %b)
      -> (%s)
  return (%r)

with prim::fork_0 = graph(%m : int):
  %y : int = prim::CallFunction[name="fib"](%m)
  return (%y)

with prim::fork_1 = graph(%m : int):
  %y : int = prim::CallFunction[name="fib"](%m)
  return (%y)
)";

TEST_F(Fork, ManyForksGiveTheSameResultOnEveryRun) {
  define("fib", kForkFib);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run("fib", 18).as_int(), 2584);
}

constexpr std::string_view kWait = R"(
graph(%f : Future[int]):
  %one : int = prim::Constant[value=1]()
  %x : int = aten::wait(%f) # w.py:2:3
  %y : int = aten::add(%x, %one)
  return (%y)
)";

TEST_F(Fork, AWaitForAPromiseSuspendsAndHoldsNoThread) {
  define("w", kWait);
  // Far more waiting functions than threads.
  std::vector<Promise<Value>> promises(1000);
  std::vector<Future<Value>> results;
  for (Promise<Value>& promise : promises) results.push_back(start("w", Value(promise.future())));
  for (const Future<Value>& result : results) EXPECT_FALSE(result.ready());
  std::thread other([&] {
    for (size_t i = 0; i < promises.size(); ++i) promises[i].set_value(Value(static_cast<int64_t>(i)));
  });
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].get().as_int(), static_cast<int64_t>(i) + 1);
  other.join();
}

// def chain(n, f): return wait(f) if n <= 0 else wait(fork(chain, n - 1, f)) + 1
constexpr std::string_view kChain = R"(
graph(%n : int, %p : Future[int]):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::le(%n, %zero)
  %r : int = prim::If(%c)
    block0():
      %v : int = aten::wait(%p) # chain.py:2:9
      -> (%v)
    block1():
      %m : int = aten::sub(%n, %one)
      %f : Future[int] = prim::fork_0(%m, %p) # chain.py:3:9
      %a : int = aten::wait(%f) # chain.py:3:4
      %b : int = aten::add(%a, %one)
      -> (%b)
  return (%r)

with prim::fork_0 = graph(%m : int, %p : Future[int]):
  %y : int = prim::CallFunction[name="chain"](%m, %p)
  return (%y)
)";

TEST_F(Fork, AHundredThousandNestedWaitsAreSuspendedAndResumed) {
  define("chain", kChain);
  Promise<Value> promise;
  const Future<Value> result = start("chain", 100'000, Value(promise.future()));
  EXPECT_FALSE(result.ready());
  std::thread other([&] { promise.set_value(Value(1)); });
  EXPECT_EQ(result.get().as_int(), 100'001);
  other.join();
}

TEST_F(Fork, ResumingOnAnInlineExecutorNeedsNoStack) {
  define("chain", kChain);
  InlineExecutor in_place;
  vm::Machine direct(in_place, OpContext{});
  Promise<Value> promise;
  const std::vector<Value> args{Value(20'000), Value(promise.future())};
  const Future<Value> result = direct.start(*library.find("chain"), args);
  promise.set_value(Value(1));
  EXPECT_EQ(result.get().as_int(), 20'001);
}

TEST_F(Fork, AFailedFutureFailsTheWaiterWithTheSameErrorAndTheWholeStory) {
  define("chain", kChain);
  Promise<Value> promise;
  const Future<Value> result = start("chain", 1, Value(promise.future()));
  promise.set_error(IndexError("lost"));
  const Error error = error_of([&] { result.get(); });
  EXPECT_EQ(error.kind(), ErrorKind::kIndex);
  EXPECT_EQ(error.message(), "lost");
  ASSERT_EQ(error.trail().size(), 3u);
  EXPECT_EQ(error.trail()[0].kind, Hop::Kind::kScript);
  EXPECT_EQ(error.trail()[0].line, 2);
  EXPECT_EQ(error.trail()[1].kind, Hop::Kind::kFork);
  EXPECT_EQ(error.trail()[1].what, "chain");
  EXPECT_EQ(error.trail()[1].line, 3);
  EXPECT_EQ(error.trail()[2].kind, Hop::Kind::kScript);
  EXPECT_EQ(error.trail()[2].file, "chain.py");
}

struct ForeignError {
  int code;
};

TEST_F(Fork, AnErrorThatIsNoneOfOursPassesThroughUntouched) {
  define("chain", kChain);
  Promise<Value> promise;
  const Future<Value> result = start("chain", 2, Value(promise.future()));
  const std::exception_ptr original = std::make_exception_ptr(ForeignError{42});
  promise.set_error(original);
  EXPECT_EQ(result.error(), original);
}

TEST_F(Fork, AFutureThatBringsTheWrongTypeIsATypeError) {
  define("w", kWait);
  Promise<Value> promise;
  const Future<Value> result = start("w", Value(promise.future()));
  promise.set_value(Value("text"));
  const Error error = error_of([&] { result.get(); });
  EXPECT_EQ(error.kind(), ErrorKind::kType);
  EXPECT_NE(error.message().find("int"), std::string::npos);
  EXPECT_NE(error.message().find("str"), std::string::npos);
}

TEST_F(Fork, AForkThatNobodyWaitsForStillRuns) {
  define("f", R"(
graph(%l : List[int], %go : Future[int]):
  %f : Future[int] = prim::fork_0(%l, %go)
  return (%f)

with prim::fork_0 = graph(%l : List[int], %go : Future[int]):
  %v : int = aten::wait(%go)
  %none : NoneType = aten::append(%l, %v)
  return (%v)
)");
  auto list = detail::make_ref<List>();
  Promise<Value> go;
  const Value inner = run("f", Value(list), Value(go.future()));
  go.set_value(Value(5));
  EXPECT_EQ(inner.to_future().get().as_int(), 5);
  EXPECT_EQ(list->items.size(), 1u);
}

TEST_F(Fork, WaitingInForkOrderLeavesNothingBehindInTheDeque) {
  // for i in range(n): a = fork; b = fork; wait(a); wait(b)
  define("f", R"(
graph(%n : int):
  %true : bool = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %s : int = prim::Loop(%n, %true, %zero)
    block0(%i : int, %s.1 : int):
      %a : Future[int] = prim::fork_0(%i)
      %b : Future[int] = prim::fork_1(%i)
      %x : int = aten::wait(%a)
      %y : int = aten::wait(%b)
      %t : int = aten::add(%x, %y)
      %s.2 : int = aten::add(%s.1, %t)
      -> (%true, %s.2)
  return (%s)

with prim::fork_0 = graph(%i : int):
  %one : int = prim::Constant[value=1]()
  %y : int = aten::add(%i, %one)
  return (%y)

with prim::fork_1 = graph(%i : int):
  %two : int = prim::Constant[value=2]()
  %y : int = aten::add(%i, %two)
  return (%y)
)");
  EXPECT_EQ(run("f", 100'000).as_int(), int64_t{100'000} * 99'999 + 300'000);
}

TEST_F(Fork, AnExecutorThatShutsDownAbandonsWhatWaits) {
  Promise<Value> promise;
  Future<Value> result;
  define("w", kWait);
  {
    Scheduler short_lived(1);
    vm::Machine its(short_lived, OpContext{});
    const std::vector<Value> args{Value(promise.future())};
    result = its.start(*library.find("w"), args);
    promise.set_value(Value(1));
  }
  // Either the resumption ran before the scheduler closed, or it was abandoned: never lost.
  EXPECT_TRUE(result.ready());
}

// Holds what is posted until it is told what becomes of it.
class Held final : public Executor {
 public:
  void post(Task& task) noexcept override { tasks_.push_back(&task); }
  void run_all() { each(&Task::run); }
  void abandon_all() { each(&Task::abandon); }

 private:
  void each(void (Task::*what)()) {
    for (Task* const task : std::exchange(tasks_, {})) (task->*what)();
  }
  std::vector<Task*> tasks_;
};

// def f(p, xs): x = wait(p); return x + len(xs)
constexpr std::string_view kHolds = R"(
graph(%p : Future[int], %xs : List[int]):
  %x : int = aten::wait(%p) # w.py:2:3
  %n : int = aten::len(%xs)
  %y : int = aten::add(%x, %n)
  return (%y)
)";

TEST_F(Fork, WhatIsAbandonedFreesWhatItsFramesHoldWhoeverKeepsItsFuture) {
  define("f", kHolds);
  const Value list(detail::make_ref<List>(std::vector<Value>{Value(1)}));
  Held executor;
  vm::Machine its(executor, OpContext{});
  // Not begun yet, and while it waits.
  const Future<Value> queued =
      its.post(*library.find("f"), std::vector<Value>{Value(make_ready(Value(1))), list});
  Promise<Value> promise;
  const Future<Value> waits =
      its.start(*library.find("f"), std::vector<Value>{Value(promise.future()), list});
  promise.set_value(Value(1));
  EXPECT_FALSE(list.as_counted()->sole_owner());
  executor.abandon_all();
  EXPECT_EQ(error_of([&] { queued.get(); }).kind(), ErrorKind::kAbandoned);
  const Error error = error_of([&] { waits.get(); });
  EXPECT_EQ(error.kind(), ErrorKind::kAbandoned);
  ASSERT_FALSE(error.trail().empty());
  EXPECT_EQ(error.trail()[0].line, 2);
  EXPECT_TRUE(list.as_counted()->sole_owner());
}

TEST_F(Fork, ARunThatWaitedGivesUpItsResultWithItsFuture) {
  define("f", R"(
graph(%p : Future[List[int]]):
  %x : List[int] = aten::wait(%p)
  return (%x)
)");
  const Value list(detail::make_ref<List>(std::vector<Value>{Value(1)}));
  Held executor;
  vm::Machine its(executor, OpContext{});
  Promise<Value> promise;
  Future<Value> result = its.start(*library.find("f"), std::vector<Value>{Value(promise.future())});
  promise.set_value(list);
  executor.run_all();
  EXPECT_TRUE(result.ready());
  EXPECT_FALSE(list.as_counted()->sole_owner());
  result = {};
  EXPECT_TRUE(list.as_counted()->sole_owner());
}

TEST_F(Fork, APostedRunAndAForkGiveUpTheirResultWithTheirFuture) {
  define("f", "graph(%x : List[int]):\n  return (%x)\n");
  define("forks", R"(
graph(%x : List[int]):
  %f : Future[List[int]] = prim::fork_0(%x)
  return (%f)

with prim::fork_0 = graph(%x : List[int]):
  %y : List[int] = prim::CallFunction[name="f"](%x)
  return (%y)
)");
  const Value list(detail::make_ref<List>(std::vector<Value>{Value(1)}));
  Held executor;
  vm::Machine its(executor, OpContext{});
  Future<Value> posted = its.post(*library.find("f"), std::vector<Value>{list});
  Future<Value> forked = its.start(*library.find("forks"), std::vector<Value>{list}).get().to_future();
  executor.run_all();
  EXPECT_TRUE(posted.ready() && forked.ready());
  EXPECT_FALSE(list.as_counted()->sole_owner());
  posted = {};
  forked = {};
  EXPECT_TRUE(list.as_counted()->sole_owner());
}

TEST_F(Fork, ATaskThatStoodBackForItsForkGoesOnWhenThatWaits) {
  // Forks what waits for `p`, and returns the fork's future: an executor that runs in place runs the fork first.
  define("f", R"(
graph(%p : Future[int]):
  %f : Future[int] = prim::fork_0(%p)
  return (%f)

with prim::fork_0 = graph(%p : Future[int]):
  %y : int = aten::wait(%p)
  return (%y)
)");
  InlineExecutor in_place;
  vm::Machine direct(in_place, OpContext{});
  Promise<Value> promise;
  const Future<Value> outer = direct.start(*library.find("f"), std::vector<Value>{Value(promise.future())});
  ASSERT_TRUE(outer.ready());
  const Future<Value> inner = outer.get().to_future();
  EXPECT_FALSE(inner.ready());
  promise.set_value(Value(5));
  EXPECT_EQ(inner.get().as_int(), 5);
}

}  // namespace
}  // namespace tine::test
