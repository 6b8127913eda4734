// Limits of the wire at their edge, and what each kind of frame and record needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/rpc/wire/body.h"
#include "src/rpc/wire/frame.h"
#include "src/rpc/wire/handshake.h"
#include "src/rpc/wire/value_codec.h"
#include "src/value/compare.h"
#include "tine/error.h"
#include "tine/value.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

std::string decode(const FrameHeader& h) {
  std::array<std::byte, kHeaderBytes> bytes;
  encode_header(h, bytes);
  FrameHeader out;
  return decode_header(bytes, kDefaultMaxPayload, &out);
}

TEST(Body, AWriterThatHasGrownAndIsClearedGrowsAgainWithinItsBounds) {
  BodyWriter w;
  for (int turn = 0; turn < 3; ++turn) {
    w.clear();
    for (int i = 0; i < 10'000; ++i) w.integer(i + 1'000'000);
    BodyReader r(w.body());
    for (int i = 0; i < 10'000; ++i) ASSERT_EQ(r.integer(), i + 1'000'000) << "turn " << turn;
  }
}

TEST(FrameHeader, WhatIsAboutACallHasACallIdAndNothingElseNeedsOne) {
  for (const FrameKind kind : {FrameKind::kRequest, FrameKind::kReply, FrameKind::kError, FrameKind::kCancel,
                               FrameKind::kRawRequest, FrameKind::kRawReply, FrameKind::kRawFailure}) {
    FrameHeader h;
    h.kind = kind;
    EXPECT_THAT(decode(h), HasSubstr("call id 0, which no call has")) << name_of(kind);
    h.call_id = 1;
    EXPECT_EQ(decode(h), "") << name_of(kind);
  }
  for (const FrameKind kind : {FrameKind::kPing, FrameKind::kPong, FrameKind::kGoodbye, FrameKind::kLease,
                               FrameKind::kForkDone, FrameKind::kRelease, FrameKind::kOwnerLost,
                               FrameKind::kCodeKnown, FrameKind::kTaken, FrameKind::kIntroduction}) {
    FrameHeader h;
    h.kind = kind;
    EXPECT_EQ(decode(h), "") << name_of(kind);
  }
}

// docs/spec/wire.md: header, body, 8 bytes for each segment's length, then each segment at a multiple of 64 bytes.
TEST(FrameHeader, APayloadHasTheBytesOfItsBodyItsLengthsAndItsAlignedSegments) {
  for (uint64_t body = 0; body <= 130; ++body) {
    for (size_t segments = 0; segments <= 9; ++segments) {
      const std::vector<uint64_t> sizes(segments, 5);
      uint64_t end = kHeaderBytes + body + 8 * segments;
      for (const uint64_t size : sizes) end = (end + 63) / 64 * 64 + size;
      EXPECT_EQ(payload_bytes_for(body, sizes), end - kHeaderBytes) << body << ", " << segments;
    }
  }
}

std::string error_of_round_trip(const Value& value) {
  PlainHooks hooks;
  try {
    BodyWriter out;
    write_value(out, value, hooks);
    BodyReader in(out.body());
    ReceivedSegments none;
    EXPECT_TRUE(equals(read_value(in, none, hooks), value));
    in.expect_end();
  } catch (const Error& e) {
    return e.message();
  }
  return "";
}

// A number in so many containers, made by `wrap`.
template <class Wrap>
Value nested(int depth, Wrap wrap) {
  Value value(int64_t{7});
  for (int i = 0; i < depth; ++i) value = wrap(std::move(value));
  return value;
}

TEST(ValueCodec, ContainersOfEachKindGoRoundToTheStatedDepthAndNoFurther) {
  const auto list = [](Value v) { return Value(detail::make_ref<List>(std::vector<Value>{std::move(v)})); };
  const auto tuple = [](Value v) { return Value(detail::make_ref<Tuple>(std::vector<Value>{std::move(v)})); };
  const auto dict = [](Value v) {
    auto made = detail::make_ref<Dict>();
    made->set(Value("key"), std::move(v));
    return Value(std::move(made));
  };
  EXPECT_EQ(kMaxNesting, 64) << "docs/spec/wire.md says so";
  EXPECT_EQ(error_of_round_trip(nested(64, list)), "");
  EXPECT_EQ(error_of_round_trip(nested(64, tuple)), "");
  EXPECT_EQ(error_of_round_trip(nested(64, dict)), "");
  EXPECT_THAT(error_of_round_trip(nested(65, list)), HasSubstr("64"));
  EXPECT_THAT(error_of_round_trip(nested(65, tuple)), HasSubstr("64"));
  EXPECT_THAT(error_of_round_trip(nested(65, dict)), HasSubstr("64"));
}

// Written by hand: the reader has a bound of its own.
TEST(ValueCodec, TheReaderRefusesWhatIsNestedOneDeeperThanTheStatedDepth) {
  PlainHooks hooks;
  for (const int depth : {64, 65}) {
    std::vector<std::byte> bytes(static_cast<size_t>(depth), std::byte{0x91});
    bytes.push_back(std::byte{7});
    BodyReader in(bytes);
    ReceivedSegments none;
    if (depth == 64) {
      EXPECT_NO_THROW(static_cast<void>(read_value(in, none, hooks)));
    } else {
      EXPECT_THROW(static_cast<void>(read_value(in, none, hooks)), ValueError);
    }
  }
}

HelloRecord hello(const std::string& name) {
  return make_hello({RecordType::kHello, RefusalCode::kNone, 1, 1, 0}, 1, {}, name);
}
std::string check(const std::string& name) {
  const HelloRecord record = hello(name);
  RecordHead head;
  std::string wrong =
      decode_head(std::span<const std::byte, kRecordHeadBytes>(record.data(), kRecordHeadBytes), &head);
  return wrong.empty() ? check_hello(record, head) : wrong;
}

TEST(Handshake, ANameIsWholeUtf8WithoutControlCharacters) {
  for (const char* good : {"w", "~ !", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xef\xbf\xbd",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "gr\xc3\xbc\xc3\x9f e"}) {
    EXPECT_EQ(check(good), "") << good;
  }
  for (const char* bad : {"\x1f", "a\x7f", "\x80", "\xbf", "\xc1\xbf", "\xc3", "\xc3(", "a\xc3 b", "\xe2\x82",
                          "\xe2(\xac", "\xe2\x82(", "\xf0\x90\x80", "\xf0(\x80\x80", "\xf0\x90(\x80",
                          "\xf0\x90\x80(", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(check(bad), "its name is not printable UTF-8") << bad;
  }
}

TEST(Handshake, ANameHasOneTo128Bytes) {
  EXPECT_EQ(check(std::string(kMaxNameBytes, 'n')), "");
  HelloRecord record = hello("n");
  for (const unsigned length : {0U, 129U}) {
    record[14] = static_cast<std::byte>(length);
    RecordHead head;
    EXPECT_THAT(
        decode_head(std::span<const std::byte, kRecordHeadBytes>(record.data(), kRecordHeadBytes), &head),
        HasSubstr("has a name of " + std::to_string(length) + " bytes"));
  }
}

TEST(Handshake, ARecordWithoutANameMustNotSayThatItHasOne) {
  ProofRecord record = make_proof(RecordType::kProof, 1, {});
  RecordHead head;
  const std::span<const std::byte, kRecordHeadBytes> start(record.data(), kRecordHeadBytes);
  EXPECT_EQ(decode_head(start, &head), "");
  record[14] = std::byte{1};
  EXPECT_THAT(decode_head(start, &head), HasSubstr("has a name of 1 bytes"));
}

}  // namespace
}  // namespace tine::rpc
