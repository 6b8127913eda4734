// Each comparison row of numbers, texts and bools, over pairs at the edges: what exact arithmetic says.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "src/value/op_context.h"
#include "src/value/ops/ops.h"
#include "tine/operators.h"

namespace tine::value {
namespace {

// Holds every int and every float of 64 bits as it is.
using Exact = long double;
static_assert(std::numeric_limits<Exact>::digits >= 64);

constexpr int64_t kInts[] = {std::numeric_limits<int64_t>::min(),
                             -(int64_t{1} << 53) - 1,
                             -1,
                             0,
                             1,
                             2,
                             int64_t{1} << 53,
                             (int64_t{1} << 53) + 1,
                             std::numeric_limits<int64_t>::max()};
const double kFloats[] = {-std::numeric_limits<double>::infinity(),
                          -9223372036854775808.0,
                          -9007199254740992.0,
                          -1.5,
                          -1,
                          -0.0,
                          0,
                          0.5,
                          1,
                          2,
                          9007199254740992.0,
                          9223372036854774784.0,
                          9223372036854775808.0,
                          std::numeric_limits<double>::infinity(),
                          std::numeric_limits<double>::quiet_NaN()};

Exact exact(const Value& v) {
  return v.is_float() ? static_cast<Exact>(v.as_float()) : static_cast<Exact>(v.as_int());
}

template <class T>
bool expected(const std::string& op, const T& a, const T& b) {
  if (op == "lt") return a < b;
  if (op == "le") return a <= b;
  if (op == "gt") return a > b;
  if (op == "ge") return a >= b;
  return op == "eq" ? a == b : a != b;
}

class Comparison : public testing::TestWithParam<const char*> {
 protected:
  Comparison() { add_builtin_operators(table_); }
  bool run(const std::string& row, const Value& a, const Value& b) {
    const std::string name = std::string("aten::") + GetParam() + row;
    const Op* const op = table_.find(name);
    EXPECT_TRUE(op && op->schema.full_name() == name) << name;
    const Value args[] = {a, b};
    OpContext context;
    return call(*op, context, args).as_bool();
  }
  OpTable table_;
};

TEST_P(Comparison, OfNumbersIsExactInEachRow) {
  std::vector<Value> ints, floats;
  for (const int64_t i : kInts) ints.emplace_back(i);
  for (const double d : kFloats) floats.emplace_back(d);
  const auto all = [&](const char* row, const std::vector<Value>& left, const std::vector<Value>& right) {
    for (const Value& a : left) {
      for (const Value& b : right)
        EXPECT_EQ(run(row, a, b), expected(GetParam(), exact(a), exact(b)))
            << GetParam() << row << " " << a.repr() << ", " << b.repr();
    }
  };
  all(".int", ints, ints);
  all(".float", floats, floats);
  all(".int_float", ints, floats);
  all(".float_int", floats, ints);
  for (const std::vector<Value>* a : {&ints, &floats}) {
    for (const std::vector<Value>* b : {&ints, &floats}) all("", *a, *b);
  }
}

TEST_P(Comparison, OfTextsAndBoolsIsTheirOrder) {
  for (const char* a : {"", "a", "aa", "b"}) {
    for (const char* b : {"", "a", "aa", "b"})
      EXPECT_EQ(run(".str", Value(a), Value(b)), expected<std::string>(GetParam(), a, b)) << a << ", " << b;
  }
  for (const bool a : {false, true}) {
    for (const bool b : {false, true})
      EXPECT_EQ(run(".bool", Value(a), Value(b)), expected(GetParam(), a, b));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Comparison, testing::Values("lt", "le", "gt", "ge", "eq", "ne"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tine::value
