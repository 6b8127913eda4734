// Reductions, matrix products, losses.
#include "src/tensor/kernels/reduce.h"

#include "src/tensor/kernels/linear.h"
#include "src/tensor/kernels/loss.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using C = OpContext&;
using T = const Tensor&;
using Dtype = std::optional<DType>;
using Dim = std::optional<int64_t>;

tensor::Reduction to_reduction(int64_t number) {
  if (number < 0 || number > 2) {
    throw ValueError("reduction " + std::to_string(number) + " is not one of 0 (none), 1 (mean) and 2 (sum)");
  }
  return static_cast<tensor::Reduction>(number);
}

tensor::Reduction to_reduction(const std::string& name) {
  if (name == "none") return tensor::Reduction::kNone;
  if (name == "mean") return tensor::Reduction::kMean;
  if (name == "sum") return tensor::Reduction::kSum;
  throw ValueError(name + " is not a valid value for reduction; there are none, mean and sum");
}

// By number as in aten, by name as in torch.nn.functional.
#define TINE_LOSS(name, kernel, cost)                                                                    \
  rows.pure(                                                                                             \
      cost, "aten::" #name "(Tensor self, Tensor target, int reduction=1) -> Tensor",                    \
      [](C c, T a, T target, int64_t how) { return tensor::kernel(c, a, target, to_reduction(how)); });  \
  rows.pure(cost, "aten::" #name ".functional(Tensor input, Tensor target, *, str reduction) -> Tensor", \
            [](C c, T a, T target, const std::string& how) {                                             \
              return tensor::kernel(c, a, target, to_reduction(how));                                    \
            })

}  // namespace

void add_reduce_rows(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFold, "aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](C c, T a, Dtype d) { return tensor::sum(c, a, {}, false, d); });
  rows.pure(cost::kReduce, "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", [](C c, T a, const Ints& dims, bool keep, Dtype d) { return tensor::sum(c, a, dims, keep, d); });
  rows.pure(cost::kFold, "aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](C c, T a, Dtype d) { return tensor::mean(c, a, {}, false, d); });
  rows.pure(cost::kReduce, "aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", [](C c, T a, const Ints& dims, bool keep, Dtype d) { return tensor::mean(c, a, dims, keep, d); });
  rows.pure(cost::kReduce, "aten::prod(Tensor self) -> Tensor", [](C c, T a) { return tensor::prod(c, a); });
  rows.pure(cost::kReduce, "aten::prod.dim_int(Tensor self, int dim, bool keepdim=False) -> Tensor", [](C c, T a, int64_t dim, bool keep) { return tensor::prod(c, a, dim, keep); });
  rows.pure(cost::kFold, "aten::any(Tensor self) -> Tensor", [](C c, T a) { return tensor::any(c, a); });
  rows.pure(cost::kReduce, "aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", [](C c, T a, int64_t dim, bool keep) { return tensor::any(c, a, dim, keep); });
  rows.pure(cost::kFold, "aten::all(Tensor self) -> Tensor", [](C c, T a) { return tensor::all(c, a); });
  rows.pure(cost::kReduce, "aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", [](C c, T a, int64_t dim, bool keep) { return tensor::all(c, a, dim, keep); });
  rows.pure(cost::kFold, "aten::max(Tensor self) -> Tensor", [](C c, T a) { return tensor::max(c, a); });
  rows.pure(cost::kReduce, "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", [](C c, T a, int64_t dim, bool keep) { return tensor::max(c, a, dim, keep); });
  rows.pure(cost::kEach, "aten::max.other(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::maximum(c, a, b); });
  rows.pure(cost::kFold, "aten::min(Tensor self) -> Tensor", [](C c, T a) { return tensor::min(c, a); });
  rows.pure(cost::kReduce, "aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", [](C c, T a, int64_t dim, bool keep) { return tensor::min(c, a, dim, keep); });
  rows.pure(cost::kEach, "aten::min.other(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::minimum(c, a, b); });
  rows.pure(cost::kReduce, "aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", [](C c, T a, Dim dim, bool keep) { return tensor::argmax(c, a, dim, keep); });
  rows.pure(cost::kReduce, "aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", [](C c, T a, Dim dim, bool keep) { return tensor::argmin(c, a, dim, keep); });
  rows.pure(cost::kReduceSlowly, "aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", [](C c, T a, int64_t dim, Dtype d) { return tensor::softmax(c, a, dim, d); });
  rows.pure(cost::kReduceSlowly, "aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", [](C c, T a, int64_t dim, Dtype d) { return tensor::log_softmax(c, a, dim, d); });
  rows.pure(cost::kReduce, "aten::equal(Tensor self, Tensor other) -> bool", [](C c, T a, T b) { return tensor::equal(c, a, b); });
  rows.pure(cost::kEachSlowly, "aten::allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool", [](C c, T a, T b, double rtol, double atol, bool nan) { return tensor::allclose(c, a, b, rtol, atol, nan); });

  rows.pure(cost::kMatmul, "aten::matmul(Tensor self, Tensor other) -> Tensor", [](C c, T a, T b) { return tensor::matmul(c, a, b); });
  rows.pure(cost::kMatmul, "aten::mm(Tensor self, Tensor mat2) -> Tensor", [](C c, T a, T b) { return tensor::mm(c, a, b); });
  rows.pure(cost::kMatmul, "aten::bmm(Tensor self, Tensor mat2) -> Tensor", [](C c, T a, T b) { return tensor::bmm(c, a, b); });
  rows.pure(cost::kMatmul, "aten::mv(Tensor self, Tensor vec) -> Tensor", [](C c, T a, T b) { return tensor::mv(c, a, b); });
  rows.pure(cost::kMatmul, "aten::dot(Tensor self, Tensor tensor) -> Tensor", [](C c, T a, T b) { return tensor::dot(c, a, b); });
  rows.pure(cost::kLinear, "aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", [](C c, T x, T weight, Tensor bias) { return tensor::linear(c, x, weight, bias); });
  rows.pure(cost::kAddmm, "aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", [](C c, T a, T x, T y, Scalar beta, Scalar alpha) { return tensor::add(c, tensor::mul(c, a, beta), tensor::mm(c, x, y), alpha); });

  TINE_LOSS(nll_loss, nll_loss, cost::kReduceSlowly);
  TINE_LOSS(cross_entropy, cross_entropy, cost::kReduceSlowly);
  TINE_LOSS(cross_entropy_loss, cross_entropy, cost::kReduceSlowly);
  TINE_LOSS(mse_loss, mse_loss, cost::kEachSlowly);
  rows.pure(cost::kOneHot, "aten::one_hot(Tensor self, int num_classes=-1) -> Tensor", [](C c, T a, int64_t classes) { return tensor::one_hot(c, a, classes); });
  // clang-format on
}

}  // namespace tine::value
