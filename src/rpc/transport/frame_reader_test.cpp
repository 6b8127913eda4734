#include "src/rpc/transport/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/write_queue.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::byte>;
using Next = FrameReader::Next;

// The bytes of a frame, before it is cut into chunks.
Bytes bytes_of(uint64_t id, size_t body_bytes, const std::vector<size_t>& segments) {
  BodyWriter body;
  body.str(std::string(body_bytes, 'b'));
  FrameHeader h;
  h.call_id = id;
  h.body_bytes = static_cast<uint32_t>(body.body().size());
  h.segments = static_cast<uint32_t>(segments.size());
  std::vector<uint64_t> sizes(segments.begin(), segments.end());
  h.payload_bytes = payload_bytes_for(h.body_bytes, sizes);
  Bytes bytes(kHeaderBytes);
  encode_header(h, std::span<std::byte, kHeaderBytes>(bytes.data(), kHeaderBytes));
  bytes.insert(bytes.end(), body.body().begin(), body.body().end());
  for (uint64_t size : sizes) {
    bytes.resize(bytes.size() + 8);
    put_le<uint64_t>(bytes.data() + bytes.size() - 8, size);
  }
  for (uint64_t size : sizes) {
    bytes.resize(aligned_segment(bytes.size()), std::byte{0xee});
    bytes.resize(bytes.size() + size, static_cast<std::byte>(size));
  }
  return bytes;
}

