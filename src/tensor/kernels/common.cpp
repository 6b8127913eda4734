#include "src/tensor/kernels/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "src/tensor/kernels/pointwise.h"

namespace tine::tensor {

std::string to_string(Sizes sizes) { return fmt::format("[{}]", fmt::join(sizes, ", ")); }

DimVector broadcast(Sizes a, Sizes b) {
  DimVector out(a.size() >= b.size() ? a : b);
  const size_t n = out.size();
  for (size_t i = 0; i < n; ++i) {
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

Shape broadcast_shapes(Sizes a, Sizes b) {
  const DimVector v = broadcast(a, b);
  return {v.begin(), v.end()};
}

int64_t wrap_dim(int64_t dim, int64_t of) {
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

void check_writable(const Impl& self, std::string_view op) {
  if (!self.writable())
    throw ValueError(fmt::format("{}: the tensor's memory is read-only; clone() it first (sizes {})", op,
                                 to_string(self.sizes())));
  for (size_t i = 0; i < self.sizes().size(); ++i)
    if (self.sizes()[i] > 1 && self.strides()[i] == 0)
      throw ValueError(fmt::format(
          "{}: more than one element of the written-to tensor refers to a single memory location (sizes "
          "{}, strides {}); clone() the tensor before performing the operation",
          op, to_string(self.sizes()), to_string(self.strides())));
}

bool clashes(const Impl& self, const Impl& source) noexcept {
  if (self.storage() != source.storage()) return false;
  return self.data() != source.data() || self.dtype() != source.dtype() ||
         !same_sizes(self.sizes(), source.sizes()) || !same_sizes(self.strides(), source.strides());
}

}  // namespace tine::tensor
