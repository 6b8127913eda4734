// The rules of src/rpc/transport/channel.h, over each kind of channel.
#include "src/rpc/transport/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <tuple>

#include "src/rpc/transport/in_process/pipe_channel.h"
#include "src/rpc/transport/shm/ring_channel.h"
#include "src/rpc/transport/stream/socket_channel.h"
#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/tls/tls_channel.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using What = Channel::What;

class Counted final : public ChannelEvents {
 public:
  void readable() noexcept override { ++reads; }
  void writable() noexcept override { ++writes; }
  void loop_ends() noexcept override { ++ends; }
  std::atomic<int> reads{0}, writes{0}, ends{0};
};

class ChannelTest : public testing::TestWithParam<std::string> {
 protected:
  ChannelTest() {
    if (GetParam() == "pipe") {
      std::tie(here, there) = make_pipe();
      return;
    }
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    if (GetParam() == "ring") {
      agree_on_rings(FileDescriptor::made_by([&] { return fds[0]; }),
                     FileDescriptor::made_by([&] { return fds[1]; }));
      return;
    }
    here = std::make_unique<SocketChannel>(FileDescriptor::made_by([&] { return fds[0]; }));
    there = std::make_unique<SocketChannel>(FileDescriptor::made_by([&] { return fds[1]; }));
    if (GetParam() == "tls") {
      const auto keys = TlsContext::load(TestKeys::shared().any(), "w");
      here = std::make_unique<TlsChannel>(keys, TlsChannel::End::kClient, std::move(here));
      there = std::make_unique<TlsChannel>(keys, TlsChannel::End::kServer, std::move(there));
      for (int i = 0; i < 4; ++i) EXPECT_EQ(read(*here) + read(*there), "") << "they shake hands";
    }
  }
  ~ChannelTest() override {
    for (auto* side : {here.get(), there.get()}) {
      if (side) side->retire();
    }
    loop.stop();
  }

  void agree_on_rings(FileDescriptor one, FileDescriptor other) {
    const auto budget = std::make_shared<MemoryBudget>(kMostRingBytes);
    RingOffer initiator(std::move(one), budget, budget, kRingBytes),
        acceptor(std::move(other), budget, budget, kRingBytes);
    EXPECT_EQ(initiator.agree(Channel::Side::kInitiator, &here).what, What::kNothingNow);
    EXPECT_EQ(acceptor.agree(Channel::Side::kAcceptor, &there).what, What::kMoved);
    EXPECT_EQ(initiator.agree(Channel::Side::kInitiator, &here).what, What::kMoved);
    ASSERT_TRUE(here && there);
  }
  static Channel::Outcome write(Channel& to, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return to.try_write({&piece, 1});
  }
  // All that is there.
  static std::string read(Channel& from, Channel::Outcome* last = nullptr) {
    std::string all;
    for (;;) {
      std::array<char, 1000> a, b;
      const iovec pieces[2] = {{a.data(), a.size()}, {b.data(), b.size()}};
      const Channel::Outcome in = from.try_read(pieces);
      if (last) *last = in;
      if (in.what != What::kMoved) return all;
      const size_t n = std::min(in.bytes, a.size());
      all.append(a.data(), n);
      all.append(b.data(), in.bytes - n);
    }
  }
  // Until it takes no more; how much it took.
  static size_t fill(Channel& to) {
    const std::string much(64 << 10, 'f');
    for (size_t all = 0;;) {
      const Channel::Outcome out = write(to, much);
      if (out.what != What::kMoved) {
        EXPECT_EQ(out.what, What::kNothingNow);
        return all;
      }
      all += out.bytes;
    }
  }

  IoLoop loop;
  std::unique_ptr<Channel> here, there;
  detail::Ref<Counted> events = detail::make_ref<Counted>();
};

INSTANTIATE_TEST_SUITE_P(Over, ChannelTest, testing::Values("socket", "ring", "pipe", "tls"),
                         [](const auto& info) { return info.param; });

TEST_P(ChannelTest, BytesComeOutInTheOrderInWhichTheyWentIn) {
  std::string sent, got;
  for (int i = 0; i < 3000; ++i) {
    const std::string text(static_cast<size_t>(i % 997), static_cast<char>('a' + i % 26));
    for (size_t at = 0; at < text.size();) {
      const Channel::Outcome out = write(*here, std::string_view(text).substr(at));
      if (out.what == What::kNothingNow) {
        got += read(*there);
        continue;
      }
      ASSERT_EQ(out.what, What::kMoved);
      at += out.bytes;
    }
    sent += text;
  }
  got += read(*there);
  EXPECT_TRUE(got == sent);
}

TEST_P(ChannelTest, WhatComesWhileItIsArmedIsToldAndWhatCameBeforeTooOnce) {
  ASSERT_EQ(write(*there, "early").what, What::kMoved);
  ASSERT_TRUE(here->watch(loop, events));
  EXPECT_TRUE(eventually([&] { return events->reads > 0; })) << "what had come before";
  EXPECT_EQ(read(*here), "early");
  EXPECT_FALSE(here->arm());
  const int before = events->reads;
  ASSERT_EQ(write(*there, "later").what, What::kMoved);
  EXPECT_TRUE(eventually([&] { return events->reads > before; }));
}

