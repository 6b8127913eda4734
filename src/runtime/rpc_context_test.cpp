// Deadlines, cancellation and the trail of an error between workers (docs/spec/agent.md, "Calls").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "src/runtime/workers_for_tests.h"
#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/rpc.h"
#include "tine/runtime.h"
#include "tine/script.h"
#include "tine/timer.h"

namespace tine::rpc {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::Workers;

double time_left() {
  const TimePoint deadline = Context::current().deadline();
  return deadline == kNoDeadline ? -1.0 : Seconds(deadline - Clock::now()).count();
}

std::vector<Hop> calls_of(const std::exception_ptr& error) {
  std::vector<Hop> calls;
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    for (const Hop& hop : e.trail()) {
      if (hop.kind == Hop::Kind::kWorker) calls.push_back(hop);
    }
  } catch (...) {
  }
  return calls;
}

class Contexts : public Workers {
 protected:
  // w0 calls w1, which calls w2.
  void serve_chain(const std::string& last) {
    (*this)[1].serve("through", [this, last] {
      std::this_thread::sleep_for(milliseconds(5));
      return (*this)[1].call(Call{.to = "w2", .name = last, .timeout = kNoTimeout});
    });
  }
};

TEST_F(Contexts, NestedCallsInheritTheRemainingTimeWhateverTheyNameThemselves) {
  (*this)[2].serve("time left", time_left);
  serve_chain("time left");
  join(3);
  EXPECT_EQ(caller().call(Call{.to = "w1", .name = "through", .timeout = kNoTimeout}).get().to_float(), -1);
  const double left =
      caller().call(Call{.to = "w1", .name = "through", .timeout = Seconds(30)}).get().to_float();
  EXPECT_GT(left, 1);
  EXPECT_LE(left, 30);
}

TEST_F(Contexts, AScriptThatIsCalledAndItsForksEndWithTheRemainingTime) {
  const script::CompilationUnit unit = script::compile(R"(
def inner(n: int) -> int:
    s = 0
    for i in range(n):
        s = s + i % 7
    return s

def forks(n: int) -> int:
    f = torch.jit.fork(inner, n)
    return torch.jit.wait(f)
)",
                                                       {.runtime = &runtimes_[1]});
  const std::string name = unit.function("forks").qualified_name();
  join(2, kNoTimeout);
  const ContextScope scope(Context().with_timeout(runtimes_[0].scheduler().timer(), milliseconds(50)));
  const Future<Value> call = caller().call("w1", name, int64_t{1} << 50);
  EXPECT_THROW((void)Future<Value>(call).get(), DeadlineExceeded);
  const TimePoint until = Clock::now() + std::chrono::seconds(30);
  while (callee().counts().calls_running > 0 && Clock::now() < until)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(callee().counts().calls_running, 0U);
}

// Says when the frame that has it is gone.
struct Gone {
  explicit Gone(std::latch& l) : latch(&l) {}
  Gone(Gone&& o) noexcept : latch(std::exchange(o.latch, nullptr)) {}
  ~Gone() {
    if (latch) latch->count_down();
  }
  std::latch* latch;
};

Future<int> waits(Future<int> elsewhere, [[maybe_unused]] Gone gone, std::latch& entered) {
  entered.count_down();
  co_return co_await elsewhere;
}

TEST_F(Contexts, ACancelledCallEndsTheCoroutineThatServesIt) {
  std::latch &entered = latch(1), &gone = latch(1);
  Promise<int> promise;
  callee().serve("waits",
                 [&, elsewhere = promise.future()] { return waits(elsewhere, Gone(gone), entered); });
  join(2, kNoTimeout);
  const Future<Value> call = caller().call("w1", "waits");
  entered.wait();
  EXPECT_TRUE(call.cancel());
  gone.wait();
  EXPECT_TRUE(promise.set_value(1));  // it was nobody's to cancel
}

TEST_F(Contexts, TheTrailOfAnErrorNamesEachCallInnermostFirstWithItsTimes) {
  (*this)[2].serve("fails", [] {
    std::this_thread::sleep_for(milliseconds(10));
    throw KeyError("deep");
  });
  serve_chain("fails");
  join(3);
  const Future<Value> call = caller().call("w1", "through");
  EXPECT_THROW((void)Future<Value>(call).get(), KeyError);
  const std::vector<Hop> calls = calls_of(call.error());
  ASSERT_EQ(calls.size(), 2U);
  const Hop &inner = calls[0], &outer = calls[1];
  EXPECT_EQ(inner.what, "w2");
  EXPECT_EQ(inner.call, "fails");
  EXPECT_EQ(outer.what, "w1");
  EXPECT_EQ(outer.call, "through");
  EXPECT_EQ(outer.began.count(), 0);
  EXPECT_GE(inner.began, milliseconds(5));
  EXPECT_GE(inner.took, milliseconds(10));
  EXPECT_GE(outer.took, inner.took + milliseconds(5));
  EXPECT_LE(inner.began + inner.took, outer.took + milliseconds(1));  // two clocks' rounding
  EXPECT_THAT(describe(call.error()), HasSubstr("\n  on worker w2, in fails (began at "));
}

TEST_F(Contexts, ACallThroughThisWorkerItselfCountsFromTheFirstCall) {
  (*this)[2].serve("fails", [] { throw KeyError("deep"); });
  serve_chain("fails");
  (*this)[1].serve("first", [this] {
    std::this_thread::sleep_for(milliseconds(20));
    return (*this)[1].call("w1", "through");
  });
  join(3);
  const Future<Value> call = caller().call("w1", "first");
  const std::vector<Hop> calls = calls_of((call.wait(), call.error()));
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_GE(calls[0].began, milliseconds(25));
  EXPECT_EQ(calls[1].call, "first");
}

TEST_F(Contexts, ADeadlineAndADeathLeaveAHopOfTheCallThatTheyEnded) {
  std::latch &entered = latch(1), &seen = latch(1);
  (*this)[2].serve("waits", [&] { seen.wait(); });
  (*this)[2].serve("waits too", [&] {
    entered.count_down();
    seen.wait();
  });
  serve_chain("waits too");
  join(3, kNoTimeout);
  const Future<Value> late = caller().call(Call{.to = "w2", .name = "waits", .timeout = Seconds(0.05)});
  late.wait();
  std::vector<Hop> calls = calls_of(late.error());
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].call, "waits");
  EXPECT_GE(calls[0].took, milliseconds(50));
  const Future<Value> through = caller().call("w1", "through");
  entered.wait();
  (*this)[2].leave_now("its program failed");
  through.wait();
  EXPECT_THROW((void)Future<Value>(through).get(), PeerDied);
  calls = calls_of(through.error());
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].what, "w2");
  EXPECT_EQ(calls[0].call, "waits too");
  EXPECT_EQ(calls[1].what, "w1");
  seen.count_down();
}

}  // namespace
}  // namespace tine::rpc
