#include "src/rpc/wire/value_codec.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <limits>
#include <random>

#include "src/base/testing/cpu_time.h"
#include "src/base/testing/errors.h"
#include "src/rpc/wire/error_body.h"
#include "src/value/compare.h"
#include "tine/error.h"
#include "tine/future.h"
#include "tine/type.h"

namespace tine::rpc {
namespace {

using detail::make_ref;
using detail::Ref;
using testing::HasSubstr;

// As if it had been sent: segments copied into buffers of their own.
ReceivedSegments received(const BodyWriter& out) {
  Recycler& recycler = Recycler::of_process();
  std::vector<Ref<Buffer>> buffers;
  for (const Segment& s : out.segments()) {
    buffers.push_back(Buffer::make(recycler, s.bytes.size()));
    std::memcpy(buffers.back()->data(), s.bytes.data(), s.bytes.size());
  }
  return ReceivedSegments(std::move(buffers));
}

Value round_trip(const Value& value) {
  PlainHooks hooks;
  BodyWriter out;
  write_value(out, value, hooks);
  BodyReader in(out.body());
  ReceivedSegments segments = received(out);
  Value back = read_value(in, segments, hooks);
  in.expect_end();
  return back;
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

TEST(ValueCodec, NamedTuplesAndEnumsComeBackWithTheirClasses) {
  const TypePtr point = parse_type("NamedTuple(app.P, x : int, y : Optional[Any])");
  const auto color =
      std::static_pointer_cast<const EnumType>(parse_type("Enum(app.C, str, A = 'a', B = 'b')"));
  const Value p = tuple_of({1, enum_member(color, 1)}, *point);
  auto dict = make_ref<Dict>();
  dict->set(enum_member(color, 0), p);
  dict->set(enum_member(color, 1), tuple_of({2, Value()}, *point));
  const Value v = list({p, enum_member(color, 0), Value(dict), tuple({p, 3})});
  const Value back = round_trip(v);
  EXPECT_EQ(back.repr(), v.repr());
  EXPECT_TRUE(equals(back, v));
  const Value& first = back.as_list().items[0];
  EXPECT_TRUE(fits(first, point));
  // One object each, whatever the number of values.
  EXPECT_EQ(first.as_tuple().type, back.as_list().items[3].as_tuple().items[0].as_tuple().type);
  EXPECT_EQ(first.as_tuple().items[1].as_enum().type, back.as_list().items[1].as_enum().type);
}

TEST(ValueCodec, AFieldAndItsValuesHaveOneObjectForTheirClass) {
  // The classes of the fields are not those of the values, as after a journey of each.
  const auto color = [] {
    return std::static_pointer_cast<const EnumType>(parse_type("Enum(app.C, str, A = 'a', B = 'b')"));
  };
  const TypePtr all = parse_type(
      "NamedTuple(app.All, first : Enum(app.C, str, A = 'a', B = 'b'), rest : List[app.C], "
      "inner : NamedTuple(app.P, color : app.C))");
  const TypePtr inner = parse_type("NamedTuple(app.P, color : Enum(app.C, str, A = 'a', B = 'b'))");
  const Value v = tuple_of({enum_member(color(), 1), list({enum_member(color(), 0), enum_member(color(), 1)}),
                            tuple_of({enum_member(color(), 0)}, *inner)},
                           *all);
  const Value back = round_trip(v);
  EXPECT_TRUE(equals(back, v));
  const Tuple& t = back.as_tuple();
  const Type* const field = t.type->of[0].get();
  EXPECT_EQ(t.items[0].as_enum().type.get(), field);
  EXPECT_EQ(t.type->of[1]->of[0].get(), field);
  for (const Value& item : t.items[1].as_list().items) EXPECT_EQ(item.as_enum().type.get(), field);
  EXPECT_EQ(t.items[2].as_tuple().type.get(), t.type->of[2].get());
  EXPECT_EQ(t.items[2].as_tuple().type->of[0].get(), field);
  // Two classes of one name stay two.
  const auto other = std::static_pointer_cast<const EnumType>(parse_type("Enum(app.C, str, A = 'a')"));
  const Value both =
      round_trip(list({enum_member(color(), 0), enum_member(other, 0), enum_member(color(), 1)}));
  const auto& items = both.as_list().items;
  EXPECT_EQ(items[0].as_enum().type, items[2].as_enum().type);
  EXPECT_NE(items[0].as_enum().type, items[1].as_enum().type);
}

TEST(ValueCodec, ValuesOfAClassTakeNoLongerForItsManyMembers) {
  const auto seconds = [](int members) {
    std::string text = "Enum(app.Many, int";
    for (int i = 0; i < members; ++i) text += fmt::format(", M{0} = {0}", i);
    text += ")";
    const auto many = std::static_pointer_cast<const EnumType>(parse_type(text));
    const TypePtr all = parse_type("NamedTuple(app.All, x : List[" + text + "])");
    const Value v = tuple_of({list(std::vector<Value>(100'000, enum_member(many, 1)))}, *all);
    const double began = cpu_seconds();
    EXPECT_EQ(round_trip(v).as_tuple().items[0].as_list().items.size(), 100'000U);
    return cpu_seconds() - began;
  };
  // Compared member by member they would take thousands of times as long.
  EXPECT_LT(seconds(5'000), 20 * seconds(2) + 1);
}

// A class as it travels, behind `before`.
std::string refused_class(ExtType ext, std::string_view definition, std::string_view before,
                          std::vector<Value> items) {
  PlainHooks hooks;
  BodyWriter out;
  if (ext == ExtType::kNamedTuple) out.array(items.size() + 1);
  const std::string bytes = std::string(before) + std::string(definition);
  std::byte* p = out.ext(static_cast<int8_t>(ext), bytes.size());
  std::memcpy(p, bytes.data(), bytes.size());
  for (const Value& item : items) write_value(out, item, hooks);
  BodyReader in(out.body());
  ReceivedSegments none;
  return refusal([&] { static_cast<void>(read_value(in, none, hooks)); });
}

TEST(ValueCodec, ClassesThatAreNotWhatTheySayAreRefused) {
  using namespace std::string_view_literals;
  const auto named = [](std::string_view text, std::vector<Value> items) {
    return refused_class(ExtType::kNamedTuple, text, "\0"sv, std::move(items));
  };
  const auto member = [](std::string_view number, std::string_view text) {
    return refused_class(ExtType::kEnum, text, std::string(number) + std::string("\0"sv), {});
  };
  EXPECT_EQ(named("NamedTuple(app.P, x : int)", {1}), "no error");
  EXPECT_THAT(named("NamedTuple(app.P, x : int)", {"a"}), HasSubstr("is not what its class says"));
  EXPECT_THAT(named("NamedTuple(app.P, x : int)", {1, 2}), HasSubstr("is not what its class says"));
  EXPECT_THAT(named("NamedTuple(x : int)", {1}), HasSubstr("is not what its class says"));
  EXPECT_THAT(named("Tuple[int]", {1}), HasSubstr("is not what its class says"));
  EXPECT_THAT(named("NamedTuple(", {}), HasSubstr("expected the name"));
  EXPECT_THAT(refused_class(ExtType::kNamedTuple, "", "", {}), HasSubstr("neither defined nor the number"));
  EXPECT_THAT(refused_class(ExtType::kNamedTuple, "\0\0\0\0"sv, "\1", {}),
              HasSubstr("neither defined nor the number"));
  EXPECT_EQ(member("\0\0\0\0"sv, "Enum(app.C, int, A = 1)"), "no error");
  EXPECT_THAT(member("\1\0\0\0"sv, "Enum(app.C, int, A = 1)"), HasSubstr("is not a member of app.C"));
  EXPECT_THAT(member("\0\0\0\0"sv, "int"), HasSubstr("is not a member of int"));
  EXPECT_THAT(refused_class(ExtType::kEnum, "", "\0\0"sv, {}), HasSubstr("is too short"));
  // What the sender wrote is shown in part.
  const std::string name(100'000, 'A');
  EXPECT_LT(named("NamedTuple(" + name + ", x : int)", {"a"}).size(), 400U);
  EXPECT_LT(member("\0\0\0\0"sv, "Tuple[" + name + "]").size(), 400U);
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

// ---- views

Shape strides_of(const Tensor& t) { return {t.strides().begin(), t.strides().end()}; }

size_t bytes_sent(const Value& v) {
  PlainHooks hooks;
  BodyWriter out;
  write_value(out, v, hooks);
  size_t bytes = out.body().size();
  for (const Segment& segment : out.segments()) bytes += segment.bytes.size();
  return bytes;
}

TEST(ValueCodec, AViewKeepsItsStrides) {
  const Tensor t = counting({30, 40}, DType::kInt64);
  const Tensor turned = t.as_strided(Shape{40, 30}, Shape{1, 40}, 0);
  EXPECT_EQ(strides_of(round_trip(turned).to_tensor()), (Shape{1, 40}));
  EXPECT_EQ(round_trip(turned).to_tensor().data_as<int64_t>()[40], t.data_as<int64_t>()[40]);
  const Tensor narrow = counting({5, 5}, DType::kFloat32).as_strided(Shape{5, 2}, Shape{5, 1}, 2);
  EXPECT_EQ(strides_of(round_trip(narrow).to_tensor()), (Shape{5, 1}));
  EXPECT_FALSE(round_trip(narrow).to_tensor().is_contiguous());
  const Tensor half = counting({1000, 100}, DType::kFloat32).as_strided(Shape{1000, 50}, Shape{100, 1}, 50);
  EXPECT_EQ(strides_of(round_trip(half).to_tensor()), (Shape{100, 1}));
  const Tensor empty = counting({4, 4}, DType::kFloat32).as_strided(Shape{2, 0, 3}, Shape{7, 2, 1}, 0);
  EXPECT_EQ(strides_of(round_trip(empty).to_tensor()), (Shape{7, 2, 1}));
}

TEST(ValueCodec, AnExpandedTensorIsSentOnce) {
  const Tensor row = counting({1, 1000}, DType::kFloat64);
  const Tensor wide = row.as_strided(Shape{100'000, 1000}, Shape{0, 1}, 0);
  EXPECT_LT(bytes_sent(wide), 8'200u);
  const Tensor back = round_trip(wide).to_tensor();
  EXPECT_EQ(strides_of(back), (Shape{0, 1}));
  EXPECT_EQ(back.numel(), 100'000'000);
  // Also where most of what the rest reaches is not its own.
  const Tensor sparse =
      counting({1000, 1000}, DType::kFloat32).as_strided(Shape{1000, 500, 2}, Shape{1000, 0, 1}, 0);
  EXPECT_LT(bytes_sent(sparse), 8'200u);
  EXPECT_EQ(strides_of(round_trip(sparse).to_tensor()), (Shape{2, 0, 1}));
}

TEST(ValueCodec, APermutedTensorIsNotCopied) {
  PlainHooks hooks;
  const Tensor t = counting({10, 20, 30}, DType::kFloat32);
  BodyWriter out;
  write_value(out, t.as_strided(Shape{30, 10, 20}, Shape{1, 600, 30}, 0), hooks);
  ASSERT_EQ(out.segments().size(), 1u);
  EXPECT_EQ(static_cast<const void*>(out.segments()[0].bytes.data()), t.data());
  EXPECT_EQ(out.segments()[0].bytes.size(), 24'000u);
  EXPECT_FALSE(out.segments()[0].copied);
}

TEST(ValueCodec, AViewOfAFewElementsIsCopiedInTheirOrder) {
  PlainHooks hooks;
  const Tensor t = counting({1000, 1000}, DType::kFloat32);
  const Tensor column = t.as_strided(Shape{2, 1000}, Shape{1, 1000}, 3);  // two columns, turned
  BodyWriter out;
  write_value(out, column, hooks);
  ASSERT_EQ(out.segments().size(), 1u);
  EXPECT_EQ(out.segments()[0].bytes.size(), 8'000u);
  EXPECT_TRUE(out.segments()[0].copied);
  EXPECT_EQ(strides_of(round_trip(column).to_tensor()), (Shape{1, 2}));
  const Tensor rows = t.as_strided(Shape{250, 1000}, Shape{4000, 1}, 0);
  EXPECT_TRUE(round_trip(rows).to_tensor().is_contiguous());
}

TEST(ValueCodec, WhatLiesBetweenTheElementsOfABoolViewIsNoOnesBusiness) {
  std::vector<unsigned char> memory(200, 77);
  for (size_t i = 0; i < memory.size(); i += 2) memory[i] = i % 4 == 0;
  const Tensor t = Tensor::from_blob(memory.data(), Shape{100}, Shape{2}, DType::kBool, [] {});
  const Tensor back = round_trip(t).to_tensor();
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(back.data_as<bool>()[i * back.strides()[0]], i % 2 == 0);
}

// Every element, by index.
std::vector<double> elements_of(const Tensor& t) {
  std::vector<double> out;
  for (int64_t i = 0; i < t.numel(); ++i) {
    int64_t rest = i, at = 0;
    for (size_t d = static_cast<size_t>(t.dim()); d-- > 0;) {
      at += rest % t.sizes()[d] * t.strides()[d];
      rest /= t.sizes()[d];
    }
    out.push_back(static_cast<double>(t.data_as<float>()[at]));
  }
  return out;
}

TEST(ValueCodec, RandomViewsGoRound) {
  std::mt19937_64 random(7);
  const auto number = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  };
  int kept = 0, copied = 0;
  for (int turn = 0; turn < 2'000; ++turn) {
    // A view by what views are made of: permuted, narrowed, stepped, expanded.
    Shape sizes, strides;
    Shape base;
    for (int64_t n = number(0, 5); n > 0; --n) base.push_back(number(1, turn % 10 == 0 ? 30 : 7));
    int64_t total = 1;
    for (const int64_t n : base) total *= n;
    if (total > 100'000) continue;
    Tensor memory = Tensor::empty(base, DType::kFloat32);
    for (int64_t i = 0; i < total; ++i) memory.data_as<float>()[i] = static_cast<float>(random() % 1000);
    int64_t offset = 0;
    for (size_t i = 0; i < base.size(); ++i) {
      const int64_t begin = number(0, 3) == 0 ? number(0, base[i] - 1) : 0;
      const int64_t step = number(0, 3) == 0 ? number(1, 5) : 1;
      const int64_t length = number(0, 30) == 0 ? 0 : (base[i] - begin + step - 1) / step;
      offset += length == 0 ? 0 : begin * memory.strides()[i];
      sizes.push_back(length);
      strides.push_back(memory.strides()[i] * step);
    }
    for (size_t i = sizes.size(); i > 1; --i) {
      const auto other = static_cast<size_t>(number(0, static_cast<int64_t>(i) - 1));
      std::swap(sizes[i - 1], sizes[other]);
      std::swap(strides[i - 1], strides[other]);
    }
    if (number(0, 3) == 0) {
      const auto at = number(0, static_cast<int64_t>(sizes.size()));
      sizes.insert(sizes.begin() + at, number(1, 4));
      strides.insert(strides.begin() + at, 0);
    }
    const Tensor view = memory.as_strided(sizes, strides, offset);
    const Tensor back = round_trip(view).to_tensor();
    EXPECT_TRUE(std::ranges::equal(back.sizes(), view.sizes()));
    EXPECT_EQ(elements_of(back), elements_of(view));
    if (view.is_contiguous()) {
      EXPECT_TRUE(back.is_contiguous());
    }
    if (strides_of(back) == strides_of(view)) {
      ++kept;
      continue;
    }
    ++copied;
    // Nothing lies between its elements, and they lie in the order in which they lay.
    int64_t dense = 1, reach = 1;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (back.strides()[i] != 0) dense *= sizes[i];
      reach += (sizes[i] - 1) * back.strides()[i];
      for (size_t k = 0; k < sizes.size(); ++k) {
        if (sizes[i] > 1 && sizes[k] > 1 && strides[i] > strides[k]) {
          EXPECT_GE(back.strides()[i], back.strides()[k]);
        }
      }
    }
    EXPECT_EQ(dense, reach);
    EXPECT_LE(bytes_sent(view), 4 * static_cast<size_t>(dense) + 200);
  }
  EXPECT_GT(kept, 1'000);
  EXPECT_GT(copied, 10);
}

// ext 2 with these numbers behind dtype and form, and as many bytes of elements.
std::string refused(DType dtype, unsigned form, const Shape& numbers, size_t bytes) {
  PlainHooks hooks;
  BodyWriter out;
  std::byte* p = out.ext(static_cast<int8_t>(ExtType::kTensor), 2 + 8 * numbers.size() + bytes);
  p[0] = static_cast<std::byte>(dtype);
  p[1] = static_cast<std::byte>(form);
  for (size_t i = 0; i < numbers.size(); ++i) put_le<int64_t>(p + 2 + 8 * i, numbers[i]);
  std::memset(p + 2 + 8 * numbers.size(), 0, bytes);
  BodyReader in(out.body());
  ReceivedSegments none;
  return refusal([&] { static_cast<void>(read_value(in, none, hooks)); });
}

TEST(ValueCodec, SizesAndStridesThatReachBeyondTheirBytesAreRefused) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto f = DType::kFloat32;
  EXPECT_EQ(refused(f, 0x82, {2, 3, 1, 2}, 24), "no error");
  EXPECT_EQ(refused(f, 0x82, {1000, 1000, 0, 0}, 4), "no error");
  EXPECT_EQ(refused(f, 0x82, {2, 0, 5, 1}, 0), "no error");
  EXPECT_THAT(refused(f, 0x82, {2, 3, 1, 2}, 20), HasSubstr("its sizes and strides make 24"));
  EXPECT_THAT(refused(f, 0x82, {2, 3, 1, 2}, 28), HasSubstr("its sizes and strides make 24"));
  EXPECT_THAT(refused(f, 0x81, {2, -1}, 4), HasSubstr("stride -1 in dimension 0"));
  EXPECT_THAT(refused(f, 0x81, {3, kMost}, 4), HasSubstr("which is impossible"));
  EXPECT_THAT(refused(f, 0x82, {3, 3, kMost / 2, kMost / 2}, 4), HasSubstr("which is impossible"));
  EXPECT_THAT(refused(f, 0x81, {kMost, 0}, 4), HasSubstr("size 9223372036854775807 in dimension 0"));
  EXPECT_THAT(refused(f, 0x82, {kMost / 8, 100, 0, 0}, 4), HasSubstr("which is impossible"));
  EXPECT_THAT(refused(f, 0x83, {0, kMost / 8, 100, 0, 0, 0}, 0), HasSubstr("which is impossible"));
  EXPECT_THAT(refused(f, 3, {0, int64_t{1} << 62, 8}, 0), HasSubstr("which is impossible"));
  EXPECT_THAT(refused(f, 3, {int64_t{1} << 62, 8, 0}, 0), HasSubstr("which is impossible"));
  EXPECT_THAT(refused(f, 1, {-1}, 0), HasSubstr("size -1 in dimension 0"));
  EXPECT_THAT(refused(f, 0x80 | 65, Shape(130, 1), 4), HasSubstr("rank 65"));
  EXPECT_THAT(refused(f, 0x82, {2, 3, 1}, 0), HasSubstr("rank 2 in 26 bytes"));
  EXPECT_THAT(refused(DType::kBool, 0x81, {1, 1}, 0), HasSubstr("make 1"));
}

TEST(ValueCodec, RandomNumbersInATensorAreReadWithinItsBytesOrRefused) {
  std::mt19937_64 random(3);
  for (int turn = 0; turn < 20'000; ++turn) {
    const size_t rank = random() % 4;
    Shape numbers;
    for (size_t i = 0; i < 2 * rank; ++i) {
      const auto some = static_cast<int64_t>(random() % 5);
      numbers.push_back(random() % 8 == 0 ? static_cast<int64_t>(random()) : some);
    }
    PlainHooks hooks;
    BodyWriter out;
    const size_t bytes = 4 * (random() % 20);
    std::byte* p = out.ext(static_cast<int8_t>(ExtType::kTensor), 2 + 8 * numbers.size() + bytes);
    p[0] = static_cast<std::byte>(DType::kFloat32);
    p[1] = static_cast<std::byte>(0x80 | rank);
    for (size_t i = 0; i < numbers.size(); ++i) put_le<int64_t>(p + 2 + 8 * i, numbers[i]);
    std::memset(p + 2 + 8 * numbers.size(), 0, bytes);
    BodyReader in(out.body());
    ReceivedSegments none;
    try {
      const Value back = read_value(in, none, hooks);
      if (back.to_tensor().numel() < 1000) {
        for (const double e : elements_of(back.to_tensor())) EXPECT_EQ(e, 0);
      }
    } catch (const ValueError&) {
    }
  }
}

TEST(ValueCodec, ATensorMayHaveAllTheDimensionsThatATensorCanHave) {
  const Tensor t = counting(Shape(64, 1), DType::kFloat32);
  EXPECT_EQ(round_trip(t).to_tensor().dim(), 64);
}

// ---- costs of reading

TEST(ValueCodec, ThousandsOfTensorsFitIntoOneMessage) {
  std::vector<Value> many(5'000, Value(counting({200}, DType::kFloat32)));
  EXPECT_EQ(round_trip(list(many)).to_list().items.size(), 5'000u);
  PlainHooks hooks;
  BodyWriter out;
  const std::vector<Value> too_many(kMaxSegments + 1, many[0]);
  EXPECT_THAT(refusal([&] { write_value(out, list(too_many), hooks); }),
              HasSubstr("more than 65536 large tensors"));
}

TEST(ValueCodec, ALongTextTravelsBesideTheBodyUncopied) {
  PlainHooks hooks;
  const Value text(std::string(100'000, 'x') + "\xc3\xa9");
  BodyWriter out;
  write_value(out, list({text, "short"}), hooks);
  ASSERT_EQ(out.segments().size(), 1u);
  EXPECT_EQ(static_cast<const void*>(out.segments()[0].bytes.data()), text.as_string().data());
  EXPECT_LT(out.body().size(), 50u);
  const Value back = round_trip(list({text, "short"}));
  EXPECT_EQ(back.to_list().items[0].to_string(), text.to_string());
  EXPECT_EQ(back.to_list().items[1].to_string(), "short");
  const std::string larger_than_any_body(kMaxBodyBytes + 10, 'y');
  EXPECT_EQ(round_trip(larger_than_any_body).to_string().size(), larger_than_any_body.size());
}

Value read_body(std::span<const std::byte> body) {
  PlainHooks hooks;
  BodyReader in(body);
  ReceivedSegments none;
  return read_value(in, none, hooks);
}

TEST(ValueCodec, AKeyThatComesTwiceIsRefusedByName) {
  BodyWriter out;
  out.map(3);
  for (const char* key : {"a", "the key", "the key"}) {
    out.str(key);
    out.nil();
  }
  EXPECT_THAT(refusal([&] { static_cast<void>(read_body(out.body())); }),
              HasSubstr("dict key str 'the key' at byte 13 comes a second time"));
  BodyWriter numbers;
  numbers.map(2);
  numbers.integer(1);
  numbers.nil();
  numbers.real(1.0);
  numbers.nil();
  EXPECT_THAT(refusal([&] { static_cast<void>(read_body(numbers.body())); }), HasSubstr("a second time"));
}

double seconds_to_read(std::span<const std::byte> body) {
  double best = 1e9;
  for (int turn = 0; turn < 3; ++turn) {
    const double begin = cpu_seconds();
    (void)read_body(body);
    best = std::min(best, cpu_seconds() - begin);
  }
  return best;
}

TEST(ValueCodec, KeysThatAreNotANumberCostWhatOthersDo) {
  const auto body_of = [](size_t n, bool nan) {
    BodyWriter out;
    out.map(n);
    for (size_t i = 0; i < n; ++i) {
      out.real(nan ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(i) + 0.5);
      out.nil();
    }
    return out;
  };
  const BodyWriter nan = body_of(200'000, true), others = body_of(200'000, false);
  EXPECT_EQ(read_body(nan.body()).to_dict().size(), 200'000u);
  // Quadratic it was a thousand times as long.
  EXPECT_LT(seconds_to_read(nan.body()), 30 * seconds_to_read(others.body()));
}

TEST(ValueCodec, WhatABodyMakesIsBoundedByItsBytes) {
  // One byte each here, a hundred there.
  const auto lists = [](size_t n) {
    BodyWriter out;
    out.array(n);
    for (size_t i = 0; i < n; ++i) out.array(0);
    return out;
  };
  EXPECT_EQ(read_body(lists(500'000).body()).to_list().items.size(), 500'000u);
  EXPECT_THAT(refusal([&] { static_cast<void>(read_body(lists(16 << 20).body())); }),
              HasSubstr("body of 16777221 bytes makes values of more than 603979936 bytes"));
  BodyWriter maps;
  maps.array(8 << 20);
  for (size_t i = 0; i < 8 << 20; ++i) maps.map(0);
  EXPECT_THAT(refusal([&] { static_cast<void>(read_body(maps.body())); }),
              HasSubstr("makes values of more than"));
}

TEST(ValueCodec, OrdinaryValuesAreWithinTheBoundHoweverManyTheyAre) {
  const auto read = [](auto write) {
    BodyWriter out;
    constexpr size_t kMany = 4'000'000;
    out.array(kMany);
    for (size_t i = 0; i < kMany; ++i) write(out, i);
    return read_body(out.body()).to_list().items.size();
  };
  EXPECT_EQ(read([](BodyWriter& out, size_t i) { out.integer(static_cast<int64_t>(i % 100)); }), 4'000'000u);
  EXPECT_EQ(read([](BodyWriter& out, size_t) { out.str(""); }), 4'000'000u);
  EXPECT_EQ(read([](BodyWriter& out, size_t) { out.str("x"); }), 4'000'000u);
  EXPECT_EQ(read([](BodyWriter& out, size_t i) { out.str(i % 2 ? "ab" : "cd"); }), 4'000'000u);
}

TEST(ValueCodec, ALargeTensorIsNeitherCopiedWhenSentNorWhenReceived) {
  PlainHooks hooks;
  const Tensor t = counting({1000, 100}, DType::kFloat32);
  BodyWriter out;
  write_value(out, t, hooks);
  ASSERT_EQ(out.segments().size(), 1u);
  EXPECT_EQ(static_cast<const void*>(out.segments()[0].bytes.data()), t.data());

  struct Keeper final : Recycler::Keeper {
    bool wanted() noexcept override { return true; }
  } keeper;
  Recycler recycler;
  recycler.add(keeper);
  auto buffer = Buffer::make(recycler, 400'000);
  std::memset(buffer->data(), 0, 400'000);
  void* memory = buffer->data();
  std::vector<Ref<Buffer>> buffers;
  buffers.push_back(std::move(buffer));
  ReceivedSegments segments(std::move(buffers));
  BodyReader in(out.body());
  Value back = read_value(in, segments, hooks);
  EXPECT_EQ(back.to_tensor().data(), memory);
  EXPECT_EQ(recycler.kept(), 0U);
  back = Value();
  EXPECT_GT(recycler.kept(), 0U) << "the memory goes back to the Recycler with the last view";
  recycler.remove(keeper);
}

TEST(ValueCodec, AFutureIsRefusedInPyTorchsWordsWhereverItHides) {
  PlainHooks hooks;
  const Value future(make_ready(Value(1)));
  for (const Value& v : {future, list({1, future}), tuple({list({future})})}) {
    BodyWriter out;
    EXPECT_EQ(refusal([&] { write_value(out, v, hooks); }), "TypeError: Can not pickle torch.futures.Future");
  }
}

TEST(ValueCodec, AListThatContainsItselfIsAnErrorAndNoOverflow) {
  PlainHooks hooks;
  auto l = make_ref<List>();
  l->items.emplace_back(l);
  BodyWriter out;
  EXPECT_THAT(refusal([&] { write_value(out, Value(l), hooks); }), HasSubstr("contains itself"));
  l->items.clear();
  const std::vector<std::byte> deep(100'000, std::byte{0x91});
  BodyReader in(deep);
  ReceivedSegments segments;
  EXPECT_THAT(refusal([&] { static_cast<void>(read_value(in, segments, hooks)); }),
              HasSubstr("more than 64 deep"));
}

TEST(ValueCodec, ASegmentIsGivenOutOnceAndMustFit) {
  PlainHooks hooks;
  BodyWriter out;
  const Tensor t = counting({1000}, DType::kInt64);
  write_value(out, list({t}), hooks);
  ReceivedSegments none;
  BodyReader first(out.body());
  EXPECT_THAT(refusal([&] { static_cast<void>(read_value(first, none, hooks)); }),
              HasSubstr("names segment 0, but 0 came"));
  ReceivedSegments segments = received(out);
  BodyReader second(out.body());
  static_cast<void>(read_value(second, segments, hooks));
  BodyReader third(out.body());
  EXPECT_THAT(refusal([&] { static_cast<void>(read_value(third, segments, hooks)); }), HasSubstr("twice"));
  Recycler& recycler = Recycler::of_process();
  std::vector<Ref<Buffer>> small;
  small.push_back(Buffer::make(recycler, 7999));
  ReceivedSegments wrong(std::move(small));
  BodyReader fourth(out.body());
  EXPECT_THAT(refusal([&] { static_cast<void>(read_value(fourth, wrong, hooks)); }),
              HasSubstr("brings 7999 bytes of elements, its sizes make 8000"));
}

TEST(ValueCodec, ABoolThatIsNeitherTrueNorFalseIsRefused) {
  PlainHooks hooks;
  BodyWriter out;
  std::byte* p = out.ext(static_cast<int8_t>(ExtType::kTensor), 2 + 8 + 1);
  std::memset(p, 0, 11);
  p[0] = std::byte{11};
  p[1] = std::byte{1};
  p[2] = std::byte{1};
  p[10] = std::byte{7};
  BodyReader in(out.body());
  ReceivedSegments segments;
  EXPECT_THAT(refusal([&] { static_cast<void>(read_value(in, segments, hooks)); }),
              HasSubstr("has an element 7"));
}

TEST(ValueCodec, ChangedBytesAreReadAsAValueOrRefusedButNothingElse) {
  PlainHooks hooks;
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
  error.add_hop({Hop::Kind::kWorker, "worker1", "", 0, "f", std::chrono::microseconds(3),
                 std::chrono::microseconds(70'000)});
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
    EXPECT_EQ(e.trail()[1].call, "f");
    EXPECT_EQ(e.trail()[1].began.count(), 3);
    EXPECT_EQ(e.trail()[1].took.count(), 70'000);
    EXPECT_EQ(e.trail()[0].began.count(), -1);
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

TEST(ValueCodec, ATensorInLentMemoryIsUsedThereUnlessItsElementsAreBools) {
  for (const DType dtype : {DType::kUInt8, DType::kInt64, DType::kFloat32, DType::kBool}) {
    const Tensor sent = Tensor::empty(std::vector<int64_t>{1000}, dtype);
    std::memset(sent.data(), 0, 1000 * size_of(dtype));
    PlainHooks hooks;
    BodyWriter out;
    write_value(out, sent, hooks);
    std::vector<std::byte> memory(out.segments()[0].bytes.begin(), out.segments()[0].bytes.end());
    ReceivedSegments segments({Buffer::lent(memory, nullptr)});
    BodyReader in(out.body());
    const Tensor got = read_value(in, segments, hooks).as_tensor();
    EXPECT_EQ(got.data() == memory.data(), dtype != DType::kBool) << name_of(dtype);
    memory[7] = std::byte{2};
    EXPECT_EQ(got.data_as<std::byte>()[7] == std::byte{2}, dtype != DType::kBool);
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
