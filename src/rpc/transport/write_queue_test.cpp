// Which frames go first, which are kept, and for how long: seen in the bytes that leave.
#include "src/rpc/transport/write_queue.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "src/rpc/transport/frame_reader.h"
#include "src/rpc/transport/stream/socket_channel.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using Result = WriteQueue::Result;
using Bytes = std::vector<std::byte>;

// A frame as it lies in the stream: a small one, or a chunk.
struct Seen {
  FrameHeader header;
  uint64_t at;  // its first byte
};

// A queue into a socket that nobody reads before a test says so.
class WriteQueueTest : public testing::Test, public WriteQueue::Owner {
 protected:
  explicit WriteQueueTest(size_t max_copied = size_t{1} << 20) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    const int little = 16 << 10;
    ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    here = fds[0];
    there = fds[1];
    channel = std::make_unique<Watched>(FileDescriptor::made_by([&] { return here; }), wanted);
    queue = std::make_unique<WriteQueue>(*channel, max_copied, *this);
  }
  ~WriteQueueTest() override { ::close(there); }

  Result send(OutFrame frame, bool last = false) {
    EXPECT_EQ(frame.seal(), "");
    return queue->send(std::move(frame), last ? WriteQueue::How::kLast : WriteQueue::How::kWrite);
  }
  void send_small(uint64_t id, FrameKind kind = FrameKind::kRequest, size_t bytes = 10) {
    OutFrame f(kind, id);
    if (bytes != 0) f.body.str(std::string(bytes, 's'));
    EXPECT_EQ(send(std::move(f)), Result::kOk);
  }
  // Of so many bytes, which are all in the same place.
  static OutFrame large(uint64_t id, uint64_t bytes) {
    static const Bytes data(1 << 20, std::byte{7});
    OutFrame f(FrameKind::kRequest, id);
    f.body.str("large");
    for (; bytes > 0; bytes -= std::min<uint64_t>(bytes, data.size()))
      f.body.segment({std::span(data).first(std::min<uint64_t>(bytes, data.size())), nullptr});
    return f;
  }
  // What the socket holds now.
  size_t read_some() {
    size_t all = 0;
    for (;;) {
      const size_t before = stream.size();
      stream.resize(before + (64 << 10));
      const ssize_t n = ::recv(there, stream.data() + before, 64 << 10, MSG_DONTWAIT);
      stream.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
      ended |= n == 0;
      if (n <= 0) return all;
      all += static_cast<size_t>(n);
    }
  }
  // Until nothing is left; `between` runs each time the socket is empty.
  void read_all(const std::function<void()>& between = [] {}) {
    do {
      read_some();
      between();
      queue->flush();
    } while (read_some() != 0 || !queue->empty());
  }
  std::vector<Seen> seen() const {
    std::vector<Seen> list;
    for (uint64_t at = 0; at + kHeaderBytes <= stream.size();) {
      Seen s{{}, at};
      const std::string bad =
          decode_header(std::span<const std::byte, kHeaderBytes>(stream.data() + at, kHeaderBytes),
                        kDefaultMaxPayload, &s.header);
      EXPECT_EQ(bad, "") << at;
      if (!bad.empty()) break;
      at += kHeaderBytes + s.header.payload_bytes;
      if (at <= stream.size()) list.push_back(s);
    }
    return list;
  }

  void room_again() noexcept override { ++rooms; }
  Executor* where_to_let_go() noexcept override { return nullptr; }

  // Nobody waits for its events: flush() is called by the tests.
  class Watched final : public SocketChannel {
   public:
    Watched(FileDescriptor socket, bool& wanted) noexcept
        : SocketChannel(std::move(socket)), wanted_(wanted) {}
    void want_writable(bool want) noexcept override { wanted_ = want; }

   private:
    bool& wanted_;
  };

  int here, there;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<WriteQueue> queue;
  Bytes stream;
  bool ended = false;
  bool wanted = false;
  std::atomic<int> rooms{0};
};

bool is_chunk(const Seen& s) { return s.header.kind == FrameKind::kChunk; }

