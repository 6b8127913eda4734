// Bodies written by hand: what is one short or one over is refused and named, what is exactly right is read, and what a
// later version adds behind is skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "src/rpc/wire/body.h"
#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/value_codec.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

// How an error body differs from a right one.
struct Written {
  size_t fields = 8;
  size_t hops = 1;
  size_t hop_fields = 4;
  uint64_t hop_kind = 0;
  int64_t line = 7;
  int64_t began = 8;
  std::function<void(BodyWriter&)> pickled = [](BodyWriter& out) { out.nil(); };
  int causes = 0;
};

void write(BodyWriter& out, const Written& w, int depth = 0) {
  out.array(w.fields);
  auto field = [&, at = size_t{0}](const std::function<void()>& put) mutable {
    if (at++ < w.fields) put();
  };
  field([&] { out.str("ValueError"); });
  field([&] { out.str("wrong " + std::to_string(depth)); });
  field([&] {
    out.array(w.hops);
    for (size_t i = 0; i < w.hops; ++i) {
      out.array(w.hop_fields);
      if (w.hop_fields > 0) out.uinteger(w.hop_kind);
      if (w.hop_fields > 1) out.str("f");
      if (w.hop_fields > 2) out.str("f.py");
      if (w.hop_fields > 3) out.integer(w.line);
      if (w.hop_fields >= 7) {
        out.str("call");
        out.integer(w.began);
        out.integer(9);
      }
      for (size_t more = w.hop_fields >= 7 ? 7 : 4; more < w.hop_fields; ++more) out.str("later");
    }
  });
  field([&] { out.str("module"); });
  field([&] { out.str("Class"); });
  field([&] { out.str("traceback"); });
  field([&] { w.pickled(out); });
  field([&] {
    if (depth < w.causes) {
      write(out, w, depth + 1);
    } else {
      out.nil();
    }
  });
  for (size_t more = 8; more < w.fields; ++more) out.str("later");
}

ErrorBody read(const Written& w, std::vector<detail::Ref<Buffer>> segments = {}) {
  BodyWriter out;
  write(out, w);
  BodyReader in(out.body());
  ReceivedSegments received(std::move(segments));
  ErrorBody error = read_error(in, received);
  in.expect_end();
  return error;
}
std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const ValueError& error) {
    return error.message();
  }
  return "";
}
std::string refusal(const Written& w) {
  return refusal([&] { static_cast<void>(read(w)); });
}

TEST(ErrorBodyRefusals, AnErrorHasEightFieldsAndMayHaveMore) {
  for (size_t fields = 0; fields < 8; ++fields) {
    EXPECT_THAT(refusal(Written{.fields = fields}),
                HasSubstr(std::to_string(fields) + " fields, expected 8"));
  }
  for (const size_t fields : {8, 9, 12}) {
    const ErrorBody error = read({.fields = fields, .causes = 1});
    EXPECT_EQ(error.message, "wrong 0");
    EXPECT_EQ(error.traceback, "traceback");
    ASSERT_TRUE(error.cause);
    EXPECT_EQ(error.cause->message, "wrong 1");
    EXPECT_FALSE(error.cause->cause);
  }
}

TEST(ErrorBodyRefusals, AHopHasFourFieldsAndMayHaveMore) {
  for (size_t fields = 0; fields < 4; ++fields) {
    EXPECT_THAT(refusal(Written{.hop_fields = fields}),
                HasSubstr(std::to_string(fields) + " fields, expected 4"));
  }
  for (const size_t fields : {4, 5, 6, 7, 9}) {
    const ErrorBody error = read({.hops = 2, .hop_fields = fields});
    ASSERT_EQ(error.trail.size(), 2U);
    for (const Hop& hop : error.trail) {
      EXPECT_EQ(hop.call, fields < 7 ? "" : "call");
      EXPECT_EQ(hop.began.count(), fields < 7 ? -1 : 8);
      EXPECT_EQ(hop.took.count(), fields < 7 ? -1 : 9);
      EXPECT_EQ(hop.what, "f");
      EXPECT_EQ(hop.file, "f.py");
      EXPECT_EQ(hop.line, 7);
    }
  }
}

