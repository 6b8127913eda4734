// What a context keeps that is made from another.
#include <gtest/gtest.h>

#include <chrono>

#include "tine/context.h"
#include "tine/timer.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

TEST(Context, MadeFromAnotherKeepsWhatIsNotReplaced) {
  InlineExecutor in_place;
  Timer timer(in_place);
  const TimePoint deadline = Clock::now() + 1h;
  CancelSource source;
  const Context whole = Context().with_deadline(timer, deadline).with_trace_id("t").with("user", "7");
  EXPECT_EQ(whole.deadline(), deadline);
  EXPECT_EQ(whole.with("other", "8").deadline(), deadline);
  EXPECT_EQ(whole.with_trace_id("u").deadline(), deadline);
  EXPECT_EQ(whole.with_token(source.token()).deadline(), deadline);
  for (const Context& made : {whole.with("other", "8"), whole.with_token(source.token()),
                              whole.with_deadline(timer, deadline - 1min)}) {
    EXPECT_EQ(made.trace_id(), "t");
    EXPECT_EQ(made.get("user"), "7");
  }
  EXPECT_EQ(whole.with("other", "8").get("other"), "8");
  EXPECT_EQ(whole.get("other"), std::nullopt);
}

}  // namespace
}  // namespace tine
