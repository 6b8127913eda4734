#include "src/tensor/kernels/create.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/pointwise.h"

namespace tine::tensor {
namespace {

Generator& generator_of(const KernelContext& c) {
  if (!c.generator) throw Error("random numbers need a generator, and this context has none");
  return *c.generator;
}

// 24 and 53 random bits as a number in [0, 1).
double unit24(uint32_t word) { return static_cast<double>(word >> 8) * 0x1p-24; }
double unit53(uint32_t high, uint32_t low) {
  return static_cast<double>(((static_cast<uint64_t>(high) << 32) | low) >> 11) * 0x1p-53;
}

// Fills a tensor from blocks of four words: draw(words, out) writes up to `per_block` elements.
template <size_t kPerBlock, class T, class Draw>
void fill_random(const KernelContext& c, const Tensor& self, Draw draw) {
  Generator& g = generator_of(c);
  const Impl& x = known(self);
  if (x.numel() == 0) return;
  // Drawn in row-major order whatever the strides are, so that a seed gives the same values.
  if (!x.contiguous()) {
    const Tensor straight = make(x.sizes(), x.dtype());
    fill_random<kPerBlock, T>(c, straight, draw);
    copy_(c, self, straight);
    return;
  }
  constexpr int64_t kPer = kPerBlock;
  T* out = static_cast<T*>(x.data());
  const int64_t count = x.numel();
  const int64_t whole = count / kPer;
  // One block more than are filled whole, for the elements that are left.
  const Generator::Claim claim = g.claim(static_cast<uint64_t>(whole + 1));
  // A block takes ten rounds of multiplications, so fewer of them are worth another core.
  tine::split(c, whole, kGrain / 8, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      draw(Generator::block(claim, static_cast<uint64_t>(k)), out + k * kPer);
  });
  if (whole * kPer == count) return;
  std::array<T, kPerBlock> last;
  draw(Generator::block(claim, static_cast<uint64_t>(whole)), last.data());
  std::copy_n(last.begin(), count - whole * kPer, out + whole * kPer);
}

void need_float(const Impl& x, std::string_view name) {
  if (!is_floating(x.dtype()))
    throw TypeError(
        fmt::format("\"{}\" not implemented for '{}'; ask for float32 or float64", name, name_of(x.dtype())));
}

// Box and Muller: two uniform numbers become two independent normal ones.
void box_muller(double u, double v, double* a, double* b) {
  // u is in [0, 1), so 1 - u is never 0.
  const double radius = std::sqrt(-2 * std::log1p(-u));
  *a = radius * std::cos(2 * std::numbers::pi * v);
  *b = radius * std::sin(2 * std::numbers::pi * v);
}

}  // namespace

Tensor full(std::span<const int64_t> sizes, Scalar value, std::optional<DType> dtype) {
  Tensor out = make(sizes, dtype.value_or(value.dtype()));
  fill_({}, out, value);
  return out;
}
Tensor zeros(std::span<const int64_t> sizes, DType dtype) {
  Tensor out = make(sizes, dtype);
  std::memset(known(out).data(), 0, static_cast<size_t>(known(out).numel()) * size_of(dtype));
  return out;
}
Tensor ones(std::span<const int64_t> sizes, DType dtype) { return full(sizes, 1, dtype); }
Tensor empty_like(const Tensor& a, std::optional<DType> dtype) {
  const Impl& x = impl_of(a);
  return make_like(x, dtype.value_or(x.dtype()));
}
Tensor zeros_like(const Tensor& a, std::optional<DType> dtype) {
  Tensor out = empty_like(a, dtype);
  const Impl& x = known(out);
  std::memset(x.data(), 0, static_cast<size_t>(x.numel()) * size_of(x.dtype()));
  return out;
}
Tensor ones_like(const Tensor& a, std::optional<DType> dtype) { return full_like(a, 1, dtype); }
Tensor full_like(const Tensor& a, Scalar value, std::optional<DType> dtype) {
  Tensor out = empty_like(a, dtype);
  fill_({}, out, value);
  return out;
}

