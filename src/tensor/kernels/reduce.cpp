#include "src/tensor/kernels/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cmath>
#include <limits>
#include <vector>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/simd.h"
#include "src/tensor/promote.h"

namespace tine::tensor {
namespace {

constexpr int64_t kColumns = 256;  // reduced side by side when the kept dimension is the inner one

// The argument as outer x n x inner in contiguous memory, of which n is reduced.
struct Blocks {
  Tensor data;
  int64_t outer = 1;
  int64_t n = 1;
  int64_t inner = 1;
  DimVector result;

  template <class T>
  [[nodiscard]] const T* at() const {
    return static_cast<const T*>(known(data).data());
  }
};

// If the reduced dimensions lie together in contiguous memory, the tensor is used as it is. Otherwise a copy has them last,
// and inner is 1.
Blocks blocks(const KernelContext& c, const Tensor& a, Dims dims, bool keepdim) {
  const Impl& x = impl_of(a);
  const size_t rank = x.sizes().size();
  std::bitset<kMaxDims> reduced;
  for (int64_t dim : dims) {
    const size_t d = static_cast<size_t>(wrap_dim(dim, x.dim()));
    if (reduced[d]) throw IndexError(fmt::format("dim {} appears multiple times in the list of dims", d));
    reduced.set(d);
  }
  if (dims.empty()) reduced.set();
  Blocks b;
  // In one piece: no kept dimension lies between two reduced ones.
  bool in_one_piece = x.contiguous();
  bool seen = false, closed = false;
  DimVector order;
  for (size_t d = 0; d < rank; ++d) {
    // A dimension of one element may lie anywhere, so it neither closes the piece nor breaks it.
    const int64_t n = x.sizes()[d];
    if (!reduced[d]) {
      b.result.push_back(n);
      order.push_back(static_cast<int64_t>(d));
      if (n != 1) closed = closed || seen;
      (seen ? b.inner : b.outer) *= n;
    } else {
      if (keepdim) b.result.push_back(1);
      if (n != 1) in_one_piece = in_one_piece && !closed;
      if (n != 1) seen = true;
      b.n *= n;
    }
  }
  if (in_one_piece) {
    b.data = a;
    return b;
  }
  for (size_t d = 0; d < rank; ++d)
    if (reduced[d]) order.push_back(static_cast<int64_t>(d));
  b.data = contiguous(c, permute(a, order));
  b.outer *= b.inner;
  b.inner = 1;
  return b;
}

// Floats are summed in double. Ints are summed unsigned, so that overflow wraps.
template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

template <class T>
Sum<T> sum_row(const T* a, int64_t n) {
  if constexpr (std::is_same_v<T, float>) {
    return row_kernels().sum_f32(a, n);
  } else if constexpr (std::is_same_v<T, double>) {
    return row_kernels().sum_f64(a, n);
  } else {
    uint64_t total = 0;
    for (int64_t i = 0; i < n; ++i) total += static_cast<uint64_t>(a[i]);
    return total;
  }
}

// Long rows in pieces of fixed size whose sums are added in order, so that the result does not depend on the number
// of cores.
template <class T>
Sum<T> sum_long_row(const KernelContext& c, const T* a, int64_t n) {
  const int64_t pieces = (n + kGrain - 1) / kGrain;
  if (pieces <= 1) return sum_row(a, n);
  std::vector<Sum<T>> part(static_cast<size_t>(pieces));
  tine::split(c, pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      part[static_cast<size_t>(p)] = sum_row(a + p * kGrain, std::min(kGrain, n - p * kGrain));
  });
  Sum<T> total{};
  for (Sum<T> s : part) total += s;
  return total;
}

// Sums along n. `finish` turns a sum into an element of the result (a mean divides).
template <class T, class Out, class Finish>
void sum_blocks(const KernelContext& c, const Blocks& b, Out* out, Finish finish) {
  const T* a = b.at<T>();
  if (b.inner == 1) {
    if (b.outer == 1) {
      *out = finish(sum_long_row(c, a, b.n));
      return;
    }
    tine::split(c, b.outer, kGrain / std::max<int64_t>(b.n, 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = finish(sum_row(a + i * b.n, b.n));
    });
    return;
  }
  // The kept dimension is the inner one. A strip of kColumns sums fits the first-level cache, and each row of the strip is
  // read along memory.
  const int64_t strips = (b.inner + kColumns - 1) / kColumns;
  tine::split(c, b.outer * strips, kGrain / std::max<int64_t>(b.n * kColumns, 1) + 1,
              [&](int64_t begin, int64_t end) {
                std::array<Sum<T>, kColumns> total;
                for (int64_t k = begin; k < end; ++k) {
                  const int64_t i = k / strips;
                  const int64_t first = k % strips * kColumns;
                  const int64_t width = std::min(kColumns, b.inner - first);
                  total.fill({});
                  for (int64_t r = 0; r < b.n; ++r) {
                    const T* row = a + (i * b.n + r) * b.inner + first;
                    for (int64_t j = 0; j < width; ++j)
                      total[static_cast<size_t>(j)] += static_cast<Sum<T>>(row[j]);
                  }
                  for (int64_t j = 0; j < width; ++j)
                    out[i * b.inner + first + j] = finish(total[static_cast<size_t>(j)]);
                }
              });
}

// x takes best's place; a NaN takes it from any number and keeps it.
template <class T, bool kSmallest>
bool better(T x, T best) {
  return (kSmallest ? x < best : x > best) || (x != x && best == best);
}

// The first place of the extreme of a row.
template <class T, bool kSmallest>
int64_t place_in_row(const T* a, int64_t n) {
  int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    // Finds the value at full width first, and then its place: a block without the value is skipped without a branch for each
    // element.
    if (n >= 64) {
      T extreme;
      if constexpr (sizeof(T) == 4)
        extreme = row_kernels().max_f32(a, n, kSmallest);
      else
        extreme = row_kernels().max_f64(a, n, kSmallest);
      const bool nan = extreme != extreme;
      for (; i + 64 <= n; i += 64) {
        unsigned found = 0;
        for (int64_t j = i; j < i + 64; ++j) found |= nan ? a[j] != a[j] : a[j] == extreme;
        if (found) break;
      }
      while (i < n && !(nan ? a[i] != a[i] : a[i] == extreme)) ++i;
      return i;
    }
  }
  int64_t place = 0;
  for (i = 1; i < n; ++i)
    if (better<T, kSmallest>(a[i], a[place])) place = i;
  return place;
}