TEST_F(WriteQueueTest, SmallFramesWaitForTheRestOfTheChunkUnderWayAndNoLonger) {
  EXPECT_EQ(send(large(1, uint64_t{400} << 20)), Result::kOk);
  for (int turn = 0; turn < 50; ++turn) {
    read_some();  // what has left before: all of it
    queue->flush();
  }
  read_some();
  const uint64_t before = stream.size();
  ASSERT_GT(before, 0u);
  for (uint64_t id = 1; id <= 300; ++id) send_small(id, FrameKind::kPong, 0);
  const uint64_t held_by_the_socket = uint64_t{64} << 10;
  while (stream.size() < before + 4 * kChunkBytes) {
    queue->flush();
    read_some();
  }
  uint64_t pongs = 0, first = 0, last = 0;
  for (const Seen& s : seen()) {
    if (is_chunk(s)) continue;
    EXPECT_EQ(s.header.call_id, ++pongs);
    if (first == 0) first = s.at;
    last = s.at;
  }
  EXPECT_EQ(pongs, 300u);
  EXPECT_LE(first - before, held_by_the_socket + kHeaderBytes + kChunkBytes);
  EXPECT_EQ(last - first, 299 * kHeaderBytes) << "nothing goes between them";
}

TEST_F(WriteQueueTest, WhileSmallFramesGoBetweenChunksTheseAreShortAndTheSocketHoldsLittle) {
  const auto deep = [this] {
    int bytes = 0;
    socklen_t size = sizeof bytes;
    EXPECT_EQ(::getsockopt(here, SOL_SOCKET, SO_SNDBUF, &bytes, &size), 0);
    return bytes;
  };
  EXPECT_EQ(send(large(1, uint64_t{32} << 20)), Result::kOk);
  send_small(1);
  while (stream.size() < kChunkBytes * 4) {
    read_some();
    queue->flush();
  }
  const int shared = deep();
  read_all();
  EXPECT_LT(shared, static_cast<int>(kChunkBytes) / 2);
  EXPECT_GT(deep(), static_cast<int>(kChunkBytes));
  std::vector<uint64_t> lengths;
  for (const Seen& s : seen()) lengths.push_back(is_chunk(s) ? s.header.payload_bytes : 0);
  const auto small = std::find(lengths.begin(), lengths.end(), 0u);
  ASSERT_NE(small, lengths.end());
  ASSERT_GT(lengths.end() - small, 10);
  for (auto at = small + 1; at < small + 10; ++at) EXPECT_LT(*at, kChunkBytes / 2);
  EXPECT_EQ(*(lengths.end() - 2), kChunkBytes) << "much has left without a small one";
}

TEST_F(WriteQueueTest, NeitherAFloodOfSmallFramesNorLargeOnesKeepTheOtherFromGoingOn) {
  const auto held = detail::make_ref<rpc::Owner>();
  OutFrame frame = large(1, uint64_t{8} << 20);
  frame.keep(held);
  EXPECT_EQ(send(std::move(frame)), Result::kOk);
  uint64_t sent = 0;
  // As long as the large one is there, more small ones wait than a chunk has bytes.
  read_all([&] {
    while (!held->sole_owner() && queue->copied_bytes() < 3 * kChunkBytes)
      send_small(++sent, FrameKind::kRequest, 4000);
  });
  const auto all = seen();
  uint64_t small = 0, id = 0;
  bool whole = false;
  for (const Seen& s : all) {
    if (is_chunk(s)) {
      EXPECT_LE(small, kChunkBytes + 5000) << "at " << s.at;
      EXPECT_TRUE(small >= kChunkBytes - 5000 || s.at < kChunkBytes * 2)
          << "small ones come first; at " << s.at;
      small = 0;
      whole = (s.header.flags & kLastChunk) != 0;
    } else {
      EXPECT_EQ(s.header.call_id, ++id);
      if (!whole) small += kHeaderBytes + s.header.payload_bytes;
    }
  }
  EXPECT_TRUE(whole);
  EXPECT_EQ(id, sent);
}

TEST_F(WriteQueueTest, ALargeFrameIsCompleteOnlyAfterTheSmallOnesThatWereSentBeforeIt) {
  for (uint64_t id = 1; id <= 500; ++id) send_small(id, FrameKind::kRequest, 4000);
  EXPECT_EQ(send(large(501, 300 << 10)), Result::kOk);
  for (uint64_t id = 502; id <= 600; ++id) send_small(id, FrameKind::kRequest, 4000);
  read_all();
  uint64_t id = 0;
  for (const Seen& s : seen()) {
    if (!is_chunk(s)) {
      id = s.header.call_id;
    } else if ((s.header.flags & kLastChunk) != 0) {
      EXPECT_GE(id, 500u);
    }
  }
  EXPECT_EQ(id, 600u);
}

TEST_F(WriteQueueTest, LargeFramesLeaveOneAfterTheOther) {
  for (uint64_t id = 1; id <= 4; ++id) EXPECT_EQ(send(large(id, 1 << 20)), Result::kOk);
  read_all();
  uint64_t id = 0;
  for (const Seen& s : seen()) {
    ASSERT_TRUE(is_chunk(s));
    if ((s.header.flags & kFirstChunk) == 0) continue;
    FrameHeader inner;
    ASSERT_EQ(decode_header(
                  std::span<const std::byte, kHeaderBytes>(stream.data() + s.at + kHeaderBytes, kHeaderBytes),
                  kDefaultMaxPayload, &inner),
              "");
    EXPECT_EQ(inner.call_id, ++id);
  }
  EXPECT_EQ(id, 4u);
}

