// How long a waiting thread reads a connection itself (src/rpc/transport/framed_connection.h).
#include <gtest/gtest.h>

#include "src/rpc/transport/framed_connection.h"
#include "src/rpc/transport/test_channel.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;

class FramedPolling : public testing::Test {
 protected:
  FramedPolling() {
    ConnectionOptions options;
    options.heartbeat_interval = 0ms;
    connection = detail::make_ref<FramedConnection>(loop, std::move(owned), PeerInfo{}, options);
  }
  ~FramedPolling() override {
    if (!connection->closed()) {
      connection->close(nullptr);
      got->wait_closed();
    }
    loop.stop();
  }
  IoLoop loop{{.poll_budget = 10s}};  // however busy the machine is
  std::unique_ptr<Played> owned = std::make_unique<Played>();
  Played& peer = *owned;
  const detail::Ref<Recorder> got = detail::make_ref<Recorder>();
  detail::Ref<FramedConnection> connection;
};

TEST_F(FramedPolling, AWaiterReadsFrameAfterFrameUntilItsOwnHasCome) {
  connection->start(got);
  uint64_t sent = 0;
  peer.before_read = [&] { peer.put(request(++sent, "one")); };
  auto done = [&] { return got->count() >= 5; };
  EXPECT_TRUE(connection->try_poll(Clock::now() + 60s, done));
  EXPECT_EQ(sent, 5U);
  EXPECT_EQ(got->last_thread, std::this_thread::get_id());
}

TEST_F(FramedPolling, ItReadsNoLongerThanItsDeadlineHoweverMuchComes) {
  connection->start(got);
  uint64_t sent = 0;
  peer.before_read = [&] { peer.put(request(++sent, "another's")); };
  auto never = [] { return false; };
  EXPECT_FALSE(connection->try_poll(Clock::now() - 1ms, never));
  EXPECT_EQ(peer.reads, 1) << "once, for what may be there already";
  peer.before_read = nullptr;
  EXPECT_FALSE(connection->try_poll(Clock::now() - 1ms, never));
  EXPECT_EQ(peer.reads, 2);
  // Where another thread had the processor for long it gives up at once, and tries more rarely.
  EXPECT_TRUE(eventually([&] {
    const int before = peer.reads;
    EXPECT_FALSE(connection->try_poll(Clock::now() + 1ms, never));
    return peer.reads > before + 1;
  })) << "it looks again and again until then";
}

TEST_F(FramedPolling, BeforeItIsStartedAndOnceItIsClosedNothingIsRead) {
  auto never = [] { return false; };
  auto always = [] { return true; };
  EXPECT_FALSE(connection->try_poll(Clock::now() + 60s, never));
  EXPECT_TRUE(connection->try_poll(Clock::now() + 60s, always));
  connection->start(got);
  EXPECT_TRUE(connection->try_poll(Clock::now() + 60s, always)) << "what has come already";
  EXPECT_EQ(peer.reads, 0);
  connection->close(nullptr);
  got->wait_closed();
  EXPECT_FALSE(connection->try_poll(Clock::now() + 60s, never));
  EXPECT_EQ(peer.reads, 0);
}

TEST_F(FramedPolling, WhatTheWaiterHasNotReadTheLoopReadsLater) {
  connection->start(got);
  // Two come at once: the waiter takes its own, and hands on both.
  peer.before_read = [&] {
    if (peer.reads > 1) return;
    peer.put(request(1, "own"));
    peer.put(request(2, "next"));
  };
  auto done = [&] { return got->count() >= 1; };
  EXPECT_TRUE(connection->try_poll(Clock::now() + 60s, done));
  got->wait_for(2);
}

TEST_F(FramedPolling, AConnectionThatIsClosedLetsGoOfItsChannelOnce) {
  connection->start(got);
  EXPECT_FALSE(connection->sole_owner()) << "the channel's events keep it";
  connection->close(nullptr);
  got->wait_closed();
  connection->close(nullptr);
  EXPECT_TRUE(eventually([&] { return connection->sole_owner(); }));
  EXPECT_EQ(peer.retired, 1);
  EXPECT_EQ(peer.closed, 1);
  EXPECT_EQ(got->closes, 1);
}

TEST_F(FramedPolling, OneThatIsShutDownIsClosedAtItsDeadlineIfThePeerDoesNotEndItBefore) {
  connection->start(got);
  std::vector<FrameKind> heard;
  peer.heard = [&](const FrameHeader& header) { heard.push_back(header.kind); };
  connection->shutdown(GoodbyeReason::kDone, "", Clock::now() + 2ms);
  got->wait_closed();
  EXPECT_EQ(got->why, CloseInfo::Why::kLocal);
  EXPECT_EQ(heard, std::vector{FrameKind::kGoodbye});
  connection->shutdown(GoodbyeReason::kDone, "", Clock::now() + 2ms);
  EXPECT_NE(connection->send(request(1, "late")), nullptr);
  EXPECT_EQ(heard.size(), 1U);
}

}  // namespace
}  // namespace tine::rpc
