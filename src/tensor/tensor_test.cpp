#include "tine/tensor.h"
#include "src/base/testing/kept_tasks.h"

#include <cmath>
#include <limits>
#include <vector>

#include "src/base/sanitized.h"
#include "src/future/trimming.h"
#include "src/tensor/testing.h"
#include "tine/detail/waiting.h"

namespace tine::tensor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Tensor, ANewTensorIsContiguousAndOneBlockHoldsFieldsAndElements) {
  const Tensor t = Tensor::empty(Dims1{2, 3, 4}, DType::kFloat32);
  EXPECT_THAT(t.sizes(), ElementsAre(2, 3, 4));
  EXPECT_THAT(t.strides(), ElementsAre(12, 4, 1));
  EXPECT_EQ(t.numel(), 24);
  EXPECT_TRUE(t.is_contiguous());
  EXPECT_TRUE(t.is_writable());
  const char* impl = reinterpret_cast<const char*>(t.impl());
  EXPECT_GE(static_cast<const char*>(t.data()), impl);
  EXPECT_LT(static_cast<const char*>(t.data()), impl + 256);
}

TEST(Tensor, ElementsStartOnACacheLineFrom256BytesOnAndOn16BytesBelow) {
  for (int64_t n : {1, 8, 63, 64, 65, 1000, 100000}) {
    for (int64_t dims = 1; dims < 6; ++dims) {
      Dims1 sizes(static_cast<size_t>(dims), 1);
      sizes.back() = n;
      const Tensor t = Tensor::empty(sizes, DType::kFloat32);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(t.data()) % (n >= 64 ? 64 : 16), 0u) << n << " " << dims;
    }
  }
}

TEST(Tensor, ViewsShareTheStorageAndKeepItAliveWhenTheFirstTensorIsGone) {
  Tensor row;
  {
    const Tensor t = T({1, 2, 3, 4}, {2, 2});
    row = select(t, 0, 1);
    EXPECT_TRUE(row.shares_storage_with(t));
    EXPECT_EQ(row.storage_offset(), 2);
    fill_({}, row, 7);
    EXPECT_THAT(elements(t), ElementsAre(1, 2, 7, 7));
  }
  EXPECT_THAT(elements(row), ElementsAre(7, 7));
}

TEST(Tensor, LentMemoryIsReleasedOnceWhenTheLastViewIsGone) {
  float memory[6] = {0, 1, 2, 3, 4, 5};
  int released = 0;
  Tensor view;
  {
    const Tensor t =
        Tensor::from_blob(memory, Dims1{2, 3}, Dims1{3, 1}, DType::kFloat32, [&] { ++released; });
    view = transpose(t, 0, 1);
  }
  EXPECT_EQ(released, 0);
  EXPECT_THAT(elements(view), ElementsAre(0, 3, 1, 4, 2, 5));
  view = {};
  EXPECT_EQ(released, 1);
}

TEST(Tensor, ReadOnlyMemoryIsReadButNeverWritten) {
  float memory[2] = {1, 2};
  const Tensor t = Tensor::from_blob(memory, Dims1{2}, Dims1{1}, DType::kFloat32, {}, false);
  EXPECT_FALSE(t.is_writable());
  EXPECT_FALSE(select(t, 0, 0).is_writable());
  EXPECT_THAT(message_of<ValueError>([&] { add_({}, t, Scalar(1)); }), HasSubstr("read-only"));
  EXPECT_THAT(message_of<ValueError>([&] { copy_({}, t, T({3, 4})); }), HasSubstr("clone() it first"));
  EXPECT_TRUE(clone({}, t).is_writable());
}

TEST(Tensor, AnUndefinedTensorIsAnErrorAndNotACrash) {
  const Tensor none;
  EXPECT_FALSE(none.defined());
  EXPECT_THAT(message_of<ValueError>([&] { (void)none.sizes(); }), HasSubstr("undefined Tensor"));
  EXPECT_THAT(message_of<ValueError>([&] { (void)add({}, none, T({1})); }), HasSubstr("undefined Tensor"));
  EXPECT_EQ(none.repr(), "tensor(<undefined>)");
}

