// Numbers at their edges: conversions, shifts, comparisons of ints with floats, equality and order of containers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/base/testing/errors.h"
#include "src/value/arithmetic.h"
#include "src/value/compare.h"
#include "tine/error.h"

namespace tine {
namespace {

using detail::make_ref;
using value::divide_with_rest;
using value::parse_float;
using value::parse_int;
using value::power;
using value::shift_left;
using value::shift_right;
using value::to_int;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max(), kMin = std::numeric_limits<int64_t>::min();
constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Numbers, AShiftIsOfAnyNumberOfBits) {
  EXPECT_EQ(shift_left(1, 0), 1);
  EXPECT_EQ(shift_left(1, 62), int64_t{1} << 62);
  EXPECT_EQ(shift_left(1, 63), kMin);
  EXPECT_EQ(shift_left(3, 63), kMin);
  EXPECT_EQ(shift_left(1, 64), 0);
  EXPECT_EQ(shift_left(-1, 1), -2);
  EXPECT_EQ(shift_right(kMin, 63), -1);
  EXPECT_EQ(shift_right(kMax, 62), 1);
  EXPECT_EQ(shift_right(kMax, 63), 0);
  EXPECT_EQ(shift_right(kMax, 64), 0);
  EXPECT_EQ(shift_right(-5, 1000), -1);
  EXPECT_EQ(shift_right(-5, 1), -3);
  EXPECT_EQ(refusal([] { return shift_left(1, -1); }), "ValueError: negative shift count");
  EXPECT_EQ(refusal([] { return shift_right(1, -1); }), "ValueError: negative shift count");
}

TEST(Numbers, AFloatBecomesAnIntWhereItFits) {
  EXPECT_EQ(to_int(-0.9), 0);
  EXPECT_EQ(to_int(1.9), 1);
  EXPECT_EQ(to_int(-1.9), -1);
  EXPECT_EQ(to_int(-9223372036854775808.0), kMin);
  EXPECT_EQ(to_int(9223372036854774784.0), 9223372036854774784);
  EXPECT_THAT(refusal([] { return to_int(9223372036854775808.0); }),
              testing::StartsWith("OverflowError: float 9.2"));
  EXPECT_THAT(refusal([] { return to_int(-9223372036854777856.0); }),
              testing::StartsWith("OverflowError: float -9.2"));
  EXPECT_EQ(refusal([] { return to_int(kInf); }), "OverflowError: cannot convert float infinity to integer");
  EXPECT_EQ(refusal([] { return to_int(-kInf); }), "OverflowError: cannot convert float infinity to integer");
  EXPECT_EQ(refusal([] { return to_int(kNaN); }), "ValueError: cannot convert float NaN to integer");
}

TEST(Numbers, APowerOrARestByZeroIsPythonsError) {
  EXPECT_EQ(power(2, -1), 0.5);
  EXPECT_EQ(power(0, 0), 1);
  EXPECT_EQ(power(0, 1), 0);
  EXPECT_EQ(refusal([] { return power(0, -1); }),
            "ZeroDivisionError: 0.0 cannot be raised to a negative power");
  EXPECT_EQ(refusal([] { return power(-0.0, -0.5); }),
            "ZeroDivisionError: 0.0 cannot be raised to a negative power");
  EXPECT_EQ(divide_with_rest(7, 2), std::pair(3.0, 1.0));
  EXPECT_EQ(divide_with_rest(-7, 2), std::pair(-4.0, 1.0));
  EXPECT_EQ(divide_with_rest(7, -2), std::pair(-4.0, -1.0));
  EXPECT_EQ(divide_with_rest(-7, -2), std::pair(3.0, -1.0));
  EXPECT_EQ(divide_with_rest(6, 2), std::pair(3.0, 0.0));
  EXPECT_EQ(divide_with_rest(-6, 2), std::pair(-3.0, 0.0));
  EXPECT_EQ(divide_with_rest(0, 2), std::pair(0.0, 0.0));
  EXPECT_EQ(refusal([] { return divide_with_rest(1, 0).first; }), "ZeroDivisionError: float divmod()");
}

TEST(Numbers, ATextIsAnIntOrNot) {
  const std::pair<const char*, int64_t> good[] = {{"0", 0},
                                                  {"  7\n", 7},
                                                  {"+5", 5},
                                                  {"-5", -5},
                                                  {"1_000", 1000},
                                                  {"007", 7},
                                                  {"9223372036854775807", kMax},
                                                  {"-9223372036854775808", kMin}};
  for (const auto& [text, number] : good) EXPECT_EQ(parse_int(text), number) << text;
  for (const char* text :
       {"", " ", "+", "-", "+-5", "-+5", "--5", "1_", "_1", "1__0", "+_1", "1.0", "0x10", "1 2", "a", "5a"}) {
    EXPECT_THAT(refusal([&] { return parse_int(text); }),
                testing::StartsWith("ValueError: invalid literal for int() with base 10: '"))
        << text;
  }
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "99999999999999999999", "+9223372036854775808"}) {
    EXPECT_THAT(refusal([&] { return parse_int(text); }), testing::StartsWith("OverflowError: '")) << text;
  }
  EXPECT_THROW(static_cast<void>(parse_int("+-99999999999999999999")), ValueError);
}