void append(Bytes& to, std::span<const std::byte> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void append_chunk(Bytes& to, std::span<const std::byte> bytes, int flags) {
  FrameHeader h;
  h.kind = FrameKind::kChunk;
  h.flags = static_cast<uint16_t>(flags);
  h.body_bytes = static_cast<uint32_t>(bytes.size());
  h.payload_bytes = bytes.size();
  std::array<std::byte, kHeaderBytes> header;
  encode_header(h, header);
  append(to, header);
  append(to, bytes);
}

// The bytes of a frame as a peer would send them; of a large one the chunks have the sizes that `size_of_next` says, and what
// `between` appends comes after each but the last.
void append(
    Bytes& to, uint64_t id, size_t body_bytes, const std::vector<size_t>& segments,
    const std::function<size_t()>& size_of_next = [] { return kChunkBytes; },
    const std::function<void(Bytes&)>& between = [](Bytes&) {}) {
  const Bytes bytes = bytes_of(id, body_bytes, segments);
  if (bytes.size() <= kChunkBytes) return append(to, bytes);
  for (size_t at = 0; at < bytes.size();) {
    const size_t n = std::min(std::max(size_of_next(), at == 0 ? kHeaderBytes : 1), bytes.size() - at);
    const bool last = at + n == bytes.size();
    append_chunk(to, std::span(bytes).subspan(at, n), (at == 0 ? kFirstChunk : 0) | (last ? kLastChunk : 0));
    at += n;
    if (!last) between(to);
  }
}

class Feed {
 public:
  explicit Feed(size_t buffer = 8192, SharedMemory* shared = nullptr)
      : reader_(recycler_, buffer, kDefaultMaxPayload, shared) {}
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

 private:
  Recycler recycler_;  // outlives what the frames hold
  FrameReader reader_;

 public:
  std::vector<Frame> frames;
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

TEST(FrameReader, ALargeFrameComesOutTheSameWhereverItsChunksAndTheStreamAreSplit) {
  // Chunks end within the header's neighbours, body, table, padding and segments; small frames lie between them.
  const Shape large{3000, {70'000, 1, 100'000, 65, 120'000}};
  std::mt19937_64 random(21);
  for (int round = 0; round < 60; ++round) {
    Bytes all;
    uint64_t id = 0;
    std::vector<std::pair<uint64_t, Shape>> expected;
    const size_t chunk = round % 3 == 0 ? 200 : round % 3 == 1 ? 5'000 : 200'000;
    const auto small = [&](Bytes& to) {
      if (random() % 3 != 0) return;
      const Shape& shape = kShapes[random() % kShapes.size()];
      append(to, ++id, shape.body, shape.segments);
      expected.emplace_back(id, shape);
    };
    for (int i = 0; i < 2; ++i) {
      const uint64_t mine = ++id;
      append(
          all, mine, large.body, large.segments, [&] { return 1 + random() % chunk; }, small);
      expected.emplace_back(mine, large);
      small(all);
    }
    Feed feed;
    feed.feed(all, round % 2 ? all.size() : 1 + random() % 3'000);
    ASSERT_EQ(feed.frames.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      feed.check(i, expected[i].first, expected[i].second.body, expected[i].second.segments);
    EXPECT_FALSE(feed.reader().inside_frame());
  }
}

TEST(FrameReader, AChunkedFrameIsTheSameSplitAtEveryByteOfItsFirstChunks) {
  Bytes all;
  size_t next = 0;
  const std::array<size_t, 8> sizes = {kHeaderBytes, 1, 60, 39, 41, 3, 200, kChunkBytes};
  append(
      all, 1, 30, {64, 1, 300'000}, [&] { return sizes[std::min(next++, sizes.size() - 1)]; },
      [](Bytes& to) { append(to, 9, 5, {7}); });
  for (size_t split = 1; split < 1500; ++split) {
    Feed feed;
    feed.feed(std::span(all).first(split), split);
    EXPECT_TRUE(feed.reader().inside_frame());
    feed.feed(std::span(all).subspan(split), all.size());
    ASSERT_EQ(feed.frames.size(), 9u) << split;
    for (size_t i = 0; i < 8; ++i) feed.check(i, 9, 5, {7});
    feed.check(8, 1, 30, {64, 1, 300'000});
    EXPECT_FALSE(feed.reader().inside_frame());
  }
}

TEST(FrameReader, ALargeBodyAndManySegmentsComeInChunks) {
  Bytes all;
  const std::vector<size_t> many(kMaxSegments, 100);
  append(all, 1, 3 << 20, {}, [] { return size_t{100'000}; });
  append(all, 2, 10, many, [] { return size_t{7'777}; });
  append(all, 3, 10, {});
  Feed feed(65536);
  feed.feed(all, 50'000);
  ASSERT_EQ(feed.frames.size(), 3u);
  feed.check(0, 1, 3 << 20, {});
  feed.check(1, 2, 10, many);
  feed.check(2, 3, 10, {});
}

TEST(FrameReader, OfALargeFrameLittleIsCopied) {
  // The buffers that prepare() returns while chunks come: the segment's own memory, and little more than a header after it.
  Bytes all;
  append(all, 1, 10, {2 << 20});
  Recycler recycler;
  FrameReader reader(recycler, 65536, kDefaultMaxPayload);
  std::span<const std::byte> left(all);
  size_t in_place = 0;
  Frame frame;
  while (!left.empty()) {
    std::array<iovec, 5> pieces;
    const size_t count = reader.prepare(pieces);
    size_t done = 0;
    for (size_t i = 0; i < count && !left.empty(); ++i) {
      const size_t n = std::min(pieces[i].iov_len, left.size());
      std::memcpy(pieces[i].iov_base, left.data(), n);
      if (i + 1 < count) in_place += n;
      left = left.subspan(n);
      done += n;
    }
    reader.received(done);
    const Next next = reader.next(&frame, Clock::now());
    ASSERT_EQ(next, left.empty() ? Next::kFrame : Next::kNeedMore);
  }
  EXPECT_GE(in_place, (size_t{2} << 20) - 65536 - 8 * 2048);
}

TEST(FrameReader, ChunksThatDoNotMakeALargeFrameAreRefused) {
  const Bytes large = bytes_of(1, 10, {300'000});
  const Bytes small = bytes_of(1, 10, {});
  const std::span<const std::byte> all(large);
  const auto refusal = [](const Bytes& bytes) {
    Feed feed;
    EXPECT_EQ(feed.feed(bytes, bytes.size()), Next::kMalformed);
    return feed.reader().error();
  };
  const auto chunks = [](std::initializer_list<std::pair<std::span<const std::byte>, int>> list) {
    Bytes bytes;
    for (const auto& [part, flags] : list) append_chunk(bytes, part, flags);
    return bytes;
  };
  EXPECT_THAT(refusal(large), HasSubstr("travels as it is"));
  EXPECT_THAT(refusal(chunks({{small, kFirstChunk | kLastChunk}})), HasSubstr("travels in chunks"));
  EXPECT_THAT(refusal(chunks({{all.first(1000), 0}})), HasSubstr("no large frame is under way"));
  EXPECT_THAT(refusal(chunks({{all.first(1000), kLastChunk}})), HasSubstr("no large frame is under way"));
  EXPECT_THAT(refusal(chunks({{all.first(1000), kFirstChunk}, {all.first(1000), kFirstChunk}})),
              HasSubstr("another large frame is under way"));
  EXPECT_THAT(refusal(chunks({{all.first(39), kFirstChunk}})), HasSubstr("has 39 bytes, expected 40"));
  EXPECT_THAT(refusal(chunks({{all.first(0), 0}})), HasSubstr("has 0 bytes, expected 1"));
  EXPECT_THAT(refusal(chunks({{all.first(1000), kFirstChunk | kLastChunk}})), HasSubstr("not complete"));
  const auto first = all.first(200'000), rest = all.subspan(200'000);
  EXPECT_THAT(refusal(chunks({{first, kFirstChunk}, {rest, 0}})), HasSubstr("is not the last"));
  Bytes beyond(rest.begin(), rest.end());
  beyond.push_back(std::byte{});
  EXPECT_THAT(refusal(chunks({{first, kFirstChunk}, {beyond, kLastChunk}})),
              HasSubstr("1 bytes beyond the end"));
  Bytes nested;
  append_chunk(nested, all.first(1000), kFirstChunk);
  EXPECT_THAT(refusal(chunks({{nested, kFirstChunk}})), HasSubstr("a chunk frame travels in chunks"));
  Bytes goodbye = large;
  goodbye[5] = static_cast<std::byte>(FrameKind::kGoodbye);
  put_le<uint32_t>(goodbye.data() + 24, 300'000);
  put_le<uint32_t>(goodbye.data() + 28, 0);
  put_le<uint64_t>(goodbye.data() + 32, 300'000);
  EXPECT_THAT(refusal(chunks({{std::span(goodbye).first(1000), kFirstChunk}})), HasSubstr("goodbye"));
  Bytes huge = large;
  put_le<uint64_t>(huge.data() + 32, kDefaultMaxPayload + 1);
  EXPECT_THAT(refusal(chunks({{std::span(huge).first(1000), kFirstChunk}})), HasSubstr("payload has"));
  for (int field = 0; field < 3; ++field) {
    Bytes bad;
    append_chunk(bad, all.first(1000), kFirstChunk);
    if (field == 0) put_le<uint64_t>(bad.data() + 8, 1);   // a call id
    if (field == 1) put_le<uint64_t>(bad.data() + 16, 1);  // a deadline
    if (field == 2)
      put_le<uint32_t>(bad.data() + 24, static_cast<uint32_t>(kChunkBytes + 1)),
          put_le<uint64_t>(bad.data() + 32, kChunkBytes + 1);
    EXPECT_THAT(refusal(bad), HasSubstr("a chunk frame has"));
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

TEST(FrameReader, ALyingFrameCostsNothingBeforeItIsRefused) {
  Bytes all;
  append(all, 1, 10, {100});
  put_le<uint64_t>(all.data() + kHeaderBytes + 11, uint64_t{60} << 30);  // the table: 60 GiB
  Feed feed;
  EXPECT_EQ(feed.feed(all, 1000), Next::kMalformed);
  EXPECT_THAT(feed.reader().error(), HasSubstr("payload length"));
}

// Memory 3 is `bytes`.
struct Lent final : SharedMemory {
  std::optional<LentPlace> lend(std::span<const std::byte>) noexcept override { return {}; }
  std::optional<uint32_t> next_to_forget() noexcept override { return {}; }
  bool forget(uint64_t) noexcept override { return false; }
  bool forgotten(uint64_t) noexcept override { return false; }
  detail::Ref<Buffer> borrow(const LentPlace& place, uint64_t size, Recycler&, std::string* bad) override {
    if (place.memory == 3) return Buffer::lent(std::span(bytes).subspan(place.offset, size), nullptr);
    *bad = "there is no such memory";
    return nullptr;
  }
  Bytes bytes = Bytes(1 << 20, std::byte{'l'});
};

// A frame with a segment of `before` bytes, and one that lies at byte 10 of the memory.
Bytes with_lent(uint32_t memory, size_t before) {
  OutFrame frame(FrameKind::kRequest, 1);
  frame.body.str("lent");
  static const Bytes zeros(1 << 20);
  frame.body.segment({std::span(zeros).first(before), detail::make_ref<Owner>()});
  frame.body.segment({std::span(zeros).first(5000), detail::make_ref<Owner>()});
  frame.body.lend(1, {memory, 10});
  EXPECT_EQ(frame.seal(), "");
  Bytes whole(frame.head().begin(), frame.head().end());
  for (const Segment& s : frame.segments()) {
    whole.resize(aligned_segment(whole.size()));
    append(whole, s.bytes);
  }
  EXPECT_EQ(whole.size(), frame.wire_bytes());
  if (whole.size() <= kChunkBytes) return whole;
  Bytes chunks;
  for (size_t at = 0; at < whole.size(); at += kChunkBytes) {
    const size_t n = std::min<size_t>(kChunkBytes, whole.size() - at);
    append_chunk(chunks, std::span(whole).subspan(at, n),
                 (at == 0 ? kFirstChunk : 0) | (at + n == whole.size() ? kLastChunk : 0));
  }
  return chunks;
}

TEST(FrameReader, ASegmentThatIsLentIsTheMemoryItself) {
  for (const size_t before : {size_t{1}, size_t{100}, size_t{9000}, size_t{600} << 10}) {
    Lent lent;
    Feed feed(8192, &lent);
    const Bytes bytes = with_lent(3, before);
    for (const size_t step : {size_t{1} << 20, size_t{7777}}) feed.feed(bytes, step);
    ASSERT_EQ(feed.frames.size(), 2U);
    for (const Frame& frame : feed.frames) {
      ASSERT_EQ(frame.segments.size(), 2U);
      EXPECT_EQ(frame.segments[0]->size(), before);
      EXPECT_FALSE(frame.segments[0]->is_lent());
      EXPECT_TRUE(frame.segments[1]->is_lent());
      EXPECT_EQ(frame.segments[1]->data(), lent.bytes.data() + 10);
      EXPECT_EQ(frame.segments[1]->size(), 5000U);
    }
  }
}

TEST(FrameReader, ASegmentThatIsLentWhereNothingIsIsRefused) {
  Lent lent;
  Feed unknown(8192, &lent);
  EXPECT_EQ(unknown.feed(with_lent(4, 10), 1 << 20), Next::kMalformed);
  EXPECT_EQ(unknown.reader().error(), "there is no such memory");
  Feed without;
  EXPECT_EQ(without.feed(with_lent(3, 10), 1 << 20), Next::kMalformed);
  EXPECT_THAT(without.reader().error(), HasSubstr("shared memory, which this connection does not have"));
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
  Bytes chunked;
  append(
      chunked, 9, 300'000, {5}, [] { return size_t{262'000}; },
      [](Bytes& to) {
        append(to, 7, 30, {64, 1, 200});
      });
  size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = round % 10 == 0 ? chunked : good;
    for (size_t k = 1 + random() % 3; k > 0; --k) {
      // Of the chunks mostly what is a header: the rest is not looked at here.
      const size_t from = round % 10 == 0 && k != 1 ? (random() % 2 ? 0 : 262'040) : 0;
      bytes[from + random() % (round % 10 == 0 ? 600 : bytes.size())] = static_cast<std::byte>(random());
    }
    Feed feed;
    if (feed.feed(bytes, round % 10 == 0 ? bytes.size() : 1 + random() % 400) == Next::kMalformed) {
      ++refused;
      EXPECT_FALSE(feed.reader().error().empty());
    }
  }
  EXPECT_GT(refused, 1000u);
}

TEST(FrameReader, AFrameWhoseBodyAndTableJustFillTheBufferOrJustDoNot) {
  constexpr size_t kBuffer = 8192;
  for (const std::vector<size_t>& segments : {std::vector<size_t>{}, {5}, {5, 900}}) {
    const size_t most = kBuffer - kHeaderBytes - 8 * segments.size();
    for (size_t body = most - 12; body < most + 4; ++body) {  // with what a string needs besides
      for (const size_t step : {size_t{1} << 20, size_t{1000}}) {
        Bytes stream;
        append(stream, 1, body, segments);
        append(stream, 2, 10, {7});
        Feed feed(kBuffer);
        ASSERT_EQ(feed.feed(stream, step), Next::kNeedMore) << body;
        ASSERT_EQ(feed.frames.size(), 2u) << body;
        feed.check(0, 1, body, segments);
        feed.check(1, 2, 10, {7});
      }
    }
  }
}

}  // namespace
}  // namespace tine::rpc
