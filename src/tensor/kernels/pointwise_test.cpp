#include "src/tensor/kernels/pointwise.h"

#include <cmath>
#include <functional>
#include <limits>

#include "src/tensor/promote.h"
#include "src/tensor/testing.h"

namespace tine::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const KernelContext c;
const std::vector<DType> kTypes = {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kBool,
                                   DType::kUInt8};

// The element of a broadcast tensor at a row-major place of the wide shape.
double at(const Tensor& t, const std::vector<double>& flat, const Shape& wide, int64_t place) {
  int64_t index = 0, step = 1;
  const auto sizes = t.sizes();
  for (size_t d = wide.size(); d-- > 0;) {
    const int64_t coordinate = place % wide[d];
    place /= wide[d];
    const size_t missing = wide.size() - sizes.size();
    if (d < missing) continue;
    if (sizes[d - missing] != 1) index += coordinate * step;
    step *= sizes[d - missing];
  }
  return flat[static_cast<size_t>(index)];
}

TEST(Pointwise, AnyTwoLayoutsThatBroadcastGiveWhatALoopOverTheElementsGives) {
  const std::vector<std::pair<BinaryOp, std::function<double(double, double)>>> ops = {
      {BinaryOp::kAdd, [](double a, double b) { return a + b; }},
      {BinaryOp::kSub, [](double a, double b) { return a - b; }},
      {BinaryOp::kMul, [](double a, double b) { return a * b; }},
      {BinaryOp::kMaximum, [](double a, double b) { return std::max(a, b); }},
      {BinaryOp::kMinimum, [](double a, double b) { return std::min(a, b); }},
      {BinaryOp::kLt, [](double a, double b) { return a < b; }},
      {BinaryOp::kGe, [](double a, double b) { return a >= b; }},
      {BinaryOp::kEq, [](double a, double b) { return a == b; }},
      {BinaryOp::kLogicalXor, [](double a, double b) { return (a != 0) != (b != 0); }},
  };
  Arbitrary any(1);
  ReverseSplitter splitter;
  for (int round = 0; round < 3000; ++round) {
    const Dims1 sizes = any.sizes();
    Dims1 other = sizes;
    for (int64_t& n : other)
      if (any.number(0, 3) == 0) n = 1;
    while (!other.empty() && any.number(0, 3) == 0) other.erase(other.begin());
    const std::vector<DType> types = {DType::kFloat32, DType::kFloat64, DType::kInt64};
    const Tensor a = any.of(sizes, types[static_cast<size_t>(any.number(0, 2))]);
    const Tensor b = any.of(other, types[static_cast<size_t>(any.number(0, 2))]);
    const auto& [op, expected] =
        ops[static_cast<size_t>(any.number(0, static_cast<int64_t>(ops.size()) - 1))];
    const KernelContext context{nullptr, any.number(0, 1) ? &splitter : nullptr};
    const Shape wide(sizes.begin(), sizes.end());  // the other has the same sizes, or 1, or none
    const Tensor ab = binary(context, op, a, b);
    ASSERT_EQ(Shape(ab.sizes().begin(), ab.sizes().end()), wide);
    const std::vector<double> x = elements(a), y = elements(b), z = elements(ab);
    for (int64_t i = 0; i < ab.numel(); ++i)
      ASSERT_EQ(z[static_cast<size_t>(i)], expected(at(a, x, wide, i), at(b, y, wide, i))) << name_of(op);
  }
}

TEST(Pointwise, ALargeTensorIsSplitAndTheResultIsTheSame) {
  ReverseSplitter splitter;
  const KernelContext many{nullptr, &splitter};
  const Tensor a = view(arange(0, 600000, 1, DType::kFloat32), Dims1{1000, 600});
  const Tensor row = select(a, 0, 3);
  const Tensor sum = add(many, a, row);
  EXPECT_GT(splitter.calls, 0);
  EXPECT_EQ(elements(sum), elements(add(c, a, row)));
  EXPECT_EQ(elements(tanh(many, t(a))), elements(tanh(c, t(a))));
  EXPECT_EQ(elements(lt(many, a, Scalar(1000))), elements(lt(c, a, Scalar(1000))));
}