TEST(Numbers, ATextIsAFloatOrNot) {
  const std::pair<const char*, double> good[] = {
      {"0", 0},           {" 1.5\t", 1.5}, {"+2.5", 2.5},     {"-2.5", -2.5}, {"1_0.5", 10.5},
      {"1e3", 1000},      {".5", 0.5},     {"5.", 5},         {"inf", kInf},  {"-inf", -kInf},
      {"Infinity", kInf}, {"1e400", kInf}, {"-1e400", -kInf}, {"1e-400", 0}};
  for (const auto& [text, number] : good) EXPECT_EQ(parse_float(text), number) << text;
  EXPECT_TRUE(std::isnan(parse_float("nan")));
  for (const char* text : {"", " ", "+", ".", "+-1", "1_", "_1", "1__0", "1_.5", "1._5", "nan(1)", "1e",
                           "0x1", "1 2", "a", "1a"}) {
    EXPECT_THAT(refusal([&] { return parse_float(text); }),
                testing::StartsWith("ValueError: could not convert string to float: '"))
        << text;
  }
}

TEST(Compare, AnIntAndAFloatCompareExactlyAtTheEdges) {
  const auto order = [](int64_t i, double d) {
    const int there = compare(Value(i), Value(d)), back = compare(Value(d), Value(i));
    EXPECT_EQ(there<0, back> 0) << i << ", " << d;
    EXPECT_EQ(there == 0, equals(Value(i), Value(d))) << i << ", " << d;
    EXPECT_EQ(there == 0, equals(Value(d), Value(i))) << i << ", " << d;
    return there < 0 ? '<' : there > 0 ? '>' : '=';
  };
  EXPECT_EQ(order(kMax, 9223372036854775808.0), '<');
  EXPECT_EQ(order(kMin, -9223372036854775808.0), '=');
  EXPECT_EQ(order(kMin, -9223372036854777856.0), '>');
  EXPECT_EQ(order(kMax, kInf), '<');
  EXPECT_EQ(order(kMin, -kInf), '>');
  EXPECT_EQ(order((int64_t{1} << 53) + 1, 9007199254740992.0), '>');
  EXPECT_EQ(order(3, 3.0), '=');
  EXPECT_EQ(order(3, 3.5), '<');
  EXPECT_EQ(order(3, 2.5), '>');
  EXPECT_EQ(order(-3, -3.5), '>');
  EXPECT_EQ(order(-3, -2.5), '<');
  EXPECT_EQ(order(0, -0.0), '=');
  for (const Value& number : {Value(1), Value(1.0), Value(kNaN)}) {
    EXPECT_FALSE(equals(number, Value(kNaN)));
    EXPECT_FALSE(equals(Value(kNaN), number));
  }
  // NaN comes after everything, from both sides.
  for (const Value& number : {Value(1), Value(1.0), Value(kNaN)}) {
    EXPECT_GT(compare(number, Value(kNaN)), 0);
    EXPECT_GT(compare(Value(kNaN), number), 0);
  }
  EXPECT_LT(compare(Value(1.0), Value(2.0)), 0);
  EXPECT_GT(compare(Value(2.0), Value(1.0)), 0);
  EXPECT_EQ(compare(Value(2.0), Value(2.0)), 0);
  EXPECT_LT(compare(Value(1), Value(2)), 0);
  EXPECT_GT(compare(Value(2), Value(1)), 0);
  EXPECT_EQ(compare(Value(true), Value(1)), 0);
  EXPECT_TRUE(equals(Value(true), Value(1.0)));
}

Value list(std::vector<Value> items) { return make_ref<List>(std::move(items)); }
Value tuple(std::vector<Value> items) { return make_ref<Tuple>(std::move(items)); }

