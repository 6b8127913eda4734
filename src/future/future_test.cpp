#include "tine/future.h"
#include "src/base/testing/kept_tasks.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace tine {
namespace {

TEST(Future, GetReturnsTheValueThatWasSet) {
  Promise<int> p;
  Future<int> f = p.future();
  EXPECT_FALSE(f.ready());
  EXPECT_TRUE(p.set_value(3));
  EXPECT_EQ(f.get(), 3);
}

TEST(Future, CannotBeCompletedTwice) {
  Promise<int> p;
  const Future<int> f = p.future();
  p.set_value(1);
  EXPECT_THROW(p.set_value(2), Error);
  EXPECT_THROW(p.set_error(ValueError("x")), Error);
  EXPECT_EQ(f.get(), 1);
}

TEST(Future, CallbacksRunInTheOrderInWhichTheyWereAdded) {
  Promise<int> p;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) (void)p.future().then([&order, i](Future<int>) { order.push_back(i); });
  p.set_value(0);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Future, OnACompletedFutureACallbackRunsAtOnceAndInline) {
  const auto me = std::this_thread::get_id();
  bool ran = false;
  (void)make_ready(1).then([&](Future<int>) { ran = std::this_thread::get_id() == me; });
  EXPECT_TRUE(ran);
}

TEST(Future, ACallbackAddedByARunningCallbackRunsBehindThoseAddedBefore) {
  Promise<int> p;
  std::vector<int> order;
  (void)p.future().then([&](Future<int> f) {
    (void)f.then([&](Future<int>) { order.push_back(3); });
    order.push_back(1);
  });
  (void)p.future().then([&](Future<int>) { order.push_back(2); });
  p.set_value(0);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Future, WhatWaitsForACallbacksResultRunsBeforeTheNextCallbackOfTheSource) {
  Promise<int> p;
  std::string order;
  const Future<int> source = p.future();
  const auto note = [&order](char c) { return [&order, c](Future<int>) { return order += c, 0; }; };
  const Future<int> a = source.then(note('a'));
  (void)a.then(note('b')).then(note('c'));
  (void)a.then(note('d'));
  (void)source.then(note('e')).then(note('f'));
  p.set_value(0);
  EXPECT_EQ(order, "abcdef");
}

TEST(Future, ACallbackThatAChainAddsToItsSourceRunsOnce) {
  Promise<int> p;
  const Future<int> source = p.future();
  int runs = 0;
  (void)source.then([](Future<int>) { return 0; }).then([&](Future<int>) {
    (void)source.then([&](Future<int>) { ++runs; });
    return 0;
  });
  p.set_value(0);
  EXPECT_EQ(runs, 1);
}

TEST(Future, ThenOnAFailedFutureRunsAndSeesTheError) {
  auto f = make_failed<int>(std::make_exception_ptr(ValueError("foo"))).then([](Future<int> g) {
    EXPECT_THROW(g.get(), ValueError);
    return 7;
  });
  EXPECT_EQ(f.get(), 7);
}

TEST(Future, AndThenOnAFailedFutureForwardsTheErrorAndFlattensAFuture) {
  bool ran = false;
  auto failed = make_failed<int>(std::make_exception_ptr(ValueError("foo"))).and_then([&](int) {
    ran = true;
    return 1;
  });
  EXPECT_THROW(failed.get(), ValueError);
  EXPECT_FALSE(ran);
  Promise<std::string> inner;
  Future<std::string> flat = make_ready(1).and_then([&](int) { return inner.future(); });
  EXPECT_FALSE(flat.ready());
  inner.set_value("x");
  EXPECT_EQ(flat.get(), "x");
}

TEST(Future, OrElseReplacesAnErrorAndForwardsAValue) {
  EXPECT_EQ(make_ready(1).or_else([](std::exception_ptr) { return 2; }).get(), 1);
  EXPECT_EQ(make_failed<int>(std::make_exception_ptr(Error("e")))
                .or_else([](std::exception_ptr) { return 2; })
                .get(),
            2);
}