// Along the reduced dimension; `values` may be null.
template <class T, bool kSmallest>
void extremes(const KernelContext& c, const Blocks& b, T* values, int64_t* places) {
  const T* a = b.at<T>();
  tine::split(c, b.outer, kGrain / std::max<int64_t>(b.n * b.inner, 1) + 1, [&](int64_t begin, int64_t end) {
    if (b.inner == 1) {
      for (int64_t i = begin; i < end; ++i) {
        places[i] = place_in_row<T, kSmallest>(a + i * b.n, b.n);
        if (values) values[i] = a[i * b.n + places[i]];
      }
      return;
    }
    std::array<T, kColumns> best;
    std::array<int64_t, kColumns> place;
    for (int64_t i = begin; i < end; ++i) {
      const T* block = a + i * b.n * b.inner;
      for (int64_t first = 0; first < b.inner; first += kColumns) {
        const int64_t width = std::min(kColumns, b.inner - first);
        std::copy_n(block + first, width, best.begin());
        std::fill_n(place.begin(), width, 0);
        for (int64_t r = 1; r < b.n; ++r) {
          const T* row = block + r * b.inner + first;
          for (size_t j = 0; j < static_cast<size_t>(width); ++j)
            if (better<T, kSmallest>(row[j], best[j])) best[j] = row[j], place[j] = r;
        }
        if (values) std::copy_n(best.begin(), width, values + i * b.inner + first);
        std::copy_n(place.begin(), width, places + i * b.inner + first);
      }
    }
  });
}

void need_elements(const Impl& x, std::string_view name) {
  if (x.numel() == 0)
    throw ValueError(
        fmt::format("{}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                    "reduction dim with the 'dim' argument.",
                    name));
}

