#include "src/rpc/call_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Worker final : public Callee {
 public:
  explicit Worker(size_t limit = 100) : Callee(limit) {}
  void on_frame(Connection&, Frame&) noexcept override {}
  void on_close(Connection&, const CloseInfo&) noexcept override {}
  const std::string& callee() const noexcept override { return name; }
  void send_cancel(uint64_t id) noexcept override { cancelled.push_back(id); }

  const std::string name = "w1";
  std::vector<uint64_t> cancelled;
};

// A pending call and its callee hold each other, until the end.
class Tables : public ::testing::Test {
 protected:
  detail::Ref<Worker> worker(size_t limit = 100) {
    workers_.push_back(detail::make_ref<Worker>(limit));
    return workers_.back();
  }
  ~Tables() override {
    for (const auto& w : workers_) (void)w->calls.close();
  }

 private:
  std::vector<detail::Ref<Worker>> workers_;
};
class CallTableTest : public Tables {};
class CallStateTest : public Tables {};

detail::Ref<CallState> call(const detail::Ref<Worker>& to, TimePoint deadline = kNoDeadline,
                            Target target = Target::kBuiltin) {
  auto state = detail::make_ref<CallState>(to, nullptr, "f", target, deadline);
  EXPECT_TRUE(to->calls.add(state));
  return state;
}

TEST_F(CallTableTest, ACallIsTakenOnce) {
  const auto w = worker();
  const auto c = call(w);
  EXPECT_EQ(w->calls.take(c->id), c);
  EXPECT_FALSE(w->calls.take(c->id));
}

TEST_F(CallTableTest, AnIdOfACallLongGoneFindsNothing) {
  const auto w = worker();
  const uint64_t old = call(w)->id;
  (void)w->calls.take(old);
  const auto next = call(w);  // in the same slot
  EXPECT_NE(next->id, old);
  EXPECT_FALSE(w->calls.take(old));
  EXPECT_FALSE(w->calls.take(0));
  EXPECT_FALSE(w->calls.take(77));
  EXPECT_TRUE(w->calls.take(next->id));
}

TEST_F(CallTableTest, ClosedItGivesAllUpAndTakesNoMore) {
  const auto w = worker();
  const auto c = call(w);
  EXPECT_THAT(w->calls.close(), ElementsAre(c));
  EXPECT_FALSE(w->calls.add(detail::make_ref<CallState>(w, nullptr, "f", Target::kBuiltin, kNoDeadline)));
}

TEST_F(CallTableTest, TheExpiredAreTakenAndTheNextDeadlineIsTold) {
  const auto w = worker();
  const TimePoint now = Clock::now();
  const auto over = call(w, now), later = call(w, now + std::chrono::seconds(5)), never = call(w);
  std::vector<detail::Ref<CallState>> expired;
  TimePoint next = kNoDeadline;
  w->calls.take_expired(now, &expired, &next);
  EXPECT_THAT(expired, ElementsAre(over));
  EXPECT_EQ(next, later->deadline);
  EXPECT_EQ(w->calls.pending(), 2U);
}

TEST_F(CallTableTest, HasRoomAgainOnceHalfOfItsLimitIsFree) {
  const auto w = worker(4);
  std::vector<detail::Ref<CallState>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(call(w));
  EXPECT_TRUE(w->calls.has_room());
  EXPECT_TRUE(w->calls.room().ready());
  // A caller that cannot wait goes beyond the bound.
  for (int i = 0; i < 3; ++i) calls.push_back(call(w));
  EXPECT_FALSE(w->calls.has_room());
  const Future<void> room = w->calls.room();
  while (w->calls.pending() > 2) {
    EXPECT_FALSE(room.ready());
    (void)w->calls.take(calls.back()->id);
    calls.pop_back();
  }
  EXPECT_TRUE(room.ready());
}

TEST_F(CallTableTest, ControlCallsDoNotCount) {
  const auto w = worker(1);
  (void)call(w, kNoDeadline, Target::kControl);
  EXPECT_EQ(w->calls.pending(), 0U);
  EXPECT_TRUE(w->calls.has_room());
}

TEST_F(CallTableTest, ClosedItKeepsNobodyWaitingForRoom) {
  const auto w = worker(1);
  const auto c = call(w);
  const Future<void> room = w->calls.room();
  EXPECT_FALSE(room.ready());
  (void)w->calls.close();
  EXPECT_TRUE(room.ready());
  EXPECT_TRUE(w->calls.room().ready());
}

TEST_F(CallStateTest, CancelledFreesItsSlotAndTellsTheCallee) {
  const auto w = worker();
  const auto c = call(w);
  c->watch_cancellation();
  EXPECT_TRUE(c->cancel());
  EXPECT_THAT(w->cancelled, ElementsAre(c->id));
  EXPECT_EQ(w->calls.pending(), 0U);
}

TEST_F(CallStateTest, GivenUpFailsAndTellsTheCalleeUnlessItHasEnded) {
  const auto w = worker();
  const auto c = call(w), answered = call(w);
  c->give_up(make_error(ErrorKind::kValue, "why"));
  EXPECT_THAT(describe(c->error()), HasSubstr("why"));
  EXPECT_THAT(w->cancelled, ElementsAre(c->id));
  (void)w->calls.take(answered->id);
  answered->give_up(make_error(ErrorKind::kValue, "why"));
  EXPECT_FALSE(answered->done());
}

TEST_F(CallStateTest, ItsDeadlinesErrorNamesWorkerCallAndTimeInPyTorchsWords) {
  const auto w = worker();
  const auto c = call(w);
  const std::string text = describe(c->deadline_error(c->started + std::chrono::milliseconds(1500)));
  for (const char* part : {"DeadlineExceeded", "RPC ran for more than", "'w1'", " f ", "1.5 s"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace tine::rpc