TEST_P(ChannelTest, BetweenDisarmAndArmNobodyIsWokenAndNothingIsMissed) {
  ASSERT_TRUE(here->watch(loop, events));
  here->disarm();
  ASSERT_EQ(write(*there, "x").what, What::kMoved);
  std::promise<void> turned;
  loop.post([&] { turned.set_value(); });
  turned.get_future().wait();
  std::this_thread::sleep_for(20ms);  // longer than a wake takes
  EXPECT_EQ(events->reads, 0);
  const bool unread = here->arm();
  EXPECT_TRUE(unread || eventually([&] { return events->reads > 0; }));
}

TEST_P(ChannelTest, NothingIsMissedWhereverTheOtherSideWritesBetweenDisarmReadAndArm) {
  ASSERT_TRUE(here->watch(loop, events));
  constexpr int kBytes = 20'000;
  std::thread writer([&] {
    for (int i = 0; i < kBytes;) {
      if (write(*there, "x").what == What::kMoved) ++i;
      if (i % 64 == 0) std::this_thread::yield();
    }
  });
  int got = 0;
  while (got < kBytes) {
    const int before = events->reads;
    here->disarm();
    got += static_cast<int>(read(*here).size());
    if (got == kBytes || here->arm()) continue;
    // Asleep: the channel has to wake this.
    got += static_cast<int>(read(*here).size());
    if (got == kBytes) break;
    ASSERT_TRUE(eventually([&] { return events->reads > before || here->has_unread(); })) << got;
  }
  writer.join();
}

TEST_P(ChannelTest, AWriterThatFoundItFullIsToldOfRoom) {
  ASSERT_TRUE(here->watch(loop, events));
  const size_t taken = fill(*here);
  EXPECT_GE(taken, size_t{16} << 10);
  here->want_writable(true);
  // What was encrypted leaves by the loop.
  size_t got = 0;
  EXPECT_TRUE(eventually([&] { return (got += read(*there).size()) >= taken; }));
  EXPECT_EQ(got, taken);
  EXPECT_TRUE(eventually([&] { return events->writes > 0; }));
  here->want_writable(false);
  EXPECT_EQ(write(*here, "x").what, What::kMoved);
}

TEST_P(ChannelTest, ItHoldsLessOnceItIsToldTo) {
  const size_t deep = fill(*here);
  read(*there);
  here->bound_unread(32 << 10);
  const size_t shallow = fill(*here);
  EXPECT_LT(shallow, deep / 2);
}

TEST_P(ChannelTest, TheEndComesAfterAllThatWasWrittenAndTheOtherWayGoesOn) {
  ASSERT_EQ(write(*there, "last words").what, What::kMoved);
  there->end_output();
  EXPECT_TRUE(here->has_unread());
  Channel::Outcome last;
  EXPECT_EQ(read(*here, &last), "last words");
  EXPECT_EQ(last.what, What::kEnded);
  EXPECT_EQ(last.error, 0);
  EXPECT_FALSE(here->has_unread());
  EXPECT_EQ(write(*here, "answer").what, What::kMoved);
  EXPECT_EQ(read(*there), "answer");
}

TEST_P(ChannelTest, ThatIsBrokenOffEndsForBothAfterWhatTheOtherSideHadWritten) {
  ASSERT_EQ(write(*there, "before").what, What::kMoved);
  here->break_off();
  Channel::Outcome last;
  EXPECT_EQ(read(*here, &last), "before");
  EXPECT_EQ(last.what, What::kEnded);
  EXPECT_EQ(read(*there, &last), "");
  EXPECT_EQ(last.what, What::kEnded);
  for (auto* side : {here.get(), there.get()}) {
    const Channel::Outcome out = write(*side, "x");
    EXPECT_EQ(out.what, What::kEnded);
    EXPECT_EQ(out.error, EPIPE);
  }
}

TEST_P(ChannelTest, TheDeathOfTheOtherSideIsToldLikeBytes) {
  ASSERT_TRUE(here->watch(loop, events));
  there.reset();
  EXPECT_TRUE(eventually([&] { return events->reads > 0; }));
  Channel::Outcome last;
  EXPECT_EQ(read(*here, &last), "");
  EXPECT_EQ(last.what, What::kEnded);
}

TEST_P(ChannelTest, OnceUnwatchedItTellsNothingAndMayBeWatchedAgainUntilItIsRetired) {
  ASSERT_TRUE(here->watch(loop, events));
  std::promise<void> turned;
  loop.post([&] {
    here->unwatch();
    turned.set_value();
  });
  turned.get_future().wait();
  EXPECT_TRUE(events->sole_owner()) << "its events are let go of";
  const int before = events->reads;
  ASSERT_EQ(write(*there, "x").what, What::kMoved);
  const auto others = detail::make_ref<Counted>();
  ASSERT_TRUE(here->watch(loop, others));
  EXPECT_TRUE(eventually([&] { return others->reads > 0; }));
  EXPECT_EQ(events->reads, before);
  here->retire();
  EXPECT_FALSE(here->watch(loop, events));
}

TEST_P(ChannelTest, TheEndOfTheLoopIsTold) {
  ASSERT_TRUE(here->watch(loop, events));
  loop.stop(10ms);
  EXPECT_GT(events->ends, 0);
}

}  // namespace
}  // namespace tine::rpc