Blocks blocks_along(const KernelContext& c, const Tensor& a, int64_t dim, bool keepdim,
                    std::string_view name) {
  const Impl& x = impl_of(a);
  const int64_t d = wrap_dim(dim, x.dim());
  if (x.dim() && x.sizes()[static_cast<size_t>(d)] == 0)
    throw IndexError(fmt::format("{}(): Expected reduction dim {} to have non-zero size.", name, d));
  return blocks(c, a, std::array<int64_t, 1>{d}, keepdim);
}

Tensor extreme_of_all(const KernelContext& c, const Tensor& a, bool smallest) {
  need_elements(impl_of(a), smallest ? "min" : "max");
  const Tensor flat = contiguous(c, a);
  const Impl& x = known(flat);
  Tensor out = make({}, x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T* p = static_cast<const T*>(x.data());
    T* result = out.data_as<T>();
    if constexpr (std::is_same_v<T, float>) {
      *result = row_kernels().max_f32(p, x.numel(), smallest);
    } else if constexpr (std::is_same_v<T, double>) {
      *result = row_kernels().max_f64(p, x.numel(), smallest);
    } else {
      *result = smallest ? *std::min_element(p, p + x.numel()) : *std::max_element(p, p + x.numel());
    }
  });
  return out;
}

std::pair<Tensor, Tensor> extreme_along(const KernelContext& c, const Tensor& a, int64_t dim, bool keepdim,
                                        bool smallest) {
  const Blocks b = blocks_along(c, a, dim, keepdim, smallest ? "min" : "max");
  const DType dtype = known(a).dtype();
  Tensor values = make(b.result, dtype);
  Tensor places = make(b.result, DType::kInt64);
  if (known(values).numel() == 0) return {values, places};
  with_type(dtype, [&]<class T>(T) {
    if (smallest)
      extremes<T, true>(c, b, values.data_as<T>(), places.data_as<int64_t>());
    else
      extremes<T, false>(c, b, values.data_as<T>(), places.data_as<int64_t>());
  });
  return {values, places};
}

Tensor place_of(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim,
                bool smallest) {
  const std::string_view name = smallest ? "argmin" : "argmax";
  if (!dim) need_elements(impl_of(a), name);
  if (impl_of(a).dtype() == DType::kBool)
    throw TypeError(fmt::format("\"{}\" not implemented for 'bool'; convert with .to(...) first", name));
  // Without a dimension the place counts in row-major order, so the elements must lie so.
  const Blocks b = dim ? blocks_along(c, a, *dim, keepdim, name) : blocks(c, contiguous(c, a), {}, keepdim);
  Tensor places = make(b.result, DType::kInt64);
  if (known(places).numel() == 0) return places;
  with_type(known(a).dtype(), [&]<class T>(T) {
    if (smallest)
      extremes<T, true>(c, b, nullptr, places.data_as<int64_t>());
    else
      extremes<T, false>(c, b, nullptr, places.data_as<int64_t>());
  });
  return places;
}

std::array<int64_t, 1> holder(std::optional<int64_t> dim) { return {dim.value_or(0)}; }

// any: is there a true one? all: is there no false one?
Tensor quantified(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim,
                  bool wanted) {
  const std::array<int64_t, 1> one = holder(dim);
  const Blocks b = blocks(c, to(c, a, DType::kBool), dim ? Dims(one) : Dims(), keepdim);
  Tensor out = make(b.result, DType::kBool);
  bool* o = out.data_as<bool>();
  std::fill(o, o + known(out).numel(), !wanted);
  const bool* p = b.at<bool>();
  for (int64_t i = 0; i < b.outer; ++i)
    for (int64_t r = 0; r < b.n; ++r)
      for (int64_t j = 0; j < b.inner; ++j)
        if (p[(i * b.n + r) * b.inner + j] == wanted) o[i * b.inner + j] = wanted;
  return out;
}