TEST(Tensor, SizesThatCannotBeAreNamed) {
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)Tensor::empty(Dims1{2, -1}, DType::kBool);
            }),
            "Trying to create tensor with negative dimension -1: [2, -1]");
  EXPECT_THAT(message_of<ShapeError>([] {
                (void)Tensor::empty(Dims1{1ll << 40, 1ll << 40}, DType::kBool);
              }),
              HasSubstr("more bytes than can be addressed"));
  EXPECT_THAT(message_of<ShapeError>([] { (void)Tensor::empty(Dims1(65, 1), DType::kBool); }),
              HasSubstr("at most 64 dimensions, not 65"));
  EXPECT_THAT(
      message_of<ErrorOf<ErrorKind::kMemory>>([] { (void)Tensor::empty(Dims1{1ll << 55}, DType::kFloat64); }),
      HasSubstr("not enough memory for a float64 tensor of sizes [36028797018963968]"));
}

TEST(Tensor, AnEmptyDimensionMakesAnEmptyTensorWhateverTheOthers) {
  const Tensor t = Tensor::empty(Dims1{3, 0, 1ll << 62}, DType::kFloat64);
  EXPECT_EQ(t.numel(), 0);
  EXPECT_TRUE(t.is_contiguous());
}

TEST(Tensor, ASizeIsAskedForByDimensionAlsoFromTheEnd) {
  const Tensor t = T({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(t.size(0), 2);
  EXPECT_EQ(t.size(-1), 3);
  EXPECT_EQ(message_of<IndexError>([&] { (void)t.size(2); }),
            "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  EXPECT_EQ(message_of<IndexError>([] { (void)Tensor::scalar(true).size(0); }),
            "dimension specified as 0 but tensor has no dimensions");
}

TEST(Tensor, AsStridedNeverReachesBeyondTheStorage) {
  const Tensor t = T({0, 1, 2, 3, 4, 5});
  EXPECT_THAT(elements(t.as_strided(Dims1{2, 2}, Dims1{3, 1}, 1)), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(elements(select(t, 0, 5).as_strided(Dims1{2}, Dims1{1}, 0)), ElementsAre(0, 1));
  EXPECT_THAT(message_of<IndexError>([&] {
                (void)t.as_strided(Dims1{2, 2}, Dims1{3, 1}, 3);
              }),
              HasSubstr("reach beyond a storage of 6 elements"));
  EXPECT_THAT(message_of<IndexError>([&] { (void)t.as_strided(Dims1{2}, Dims1{1}, -1); }),
              HasSubstr("offset -1"));
  EXPECT_THAT(message_of<IndexError>([&] { (void)t.as_strided(Dims1{1ll << 40}, Dims1{1ll << 40}, 0); }),
              HasSubstr("beyond"));
}

TEST(Tensor, TheOnlyElementIsConvertedAndSeveralAreRefused) {
  EXPECT_EQ(Tensor::scalar(2.75, DType::kFloat32).item_as_int(), 2);
  EXPECT_EQ(Tensor::scalar(int64_t{3}).item_as_double(), 3.0);
  EXPECT_TRUE(T({0.5}, {1, 1, 1}).item_as_bool());
  EXPECT_FALSE(T({0.0}).item_as_bool());
  EXPECT_THAT(message_of<ValueError>([] {
                (void)T({1, 2}).item_as_double();
              }),
              HasSubstr("only one element tensors can be converted to Python scalars"));
  EXPECT_THAT(message_of<ValueError>([] {
                (void)T({1, 2}).item_as_bool();
              }),
              HasSubstr("Boolean value of Tensor with more than one value is ambiguous"));
  EXPECT_THAT(message_of<ValueError>([] { (void)T({}, {0}).item_as_bool(); }),
              HasSubstr("no values is ambiguous"));
  EXPECT_EQ(message_of<ValueError>([] { (void)T({NAN}).item_as_int(); }),
            "cannot convert float NaN to integer");
  EXPECT_EQ(message_of<OverflowError>([] { (void)T({-HUGE_VAL}).item_as_int(); }),
            "cannot convert float infinity to integer");
  EXPECT_THAT(message_of<OverflowError>([] { (void)T({1e30}, {}, DType::kFloat64).item_as_int(); }),
              HasSubstr("does not fit a 64-bit integer"));
}

// ---- printing; the expected texts are what PyTorch 1.13 prints

struct Printed {
  Tensor tensor;
  std::string text;
};

TEST(Repr, PrintsWhatPyTorchPrints) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Printed> cases = {
      {T({3., 3.}), "tensor([3., 3.])"},
      {Tensor::scalar(int64_t{3}), "tensor(3)"},
      {Tensor::scalar(3.0, DType::kFloat32), "tensor(3.)"},
      {Tensor::scalar(0.5, DType::kFloat64), "tensor(0.5000, dtype=tine.float64)"},
      {Tensor::scalar(true), "tensor(True)"},
      {T({1., 2., 3., 4.}, {2, 2}), "tensor([[1., 2.],\n        [3., 4.]])"},
      {T({0.5, -1.25}), "tensor([ 0.5000, -1.2500])"},
      {T({true, false}), "tensor([ True, False])"},
      {T({1, -20, 300}), "tensor([  1, -20, 300])"},
      {T({1e-5, 1.0}), "tensor([1.0000e-05, 1.0000e+00])"},
      {T({1.5, 2000.0}), "tensor([1.5000e+00, 2.0000e+03])"},
      {T({1.5, 1000.0}), "tensor([   1.5000, 1000.0000])"},
      {T({1.0, 2000.0}), "tensor([1.0000e+00, 2.0000e+03])"},
      {T({1e9, 1e9}), "tensor([1.0000e+09, 1.0000e+09])"},
      {T({nan, 1.0}), "tensor([nan, 1.])"},
      {T({HUGE_VAL, -HUGE_VAL}), "tensor([inf, -inf])"},
      {T({nan, 1.5, HUGE_VAL}), "tensor([   nan, 1.5000,    inf])"},
      {T({0.0, -0.0}), "tensor([0., -0.])"},
      {T({}, {0}), "tensor([])"},
      {T({}, {0}, DType::kInt64), "tensor([], dtype=tine.int64)"},
      {T({}, {2, 0}), "tensor([], size=(2, 0))"},
      {T({}, {0, 3}, DType::kBool), "tensor([], size=(0, 3), dtype=tine.bool)"},
      {T({1, 2}, {2}, DType::kUInt8), "tensor([1, 2], dtype=tine.uint8)"},
      {T({1, 2, 3, 4}, {2, 1, 2}), "tensor([[[1, 2]],\n\n        [[3, 4]]])"},
      {arange(0, 1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"},
      {arange(0, 30),
       "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
       "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"},
      {zeros(Dims1{500, 3}),
       "tensor([[0., 0., 0.],\n        [0., 0., 0.],\n        [0., 0., 0.],\n        ...,\n        [0., 0., "
       "0.],\n"
       "        [0., 0., 0.],\n        [0., 0., 0.]])"},
      {transpose(T({1, 2, 3, 4}, {2, 2}), 0, 1), "tensor([[1, 3],\n        [2, 4]])"},
  };
  for (const Printed& c : cases) EXPECT_EQ(c.tensor.repr(), c.text);
}

TEST(Tensor, MemoryOf32KiBOrMoreIsUsedAgainWhateverWasFreedBeforeAndLessIsMallocs) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer is to see each use after the end";
  Recycler& recycler = Recycler::of_process();
  InlineExecutor here;
  Timer timer(here);
  const Trimming trimming(recycler, timer, std::chrono::hours(1));
  for (const DType dtype : {DType::kUInt8, DType::kBool, DType::kFloat32, DType::kInt64}) {
    const int64_t n = (64 << 10) / static_cast<int64_t>(size_of(dtype));
    const void* const data = Tensor::empty(Dims1{n / 16, 16}, dtype).data();
    const size_t kept = recycler.kept();
    EXPECT_GE(kept, size_t{64} << 10);
    (void)Tensor::empty(Dims1{n / 4}, dtype);
    EXPECT_EQ(recycler.kept(), kept);
    for (int64_t other = n; other < 40 * n; other += n) (void)Tensor::empty(Dims1{2 * other}, dtype);
    const Tensor again = Tensor::empty(Dims1{4, n / 4}, dtype);
    EXPECT_EQ(again.data(), data);
    const Tensor view = again.as_strided(Dims1{n}, Dims1{1}, 0);
    const size_t lent = recycler.kept();
    (void)Tensor(view);
    EXPECT_EQ(recycler.kept(), lent);
  }
}

TEST(Tensor, ALargeOneIsNotFreedByAThreadThatReads) {
  KeptTasks kept;
  {
    const detail::CallbackGate gate(kept);
    for (const int64_t n : {100, 40 << 20})  // more than is ever kept
      (void)Tensor::empty(Dims1{n}, DType::kFloat32);
  }
  ASSERT_EQ(kept.tasks.size(), 1u);
  kept.tasks[0]->run();
}

}  // namespace
}  // namespace tine::tensor
