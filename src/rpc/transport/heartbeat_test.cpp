// The heartbeat of src/rpc/transport/framed_connection.h: it counts beats, so a test needs no more time than a few of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "src/rpc/transport/framed_connection.h"
#include "src/rpc/transport/test_channel.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;

class Heartbeat : public testing::Test {
 protected:
  ~Heartbeat() override { loop.stop(); }
  void start(std::chrono::milliseconds interval, std::chrono::milliseconds timeout) {
    ConnectionOptions options;
    options.heartbeat_interval = interval;
    options.heartbeat_timeout = timeout;
    connection = detail::make_ref<FramedConnection>(loop, std::move(owned), PeerInfo{}, options);
    connection->start(got);
  }
  // Frames that the other side has heard: a ping by its number, a goodbye as 0.
  std::vector<uint64_t> numbers() {
    const std::lock_guard lock(mutex);
    return heard;
  }
  void note(const FrameHeader& header) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(header.kind == FrameKind::kPing || header.kind == FrameKind::kGoodbye);
    heard.push_back(header.kind == FrameKind::kPing ? header.call_id : 0);
  }

  IoLoop loop;
  std::unique_ptr<Played> owned = std::make_unique<Played>();
  Played& peer = *owned;  // until `connection` goes
  const detail::Ref<Recorder> got = detail::make_ref<Recorder>();
  detail::Ref<FramedConnection> connection;
  std::mutex mutex;
  std::vector<uint64_t> heard;
};

TEST_F(Heartbeat, APeerIsPingedAtEachSilentBeatAndGivenUpOnceThoseMakeUpTheTimeout) {
  peer.heard = [this](const FrameHeader& header) { note(header); };
  start(2ms, 8ms);
  got->wait_closed();
  EXPECT_EQ(got->why, CloseInfo::Why::kSilent);
  EXPECT_THAT(got->error, testing::HasSubstr("silent for 8 ms"));
  EXPECT_THAT(numbers(), testing::ElementsAre(1, 2, 3, 0)) << "three pings, then a goodbye";
}

TEST_F(Heartbeat, APeerThatAnswersIsAsGoodAsNewAndOneThatSpeaksIsNotPinged) {
  peer.heard = [this](const FrameHeader& header) {
    note(header);
    // The answer to each second ping is lost.
    if (header.kind == FrameKind::kPing && header.call_id == 2) peer.say(FrameKind::kPong, 2);
  };
  start(1ms, 3ms);
  EXPECT_TRUE(eventually([this] { return numbers().size() >= 6 || connection->closed(); }));
  EXPECT_FALSE(connection->closed());
  auto pings = numbers();
  pings.resize(6);
  EXPECT_THAT(pings, testing::ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_EQ(got->count(), 0U) << "pings and pongs are nobody else's business";
  connection->close(nullptr);
  got->wait_closed();
}

TEST_F(Heartbeat, AsLongAsSomethingLiesUnreadThePeerIsNotSilent) {
  peer.is_busy = true;
  peer.heard = [this](const FrameHeader& header) { note(header); };
  start(1ms, 2ms);
  EXPECT_TRUE(eventually([this] { return peer.quiet_beats > 10 || connection->closed(); }));
  EXPECT_FALSE(connection->closed());
  EXPECT_THAT(numbers(), testing::IsEmpty());
  connection->close(nullptr);
  got->wait_closed();
}

TEST_F(Heartbeat, WhatLiesUnreadWithoutAnEventIsReadAtTheNextBeat) {
  start(1ms, 1000s);
  ASSERT_TRUE(loop.post([this] {
    peer.put(request(1, "nobody tells of it"));
    peer.is_busy = true;
  }));
  got->wait_for(1);
  connection->close(nullptr);
  got->wait_closed();
}

TEST_F(Heartbeat, WithoutAnIntervalThereIsNone) {
  peer.heard = [this](const FrameHeader& header) { note(header); };
  start(0ms, 0ms);
  Promise<void> later;
  const Future<void> came = later.future();
  static_cast<void>(loop.schedule_at(Clock::now() + 3ms, [&] { later.set_value(); }));
  came.get();
  EXPECT_EQ(peer.quiet_beats, 0);
  EXPECT_FALSE(connection->closed());
  connection->close(nullptr);
  got->wait_closed();
}

TEST_F(Heartbeat, AConnectionThatIsClosedBeatsNoMore) {
  peer.heard = [this](const FrameHeader& header) { note(header); };
  start(1ms, 1000ms);
  EXPECT_TRUE(eventually([this] { return numbers().size() >= 2; }));
  connection->close(nullptr);
  got->wait_closed();
  const auto before = numbers();
  Promise<void> later;
  const Future<void> came = later.future();
  static_cast<void>(loop.schedule_at(Clock::now() + 5ms, [&] { later.set_value(); }));
  came.get();
  EXPECT_EQ(numbers(), before);
}

TEST_F(Heartbeat, ItAnswersAPingWithItsNumber) {
  Promise<uint64_t> answered;
  const Future<uint64_t> number = answered.future();
  peer.heard = [&](const FrameHeader& header) {
    EXPECT_EQ(header.kind, FrameKind::kPong);
    answered.set_value(header.call_id);
  };
  start(0ms, 0ms);
  peer.say(FrameKind::kPing, 77);
  EXPECT_EQ(number.get(), 77U);
  connection->close(nullptr);
  got->wait_closed();
}

}  // namespace
}  // namespace tine::rpc
