// Waits in a Context that stops: get() and co_await end, wait() does not, nothing is left behind.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/base/testing/kept_tasks.h"
#include "tine/combinators.h"
#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/timer.h"
#include "tine/unobserved.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

struct InContextThatStops : testing::Test {
  InlineExecutor in_place;
  Timer timer{in_place};
  const CancelSource source;
  const Context cancellable = Context().with_token(source.token());
  Promise<int> outside;  // made in no context
  const Future<int> f = outside.future();
  ~InContextThatStops() override { f.cancel(); }
};
using CoAwait = InContextThatStops;
using Get = InContextThatStops;
using ACombinator = InContextThatStops;

// What ended the wait, and that the frame's locals went.
Future<std::string> waits_for(Future<int> f, std::shared_ptr<int> held, std::string* told) {
  const std::shared_ptr<int> local = std::move(held);
  try {
    *told = "value " + std::to_string(co_await f);
  } catch (const Error& e) {
    *told = describe(std::current_exception());
    throw;
  }
  co_return *told;
}

TEST_F(CoAwait, OfAFutureMadeElsewhereEndsWithCancelledAndTheFrameGoes) {
  const auto held = std::make_shared<int>(1);
  std::string told;
  Future<std::string> c;
  {
    const ContextScope scope(cancellable);
    c = waits_for(f, held, &told);
  }
  EXPECT_EQ(held.use_count(), 2);
  source.cancel();
  EXPECT_EQ(told, "Cancelled: the context was cancelled before the future was done");
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_THROW(c.get(), Cancelled);
  EXPECT_FALSE(f.ready());
  outside.set_value(1);
  EXPECT_TRUE(told.starts_with("Cancelled"));
}

