#include "src/rpc/weight.h"

#include <gtest/gtest.h>

#include <limits>

#include "src/rpc/wire/value_codec.h"
#include "tine/foreign.h"
#include "tine/tensor.h"

namespace tine::rpc {
namespace {

constexpr int64_t kMuch = std::numeric_limits<int64_t>::max();

int64_t weight_of(const Value& value, Weight weight) {
  int64_t budget = kMuch;
  EXPECT_TRUE(takes_at_most(value, weight, &budget));
  return kMuch - budget;
}

Value list(std::vector<Value> items) { return Value(detail::make_ref<List>(std::move(items))); }
Value payload(size_t bytes, std::vector<Value> leaves = {}) {
  return detail::Ref<Foreign>(
      detail::make_ref<ForeignPayload>(std::vector<std::byte>(bytes), std::move(leaves)));
}

TEST(Weight, ATensorIsHeldWholeAndDoesNotGoIntoABody) {
  const Value million = Tensor::empty(std::vector<int64_t>{250'000}, DType::kFloat32);
  EXPECT_EQ(weight_of(million, Weight::kHeld), 16 + 1'000'000);
  EXPECT_EQ(weight_of(million, Weight::kBody), 16 + 64);
  EXPECT_EQ(weight_of(million, Weight::kCopied), 16 + 64);
}

TEST(Weight, WhatIsLargeTravelsBesideTheBodyButAPickleWasCopied) {
  const Value text(std::string(kInlineTextBytes + 1, 'x'));
  const Value pickle = payload(kInlineForeignBytes + 1);
  EXPECT_EQ(weight_of(text, Weight::kBody), 16 + 64);
  EXPECT_EQ(weight_of(text, Weight::kCopied), 16 + 64);
  EXPECT_EQ(weight_of(text, Weight::kHeld), 16 + int64_t{kInlineTextBytes} + 1);
  EXPECT_EQ(weight_of(pickle, Weight::kBody), 16 + 64);
  EXPECT_EQ(weight_of(pickle, Weight::kCopied), 16 + int64_t{kInlineForeignBytes} + 1);
  EXPECT_EQ(weight_of(pickle, Weight::kHeld), 16 + int64_t{kInlineForeignBytes} + 1);
  for (const Weight weight : {Weight::kBody, Weight::kCopied, Weight::kHeld}) {
    EXPECT_EQ(weight_of(Value(std::string(100, 'x')), weight), 116);
    EXPECT_EQ(weight_of(payload(100), weight), 116);
  }
}

TEST(Weight, ScriptCodeIsHeldWithItsText) {
  const auto code = [](size_t bytes) {
    return Value(detail::Ref<Foreign>(detail::make_ref<CodeValue>(
        std::make_shared<const ScriptCode>(ScriptCode{"hash", std::string(bytes, 'x')}))));
  };
  EXPECT_EQ(weight_of(code(1'000'000), Weight::kHeld), 16 + 1'000'000);
  EXPECT_EQ(weight_of(code(1'000'000), Weight::kBody), 16 + 64);
  EXPECT_EQ(weight_of(code(100), Weight::kBody), 16 + 100);
}

TEST(Weight, OfAContainerOrAPayloadIsThatOfAllThatIsInIt) {
  const auto dict = detail::make_ref<Dict>();
  dict->set("key", list({1, 2}));
  const Value in[] = {list({1, Value(dict)}), payload(0, {1, Value(dict)})};
  for (const Value& value : in) EXPECT_EQ(weight_of(value, Weight::kHeld), 16 * 7 + 3);
}

TEST(Weight, IsLookedAtUntilTheBudgetIsUsedUpAlsoOfAListThatHoldsItself) {
  int64_t budget = 100;
  EXPECT_FALSE(takes_at_most(list(std::vector<Value>(1000)), Weight::kBody, &budget));
  EXPECT_GT(budget, -20);
  auto knot = detail::make_ref<List>();
  knot->items = {Value(knot), Value(knot)};
  budget = 1 << 20;
  EXPECT_FALSE(takes_at_most(Value(knot), Weight::kHeld, &budget));
  knot->items.clear();
}

}  // namespace
}  // namespace tine::rpc
