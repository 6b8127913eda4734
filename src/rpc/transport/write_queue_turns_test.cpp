// Several threads at one WriteQueue: what one does while another writes. A thread that writes has left the lock, so the
// channel's try_write() can play the other threads, and no test depends on which thread is quicker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/write_queue.h"

namespace tine::rpc {
namespace {

using How = WriteQueue::How;
using Result = WriteQueue::Result;
using testing::ElementsAre;
using testing::IsEmpty;

// Takes so many bytes as it has room for, and keeps them.
class Taken final : public Channel {
 public:
  bool watch(const Loop&, detail::Ref<ChannelEvents>) override { return true; }
  void unwatch() noexcept override {}
  void retire() noexcept override {}
  Outcome try_read(std::span<const iovec>) noexcept override { return {.what = What::kNothingNow}; }
  bool arm() noexcept override { return false; }
  void disarm() noexcept override {}
  Outcome try_write(std::span<const iovec> pieces) noexcept override {
    EXPECT_FALSE(std::exchange(writing, true)) << "two write at once";
    ++writes;
    if (const auto act = std::exchange(meanwhile, nullptr)) act();
    writing = false;
    if (broken != 0) return {.what = What::kEnded, .error = broken};
    size_t moved = 0;
    for (const iovec& piece : pieces) {
      const size_t n = std::min({piece.iov_len, room - moved, at_once - moved});
      const auto* const from = static_cast<const std::byte*>(piece.iov_base);
      bytes.insert(bytes.end(), from, from + n);
      moved += n;
    }
    if (room != kAll) room -= moved;
    if (moved == 0) return {.what = What::kNothingNow};
    return {.bytes = moved};
  }
  void want_writable(bool want) noexcept override {
    wants.push_back(want);
    if (const auto act = std::exchange(under_lock, nullptr)) act();
  }
  void end_output() noexcept override {
    ++ends;
    if (const auto act = std::exchange(under_lock, nullptr)) act();
  }
  void bound_unread(size_t) noexcept override {}
  bool has_unread() const noexcept override { return false; }
  void break_off() noexcept override { ++breaks; }
  void close() noexcept override {
    EXPECT_FALSE(writing) << "closed under the thread that writes";
    ++closes;
  }
  void leave() noexcept override {}

  // The frames that it has taken wholly: their call ids, 0 for a large one.
  std::vector<uint64_t> ids() const {
    std::vector<uint64_t> list;
    for (size_t at = 0; at + kHeaderBytes <= bytes.size();) {
      FrameHeader header;
      const std::string bad =
          decode_header(std::span<const std::byte, kHeaderBytes>(bytes.data() + at, kHeaderBytes),
                        kDefaultMaxPayload, &header);
      EXPECT_EQ(bad, "") << at;
      if (!bad.empty()) break;
      at += kHeaderBytes + header.payload_bytes;
      const bool chunk = header.kind == FrameKind::kChunk;
      if (at > bytes.size() || (chunk && (header.flags & kLastChunk) == 0)) continue;
      list.push_back(chunk ? 0 : header.call_id);
    }
    return list;
  }

  static constexpr size_t kAll = SIZE_MAX;
  size_t room = kAll, at_once = kAll;
  int broken = 0;                    // the error of every write from now on
  std::function<void()> meanwhile;   // called once, while a thread writes
  std::function<void()> under_lock;  // called once, where the queue's lock is held
  bool writing = false;
  int writes = 0, ends = 0, breaks = 0, closes = 0;
  std::vector<bool> wants;
  std::vector<std::byte> bytes;
};

class WriteQueueTurns : public testing::Test, public WriteQueue::Owner {
 protected:
  static OutFrame sealed(OutFrame frame) {
    EXPECT_EQ(frame.seal(), "");
    return frame;
  }
  Result send(uint64_t id, How how = How::kWrite) { return queue.send(sealed(request(id, "text")), how); }
  static OutFrame large(uint64_t id, const detail::Ref<rpc::Owner>& kept = nullptr) {
    static const std::vector<std::byte> data(kChunkBytes + (kChunkBytes / 2));
    OutFrame f(FrameKind::kRequest, id);
    f.body.segment({data, nullptr});
    if (kept) f.keep(kept);
    return sealed(std::move(f));
  }
  void room_again() noexcept override { ++rooms; }
  Executor* where_to_let_go() noexcept override { return nullptr; }