TEST_F(WriteQueueTest, ACancelLeavesBehindItsLargeRequestAndOnlyThat) {
  EXPECT_EQ(send(large(1, 1 << 20)), Result::kOk);
  OutFrame raw = large(2, 1 << 20);
  raw.kind = FrameKind::kRawRequest;
  EXPECT_EQ(send(std::move(raw)), Result::kOk);
  EXPECT_EQ(send(large(3, 1 << 20)), Result::kOk);
  for (const uint64_t id : {2, 1, 9}) send_small(id, FrameKind::kCancel, 0);
  read_all();
  std::vector<uint64_t> order;  // a frame's end, or minus the cancelled one
  uint64_t under_way = 0;
  std::vector<int64_t> events;
  for (const Seen& s : seen()) {
    if (s.header.kind == FrameKind::kCancel) events.push_back(-static_cast<int64_t>(s.header.call_id));
    if (is_chunk(s) && (s.header.flags & kLastChunk) != 0)
      events.push_back(static_cast<int64_t>(++under_way));
  }
  EXPECT_THAT(events, testing::ElementsAre(-9, 1, -1, 2, -2, 3));
}

TEST_F(WriteQueueTest, NoOtherLargeFrameLeavesBetweenARequestAndItsCancel) {
  EXPECT_EQ(send(large(1, uint64_t{4} << 20)), Result::kOk);
  std::vector<uint64_t> expected{0};
  for (uint64_t id = 2; id < 20; ++id) {
    EXPECT_EQ(send(large(id, 300'000)), Result::kOk);
    send_small(id, FrameKind::kCancel, 0);
    expected.insert(expected.end(), {0, id});
  }
  // Several frames fit into one write from here on.
  const int much = 8 << 20;
  ::setsockopt(here, SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
  read_all();
  std::vector<uint64_t> ends;  // of a large frame: 0; a cancel: what it cancels
  for (const Seen& s : seen()) {
    if (s.header.kind == FrameKind::kCancel) ends.push_back(s.header.call_id);
    if (is_chunk(s) && (s.header.flags & kLastChunk) != 0) ends.push_back(0);
  }
  EXPECT_EQ(ends, expected);
}

TEST_F(WriteQueueTest, GoodbyeGoesBehindTheChunkUnderWayAndDropsWhatIsLargeAndNotComplete) {
  auto kept = detail::make_ref<rpc::Owner>(), second = detail::make_ref<rpc::Owner>();
  OutFrame first = large(1, 4 << 20);
  first.keep(kept);
  EXPECT_EQ(send(std::move(first)), Result::kOk);
  OutFrame next = large(2, 4 << 20);
  next.keep(second);
  EXPECT_EQ(send(std::move(next)), Result::kOk);
  send_small(3);
  OutFrame goodbye(FrameKind::kGoodbye);
  goodbye.body.array(0);
  EXPECT_EQ(send(std::move(goodbye), true), Result::kOk);
  EXPECT_TRUE(second->sole_owner()) << "what has not begun is let go of at once";
  OutFrame late(FrameKind::kRequest, 4);
  EXPECT_EQ(send(std::move(late)), Result::kClosed);
  read_all();
  EXPECT_TRUE(kept->sole_owner());
  std::vector<FrameKind> kinds;
  for (const Seen& s : seen()) kinds.push_back(s.header.kind);
  EXPECT_THAT(kinds, testing::ElementsAre(FrameKind::kChunk, FrameKind::kRequest, FrameKind::kGoodbye));
  read_some();
  EXPECT_TRUE(ended);
  EXPECT_EQ(queue->copied_bytes(), 0u);
}

TEST_F(WriteQueueTest, WhatAFrameKeepsIsKeptUntilItsLastByteIsWritten) {
  auto kept = detail::make_ref<rpc::Owner>();
  OutFrame f = large(1, 2 << 20);
  f.keep(kept);
  EXPECT_EQ(send(std::move(f)), Result::kOk);
  OutFrame small(FrameKind::kRequest, 2);
  small.keep(kept);
  EXPECT_EQ(send(std::move(small)), Result::kOk);
  while (!queue->empty()) {
    EXPECT_FALSE(kept->sole_owner());
    read_some();
    queue->flush();
  }
  EXPECT_TRUE(kept->sole_owner());
  // Dropped with the queue, too.
  f = large(3, 2 << 20);
  f.keep(kept);
  EXPECT_EQ(send(std::move(f)), Result::kOk);
  EXPECT_FALSE(kept->sole_owner());
  queue->close();
  EXPECT_TRUE(kept->sole_owner());
  EXPECT_TRUE(queue->empty());
}

TEST_F(WriteQueueTest, OnlyCopiedMemoryFillsTheBoundAndRoomIsToldOfOnceHalfOfItIsFree) {
  EXPECT_EQ(send(large(1, uint64_t{1} << 30)), Result::kOk);
  EXPECT_TRUE(queue->has_room()) << "a user's tensor costs nothing while it waits";
  EXPECT_TRUE(queue->await_room());
  static const Bytes copy(200 << 10);
  uint64_t id = 1;
  while (queue->has_room()) {
    OutFrame f(FrameKind::kReply, ++id);
    f.body.str("copy");
    f.body.segment({copy, nullptr, true});
    EXPECT_EQ(send(std::move(f)), Result::kOk);
  }
  EXPECT_GT(queue->copied_bytes(), size_t{1} << 20);
  EXPECT_LE(queue->copied_bytes(), (size_t{1} << 20) + copy.size() + 600);
  EXPECT_FALSE(queue->await_room());
  EXPECT_FALSE(queue->await_room());
  // Nothing is refused all the same.
  send_small(999, FrameKind::kCancel, 0);
  while (rooms == 0) {
    EXPECT_GT(queue->copied_bytes(), size_t{1} << 19);
    queue->flush();
    read_some();
  }
  EXPECT_LE(queue->copied_bytes(), size_t{1} << 19);
  EXPECT_EQ(rooms, 1);
  EXPECT_TRUE(queue->await_room());
}

TEST_F(WriteQueueTest, WhoWaitsForRoomIsToldWhenTheQueueEnds) {
  const Bytes copy(200 << 10);
  for (uint64_t id = 1; queue->has_room(); ++id) {
    OutFrame f(FrameKind::kReply, id);
    f.body.segment({copy, nullptr, true});
    EXPECT_EQ(send(std::move(f)), Result::kOk);
  }
  EXPECT_FALSE(queue->await_room());
  queue->close();
  EXPECT_EQ(rooms, 1);
  EXPECT_TRUE(queue->await_room());
}

TEST_F(WriteQueueTest, ASocketThatBreaksDropsEverythingAndSaysSo) {
  auto kept = detail::make_ref<rpc::Owner>();
  OutFrame f = large(1, 2 << 20);
  f.keep(kept);
  EXPECT_EQ(send(std::move(f)), Result::kOk);
  ::shutdown(there, SHUT_RD);
  ::close(std::exchange(there, ::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  queue->flush();
  EXPECT_EQ(queue->broken_errno(), EPIPE);
  EXPECT_TRUE(kept->sole_owner());
  EXPECT_TRUE(queue->empty());
  OutFrame late(FrameKind::kRequest, 2);
  EXPECT_EQ(send(std::move(late)), Result::kBroken);
}

TEST_F(WriteQueueTest, BytesThatTheSocketTakesAfterItWasFullAreCounted) {
  EXPECT_EQ(send(large(1, 4 << 20)), Result::kOk);
  const uint64_t before = queue->taken();
  queue->flush();
  queue->flush();
  EXPECT_EQ(queue->taken(), before) << "nobody reads";
  read_some();
  queue->flush();
  EXPECT_GT(queue->taken(), before);
}

// Any mix of frames, read by the real reader, however little the socket takes at a time.
TEST_F(WriteQueueTest, WhateverIsSentArrivesWholeAndInTheOrderOfItsLane) {
  std::mt19937_64 random(31);
  Bytes pattern(1 << 20);
  for (auto& b : pattern) b = static_cast<std::byte>(random());
  Recycler recycler;
  FrameReader reader(recycler, 8192, kDefaultMaxPayload);
  std::map<uint64_t, std::vector<std::span<const std::byte>>> sent;
  std::map<uint64_t, bool> is_large;
  uint64_t id = 0, last_small = 0, last_large = 0, got = 0;
  const auto check = [&](const Frame& frame) {
    ++got;
    const uint64_t n = frame.header.call_id;
    EXPECT_GT(n, is_large[n] ? last_large : last_small);
    (is_large[n] ? last_large : last_small) = n;
    const auto& segments = sent[n];
    ASSERT_EQ(frame.segments.size(), segments.size());
    for (size_t i = 0; i < segments.size(); ++i) {
      ASSERT_EQ(frame.segments[i]->size(), segments[i].size());
      ASSERT_EQ(std::memcmp(frame.segments[i]->data(), segments[i].data(), segments[i].size()), 0);
    }
  };
  const auto read = [&] {
    std::array<iovec, 16> pieces;
    const size_t count = reader.prepare(pieces);
    const ssize_t n = ::readv(there, pieces.data(), static_cast<int>(count));
    if (n <= 0) return false;
    reader.received(static_cast<size_t>(n));
    for (Frame frame; reader.next(&frame, Clock::now()) == FrameReader::Next::kFrame;)
      check(std::exchange(frame, {}));
    EXPECT_EQ(reader.error(), "");
    return true;
  };
  for (int round = 0; round < 3000; ++round) {
    OutFrame f(FrameKind::kRequest, ++id);
    f.body.str(std::string(random() % 30 == 0 ? 400'000 : random() % 800, 'b'));
    const size_t biggest = random() % 5 == 0 ? 60'000 : 900;
    for (size_t k = random() % (random() % 50 == 0 ? 2000 : 20); k > 0; --k) {
      const size_t size = 1 + random() % biggest;
      sent[id].push_back(std::span(pattern).subspan(random() % (pattern.size() - size), size));
      f.body.segment({sent[id].back(), nullptr});
    }
    is_large[id] = f.is_large();
    ASSERT_EQ(send(std::move(f)), Result::kOk);
    for (size_t k = random() % 8; k > 0 && read(); --k) continue;
    if (random() % 2) queue->flush();
  }
  while (got < id) {
    queue->flush();
    while (read()) continue;
  }
  EXPECT_TRUE(queue->empty());
  EXPECT_FALSE(reader.inside_frame());
  EXPECT_EQ(queue->copied_bytes(), 0u);
  EXPECT_GT(last_large, 0u);
}

TEST_F(WriteQueueTest, ThreadsThatSendAndFlushAtOnceMixNothing) {
  constexpr uint64_t kThreads = 3, kEach = 400;
  std::atomic<int> sending{kThreads};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i <= kEach; ++i) {
        const uint64_t id = t * kEach + i;
        if (i % 20 == 0) {
          EXPECT_EQ(send(large(id, 500'000)), Result::kOk);
          send_small(id, FrameKind::kCancel, 0);
        } else {
          send_small(id, FrameKind::kRequest, 300);
        }
      }
      --sending;
    });
  }
  Recycler recycler;
  FrameReader reader(recycler, 8192, kDefaultMaxPayload);
  std::map<uint64_t, uint64_t> last;  // by lane and thread
  uint64_t requests = 0, cancels = 0;
  std::vector<bool> here(kThreads * kEach + 1);
  const TimePoint until = Clock::now() + std::chrono::seconds(60);
  while (requests < kThreads * kEach || cancels < kThreads * kEach / 20) {
    ASSERT_LT(Clock::now(), until);
    pollfd p{there, POLLIN, 0};
    queue->flush();
    ::poll(&p, 1, 1);
    std::array<iovec, 16> pieces;
    const size_t count = reader.prepare(pieces);
    const ssize_t n = ::readv(there, pieces.data(), static_cast<int>(count));
    if (n <= 0) continue;
    reader.received(static_cast<size_t>(n));
    for (Frame frame; reader.next(&frame, Clock::now()) == FrameReader::Next::kFrame; frame = {}) {
      const uint64_t id = frame.header.call_id;
      if (frame.header.kind == FrameKind::kCancel) {
        ++cancels;
        EXPECT_TRUE(here[id]) << "the cancel of " << id << " came before it";
        continue;
      }
      ++requests;
      here[id] = true;
      uint64_t& before = last[2 * ((id - 1) / kEach) + (frame.segments.empty() ? 0 : 1)];
      EXPECT_GT(id, before);
      before = id;
    }
    ASSERT_EQ(reader.error(), "");
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(sending, 0);
}

TEST_F(WriteQueueTest, ClosedItEndsTheStreamForThePeer) {
  queue->close();
  read_some();
  EXPECT_TRUE(ended);
}

TEST_F(WriteQueueTest, ClosedAfterItsSocketItLeavesTheNumbersNextOwnerAlone) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  queue->close_channel();
  ASSERT_EQ(::fcntl(pair[0], F_DUPFD_CLOEXEC, here), here);  // as the next file that is opened gets it
  queue->close();
  char byte = 7;
  EXPECT_EQ(::send(here, &byte, 1, MSG_NOSIGNAL), 1);
  for (const int fd : {here, pair[0], pair[1]}) ::close(fd);
}

}  // namespace
}  // namespace tine::rpc
