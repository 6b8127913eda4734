#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/plain.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/promote.h"

namespace tine::tensor {
namespace {

// cat() ignores these whatever the dimensions of the other tensors are, as PyTorch does.
bool is_legacy_empty(const Impl& a) { return a.dim() == 1 && a.numel() == 0; }

const int64_t* int64_data(const Tensor& t) { return static_cast<const int64_t*>(known(t).data()); }

int64_t checked_index(int64_t i, int64_t n, size_t dim) {
  if (i < -n || i >= n)
    throw IndexError(fmt::format("index {} is out of bounds for dimension {} with size {}", i, dim, n));
  return i < 0 ? i + n : i;
}

// Where the elements of a[indices...] lie: the offset of each index tuple, and the dimensions that no index names.
struct Gathering {
  DimVector result;               // sizes of a[indices...]
  DimVector rest_sizes;           // of the dimensions that are taken whole
  DimVector rest_strides;         // in a
  DimVector rest_result_strides;  // in the contiguous result
  int64_t step = 1;               // from one index tuple to the next in the result
  std::vector<int64_t> offsets;   // in a, one an index tuple

  Gathering(const KernelContext& c, const Impl& a, std::span<const Tensor> indices) {
    // One index, or none, for each dimension; masks become the coordinates of their true elements.
    std::vector<Tensor> by_dim;
    for (size_t k = 0; k < indices.size(); ++k) {
      if (!indices[k].defined()) {
        by_dim.emplace_back();
        continue;
      }
      const Impl& i = known(indices[k]);
      if (i.dtype() == DType::kInt64) {
        by_dim.push_back(indices[k]);
        continue;
      }
      if (i.dtype() != DType::kBool && i.dtype() != DType::kUInt8)
        throw IndexError(
            fmt::format("tensors used as indices must be int64 or bool tensors, not {}", name_of(i.dtype())));
      for (size_t d = 0; d < i.sizes().size(); ++d)
        if (by_dim.size() + d >= a.sizes().size() || i.sizes()[d] != a.sizes()[by_dim.size() + d])
          throw IndexError(
              fmt::format("The shape of the mask {} at index {} does not match the shape of the indexed "
                          "tensor {} at index {}",
                          to_string(i.sizes()), d, to_string(a.sizes()), by_dim.size() + d));
      for (Tensor& t : unbind(nonzero(c, indices[k]), 1)) by_dim.push_back(std::move(t));
    }
    if (by_dim.size() > a.sizes().size())
      throw IndexError(fmt::format("too many indices for tensor of dimension {} (sizes {}, {} indices)",
                                   a.dim(), to_string(a.sizes()), by_dim.size()));
    by_dim.resize(a.sizes().size());

    DimVector shape;
    bool any = false;
    size_t first = 0, last = 0;
    for (size_t d = 0; d < by_dim.size(); ++d) {
      if (!by_dim[d].defined()) continue;
      if (!any) first = d;
      last = d;
      any = true;
      try {
        shape = broadcast(shape, by_dim[d].sizes());
      } catch (const ShapeError&) {
        throw IndexError(fmt::format(
            "shape mismatch: indexing tensors could not be broadcast together with shapes {} and {}",
            to_string(shape), to_string(by_dim[d].sizes())));
      }
    }
    bool together = any;
    for (size_t d = first; any && d <= last; ++d) together = together && by_dim[d].defined();

    // The dimensions of the indices take the place of the indices if these are neighbours; otherwise they come first.
    const size_t place = together ? first : 0;
    for (size_t d = 0, kept = 0; d <= by_dim.size(); ++d) {
      // result.size() == kept until the dimensions of the indices are in, so they go in once.
      if (kept == place && any && result.size() == kept)
        for (int64_t n : shape) result.push_back(n);
      if (d == by_dim.size()) break;
      if (by_dim[d].defined()) continue;
      rest_sizes.push_back(a.sizes()[d]);
      rest_strides.push_back(a.strides()[d]);
      result.push_back(a.sizes()[d]);
      ++kept;
    }
    DimVector strides;
    strides.resize(result.size());
    int64_t stride = 1;
    for (size_t i = result.size(); i-- > 0;) {
      strides[i] = stride;
      stride *= std::max<int64_t>(result[i], 1);
    }
    // The dimensions of the indices are neighbours in the contiguous result, so the step of the last one leads from
    // tuple to tuple.
    const size_t after = std::min(place, rest_sizes.size()) + (any ? shape.size() : 0);
    step = after < result.size() ? strides[after] * std::max<int64_t>(result[after], 1) : 1;
    for (size_t i = 0; i < result.size(); ++i)
      if (i < place || i >= after) rest_result_strides.push_back(strides[i]);

    // An empty result reads nothing, so the values of its indices do not matter. Only the dimension must not be empty.
    int64_t tuples = 1;
    for (int64_t n : shape) tuples *= n;
    bool empty = tuples == 0;
    for (int64_t n : rest_sizes) empty = empty || n == 0;
    for (size_t d = 0; d < by_dim.size(); ++d)
      if (tuples > 0 && by_dim[d].defined() && a.sizes()[d] == 0)
        throw IndexError(fmt::format("index is out of bounds for dimension {} with size 0", d));
    offsets.assign(static_cast<size_t>(empty ? 0 : tuples), 0);
    for (size_t d = 0; !empty && d < by_dim.size(); ++d) {
      if (!by_dim[d].defined()) continue;
      const Tensor wide = contiguous(c, expand(by_dim[d], shape));
      const int64_t* at = int64_data(wide);
      for (size_t k = 0; k < offsets.size(); ++k)
        offsets[k] += checked_index(at[k], a.sizes()[d], d) * a.strides()[d];
    }
  }
};

}  // namespace

Tensor nonzero(const KernelContext& c, const Tensor& a) {
  const Tensor flat = contiguous(c, impl_of(a).dtype() == DType::kUInt8 ? a : to(c, a, DType::kBool));
  const Impl& m = known(flat);
  const uint8_t* p = static_cast<const uint8_t*>(m.data());
  const int64_t count = m.numel() - std::count(p, p + m.numel(), uint8_t{0});
  // The coordinates are computed as one row for each dimension, and returned transposed.
  const Tensor rows = make(std::array<int64_t, 2>{m.dim(), count}, DType::kInt64);
  int64_t* to = rows.data_as<int64_t>();
  for (int64_t i = 0, at = 0; at < count; ++i) {
    if (!p[i]) continue;
    int64_t rest = i;
    for (size_t d = m.sizes().size(); d-- > 0;) {
      to[static_cast<int64_t>(d) * count + at] = rest % m.sizes()[d];
      rest /= m.sizes()[d];
    }
    ++at;
  }
  return t(rows);
}

Tensor cat(const KernelContext& c, std::span<const Tensor> tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("cat(): expected a non-empty list of Tensors");
  const Impl* model = nullptr;
  DType dtype = impl_of(tensors[0]).dtype();
  for (size_t k = 0; k < tensors.size(); ++k) {
    const Impl& x = impl_of(tensors[k]);
    if (x.dim() == 0)
      throw ShapeError(fmt::format("zero-dimensional tensor (at position {}) cannot be concatenated", k));
    // An ignored tensor counts for the dtype all the same.
    dtype = promote(dtype, x.dtype());
    if (!model && !is_legacy_empty(x)) model = &x;
  }
  if (!model) return make(std::array<int64_t, 1>{0}, dtype);
  const size_t d = static_cast<size_t>(wrap_dim(dim, model->dim()));
  DimVector sizes(model->sizes());
  sizes[d] = 0;
  for (size_t k = 0; k < tensors.size(); ++k) {
    const Impl& x = known(tensors[k]);
    if (is_legacy_empty(x)) continue;
    if (x.dim() != model->dim())
      throw ShapeError(
          fmt::format("Tensors must have same number of dimensions: got {} and {} (sizes {} and {})",
                      model->dim(), x.dim(), to_string(model->sizes()), to_string(x.sizes())));
    for (size_t i = 0; i < sizes.size(); ++i)
      if (i != d && x.sizes()[i] != sizes[i])
        throw ShapeError(
            fmt::format("Sizes of tensors must match except in dimension {}. Expected size {} but got size "
                        "{} for tensor number {} "
                        "in the list (sizes {} and {}).",
                        d, sizes[i], x.sizes()[i], k, to_string(model->sizes()), to_string(x.sizes())));
    sizes[d] += x.sizes()[d];
  }
  Tensor out = make(sizes, dtype);
  int64_t at = 0;
  for (const Tensor& t : tensors) {
    const Impl& x = known(t);
    if (is_legacy_empty(x)) continue;
    copy_(c, view_of(out, x.sizes(), out.strides(), at * out.strides()[d]), t);
    at += x.sizes()[d];
  }
  return out;
}

Tensor stack(const KernelContext& c, std::span<const Tensor> tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("stack expects a non-empty TensorList");
  std::vector<Tensor> rows;
  for (size_t k = 0; k < tensors.size(); ++k) {
    if (!same_sizes(impl_of(tensors[k]).sizes(), impl_of(tensors[0]).sizes()))
      throw ShapeError(
          fmt::format("stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {}",
                      to_string(tensors[0].sizes()), to_string(tensors[k].sizes()), k));
    rows.push_back(unsqueeze(tensors[k], dim));
  }
  return cat(c, rows, wrap_dim(dim, tensors[0].dim() + 1));
}

Tensor index_select(const KernelContext& c, const Tensor& a, int64_t dim, const Tensor& index) {
  const Impl& x = impl_of(a);
  const Impl& i = impl_of(index);
  if (i.dtype() != DType::kInt64)
    throw TypeError(
        fmt::format("index_select(): Expected dtype int64 for index, not {}", name_of(i.dtype())));
  if (i.dim() > 1)
    throw IndexError(fmt::format("index_select(): Index is supposed to be a vector, not of sizes {}",
                                 to_string(i.sizes())));
  const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
  // PyTorch selects from a tensor without dimensions as from one of a single element.
  if (x.dim() == 0) {
    const Tensor flat = index_select(c, unsqueeze(a, 0), 0, index);
    return squeeze(flat, 0);
  }
  std::vector<Tensor> indices(d + 1);
  indices[d] = i.dim() ? index : unsqueeze(index, 0);
  return tensor::index(c, a, indices);
}

Tensor gather(const KernelContext& c, const Tensor& a, int64_t dim, const Tensor& index) {
  const Impl& x = impl_of(a);
  const Impl& i = impl_of(index);
  if (i.dtype() != DType::kInt64)
    throw TypeError(fmt::format("gather(): Expected dtype int64 for index, not {}", name_of(i.dtype())));
  const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
  bool fits = i.dim() == x.dim();
  for (size_t k = 0; fits && k < x.sizes().size(); ++k) fits = k == d || i.sizes()[k] <= x.sizes()[k];
  if (!fits)
    throw ShapeError(
        fmt::format("Size does not match at dimension {} expected index {} to be smaller than self {} apart "
                    "from dimension {}",
                    d, to_string(i.sizes()), to_string(x.sizes()), d));
  Tensor out = make(i.sizes(), x.dtype());
  // x walks along the other dimensions; the index says how far along this one.
  DimVector walk(x.strides());
  if (x.dim()) walk[d] = 0;
  const int64_t width = static_cast<int64_t>(size_of(x.dtype()));
  const int64_t along = x.dim() ? x.strides()[d] * width : 0;
  const int64_t n = x.dim() ? x.sizes()[d] : 1;
  const Plan<3> plan(i.sizes(), {Operand::of(known(out)), Operand::of(i),
                                 Operand{static_cast<char*>(x.data()), i.sizes(), walk, width}});
  plan.run(c, [&](std::array<char*, 3> p, const std::array<int64_t, 3>& s, int64_t m) {
    for (int64_t j = 0; j < m; ++j) {
      const int64_t at = checked_index(*reinterpret_cast<const int64_t*>(p[1]), n, d);
      std::memcpy(p[0], p[2] + at * along, static_cast<size_t>(width));
      for (size_t k = 0; k < 3; ++k) p[k] += s[k];
    }
  });
  return out;
}

Tensor masked_select(const KernelContext& c, const Tensor& a, const Tensor& mask) {
  if (impl_of(mask).dtype() != DType::kBool)
    throw TypeError(
        fmt::format("masked_select: expected BoolTensor for mask, not {}", name_of(mask.dtype())));
  const DimVector shape = broadcast(impl_of(a).sizes(), mask.sizes());
  const Tensor wide = expand(a, shape);
  if (shape.size() == 0) return masked_select(c, unsqueeze(a, 0), unsqueeze(mask, 0));
  return index(c, wide, expand(mask, shape));
}

Tensor index(const KernelContext& c, const Tensor& a, const Tensor& by) {
  // A mask without dimensions adds one, which it keeps or empties.
  if (impl_of(by).dtype() == DType::kBool && by.dim() == 0)
    return index(c, unsqueeze(a, 0), unsqueeze(by, 0));
  return index(c, a, std::span(&by, 1));
}

Tensor index(const KernelContext& c, const Tensor& a, std::span<const Tensor> indices) {
  const Impl& x = impl_of(a);
  const Gathering g(c, x, indices);
  Tensor out = make(g.result, x.dtype());
  if (known(out).numel() == 0) return out;
  const int64_t width = static_cast<int64_t>(size_of(x.dtype()));
  char* to = static_cast<char*>(known(out).data());
  char* from = static_cast<char*>(x.data());
  const Plan<2> rest(g.rest_sizes, {Operand{to, g.rest_sizes, g.rest_result_strides, width},
                                    Operand{from, g.rest_sizes, g.rest_strides, width}});
  const UnaryLoop loop = convert_loop(x.dtype(), x.dtype());
  tine::split(c, static_cast<int64_t>(g.offsets.size()), kGrain / std::max<int64_t>(rest.numel(), 1) + 1,
              [&](int64_t begin, int64_t end) {
                for (int64_t k = begin; k < end; ++k)
                  rest.run_at({to + k * g.step * width, from + g.offsets[static_cast<size_t>(k)] * width},
                              [&](const std::array<char*, 2>& p, const std::array<int64_t, 2>& s, int64_t n) {
                                loop(p[0], p[1], s[0], s[1], n);
                              });
              });
  return out;
}

const Tensor& index_put_(const KernelContext& c, const Tensor& self, std::span<const Tensor> indices,
                         const Tensor& values, bool accumulate) {
  const Impl& x = impl_of(self);
  check_writable(x, "index_put_");
  if (impl_of(values).dtype() != x.dtype() && values.dim() != 0)
    throw TypeError(
        fmt::format("index_put_: Index put requires the source and destination dtypes match, got {} for the "
                    "destination and {} for the source.",
                    name_of(x.dtype()), name_of(values.dtype())));
  const Gathering g(c, x, indices);
  Tensor wide;
  try {
    wide = expand(to(c, values, x.dtype()), g.result);
  } catch (const ShapeError&) {
    throw ShapeError(
        fmt::format("shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of "
                    "shape {}",
                    to_string(values.sizes()), to_string(g.result)));
  }
  // Copied if it shares the memory that is written.
  wide = wide.shares_storage_with(self) ? packed(c, wide) : contiguous(c, wide);
  const int64_t width = static_cast<int64_t>(size_of(x.dtype()));
  char* from = static_cast<char*>(known(wide).data());
  char* to = static_cast<char*>(x.data());
  const Plan<2> rest(g.rest_sizes, {Operand{to, g.rest_sizes, g.rest_strides, width},
                                    Operand{from, g.rest_sizes, g.rest_result_strides, width}});
  if (known(wide).numel() == 0) return self;
  const UnaryLoop copy = convert_loop(x.dtype(), x.dtype());
  const BinaryLoop fast = simd_binary(BinaryOp::kAdd, x.dtype());
  const BinaryLoop plus = fast ? fast : plain_binary(BinaryOp::kAdd, x.dtype());
  // On one core and in order, so that the last of several writes to one element is the one that stays.
  for (size_t k = 0; k < g.offsets.size(); ++k)
    rest.run_at({to + g.offsets[k] * width, from + static_cast<int64_t>(k) * g.step * width},
                [&](const std::array<char*, 2>& p, const std::array<int64_t, 2>& s, int64_t n) {
                  if (!accumulate) return copy(p[0], p[1], s[0], s[1], n);
                  const int64_t strides[3] = {s[0], s[0], s[1]};
                  plus(p[0], p[0], p[1], strides, n, nullptr);
                });
  return self;
}

}  // namespace tine::tensor
