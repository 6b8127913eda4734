#include "src/tensor/kernels/reduce.h"

#include <cmath>
#include <functional>
#include <map>

#include "src/tensor/testing.h"

namespace tine::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const KernelContext c;

// Groups the elements by their coordinates in the dimensions that are kept.
std::vector<std::vector<double>> groups(const Tensor& a, const std::vector<bool>& reduced) {
  const std::vector<double> flat = elements(a);
  std::map<std::vector<int64_t>, std::vector<double>> out;
  for (size_t i = 0; i < flat.size(); ++i) {
    std::vector<int64_t> key;
    int64_t rest = static_cast<int64_t>(i);
    for (size_t d = reduced.size(); d-- > 0;) {
      if (!reduced[d]) key.insert(key.begin(), rest % a.sizes()[d]);
      rest /= a.sizes()[d];
    }
    out[key].push_back(flat[i]);
  }
  std::vector<std::vector<double>> ordered;
  for (auto& [key, values] : out) ordered.push_back(values);
  return ordered;
}

double total(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x;
  return s;
}

TEST(Reduce, AnyDimensionsOfAnyLayoutGiveWhatALoopOverTheElementsGives) {
  Arbitrary any(5);
  ReverseSplitter splitter;
  for (int round = 0; round < 3000; ++round) {
    Dims1 sizes = any.sizes();
    for (int64_t& n : sizes) n = std::max<int64_t>(n, 1);
    const Tensor a = any.of(sizes, any.number(0, 1) ? DType::kFloat32 : DType::kInt64);
    const KernelContext context{nullptr, any.number(0, 1) ? &splitter : nullptr};
    std::vector<bool> reduced(sizes.size());
    Dims1 dims;
    for (size_t d = 0; d < sizes.size(); ++d) {
      reduced[d] = any.number(0, 1);
      if (reduced[d]) dims.push_back(static_cast<int64_t>(d) - (any.number(0, 1) ? a.dim() : 0));
    }
    if (dims.empty()) reduced.assign(reduced.size(), true);
    const bool keep = any.number(0, 1);
    const Tensor s = sum(context, a, dims, keep);
    std::vector<double> expected;
    for (const auto& g : groups(a, reduced)) expected.push_back(total(g));
    ASSERT_EQ(elements(s), expected);
    if (keep) {
      ASSERT_EQ(s.dim(), a.dim());
    }
    if (a.dtype() == DType::kFloat32) {
      const auto means = elements(mean(context, a, dims, keep));
      const auto all_groups = groups(a, reduced);
      for (size_t i = 0; i < means.size(); ++i)
        ASSERT_EQ(means[i],
                  static_cast<float>(total(all_groups[i]) / static_cast<double>(all_groups[i].size())));
    }
    if (dims.size() == 1) {
      const auto [values, places] = max(context, a, dims[0], keep);
      const auto lowest = min(context, a, dims[0], keep);
      const auto all_groups = groups(a, reduced);
      for (size_t i = 0; i < all_groups.size(); ++i) {
        const auto& g = all_groups[i];
        const auto top = std::max_element(g.begin(), g.end());
        const auto low = std::min_element(g.begin(), g.end());
        ASSERT_EQ(elements(values)[i], *top);
        ASSERT_EQ(elements(places)[i], static_cast<double>(top - g.begin()));
        ASSERT_EQ(elements(lowest.second)[i], static_cast<double>(low - g.begin()));
        ASSERT_EQ(elements(argmax(context, a, dims[0], keep))[i], static_cast<double>(top - g.begin()));
      }
      EXPECT_EQ(
          elements(any.number(0, 1) ? tensor::any(c, a, dims[0]) : tensor::any(context, a, dims[0])).size(),
          all_groups.size());
    }
  }
}