TEST(ErrorBodyRefusals, TheTimesOfAHopStayWithinACentury) {
  for (const int64_t began : {INT64_MIN, int64_t{-2}}) {
    EXPECT_EQ(read({.hop_fields = 7, .began = began}).trail[0].began.count(), -1);
  }
  const auto most = read({.hop_fields = 7, .began = INT64_MAX}).trail[0].began;
  EXPECT_LE(most, std::chrono::years(100));
  EXPECT_GT(most + most, most);
}

TEST(ErrorBodyRefusals, ATrailHasAtMost256Hops) {
  EXPECT_EQ(read({.hops = 0}).trail.size(), 0U);
  EXPECT_EQ(read({.hops = 256}).trail.size(), 256U);
  EXPECT_THAT(refusal(Written{.hops = 257}), HasSubstr("257 hops, at most 256"));
}

TEST(ErrorBodyRefusals, AHopOfAKindThatIsNotKnownYetIsANoteAndLinesStayWithinTheirType) {
  const auto note = static_cast<uint64_t>(Hop::Kind::kNote);
  for (uint64_t kind = 0; kind <= note + 2; ++kind) {
    EXPECT_EQ(static_cast<uint64_t>(read({.hop_kind = kind}).trail[0].kind), std::min(kind, note)) << kind;
  }
  EXPECT_EQ(read({.line = 0}).trail[0].line, 0);
  EXPECT_EQ(read({.line = -1}).trail[0].line, 0);
  EXPECT_EQ(read({.line = INT32_MAX}).trail[0].line, INT32_MAX);
  EXPECT_EQ(read({.line = int64_t{INT32_MAX} + 1}).trail[0].line, INT32_MAX);
}

TEST(ErrorBodyRefusals, SixteenCausesAreReadAndTheRestSkipped) {
  for (const int causes : {0, 1, 16, 17, 20}) {
    const ErrorBody error = read({.causes = causes});
    int found = 0;
    for (const ErrorBody* e = &error; e->cause; e = e->cause.get()) ++found;
    EXPECT_EQ(found, std::min(causes, 16)) << causes;
  }
}

TEST(ErrorBodyRefusals, SixteenCausesAreWritten) {
  for (const int causes : {1, 16, 17, 20}) {
    ErrorBody top;
    ErrorBody* last = &top;
    for (int i = 0; i < causes; ++i) last = (last->cause = std::make_unique<ErrorBody>()).get();
    BodyWriter out;
    write_error(out, top);
    BodyReader in(out.body());
    ReceivedSegments none;
    const ErrorBody error = read_error(in, none);
    int found = 0;
    for (const ErrorBody* e = &error; e->cause; e = e->cause.get()) ++found;
    EXPECT_EQ(found, std::min(causes, 16)) << causes;
  }
}

TEST(ErrorBodyRefusals, SixteenCausesOfAnExceptionAreTaken) {
  for (const int causes : {0, 1, 15, 16, 17, 20}) {
    std::exception_ptr error = std::make_exception_ptr(std::runtime_error("first"));
    for (int i = 0; i < causes; ++i) {
      try {
        try {
          std::rethrow_exception(error);
        } catch (...) {
          std::throw_with_nested(std::runtime_error("next"));
        }
      } catch (...) {
        error = std::current_exception();
      }
    }
    int found = 0;
    const ErrorBody body = ErrorBody::of(error);
    for (const ErrorBody* e = &body; e->cause; e = e->cause.get()) ++found;
    EXPECT_EQ(found, std::min(causes, 16)) << causes;
  }
}

