#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/value/ops/ops.h"
#include "tine/functions.h"
#include "tine/runtime.h"

namespace tine {
namespace {

using testing::HasSubstr;

template <class F>
std::string told(F f) {
  try {
    f();
  } catch (const Error& e) {
    return describe(std::current_exception());
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Operators, ACallByNameRunsInItsRuntimesContext) {
  Runtime mine({.num_threads = 2});
  EXPECT_EQ(mine.ops().call<Tensor>("aten::rand", std::vector{3}).numel(), 3);
  OpTable alone;
  add_builtin_operators(alone);
  EXPECT_EQ(alone.call<Tensor>("aten::ones", std::vector{3}).numel(), 3);
  EXPECT_EQ(told([&] { (void)alone.call("aten::rand", std::vector{3}); }),
            "RuntimeError: random numbers need a generator, and this context has none");
}

TEST(Operators, TypedAndNamedCallsAreTheSameOperators) {
  const OpTable& ops = Runtime::instance().ops();
  const Tensor x = arange(6), y = view(x, {2, 3});
  EXPECT_TRUE(equal(add(x, 2), ops.call<Tensor>("aten::add", x, 2)));
  EXPECT_TRUE(equal(sum(y, {0, 1}), ops.call<Tensor>("aten::sum", y)));
  EXPECT_TRUE(
      equal(sum(y, 1, true), ops.call<Tensor>("aten::sum", y, Keyword("keepdim", true), Keyword("dim", 1))));
  EXPECT_EQ(numel(y), ops.call<int64_t>("aten::numel", y));
  EXPECT_EQ(size(y), ops.call<std::vector<int64_t>>("aten::size", y));
}

TEST(Operators, DefaultsAreThoseOfTheSchema) {
  const Tensor x = full({2}, 3), y = full({2}, 4);
  EXPECT_TRUE(equal(add(x, y), full({2}, 7)));
  EXPECT_TRUE(equal(add(x, y, 10), full({2}, 43)));
  EXPECT_EQ(zeros({2, 2}).dtype(), DType::kFloat32);
  EXPECT_EQ(zeros({2, 2}, DType::kInt64).dtype(), DType::kInt64);
  EXPECT_EQ(zeros({2}, std::nullopt, "cpu").numel(), 2);
  EXPECT_TRUE(equal(clamp(arange(4), std::nullopt, 2), clamp_max(arange(4), 2)));
}

TEST(Operators, AnOverloadThatWouldTakeTheSameArgumentsLeavesThemToTheEarlierOne) {
  EXPECT_EQ(arange(2, 5).numel(), 3);     // arange.start
  EXPECT_EQ(arange(2, 6, 2).numel(), 2);  // arange.start_step
  EXPECT_TRUE(equal(sum(ones({2, 2})), scalar_tensor(4.0)));
  const auto [values, indices] = max(arange(5), 0);
  EXPECT_EQ(indices.item_as_int(), 4);
  EXPECT_EQ(max(arange(5)).item_as_int(), 4);
}

TEST(Operators, IntListsOptionalsAndListsOfTensorsAreTaken) {
  const Tensor x = arange(6);
  const std::vector<int64_t> sizes = {3, 2};
  EXPECT_EQ(dim(view(x, sizes)), 2);
  EXPECT_EQ(dim(reshape(x, ones({2, 3}).sizes())), 2);
  EXPECT_EQ(numel(zeros({})), 1);
  EXPECT_EQ(numel(zeros(5)), 5);
  EXPECT_EQ(numel(cat({x, x, x})), 18);
  EXPECT_EQ(unbind(view(x, sizes)).size(), 3u);
  const Tensor w = ones({1, 6}, DType::kInt64);
  EXPECT_TRUE(equal(linear(x, w), full({1}, 15, DType::kInt64)));
  EXPECT_TRUE(equal(linear(x, w, full({1}, 1, DType::kInt64)), full({1}, 16, DType::kInt64)));
  EXPECT_TRUE(equal(index(x, {slice(arange(3), 0, 1)}), slice(arange(3), 0, 1)));
}

TEST(Operators, OneThatWritesChangesItsArgumentAndReturnsIt) {
  const Tensor x = zeros({2});
  const Tensor same = add_(x, ones({2}), 3);
  EXPECT_EQ(same.impl(), x.impl());
  EXPECT_TRUE(equal(x, full({2}, 3.0)));
}

TEST(Operators, ArgumentsAreLentAndResultsAreTheCallersAlone) {
  const Tensor x = ones({2});
  const Tensor y = neg(x);
  EXPECT_EQ(x.impl()->references(), 1u);
  EXPECT_EQ(y.impl()->references(), 1u);
}

TEST(Operators, AnUndefinedTensorIsAnErrorThatNamesTheArgument) {
  EXPECT_EQ(told([] { (void)add(ones({2}), Tensor()); }),
            "TypeError: aten::add(): argument 'other' must be a tensor, but it is undefined; expected "
            "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
  EXPECT_THAT(told([] {
                (void)linear(ones({2}), ones({2, 2}), std::optional(Tensor()));
              }),
              HasSubstr("argument 'bias'"));
  EXPECT_THAT(told([] { (void)cat({ones({2}), Tensor()}); }), HasSubstr("undefined"));
}

TEST(Operators, WhatAnOperatorThrowsReachesTheCaller) {
  EXPECT_THROW((void)matmul(ones({2, 3}), ones({2, 3})), ShapeError);
  EXPECT_THROW((void)select(ones({2}), 0, 5), IndexError);
  EXPECT_THROW((void)zeros({2}, std::nullopt, "cuda"), ValueError);
}

TEST(Operators, AnOperatorThatTheLibraryLacksIsNamed) {
  EXPECT_EQ(told([] { (void)detail::builtin("aten::add.Tensors"); }),
            "NameError: this libtine has no operator 'aten::add.Tensors': it and the headers are of "
            "different versions");
}

}  // namespace
}  // namespace tine
