#include "src/rpc/inbox.h"
#include "src/base/testing/kept_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;

class Handled final : public Inbox::Sink {
 public:
  void handle(Frame& frame, At at) noexcept override {
    got.push_back(std::string(name_of(frame.header.kind)) + std::to_string(frame.header.call_id) +
                  (at == At::kReader ? "" : " later"));
    bytes += frame.body.size();
  }
  void handle_end(const CloseInfo&) noexcept override { got.emplace_back("end"); }
  std::shared_ptr<void> alive() override { return life; }

  std::vector<std::string> got;
  size_t bytes = 0;
  std::shared_ptr<void> life = std::make_shared<int>();
};

class InboxTest : public ::testing::Test {
 protected:
  void arrive(FrameKind kind, uint64_t id, size_t bytes) {
    const std::vector<std::byte> body(bytes);
    Frame frame;
    frame.header.kind = kind;
    frame.header.call_id = id;
    frame.body = body;
    inbox->arrived(frame);
  }
  KeptTasks pool;
  Handled handled;
  detail::Ref<Inbox> inbox = detail::make_ref<Inbox>(handled, pool, pool);
};

constexpr size_t kSmall = 10, kLarge = kReadHere + 1;

TEST_F(InboxTest, SmallBodiesAreHandledAsTheyCome) {
  arrive(FrameKind::kRequest, 1, kSmall);
  arrive(FrameKind::kRelease, 0, kSmall);
  inbox->ended({});
  EXPECT_THAT(handled.got, ElementsAre("request1", "release0", "end"));
  EXPECT_TRUE(pool.tasks.empty());
}

TEST_F(InboxTest, LargeOnesInThePoolAndSmallOnesGoBy) {
  arrive(FrameKind::kRequest, 1, kLarge);
  arrive(FrameKind::kRequest, 2, kSmall);
  arrive(FrameKind::kReply, 3, kSmall);
  arrive(FrameKind::kLease, 0, kSmall);
  EXPECT_THAT(handled.got, ElementsAre("request2", "reply3", "lease0"));
  pool.run_one();
  EXPECT_THAT(handled.got, ElementsAre("request2", "reply3", "lease0", "request1 later"));
  // The body was kept: the caller's is gone.
  EXPECT_EQ(handled.bytes, 3 * kSmall + kLarge);
}

TEST_F(InboxTest, WhatTakesSomethingAwayWaitsBehindLargeOnesThatCameBefore) {
  arrive(FrameKind::kRequest, 1, kLarge);
  arrive(FrameKind::kRelease, 0, kSmall);
  arrive(FrameKind::kCancel, 1, 0);
  arrive(FrameKind::kRequest, 2, kLarge);
  arrive(FrameKind::kCancel, 2, 0);
  inbox->ended({});
  EXPECT_TRUE(handled.got.empty());
  while (!pool.tasks.empty()) pool.run_one();
  EXPECT_THAT(handled.got, ElementsAre("request1 later", "release0 later", "cancel1 later", "request2 later",
                                       "cancel2 later", "end"));
}

TEST_F(InboxTest, OnceCaughtUpAllGoesStraightAgain) {
  arrive(FrameKind::kRequest, 1, kLarge);
  pool.run_one();
  arrive(FrameKind::kRelease, 0, kSmall);
  EXPECT_THAT(handled.got, ElementsAre("request1 later", "release0"));
}

TEST_F(InboxTest, KeepsItsSinkWhileSomethingWaits) {
  arrive(FrameKind::kRequest, 1, kLarge);
  EXPECT_EQ(handled.life.use_count(), 2);
  pool.run_one();
  EXPECT_EQ(handled.life.use_count(), 1);
}

TEST_F(InboxTest, APoolThatClosesLeavesTheEndAlone) {
  arrive(FrameKind::kRequest, 1, kLarge);
  inbox->ended({});
  pool.tasks.front()->abandon();
  EXPECT_THAT(handled.got, ElementsAre("end"));
  EXPECT_EQ(handled.life.use_count(), 1);
}

}  // namespace
}  // namespace tine::rpc
