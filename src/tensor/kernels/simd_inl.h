// Pieces of rows as vectors. Included once for each target, inside no namespace.
#if defined(TINE_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINE_SIMD_INL_H_
#undef TINE_SIMD_INL_H_
#else
#define TINE_SIMD_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tine::tensor::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int64_t kBuffer = 256;  // elements of a strided operand that are gathered at a time

// The first n (fewer than a vector) elements at p; the other lanes are zero.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_part(D d, const T* p, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(lanes, p, n * sizeof(T));
  return hn::Load(d, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(d, n), d, p);
#endif
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_part(hn::Vec<D> v, D d, T* p, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(v, d, lanes);
  std::memcpy(p, lanes, n * sizeof(T));
#else
  hn::BlendedStore(v, hn::FirstN(d, n), d, p);
#endif
}

// Highway's functions say nothing about the ends of their domain; these do what C's do.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_of(D d, V x) {
  using T = hn::TFromD<D>;
  const V highest = hn::Set(d, sizeof(T) == 4 ? static_cast<T>(88.72283) : static_cast<T>(709.782712893384));
  const V y = hn::IfThenElse(hn::Gt(x, highest), hn::Inf(d), hn::Exp(d, hn::Min(x, highest)));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_of(D d, V x) {
  const V zero = hn::Zero(d);
  V y = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(hn::Inf(d)), hn::Log(d, x));
  y = hn::IfThenElse(hn::Lt(x, zero), hn::NaN(d), y);
  // Infinity and NaN are their own logarithms.
  return hn::IfThenElse(hn::IsFinite(x), y, hn::IfThenElse(hn::Lt(x, zero), hn::NaN(d), x));
}

// x P(x^2) / Q(x^2), fitted to tanh on [0, 9.02] with a relative error of 2.1e-8; beyond 9.01 the nearest float is 1.
// Rounding adds up to 6 units in the last place, for a third of the time of the way through exp.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh_of(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
  } else {
    const V z = hn::Mul(x, x);
    V p = hn::Set(d, 1.3319478288295545e-08f);
    p = hn::MulAdd(p, z, hn::Set(d, 2.058381489674615e-05f));
    p = hn::MulAdd(p, z, hn::Set(d, 0.0034940567850161456f));
    p = hn::MulAdd(p, z, hn::Set(d, 0.13379737412667675f));
    p = hn::MulAdd(p, z, hn::Set(d, 0.9999999792365704f));
    V q = hn::Set(d, 7.762197397671432e-07f);
    q = hn::MulAdd(q, z, hn::Set(d, 0.0003283127764827899f));
    q = hn::MulAdd(q, z, hn::Set(d, 0.025871160011533927f));
    q = hn::MulAdd(q, z, hn::Set(d, 0.46713052721317516f));
    q = hn::MulAdd(q, z, hn::Set(d, 1.0f));
    const V one = hn::Set(d, 1.0f);
    const V y = hn::Div(hn::Mul(x, p), q);
    // NaN fails both comparisons and stays.
    const auto large = hn::Or(hn::Gt(hn::Abs(x), hn::Set(d, 9.01f)), hn::Gt(hn::Abs(y), one));
    return hn::IfThenElse(large, hn::CopySignToAbs(one, x), y);
  }
}

}  // namespace tine::tensor::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard of this target
