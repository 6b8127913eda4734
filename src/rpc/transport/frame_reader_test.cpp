#include "src/rpc/transport/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/write_queue.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::byte>;
using Next = FrameReader::Next;

// The bytes of a frame as a peer would send them.
void append(Bytes& to, uint64_t id, size_t body_bytes, const std::vector<size_t>& segments) {
  BodyWriter body;
  body.str(std::string(body_bytes, 'b'));
  FrameHeader h;
  h.call_id = id;
  h.body_bytes = static_cast<uint32_t>(body.body().size());
  h.segments = static_cast<uint32_t>(segments.size());
  std::vector<uint64_t> sizes(segments.begin(), segments.end());
  h.payload_bytes = payload_bytes_for(h.body_bytes, sizes);
  const size_t start = to.size();
  to.resize(start + kHeaderBytes);
  encode_header(h, std::span<std::byte, kHeaderBytes>(to.data() + start, kHeaderBytes));
  to.insert(to.end(), body.body().begin(), body.body().end());
  for (uint64_t size : sizes) {
    to.resize(to.size() + 8);
    put_le<uint64_t>(to.data() + to.size() - 8, size);
  }
  for (uint64_t size : sizes) {
    to.resize(start + aligned_segment(to.size() - start), std::byte{0xee});
    to.resize(to.size() + size, static_cast<std::byte>(size));
  }
}

class Feed {
 public:
  explicit Feed(size_t buffer = 8192) : reader_(pool_, buffer, kDefaultMaxPayload) {}
  // Takes `bytes` in pieces of at most `step`; keeps the frames.
  Next feed(std::span<const std::byte> bytes, size_t step) {
    Next last = Next::kNeedMore;
    while (!bytes.empty()) {
      std::array<iovec, 5> pieces;
      const size_t count = reader_.prepare(pieces);
      size_t n = std::min(step, bytes.size()), done = 0;
      for (size_t i = 0; i < count && done < n; ++i) {
        const size_t part = std::min(pieces[i].iov_len, n - done);
        std::memcpy(pieces[i].iov_base, bytes.data() + done, part);
        done += part;
      }
      EXPECT_GT(done, 0u);
      reader_.received(done);
      bytes = bytes.subspan(done);
      Frame frame;
      while ((last = reader_.next(&frame, Clock::now())) == Next::kFrame)
        frames.push_back(std::exchange(frame, Frame{}));
      if (last == Next::kMalformed) return last;
    }
    return last;
  }
  void check(size_t at, uint64_t id, size_t body_bytes, const std::vector<size_t>& segments) const {
    ASSERT_LT(at, frames.size());
    const Frame& f = frames[at];
    EXPECT_EQ(f.header.call_id, id);
    BodyReader in(f.body);
    EXPECT_EQ(in.str(), std::string(body_bytes, 'b'));
    in.expect_end();
    ASSERT_EQ(f.segments.size(), segments.size());
    for (size_t i = 0; i < segments.size(); ++i) {
      ASSERT_EQ(f.segments[i]->size(), segments[i]);
      for (std::byte b : f.segments[i]->bytes()) ASSERT_EQ(b, static_cast<std::byte>(segments[i]));
    }
  }
  FrameReader& reader() { return reader_; }
  std::vector<Frame> frames;

 private:
  detail::Ref<BufferPool> pool_ = detail::make_ref<BufferPool>();
  FrameReader reader_;
};

struct Shape {
  size_t body;
  std::vector<size_t> segments;
};
const std::vector<Shape> kShapes = {{5, {}},   {0, {1}}, {30, {64, 1, 200}},
                                    {300, {}}, {3, {7}}, {100, {63, 65}}};

TEST(FrameReader, FramesComeOutTheSameWhereverTheStreamIsSplitInTwo) {
  Bytes all;
  for (size_t i = 0; i < kShapes.size(); ++i) append(all, i + 1, kShapes[i].body, kShapes[i].segments);
  for (size_t split = 1; split < all.size(); ++split) {
    Feed feed;
    feed.feed(std::span(all).first(split), all.size());
    feed.feed(std::span(all).subspan(split), all.size());
    ASSERT_EQ(feed.frames.size(), kShapes.size()) << split;
    for (size_t i = 0; i < kShapes.size(); ++i) feed.check(i, i + 1, kShapes[i].body, kShapes[i].segments);
    EXPECT_FALSE(feed.reader().inside_frame());
  }
}