Tensor arange(Scalar start, Scalar end, Scalar step, std::optional<DType> dtype) {
  bool whole = !start.is_float() && !end.is_float() && !step.is_float();
  const DType type = dtype.value_or(whole ? DType::kInt64 : DType::kFloat32);
  if (type == DType::kBool)
    throw TypeError("\"arange\" not implemented for 'bool'; ask for int64 or float32");
  const double from = start.as<double>(), to = end.as<double>(), by = step.as<double>();
  if (by == 0) throw ValueError("arange: step must be nonzero");
  if (!std::isfinite(from) || !std::isfinite(to))
    throw ValueError(fmt::format("arange: unsupported range: {} -> {}", from, to));
  if ((by > 0) != (to > from) && to != from)
    throw ValueError(fmt::format(
        "arange: upper bound and lower bound inconsistent with step sign: {} -> {} by {}", from, to, by));
  if (type == DType::kInt64 && !whole) {
    // As in PyTorch, a range of int64 counts in ints: its bounds and its step are truncated first.
    for (Scalar* s : {&start, &end, &step}) {
      check_holds(*s, type);
      *s = s->as<int64_t>();
    }
    if (step.as<int64_t>() == 0) throw ValueError("arange: step must be nonzero");
    whole = true;
  }
  int64_t n = 0;
  if (whole) {
    // Unsigned arithmetic holds the distance between any two integers.
    const uint64_t a = start.as<uint64_t>(), b = end.as<uint64_t>(), s = step.as<uint64_t>();
    const uint64_t distance = by > 0 ? b - a : a - b;
    const uint64_t stride = by > 0 ? s : 0 - s;
    n = static_cast<int64_t>(distance / stride + (distance % stride != 0));
  } else {
    const double count = std::ceil((to - from) / by);
    if (!(count < 0x1p62)) throw ValueError(fmt::format("arange: {} elements are too many", count));
    n = static_cast<int64_t>(count);
  }
  Tensor out = make(std::array<int64_t, 1>{n}, type);
  with_type(type, [&]<class T>(T) {
    T* p = out.data_as<T>();
    if constexpr (std::is_integral_v<T>) {
      const uint64_t a = start.as<int64_t>(), s = step.as<int64_t>();
      for (int64_t i = 0; i < n; ++i) p[i] = static_cast<T>(a + static_cast<uint64_t>(i) * s);
    } else {
      for (int64_t i = 0; i < n; ++i) p[i] = static_cast<T>(from + static_cast<double>(i) * by);
    }
  });
  return out;
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  if (steps < 0)
    throw ValueError(fmt::format("linspace: number of steps must be non-negative, not {}", steps));
  Tensor out = make(std::array<int64_t, 1>{steps}, dtype);
  const double by = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  with_type(dtype, [&]<class T>(T) {
    // Computed from the nearer end, so that both ends are exact.
    for (int64_t i = 0; i < steps; ++i) {
      const double v = i < (steps + 1) / 2 ? start + by * static_cast<double>(i)
                                           : end - by * static_cast<double>(steps - 1 - i);
      out.data_as<T>()[i] = static_cast<T>(v);
    }
  });
  return out;
}

Tensor eye(int64_t n, std::optional<int64_t> m, DType dtype) {
  if (n < 0) throw ValueError(fmt::format("eye: n must be greater or equal to 0, got {}", n));
  const int64_t columns = m.value_or(n);
  if (columns < 0) throw ValueError(fmt::format("eye: m must be greater or equal to 0, got {}", columns));
  Tensor out = zeros(std::array<int64_t, 2>{n, columns}, dtype);
  with_type(dtype, [&]<class T>(T) {
    for (int64_t i = 0; i < std::min(n, columns); ++i) out.data_as<T>()[i * columns + i] = static_cast<T>(1);
  });
  return out;
}

Tensor from_scalars(std::span<const Scalar> values, std::span<const int64_t> sizes,
                    std::optional<DType> dtype) {
  // Without a dtype, as torch.tensor: float32 for floats or for nothing at all, else int64 for ints, else bool.
  DType type = DType::kBool;
  if (dtype) {
    type = *dtype;
  } else {
    if (values.empty()) type = DType::kFloat32;
    for (const Scalar& v : values) {
      if (v.is_float()) type = DType::kFloat32;
      if (v.kind() == Scalar::Kind::kInt && type == DType::kBool) type = DType::kInt64;
    }
  }
  Tensor out = make(sizes, type);
  if (known(out).numel() != static_cast<int64_t>(values.size()))
    throw ValueError(fmt::format("tensor: sizes {} need {} numbers, but there are {}", to_string(sizes),
                                 known(out).numel(), values.size()));
  if (!is_floating(type)) {
    for (const Scalar& v : values) check_holds(v, type);
  }
  with_type(type, [&]<class T>(T) {
    T* p = out.data_as<T>();
    for (const Scalar& v : values) *p++ = v.as<T>();
  });
  return out;
}

Tensor from_scalar(Scalar value, std::optional<DType> dtype) {
  return from_scalars(std::span(&value, 1), {}, dtype);
}