TEST(ErrorBodyRefusals, ThePickledObjectIsAnExtOfItsKinds) {
  const Bytes object{std::byte{1}, std::byte{'o'}, std::byte{'b'}};
  EXPECT_EQ(read({.pickled = [&](BodyWriter& out) { out.ext(4, object); }}).pickled,
            (Bytes{std::byte{'o'}, std::byte{'b'}}));
  for (const int8_t type : {0, 1, 2, 3, 6, 7, 8}) {
    EXPECT_THAT(refusal(Written{.pickled = [&](BodyWriter& out) { out.ext(type, object); }}),
                HasSubstr("ext type " + std::to_string(type) + " where its pickled object should be"));
  }
  EXPECT_THAT(refusal(Written{.pickled = [](BodyWriter& out) { out.ext(4, Bytes{}); }}),
              HasSubstr("ext type 4"));
  for (const size_t size : {0, 4, 6}) {
    EXPECT_THAT(refusal(Written{.pickled = [&](BodyWriter& out) { out.ext(5, Bytes(size)); }}),
                HasSubstr("ext type 5"))
        << size;
  }
  // Beside the body: language, then the segment's number.
  Recycler recycler;
  const auto segment = Buffer::make(recycler, 3);
  std::fill(segment->data(), segment->data() + 3, std::byte{'x'});
  const auto beside = [](BodyWriter& out) { out.ext(5, Bytes{std::byte{1}, {}, {}, {}, {}}); };
  EXPECT_EQ(read({.pickled = beside}, {segment}).pickled, Bytes(3, std::byte{'x'}));
  EXPECT_NE(refusal(Written{.pickled = beside}), "") << "there is no such segment";
}

// ---- what becomes of an exception that is none of tine's