TEST(Future, FinallyRunsAlwaysAndForwardsTheOutcome) {
  int ran = 0;
  EXPECT_EQ(make_ready(1).finally([&] { ++ran; }).get(), 1);
  EXPECT_THROW(make_failed<int>(std::make_exception_ptr(Error("e"))).finally([&] { ++ran; }).get(), Error);
  EXPECT_EQ(ran, 2);
}

TEST(Future, WhatThenReturnsIsHeldAsItIsAlsoAFuture) {
  Promise<int> inner;
  const Future<Future<int>> held = make_ready(1).then([f = inner.future()](const Future<int>&) { return f; });
  ASSERT_TRUE(held.ready());
  EXPECT_FALSE(held.get().ready());
  inner.set_value(1);
}

TEST(Future, EachOfTheFourHasAFormThatRunsOnAnExecutorWithTheSameRules) {
  KeptTasks queue;
  const auto check = [&](const Future<void>& source, bool fails) {
    int ran = 0;
    const auto then = source.then(queue, [&](const Future<void>& f) { return ++ran, f.error() != nullptr; });
    const auto and_then = source.and_then(queue, [&] { return ++ran, make_ready(4); });
    const auto or_else = source.or_else(queue, [&](const std::exception_ptr&) { ++ran; });
    const auto finally = source.finally(queue, [&] { ++ran; });
    EXPECT_EQ(ran, 0);
    queue.run_all();
    EXPECT_EQ(ran, 3);  // one of and_then and or_else is skipped
    EXPECT_EQ(then.get(), fails);
    EXPECT_FALSE(or_else.error());
    if (fails) {
      EXPECT_THROW((void)and_then.get(), KeyError);
      EXPECT_THROW(finally.get(), KeyError);
    } else {
      EXPECT_EQ(and_then.get(), 4);
      finally.get();
    }
  };
  check(make_ready(), false);
  check(make_failed<void>(std::make_exception_ptr(KeyError("k"))), true);
}

TEST(Future, WaitUntilAPointInTimeThatHasPassedAnswersAtOnce) {
  Promise<int> p;
  const Future<int> f = p.future();
  EXPECT_FALSE(f.wait_until(Clock::now() - std::chrono::hours(1)));
  p.set_value(1);
  EXPECT_TRUE(f.wait_until(Clock::now() - std::chrono::hours(1)));
}

Future<int> count_down(int n) {
  return make_ready(n).and_then([](int left) { return left == 0 ? make_ready(0) : count_down(left - 1); });
}

TEST(Future, AMillionFuturesFlattenedIntoEachOtherCompleteWithoutRecursion) {
  EXPECT_EQ(count_down(1'000'000).get(), 0);
}

TEST(Future, ACallbacksExceptionBecomesTheErrorOfTheFutureThatThenReturned) {
  Promise<int> p;
  Future<int> f = p.future().then([](Future<int>) -> int { throw IndexError("i"); });
  p.set_value(1);
  EXPECT_THROW(f.get(), IndexError);
}

TEST(Future, APromiseThatDiesUnsetAbandonsItsFuture) {
  Future<int> f = Promise<int>().future();
  EXPECT_THROW(f.get(), Abandoned);
}

TEST(Future, CancelCompletesAPendingFutureAndTheLateValueIsDropped) {
  Promise<int> p;
  Future<int> f = p.future();
  EXPECT_TRUE(f.cancel());
  EXPECT_FALSE(f.cancel());
  EXPECT_FALSE(p.set_value(3));
  EXPECT_THROW(f.get(), Cancelled);
}

TEST(Future, WaitForSaysNotReadyWithoutAnError) {
  Promise<int> p;
  const Future<int> f = p.future();
  EXPECT_FALSE(f.wait_for(std::chrono::milliseconds(1)));
  p.set_value(1);
  EXPECT_TRUE(f.wait_for(std::chrono::milliseconds(0)));
}

TEST(Future, AWaitingThreadIsWokenBeforeCallbacksRun) {
  Promise<int> p;
  Promise<void> woken;
  std::thread waiter([f = p.future(), &woken] {
    f.wait();
    woken.set_value();
  });
  // The callback can only return when the waiter has been woken already.
  (void)p.future().then([f = woken.future()](Future<int>) { f.wait(); });
  p.set_value(1);
  waiter.join();
}

