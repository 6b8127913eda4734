#include "src/tensor/kernels/linear.h"

#include <cmath>

#include "src/tensor/kernels/reduce.h"
#include "src/tensor/testing.h"

namespace tine::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const KernelContext c;

// The product as the definition has it: multiply broadcast operands and sum.
Tensor by_definition(const Tensor& a, const Tensor& b) {
  const Tensor x = a.dim() == 1 ? unsqueeze(a, 0) : a;
  const Tensor y = b.dim() == 1 ? unsqueeze(b, 1) : b;
  Tensor r = sum(c, mul(c, unsqueeze(x, -1), unsqueeze(y, -3)), Dims1{-2});
  if (b.dim() == 1) r = squeeze(r, -1);
  if (a.dim() == 1) r = squeeze(r, b.dim() == 1 ? -1 : -2);
  return r;
}

TEST(Matmul, EveryCombinationOfDimensionsBatchesAndLayoutsFollowsTheDefinition) {
  Arbitrary any(21);
  ReverseSplitter splitter;
  for (int round = 0; round < 2000; ++round) {
    const int64_t k = any.number(0, 6);
    Dims1 a{k}, b{k};
    if (any.number(0, 3)) a.insert(a.begin(), any.number(0, 5));
    if (any.number(0, 3)) b.push_back(any.number(0, 5));
    Dims1 batch;
    for (int64_t n = any.number(0, 2); n > 0; --n) batch.push_back(any.number(1, 3));
    if (a.size() == 2)
      for (size_t i = batch.size(); i-- > 0 && any.number(0, 3);)
        a.insert(a.begin(), any.number(0, 2) ? batch[i] : 1);
    if (b.size() == 2)
      for (size_t i = batch.size(); i-- > 0 && any.number(0, 3);)
        b.insert(b.begin(), any.number(0, 2) ? batch[i] : 1);
    const DType types[] = {DType::kFloat32, DType::kFloat64, DType::kInt64};
    const DType type = types[any.number(0, 2)];
    const Tensor x = any.of(a, type);
    const Tensor y = any.of(b, type);
    const KernelContext context{nullptr, any.number(0, 1) ? &splitter : nullptr};
    const Tensor r = matmul(context, x, y);
    const Tensor expected = by_definition(x, y);
    ASSERT_THAT(r.sizes(), ::testing::ElementsAreArray(expected.sizes()))
        << to_string(a) << " @ " << to_string(b);
    ASSERT_TRUE(allclose(c, r, expected)) << to_string(a) << " @ " << to_string(b);
  }
}

TEST(Matmul, AnExpandedMatrixIsReadAsItsElements) {
  const Tensor row = T({1., 2., 3.});
  EXPECT_EQ(matmul(c, expand(row, Dims1{2, 3}), T({1., 1., 1.})).repr(), "tensor([6., 6.])");
  EXPECT_EQ(matmul(c, row, expand(T({2.}, {1, 1}), Dims1{3, 2})).repr(), "tensor([12., 12.])");
}

TEST(Matmul, ALargeProductIsSplitIntoPiecesOfRows) {
  use_one_blas_thread();  // as a Runtime does
  ReverseSplitter splitter;
  Generator g;
  const KernelContext one{&g, nullptr};
  const Tensor a = randn(one, Dims1{300, 200});
  const Tensor b = randn(one, Dims1{200, 100});
  EXPECT_TRUE(allclose(c, matmul({nullptr, &splitter}, a, b), matmul(c, a, b), 1e-4, 1e-4));
  EXPECT_TRUE(
      allclose(c, matmul({nullptr, &splitter}, t(contiguous(c, t(a))), b), matmul(c, a, b), 1e-4, 1e-4));
  EXPECT_EQ(splitter.calls, 2);
}

TEST(Matmul, ShapesAndDtypesThatDoNotFitAreNamed) {
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)matmul(c, zeros(Dims1{2, 3}), zeros(Dims1{4, 5}));
            }),
            "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5); the shapes are [2, 3] and [4, 5]");
  EXPECT_THAT(
      message_of<ShapeError>([] { (void)matmul(c, zeros(Dims1{3}), zeros(Dims1{4})); }),
      HasSubstr(
          "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements"));
  EXPECT_THAT(message_of<ShapeError>([] {
                (void)matmul(c, zeros(Dims1{2, 2, 3}), zeros(Dims1{3, 3, 4}));
              }),
              HasSubstr("the batch dimensions of [2, 2, 3] and [3, 3, 4] do not broadcast"));
  EXPECT_THAT(message_of<ShapeError>([] { (void)matmul(c, zeros({}), zeros(Dims1{4})); }),
              HasSubstr("both arguments to matmul need to be at least 1D, but they are 0D and 1D"));
  EXPECT_THAT(message_of<TypeError>([] { (void)matmul(c, T({1.}), T({1})); }), HasSubstr("float32 != int64"));
  EXPECT_THAT(message_of<TypeError>([] { (void)matmul(c, T({true}), T({true})); }),
              HasSubstr("not implemented for 'bool'"));
  EXPECT_THAT(message_of<ShapeError>([] { (void)mm(c, zeros(Dims1{2}), zeros(Dims1{2})); }),
              HasSubstr("mm: expected a 2-D and a 2-D tensor, but got sizes [2] and [2]"));
  EXPECT_THAT(message_of<ShapeError>([] {
                (void)bmm(c, zeros(Dims1{2, 1, 1}), zeros(Dims1{3, 1, 1}));
              }),
              HasSubstr("bmm: the batches of [2, 1, 1] and [3, 1, 1] differ"));
}

TEST(Matmul, AProductOverNothingIsZero) {
  EXPECT_EQ(matmul(c, zeros(Dims1{2, 0}), zeros(Dims1{0, 2})).repr(),
            "tensor([[0., 0.],\n        [0., 0.]])");
  EXPECT_THAT(matmul(c, zeros(Dims1{0, 3}), zeros(Dims1{3, 2})).sizes(), ElementsAre(0, 2));
}

TEST(Linear, MultipliesByTheTransposedWeightAndAddsTheBias) {
  const Tensor x = T({1., 2.}, {1, 2});
  const Tensor w = T({1., 0., 0., 1., 1., 1.}, {3, 2});
  EXPECT_EQ(linear(c, x, w).repr(), "tensor([[1., 2., 3.]])");
  EXPECT_EQ(linear(c, x, w, T({10., 20., 30.})).repr(), "tensor([[11., 22., 33.]])");
  EXPECT_EQ(dot(c, T({1, 2}), T({3, 4})).repr(), "tensor(11)");
  EXPECT_EQ(mv(c, w, T({1., 2.})).repr(), "tensor([1., 2., 3.])");
}

}  // namespace
}  // namespace tine::tensor
