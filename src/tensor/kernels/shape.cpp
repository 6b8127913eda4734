#include "src/tensor/kernels/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/pointwise.h"

namespace tine::tensor {
namespace {

// The sizes with -1 replaced by what the number of elements leaves for it.
DimVector inferred(Sizes sizes, int64_t numel) {
  DimVector out(sizes);
  int64_t known_part = 1;
  std::optional<size_t> open;
  bool fits = true;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1) {
      if (open)
        throw ShapeError(
            fmt::format("only one dimension can be inferred, but {} has two of -1", to_string(sizes)));
      open = i;
    } else if (sizes[i] < 0) {
      throw ShapeError(fmt::format("invalid shape dimension {} in {}", sizes[i], to_string(sizes)));
    } else {
      fits = fits && !__builtin_mul_overflow(known_part, sizes[i], &known_part);
    }
  }
  if (open && known_part == 0 && numel == 0)
    throw ShapeError(
        fmt::format("cannot reshape tensor of 0 elements into shape {} because the unspecified dimension "
                    "size -1 can be any value "
                    "and is ambiguous",
                    to_string(sizes)));
  if (open && fits && known_part > 0 && numel % known_part == 0) {
    out[*open] = numel / known_part;
    return out;
  }
  if (open || !fits || known_part != numel)
    throw ShapeError(fmt::format("shape '{}' is invalid for input of size {}", to_string(sizes), numel));
  return out;
}

void contiguous_strides(Sizes sizes, DimVector& strides) {
  strides.resize(sizes.size());
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = step;
    step *= std::max<int64_t>(sizes[i], 1);
  }
}

// The strides with which the same memory has these sizes. Each run of old dimensions that are contiguous must be cut into
// whole new ones; returns false if that is impossible.
bool view_strides(const Impl& a, Sizes sizes, DimVector& strides) {
  if (a.contiguous() || a.numel() == 0) {
    contiguous_strides(sizes, strides);
    return true;
  }
  strides.resize(sizes.size());
  size_t next = sizes.size();  // new dimensions from here on have their strides
  const Sizes old_sizes = a.sizes();
  const Sizes old_strides = a.strides();
  // `run` elements with a stride of `base` between neighbours are contiguous so far.
  int64_t run = 1;
  // Not contiguous, so `a` has at least one dimension.
  int64_t base = old_strides.back();
  for (size_t i = old_sizes.size(); i-- > 0;) {
    run *= old_sizes[i];
    // The run ends where the next dimension does not continue it. A dimension of one element continues any run.
    const bool ends = i == 0 || (old_sizes[i - 1] != 1 && old_strides[i - 1] != run * base);
    if (!ends) continue;
    int64_t filled = 1;
    while (next > 0 && (filled < run || sizes[next - 1] == 1)) {
      --next;
      strides[next] = filled * base;
      filled *= sizes[next];
    }
    if (filled != run) return false;  // a new dimension would cross the end of the run
    if (i > 0) {
      base = old_strides[i - 1];
      run = 1;
    }
  }
  return next == 0;
}

}  // namespace

Tensor view(const Tensor& a, Sizes sizes) {
  const Impl& x = impl_of(a);
  const DimVector target = inferred(sizes, x.numel());
  DimVector strides;
  if (!view_strides(x, target, strides))
    throw ShapeError(
        fmt::format("view size is not compatible with input tensor's size and stride (at least one dimension "
                    "spans across two "
                    "contiguous subspaces): sizes {}, strides {}, wanted {}. Use .reshape(...) instead.",
                    to_string(x.sizes()), to_string(x.strides()), to_string(target)));
  return view_of(a, target, strides);
}

Tensor reshape(const KernelContext& c, const Tensor& a, Sizes sizes) {
  const Impl& x = impl_of(a);
  const DimVector target = inferred(sizes, x.numel());
  DimVector strides;
  if (view_strides(x, target, strides)) return view_of(a, target, strides);
  return view(packed(c, a), target);
}

Tensor flatten(const KernelContext& c, const Tensor& a, int64_t start_dim, int64_t end_dim) {
  const Impl& x = impl_of(a);
  const size_t start = static_cast<size_t>(wrap_dim(start_dim, x.dim()));
  const size_t end = static_cast<size_t>(wrap_dim(end_dim, x.dim()));
  if (start > end)
    throw ShapeError(fmt::format("flatten() has invalid args: start_dim ({}) cannot come after end_dim ({})",
                                 start_dim, end_dim));
  if (x.dim() == 0) return reshape(c, a, std::array<int64_t, 1>{1});
  if (start == end) return a;
  DimVector sizes;
  int64_t merged = 1;
  for (size_t i = 0; i < x.sizes().size(); ++i) {
    if (i < start || i > end) {
      sizes.push_back(x.sizes()[i]);
      continue;
    }
    merged *= x.sizes()[i];
    if (i == end) sizes.push_back(merged);
  }
  return reshape(c, a, sizes);
}