TEST_F(CoAwait, OfAFutureMadeElsewhereEndsWithDeadlineExceeded) {
  std::atomic<bool> gone{false};
  std::shared_ptr<int> held(new int, [&gone](const int* p) {
    delete p;
    gone = true;
  });
  std::string told;
  Future<std::string> c;
  {
    const ContextScope scope(Context().with_timeout(timer, 5ms));
    c = waits_for(f, std::move(held), &told);
  }
  // The coroutine's own future is completed first, then the body ends, on the timer's thread.
  EXPECT_THROW(c.get(), DeadlineExceeded);
  const TimePoint end = Clock::now() + 30s;
  while (!gone && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(gone);
  EXPECT_EQ(told, "DeadlineExceeded: the context's deadline passed before the future was done");
}

TEST_F(CoAwait, InAContextThatDoesNotStopYieldsTheValueOrTheVeryError) {
  std::string told;
  const ContextScope scope(cancellable);
  Promise<int> other;
  const Future<std::string> c = waits_for(other.future(), nullptr, &told);
  other.set_value(4);
  EXPECT_EQ(c.get(), "value 4");
  Promise<int> fails;
  const Future<std::string> failed = waits_for(fails.future(), nullptr, &told);
  fails.set_error(KeyError("k"));
  EXPECT_THROW(failed.get(), KeyError);
}

TEST_F(CoAwait, InAContextThatHasStoppedThrowsAtOnceUnlessTheFutureIsDone) {
  source.cancel();
  const ContextScope scope(cancellable);
  std::string told;
  (void)waits_for(f, nullptr, &told);
  EXPECT_TRUE(told.starts_with("Cancelled")) << told;
  outside.set_value(3);
  (void)waits_for(f, nullptr, &told);
  EXPECT_EQ(told, "value 3");
}

TEST_F(CoAwait, InAnEmptyContextLetsCleanupWait) {
  struct Cleans {
    static Future<void> run(Future<int> f, Future<int> cleanup, bool* cleaned) {
      bool stopped = false;
      try {
        co_await f;
      } catch (const Cancelled&) {
        stopped = true;
      }
      const ContextScope scope{Context()};
      *cleaned = co_await cleanup == 5 && stopped;
    }
  };
  bool cleaned = false;
  Promise<int> cleanup;
  {
    const ContextScope scope(cancellable);
    (void)Cleans::run(
        f,
        [&] {
          const ContextScope none{Context()};
          return cleanup.future();
        }(),
        &cleaned);
  }
  source.cancel();
  EXPECT_FALSE(cleaned);
  cleanup.set_value(5);
  EXPECT_TRUE(cleaned);
}

TEST_F(CoAwait, WithAnExecutorGoesOnThereWhenItsContextStops) {
  KeptTasks queue;
  struct Moves {
    static Future<int> run(Executor* e, Future<int> f) { co_return co_await resume_on(*e, std::move(f)); }
  };
  Future<int> c;
  {
    const ContextScope scope(cancellable);
    c = Moves::run(&queue, f);
  }
  source.cancel();
  ASSERT_EQ(queue.tasks.size(), 1U);
  queue.tasks[0]->run();
  EXPECT_THROW(c.get(), Cancelled);
}

TEST_F(CoAwait, RacingWithCancellationAndCompletionResumesOnce) {
  for (int round = 0; round < 500; ++round) {
    const CancelSource stop;
    Promise<int> p;
    const Future<int> g = p.future();
    const auto held = std::make_shared<int>(1);
    std::string told[4];
    {
      const ContextScope scope(Context().with_token(stop.token()));
      for (std::string& text : told) (void)waits_for(g, held, &text);
    }
    std::thread other([&] { p.set_value(round); });
    stop.cancel();
    other.join();
    EXPECT_EQ(held.use_count(), 1);
    for (const std::string& text : told) {
      EXPECT_TRUE(text == "value " + std::to_string(round) || text.starts_with("Cancelled")) << text;
    }
  }
}

TEST_F(Get, OfAFutureMadeElsewhereEndsWhenTheContextIsCancelled) {
  std::atomic<bool> waits{false};
  std::thread other([&] {
    const ContextScope scope(cancellable);
    waits = true;
    EXPECT_THROW(f.get(), Cancelled);
    EXPECT_THROW((void)wait_all(std::vector{f}), Cancelled);
    EXPECT_THROW((void)as_completed(std::vector{f}).next(), Cancelled);
  });
  while (!waits) std::this_thread::yield();
  source.cancel();
  other.join();
  EXPECT_FALSE(f.ready());
}

TEST_F(Get, OfAFutureMadeElsewhereEndsAtTheContextsDeadline) {
  const ContextScope scope(Context().with_timeout(timer, 5ms));
  EXPECT_THROW(f.get(), DeadlineExceeded);
  EXPECT_THROW((void)wait_all(std::vector{f}), DeadlineExceeded);
  // The others look at the future alone.
  EXPECT_FALSE(f.wait_for(1ms));
  std::thread other([&] { outside.set_value(2); });
  f.wait();
  EXPECT_EQ(f.get(), 2);
  other.join();
}

TEST_F(Get, ThatConsumesAFutureMadeElsewhereEndsWithTheContextToo) {
  {
    const ContextScope scope(Context().with_timeout(timer, 5ms));
    EXPECT_THROW((void)Future<int>(f).get(), DeadlineExceeded);
  }
  source.cancel();
  const ContextScope scope(cancellable);
  EXPECT_THROW((void)Future<int>(f).get(), Cancelled);
}

TEST_F(Get, OfADoneFutureYieldsItsValueInAStoppedContext) {
  source.cancel();
  const ContextScope scope(cancellable);
  outside.set_value(2);
  EXPECT_EQ(f.get(), 2);
}

TEST_F(ACombinator, MadeInAContextIsCancelledWithItAndItsInputsAreNot) {
  Future<std::vector<Future<int>>> all;
  Future<std::vector<Future<int>>> settled;
  Future<std::tuple<Future<int>>> tuple;
  Future<Any<int>> any;
  Future<int> sleeps;
  {
    const ContextScope scope(cancellable);
    all = collect_all(std::vector{f});
    settled = collect_all_settled(std::vector{f});
    tuple = collect_all(f);
    any = collect_any(std::vector{f});
    sleeps = timer.sleep_for(1h).and_then([] { return 1; });
  }
  source.cancel();
  EXPECT_THROW(all.get(), Cancelled);
  EXPECT_THROW(settled.get(), Cancelled);
  EXPECT_THROW(tuple.get(), Cancelled);
  EXPECT_THROW(any.get(), Cancelled);
  EXPECT_THROW(sleeps.get(), Cancelled);
  EXPECT_EQ(timer.size(), 0U);
  EXPECT_FALSE(f.ready());
  outside.set_value(1);
}

TEST_F(ACombinator, ThatIsAGatherCancelsItsInputsWhenItIsCancelled) {
  Promise<int> other;
  const Future<std::vector<int>> all = gather(std::vector{f, other.future()});
  all.cancel();
  EXPECT_THROW(f.get(), Cancelled);
  EXPECT_TRUE(outside.cancelled());
  EXPECT_TRUE(other.cancelled());
  Promise<int> third;
  {
    const ContextScope scope(cancellable);
    (void)gather(std::vector{third.future()});
  }
  source.cancel();
  EXPECT_TRUE(third.cancelled());
}

TEST_F(ACombinator, ThatIsAGatherWithASourceTellsTheWorkThatRuns) {
  Promise<void> begun;
  const Future<void> told = begun.future();
  Promise<int> result;
  std::thread worker;
  Future<int> running;
  {
    const ContextScope scope(cancellable);
    running = result.future();
    worker = std::thread([&, context = Context::current()] {
      begun.set_value();
      while (!context.stopped() && !result.cancelled()) std::this_thread::yield();
      EXPECT_FALSE(result.set_value(1));
    });
  }
  told.wait();
  Promise<int> fails;
  const Future<std::vector<int>> all = gather(source, std::vector{running, fails.future()});
  EXPECT_FALSE(source.cancelled());
  fails.set_error(KeyError("first"));
  worker.join();
  EXPECT_TRUE(source.cancelled());
  EXPECT_THROW(all.get(), KeyError);
  // All went well: nothing is raised.
  const CancelSource unused;
  EXPECT_EQ(gather(unused, std::vector{make_ready(1)}).get(), std::vector{1});
  EXPECT_FALSE(unused.cancelled());
}

TEST(APromise, KnowsThatItsFutureWasCancelled) {
  Promise<int> p;
  EXPECT_FALSE(p.cancelled());
  p.future().cancel();
  EXPECT_TRUE(p.cancelled());
  Promise<int> q;
  q.set_value(1);
  EXPECT_FALSE(q.cancelled());
}

}  // namespace
}  // namespace tine