TEST(Compare, ContainersAreOrderedByTheirFirstDifferenceThenTheirLength) {
  EXPECT_LT(compare(list({1, 2}), list({1, 3})), 0);
  EXPECT_GT(compare(list({2}), list({1, 3})), 0);
  EXPECT_LT(compare(list({1}), list({1, 0})), 0);
  EXPECT_GT(compare(list({1, 0}), list({1})), 0);
  EXPECT_EQ(compare(list({1, "a"}), list({1.0, "a"})), 0);
  EXPECT_LT(compare(tuple({1, tuple({1})}), tuple({1, tuple({2})})), 0);
  EXPECT_EQ(compare(list({}), list({})), 0);
  EXPECT_LT(compare(Value("a"), Value("b")), 0);
  EXPECT_LT(compare(Value("a"), Value("aa")), 0);
  EXPECT_FALSE(equals(list({1}), tuple({1})));
  EXPECT_FALSE(equals(list({1}), list({1, 2})));
  EXPECT_FALSE(equals(list({1, 2}), list({1, 3})));
  EXPECT_FALSE(equals(Value("1"), Value(1)));
  EXPECT_TRUE(equals(Value(), Value()));
  EXPECT_FALSE(equals(Value(), Value(0)));
  for (const auto& [a, b] : {std::pair(list({1}), tuple({1})),
                             {Value(1), Value("a")},
                             {Value(), Value()},
                             {list({Value()}), list({Value(1)})}})
    EXPECT_THAT(refusal([&a = a, &b = b] { return compare(a, b); }), testing::StartsWith("TypeError: "));
}

TEST(Compare, DictsAreEqualWhateverTheirOrder) {
  const auto dict = [](std::vector<std::pair<const char*, int>> items) {
    auto made = make_ref<Dict>();
    for (const auto& [key, value] : items) made->set(key, value);
    return Value(std::move(made));
  };
  EXPECT_TRUE(equals(dict({{"a", 1}, {"b", 2}}), dict({{"b", 2}, {"a", 1}})));
  EXPECT_FALSE(equals(dict({{"a", 1}}), dict({{"a", 2}})));
  EXPECT_FALSE(equals(dict({{"a", 1}}), dict({{"b", 1}})));
  EXPECT_FALSE(equals(dict({{"a", 1}}), dict({{"a", 1}, {"b", 2}})));
  EXPECT_TRUE(equals(dict({}), dict({})));
}

TEST(Compare, ContainersNestToAThousandAndNoDeeper) {
  const auto nested = [](int depth) {
    Value v(1);
    for (int i = 0; i < depth; ++i) v = list({v});
    return v;
  };
  EXPECT_TRUE(equals(nested(1000), nested(1000)));
  EXPECT_THAT(refusal([&] { return equals(nested(1001), nested(1001)); }),
              testing::HasSubstr("maximum recursion depth exceeded in comparison"));
  EXPECT_EQ(compare(nested(500), nested(500)), 0);
}

TEST(Compare, TensorsAreEqualByShapeAndElementsOfAnyType) {
  const auto tensor = [](std::vector<int64_t> sizes, DType dtype, std::vector<double> elements) {
    Tensor t = Tensor::empty(sizes, dtype);
    for (size_t i = 0; i < elements.size(); ++i) {
      switch (dtype) {
        case DType::kFloat32: t.data_as<float>()[i] = static_cast<float>(elements[i]); break;
        case DType::kFloat64: t.data_as<double>()[i] = elements[i]; break;
        case DType::kInt64: t.data_as<int64_t>()[i] = static_cast<int64_t>(elements[i]); break;
        default: t.data_as<uint8_t>()[i] = static_cast<uint8_t>(elements[i]);
      }
    }
    return Value(t);
  };
  for (const DType a : {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kUInt8, DType::kBool}) {
    for (const DType b : {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kUInt8, DType::kBool}) {
      EXPECT_TRUE(equals(tensor({2}, a, {0, 1}), tensor({2}, b, {0, 1})));
      EXPECT_FALSE(equals(tensor({2}, a, {0, 1}), tensor({2}, b, {0, 0})));
      EXPECT_FALSE(equals(tensor({2}, a, {0, 1}), tensor({1, 2}, b, {0, 1})));
    }
  }
  EXPECT_FALSE(equals(tensor({1}, DType::kInt64, {1}), Value(1)));
  EXPECT_FALSE(equals(Value(Tensor()), tensor({1}, DType::kInt64, {1})));
}

}  // namespace
}  // namespace tine
