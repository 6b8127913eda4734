#include "src/rpc/wire/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <msgpack.hpp>
#include <random>

#include "tine/error.h"

namespace tine::rpc {
namespace {

using Type = BodyReader::Type;
using testing::HasSubstr;

std::vector<std::byte> copy(std::span<const std::byte> in) { return {in.begin(), in.end()}; }

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const ValueError& e) {
    return e.message();
  }
  return "no error";
}

const std::vector<int64_t> kInts = {0,
                                    1,
                                    127,
                                    128,
                                    255,
                                    256,
                                    65535,
                                    65536,
                                    -1,
                                    -32,
                                    -33,
                                    -128,
                                    -129,
                                    -32768,
                                    -32769,
                                    INT32_MAX,
                                    INT32_MIN,
                                    int64_t{UINT32_MAX},
                                    int64_t{UINT32_MAX} + 1,
                                    int64_t{INT32_MIN} - 1,
                                    INT64_MAX,
                                    INT64_MIN};

TEST(Body, ReadsBackWhatWasWritten) {
  BodyWriter w;
  w.nil();
  w.boolean(true);
  w.boolean(false);
  for (int64_t i : kInts) w.integer(i);
  w.real(-0.0);
  w.real(std::numeric_limits<double>::infinity());
  for (size_t n : {0, 31, 32, 255, 256, 65535, 65536}) w.str(std::string(n, 'x'));
  w.array(3);
  w.map(1);
  const std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  w.bin(bytes);
  for (size_t n : {0, 1, 2, 3, 4, 8, 16, 17, 300, 70000}) w.ext(5, std::vector<std::byte>(n, std::byte{9}));

  BodyReader r(w.body());
  r.nil();
  EXPECT_TRUE(r.boolean());
  EXPECT_FALSE(r.boolean());
  for (int64_t i : kInts) EXPECT_EQ(r.integer(), i);
  EXPECT_TRUE(std::signbit(r.real()));
  EXPECT_TRUE(std::isinf(r.real()));
  for (size_t n : {0, 31, 32, 255, 256, 65535, 65536}) EXPECT_EQ(r.str().size(), n);
  EXPECT_EQ(r.array(), 3u);
  EXPECT_EQ(r.map(), 1u);
  EXPECT_EQ(copy(r.bin()), copy(bytes));
  for (size_t n : {0, 1, 2, 3, 4, 8, 16, 17, 300, 70000}) {
    const auto ext = r.ext();
    EXPECT_EQ(ext.type, 5);
    EXPECT_EQ(ext.bytes.size(), n);
  }
  EXPECT_EQ(r.peek(), Type::kEnd);
  r.expect_end();
}

// Random objects, written by us and read by msgpack-cxx, and the other way round.
void random_object(std::mt19937_64& random, BodyWriter& w, msgpack::packer<msgpack::sbuffer>& p, int depth) {
  switch (random() % (depth > 4 ? 6 : 8)) {
    case 0:
      w.nil();
      p.pack_nil();
      break;
    case 1:
      w.boolean(true);
      p.pack_true();
      break;
    case 2: {
      const auto v = static_cast<int64_t>(random()) >> (random() % 64);
      w.integer(v);
      p.pack_int64(v);
      break;
    }
    case 3: {
      const double v = std::ldexp(static_cast<double>(random()), -30) + 0.1;
      w.real(v);
      p.pack_double(v);
      break;
    }
    case 4: {
      const std::string v(random() % 300, 'a');
      w.str(v);
      p.pack_str(static_cast<uint32_t>(v.size()));
      p.pack_str_body(v.data(), static_cast<uint32_t>(v.size()));
      break;
    }
    case 5: {
      const std::vector<std::byte> v(random() % 40, std::byte{7});
      w.ext(3, v);
      p.pack_ext(v.size(), 3);
      p.pack_ext_body(reinterpret_cast<const char*>(v.data()), static_cast<uint32_t>(v.size()));
      break;
    }
    case 6: {
      const uint32_t n = static_cast<uint32_t>(random() % 20);
      w.array(n);
      p.pack_array(n);
      for (uint32_t i = 0; i < n; ++i) random_object(random, w, p, depth + 1);
      break;
    }
    case 7: {
      const uint32_t n = static_cast<uint32_t>(random() % 5);
      w.map(n);
      p.pack_map(n);
      for (uint32_t i = 0; i < 2 * n; ++i) random_object(random, w, p, depth + 1);
      break;
    }
  }
}