TEST(Pointwise, ResultsLieInMemoryAsTheirInputsDo) {
  const auto strides = [](const Tensor& t) { return Dims1(t.strides().begin(), t.strides().end()); };
  const Tensor x = permute(view(arange(0, 24, 1, DType::kFloat32), Dims1{2, 3, 4}), Dims1{2, 0, 1});
  EXPECT_FALSE(x.is_contiguous());
  for (const Tensor& y : {add(c, x, x), add(c, x, Scalar(1)), neg(c, x), lt(c, x, x), clone(c, x),
                          to(c, x, DType::kInt64), where(c, gt(c, x, Scalar(3)), x, x), zeros_like(x)})
    EXPECT_EQ(strides(y), strides(x));
  // Gaps close; the order stays.
  EXPECT_EQ(strides(neg(c, slice(x, 0, 0, 4, 2))), (Dims1{1, 6, 2}));
  // The first operand that tells two dimensions apart decides; repeated ones tell nothing.
  EXPECT_EQ(strides(add(c, contiguous(c, x), x)), (Dims1{6, 3, 1}));
  EXPECT_EQ(strides(add(c, zeros(Dims1{3}), x)), (Dims1{1, 12, 4}));
  EXPECT_EQ(strides(neg(c, expand(zeros(Dims1{3, 1}), Dims1{3, 4}))), (Dims1{4, 1}));
  EXPECT_TRUE(contiguous(c, x).is_contiguous());
  EXPECT_EQ(elements(add(c, x, Scalar(1))), elements(add(c, contiguous(c, x), Scalar(1))));
}

TEST(Pointwise, ShapesThatDoNotBroadcastAreBothNamed) {
  EXPECT_EQ(message_of<ShapeError>([] { (void)add(c, zeros(Dims1{3}), zeros(Dims1{4})); }),
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0; the "
            "shapes are "
            "[3] and [4]");
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)add(c, zeros(Dims1{2, 3}), zeros(Dims1{5, 2, 4}));
            }),
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 2; the "
            "shapes are "
            "[2, 3] and [5, 2, 4]");
  // Of several the last, as PyTorch.
  EXPECT_THAT(message_of<ShapeError>([] {
                (void)add(c, zeros(Dims1{4, 3}), zeros(Dims1{3, 4}));
              }),
              HasSubstr("tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"));
}

TEST(Promotion, ATensorWithDimensionsOutranksOneWithoutWhichOutranksANumber) {
  const Tensor i = T({1, 2});
  const Tensor f = T({1., 2.});
  const Tensor d = T({1., 2.}, {2}, DType::kFloat64);
  const Tensor b = T({true, false});
  EXPECT_EQ(add(c, i, Scalar(1.5)).repr(), "tensor([2.5000, 3.5000])");
  EXPECT_EQ(add(c, f, Scalar(2.0)).dtype(), DType::kFloat32);
  EXPECT_EQ(add(c, f, Scalar(2)).dtype(), DType::kFloat32);
  EXPECT_EQ(add(c, b, Scalar(2)).repr(), "tensor([3, 2])");
  EXPECT_EQ(add(c, b, b).dtype(), DType::kBool);
  EXPECT_EQ(add(c, f, d).dtype(), DType::kFloat64);
  EXPECT_EQ(add(c, f, Tensor::scalar(1.0, DType::kFloat64)).dtype(), DType::kFloat32);
  EXPECT_EQ(add(c, i, Tensor::scalar(1.0, DType::kFloat64)).dtype(), DType::kFloat64);
  EXPECT_EQ(add(c, i, f).dtype(), DType::kFloat32);
  EXPECT_EQ(add(c, Tensor::scalar(int64_t{1}), f).dtype(), DType::kFloat32);
  EXPECT_EQ(div(c, i, i).repr(), "tensor([1., 1.])");
  EXPECT_EQ(div(c, i, Scalar(2)).repr(), "tensor([0.5000, 1.0000])");
  EXPECT_EQ(exp(c, T({0, 0})).dtype(), DType::kFloat32);
  EXPECT_EQ(promote(DType::kUInt8, DType::kBool), DType::kUInt8);
}

TEST(Pointwise, IntegerDivisionRoundsDownAndTheRemainderHasTheDivisorsSign) {
  const Tensor a = T({7, -7, 7, -7, 6});
  const Tensor b = T({3, 3, -3, -3, 3});
  EXPECT_THAT(elements(floor_divide(c, a, b)), ElementsAre(2, -3, -3, 2, 2));
  EXPECT_THAT(elements(remainder(c, a, b)), ElementsAre(1, 2, -2, -1, 0));
  EXPECT_THAT(elements(floor_divide(c, T({7., -7., -0.5}), Scalar(2))), ElementsAre(3, -4, -1));
  EXPECT_THAT(elements(remainder(c, T({7.5, -7.5}), Scalar(2))), ElementsAre(1.5, 0.5));
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(floor_divide(c, T({lowest}), Scalar(-1)).item_as_int(), lowest);
  EXPECT_EQ(remainder(c, T({lowest}), Scalar(-1)).item_as_int(), 0);
  EXPECT_THAT(message_of<ZeroDivisionError>([] {
                (void)floor_divide(c, T({1, 2}), T({1, 0}));
              }),
              HasSubstr("integer division or modulo by zero"));
  EXPECT_THAT(message_of<ZeroDivisionError>([] {
                (void)remainder(c, T({1, 2}), Scalar(0));
              }),
              HasSubstr("by zero"));
  EXPECT_EQ(div(c, T({1., -1., 0.}), Scalar(0)).repr(), "tensor([inf, -inf, nan])");
}