  Taken channel;
  int rooms = 0;
  WriteQueue queue{channel, size_t{1} << 20, *this};
};

TEST_F(WriteQueueTurns, WhatIsSentWhileAnotherThreadWritesLeavesByThatThread) {
  channel.meanwhile = [&] {
    EXPECT_EQ(send(2), Result::kOk);
    EXPECT_EQ(queue.send(large(3), How::kWrite), Result::kOk);
    EXPECT_EQ(send(4, How::kBriefly), Result::kOk);
    queue.flush();
    EXPECT_FALSE(queue.empty());
  };
  EXPECT_EQ(send(1), Result::kOk);
  EXPECT_THAT(channel.ids(), ElementsAre(1, 2, 4, 0));
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(channel.wants, IsEmpty()) << "the channel was never full";
}

TEST_F(WriteQueueTurns, TheSameWhereThatThreadFlushes) {
  EXPECT_EQ(send(1, How::kHold), Result::kOk);
  EXPECT_EQ(channel.writes, 0);
  channel.meanwhile = [&] {
    EXPECT_EQ(send(2), Result::kOk);
    queue.flush();
  };
  queue.flush();
  EXPECT_THAT(channel.ids(), ElementsAre(1, 2));
  EXPECT_TRUE(queue.empty());
}

TEST_F(WriteQueueTurns, AHeldFrameLeavesBeforeOneThatIsWritten) {
  EXPECT_EQ(send(1, How::kHold), Result::kOk);
  EXPECT_EQ(send(2, How::kHold), Result::kOk);
  EXPECT_FALSE(queue.empty());
  queue.flush();
  EXPECT_EQ(channel.writes, 1) << "both at once";
  EXPECT_THAT(channel.ids(), ElementsAre(1, 2));
}

TEST_F(WriteQueueTurns, AThreadThatWritesForOthersStopsAfterAWhileAndLeavesTheRestToTheLoop) {
  uint64_t id = 1;
  std::function<void()> more = [&] {
    EXPECT_EQ(send(++id), Result::kOk);
    channel.meanwhile = more;
  };
  channel.meanwhile = more;
  EXPECT_EQ(send(1), Result::kOk);
  const int written = channel.writes;
  EXPECT_GT(written, 4);
  EXPECT_LT(written, 40);
  EXPECT_FALSE(queue.empty());
  EXPECT_THAT(channel.wants, ElementsAre(true));
  channel.writes = 0;
  queue.flush();
  EXPECT_LT(channel.writes, written / 2) << "the loop has other things to do";
  channel.meanwhile = nullptr;
  queue.flush();
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(channel.wants, ElementsAre(true, false));
  EXPECT_EQ(channel.ids().size(), id);
}

TEST_F(WriteQueueTurns, AThreadThatReadsWritesForOthersOnlyBriefly) {
  uint64_t id = 1;
  std::function<void()> more = [&] {
    EXPECT_EQ(send(++id), Result::kOk);
    channel.meanwhile = more;
  };
  channel.meanwhile = more;
  EXPECT_EQ(send(1, How::kBriefly), Result::kOk);
  EXPECT_LE(channel.writes, 3);
  channel.meanwhile = nullptr;
  queue.flush();
  EXPECT_EQ(channel.ids().size(), id);
}

TEST_F(WriteQueueTurns, ClosedWhileAThreadWritesItKeepsTheFrameUntilTheWriteReturns) {
  for (const bool whole : {true, false}) {
    SCOPED_TRACE(whole);
    Taken other;
    WriteQueue closed(other, size_t{1} << 20, *this);
    const auto kept = detail::make_ref<rpc::Owner>(), behind = detail::make_ref<rpc::Owner>();
    if (!whole) other.room = 100;
    other.meanwhile = [&] {
      EXPECT_EQ(closed.send(large(2, behind), How::kWrite), Result::kOk);
      closed.close();
      closed.close_channel();
      EXPECT_EQ(other.breaks, 1);
      EXPECT_EQ(other.closes, 0);
      EXPECT_FALSE(kept->sole_owner()) << "its bytes are being written";
    };
    EXPECT_EQ(closed.send(large(1, kept), How::kWrite), Result::kOk);
    EXPECT_TRUE(kept->sole_owner());
    EXPECT_TRUE(behind->sole_owner());
    EXPECT_TRUE(closed.empty());
    EXPECT_EQ(closed.copied_bytes(), 0U);
    EXPECT_EQ(other.writes, 1) << "nothing is written after it was closed";
    EXPECT_EQ(other.closes, 1);
    closed.close_channel();
    closed.close();
    EXPECT_EQ(other.closes, 1);
    EXPECT_EQ(other.breaks, 1) << "a channel that is closed is left alone";
  }
}

TEST_F(WriteQueueTurns, TheSameOfASmallFrameThatIsWrittenDirectly) {
  for (const size_t room : {Taken::kAll, size_t{10}, size_t{0}}) {
    SCOPED_TRACE(room);
    Taken other;
    WriteQueue closed(other, size_t{1} << 20, *this);
    const auto kept = detail::make_ref<rpc::Owner>();
    OutFrame f = request(1, "text");
    f.keep(kept);
    other.room = room;
    other.meanwhile = [&] {
      closed.close();
      closed.close_channel();
    };
    EXPECT_EQ(closed.send(sealed(std::move(f)), How::kWrite), Result::kOk);
    EXPECT_TRUE(kept->sole_owner());
    EXPECT_TRUE(closed.empty());
    EXPECT_EQ(closed.copied_bytes(), 0U);
    EXPECT_EQ(other.closes, 1);
    EXPECT_EQ(other.writes, 1);
    EXPECT_EQ(closed.send(sealed(request(2, "late")), How::kWrite), Result::kClosed);
  }
}

TEST_F(WriteQueueTurns, TheLastFrameThatIsSentWhileAnotherThreadWritesEndsTheOutputAfterIt) {
  const auto kept = detail::make_ref<rpc::Owner>();
  channel.meanwhile = [&] {
    EXPECT_EQ(queue.send(large(2, kept), How::kWrite), Result::kOk);
    EXPECT_EQ(send(3, How::kLast), Result::kOk);
    EXPECT_EQ(send(4), Result::kClosed);
    EXPECT_EQ(channel.ends, 0);
  };
  EXPECT_EQ(send(1), Result::kOk);
  EXPECT_THAT(channel.ids(), ElementsAre(1, 3));
  EXPECT_TRUE(kept->sole_owner());
  EXPECT_EQ(channel.ends, 1);
  EXPECT_EQ(channel.breaks, 0);
  EXPECT_EQ(queue.copied_bytes(), 0U);
}

TEST_F(WriteQueueTurns, AFrameOfWhichOnlyAPartWasTakenIsFinishedFirst) {
  channel.room = 10;
  channel.meanwhile = [&] { EXPECT_EQ(send(2), Result::kOk); };
  EXPECT_EQ(send(1), Result::kOk);
  EXPECT_EQ(channel.bytes.size(), 10U);
  EXPECT_THAT(channel.wants, ElementsAre(true));
  EXPECT_EQ(channel.writes, 1) << "a full channel is not asked again";
  EXPECT_EQ(send(3), Result::kOk);
  EXPECT_EQ(channel.writes, 1);
  EXPECT_EQ(queue.taken(), 0U);
  channel.room = Taken::kAll;
  queue.flush();
  EXPECT_THAT(channel.ids(), ElementsAre(1, 2, 3));
  EXPECT_EQ(queue.taken(), 1U);
  EXPECT_EQ(queue.copied_bytes(), 0U);
  EXPECT_THAT(channel.wants, ElementsAre(true, false));
}

TEST_F(WriteQueueTurns, AChannelThatBreaksUnderAThreadThatWritesDropsWhatOthersHaveQueued) {
  const auto kept = detail::make_ref<rpc::Owner>();
  channel.meanwhile = [&] {
    EXPECT_EQ(queue.send(large(2, kept), How::kWrite), Result::kOk);
    queue.close_channel();
    channel.broken = EPIPE;
  };
  EXPECT_EQ(send(1), Result::kBroken);
  EXPECT_TRUE(kept->sole_owner());
  EXPECT_EQ(queue.broken_errno(), EPIPE);
  EXPECT_EQ(channel.breaks, 1);
  EXPECT_EQ(channel.closes, 1);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(send(3), Result::kBroken);
}

TEST_F(WriteQueueTurns, ACancelOfALargeRequestThatIsBeingWrittenLeavesRightAfterIt) {
  const auto cancel = [&] { return queue.send(sealed(OutFrame(FrameKind::kCancel, 1)), How::kWrite); };
  channel.meanwhile = [&] {
    EXPECT_EQ(queue.send(large(2), How::kWrite), Result::kOk);
    EXPECT_EQ(cancel(), Result::kOk);
  };
  EXPECT_EQ(queue.send(large(1), How::kWrite), Result::kOk);
  EXPECT_THAT(channel.ids(), ElementsAre(0, 1, 0));
  EXPECT_EQ(cancel(), Result::kOk) << "that request has left: its cancel goes by itself";
  EXPECT_THAT(channel.ids(), ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(queue.copied_bytes(), 0U);
}

TEST_F(WriteQueueTurns, AWaiterForRoomIsToldOnceByTheThreadThatWritesOrCloses) {
  channel.room = 0;
  OutFrame f(FrameKind::kReply, 1);
  const std::vector<std::byte> copy(size_t{1} << 20);
  f.body.segment({copy, nullptr, true});
  EXPECT_EQ(queue.send(sealed(std::move(f)), How::kWrite), Result::kOk);
  EXPECT_FALSE(queue.await_room());
  channel.room = Taken::kAll;
  channel.meanwhile = [&] { EXPECT_EQ(rooms, 0); };
  queue.flush();
  EXPECT_EQ(rooms, 1);
  queue.close();
  EXPECT_EQ(rooms, 1);
}

// What becomes of a frame is decided under the lock, however the write went.
TEST_F(WriteQueueTurns, AfterAWriteNoOtherThreadSeesTheQueueBeforeItIsWholeAgain) {
  std::atomic<bool> came{false};
  std::thread other;
  channel.under_lock = [&] {
    other = std::thread([&] {
      EXPECT_TRUE(queue.await_room());
      came = true;
    });
    const TimePoint until = Clock::now() + std::chrono::milliseconds(2);
    while (!came && Clock::now() < until) ::sched_yield();
    EXPECT_FALSE(came) << "another thread has had the lock";
  };
  const auto act = channel.under_lock;
  const auto and_then = [&] {
    ASSERT_TRUE(other.joinable()) << "nothing was told";
    other.join();
    came = false;
    channel.under_lock = act;
  };
  channel.room = 10;
  EXPECT_EQ(send(1), Result::kOk);  // a part of it
  and_then();
  channel.room = Taken::kAll;
  queue.flush();
  and_then();
  EXPECT_EQ(send(2, How::kLast), Result::kOk);  // all of it at once, and the end
  and_then();
  channel.under_lock = nullptr;
}

// Not played this time: two threads whose sends cross. None may leave its frame to one who has looked for the last time.
TEST_F(WriteQueueTurns, OfTwoThreadsThatSendAtOnceNoFrameStaysBehind) {
  constexpr int kRounds = 200;
  for (const size_t at_once : {Taken::kAll, size_t{20}}) {  // whole frames, or parts of them
    channel.at_once = at_once;
    channel.bytes.clear();
    std::atomic<int> begun{0}, ended{0};
    const auto meet = [](std::atomic<int>& at, int all) {
      at.fetch_add(1);
      while (at.load() < all) ::sched_yield();
    };
    std::thread other([&] {
      for (int round = 1; round <= kRounds; ++round) {
        meet(begun, 2 * round);
        EXPECT_EQ(send(1), Result::kOk);
        meet(ended, 2 * round);
      }
    });
    for (int round = 1; round <= kRounds; ++round) {
      meet(begun, 2 * round);
      EXPECT_EQ(send(2), Result::kOk);
      meet(ended, 2 * round);
      if (queue.empty() || HasFailure()) continue;
      // Then the loop has been asked to go on. The other thread waits meanwhile, for this one.
      EXPECT_TRUE(!channel.wants.empty() && channel.wants.back()) << "left behind in round " << round;
      for (int turn = 0; turn < 20 && !queue.empty(); ++turn) queue.flush();
    }
    other.join();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(channel.ids().size(), size_t{2 * kRounds});
    EXPECT_EQ(queue.copied_bytes(), 0U);
  }
}

}  // namespace
}  // namespace tine::rpc
