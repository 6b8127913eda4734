#include "src/tensor/kernels/simd_targets.h"
//
#include "src/tensor/kernels/simd.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/tensor/kernels/simd_rows.cpp"
#include <hwy/foreach_target.h>
//
#include "src/tensor/kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace tine::tensor::HWY_NAMESPACE {

// Blocks of 4096 in the element's own type, their sums in double: short chains of rounding, full speed.
template <class T>
double sum(const T* a, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += 4096) {
    const int64_t end = std::min<int64_t>(n, begin + 4096);
    // Four sums side by side, so that an addition need not wait for the one before.
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      s0 = hn::Add(s0, hn::LoadU(d, a + i));
      s1 = hn::Add(s1, hn::LoadU(d, a + i + lanes));
      s2 = hn::Add(s2, hn::LoadU(d, a + i + 2 * lanes));
      s3 = hn::Add(s3, hn::LoadU(d, a + i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) s0 = hn::Add(s0, hn::LoadU(d, a + i));
    if (i < end) s1 = hn::Add(s1, load_part(d, a + i, static_cast<size_t>(end - i)));
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)))));
  }
  return total;
}

template <class T>
T extreme(const T* a, int64_t n, bool smallest) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  T best = a[0];
  bool nan = best != best;
  int64_t i = 0;
  if (n >= lanes) {
    auto m = hn::LoadU(d, a);
    auto odd = hn::Zero(d);  // NaN once a NaN was seen: x - x is 0 or NaN
    for (; i + lanes <= n; i += lanes) {
      const auto x = hn::LoadU(d, a + i);
      m = smallest ? hn::Min(m, x) : hn::Max(m, x);
      odd = hn::IfThenElse(hn::IsNaN(x), x, odd);
    }
    best = hn::GetLane(smallest ? hn::MinOfLanes(d, m) : hn::MaxOfLanes(d, m));
    nan = nan || !hn::AllFalse(d, hn::IsNaN(odd));
  }
  for (; i < n; ++i) {
    nan = nan || a[i] != a[i];
    if (smallest ? a[i] < best : a[i] > best) best = a[i];
  }
  return nan ? std::numeric_limits<T>::quiet_NaN() : best;
}

template <class T>
void softmax(const T* a, T* out, int64_t n, bool log) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = n / lanes * lanes;
  const size_t rest = static_cast<size_t>(n - whole);
  // The lanes past the end hold the first element, which changes no maximum.
  V m = hn::Set(d, a[0]);
  for (int64_t i = 0; i < whole; i += lanes) m = hn::Max(m, hn::LoadU(d, a + i));
  if (rest) {
    const V x = hn::IfThenElse(hn::FirstN(d, rest), load_part(d, a + whole, rest), hn::Set(d, a[0]));
    m = hn::Max(m, x);
  }
  m = hn::Set(d, hn::GetLane(hn::MaxOfLanes(d, m)));
  V total = hn::Zero(d);
  for (int64_t i = 0; i < n; i += lanes) {
    const size_t left = static_cast<size_t>(std::min<int64_t>(lanes, n - i));
    const bool part = left < static_cast<size_t>(lanes);
    const V x = part ? load_part(d, a + i, left) : hn::LoadU(d, a + i);
    // Without the largest element, so that exp() gives at most 1 and does not overflow.
    V e = exp_of(d, hn::Sub(x, m));
    if (part) e = hn::IfThenElseZero(hn::FirstN(d, left), e);
    total = hn::Add(total, e);
    if (log) continue;
    if (part)
      store_part(e, d, out + i, left);
    else
      hn::StoreU(e, d, out + i);
  }
  const T sum = hn::GetLane(hn::SumOfLanes(d, total));
  const V s = hn::Set(d, log ? std::log(sum) : sum);
  for (int64_t i = 0; i < whole; i += lanes) {
    const V y = log ? hn::Sub(hn::Sub(hn::LoadU(d, a + i), m), s) : hn::Div(hn::LoadU(d, out + i), s);
    hn::StoreU(y, d, out + i);
  }
  if (rest) {
    const V y = log ? hn::Sub(hn::Sub(load_part(d, a + whole, rest), m), s)
                    : hn::Div(load_part(d, out + whole, rest), s);
    store_part(y, d, out + whole, rest);
  }
}

const RowKernels* ChooseRows() {
  static constexpr RowKernels kRows{sum<float>,      sum<double>,    extreme<float>,
                                    extreme<double>, softmax<float>, softmax<double>};
  return &kRows;
}

}  // namespace tine::tensor::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tine::tensor {

HWY_EXPORT(ChooseRows);

const RowKernels& row_kernels() noexcept { return *HWY_DYNAMIC_DISPATCH(ChooseRows)(); }

}  // namespace tine::tensor
#endif
