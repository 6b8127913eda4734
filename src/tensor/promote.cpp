#include "src/tensor/promote.h"

#include "src/tensor/tensor_impl.h"

namespace tine::tensor {
namespace {

int category(DType d) noexcept { return d == DType::kBool ? 0 : is_floating(d) ? 2 : 1; }

int rank(DType d) noexcept {
  switch (d) {
    case DType::kBool: return 0;
    case DType::kUInt8: return 1;
    case DType::kInt64: return 2;
    case DType::kFloat32: return 3;
    case DType::kFloat64: break;
  }
  return 4;
}

// `high` outranks `low` unless low is of a higher category.
DType combine(DType high, DType low) noexcept { return category(low) > category(high) ? low : high; }

}  // namespace

DType promote(DType a, DType b) noexcept { return rank(a) >= rank(b) ? a : b; }

DType result_type(const Tensor& a, const Tensor& b) {
  const Impl& x = impl_of(a);
  const Impl& y = impl_of(b);
  if (x.dtype() == y.dtype()) return x.dtype();
  // As in PyTorch, a tensor without dimensions beside one with dimensions counts as a number: it can raise the
  // category (bool, int, float), not the width.
  if ((x.dim() == 0) == (y.dim() == 0)) return promote(x.dtype(), y.dtype());
  return x.dim() ? combine(x.dtype(), y.dtype()) : combine(y.dtype(), x.dtype());
}

DType result_type(const Tensor& a, Scalar b) { return combine(impl_of(a).dtype(), b.dtype()); }

bool can_cast(DType from, DType to) noexcept {
  // In place PyTorch refuses what would lose a fraction or every value but two.
  if (is_floating(from) && !is_floating(to)) return false;
  return from == DType::kBool || to != DType::kBool;
}

}  // namespace tine::tensor