Tensor normalized(const KernelContext& c, const Tensor& input, int64_t dim, std::optional<DType> dtype,
                  bool log) {
  const Tensor a = dtype ? to(c, input, *dtype) : input;
  const Impl& x = impl_of(a);
  const std::string_view name = log ? "log_softmax" : "softmax";
  if (!is_floating(x.dtype()))
    throw TypeError(
        fmt::format("\"{}\" not implemented for '{}'; pass dtype=float32 or convert with .to(...) first",
                    name, name_of(x.dtype())));
  const int64_t d = wrap_dim(dim, x.dim());
  if (x.numel() == 0) return make(x.sizes(), x.dtype());
  // The kernels work on rows, so another dimension is brought to the end and back.
  if (x.dim() > 1 && d != x.dim() - 1) {
    const Tensor turned = normalized(c, contiguous(c, transpose(a, d, -1)), -1, {}, log);
    return contiguous(c, transpose(turned, d, -1));
  }
  const Tensor rows = contiguous(c, a);
  Tensor out = make(x.sizes(), x.dtype());
  const int64_t n = x.dim() ? x.sizes().back() : 1;
  const RowKernels& kernels = row_kernels();
  tine::split(c, x.numel() / n, kGrain / 8 / n + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (x.dtype() == DType::kFloat32)
        kernels.softmax_f32(rows.data_as<float>() + i * n, out.data_as<float>() + i * n, n, log);
      else
        kernels.softmax_f64(rows.data_as<double>() + i * n, out.data_as<double>() + i * n, n, log);
    }
  });
  return out;
}

}  // namespace

Tensor sum(const KernelContext& c, const Tensor& input, Dims dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor a = dtype ? to(c, input, *dtype) : input;
  const DType from = impl_of(a).dtype();
  // As in PyTorch, ints and bools add up to an int64.
  const DType result = dtype ? *dtype : is_floating(from) ? from : DType::kInt64;
  const Blocks b = blocks(c, a, dims, keepdim);
  Tensor out = make(b.result, result);
  if (known(out).numel() == 0) return out;
  with_type(from, [&]<class T>(T) {
    with_type(result, [&]<class Out>(Out) {
      sum_blocks<T>(c, b, out.data_as<Out>(), [](Sum<T> s) { return static_cast<Out>(s); });
    });
  });
  return out;
}

Tensor mean(const KernelContext& c, const Tensor& input, Dims dims, bool keepdim,
            std::optional<DType> dtype) {
  const Tensor a = dtype ? to(c, input, *dtype) : input;
  const DType from = impl_of(a).dtype();
  if (!is_floating(from))
    throw TypeError(
        fmt::format("mean(): could not infer output dtype. Input dtype must be either a floating point or "
                    "complex dtype. Got: {}; convert with .to(float32) or pass dtype=float32",
                    name_of(from)));
  const Blocks b = blocks(c, a, dims, keepdim);
  Tensor out = make(b.result, from);
  if (known(out).numel() == 0) return out;
  const double count = static_cast<double>(b.n);
  if (from == DType::kFloat32)
    sum_blocks<float>(c, b, out.data_as<float>(), [=](double s) { return static_cast<float>(s / count); });
  else
    sum_blocks<double>(c, b, out.data_as<double>(), [=](double s) { return s / count; });
  return out;
}

Tensor prod(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim) {
  const DType from = impl_of(a).dtype();
  const DType result = is_floating(from) ? from : DType::kInt64;
  const std::array<int64_t, 1> one = holder(dim);
  const Blocks b = blocks(c, a, dim ? Dims(one) : Dims(), keepdim);
  Tensor out = make(b.result, result);
  with_type(from, [&]<class T>(T) {
    with_type(result, [&]<class Out>(Out) {
      const T* p = b.at<T>();
      for (int64_t i = 0; i < b.outer; ++i)
        for (int64_t j = 0; j < b.inner; ++j) {
          Sum<T> product = 1;
          for (int64_t r = 0; r < b.n; ++r) product *= static_cast<Sum<T>>(p[(i * b.n + r) * b.inner + j]);
          out.data_as<Out>()[i * b.inner + j] = static_cast<Out>(product);
        }
    });
  });
  return out;
}

