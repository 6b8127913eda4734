#include "src/tensor/kernels/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "src/tensor/kernels/pointwise.h"

namespace tine::tensor {

std::string to_string(Sizes sizes) { return fmt::format("[{}]", fmt::join(sizes, ", ")); }

DimVector broadcast(Sizes a, Sizes b) {
  DimVector out(a.size() >= b.size() ? a : b);
  const size_t n = out.size();
  for (size_t i = n; i-- > 0;) {  // from the right, as PyTorch: an error names the last that differs
    const int64_t x = i < n - a.size() ? 1 : a[i - (n - a.size())];
    const int64_t y = i < n - b.size() ? 1 : b[i - (n - b.size())];
    if (x != y && x != 1 && y != 1)
      throw ShapeError(fmt::format(
          "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}; "
          "the shapes are {} and {}",
          x, y, i, to_string(a), to_string(b)));
    out[i] = x == 1 ? y : x;
  }
  return out;
}

int64_t wrap_dim(int64_t dim, int64_t of) {
  // As in PyTorch, a tensor without dimensions takes 0 and -1.
  const int64_t n = std::max<int64_t>(of, 1);
  if (dim < -n || dim >= n)
    throw IndexError(fmt::format("Dimension out of range (expected to be in range of [{}, {}], but got {})",
                                 -n, n - 1, dim));
  return dim < 0 ? dim + n : dim;
}

Number Number::of(const Impl& i, DType dtype) {
  return with_type(i.dtype(),
                   [&]<class T>(T) { return of(Scalar(*static_cast<const T*>(i.data())), dtype); });
}

void check_holds(Scalar s, DType dtype) {
  const double d = s.as<double>();
  const char* type = nullptr;
  switch (dtype) {
    case DType::kBool:
    case DType::kFloat64: return;
    case DType::kFloat32:
      if (!std::isfinite(d) || std::fabs(d) <= std::numeric_limits<float>::max()) return;
      type = "float";
      break;
    case DType::kInt64:
      if (!s.is_float() || (d >= -0x1p63 && d < 0x1p63)) return;
      type = "int64_t";
      break;
    case DType::kUInt8:
      if (s.is_float() ? d >= 0 && d <= 255 : d >= -255 && d <= 255) return;
      type = "uint8_t";
      break;
  }
  throw Error(fmt::format("value cannot be converted to type {} without overflow: {}", type, d));
}

Operand operand(const KernelContext& c, const Tensor& t, DType dtype, Number& number, Tensor& hold) {
  const Impl& i = impl_of(t);
  if (i.dtype() == dtype) return Operand::of(i);
  if (i.dim() == 0) {
    number = Number::of(i, dtype);
    return Operand::number(number.bytes);
  }
  hold = to(c, t, dtype);
  return Operand::of(known(hold));
}

bool is_dense(Sizes sizes, std::span<const int64_t> strides) noexcept {
  // The stride of the densest dimension must be 1, and that of each next one the number of elements in the denser ones.
  // Dimensions of one element do not count, because their strides are arbitrary.
  int64_t step = 1;
  size_t left = 0;
  for (int64_t n : sizes) {
    if (n == 0) return true;
    left += n > 1;
  }
  while (left > 0) {
    bool found = false;
    for (size_t i = 0; i < sizes.size() && !found; ++i) {
      if (sizes[i] < 2 || strides[i] != step) continue;
      step *= sizes[i];
      found = true;
    }
    if (!found) return false;
    --left;
  }
  return true;
}

namespace {

// Whether the strides fall from the first dimension to the last: row-major order is then the fastest.
bool is_in_order(const Operand& o) noexcept {
  int64_t inner = 0;
  for (size_t i = o.sizes.size(); i-- > 0;) {
    const int64_t stride = o.strides[i];
    if (o.sizes[i] == 1 || stride == 0) continue;
    if (stride <= inner) return false;
    inner = stride;
  }
  return true;
}

}  // namespace

Order order_of(Sizes shape, std::span<const Operand> operands) noexcept {
  Order order;
  if (std::all_of(operands.begin(), operands.end(), is_in_order)) return order;
  const size_t n = shape.size();
  for (size_t k = 0; k < n; ++k) order.dims[k] = static_cast<uint8_t>(n - 1 - k);
  const auto stride = [&](const Operand& o, size_t dim) -> int64_t {
    const size_t missing = n - o.sizes.size();
    if (dim < missing || (o.sizes[dim - missing] == 1 && shape[dim] != 1)) return 0;
    return o.strides[dim - missing];
  };
  // > 0 if `inner` should be outside of `outer`. An operand that repeats one of them (stride 0) has no say.
  const auto misplaced = [&](size_t inner, size_t outer) {
    for (const Operand& o : operands) {
      const int64_t a = stride(o, inner), b = stride(o, outer);
      if (a == 0 || b == 0) continue;
      if (a != b) return a < b ? -1 : 1;
      // Of equal strides PyTorch puts the smaller dimension inside.
      if (shape[inner] > shape[outer]) return 1;
    }
    return 0;
  };
  // An insertion sort, as in PyTorch, because misplaced() is not a total order: 0 says that no operand tells the two apart, and
  // then the search goes on further inside.
  for (size_t k = 1; k < n; ++k) {
    for (size_t outer = k, inner = k; inner-- > 0;) {
      const int c = misplaced(order.dims[inner], order.dims[outer]);
      if (c < 0) break;
      if (c == 0) continue;
      std::swap(order.dims[inner], order.dims[outer]);
      outer = inner;
      order.row_major = false;
    }
  }
  return order;
}

Tensor make(Sizes shape, const Order& order, DType dtype) {
  if (order.row_major) return make(shape, dtype);
  DimVector strides;
  strides.resize(shape.size());
  // Unsigned: strides of sizes that are too large wrap, and make() refuses the sizes.
  uint64_t step = 1;
  for (size_t k = 0; k < shape.size(); ++k) {
    strides[order.dims[k]] = static_cast<int64_t>(step);
    step *= static_cast<uint64_t>(std::max<int64_t>(shape[order.dims[k]], 1));
  }
  return make(shape, strides, dtype);
}

Tensor make_strided_like(const Impl& a, DType dtype) {
  if (is_dense(a.sizes(), a.strides())) return make(a.sizes(), a.strides(), dtype);
  const Operand o = Operand::of(a);
  return make(a.sizes(), order_of(a.sizes(), std::span(&o, 1)), dtype);
}

void check_writable(const Impl& self, std::string_view op) {
  if (!self.writable())
    throw ValueError(fmt::format("{}: the tensor's memory is read-only; clone() it first (sizes {})", op,
                                 to_string(self.sizes())));
  if (self.numel() == 0) return;
  for (size_t i = 0; i < self.sizes().size(); ++i)
    // As in PyTorch, only expanded dimensions are found. Other overlaps, which as_strided() can make, are not looked
    // for.
    if (self.sizes()[i] > 1 && self.strides()[i] == 0)
      throw ValueError(fmt::format(
          "{}: more than one element of the written-to tensor refers to a single memory location (sizes "
          "{}, strides {}); clone() the tensor before performing the operation",
          op, to_string(self.sizes()), to_string(self.strides())));
}

// Memory that is shared is harmless if both tensors name the same elements in the same places: each element is then read
// just before it is written. All other shared memory counts as a clash, even if the elements do not overlap.
bool clashes(const Impl& self, const Impl& source) noexcept {
  if (self.storage() != source.storage()) return false;
  return self.data() != source.data() || self.dtype() != source.dtype() ||
         !same_sizes(self.sizes(), source.sizes()) || !same_sizes(self.strides(), source.strides());
}

}  // namespace tine::tensor
