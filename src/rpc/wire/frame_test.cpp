#include "src/rpc/wire/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tine::rpc {
namespace {

using testing::HasSubstr;
using Bytes = std::array<std::byte, kHeaderBytes>;

FrameHeader request(uint32_t body, std::vector<uint64_t> segments) {
  FrameHeader h;
  h.call_id = 7;
  h.remaining_us = 1'000'000;
  h.body_bytes = body;
  h.segments = static_cast<uint32_t>(segments.size());
  h.payload_bytes = payload_bytes_for(body, segments);
  return h;
}

std::string decode(const FrameHeader& h) {
  Bytes bytes;
  encode_header(h, bytes);
  FrameHeader out;
  return decode_header(bytes, kDefaultMaxPayload, &out);
}

TEST(FrameHeader, ReadsBackWhatWasWritten) {
  Bytes bytes;
  const FrameHeader h = request(100, {64, 1});
  encode_header(h, bytes);
  FrameHeader out;
  ASSERT_EQ(decode_header(bytes, kDefaultMaxPayload, &out), "");
  EXPECT_EQ(out.kind, FrameKind::kRequest);
  EXPECT_EQ(out.call_id, 7u);
  EXPECT_EQ(out.remaining_us, 1'000'000u);
  EXPECT_EQ(out.body_bytes, 100u);
  EXPECT_EQ(out.segments, 2u);
  EXPECT_EQ(out.payload_bytes, h.payload_bytes);
  EXPECT_EQ(check_segments(out, std::array<uint64_t, 2>{64, 1}, kDefaultMaxPayload), "");
}

TEST(FrameHeader, IsLittleEndianWhateverTheMachine) {
  Bytes bytes;
  encode_header(request(0x01020304, {}), bytes);
  EXPECT_EQ(std::to_integer<int>(bytes[24]), 4);
  EXPECT_EQ(std::to_integer<int>(bytes[27]), 1);
}

TEST(FrameHeader, SegmentsStartAtMultiplesOf64) {
  // 40 + 10 + 2 * 8 = 66 -> 128, 128 + 5 -> 192, 192 + 3 = 195.
  EXPECT_EQ(payload_bytes_for(10, std::array<uint64_t, 2>{5, 3}), 195 - kHeaderBytes);
}

TEST(FrameHeader, EachFieldThatIsWrongIsNamed) {
  FrameHeader h = request(10, {});
  h.kind = static_cast<FrameKind>(11);
  EXPECT_THAT(decode(h), HasSubstr("kind is 11"));
  h = request(10, {});
  h.flags = 4;
  EXPECT_THAT(decode(h), HasSubstr("flags are 0x0004"));
  h = request(kMaxBodyBytes + 1, {});
  EXPECT_THAT(decode(h), HasSubstr("body has 67108865 bytes"));
  h = request(10, {});
  h.segments = kMaxSegments + 1;
  EXPECT_THAT(decode(h), HasSubstr("65537 segments"));
  h = request(10, {});
  h.payload_bytes = kDefaultMaxPayload + 1;
  EXPECT_THAT(decode(h), HasSubstr("payload has"));
  h = request(10, {});
  h.payload_bytes = 11;
  EXPECT_THAT(decode(h), HasSubstr("does not fit"));
  h = request(10, {});
  h.call_id = 0;
  EXPECT_THAT(decode(h), HasSubstr("call id 0"));
  h = request(1, {});
  h.kind = FrameKind::kPing;
  EXPECT_THAT(decode(h), HasSubstr("ping frame has a payload"));
  h = request(1, {5});
  h.kind = FrameKind::kGoodbye;
  EXPECT_THAT(decode(h), HasSubstr("goodbye frame has 1 segments"));
  Bytes bytes;
  encode_header(request(10, {}), bytes);
  bytes[4] = std::byte{1};
  FrameHeader out;
  EXPECT_THAT(decode_header(bytes, kDefaultMaxPayload, &out), HasSubstr("version is 1, expected 2"));
  bytes[0] = std::byte{'X'};
  EXPECT_THAT(decode_header(bytes, kDefaultMaxPayload, &out), HasSubstr("magic"));
}

TEST(FrameHeader, ASegmentTableThatDoesNotAddUpIsRefused) {
  const FrameHeader h = request(10, {100, 200});
  EXPECT_EQ(check_segments(h, std::array<uint64_t, 2>{100, 200}, kDefaultMaxPayload), "");
  EXPECT_THAT(check_segments(h, std::array<uint64_t, 2>{100, 201}, kDefaultMaxPayload),
              HasSubstr("payload length"));
  EXPECT_THAT(check_segments(h, std::array<uint64_t, 2>{0, 300}, kDefaultMaxPayload), HasSubstr("segment 0"));
  EXPECT_THAT(check_segments(h, std::array<uint64_t, 2>{100, ~uint64_t{0}}, kDefaultMaxPayload),
              HasSubstr("segment 1"));
}

TEST(FrameHeader, ALentSegmentTakesSixteenBytesAndCountsInFullAgainstTheLimitOfThePayload) {
  const FrameHeader h = request(10, {100, kLentBytes});
  EXPECT_EQ(check_segments(h, std::array<uint64_t, 2>{100, kLent | 5000}, 10000), "");
  EXPECT_EQ(check_segments(h, std::array<uint64_t, 2>{100, kLent | (10000 - h.payload_bytes)}, 10000), "");
  EXPECT_THAT(check_segments(h, std::array<uint64_t, 2>{100, kLent | (10001 - h.payload_bytes)}, 10000),
              HasSubstr("bytes in shared memory, at most 10000"));
  for (const uint64_t bytes : {uint64_t{0}, kMaxSegmentBytes + 1, ~kLent})
    EXPECT_THAT(check_segments(h, std::array<uint64_t, 2>{100, kLent | bytes}, kDefaultMaxPayload),
                HasSubstr("segment 1"));
  EXPECT_THAT(check_segments(h, std::array<uint64_t, 2>{kLent | 100, kLentBytes}, kDefaultMaxPayload),
              HasSubstr("payload length"));
}

TEST(FrameHeader, APlaceIsReadAsItWasWrittenAndHasZeroWhereItSays) {
  std::array<std::byte, kLentBytes> bytes;
  encode_place({.memory = 7, .offset = uint64_t{1} << 40}, bytes);
  LentPlace place;
  EXPECT_EQ(decode_place(bytes, &place), "");
  EXPECT_EQ(place.memory, 7U);
  EXPECT_EQ(place.offset, uint64_t{1} << 40);
  bytes[5] = std::byte{1};
  EXPECT_THAT(decode_place(bytes, &place), HasSubstr("0x100"));
}

TEST(FrameHeader, AnyBytesAreReadOrRefusedButNeverBelievedBeyondTheLimits) {
  std::mt19937_64 random(1);
  Bytes good;
  encode_header(request(64, {8, 9}), good);
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes = good;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int c = 0; c < changes; ++c) bytes[random() % kHeaderBytes] = static_cast<std::byte>(random());
    FrameHeader h;
    if (!decode_header(bytes, kDefaultMaxPayload, &h).empty()) continue;
    EXPECT_TRUE(is_known(h.kind));
    EXPECT_LE(h.body_bytes, kMaxBodyBytes);
    EXPECT_LE(h.segments, kMaxSegments);
    EXPECT_LE(h.payload_bytes, kDefaultMaxPayload);
  }
}

}  // namespace
}  // namespace tine::rpc
