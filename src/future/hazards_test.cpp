// What docs/hazards.md says of futures and coroutines alone.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/unobserved.h"

namespace tine {
namespace {

TEST(Hazard, AFutureCapturedInItsOwnCallbackLivesUntilItIsDoneAndNoLonger) {
  const auto held = std::make_shared<int>(1);
  std::optional<Promise<int>> p(std::in_place);
  Future<int> f = p->future();
  Future<int> g = f.then([f, held](const Future<int>&) { return f.error() ? -1 : f.get(); });
  f = {};
  EXPECT_EQ(held.use_count(), 2);
  // A promise that dies breaks the ring.
  p.reset();
  EXPECT_EQ(g.get(), -1);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Hazard, ARingThatOnlyItsOwnCallbackHoldsIsBrokenByTakingThePromiseOut) {
  struct Session {
    Promise<int> promise;
    std::shared_ptr<int> held;
  };
  const auto held = std::make_shared<int>(1);
  auto session = std::make_shared<Session>();
  session->held = held;
  (void)session->promise.future().then([session](const Future<int>&) {});
  const std::weak_ptr<Session> seen = session;
  session = nullptr;
  // Kept by its own callback, which waits for its own promise.
  EXPECT_FALSE(seen.expired());
  Promise<int> out = std::move(seen.lock()->promise);
  out.set_value(1);
  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Hazard, TheParametersOfALambdaThatIsACoroutineLiveInItsFrame) {
  Promise<int> ready;
  Future<std::string> f;
  {
    // The lambda object and the text are gone before the coroutine goes on.
    const auto read = [](std::string text, Future<int> when) -> Future<std::string> {
      co_await when;
      co_return text;
    };
    f = read(std::string(100, 'x'), ready.future());
  }
  ready.set_value(1);
  EXPECT_EQ(f.get(), std::string(100, 'x'));
}

TEST(Hazard, AMovedGetMovesFromTheLastOwnerOnly) {
  Promise<std::string> p;
  Future<std::string> f = p.future();
  p.set_value(std::string(100, 'x'));
  Future<std::string> other = f;
  EXPECT_EQ(std::move(f).get(), std::string(100, 'x'));
  EXPECT_EQ(other.get(), std::string(100, 'x'));
  f = {};
  EXPECT_EQ(std::move(other).get(), std::string(100, 'x'));
  EXPECT_EQ(other.get(), "");
}

TEST(Hazard, CleanupInAStoppedContextThrowsAgainUnlessItLeavesIt) {
  const CancelSource source;
  source.cancel();
  const ContextScope scope(Context().with_token(source.token()));
  Promise<int> undo;
  EXPECT_THROW(undo.future().get(), Cancelled);
  const ContextScope outside{Context()};
  Promise<int> again;
  const Future<int> f = again.future();
  again.set_value(1);
  EXPECT_EQ(f.get(), 1);
}

}  // namespace
}  // namespace tine