const Tensor& uniform_(const KernelContext& c, const Tensor& self, double from, double to) {
  const Impl& x = impl_of(self);
  check_writable(x, "uniform_");
  need_float(x, "uniform_");
  if (!(from <= to))
    throw ValueError(
        fmt::format("uniform_ expects to return a [from, to) range, but found from={} > to={}", from, to));
  const double span = to - from;
  if (x.dtype() == DType::kFloat32) {
    fill_random<4, float>(c, self, [=](const std::array<uint32_t, 4>& w, float* out) {
      for (size_t i = 0; i < 4; ++i) out[i] = static_cast<float>(from + span * unit24(w[i]));
    });
  } else {
    fill_random<2, double>(c, self, [=](const std::array<uint32_t, 4>& w, double* out) {
      out[0] = from + span * unit53(w[0], w[1]);
      out[1] = from + span * unit53(w[2], w[3]);
    });
  }
  return self;
}

const Tensor& normal_(const KernelContext& c, const Tensor& self, double mean, double std) {
  const Impl& x = impl_of(self);
  check_writable(x, "normal_");
  need_float(x, "normal_");
  if (!(std >= 0)) throw ValueError(fmt::format("normal_ expects std >= 0.0, but found std={}", std));
  const auto draw = [=](const std::array<uint32_t, 4>& w, auto* out) {
    using T = std::remove_pointer_t<decltype(out)>;
    double a = 0, b = 0;
    box_muller(unit53(w[0], w[1]), unit53(w[2], w[3]), &a, &b);
    out[0] = static_cast<T>(mean + std * a);
    out[1] = static_cast<T>(mean + std * b);
  };
  if (x.dtype() == DType::kFloat32)
    fill_random<2, float>(c, self, draw);
  else
    fill_random<2, double>(c, self, draw);
  return self;
}

Tensor rand(const KernelContext& c, std::span<const int64_t> sizes, DType dtype) {
  Tensor out = make(sizes, dtype);
  uniform_(c, out);
  return out;
}

Tensor randn(const KernelContext& c, std::span<const int64_t> sizes, DType dtype) {
  Tensor out = make(sizes, dtype);
  normal_(c, out);
  return out;
}

Tensor randint(const KernelContext& c, int64_t low, int64_t high, std::span<const int64_t> sizes,
               DType dtype) {
  if (low >= high)
    throw ValueError(fmt::format("randint: expects from < to, but found from={} >= to={}", low, high));
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  Tensor out = make(sizes, dtype);
  with_type(dtype, [&]<class T>(T) {
    fill_random<2, T>(c, out, [=](const std::array<uint32_t, 4>& w, T* to) {
      for (size_t i = 0; i < 2; ++i) {
        // The high half of bits * range: even to one part in 2^64 / range.
        const uint64_t bits = (static_cast<uint64_t>(w[2 * i]) << 32) | w[2 * i + 1];
        const uint64_t drawn = static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * range) >> 64);
        to[i] = static_cast<T>(static_cast<int64_t>(static_cast<uint64_t>(low) + drawn));
      }
    });
  });
  return out;
}

Tensor randperm(const KernelContext& c, int64_t n) {
  if (n < 0) throw ValueError(fmt::format("randperm: n must be non-negative, got {}", n));
  Generator& g = generator_of(c);
  Tensor out = arange(0, n);
  int64_t* p = out.data_as<int64_t>();
  // The shuffle of Fisher and Yates. Each block of four words serves two steps.
  const Generator::Claim claim = g.claim(static_cast<uint64_t>(n / 2 + 1));
  for (int64_t i = n - 1; i > 0; --i) {
    const std::array<uint32_t, 4> w = Generator::block(claim, static_cast<uint64_t>(i / 2));
    const size_t half = i % 2 ? 2 : 0;
    const uint64_t bits = (static_cast<uint64_t>(w[half]) << 32) | w[half + 1];
    const auto j =
        static_cast<int64_t>((static_cast<unsigned __int128>(bits) * static_cast<uint64_t>(i + 1)) >> 64);
    std::swap(p[i], p[j]);
  }
  return out;
}

Tensor rand_like(const KernelContext& c, const Tensor& a, std::optional<DType> dtype) {
  Tensor out = empty_like(a, dtype);
  uniform_(c, out);
  return out;
}
Tensor randn_like(const KernelContext& c, const Tensor& a, std::optional<DType> dtype) {
  Tensor out = empty_like(a, dtype);
  normal_(c, out);
  return out;
}

}  // namespace tine::tensor
