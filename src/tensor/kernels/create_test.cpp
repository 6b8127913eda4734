#include "src/tensor/kernels/create.h"

#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "src/tensor/kernels/loss.h"
#include "src/tensor/kernels/reduce.h"
#include "src/tensor/testing.h"

namespace tine::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const KernelContext c;

TEST(Create, ConstantsRangesAndMatrices) {
  EXPECT_EQ(zeros(Dims1{2}).repr(), "tensor([0., 0.])");
  EXPECT_EQ(ones(Dims1{1, 2}, DType::kInt64).repr(), "tensor([[1, 1]])");
  EXPECT_EQ(full(Dims1{2}, 3).repr(), "tensor([3, 3])");
  EXPECT_EQ(full(Dims1{}, 0.5).repr(), "tensor(0.5000)");
  EXPECT_EQ(arange(0, 3).repr(), "tensor([0, 1, 2])");
  EXPECT_EQ(arange(3, 0, -2).repr(), "tensor([3, 1])");
  EXPECT_EQ(arange(0, 1, 0.25).repr(), "tensor([0.0000, 0.2500, 0.5000, 0.7500])");
  EXPECT_EQ(arange(2, 2).repr(), "tensor([], dtype=tine.int64)");
  EXPECT_EQ(linspace(0, 1, 3).repr(), "tensor([0.0000, 0.5000, 1.0000])");
  EXPECT_EQ(linspace(5, 9, 1).repr(), "tensor([5.])");
  EXPECT_EQ(eye(2, 3).repr(), "tensor([[1., 0., 0.],\n        [0., 1., 0.]])");
  EXPECT_EQ(ones_like(T({1, 2})).repr(), "tensor([1, 1])");
  EXPECT_EQ(full_like(T({1, 2}), 2, DType::kFloat64).repr(), "tensor([2., 2.], dtype=tine.float64)");
  const int64_t highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(arange(highest - 2, highest).numel(), 2);
  EXPECT_EQ(arange(std::numeric_limits<int64_t>::min(), highest, highest).numel(), 3);
}

// As PyTorch: the bounds and the step are truncated first.
TEST(Create, ARangeOfIntsCountsInInts) {
  EXPECT_EQ(arange(0, 2.5, 1, DType::kInt64).repr(), "tensor([0, 1])");
  EXPECT_EQ(arange(0.5, 5.5, 1.5, DType::kInt64).repr(), "tensor([0, 1, 2, 3, 4])");
  EXPECT_EQ(arange(0.9, -3.9, -1.9, DType::kInt64).repr(), "tensor([ 0, -1, -2])");
  EXPECT_EQ(arange(0, 2.5, 1, DType::kUInt8).repr(), "tensor([0, 1, 2], dtype=tine.uint8)");
  EXPECT_EQ(message_of<ValueError>([] { (void)arange(0.5, 3, 0.9, DType::kInt64); }),
            "arange: step must be nonzero");
  EXPECT_THAT(message_of<Error>([] { (void)arange(0, 1e19, 1e18, DType::kInt64); }),
              HasSubstr("cannot be converted to type int64_t"));
}

TEST(Create, ArgumentsThatMakeNoTensorAreNamed) {
  EXPECT_EQ(message_of<ValueError>([] { (void)arange(0, 3, 0); }), "arange: step must be nonzero");
  EXPECT_THAT(message_of<ValueError>([] { (void)arange(0, 3, -1); }),
              HasSubstr("inconsistent with step sign"));
  EXPECT_THAT(message_of<ValueError>([] { (void)arange(0.0, HUGE_VAL); }), HasSubstr("unsupported range"));
  EXPECT_THAT(message_of<ValueError>([] { (void)linspace(0, 1, -1); }), HasSubstr("non-negative, not -1"));
  EXPECT_THAT(message_of<ValueError>([] { (void)eye(-1); }), HasSubstr("greater or equal to 0, got -1"));
  EXPECT_THAT(message_of<ValueError>([] {
                (void)T({1, 2, 3}, {2, 2});
              }),
              HasSubstr("sizes [2, 2] need 4 numbers, but there are 3"));
  EXPECT_THAT(message_of<Error>([] { (void)rand(c, Dims1{1}); }), HasSubstr("need a generator"));
}

TEST(Create, ATensorOfNumbersTakesTheHighestCategoryAmongThem) {
  EXPECT_EQ(T({true, 2}).dtype(), DType::kInt64);
  EXPECT_EQ(T({true, 2, 0.5}).repr(), "tensor([1.0000, 2.0000, 0.5000])");
  EXPECT_EQ(T({true, false}).dtype(), DType::kBool);
  EXPECT_EQ(T({1, 0}, {2}, DType::kBool).repr(), "tensor([ True, False])");
  EXPECT_EQ(from_scalar(3).repr(), "tensor(3)");
}

TEST(Generator, TheSameSeedDrawsTheSameNumbersOnAnyNumberOfCores) {
  ReverseSplitter splitter;
  Generator a(7), b(7);
  const Tensor x = randn({&a, nullptr}, Dims1{100001});
  const Tensor y = randn({&b, &splitter}, Dims1{100001});
  EXPECT_GT(splitter.calls, 0);
  EXPECT_TRUE(equal(c, x, y));
  EXPECT_FALSE(equal(c, randn({&a, nullptr}, Dims1{100001}), x));
  a.manual_seed(7);
  EXPECT_TRUE(equal(c, randn({&a, nullptr}, Dims1{100001}), x));
  a.manual_seed(8);
  EXPECT_FALSE(equal(c, randn({&a, nullptr}, Dims1{100001}), x));
  EXPECT_EQ(a.initial_seed(), 8u);
  const uint64_t fresh = a.seed();
  EXPECT_EQ(fresh, a.initial_seed());
}

