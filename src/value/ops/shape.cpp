// Views, joining, indexing, and what a tensor says of itself.
#include "src/tensor/kernels/shape.h"

#include <fmt/format.h>

#include "src/tensor/kernels/pointwise.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using C = OpContext&;
using T = const Tensor&;
using I = int64_t;
using MaybeInt = std::optional<int64_t>;

int64_t length(const Tensor& a) {
  if (a.dim() == 0) throw TypeError("len() of a 0-d tensor");
  return a.size(0);
}

// `a, b = x`: the rows, which must be as many.
std::vector<Tensor> unpacked(const Tensor& a, int64_t count) {
  if (a.dim() == 0) throw TypeError("iteration over a 0-d tensor: it cannot be unpacked");
  const int64_t rows = a.size(0);
  if (rows != count)
    throw ValueError(fmt::format("{} values to unpack (expected {}, got {} rows of a tensor of sizes {})",
                                 rows < count ? "not enough" : "too many", count, rows,
                                 tensor::to_string(a.sizes())));
  return tensor::unbind(a);
}

void add_views(Rows& rows) {
  // clang-format off
  rows.view(cost::kFixed, "aten::view(Tensor(a) self, int[] size) -> Tensor(a)", [](T a, const Ints& sizes) { return tensor::view(a, sizes); });
  rows.view(cost::kFixed, "aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)", [](T a, T b) { return tensor::view(a, b.sizes()); });
  rows.view(cost::kCopy, "aten::reshape(Tensor(a) self, int[] shape) -> Tensor(a)", [](C c, T a, const Ints& sizes) { return tensor::reshape(c, a, sizes); });
  rows.view(cost::kCopy, "aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)", [](C c, T a, I start, I end) { return tensor::flatten(c, a, start, end); });
  rows.view(cost::kCopy, "aten::contiguous(Tensor(a) self) -> Tensor(a)", [](C c, T a) { return tensor::contiguous(c, a); });
  rows.view(cost::kFixed, "aten::detach(Tensor(a) self) -> Tensor(a)", [](T a) { return a; });
  rows.view(cost::kFixed, "aten::squeeze(Tensor(a) self) -> Tensor(a)", [](T a) { return tensor::squeeze(a); });
  rows.view(cost::kFixed, "aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)", [](T a, I dim) { return tensor::squeeze(a, dim); });
  rows.view(cost::kFixed, "aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", [](T a, I dim) { return tensor::unsqueeze(a, dim); });
  rows.view(cost::kFixed, "aten::expand(Tensor(a) self, int[] size) -> Tensor(a)", [](T a, const Ints& sizes) { return tensor::expand(a, sizes); });
  rows.view(cost::kFixed, "aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)", [](T a, T b) { return tensor::expand(a, b.sizes()); });
  rows.view(cost::kFixed, "aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", [](T a, const Ints& dims) { return tensor::permute(a, dims); });
  rows.view(cost::kFixed, "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", [](T a, I x, I y) { return tensor::transpose(a, x, y); });
  rows.view(cost::kFixed, "aten::t(Tensor(a) self) -> Tensor(a)", [](T a) { return tensor::t(a); });
  rows.view(cost::kFixed, "aten::numpy_T(Tensor(a) self) -> Tensor(a)", [](T a) {
    std::vector<int64_t> dims;
    for (int64_t d = a.dim(); d-- > 0;) dims.push_back(d);
    return tensor::permute(a, dims);
  });
  rows.view(cost::kFixed, "aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)", [](T a, I dim, I index) { return tensor::select(a, dim, index); });
  rows.view(cost::kFixed, "aten::slice.Tensor(Tensor(a) self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor(a)", [](T a, I dim, MaybeInt start, MaybeInt end, I step) { return tensor::slice(a, dim, start, end, step); });
  rows.view(cost::kFixed, "aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)", [](T a, I dim, I start, I n) { return tensor::narrow(a, dim, start, n); });
  rows.view(cost::kUnbind, "aten::unbind.int(Tensor(a) self, int dim=0) -> Tensor(a)[]", [](T a, I dim) { return tensor::unbind(a, dim); });
  rows.view(cost::kRows, "aten::__unpack(Tensor(a) self, int count) -> Tensor(a)[]", [](T a, I count) { return unpacked(a, count); });
  rows.view(cost::kSplit, "aten::split.Tensor(Tensor(a) self, int split_size, int dim=0) -> Tensor(a)[]", [](T a, I size, I dim) { return tensor::split(a, size, dim); });
  rows.view(cost::kChunk, "aten::chunk(Tensor(a) self, int chunks, int dim=0) -> Tensor(a)[]", [](T a, I chunks, I dim) { return tensor::chunk(a, chunks, dim); });
  // clang-format on
}