TEST(ErrorBodyOf, AnyExceptionKeepsItsTextAndItsCause) {
  EXPECT_EQ(ErrorBody::of(nullptr).kind, "");
  const auto of = [](auto thrown) { return ErrorBody::of(std::make_exception_ptr(thrown)); };
  EXPECT_EQ(of(std::logic_error("as it says")).kind, "RuntimeError");
  EXPECT_EQ(of(std::logic_error("as it says")).message, "as it says");
  EXPECT_FALSE(of(std::logic_error("as it says")).cause);
  EXPECT_EQ(of(std::bad_alloc()).kind, "MemoryError");
  EXPECT_EQ(of(std::bad_alloc()).message, "out of memory");
  EXPECT_EQ(of(42).kind, "RuntimeError");
  EXPECT_THAT(of(42).message, HasSubstr("unknown"));
  try {
    try {
      throw ValueError("inner");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (...) {
    const ErrorBody body = ErrorBody::of(std::current_exception());
    EXPECT_EQ(body.message, "outer");
    ASSERT_TRUE(body.cause);
    EXPECT_EQ(body.cause->kind, "ValueError");
    EXPECT_EQ(body.cause->message, "inner");
  }
}

// ---- values

std::string refusal_of(const std::function<void(BodyWriter&)>& put,
                       std::vector<detail::Ref<Buffer>> segments = {}) {
  return refusal([&] {
    BodyWriter out;
    put(out);
    BodyReader in(out.body());
    ReceivedSegments received(std::move(segments));
    PlainHooks hooks;
    static_cast<void>(read_value(in, received, hooks));
    in.expect_end();
  });
}
std::string refusal_of(int8_t type, const Bytes& bytes) {
  return refusal_of([&](BodyWriter& out) { out.ext(type, bytes); });
}
// A tensor of float32: dtype, rank, sizes, elements.
Bytes tensor(int dtype, std::vector<int64_t> sizes, size_t bytes) {
  Bytes all{static_cast<std::byte>(dtype), static_cast<std::byte>(sizes.size())};
  for (const int64_t size : sizes) {
    for (int i = 0; i < 8; ++i) all.push_back(static_cast<std::byte>(static_cast<uint64_t>(size) >> (8 * i)));
  }
  all.resize(all.size() + bytes);
  return all;
}

TEST(ValueRefusals, ATensorBringsItsHeadAndExactlyItsElements) {
  EXPECT_EQ(refusal_of(2, tensor(6, {2}, 8)), "");
  EXPECT_EQ(refusal_of(2, tensor(6, {}, 4)), "");
  EXPECT_EQ(refusal_of(2, tensor(6, {0}, 0)), "");
  EXPECT_THAT(refusal_of(2, tensor(6, {2}, 7)), HasSubstr("brings 7 bytes of elements, its sizes make 8"));
  EXPECT_THAT(refusal_of(2, tensor(6, {2}, 9)), HasSubstr("brings 9 bytes of elements, its sizes make 8"));
  EXPECT_THAT(refusal_of(2, {}), HasSubstr("0 bytes, too few"));
  EXPECT_THAT(refusal_of(2, {std::byte{6}}), HasSubstr("1 bytes, too few"));
  EXPECT_THAT(refusal_of(2, {std::byte{6}, std::byte{1}}), HasSubstr("rank 1 in 2 bytes"));
  EXPECT_THAT(refusal_of(2, tensor(6, {-1}, 0)), HasSubstr("size -1 in dimension 0"));
  for (int dtype = 0; dtype < 14; ++dtype) {
    const bool known = dtype == 0 || dtype == 4 || dtype == 6 || dtype == 7 || dtype == 11;
    const std::string wrong = refusal_of(2, tensor(dtype, {0}, 0));
    EXPECT_EQ(wrong.empty(), known) << dtype << wrong;
    if (!known) {
      EXPECT_THAT(wrong, HasSubstr("has dtype " + std::to_string(dtype)));
    }
  }
}

TEST(ValueRefusals, ATensorBesideTheBodyHasAHeadAndNoMore) {
  // dtype, rank, the segment's number, one size.
  Bytes head{std::byte{6}, std::byte{1}, {}, {}, {}, {}, std::byte{1}, {}, {}, {}, {}, {}, {}, {}};
  Recycler recycler;
  const auto with_segment = [&](const Bytes& bytes, size_t segment) {
    return refusal_of([&](BodyWriter& out) { out.ext(3, bytes); }, {Buffer::make(recycler, segment)});
  };
  EXPECT_EQ(with_segment(head, 4), "");
  EXPECT_THAT(with_segment(head, 5), HasSubstr("brings 5 bytes"));
  EXPECT_NE(refusal_of(3, head), "") << "there is no such segment";
  EXPECT_THAT(with_segment(Bytes(head.begin(), head.begin() + 5), 4), HasSubstr("5 bytes, too few"));
  EXPECT_THAT(with_segment(Bytes(head.begin(), head.end() - 1), 4), HasSubstr("does not fit"));
  head.push_back({});
  EXPECT_THAT(with_segment(head, 4), HasSubstr("1 bytes too many"));
}

// All its dimensions are as long as each other, so only their strides tell them apart.
TEST(ValueRefusals, ATransposedViewOfTwoByTwoKeepsItsOrder) {
  const Tensor base = Tensor::empty(std::array<int64_t, 1>{16}, DType::kFloat32);
  for (int i = 0; i < 16; ++i) base.data_as<float>()[i] = static_cast<float>(i);
  PlainHooks hooks;
  BodyWriter out;
  write_value(out, Value(base.as_strided(std::array<int64_t, 2>{2, 2}, std::array<int64_t, 2>{1, 4}, 0)),
              hooks);
  BodyReader in(out.body());
  ReceivedSegments none;
  const Tensor found = read_value(in, none, hooks).to_tensor();
  ASSERT_EQ(found.numel(), 4);
  const auto at = [&](int64_t i, int64_t j) {
    return found.data_as<float>()[i * found.strides()[0] + j * found.strides()[1]];
  };
  EXPECT_EQ(at(0, 0), 0);
  EXPECT_EQ(at(0, 1), 4);
  EXPECT_EQ(at(1, 0), 1);
  EXPECT_EQ(at(1, 1), 5);
}

TEST(ValueRefusals, WhatAnotherLanguageMadeSaysWhichOne) {
  class Owner final : public detail::RefCounted {};
  const Bytes little(10, std::byte{'x'}), large(kInlineForeignBytes + 1, std::byte{'x'});
  BodyWriter out;
  write_foreign(out, 7, little, nullptr);
  write_foreign(out, 7, large, detail::make_ref<Owner>());
  BodyReader in(out.body());
  const BodyReader::Ext inside = in.ext();
  EXPECT_EQ(inside.type, 4);
  EXPECT_EQ(inside.bytes.size(), 11U);
  EXPECT_EQ(inside.bytes[0], std::byte{7});
  const BodyReader::Ext beside = in.ext();
  EXPECT_EQ(beside.type, 5);
  EXPECT_EQ(Bytes(beside.bytes.begin(), beside.bytes.end()), (Bytes{std::byte{7}, {}, {}, {}, {}}));
  ASSERT_EQ(out.segments().size(), 1U);
  EXPECT_EQ(out.segments()[0].bytes.size(), large.size());
}

TEST(ValueRefusals, WhatNamesASegmentHasTheBytesOfItsNumber) {
  for (const size_t size : {0, 4, 6}) {
    EXPECT_THAT(refusal_of(5, Bytes(size)), HasSubstr(std::to_string(size) + " bytes, expected 5"));
  }
  for (const size_t size : {0, 3, 5}) {
    EXPECT_THAT(refusal_of(8, Bytes(size)), HasSubstr(std::to_string(size) + " bytes, expected 4"));
  }
}

// ---- numbers

TEST(BodyRefusals, EachIntegerIsWrittenAsShortAsItCanBeAndReadBack) {
  const auto length = [](int64_t v) {
    BodyWriter out;
    out.integer(v);
    BodyReader in(out.body());
    EXPECT_EQ(in.integer(), v);
    return out.body().size();
  };
  const std::vector<std::pair<int64_t, size_t>> edges{{0, 1},
                                                      {127, 1},
                                                      {128, 2},
                                                      {255, 2},
                                                      {256, 3},
                                                      {65'535, 3},
                                                      {65'536, 5},
                                                      {UINT32_MAX, 5},
                                                      {int64_t{UINT32_MAX} + 1, 9},
                                                      {INT64_MAX, 9},
                                                      {-1, 1},
                                                      {-32, 1},
                                                      {-33, 2},
                                                      {-128, 2},
                                                      {-129, 3},
                                                      {INT16_MIN, 3},
                                                      {INT16_MIN - 1, 5},
                                                      {INT32_MIN, 5},
                                                      {int64_t{INT32_MIN} - 1, 9},
                                                      {INT64_MIN, 9}};
  for (const auto& [value, bytes] : edges) EXPECT_EQ(length(value), bytes) << value;
}

// MessagePack's forms: how many bytes stand before the content.
TEST(BodyRefusals, EachLengthIsWrittenInTheShortestFormThatHoldsItAndReadBack) {
  const auto check = [](size_t length, size_t head, const auto& put, const auto& take) {
    BodyWriter out;
    put(out, length);
    BodyReader in(out.body());
    EXPECT_EQ(take(in), length);
    EXPECT_TRUE(in.at_end());
    EXPECT_EQ(in.offset() - length, head) << length;
  };
  const std::vector<std::pair<size_t, size_t>> texts{{0, 1},   {31, 1},     {32, 2},    {255, 2},
                                                     {256, 3}, {65'535, 3}, {65'536, 5}};
  for (const auto& [length, head] : texts) {
    check(
        length, head, [](BodyWriter& out, size_t n) { out.str(std::string(n, 's')); },
        [](BodyReader& in) { return in.str().size(); });
  }
  const std::vector<std::pair<size_t, size_t>> bytes{{0, 2}, {255, 2}, {256, 3}, {65'535, 3}, {65'536, 5}};
  for (const auto& [length, head] : bytes) {
    check(
        length, head, [](BodyWriter& out, size_t n) { out.bin(Bytes(n)); },
        [](BodyReader& in) { return in.bin().size(); });
  }
  const std::vector<std::pair<size_t, size_t>> exts{{0, 3},  {1, 2},   {2, 2},   {3, 3},      {4, 2},
                                                    {7, 3},  {8, 2},   {9, 3},   {15, 3},     {16, 2},
                                                    {17, 3}, {255, 3}, {256, 4}, {65'535, 4}, {65'536, 6}};
  for (const auto& [length, head] : exts) {
    check(
        length, head, [](BodyWriter& out, size_t n) { out.ext(9, Bytes(n)); },
        [](BodyReader& in) { return in.ext().bytes.size(); });
  }
}

TEST(BodyRefusals, EachCountIsWrittenInTheShortestFormThatHoldsItAndReadBack) {
  const std::vector<std::pair<size_t, size_t>> counts{{0, 1}, {15, 1}, {16, 3}, {65'535, 3}, {65'536, 5}};
  for (const auto& [count, head] : counts) {
    BodyWriter array, map;
    array.array(count);
    EXPECT_EQ(array.body().size(), head);
    map.map(count);
    EXPECT_EQ(map.body().size(), head);
    for (size_t i = 0; i < count; ++i) {
      array.nil();
      map.nil();
      map.nil();
    }
    BodyReader items(array.body()), pairs(map.body());
    EXPECT_EQ(items.array(), count);
    EXPECT_EQ(pairs.map(), count);
    // And as a whole.
    BodyReader all(map.body());
    all.skip();
    EXPECT_TRUE(all.at_end());
  }
}

TEST(BodyRefusals, ANumberThatMustNotBeNegativeIsNot) {
  for (const int64_t value : {int64_t{-1}, int64_t{INT64_MIN}, int64_t{0}, int64_t{1}}) {
    BodyWriter out;
    out.integer(value);
    BodyReader in(out.body());
    if (value < 0) {
      EXPECT_THAT(refusal([&] { static_cast<void>(in.uinteger()); }), HasSubstr("expected at least 0"));
    } else {
      EXPECT_EQ(in.uinteger(), static_cast<uint64_t>(value));
    }
  }
}

TEST(BodyRefusals, EachReaderNamesWhatItExpected) {
  BodyWriter text;
  text.str("t");
  BodyWriter number;
  number.integer(3);
  const auto refused = [](const BodyWriter& out, void (*read)(BodyReader&)) {
    BodyReader in(out.body());
    return refusal([&] { read(in); });
  };
  EXPECT_THAT(refused(text, [](BodyReader& in) { in.nil(); }), HasSubstr("nil"));
  EXPECT_THAT(refused(text, [](BodyReader& in) { (void)in.boolean(); }), HasSubstr("bool"));
  EXPECT_THAT(refused(text, [](BodyReader& in) { (void)in.integer(); }), HasSubstr("int"));
  EXPECT_THAT(refused(text, [](BodyReader& in) { (void)in.real(); }), HasSubstr("float"));
  EXPECT_THAT(refused(number, [](BodyReader& in) { (void)in.str(); }), HasSubstr("str"));
  EXPECT_THAT(refused(number, [](BodyReader& in) { (void)in.bin(); }), HasSubstr("bytes"));
  EXPECT_THAT(refused(number, [](BodyReader& in) { (void)in.array(); }), HasSubstr("array"));
  EXPECT_THAT(refused(number, [](BodyReader& in) { (void)in.map(); }), HasSubstr("map"));
  EXPECT_THAT(refused(number, [](BodyReader& in) { (void)in.ext(); }), HasSubstr("ext"));
  EXPECT_NE(refused(number, [](BodyReader& in) { in.expect_end(); }), "");
}

}  // namespace
}  // namespace tine::rpc