// Known answers of Philox4x32-10 from the paper's reference implementation.
TEST(Generator, IsPhilox) {
  EXPECT_THAT(Generator::block({0, 0}, 0), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
}

TEST(Generator, CallsFromSeveralThreadsNeverShareNumbers) {
  Generator g(1);
  std::vector<Tensor> drawn(4);
  {
    std::vector<std::jthread> threads;
    for (Tensor& t : drawn)
      threads.emplace_back([&g, &t] { t = randint({&g, nullptr}, 0, int64_t{1} << 62, Dims1{1000}); });
  }
  std::set<double> all;
  for (const Tensor& t : drawn)
    for (double v : elements(t)) all.insert(v);
  EXPECT_EQ(all.size(), 4000u);
}

TEST(Random, HasTheMomentsAndTheRangeOfItsDistribution) {
  Generator g(5);
  const KernelContext r{&g, nullptr};
  for (DType type : {DType::kFloat32, DType::kFloat64}) {
    const Tensor u = rand(r, Dims1{100000}, type);
    EXPECT_GE(min(c, u).item_as_double(), 0);
    EXPECT_LT(max(c, u).item_as_double(), 1);
    EXPECT_NEAR(mean(c, u).item_as_double(), 0.5, 0.005);
    const Tensor n = randn(r, Dims1{100000}, type);
    EXPECT_NEAR(mean(c, n).item_as_double(), 0, 0.02);
    EXPECT_NEAR(mean(c, square(c, n)).item_as_double(), 1, 0.03);
    EXPECT_TRUE(all(c, isfinite(c, n)).item_as_bool());
  }
  const Tensor i = randint(r, -3, 4, Dims1{10000});
  EXPECT_EQ(min(c, i).item_as_int(), -3);
  EXPECT_EQ(max(c, i).item_as_int(), 3);
  EXPECT_NEAR(mean(c, to(c, i, DType::kFloat64)).item_as_double(), 0, 0.1);
  const std::vector<double> p = elements(randperm(r, 1000));
  EXPECT_EQ(std::set<double>(p.begin(), p.end()).size(), 1000u);
  EXPECT_NE(p[0], 0);
  const Tensor strided = transpose(zeros(Dims1{3, 5}), 0, 1);
  uniform_(r, strided, 2, 3);
  EXPECT_GE(min(c, strided).item_as_double(), 2);
  EXPECT_THAT(message_of<ValueError>([&] { (void)randint(r, 3, 3, Dims1{1}); }), HasSubstr("from=3 >= to=3"));
  EXPECT_THAT(message_of<TypeError>([&] { (void)rand(r, Dims1{1}, DType::kInt64); }),
              HasSubstr("for 'int64'"));
  EXPECT_THAT(message_of<ValueError>([&] { normal_(r, zeros(Dims1{1}), 0, -1); }), HasSubstr("std=-1"));
}

TEST(Loss, CrossEntropyIsTheMeanNegativeLogProbabilityOfTheTargets) {
  const Tensor logits = T({1., 2., 3., 3., 2., 1.}, {2, 3});
  const Tensor target = T({2, 0});
  EXPECT_NEAR(cross_entropy(c, logits, target).item_as_double(), 0.40760597, 1e-6);
  EXPECT_NEAR(cross_entropy(c, logits, target, Reduction::kSum).item_as_double(), 0.81521194, 1e-6);
  EXPECT_THAT(cross_entropy(c, logits, target, Reduction::kNone).sizes(), ElementsAre(2));
  EXPECT_NEAR(mse_loss(c, T({1., 2.}), T({0., 0.})).item_as_double(), 2.5, 1e-6);
  EXPECT_EQ(one_hot(c, T({1, 0}), 3).repr(), "tensor([[0, 1, 0],\n        [1, 0, 0]])");
  EXPECT_THAT(one_hot(c, T({4, 0})).sizes(), ElementsAre(2, 5));
  EXPECT_THAT(message_of<IndexError>([&] {
                (void)nll_loss(c, logits, T({3, 0}));
              }),
              HasSubstr("Target 3 is out of bounds: there are 3 classes"));
  EXPECT_THAT(message_of<ShapeError>([&] { (void)nll_loss(c, logits, T({1})); }),
              HasSubstr("got input batch [2, 3] and target [1]"));
  EXPECT_THAT(message_of<TypeError>([&] {
                (void)nll_loss(c, logits, T({1., 0.}));
              }),
              HasSubstr("not float32"));
  EXPECT_THAT(message_of<IndexError>([&] { (void)one_hot(c, T({3}), 3); }), HasSubstr("3 is not below 3"));
}

TEST(Create, WithoutAnyElementIsNoError) {
  EXPECT_EQ(linspace(0, 1, 0).sizes()[0], 0);
  EXPECT_EQ(linspace(0, 1, 2).repr(), "tensor([0., 1.])");
  EXPECT_EQ(eye(0).numel(), 0);
  EXPECT_EQ(eye(0, 3).sizes()[1], 3);
  EXPECT_EQ(eye(3, 0).sizes()[0], 3);
  EXPECT_EQ(zeros(std::array<int64_t, 2>{0, 3}).numel(), 0);
}

}  // namespace
}  // namespace tine::tensor
