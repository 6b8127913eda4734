#include "src/tensor/kernels/shape.h"

#include "src/tensor/kernels/reduce.h"
#include "src/tensor/testing.h"

namespace tine::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const KernelContext c;

TEST(Shape, ReshapeKeepsTheOrderOfTheElementsAndIsAViewWhereOneCanBe) {
  Arbitrary any(31);
  for (int round = 0; round < 3000; ++round) {
    const Tensor a = any.of(any.sizes(), DType::kInt64);
    Dims1 to;
    int64_t rest = a.numel();
    if (rest == 0) to = {0, any.number(0, 3)};
    while (rest > 1) {
      int64_t f = any.number(1, rest);
      while (rest % f) --f;
      to.push_back(f);
      rest /= f;
    }
    Dims1 open = to;
    if (!open.empty() && a.numel())
      open[static_cast<size_t>(any.number(0, static_cast<int64_t>(open.size()) - 1))] = -1;
    const Tensor r = reshape(c, a, open);
    ASSERT_THAT(r.sizes(), ::testing::ElementsAreArray(to));
    ASSERT_EQ(elements(r), elements(a));
    bool can_view = true;
    try {
      const Tensor v = view(a, to);
      ASSERT_EQ(elements(v), elements(a));
    } catch (const ShapeError&) {
      can_view = false;
    }
    ASSERT_EQ(can_view, r.shares_storage_with(a));
    if (a.is_contiguous()) {
      ASSERT_TRUE(can_view);
    }
  }
}

TEST(Shape, SizesThatDoNotFitAreNamed) {
  const Tensor a = zeros(Dims1{5});
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)view(a, Dims1{2, 3});
            }),
            "shape '[2, 3]' is invalid for input of size 5");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)view(a, Dims1{2, -1});
            }),
            "shape '[2, -1]' is invalid for input of size 5");
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)view(a, Dims1{-1, -1});
              }),
              HasSubstr("only one dimension can be inferred"));
  EXPECT_EQ(message_of<ShapeError>([&] { (void)view(a, Dims1{-2}); }), "invalid shape dimension -2 in [-2]");
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)reshape(c, zeros(Dims1{0}), Dims1{-1, 0});
              }),
              HasSubstr("ambiguous"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)view(t(zeros(Dims1{2, 3})), Dims1{6});
              }),
              HasSubstr("Use .reshape(...) instead."));
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)expand(zeros(Dims1{2, 3}), Dims1{2, 4});
            }),
            "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension "
            "1.  Target "
            "sizes: [2, 4].  Tensor sizes: [2, 3]");
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)expand(zeros(Dims1{2, 3}), Dims1{3});
              }),
              HasSubstr("the number of sizes provided (1) must be greater or equal"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)expand(zeros(Dims1{3}), Dims1{-1, 3});
              }),
              HasSubstr("isn't allowed in a leading, non-existing dimension 0"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)t(zeros(Dims1{1, 1, 1}));
              }),
              HasSubstr("<= 2 dimensions, but self is 3D"));
  EXPECT_THAT(message_of<ShapeError>([&] { (void)permute(a, Dims1{0, 1}); }), HasSubstr("input.dim() = 1"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)permute(zeros(Dims1{1, 1}), Dims1{0, -2});
              }),
              HasSubstr("duplicate dims"));
  EXPECT_THAT(message_of<IndexError>([&] { (void)unsqueeze(a, 3); }), HasSubstr("[-2, 1], but got 3"));
}

