// Frames of any content: a node handles them, or ends the connection with words; it never crashes. tests/fuzz/raw_fuzz.cpp
// looks further.
#include "src/rpc/raw/frames_for_tests.h"

#include <gtest/gtest.h>

namespace tine::rpc::testing {
namespace {

constexpr FrameKind kKinds[] = {FrameKind::kRawRequest, FrameKind::kRawReply, FrameKind::kRawFailure,
                                FrameKind::kCancel, FrameKind::kIntroduction};

std::vector<std::byte> body_of(OutFrame& out) { return {out.body.body().begin(), out.body.body().end()}; }

// What a node sends, of each kind.
std::vector<RawFrame> good_frames() {
  InlineExecutor here;
  std::vector<RawFrame> frames;
  static const std::vector<std::byte> bytes(20'000);
  const RawBytes large(bytes, nullptr), small({bytes.data(), 100}, nullptr);
  for (const FrameKind kind : {FrameKind::kRawRequest, FrameKind::kRawReply}) {
    for (const RawMessage& message :
         {RawMessage{1, {}, {}}, RawMessage{0, small, {}}, RawMessage{2, large, {}},
          RawMessage{3, small, {small, {}, small, {}, {}}}, RawMessage{4, large, {{}, {}, small}},
          RawMessage{0xffffffff, {}, std::vector<RawBytes>(30)}}) {
      OutFrame out(kind, 1);
      write_message(out, message, here);
      RawFrame frame{kind, 1, body_of(out), {}};
      for (const Segment& s : out.body.segments())
        frame.segments.push_back(static_cast<uint32_t>(s.bytes.size()));
      frames.push_back(std::move(frame));
    }
  }
  OutFrame failure(FrameKind::kRawFailure, 1), introduction(FrameKind::kIntroduction);
  write_failure(failure, RawFailure::Kind::kFailed, "no apples");
  write_introduction(introduction, {2, "torch 2.13.0"});
  frames.push_back({FrameKind::kRawFailure, 1, body_of(failure), {}});
  frames.push_back({FrameKind::kIntroduction, 0, body_of(introduction), {}});
  frames.push_back({FrameKind::kCancel, 1, {}, {}});
  return frames;
}

class Mutations {
 public:
  uint32_t pick(size_t n) { return static_cast<uint32_t>(random_() % n); }
  RawFrame of(RawFrame frame) {
    for (uint32_t changes = pick(4); changes > 0; --changes) {
      const size_t at = frame.body.empty() ? 0 : pick(frame.body.size());
      switch (pick(8)) {
        case 0:
          if (!frame.body.empty()) frame.body[at] = static_cast<std::byte>(random_());
          break;
        case 1:
          if (!frame.body.empty()) frame.body[at] ^= static_cast<std::byte>(1U << pick(8));
          break;
        case 2: frame.body.resize(at); break;
        case 3:
          frame.body.insert(frame.body.begin() + static_cast<ptrdiff_t>(at),
                            static_cast<std::byte>(random_()));
          break;
        case 4: number_at(frame, 4 * pick(1 + frame.body.size() / 4)); break;
        case 5: frame.segments.push_back(pick(3) * 50); break;
        case 6:
          if (!frame.segments.empty()) frame.segments.pop_back();
          break;
        default: frame.kind = kKinds[pick(std::size(kKinds))];
      }
    }
    frame.id = pick(4);
    return frame;
  }

 private:
  // One of those that limits are made of.
  void number_at(RawFrame& frame, size_t at) {
    constexpr uint32_t kNumbers[] = {0, 1, 2, 65'535, 65'536, 65'537, 0x7fffffff, 0x80000000, 0xffffffff};
    if (at + 4 <= frame.body.size())
      put_le<uint32_t>(frame.body.data() + at, kNumbers[pick(std::size(kNumbers))]);
  }
  std::mt19937 random_{20261128};
};

TEST(RawFramesTest, OfAnyBytesAreHandledOrEndTheConnectionWithWords) {
  const std::vector<RawFrame> good = good_frames();
  Mutations mutations;
  FedNode node;
  size_t kept = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (node.workers() == 1 && mutations.pick(8) != 0) {
      ASSERT_TRUE(node.introduce());
      ASSERT_EQ(node.workers(), 2u);
    }
    if (mutations.pick(4) == 0) node.call();
    std::string error;
    if (node.give(mutations.of(good[mutations.pick(good.size())]), &error)) {
      ++kept;
    } else {
      ++refused;
      ASSERT_FALSE(error.empty());
    }
  }
  EXPECT_GT(kept, 2000u);
  EXPECT_GT(refused, 2000u);
  EXPECT_GT(node.handled(), 500u);
}

TEST(RawFramesTest, EachGoodFrameIsHandled) {
  for (const RawFrame& frame : good_frames()) {
    FedNode node;
    if (frame.kind == FrameKind::kIntroduction) continue;  // of another protocol
    ASSERT_TRUE(node.introduce());
    std::string error;
    EXPECT_TRUE(node.give(frame, &error)) << name_of(frame.kind) << ": " << error;
    EXPECT_EQ(node.handled(), frame.kind == FrameKind::kRawRequest ? 1u : 0u);
  }
}

TEST(RawFramesTest, ManyCallsThatAreKeptOrDroppedLeaveNothingBehind) {
  FedNode node;
  ASSERT_TRUE(node.introduce());
  const RawFrame drop{FrameKind::kRawRequest, 1, std::vector<std::byte>(12), {}};
  for (int i = 0; i < 1000; ++i) {
    RawFrame frame = drop;
    frame.body[0] = std::byte{2};
    ASSERT_TRUE(node.give(frame));
  }
  EXPECT_EQ(node.counts().calls_running, 0u);
  EXPECT_EQ(node.counts().calls_begun, 1000u);
}

TEST(RawFramesTest, ASegmentTravelsUnlessItIsEmptyAndTheEmptyOnesAreNamed) {
  InlineExecutor here;
  static const std::vector<std::byte> bytes(8, std::byte{7});
  const auto of = [](size_t n) { return RawBytes({bytes.data(), n}, nullptr); };
  OutFrame out(FrameKind::kRawRequest, 1);
  write_message(out, RawMessage{3, {}, {of(1), of(0), of(2), of(0)}}, here);
  std::vector<size_t> sizes;
  for (const Segment& s : out.body.segments()) sizes.push_back(s.bytes.size());
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 2}));
  const auto body = body_of(out);
  ASSERT_EQ(body.size(), 12U + 2 * 4);
  EXPECT_EQ(get_le<uint32_t>(body.data() + 8), 2U);
  EXPECT_EQ(get_le<uint32_t>(body.data() + 12), 1U);
  EXPECT_EQ(get_le<uint32_t>(body.data() + 16), 3U);
}

TEST(RawFramesTest, ABodyOfTheLimitIsCopiedIntoTheFrameAndALargerOneIsItsFirstSegment) {
  InlineExecutor here;
  static const std::vector<std::byte> bytes(kLargeRawBody + 1);
  for (const size_t size : {kLargeRawBody, kLargeRawBody + 1}) {
    OutFrame out(FrameKind::kRawRequest, 1);
    write_message(out, RawMessage{3, RawBytes({bytes.data(), size}, nullptr), {}}, here);
    const bool copied = size == kLargeRawBody;
    EXPECT_EQ(out.body.segments().size(), copied ? 0U : 1U) << size;
    EXPECT_EQ(body_of(out).size(), 12U + (copied ? size : 0U));
  }
}

TEST(RawFramesTest, AClosedNodeTakesNoConnection) {
  FedNode node;
  EXPECT_TRUE(node.takes_a_stranger());
  node.close();
  EXPECT_FALSE(node.takes_a_stranger());
}

}  // namespace
}  // namespace tine::rpc::testing