Tensor contiguous(const KernelContext& c, const Tensor& a) {
  return impl_of(a).contiguous() ? a : packed(c, a);
}

Tensor squeeze(const Tensor& a) {
  const Impl& x = impl_of(a);
  DimVector sizes, strides;
  for (size_t i = 0; i < x.sizes().size(); ++i) {
    if (x.sizes()[i] == 1) continue;
    sizes.push_back(x.sizes()[i]);
    strides.push_back(x.strides()[i]);
  }
  return view_of(a, sizes, strides);
}

Tensor squeeze(const Tensor& a, int64_t dim) {
  const Impl& x = impl_of(a);
  const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
  DimVector sizes(x.sizes());
  DimVector strides(x.strides());
  if (x.dim() > 0 && x.sizes()[d] == 1) {
    sizes.erase(d);
    strides.erase(d);
  }
  return view_of(a, sizes, strides);
}

Tensor unsqueeze(const Tensor& a, int64_t dim) {
  const Impl& x = impl_of(a);
  const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim() + 1));
  DimVector sizes(x.sizes());
  DimVector strides(x.strides());
  // Any stride would do for one element. This one keeps a contiguous tensor contiguous for code that compares strides.
  const int64_t stride = d < sizes.size() ? sizes[d] * strides[d] : 1;
  sizes.insert(d, 1);
  strides.insert(d, stride);
  return view_of(a, sizes, strides);
}

Tensor expand(const Tensor& a, Sizes sizes) {
  const Impl& x = impl_of(a);
  if (sizes.size() < x.sizes().size())
    throw ShapeError(
        fmt::format("expand: the number of sizes provided ({}) must be greater or equal to the number of "
                    "dimensions in the tensor "
                    "({}); target sizes: {}, tensor sizes: {}",
                    sizes.size(), x.dim(), to_string(sizes), to_string(x.sizes())));
  DimVector target(sizes);
  DimVector strides;
  strides.resize(sizes.size());
  const size_t missing = sizes.size() - x.sizes().size();
  for (size_t i = sizes.size(); i-- > 0;) {
    const int64_t have = i < missing ? 1 : x.sizes()[i - missing];
    if (sizes[i] == -1 && i >= missing) target[i] = have;
    if (target[i] < 0)
      throw ShapeError(
          fmt::format("The expanded size of the tensor ({}) isn't allowed in a leading, non-existing "
                      "dimension {}; target sizes: {}",
                      sizes[i], i, to_string(sizes)));
    if (have == target[i]) {
      strides[i] = i < missing ? 0 : x.strides()[i - missing];
    } else if (have == 1) {
      strides[i] = 0;
    } else {
      throw ShapeError(
          fmt::format("The expanded size of the tensor ({}) must match the existing size ({}) at "
                      "non-singleton dimension {}.  "
                      "Target sizes: {}.  Tensor sizes: {}",
                      target[i], have, i, to_string(sizes), to_string(x.sizes())));
    }
  }
  return view_of(a, target, strides);
}