TEST(Shape, SqueezeUnsqueezeFlattenTransposePermuteExpand) {
  const Tensor a = T({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  EXPECT_THAT(squeeze(a).sizes(), ElementsAre(2, 3));
  EXPECT_THAT(squeeze(a, 0).sizes(), ElementsAre(2, 3));
  EXPECT_THAT(squeeze(a, 1).sizes(), ElementsAre(1, 2, 3));
  EXPECT_THAT(unsqueeze(a, -1).sizes(), ElementsAre(1, 2, 3, 1));
  EXPECT_THAT(flatten(c, a).sizes(), ElementsAre(6));
  EXPECT_THAT(flatten(c, a, 1).sizes(), ElementsAre(1, 6));
  EXPECT_THAT(flatten(c, a, 0, 1).sizes(), ElementsAre(2, 3));
  EXPECT_THAT(flatten(c, Tensor::scalar(true)).sizes(), ElementsAre(1));
  EXPECT_THAT(elements(transpose(a, 1, 2)), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(permute(a, Dims1{2, 0, 1}).sizes(), ElementsAre(3, 1, 2));
  EXPECT_THAT(elements(expand(T({1, 2}, {2, 1}), Dims1{2, 2, 3})),
              ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
  EXPECT_THAT(expand(a, Dims1{4, -1, 3}).sizes(), ElementsAre(4, 2, 3));
  EXPECT_THAT(message_of<ShapeError>([&] { (void)flatten(c, a, 2, 1); }),
              HasSubstr("start_dim (2) cannot come after"));
  EXPECT_EQ(contiguous(c, a).impl(), a.impl());
}

TEST(Indexing, SelectAndSliceFollowPython) {
  const Tensor a = T({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(select(a, 0, -1).item_as_int(), 5);
  EXPECT_THAT(elements(slice(a, 0, 1, 4)), ElementsAre(1, 2, 3));
  EXPECT_THAT(elements(slice(a, 0, -2, {})), ElementsAre(4, 5));
  EXPECT_THAT(elements(slice(a, 0, {}, -4)), ElementsAre(0, 1));
  EXPECT_THAT(elements(slice(a, 0, {}, {}, 4)), ElementsAre(0, 4));
  EXPECT_EQ(slice(a, 0, 4, 2).numel(), 0);
  EXPECT_EQ(slice(a, 0, 100, 200).numel(), 0);
  EXPECT_EQ(message_of<IndexError>([&] { (void)select(a, 0, 6); }),
            "select(): index 6 out of range for tensor of size [6] at dimension 0");
  EXPECT_EQ(message_of<IndexError>([] { (void)select(Tensor::scalar(true), 0, 0); }),
            "select() cannot be applied to a 0-dim tensor.");
  EXPECT_EQ(message_of<ValueError>([&] { (void)slice(a, 0, {}, {}, 0); }),
            "slice step must be positive, not 0");
  EXPECT_EQ(message_of<IndexError>([&] { (void)narrow(a, 0, 4, 3); }),
            "start (4) + length (3) exceeds dimension size (6).");
}

TEST(Indexing, SplitChunkAndUnbindCutATensorIntoViews) {
  const Tensor a = T({0, 1, 2, 3, 4});
  const auto parts = split(a, 2);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_THAT(elements(parts[2]), ElementsAre(4));
  EXPECT_EQ(chunk(a, 3).size(), 3u);
  EXPECT_EQ(unbind(a).size(), 5u);
  EXPECT_TRUE(unbind(a)[3].shares_storage_with(a));
  EXPECT_THAT(message_of<ValueError>([&] { (void)split(a, 0); }), HasSubstr("split_size=0"));
  EXPECT_THAT(message_of<ValueError>([&] { (void)chunk(a, 0); }), HasSubstr("greater than 0, got: 0"));
}

TEST(Joining, CatAndStackPutTensorsBesideEachOther) {
  const Tensor a = T({1, 2, 3, 4}, {2, 2});
  const Tensor b = T({5., 6.}, {1, 2});
  const std::vector<Tensor> both{a, b};
  EXPECT_EQ(cat(c, both).repr(), "tensor([[1., 2.],\n        [3., 4.],\n        [5., 6.]])");
  EXPECT_EQ(cat(c, std::vector<Tensor>{a, transpose(a, 0, 1)}, -1).repr(),
            "tensor([[1, 2, 1, 3],\n        [3, 4, 2, 4]])");
  EXPECT_THAT(stack(c, std::vector<Tensor>{a, a}, 1).sizes(), ElementsAre(2, 2, 2));
  EXPECT_EQ(stack(c, std::vector<Tensor>{Tensor::scalar(int64_t{1}), Tensor::scalar(int64_t{2})}).repr(),
            "tensor([1, 2])");
  EXPECT_THAT(elements(cat(c, std::vector<Tensor>{T({}, {0}), a})), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(
      message_of<ShapeError>([&] { (void)cat(c, both, 1); }),
      HasSubstr(
          "Sizes of tensors must match except in dimension 1. Expected size 2 but got size 1 for tensor "
          "number 1 in the list"));
  EXPECT_THAT(
      message_of<ShapeError>([&] { (void)stack(c, both); }),
      HasSubstr(
          "stack expects each tensor to be equal size, but got [2, 2] at entry 0 and [1, 2] at entry 1"));
  EXPECT_THAT(message_of<ValueError>([&] { (void)cat(c, {}); }),
              HasSubstr("expected a non-empty list of Tensors"));
  EXPECT_THAT(message_of<ShapeError>([&] { (void)cat(c, std::vector<Tensor>{Tensor::scalar(true)}); }),
              HasSubstr("zero-dimensional tensor (at position 0) cannot be concatenated"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                (void)cat(c, std::vector<Tensor>{a, T({1, 2})});
              }),
              HasSubstr("Tensors must have same number of dimensions: got 2 and 1"));
}

TEST(Indexing, ByTensorsAndMasks) {
  const Tensor a = T({0, 1, 2, 3, 4, 5}, {3, 2});
  EXPECT_EQ(index(c, a, T({2, -3})).repr(), "tensor([[4, 5],\n        [0, 1]])");
  EXPECT_EQ(index(c, a, T({0, 1, 1, 2}, {2, 2})).dim(), 3);
  EXPECT_EQ(index(c, a, T({true, false, true})).repr(), "tensor([[0, 1],\n        [4, 5]])");
  EXPECT_EQ(index(c, a, gt(c, a, Scalar(2))).repr(), "tensor([3, 4, 5])");
  EXPECT_EQ(index(c, a, std::vector<Tensor>{T({0, 2}), T({1, 0})}).repr(), "tensor([1, 4])");
  EXPECT_EQ(index(c, a, std::vector<Tensor>{{}, T({1})}).repr(), "tensor([[1],\n        [3],\n        [5]])");
  EXPECT_EQ(index_select(c, a, 1, T({1, 1})).repr(), "tensor([[1, 1],\n        [3, 3],\n        [5, 5]])");
  EXPECT_EQ(gather(c, a, 1, T({1, 0, 1}, {3, 1})).repr(), "tensor([[1],\n        [2],\n        [5]])");
  EXPECT_EQ(masked_select(c, a, T({true, false})).repr(), "tensor([0, 2, 4])");
  EXPECT_EQ(message_of<IndexError>([&] { (void)index(c, a, T({3})); }),
            "index 3 is out of bounds for dimension 0 with size 3");
  EXPECT_THAT(message_of<IndexError>([&] {
                (void)index(c, a, T({true, false}));
              }),
              HasSubstr("The shape of the mask [2] at index 0 does not match the shape of the indexed tensor "
                        "[3, 2] at index 0"));
  EXPECT_THAT(message_of<IndexError>([&] { (void)index(c, a, T({1.})); }),
              HasSubstr("int64 or bool tensors, not float32"));
  EXPECT_THAT(message_of<IndexError>([&] {
                (void)index(c, a, std::vector<Tensor>{T({0}), T({0}), T({0})});
              }),
              HasSubstr("too many indices for tensor of dimension 2"));
  EXPECT_THAT(message_of<IndexError>([&] {
                (void)index(c, a, std::vector<Tensor>{T({0, 1}), T({0, 1, 1})});
              }),
              HasSubstr("could not be broadcast together with shapes [2] and [3]"));
  EXPECT_THAT(message_of<TypeError>([&] { (void)index_select(c, a, 0, T({1.})); }),
              HasSubstr("Expected dtype int64 for index"));
}

TEST(Indexing, PutWritesWhereIndexReads) {
  Arbitrary any(41);
  for (int round = 0; round < 500; ++round) {
    const Tensor a = any.of({any.number(1, 4), any.number(1, 4), any.number(1, 4)}, DType::kInt64);
    std::vector<Tensor> by;
    for (int64_t d = 0; d < 3; ++d) {
      if (any.number(0, 1)) {
        by.emplace_back();
        continue;
      }
      Tensor i = any.of({any.number(0, 1) ? 1 : 3}, DType::kInt64);
      by.push_back(remainder(c, i, Scalar(a.size(d))));
    }
    const Tensor read = index(c, a, by);
    index_put_(c, a, by, Tensor::scalar(int64_t{77}));
    ASSERT_TRUE(all(c, eq(c, index(c, a, by), Scalar(77))).item_as_bool());
    int64_t written = 0;
    for (double v : elements(a)) written += v == 77;
    ASSERT_LE(written, read.numel());
  }
  const Tensor a = zeros(Dims1{3}, DType::kInt64);
  index_put_(c, a, std::vector<Tensor>{T({0, 0, 2})}, T({1, 2, 5}), true);
  EXPECT_EQ(a.repr(), "tensor([3, 0, 5])");
  EXPECT_THAT(message_of<ShapeError>([&] {
                index_put_(c, a, std::vector<Tensor>{T({0, 1})}, T({1, 2, 3}));
              }),
              HasSubstr("value tensor of shape [3] cannot be broadcast to indexing result of shape [2]"));
}

}  // namespace
}  // namespace tine::tensor
