#include "tine/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
void expect_round_trip(const T& x, std::string_view shown) {
  const Value value = to_value(x);
  EXPECT_EQ(value.repr(), shown);
  EXPECT_EQ(from_value<T>(value), x);
}

template <class E, class F>
std::string told(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.message();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Convert, WhatTheTableOfTheHeaderListsGoesThereAndBack) {
  expect_round_trip(true, "True");
  expect_round_trip(-3, "-3");
  expect_round_trip(size_t{3}, "3");
  expect_round_trip(uint8_t{255}, "255");
  expect_round_trip(2.5, "2.5");
  expect_round_trip(0.5f, "0.5");
  expect_round_trip(std::string("a'b"), "\"a'b\"");
  expect_round_trip(DType::kFloat64, "7");
  expect_round_trip(std::vector{1, 2}, "[1, 2]");
  expect_round_trip(std::vector{true, false}, "[True, False]");
  expect_round_trip(std::vector<std::vector<double>>{{1}, {}}, "[[1.0], []]");
  expect_round_trip(std::optional<int>(), "None");
  expect_round_trip(std::optional<int>(4), "4");
  expect_round_trip(std::pair(1, std::string("b")), "(1, 'b')");
  expect_round_trip(std::tuple(1, 2.0, true), "(1, 2.0, True)");
}

TEST(Convert, TextMayBeALiteralAndNulloptIsNone) {
  EXPECT_EQ(to_value("text").repr(), "'text'");
  EXPECT_EQ(to_value(std::string_view("text")).repr(), "'text'");
  EXPECT_TRUE(to_value(std::nullopt).is_none());
}

TEST(Convert, AScalarKeepsItsKind) {
  for (const Value& v : {Value(true), Value(3), Value(1.5)})
    EXPECT_EQ(to_value(from_value<Scalar>(v)).repr(), v.repr());
  EXPECT_THROW((void)from_value<Scalar>(Value("3")), TypeError);
}

TEST(Convert, ATensorIsTheSameObjectAndIsNotCountedTwice) {
  const Tensor t = Tensor::scalar(2.0, DType::kFloat32);
  Value value = to_value(t);
  EXPECT_EQ(t.impl()->references(), 2u);
  {
    const Tensor back = from_value<Tensor>(std::move(value));
    EXPECT_EQ(back.impl(), t.impl());
    EXPECT_EQ(t.impl()->references(), 2u);
  }
  EXPECT_EQ(t.impl()->references(), 1u);
}

TEST(Convert, ANumberThatDoesNotFitIsAnError) {
  EXPECT_EQ(told<ValueError>([] { (void)from_value<uint8_t>(Value(256)); }),
            "int 256 does not fit into an integer of 8 bits");
  EXPECT_EQ(told<ValueError>([] { (void)from_value<size_t>(Value(-1)); }),
            "int -1 does not fit into an integer of 64 bits");
  EXPECT_EQ(told<ValueError>([] { (void)to_value(std::numeric_limits<uint64_t>::max()); }),
            "18446744073709551615 does not fit into an int, which has 64 bits with a sign");
  EXPECT_THAT(told<ValueError>([] { (void)from_value<DType>(Value(3)); }),
              HasSubstr("dtype number 3 is not supported"));
  EXPECT_EQ(from_value<int64_t>(to_value(std::numeric_limits<int64_t>::min())),
            std::numeric_limits<int64_t>::min());
}

TEST(Convert, WhatIsSomethingElseIsAnErrorThatSaysWhat) {
  EXPECT_EQ(told<TypeError>([] { (void)from_value<Tensor>(Value(1)); }), "expected a Tensor, but got int 1");
  EXPECT_EQ(told<TypeError>([] { (void)from_value<std::vector<int>>(Value(1)); }),
            "expected a list or a tuple, but got int 1");
  EXPECT_THROW((void)from_value<std::vector<int>>(to_value(std::vector{"a"})), TypeError);
  EXPECT_EQ(told<ValueError>([] {
              (void)from_value<std::pair<int, int>>(to_value(std::vector{1, 2, 3}));
            }),
            "expected a tuple of 2, but got list of 3");
}

TEST(Convert, AListMayComeFromATuple) {
  EXPECT_THAT(from_value<std::vector<int>>(to_value(std::tuple(1, 2))), ElementsAre(1, 2));
}

}  // namespace
}  // namespace tine