TEST(Future, AChainOfAMillionLinksCompletesAndIsDestroyedWithoutRecursion) {
  Promise<int> p;
  Future<int> last = p.future();
  for (int i = 0; i < 1'000'000; ++i) last = last.then([](Future<int> f) { return f.get() + 1; });
  p.set_value(0);
  EXPECT_EQ(last.get(), 1'000'000);
}

TEST(Future, AMillionNestedFuturesAreDestroyedWithoutRecursion) {
  Future<std::shared_ptr<void>> f = make_ready(std::shared_ptr<void>());
  for (int i = 0; i < 1'000'000; ++i) {
    f = make_ready(std::shared_ptr<void>(std::make_shared<Future<std::shared_ptr<void>>>(f)));
  }
}

// --- the reference rule

struct CountsReferences final : detail::Node {
  CountsReferences() : Node(&kOps) {}
  static void run(Node* node, detail::StateBase& done) noexcept {
    static_cast<CountsReferences*>(node)->references = done.references();
  }
  static constexpr detail::NodeOps kOps{&CountsReferences::run, false};
  uint32_t references = 0;
};

TEST(ReferenceRule, ACompletionThroughAnyReferenceKeepsTheStateForTheCall) {
  const auto count = [](auto complete) {
    const auto state = detail::make_ref<detail::State<int>>();
    CountsReferences node;
    state->subscribe(&node);
    complete(*state);
    EXPECT_TRUE(state->sole_owner());
    return node.references;
  };
  EXPECT_EQ(count([](auto& state) { state.emplace(1); }), 2U);
  EXPECT_EQ(count([](auto& state) { state.fail(make_error(ErrorKind::kValue, "x")); }), 2U);
  EXPECT_EQ(count([](auto& state) { state.cancel(); }), 2U);
  EXPECT_EQ(count([](auto& state) { state.emplace(detail::owning, 1); }), 1U);
}

struct Tells final : detail::State<int> {
  explicit Tells(bool* g) : gone(g) {}
  ~Tells() override { *gone = true; }
  bool* gone;
};

struct Drops final : detail::Node {
  Drops() : Node(&kOps) {}
  static void run(Node* node, detail::StateBase&) noexcept {
    auto* const self = static_cast<Drops*>(node);
    self->last = nullptr;
    self->gone_while_running = self->gone;
  }
  static constexpr detail::NodeOps kOps{&Drops::run, false};
  bool gone = false;
  bool gone_while_running = true;
  detail::Ref<detail::State<int>> last = detail::make_ref<Tells>(&gone);
};

TEST(ReferenceRule, ACallbackAddedToADoneFutureMayDropItsLastReference) {
  Drops node;
  node.last->emplace(1);
  node.last->subscribe(&node);
  EXPECT_FALSE(node.gone_while_running);
  EXPECT_TRUE(node.gone);
}

TEST(ReferenceRule, ACallbackMayDropTheReferenceThroughWhichItsFutureIsCompleted) {
  bool gone = false;
  bool gone_in_callback = true;
  detail::Ref<detail::State<int>> only = detail::make_ref<Tells>(&gone);
  (void)Future<int>(only).then([&](const Future<int>&) {
    only = nullptr;
    gone_in_callback = gone;
  });
  detail::State<int>& borrowed = *only;
  borrowed.emplace(1);
  EXPECT_FALSE(gone_in_callback);
  EXPECT_TRUE(gone);
}

TEST(ReferenceRule, TheOneThatWaitsThroughTheReferenceThatAnotherThreadCompletesIsWoken) {
  for (int round = 0; round < 500; ++round) {
    const auto shared = detail::make_ref<detail::State<int>>();
    std::thread waits([&] { shared->wait(); });
    shared->emplace(round);
    waits.join();
    EXPECT_EQ(shared->get(), round);
  }
}

// --- what C++ and Python share

TEST(Future, AndThenOfACancelledFutureIsCancelled) {
  Promise<int> p;
  const auto result = p.future().and_then([](int v) { return v; });
  const auto finally = p.future().finally([] {});
  p.future().cancel();
  EXPECT_EQ(result.state()->outcome(), detail::Outcome::kCancelled);
  EXPECT_EQ(finally.state()->outcome(), detail::Outcome::kCancelled);
  EXPECT_THROW(result.get(), Cancelled);
}