Tensor permute(const Tensor& a, Sizes dims) {
  const Impl& x = impl_of(a);
  if (dims.size() != x.sizes().size())
    throw ShapeError(
        fmt::format("permute(): number of dimensions in the tensor input does not match the "
                    "length of the desired ordering of dimensions i.e. input.dim() = {} is not equal to "
                    "len(dims) = {}",
                    x.dim(), dims.size()));
  std::bitset<kMaxDims> seen;
  DimVector sizes, strides;
  for (int64_t dim : dims) {
    const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
    if (seen[d])
      throw ShapeError(fmt::format("permute(): duplicate dims are not allowed: {}", to_string(dims)));
    seen.set(d);
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  return view_of(a, sizes, strides);
}

Tensor transpose(const Tensor& a, int64_t dim0, int64_t dim1) {
  const Impl& x = impl_of(a);
  const size_t i = static_cast<size_t>(wrap_dim(dim0, x.dim()));
  const size_t j = static_cast<size_t>(wrap_dim(dim1, x.dim()));
  DimVector sizes(x.sizes());
  DimVector strides(x.strides());
  if (i != j) {
    std::swap(sizes[i], sizes[j]);
    std::swap(strides[i], strides[j]);
  }
  return view_of(a, sizes, strides);
}

Tensor t(const Tensor& a) {
  const Impl& x = impl_of(a);
  if (x.dim() > 2)
    throw ShapeError(fmt::format("t() expects a tensor with <= 2 dimensions, but self is {}D (sizes {})",
                                 x.dim(), to_string(x.sizes())));
  return x.dim() < 2 ? view_of(a, x.sizes(), x.strides()) : transpose(a, 0, 1);
}

Tensor select(const Tensor& a, int64_t dim, int64_t index) {
  const Impl& x = impl_of(a);
  if (x.dim() == 0) throw IndexError("select() cannot be applied to a 0-dim tensor.");
  const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
  const int64_t n = x.sizes()[d];
  if (index < -n || index >= n)
    throw IndexError(fmt::format("select(): index {} out of range for tensor of size {} at dimension {}",
                                 index, to_string(x.sizes()), d));
  DimVector sizes(x.sizes());
  DimVector strides(x.strides());
  const int64_t offset = (index < 0 ? index + n : index) * x.strides()[d];
  sizes.erase(d);
  strides.erase(d);
  return view_of(a, sizes, strides, offset);
}

Tensor slice(const Tensor& a, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  const Impl& x = impl_of(a);
  if (x.dim() == 0) throw IndexError("slice() cannot be applied to a 0-dim tensor.");
  const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
  if (step <= 0) throw ValueError(fmt::format("slice step must be positive, not {}", step));
  const int64_t n = x.sizes()[d];
  const auto clip = [n](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, 0, n); };
  const int64_t first = clip(start.value_or(0));
  const int64_t last = std::max(first, clip(end.value_or(n)));
  DimVector sizes(x.sizes());
  DimVector strides(x.strides());
  // An empty slice begins where the tensor does, so that its address stays inside the storage.
  const int64_t offset = first < n ? first * strides[d] : 0;
  sizes[d] = (last - first) / step + ((last - first) % step != 0);
  // The stride of one element does not matter, and a huge step would overflow it.
  if (sizes[d] > 1) strides[d] *= step;
  return view_of(a, sizes, strides, offset);
}

Tensor narrow(const Tensor& a, int64_t dim, int64_t start, int64_t length) {
  const Impl& x = impl_of(a);
  if (x.dim() == 0) throw IndexError("narrow() cannot be applied to a 0-dim tensor.");
  const int64_t n = x.sizes()[static_cast<size_t>(wrap_dim(dim, x.dim()))];
  if (length < 0) throw ValueError(fmt::format("narrow(): length must be non-negative, not {}", length));
  if (start < -n || start > n)
    throw IndexError(
        fmt::format("start out of range (expected to be in range of [{}, {}], but got {})", -n, n, start));
  const int64_t first = start < 0 ? start + n : start;
  if (length > n - first)
    throw IndexError(fmt::format("start ({}) + length ({}) exceeds dimension size ({}).", first, length, n));
  return slice(a, dim, first, first + length);
}

std::vector<Tensor> unbind(const Tensor& a, int64_t dim) {
  const Impl& x = impl_of(a);
  if (x.dim() == 0) throw IndexError("unbind() cannot be applied to a 0-dim tensor.");
  std::vector<Tensor> out;
  const int64_t n = x.sizes()[static_cast<size_t>(wrap_dim(dim, x.dim()))];
  for (int64_t i = 0; i < n; ++i) out.push_back(select(a, dim, i));
  return out;
}

std::vector<Tensor> split(const Tensor& a, int64_t split_size, int64_t dim) {
  const Impl& x = impl_of(a);
  if (x.dim() == 0) throw IndexError("split expects at least a 1-dimensional tensor");
  const int64_t n = x.sizes()[static_cast<size_t>(wrap_dim(dim, x.dim()))];
  if (split_size < 0 || (split_size == 0 && n > 0))
    throw ValueError(fmt::format("split expects split_size be positive, but got split_size={}", split_size));
  std::vector<Tensor> out;
  int64_t i = 0;
  // As in PyTorch, an empty dimension gives one empty piece.
  do {
    out.push_back(slice(a, dim, i, std::min(n, i + split_size)));
    i += split_size;
  } while (i < n);
  return out;
}

std::vector<Tensor> chunk(const Tensor& a, int64_t chunks, int64_t dim) {
  const Impl& x = impl_of(a);
  if (x.dim() == 0) throw IndexError("chunk expects at least a 1-dimensional tensor");
  if (chunks <= 0)
    throw ValueError(fmt::format("chunk expects `chunks` to be greater than 0, got: {}", chunks));
  const int64_t n = x.sizes()[static_cast<size_t>(wrap_dim(dim, x.dim()))];
  if (n == 0) return std::vector<Tensor>(static_cast<size_t>(chunks), a);
  return split(a, (n + chunks - 1) / chunks, dim);
}

}  // namespace tine::tensor