void add_copies(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFold, "aten::cat(Tensor[] tensors, int dim=0) -> Tensor", [](C c, const Tensors& list, I dim) { return tensor::cat(c, list, dim); });
  rows.pure(cost::kFold, "aten::concat(Tensor[] tensors, int dim=0) -> Tensor", [](C c, const Tensors& list, I dim) { return tensor::cat(c, list, dim); });
  rows.pure(cost::kFold, "aten::stack(Tensor[] tensors, int dim=0) -> Tensor", [](C c, const Tensors& list, I dim) { return tensor::stack(c, list, dim); });
  rows.pure(cost::kIndexSelect, "aten::index_select(Tensor self, int dim, Tensor index) -> Tensor", [](C c, T a, I dim, T index) { return tensor::index_select(c, a, dim, index); });
  rows.pure(cost::kGather, "aten::gather(Tensor self, int dim, Tensor index) -> Tensor", [](C c, T a, I dim, T index) { return tensor::gather(c, a, dim, index); });
  rows.pure(cost::kPick, "aten::masked_select(Tensor self, Tensor mask) -> Tensor", [](C c, T a, T mask) { return tensor::masked_select(c, a, mask); });
  rows.pure(cost::kIndex, "aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", [](C c, T a, const Tensors& indices) { return tensor::index(c, a, std::span<const Tensor>(indices)); });
  rows.write(cost::kIndex, "aten::index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor(a!)", [](C c, T a, const Tensors& indices, T values, bool add) { return tensor::index_put_(c, a, indices, values, add); });
  rows.pure(cost::kPick, "aten::nonzero(Tensor self) -> Tensor", [](C c, T a) { return tensor::nonzero(c, a); });
  // A number counts as a vector.
  rows.pure(cost::kPick, "aten::nonzero_numpy(Tensor self) -> Tensor[]", [](C c, T a) { return tensor::unbind(tensor::nonzero(c, a.dim() ? a : tensor::unsqueeze(a, 0)), 1); });
  rows.pure(cost::kEach, "aten::clone(Tensor self) -> Tensor", [](C c, T a) { return tensor::clone(c, a); });
  // clang-format on
}

void add_questions(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::size(Tensor self) -> int[]", [](T a) { const auto s = a.sizes(); return std::vector<int64_t>(s.begin(), s.end()); });
  rows.pure(cost::kFixed, "aten::size.int(Tensor self, int dim) -> int", [](T a, I dim) { return a.size(dim); });
  rows.pure(cost::kFixed, "aten::stride(Tensor self) -> int[]", [](T a) { const auto s = a.strides(); return std::vector<int64_t>(s.begin(), s.end()); });
  rows.pure(cost::kFixed, "aten::dim(Tensor self) -> int", [](T a) { return a.dim(); });
  rows.pure(cost::kFixed, "aten::numel(Tensor self) -> int", [](T a) { return a.numel(); });
  rows.pure(cost::kFixed, "aten::len.Tensor(Tensor t) -> int", [](T a) { return length(a); });
  rows.pure(cost::kFixed, "aten::is_contiguous(Tensor self) -> bool", [](T a) { return a.is_contiguous(); });
  rows.pure(cost::kFixed, "aten::is_floating_point(Tensor self) -> bool", [](T a) { return is_floating(a.dtype()); });
  rows.pure(cost::kFixed, "prim::dtype(Tensor a) -> ScalarType", [](T a) { return static_cast<int64_t>(a.dtype()); });
  rows.pure(cost::kFixed, "prim::device(Tensor a) -> Device", [](T) { return "cpu"; });
  rows.pure(cost::kFixed, "prim::requires_grad(Tensor a) -> bool", [](T) { return false; });
  rows.pure(cost::kFixed, "prim::is_leaf(Tensor a) -> bool", [](T) { return true; });
  rows.view(cost::kFixed, "prim::data(Tensor(a) a) -> Tensor(a)", [](T a) { return a; });
  // clang-format on
}

}  // namespace

void add_shape_rows(Rows& rows) {
  add_views(rows);
  add_copies(rows);
  add_questions(rows);
}

}  // namespace tine::value
