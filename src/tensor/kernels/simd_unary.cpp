#include "src/tensor/kernels/simd_targets.h"
//
#include "src/tensor/kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/tensor/kernels/simd_unary.cpp"
#include <hwy/foreach_target.h>
//
#include "src/tensor/kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace tine::tensor::HWY_NAMESPACE {

#define TINE_LANES(Name, expression)          \
  struct Name {                               \
    template <class D, class V>               \
    HWY_INLINE V operator()(D d, V x) const { \
      (void)d;                                \
      return expression;                      \
    }                                         \
  };
TINE_LANES(NegLanes, hn::Neg(x))
TINE_LANES(AbsLanes, hn::Abs(x))
TINE_LANES(SquareLanes, hn::Mul(x, x))
TINE_LANES(ReluLanes, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x))
TINE_LANES(ExpLanes, exp_of(d, x))
TINE_LANES(LogLanes, log_of(d, x))
TINE_LANES(SqrtLanes, hn::Sqrt(x))
TINE_LANES(RsqrtLanes, hn::Div(hn::Set(d, 1), hn::Sqrt(x)))
TINE_LANES(ReciprocalLanes, hn::Div(hn::Set(d, 1), x))
TINE_LANES(SigmoidLanes, hn::Div(hn::Set(d, 1), hn::Add(hn::Set(d, 1), exp_of(d, hn::Neg(x)))))
TINE_LANES(TanhLanes, tanh_of(d, x))
TINE_LANES(FloorLanes, hn::Floor(x))
TINE_LANES(CeilLanes, hn::Ceil(x))
TINE_LANES(RoundLanes, hn::Round(x))
TINE_LANES(TruncLanes, hn::Trunc(x))
#undef TINE_LANES

template <class T, class F>
HWY_INLINE void row(T* out, const T* a, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const F f;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, a + i)), d, out + i);
  if (i == n) return;
  const size_t rest = static_cast<size_t>(n - i);
  store_part(f(d, load_part(d, a + i, rest)), d, out + i, rest);
}

template <class T, class F>
void loop(char* out, const char* a, int64_t out_stride, int64_t a_stride, int64_t n) {
  constexpr int64_t kUnit = sizeof(T);
  // One call of row(), so that the operator is compiled once.
  const bool straight = out_stride == kUnit && a_stride == kUnit;
  HWY_ALIGN T buffer[kBuffer];
  const int64_t step = straight ? n : kBuffer;
  for (int64_t i = 0; i < n; i += step) {
    const int64_t m = n - i < step ? n - i : step;
    if (!straight)
      for (int64_t j = 0; j < m; ++j) buffer[j] = *reinterpret_cast<const T*>(a + (i + j) * a_stride);
    row<T, F>(straight ? reinterpret_cast<T*>(out) : buffer,
              straight ? reinterpret_cast<const T*>(a) : buffer, m);
    if (!straight)
      for (int64_t j = 0; j < m; ++j) *reinterpret_cast<T*>(out + (i + j) * out_stride) = buffer[j];
  }
}

template <class T>
HWY_INLINE UnaryLoop choose(UnaryOp op) {
  switch (op) {
    case UnaryOp::kNeg: return loop<T, NegLanes>;
    case UnaryOp::kAbs: return loop<T, AbsLanes>;
    case UnaryOp::kSquare: return loop<T, SquareLanes>;
    case UnaryOp::kRelu: return loop<T, ReluLanes>;
    case UnaryOp::kExp: return loop<T, ExpLanes>;
    case UnaryOp::kLog: return loop<T, LogLanes>;
    case UnaryOp::kSqrt: return loop<T, SqrtLanes>;
    case UnaryOp::kRsqrt: return loop<T, RsqrtLanes>;
    case UnaryOp::kReciprocal: return loop<T, ReciprocalLanes>;
    case UnaryOp::kTanh: return loop<T, TanhLanes>;
    case UnaryOp::kSigmoid: return loop<T, SigmoidLanes>;
    case UnaryOp::kFloor: return loop<T, FloorLanes>;
    case UnaryOp::kCeil: return loop<T, CeilLanes>;
    case UnaryOp::kRound: return loop<T, RoundLanes>;
    case UnaryOp::kTrunc: return loop<T, TruncLanes>;
    default: return nullptr;
  }
}

UnaryLoop ChooseUnary(UnaryOp op, DType dtype) {
  if (dtype == DType::kFloat32) return choose<float>(op);
  if (dtype == DType::kFloat64) return choose<double>(op);
  return nullptr;
}

}  // namespace tine::tensor::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tine::tensor {

HWY_EXPORT(ChooseUnary);

UnaryLoop simd_unary(UnaryOp op, DType dtype) noexcept {
  return HWY_DYNAMIC_DISPATCH(ChooseUnary)(op, dtype);
}

}  // namespace tine::tensor
#endif