TEST(Pointwise, IntegersWrapAroundAndPowersOfIntegersStayIntegers) {
  const int64_t highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(add(c, T({highest}), Scalar(1)).item_as_int(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(neg(c, T({std::numeric_limits<int64_t>::min()})).item_as_int(),
            std::numeric_limits<int64_t>::min());
  EXPECT_THAT(elements(pow(c, T({2, -3, 0}), Scalar(3))), ElementsAre(8, -27, 0));
  EXPECT_THAT(elements(pow(c, T({1, -1, 2}), T({-3, -3, -3}))), ElementsAre(1, -1, 0));
  EXPECT_EQ(message_of<ValueError>([] { (void)pow(c, T({2}), Scalar(-1)); }),
            "Integers to negative integer powers are not allowed.");
  EXPECT_THAT(elements(pow(c, T({4., 9.}), Scalar(0.5))), ElementsAre(2, 3));
  EXPECT_THAT(elements(pow(c, T({2., 3.}), Scalar(3))), ElementsAre(8, 27));
  EXPECT_THAT(elements(pow(c, Scalar(2), T({3, 4}))), ElementsAre(8, 16));
}

TEST(Pointwise, AlphaScalesTheSecondOperandAndMustFitTheDtype) {
  EXPECT_THAT(elements(add(c, T({1, 2}), T({10, 20}), 3)), ElementsAre(31, 62));
  EXPECT_THAT(elements(sub(c, T({1., 2.}), T({10., 20.}), 0.5)), ElementsAre(-4, -8));
  EXPECT_THAT(elements(add(c, T({1, 2}), Scalar(10), 3)), ElementsAre(31, 32));
  EXPECT_THAT(elements(rsub(c, T({1, 2}), Scalar(10), 3)), ElementsAre(7, 4));
  EXPECT_THAT(elements(rsub(c, T({1, 2}), T({5, 5}))), ElementsAre(4, 3));
  EXPECT_EQ(message_of<TypeError>([] { (void)add(c, T({1}), T({1}), 1.5); }),
            "For integral input tensors, argument alpha must not be a floating point number.");
  EXPECT_EQ(message_of<TypeError>([] { (void)add(c, T({1}), T({1}), true); }),
            "Boolean alpha only supported for Boolean results.");
}

TEST(Pointwise, OperatorsThatADtypeDoesNotHaveSaySo) {
  const Tensor b = T({true, false});
  EXPECT_THAT(message_of<TypeError>([&] { (void)sub(c, b, b); }),
              HasSubstr("Subtraction, the `-` operator, with two bool tensors is not supported"));
  EXPECT_THAT(message_of<TypeError>([&] {
                (void)sub(c, T({1, 2}), b);
              }),
              HasSubstr("Subtraction, the `-` operator, with a bool tensor is not supported"));
  EXPECT_THAT(message_of<TypeError>([&] { (void)neg(c, b); }),
              HasSubstr("Negation, the `-` operator, on a bool tensor is not supported"));
  EXPECT_THAT(message_of<TypeError>([] { (void)bitwise_and(c, T({1.}), T({1.})); }),
              HasSubstr("\"bitwise_and\" not implemented for 'float32'"));
  EXPECT_THAT(
      message_of<TypeError>([] {
        (void)where(c, T({1, 0}), T({1}), T({2}));
      }),
      HasSubstr("where expected condition to be a boolean tensor, but got a tensor with dtype int64"));
  EXPECT_THAT(message_of<ValueError>([] { (void)clamp(c, T({1}), {}, {}); }), HasSubstr("at least one"));
}

TEST(InPlace, WritesIntoTheTensorAndItsViewsAndKeepsTheDtype) {
  const Tensor t = T({1., 2., 3., 4.}, {2, 2});
  add_(c, select(t, 1, 0), T({10, 20}));
  EXPECT_THAT(elements(t), ElementsAre(11, 2, 23, 4));
  mul_(c, t, Scalar(2));
  EXPECT_THAT(elements(t), ElementsAre(22, 4, 46, 8));
  sub_(c, t, T({1., 2.}), 2);
  EXPECT_THAT(elements(t), ElementsAre(20, 0, 44, 4));
  div_(c, t, Scalar(4));
  EXPECT_THAT(elements(t), ElementsAre(5, 0, 11, 1));
  add_(c, t, T({1., 1.}, {2}, DType::kFloat64));
  EXPECT_EQ(t.dtype(), DType::kFloat32);
  lt_(c, t, Scalar(5));
  EXPECT_THAT(elements(t), ElementsAre(0, 1, 0, 1));
  zero_(c, t);
  EXPECT_THAT(elements(t), ElementsAre(0, 0, 0, 0));
}

TEST(InPlace, OverlappingOperandsAreReadBeforeTheyAreWritten) {
  const Tensor t = T({1, 2, 3, 4, 5});
  add_(c, slice(t, 0, 1, 5), slice(t, 0, 0, 4));
  EXPECT_THAT(elements(t), ElementsAre(1, 3, 5, 7, 9));
  const Tensor m = T({1, 2, 3, 4}, {2, 2});
  copy_(c, m, transpose(m, 0, 1));
  EXPECT_THAT(elements(m), ElementsAre(1, 3, 2, 4));
  add_(c, m, m);
  EXPECT_THAT(elements(m), ElementsAre(2, 6, 4, 8));
}

TEST(InPlace, RefusesResultsThatDoNotFitTheTensor) {
  EXPECT_THAT(message_of<TypeError>([] { add_(c, T({1}), Scalar(1.5)); }),
              HasSubstr("result type float32 can't be cast to the desired output type int64"));
  EXPECT_THAT(message_of<TypeError>([] { div_(c, T({1}), Scalar(2)); }), HasSubstr("float32 can't be cast"));
  EXPECT_EQ(message_of<ShapeError>([] {
              add_(c, zeros(Dims1{3}), zeros(Dims1{2, 3}));
            }),
            "output with shape [3] doesn't match the broadcast shape [2, 3]");
  EXPECT_THAT(message_of<ValueError>([] { add_(c, expand(zeros(Dims1{1}), Dims1{3}), Scalar(1)); }),
              HasSubstr("more than one element of the written-to tensor refers to a single memory location"));
}

TEST(Pointwise, NaNWinsInMaximumMinimumReluAndClamp) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor a = T({nan, 1., nan, 2.});
  const Tensor b = T({1., nan, nan, 3.});
  EXPECT_EQ(maximum(c, a, b).repr(), "tensor([nan, nan, nan, 3.])");
  EXPECT_EQ(minimum(c, a, b).repr(), "tensor([nan, nan, nan, 2.])");
  EXPECT_EQ(relu(c, T({nan, -1., 2.})).repr(), "tensor([nan, 0., 2.])");
  EXPECT_EQ(clamp(c, T({nan, -9., 9., 0.5}), Scalar(-1), Scalar(1)).repr(),
            "tensor([    nan, -1.0000,  1.0000,  0.5000])");
}

TEST(Pointwise, WhereTakesEachElementFromOneOfTwoAndBroadcastsAllThree) {
  const Tensor r = where(c, T({true, false}, {2, 1}), T({1, 2, 3}), Tensor::scalar(0.5, DType::kFloat32));
  EXPECT_EQ(r.repr(), "tensor([[1.0000, 2.0000, 3.0000],\n        [0.5000, 0.5000, 0.5000]])");
}

TEST(Conversion, EveryDtypeConvertsToEveryOther) {
  Arbitrary any(3);
  for (DType from : kTypes) {
    for (DType to_type : kTypes) {
      const Tensor a = abs(c, any.of({3, 4}, DType::kInt64));
      const Tensor x = to(c, a, from);
      const Tensor y = to(c, x, to_type);
      EXPECT_EQ(y.dtype(), to_type);
      std::vector<double> expected = elements(x);
      if (to_type == DType::kBool)
        for (double& v : expected) v = v != 0;
      EXPECT_EQ(elements(y), expected);
    }
  }
  EXPECT_THAT(elements(to(c, T({1.9, -1.9, 0.3}), DType::kInt64)), ElementsAre(1, -1, 0));
  const Tensor same = T({1., 2.});
  EXPECT_EQ(to(c, same, DType::kFloat32).impl(), same.impl());
}

TEST(Empty, EveryOperatorTakesEmptyTensorsAndTensorsWithoutDimensions) {
  for (DType type : kTypes) {
    const Tensor none = zeros(Dims1{0, 3}, type);
    EXPECT_THAT(add(c, none, none).sizes(), ElementsAre(0, 3));
    EXPECT_THAT(add(c, none, zeros(Dims1{1}, type)).sizes(), ElementsAre(0, 3));
    EXPECT_THAT(eq(c, none, Scalar(1)).sizes(), ElementsAre(0, 3));
    EXPECT_THAT(exp(c, none).sizes(), ElementsAre(0, 3));
    EXPECT_EQ(add(c, Tensor::scalar(true), zeros({}, type)).dim(), 0);
    fill_(c, none, 1);
    copy_(c, none, none);
  }
}

}  // namespace
}  // namespace tine::tensor