TEST(Future, ACallbackThatReturnsTheFutureThatItCompletesFailsItInsteadOfHanging) {
  Promise<int> p;
  Future<int> result;
  result = p.future().and_then([&](int) { return result; });
  p.set_value(1);
  ASSERT_TRUE(result.ready());
  EXPECT_THROW(result.get(), ValueError);
}

TEST(Future, AnExecutorThatRefusesACallbackFailsItsFutureWithTheReasonAndRunsFinally) {
  struct Refuses final : Executor {
    void post(Task& task) noexcept override { task.refuse(make_error(ErrorKind::kIndex, "too busy")); }
  } executor;
  int ran = 0;
  EXPECT_THROW(make_ready(1).then(executor, [&](const Future<int>&) { return ++ran; }).get(), IndexError);
  EXPECT_EQ(ran, 0);
  EXPECT_THROW(make_ready(1).finally(executor, [&] { ++ran; }).get(), IndexError);
  EXPECT_EQ(ran, 1);
}

TEST(CollectAll, YieldsTheVeryFuturesWhenAllAreDone) {
  Promise<int> a;
  Promise<int> b;
  const Future<int> first = a.future();
  auto all = collect_all(std::vector{first, b.future()});
  b.set_value(2);
  EXPECT_FALSE(all.ready());
  a.set_value(1);
  EXPECT_EQ(all.get()[0], first);
  EXPECT_EQ(all.get()[1].get(), 2);
}

TEST(CollectAll, FailsWithTheFirstFailureInInputOrderAndOnlyWhenAllAreDone) {
  Promise<int> a;
  Promise<int> b;
  auto all = collect_all(std::vector{a.future(), b.future()});
  b.set_error(IndexError("b"));
  EXPECT_FALSE(all.ready());
  a.set_error(ValueError("a"));
  EXPECT_THROW(all.get(), ValueError);
}

TEST(CollectAll, OfNothingIsDone) { EXPECT_TRUE(collect_all(std::vector<Future<int>>{}).ready()); }

TEST(WaitAll, ReturnsTheValues) {
  EXPECT_EQ(wait_all(std::vector{make_ready(1), make_ready(2)}), (std::vector{1, 2}));
}

TEST(CallbackGate, PostsUsersCallbacksInOrderInsteadOfRunningThem) {
  KeptTasks queue;
  Promise<int> p;
  std::vector<int> order;
  (void)p.future().then([&](Future<int>) { order.push_back(1); });
  (void)p.future().then([&](Future<int>) { order.push_back(2); });
  {
    const detail::CallbackGate gate(queue);
    const Future<int> f = p.future();
    p.set_value(1);
    EXPECT_TRUE(f.ready());
    (void)f.then([&](Future<int>) { order.push_back(3); });
  }
  EXPECT_TRUE(order.empty());
  ASSERT_EQ(queue.tasks.size(), 1u);
  queue.tasks[0]->run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(CallbackGate, AnExecutorThatAbandonsWhatIsPostedStillLetsEachCallbackRunOnce) {
  struct Closed final : Executor {
    void post(Task& task) noexcept override {
      ++posts;
      task.abandon();
    }
    int posts = 0;
  } closed;
  Promise<int> p;
  int ran = 0;
  for (int i = 0; i < 3; ++i) (void)p.future().then([&](const Future<int>&) { ++ran; });
  const detail::CallbackGate gate(closed);
  p.set_value(1);
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(closed.posts, 1);
}

TEST(Future, EveryRaceOfSettersCancellersAndSubscribersLosesNoCallback) {
  for (int round = 0; round < 2000; ++round) {
    Promise<int> p;
    std::atomic<int> ran{0};
    std::thread other([f = p.future(), &ran] {
      for (int i = 0; i < 4; ++i) (void)f.then([&](Future<int>) { ran.fetch_add(1); });
      f.cancel();
      f.wait();
    });
    for (int i = 0; i < 4; ++i) (void)p.future().then([&](Future<int>) { ran.fetch_add(1); });
    p.set_value(round);
    other.join();
    EXPECT_EQ(ran.load(), 8);
  }
}

}  // namespace
}  // namespace tine