Tensor any(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim) {
  return quantified(c, a, dim, keepdim, true);
}
Tensor all(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim) {
  return quantified(c, a, dim, keepdim, false);
}

Tensor max(const KernelContext& c, const Tensor& a) { return extreme_of_all(c, a, false); }
Tensor min(const KernelContext& c, const Tensor& a) { return extreme_of_all(c, a, true); }
std::pair<Tensor, Tensor> max(const KernelContext& c, const Tensor& a, int64_t dim, bool keepdim) {
  return extreme_along(c, a, dim, keepdim, false);
}
std::pair<Tensor, Tensor> min(const KernelContext& c, const Tensor& a, int64_t dim, bool keepdim) {
  return extreme_along(c, a, dim, keepdim, true);
}
Tensor argmax(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim) {
  return place_of(c, a, dim, keepdim, false);
}
Tensor argmin(const KernelContext& c, const Tensor& a, std::optional<int64_t> dim, bool keepdim) {
  return place_of(c, a, dim, keepdim, true);
}

Tensor softmax(const KernelContext& c, const Tensor& a, int64_t dim, std::optional<DType> dtype) {
  return normalized(c, a, dim, dtype, false);
}
Tensor log_softmax(const KernelContext& c, const Tensor& a, int64_t dim, std::optional<DType> dtype) {
  return normalized(c, a, dim, dtype, true);
}

namespace {

// Does test(x, y) hold for each pair? The sizes are the same, or broadcast.
template <class Test>
bool holds_everywhere(const KernelContext& c, const Tensor& a, const Tensor& b, Test test) {
  const Impl& x = known(a);
  const Impl& y = known(b);
  // Relaxed: the flag only ends the other pieces early, and plan.run() returns after all of them.
  std::atomic<bool> holds{true};
  const Plan<2> plan(broadcast(x.sizes(), y.sizes()), {Operand::of(x), Operand::of(y)});
  plan.run(c, [&](std::array<char*, 2> p, const std::array<int64_t, 2>& s, int64_t n) {
    if (!holds.load(std::memory_order_relaxed)) return;
    bool row = true;
    with_type(x.dtype(), [&]<class T>(T) {
      for (int64_t i = 0; row && i < n; ++i)
        row =
            test(*reinterpret_cast<const T*>(p[0] + i * s[0]), *reinterpret_cast<const T*>(p[1] + i * s[1]));
    });
    if (!row) holds.store(false, std::memory_order_relaxed);
  });
  return holds.load(std::memory_order_relaxed);
}

}  // namespace

bool equal(const KernelContext& c, const Tensor& a, const Tensor& b) {
  const Impl& x = impl_of(a);
  const Impl& y = impl_of(b);
  if (x.dtype() != y.dtype())
    throw TypeError(fmt::format("equal: expected both tensors to have the same dtype, but got {} and {}",
                                name_of(x.dtype()), name_of(y.dtype())));
  if (!same_sizes(x.sizes(), y.sizes())) return false;
  return holds_everywhere(c, a, b, [](auto u, auto v) { return u == v; });
}

bool allclose(const KernelContext& c, const Tensor& a, const Tensor& b, double rtol, double atol,
              bool equal_nan) {
  if (!(rtol >= 0))
    throw ValueError(fmt::format("rtol must be greater than or equal to zero, but got {}", rtol));
  if (!(atol >= 0))
    throw ValueError(fmt::format("atol must be greater than or equal to zero, but got {}", atol));
  const DType dtype = promote(impl_of(a).dtype(), impl_of(b).dtype());
  return holds_everywhere(c, to(c, a, dtype), to(c, b, dtype), [=](auto u, auto v) {
    const double p = static_cast<double>(u);
    const double q = static_cast<double>(v);
    // Infinities of one sign are close. The tolerance is relative to `b`, as in PyTorch.
    if (p == q) return true;
    if (std::isnan(p) || std::isnan(q)) return equal_nan && std::isnan(p) && std::isnan(q);
    return std::isfinite(p) && std::isfinite(q) && std::fabs(p - q) <= atol + rtol * std::fabs(q);
  });
}

}  // namespace tine::tensor
