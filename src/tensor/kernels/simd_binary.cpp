#include "src/tensor/kernels/simd_targets.h"
//
#include "src/tensor/kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/tensor/kernels/simd_binary.cpp"
#include <hwy/foreach_target.h>
//
#include "src/tensor/kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace tine::tensor::HWY_NAMESPACE {

struct AddLanes {
  explicit AddLanes(const void*) {}
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
struct SubLanes {
  explicit SubLanes(const void*) {}
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Sub(a, b);
  }
};
struct MulLanes {
  explicit MulLanes(const void*) {}
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Mul(a, b);
  }
};
struct DivLanes {
  explicit DivLanes(const void*) {}
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Div(a, b);
  }
};
// A NaN on either side wins: b's because no comparison with it holds, a's by name.
struct MaximumLanes {
  explicit MaximumLanes(const void*) {}
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::Gt(a, b)), a, b);
  }
};
struct MinimumLanes {
  explicit MinimumLanes(const void*) {}
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::Lt(a, b)), a, b);
  }
};
template <class T>
struct AddScaledLanes {
  T alpha;
  explicit AddScaledLanes(const void* param) : alpha(*static_cast<const T*>(param)) {}
  // Rounded twice, as written: a fused operation would make the result depend on the processor.
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::Add(a, hn::Mul(hn::Set(d, alpha), b));
  }
};

template <bool kRepeatA, bool kRepeatB, class T, class F>
HWY_INLINE void row(T* out, const T* a, const T* b, int64_t n, F f) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V first_a = hn::Set(d, kRepeatA ? *a : T{});
  const V first_b = hn::Set(d, kRepeatB ? *b : T{});
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V x = kRepeatA ? first_a : hn::LoadU(d, a + i);
    const V y = kRepeatB ? first_b : hn::LoadU(d, b + i);
    hn::StoreU(f(d, x, y), d, out + i);
  }
  if (i == n) return;
  const size_t rest = static_cast<size_t>(n - i);
  const V x = kRepeatA ? first_a : load_part(d, a + i, rest);
  const V y = kRepeatB ? first_b : load_part(d, b + i, rest);
  store_part(f(d, x, y), d, out + i, rest);
}

template <class T>
HWY_INLINE const T* gathered(const char* p, int64_t stride, int64_t n, T* buffer) {
  if (stride == static_cast<int64_t>(sizeof(T))) return reinterpret_cast<const T*>(p);
  for (int64_t i = 0; i < n; ++i) buffer[i] = *reinterpret_cast<const T*>(p + i * stride);
  return buffer;
}

template <class T, class F>
void loop(char* out, const char* a, const char* b, const int64_t* strides, int64_t n, const void* param) {
  constexpr int64_t kUnit = sizeof(T);
  const F f(param);
  if (strides[0] == kUnit) {
    T* o = reinterpret_cast<T*>(out);
    const T* x = reinterpret_cast<const T*>(a);
    const T* y = reinterpret_cast<const T*>(b);
    if (strides[1] == kUnit && strides[2] == kUnit) return row<false, false>(o, x, y, n, f);
    if (strides[1] == kUnit && strides[2] == 0) return row<false, true>(o, x, y, n, f);
    if (strides[1] == 0 && strides[2] == kUnit) return row<true, false>(o, x, y, n, f);
  }
  // Strided operands are gathered piece by piece, so that the same vector code computes them, to the same bits.
  HWY_ALIGN T ba[kBuffer];
  HWY_ALIGN T bb[kBuffer];
  HWY_ALIGN T bo[kBuffer];
  for (int64_t i = 0; i < n; i += kBuffer) {
    const int64_t m = n - i < kBuffer ? n - i : kBuffer;
    const T* x = gathered(a + i * strides[1], strides[1], m, ba);
    const T* y = gathered(b + i * strides[2], strides[2], m, bb);
    row<false, false>(bo, x, y, m, f);
    for (int64_t j = 0; j < m; ++j) *reinterpret_cast<T*>(out + (i + j) * strides[0]) = bo[j];
  }
}

template <class T>
HWY_INLINE BinaryLoop choose(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd: return loop<T, AddLanes>;
    case BinaryOp::kSub: return loop<T, SubLanes>;
    case BinaryOp::kMul: return loop<T, MulLanes>;
    case BinaryOp::kDiv: return loop<T, DivLanes>;
    case BinaryOp::kMaximum: return loop<T, MaximumLanes>;
    case BinaryOp::kMinimum: return loop<T, MinimumLanes>;
    default: return nullptr;
  }
}

BinaryLoop ChooseBinary(BinaryOp op, DType dtype) {
  if (dtype == DType::kFloat32) return choose<float>(op);
  if (dtype == DType::kFloat64) return choose<double>(op);
  return nullptr;
}

BinaryLoop ChooseAddScaled(DType dtype) {
  if (dtype == DType::kFloat32) return loop<float, AddScaledLanes<float>>;
  if (dtype == DType::kFloat64) return loop<double, AddScaledLanes<double>>;
  return nullptr;
}

}  // namespace tine::tensor::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tine::tensor {

HWY_EXPORT(ChooseBinary);
HWY_EXPORT(ChooseAddScaled);

BinaryLoop simd_binary(BinaryOp op, DType dtype) noexcept {
  return HWY_DYNAMIC_DISPATCH(ChooseBinary)(op, dtype);
}
BinaryLoop simd_add_scaled(DType dtype) noexcept { return HWY_DYNAMIC_DISPATCH(ChooseAddScaled)(dtype); }

}  // namespace tine::tensor
#endif