TEST(Reduce, SumsOfIntegersAndBoolsAreInt64AndOfFloatsKeepTheirDtype) {
  EXPECT_EQ(sum(c, T({1, 2, 3})).repr(), "tensor(6)");
  EXPECT_EQ(sum(c, T({true, true, false})).repr(), "tensor(2)");
  EXPECT_EQ(sum(c, T({200, 100}, {2}, DType::kUInt8)).repr(), "tensor(300)");
  EXPECT_EQ(sum(c, T({0.5, 1.})).dtype(), DType::kFloat32);
  EXPECT_EQ(sum(c, T({1, 2}), {}, false, DType::kFloat64).repr(), "tensor(3., dtype=tine.float64)");
  EXPECT_EQ(sum(c, T({}, {0})).repr(), "tensor(0.)");
  EXPECT_EQ(sum(c, zeros(Dims1{2, 0}), Dims1{1}).repr(), "tensor([0., 0.])");
  EXPECT_EQ(mean(c, T({}, {0})).repr(), "tensor(nan)");
  EXPECT_EQ(prod(c, T({2, 3, 4})).repr(), "tensor(24)");
  EXPECT_EQ(sum(c, Tensor::scalar(2.0, DType::kFloat32), Dims1{0}).repr(), "tensor(2.)");
}

TEST(Reduce, ALongSumIsExactToAFewUnitsAndIndependentOfTheCores) {
  ReverseSplitter splitter;
  Generator g(3);
  const Tensor a = rand({&g, nullptr}, Dims1{1000003});
  const float one = sum(c, a).data_as<float>()[0];
  const float many = sum({nullptr, &splitter}, a).data_as<float>()[0];
  EXPECT_GT(splitter.calls, 0);
  EXPECT_EQ(one, many);
  EXPECT_NEAR(one, total(elements(a)), 0.05);
  const Tensor tenths = full(Dims1{1000000}, 0.1);
  EXPECT_NEAR(sum(c, tenths).item_as_double(), 100000.0015, 0.2);
}

TEST(Reduce, TheExtremesOfAllElementsAndTheirPlaces) {
  const Tensor a = T({3, -1, 7, 7}, {2, 2});
  EXPECT_EQ(max(c, a).repr(), "tensor(7)");
  EXPECT_EQ(min(c, a).repr(), "tensor(-1)");
  EXPECT_EQ(argmax(c, a).repr(), "tensor(2)");
  EXPECT_EQ(argmin(c, transpose(a, 0, 1)).repr(), "tensor(2)");
  EXPECT_EQ(argmax(c, a, {}, true).repr(), "tensor([[2]])");
  EXPECT_EQ(max(c, T({true, false})).repr(), "tensor(True)");
  const Tensor long_row = sub(c, zeros(Dims1{1000}), Scalar(1));
  fill_(c, select(long_row, 0, 700), 5);
  EXPECT_EQ(argmax(c, long_row).item_as_int(), 700);
  fill_(c, select(long_row, 0, 300), std::nan(""));
  EXPECT_EQ(argmax(c, long_row).item_as_int(), 300);
  EXPECT_EQ(argmin(c, long_row).item_as_int(), 300);
  EXPECT_TRUE(std::isnan(max(c, long_row).item_as_double()));
}

TEST(Reduce, WhatCannotBeReducedIsSaid) {
  EXPECT_EQ(message_of<TypeError>([] {
              (void)mean(c, T({1, 2}));
            }),
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
            "dtype. Got: "
            "int64; convert with .to(float32) or pass dtype=float32");
  EXPECT_THAT(message_of<ValueError>([] { (void)max(c, T({}, {0})); }),
              HasSubstr("max(): Expected reduction dim to be specified for input.numel() == 0"));
  EXPECT_THAT(message_of<ValueError>([] { (void)argmin(c, T({}, {0})); }), HasSubstr("argmin(): Expected"));
  EXPECT_EQ(message_of<IndexError>([] {
              (void)max(c, zeros(Dims1{2, 0}), 1);
            }),
            "max(): Expected reduction dim 1 to have non-zero size.");
  EXPECT_EQ(message_of<IndexError>([] {
              (void)sum(c, zeros(Dims1{2, 2}), Dims1{1, -1});
            }),
            "dim 1 appears multiple times in the list of dims");
  EXPECT_EQ(message_of<IndexError>([] {
              (void)sum(c, zeros(Dims1{2, 2}), Dims1{2});
            }),
            "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  EXPECT_THAT(message_of<TypeError>([] {
                (void)softmax(c, T({1, 2}), 0);
              }),
              HasSubstr("\"softmax\" not implemented for 'int64'"));
}

