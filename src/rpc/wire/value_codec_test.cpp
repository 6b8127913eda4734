#include "src/rpc/wire/value_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "src/rpc/wire/error_body.h"
#include "tine/error.h"
#include "tine/future.h"

namespace tine::rpc {
namespace {

using detail::make_ref;
using detail::Ref;
using testing::HasSubstr;

struct NoHooks final : ValueHooks {};

// As if it had been sent: segments copied into buffers of their own.
ReceivedSegments received(const BodyWriter& out) {
  auto pool = make_ref<BufferPool>();
  std::vector<Ref<Buffer>> buffers;
  for (const Segment& s : out.segments()) {
    buffers.push_back(pool->acquire(s.bytes.size()));
    std::memcpy(buffers.back()->data(), s.bytes.data(), s.bytes.size());
  }
  return ReceivedSegments(std::move(buffers));
}

Value round_trip(const Value& value) {
  NoHooks hooks;
  BodyWriter out;
  write_value(out, value, hooks);
  BodyReader in(out.body());
  ReceivedSegments segments = received(out);
  Value back = read_value(in, segments, hooks);
  in.expect_end();
  return back;
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return describe(e.to_exception_ptr());
  }
  return "no error";
}

Value list(std::vector<Value> v) { return make_ref<List>(std::move(v)); }
Value tuple(std::vector<Value> v) { return make_ref<Tuple>(std::move(v)); }

Tensor counting(Shape sizes, DType dtype) {
  Tensor t = Tensor::empty(sizes, dtype);
  auto* p = static_cast<std::byte*>(t.data());
  for (size_t i = 0; i < static_cast<size_t>(t.numel()) * size_of(dtype); ++i)
    p[i] = static_cast<std::byte>(dtype == DType::kBool ? i % 2 : i);
  return t;
}

TEST(ValueCodec, EachKindOfValueComesBackAsItWas) {
  auto dict = make_ref<Dict>();
  dict->set("a", 1);
  dict->set(2, "two");
  dict->set(0.5, Value());
  for (const Value& v :
       std::vector<Value>{Value(), true, false, 0, -1, int64_t{1} << 62, 1.5, -0.0, "", "text \xc3\xa9",
                          list({}), tuple({}), list({1, list({2, tuple({3})})}), tuple({1, "x", tuple({})}),
                          Value(dict), list({tuple({}), list({})})}) {
    const Value back = round_trip(v);
    EXPECT_EQ(back.tag(), v.tag());
    EXPECT_EQ(back.repr(), v.repr());
  }
}

TEST(ValueCodec, TensorsComeBackWithTheirShapeTypeAndElements) {
  for (DType dtype : {DType::kUInt8, DType::kInt64, DType::kFloat32, DType::kFloat64, DType::kBool}) {
    for (const Shape& sizes :
         std::vector<Shape>{{}, {0}, {3}, {2, 0, 5}, {4, 5}, {100, 30}, {2, 3, 4, 5, 6}}) {
      const Tensor t = counting(sizes, dtype);
      const Tensor back = round_trip(t).to_tensor();
      EXPECT_EQ(back.dtype(), dtype);
      EXPECT_TRUE(std::ranges::equal(back.sizes(), t.sizes()));
      EXPECT_TRUE(back.is_contiguous());
      EXPECT_EQ(std::memcmp(back.data(), t.data(), static_cast<size_t>(t.numel()) * size_of(dtype)), 0);
    }
  }
}

TEST(ValueCodec, AViewIsSentAsWhatItShows) {
  const Tensor t = counting({30, 40}, DType::kInt64);
  const std::vector<int64_t> sizes{40, 30}, strides{1, 40};
  const Tensor transposed = t.as_strided(sizes, strides, 0);
  const Tensor back = round_trip(transposed).to_tensor();
  EXPECT_EQ(back.data_as<int64_t>()[1], t.data_as<int64_t>()[40]);
}

TEST(ValueCodec, ALargeTensorIsNeitherCopiedWhenSentNorWhenReceived) {
  NoHooks hooks;
  const Tensor t = counting({1000, 100}, DType::kFloat32);
  BodyWriter out;
  write_value(out, t, hooks);
  ASSERT_EQ(out.segments().size(), 1u);
  EXPECT_EQ(static_cast<const void*>(out.segments()[0].bytes.data()), t.data());

  auto pool = make_ref<BufferPool>();
  auto buffer = pool->acquire(400'000);
  std::memset(buffer->data(), 0, 400'000);
  void* memory = buffer->data();
  std::vector<Ref<Buffer>> buffers;
  buffers.push_back(std::move(buffer));
  ReceivedSegments segments(std::move(buffers));
  BodyReader in(out.body());
  Value back = read_value(in, segments, hooks);
  EXPECT_EQ(back.to_tensor().data(), memory);
  EXPECT_EQ(pool->retained_bytes(), 0u);
  back = Value();
  EXPECT_GT(pool->retained_bytes(), 0u) << "the memory goes back to the pool with the last view";
}

TEST(ValueCodec, AFutureIsRefusedInPyTorchsWordsWhereverItHides) {
  NoHooks hooks;
  const Value future(make_ready(Value(1)));
  for (const Value& v : {future, list({1, future}), tuple({list({future})})}) {
    BodyWriter out;
    EXPECT_EQ(error_of([&] { write_value(out, v, hooks); }),
              "TypeError: Can not pickle torch.futures.Future");
  }
}

TEST(ValueCodec, AListThatContainsItselfIsAnErrorAndNoOverflow) {
  NoHooks hooks;
  auto l = make_ref<List>();
  l->items.emplace_back(l);
  BodyWriter out;
  EXPECT_THAT(error_of([&] { write_value(out, Value(l), hooks); }), HasSubstr("contains itself"));
  l->items.clear();
  const std::vector<std::byte> deep(100'000, std::byte{0x91});
  BodyReader in(deep);
  ReceivedSegments segments;
  EXPECT_THAT(error_of([&] { static_cast<void>(read_value(in, segments, hooks)); }),
              HasSubstr("more than 64 deep"));
}

TEST(ValueCodec, ASegmentIsGivenOutOnceAndMustFit) {
  NoHooks hooks;
  BodyWriter out;
  const Tensor t = counting({1000}, DType::kInt64);
  write_value(out, list({t}), hooks);
  ReceivedSegments none;
  BodyReader first(out.body());
  EXPECT_THAT(error_of([&] { static_cast<void>(read_value(first, none, hooks)); }),
              HasSubstr("names segment 0, but 0 came"));
  ReceivedSegments segments = received(out);
  BodyReader second(out.body());
  static_cast<void>(read_value(second, segments, hooks));
  BodyReader third(out.body());
  EXPECT_THAT(error_of([&] { static_cast<void>(read_value(third, segments, hooks)); }), HasSubstr("twice"));
  auto pool = make_ref<BufferPool>();
  std::vector<Ref<Buffer>> small;
  small.push_back(pool->acquire(7999));
  ReceivedSegments wrong(std::move(small));
  BodyReader fourth(out.body());
  EXPECT_THAT(error_of([&] { static_cast<void>(read_value(fourth, wrong, hooks)); }),
              HasSubstr("segment of 7999 bytes, its sizes make 8000"));
}

TEST(ValueCodec, ABoolThatIsNeitherTrueNorFalseIsRefused) {
  NoHooks hooks;
  BodyWriter out;
  std::byte* p = out.ext(static_cast<int8_t>(ExtType::kTensor), 2 + 8 + 1);
  std::memset(p, 0, 11);
  p[0] = std::byte{11};
  p[1] = std::byte{1};
  p[2] = std::byte{1};
  p[10] = std::byte{7};
  BodyReader in(out.body());
  ReceivedSegments segments;
  EXPECT_THAT(error_of([&] { static_cast<void>(read_value(in, segments, hooks)); }),
              HasSubstr("has an element 7"));
}

TEST(ValueCodec, ChangedBytesAreReadAsAValueOrRefusedButNothingElse) {
  NoHooks hooks;
  std::mt19937_64 random(6);
  auto dict = make_ref<Dict>();
  dict->set("key", counting({3, 4}, DType::kFloat32));
  BodyWriter out;
  write_value(out,
              tuple({1, 2.5, "text", list({true, Value()}), Value(dict), counting({1000}, DType::kUInt8)}),
              hooks);
  for (int i = 0; i < 50'000; ++i) {
    std::vector<std::byte> bytes(out.body().begin(), out.body().end());
    for (size_t k = 1 + random() % 4; k > 0; --k)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    bytes.resize(bytes.size() - random() % 3);
    bytes.shrink_to_fit();
    ReceivedSegments segments = received(out);
    BodyReader in(bytes);
    try {
      static_cast<void>(read_value(in, segments, hooks));
    } catch (const ValueError&) {
    }
  }
}

TEST(ErrorBody, AnErrorComesBackWithItsKindTrailAndCause) {
  ShapeError error("sizes [2, 3] and [4] do not broadcast");
  error.add_hop({Hop::Kind::kScript, "f", "a.py", 12});
  error.add_hop({Hop::Kind::kWorker, "worker1", "", 0});
  error.set_cause(make_error(ErrorKind::kKey, "inner"));
  BodyWriter out;
  ErrorBody sent = ErrorBody::of(error.to_exception_ptr());
  sent.module = "builtins";
  sent.qualname = "ValueError";
  sent.traceback = "Traceback ...";
  sent.pickled.assign(5000, std::byte{1});
  write_error(out, sent);
  ReceivedSegments segments = received(out);
  BodyReader in(out.body());
  const ErrorBody body = read_error(in, segments);
  EXPECT_EQ(body.traceback, "Traceback ...");
  EXPECT_EQ(body.pickled.size(), 5000u);
  try {
    std::rethrow_exception(body.to_exception());
  } catch (const ShapeError& e) {
    EXPECT_EQ(e.message(), error.message());
    ASSERT_EQ(e.trail().size(), 2u);
    EXPECT_EQ(e.trail()[0].file, "a.py");
    EXPECT_EQ(e.trail()[0].line, 12);
    EXPECT_EQ(e.trail()[1].what, "worker1");
    EXPECT_EQ(describe(e.cause()), "KeyError: inner");
  }
}

TEST(ErrorBody, EveryKindComesBackAsItsOwnClass) {
  for (int k = 0; k < kErrorKinds; ++k) {
    const auto error = make_error(static_cast<ErrorKind>(k), "words");
    BodyWriter out;
    write_error(out, ErrorBody::of(error));
    ReceivedSegments segments;
    BodyReader in(out.body());
    EXPECT_EQ(describe(read_error(in, segments).to_exception()), describe(error));
  }
}

TEST(ErrorBody, AKindThatIsUnknownHereIsARemoteErrorWithItsName) {
  ErrorBody body;
  body.kind = "FutureKind";
  body.module = "app";
  body.qualname = "Broken";
  body.message = "words";
  EXPECT_EQ(describe(body.to_exception()), "RemoteError: app.Broken: words");
}

TEST(ErrorBody, LongTextsAreCutAndDeepCausesEnd) {
  std::exception_ptr error = make_error(ErrorKind::kValue, std::string(1 << 20, 'x'));
  for (int i = 0; i < 100; ++i) {
    TypeError outer("outer");
    outer.set_cause(error);
    error = outer.to_exception_ptr();
  }
  BodyWriter out;
  write_error(out, ErrorBody::of(error));
  write_error(out, ErrorBody::of(make_error(ErrorKind::kValue, std::string(1 << 20, 'x'))));
  EXPECT_LT(out.body().size(), size_t{200} << 10);
}

}  // namespace
}  // namespace tine::rpc