TEST(FrameReader, FramesComeOutTheSameWhateverThePieces) {
  Bytes all;
  for (size_t i = 0; i < kShapes.size(); ++i) append(all, i + 1, kShapes[i].body, kShapes[i].segments);
  for (size_t step = 1; step < 200; ++step) {
    Feed feed;
    feed.feed(all, step);
    ASSERT_EQ(feed.frames.size(), kShapes.size()) << step;
    for (size_t i = 0; i < kShapes.size(); ++i) feed.check(i, i + 1, kShapes[i].body, kShapes[i].segments);
  }
}

TEST(FrameReader, BodiesAndSegmentsLargerThanTheBufferAreReceivedInPlace) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 40; ++round) {
    std::vector<Shape> shapes;
    Bytes all;
    for (uint64_t i = 0; i < 20; ++i) {
      Shape s{random() % 20'000, {}};
      for (size_t k = random() % 30; k > 0; --k) s.segments.push_back(1 + random() % 20'000);
      append(all, i + 1, s.body, s.segments);
      shapes.push_back(std::move(s));
    }
    Feed feed;
    feed.feed(all, 1 + random() % 30'000);
    ASSERT_EQ(feed.frames.size(), shapes.size());
    for (size_t i = 0; i < shapes.size(); ++i) feed.check(i, i + 1, shapes[i].body, shapes[i].segments);
  }
}

TEST(FrameReader, AFrameThatIsKeptIsNeverOverwritten) {
  Feed feed;
  Bytes all;
  for (uint64_t i = 1; i <= 5000; ++i) append(all, i, i % 100, {});
  feed.feed(all, 3000);  // Feed keeps them all
  ASSERT_EQ(feed.frames.size(), 5000u);
  for (uint64_t i = 1; i <= 5000; ++i) feed.check(i - 1, i, i % 100, {});
}

TEST(FrameReader, AnOwnedSmallBodyDoesNotKeepTheWholeBufferAlive) {
  auto pool = detail::make_ref<BufferPool>();
  Feed feed(65536);
  Bytes all;
  append(all, 1, 10, {});
  feed.feed(all, 1000);
  EXPECT_GE(feed.frames[0].body_buffer->capacity(), 65536u);
  feed.frames[0].own(*pool);
  EXPECT_LE(feed.frames[0].body_buffer->capacity(), 256u);
  feed.check(0, 1, 10, {});
}

TEST(FrameReader, ALyingFrameCostsNothingBeforeItIsRefused) {
  Bytes all;
  append(all, 1, 10, {100});
  put_le<uint64_t>(all.data() + kHeaderBytes + 11, uint64_t{60} << 30);  // the table: 60 GiB
  Feed feed;
  EXPECT_EQ(feed.feed(all, 1000), Next::kMalformed);
  EXPECT_THAT(feed.reader().error(), HasSubstr("payload length"));
}

TEST(FrameReader, TheDeadlineIsWhatRemainedWhenTheHeaderWasRead) {
  Frame f;
  f.received = Clock::now();
  EXPECT_EQ(f.deadline(), kNoDeadline);
  f.header.remaining_us = 1500;
  EXPECT_EQ(f.deadline(), f.received + std::chrono::microseconds(1500));
  f.header.remaining_us = kNoTimeLimit - 1;
  EXPECT_EQ(f.deadline(), kNoDeadline);
}

TEST(FrameReader, ChangedStreamsAreCutIntoFramesOrRefused) {
  std::mt19937_64 random(9);
  Bytes good;
  for (size_t i = 0; i < kShapes.size(); ++i) append(good, i + 1, kShapes[i].body, kShapes[i].segments);
  size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = good;
    for (size_t k = 1 + random() % 3; k > 0; --k)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    Feed feed;
    if (feed.feed(bytes, 1 + random() % 400) == Next::kMalformed) {
      ++refused;
      EXPECT_FALSE(feed.reader().error().empty());
    }
  }
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace tine::rpc