TEST(Body, IsTheMessagePackThatOtherImplementationsWrite) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    BodyWriter w;
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer(buffer);
    random_object(random, w, packer, 0);
    ASSERT_EQ(w.body().size(), buffer.size());
    ASSERT_EQ(std::memcmp(w.body().data(), buffer.data(), buffer.size()), 0);
    BodyReader r(w.body());
    r.skip();
    EXPECT_TRUE(r.at_end());
  }
}

TEST(Body, AnErrorNamesTheByteWhatIsThereAndWhatWasExpected) {
  BodyWriter w;
  w.integer(1);
  w.str("x");
  BodyReader r(w.body());
  r.integer();
  EXPECT_EQ(error_of([&] { r.integer(); }), "the message's body has a str at byte 1, expected an int");
  r.skip();
  EXPECT_EQ(error_of([&] { r.nil(); }), "the message's body ends at byte 3, expected nil");
}

TEST(Body, ACountThatCannotBeIsNotBelieved) {
  const std::array<std::byte, 5> huge{std::byte{0xdd}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                      std::byte{0xff}};
  EXPECT_THAT(error_of([&] { BodyReader(huge).array(); }), HasSubstr("claims 4294967295 elements"));
  const std::array<std::byte, 5> map{std::byte{0xdf}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                     std::byte{0xff}};
  EXPECT_THAT(error_of([&] { BodyReader(map).map(); }), HasSubstr("claims 4294967295 pairs"));
  const std::array<std::byte, 5> str{std::byte{0xdb}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                     std::byte{0xff}};
  EXPECT_THAT(error_of([&] { BodyReader(str).str(); }), HasSubstr("0 bytes left"));
}

TEST(Body, RoomIsChargedForBeforeItIsMade) {
  // Nested arrays that each claim all that is left: together far more than there are bytes.
  BodyWriter out;
  for (int i = 0; i < 200; ++i) out.array(1'000'000);
  for (int i = 0; i < 1'000'100; ++i) out.nil();
  BodyReader in(out.body());
  size_t claimed = 0;
  try {
    for (int i = 0; i < 200; ++i) claimed += in.array();
    FAIL() << "200 million elements were believed";
  } catch (const ValueError& e) {
    EXPECT_THAT(e.message(), testing::HasSubstr("makes values of more than"));
  }
  EXPECT_LE(claimed * BodyReader::kElementBytes,
            BodyReader::kFreeBytes + BodyReader::kBytesForByte * out.body().size());
  BodyWriter many;
  many.array(16 << 20);
  for (int i = 0; i < 16 << 20; ++i) many.array(0);
  BodyReader skipped(many.body());
  skipped.skip();  // makes nothing
  skipped.expect_end();
}

TEST(Body, GarbageIsSkippedOrRefusedButNeverReadBeyondItsEnd) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    // Exactly as long as it is, on the heap: a sanitizer sees each byte too many.
    std::vector<std::byte> bytes(random() % 64);
    for (auto& b : bytes) b = static_cast<std::byte>(random());
    try {
      BodyReader r(bytes);
      while (!r.at_end()) r.skip();
    } catch (const ValueError&) {
    }
  }
}

TEST(Body, AMillionNestedArraysAreSkippedWithoutAStack) {
  std::vector<std::byte> bytes(1'000'000, std::byte{0x91});
  bytes.push_back(std::byte{0xc0});
  BodyReader r(bytes);
  r.skip();
  EXPECT_TRUE(r.at_end());
}

TEST(Body, AMovedWriterKeepsItsBytes) {
  for (size_t size : {10, 1000}) {
    BodyWriter a;
    a.str(std::string(size, 'q'));
    const auto before = copy(a.body());
    BodyWriter b(std::move(a));
    EXPECT_EQ(copy(b.body()), before);
    EXPECT_EQ(a.body().size(), 0u);  // NOLINT: moved from means empty here
    BodyWriter c;
    c.integer(5);
    c = std::move(b);
    EXPECT_EQ(copy(c.body()), before);
  }
}

TEST(Body, WhatIsOverTheLimitIsRefusedWhenWritten) {
  BodyWriter w;
  const std::string large(kMaxBodyBytes / 2 + 1, 'x');
  w.str(large);
  EXPECT_THAT(error_of([&] {
                w.str(large);
                w.str(large);
              }),
              HasSubstr("at most 67108864 fit"));
  EXPECT_THAT(error_of([&] { w.segment({}); }), HasSubstr("no bytes"));
}

}  // namespace
}  // namespace tine::rpc