TEST(Softmax, RowsAlongAnyDimensionSumToOneAndTheLogarithmAgrees) {
  Arbitrary any(9);
  ReverseSplitter splitter;
  for (int round = 0; round < 500; ++round) {
    Dims1 sizes = any.sizes(3);
    if (sizes.empty()) continue;
    const Tensor a = any.of(sizes, any.number(0, 1) ? DType::kFloat32 : DType::kFloat64);
    const int64_t d = any.number(-a.dim(), a.dim() - 1);
    const KernelContext context{nullptr, any.number(0, 1) ? &splitter : nullptr};
    const Tensor s = softmax(context, a, d);
    ASSERT_THAT(s.sizes(), ::testing::ElementsAreArray(a.sizes()));
    ASSERT_TRUE(allclose(c, log(c, s), log_softmax(context, a, d), 1e-4, 1e-5));
    if (a.numel() == 0) continue;
    ASSERT_TRUE(allclose(c, sum(c, s, Dims1{d}), ones_like(sum(c, s, Dims1{d}))));
    const Tensor e = exp(c, a);
    ASSERT_TRUE(allclose(c, s, div(c, e, sum(c, e, Dims1{d}, true)), 1e-5, 1e-7));
  }
}

TEST(Softmax, LargeArgumentsDoNotOverflow) {
  EXPECT_EQ(softmax(c, T({1000., 1000., -1000.}), 0).repr(), "tensor([0.5000, 0.5000, 0.0000])");
  EXPECT_EQ(log_softmax(c, T({1000., 0.}), 0).repr(), "tensor([    0., -1000.])");
  EXPECT_EQ(softmax(c, Tensor::scalar(3.0, DType::kFloat32), 0).repr(), "tensor(1.)");
  EXPECT_EQ(softmax(c, T({1, 2}), 0, DType::kFloat32).dtype(), DType::kFloat32);
}

TEST(Quantifiers, AnyAndAllOfNothingAreFalseAndTrue) {
  EXPECT_EQ(any(c, T({0., 2.})).repr(), "tensor(True)");
  EXPECT_EQ(all(c, T({0., 2.})).repr(), "tensor(False)");
  EXPECT_EQ(any(c, T({}, {0})).repr(), "tensor(False)");
  EXPECT_EQ(all(c, T({}, {0})).repr(), "tensor(True)");
  EXPECT_EQ(any(c, T({true, false, false, false}, {2, 2}), 1).repr(), "tensor([ True, False])");
  EXPECT_EQ(all(c, T({true, true, true, false}, {2, 2}), 0, true).repr(), "tensor([[ True, False]])");
}

TEST(Compare, EqualWantsTheSameSizesAndDtypeAndAllcloseTolerates) {
  EXPECT_TRUE(equal(c, T({1, 2}), T({1, 2})));
  EXPECT_FALSE(equal(c, T({1, 2}), T({1, 3})));
  EXPECT_FALSE(equal(c, T({1, 2}), T({1, 2}, {1, 2})));
  EXPECT_FALSE(equal(c, T({std::nan("")}), T({std::nan("")})));
  EXPECT_THAT(message_of<TypeError>([] { (void)equal(c, T({1}), T({1.})); }),
              HasSubstr("got int64 and float32"));
  EXPECT_TRUE(allclose(c, T({1., 1e6}), T({1.000001, 1e6 + 1})));
  EXPECT_FALSE(allclose(c, T({1.}), T({1.1})));
  EXPECT_FALSE(allclose(c, T({std::nan("")}), T({std::nan("")})));
  EXPECT_TRUE(allclose(c, T({std::nan("")}), T({std::nan("")}), 1e-5, 1e-8, true));
  EXPECT_TRUE(allclose(c, T({HUGE_VAL}), T({HUGE_VAL})));
  EXPECT_FALSE(allclose(c, T({HUGE_VAL}), T({1.}), 10, 10));
  EXPECT_THAT(message_of<ValueError>([] { (void)allclose(c, T({1.}), T({1.}), -1); }), HasSubstr("rtol"));
}

}  // namespace
}  // namespace tine::tensor
