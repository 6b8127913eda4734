#include "src/tensor/kernels/plain.h"

#include <cmath>
#include <cstring>
#include <type_traits>

#include "src/tensor/tensor_impl.h"

namespace tine::tensor {
namespace {

template <class T>
constexpr bool kNumberLike = !std::is_same_v<T, bool>;
template <class T>
constexpr bool kInteger = std::is_integral_v<T>&& kNumberLike<T>;

// Wraps around where signed arithmetic would be undefined.
template <class T>
using Wrapping = std::conditional_t<kInteger<T>, std::make_unsigned<std::conditional_t<kInteger<T>, T, int>>,
                                    std::type_identity<T>>::type;

[[noreturn, gnu::cold, gnu::noinline]] void throw_zero_division() {
  throw ZeroDivisionError("integer division or modulo by zero: an element of the divisor is 0");
}

template <class In, class Out, class F>
void loop2(char* out, const char* a, const char* b, const int64_t* s, int64_t n, const void* param) {
  const F f(param);
  constexpr int64_t kIn = sizeof(In);
  // Neighbours in memory, or one number on the right: these loops the compiler can vectorize.
  if (s[0] == static_cast<int64_t>(sizeof(Out)) && s[1] == kIn && (s[2] == kIn || s[2] == 0)) {
    Out* o = reinterpret_cast<Out*>(out);
    const In* x = reinterpret_cast<const In*>(a);
    const In* y = reinterpret_cast<const In*>(b);
    if (s[2] == 0) {
      const In same = *y;
      for (int64_t i = 0; i < n; ++i) o[i] = f(x[i], same);
    } else {
      for (int64_t i = 0; i < n; ++i) o[i] = f(x[i], y[i]);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    *reinterpret_cast<Out*>(out) = f(*reinterpret_cast<const In*>(a), *reinterpret_cast<const In*>(b));
    out += s[0];
    a += s[1];
    b += s[2];
  }
}

template <class In, class Out, class F>
void loop1(char* out, const char* a, int64_t so, int64_t sa, int64_t n) {
  const F f;
  if (so == static_cast<int64_t>(sizeof(Out)) && sa == static_cast<int64_t>(sizeof(In))) {
    Out* o = reinterpret_cast<Out*>(out);
    const In* x = reinterpret_cast<const In*>(a);
    for (int64_t i = 0; i < n; ++i) o[i] = f(x[i]);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    *reinterpret_cast<Out*>(out) = f(*reinterpret_cast<const In*>(a));
    out += so;
    a += sa;
  }
}

// ---- two operands

#define TINE_OP(Name, T, expression)                       \
  template <class T>                                       \
  struct Name {                                            \
    explicit Name(const void*) {}                          \
    auto operator()(T a, T b) const { return expression; } \
  };
TINE_OP(AddOp, T, static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b)))
TINE_OP(SubOp, T, static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b)))
TINE_OP(MulOp, T, static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b)))
TINE_OP(MaximumOp, T, a > b ? a : b)
TINE_OP(MinimumOp, T, a < b ? a : b)
TINE_OP(AndOp, T, static_cast<T>(a& b))
TINE_OP(OrOp, T, static_cast<T>(a | b))
TINE_OP(XorOp, T, static_cast<T>(a ^ b))
TINE_OP(EqOp, T, a == b)
TINE_OP(NeOp, T, a != b)
TINE_OP(LtOp, T, a < b)
TINE_OP(LeOp, T, a <= b)
TINE_OP(GtOp, T, a > b)
TINE_OP(GeOp, T, a >= b)
TINE_OP(LogicalAndOp, T, a != T{} && b != T{})
TINE_OP(LogicalOrOp, T, a != T{} || b != T{})
TINE_OP(LogicalXorOp, T, (a != T{}) != (b != T{}))
#undef TINE_OP

template <class T>
struct AddScaledOp {
  T alpha;
  explicit AddScaledOp(const void* param) : alpha(*static_cast<const T*>(param)) {}
  T operator()(T a, T b) const {
    return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(alpha) * Wrapping<T>(b));
  }
};
template <>
struct AddScaledOp<bool> {
  bool alpha;
  explicit AddScaledOp(const void* param) : alpha(*static_cast<const bool*>(param)) {}
  bool operator()(bool a, bool b) const { return a | (alpha & b); }
};

template <class T>
struct FloorDivideOp {
  explicit FloorDivideOp(const void*) {}
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      // As Python and PyTorch: from the remainder, because a / b alone may have been rounded up to the next whole
      // number. Division by zero follows IEEE 754.
      if (b == 0) return a / b;
      const T rest = std::fmod(a, b);
      T quotient = (a - rest) / b;
      if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
      if (quotient == 0) return std::copysign(T{0}, a / b);
      const T floored = std::floor(quotient);
      return quotient - floored > T{0.5} ? floored + 1 : floored;
    } else {
      if (b == 0) [[unlikely]]
        throw_zero_division();
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return static_cast<T>(0 - Wrapping<T>(a));  // the smallest integer has no negative
        const T quotient = a / b;
        return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
      }
      return static_cast<T>(a / b);
    }
  }
};

template <class T>
struct RemainderOp {
  explicit RemainderOp(const void*) {}
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      T rest = std::fmod(a, b);
      if (rest != 0 && (b < 0) != (rest < 0)) rest += b;
      return rest;
    } else {
      if (b == 0) [[unlikely]]
        throw_zero_division();
      if constexpr (std::is_signed_v<T>) {
        // The smallest integer % -1 traps on x86.
        if (b == -1) return 0;
        const T rest = a % b;
        return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
      }
      return static_cast<T>(a % b);
    }
  }
};

template <class T>
struct PowOp {
  explicit PowOp(const void*) {}
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::pow(a, b);
    } else {
      if constexpr (std::is_signed_v<T>) {
        // As in PyTorch: the reciprocal, cut to an int.
        if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
      }
      Wrapping<T> result = 1;
      Wrapping<T> square = static_cast<Wrapping<T>>(a);
      for (auto rest = static_cast<Wrapping<T>>(b); rest; rest = static_cast<Wrapping<T>>(rest >> 1)) {
        if (rest & 1) result = static_cast<Wrapping<T>>(result * square);
        square = static_cast<Wrapping<T>>(square * square);
      }
      return static_cast<T>(result);
    }
  }
};

template <class T>
BinaryLoop choose_binary(BinaryOp op) noexcept {
  switch (op) {
    case BinaryOp::kEq: return loop2<T, bool, EqOp<T>>;
    case BinaryOp::kNe: return loop2<T, bool, NeOp<T>>;
    case BinaryOp::kLt: return loop2<T, bool, LtOp<T>>;
    case BinaryOp::kLe: return loop2<T, bool, LeOp<T>>;
    case BinaryOp::kGt: return loop2<T, bool, GtOp<T>>;
    case BinaryOp::kGe: return loop2<T, bool, GeOp<T>>;
    case BinaryOp::kLogicalAnd: return loop2<T, bool, LogicalAndOp<T>>;
    case BinaryOp::kLogicalOr: return loop2<T, bool, LogicalOrOp<T>>;
    case BinaryOp::kLogicalXor: return loop2<T, bool, LogicalXorOp<T>>;
    default: break;
  }
  if constexpr (kNumberLike<T>) {
    if (op == BinaryOp::kFloorDivide) return loop2<T, T, FloorDivideOp<T>>;
    if (op == BinaryOp::kRemainder) return loop2<T, T, RemainderOp<T>>;
    if (op == BinaryOp::kPow) return loop2<T, T, PowOp<T>>;
  }
  if constexpr (std::is_integral_v<T>) {
    // As in PyTorch, + of bools is `or`, * is `and`, and - is refused.
    constexpr bool kBool = std::is_same_v<T, bool>;
    switch (op) {
      case BinaryOp::kAdd: return loop2<T, T, std::conditional_t<kBool, OrOp<T>, AddOp<T>>>;
      case BinaryOp::kMul: return loop2<T, T, std::conditional_t<kBool, AndOp<T>, MulOp<T>>>;
      case BinaryOp::kSub: return kBool ? nullptr : loop2<T, T, SubOp<T>>;
      case BinaryOp::kMaximum: return loop2<T, T, MaximumOp<T>>;
      case BinaryOp::kMinimum: return loop2<T, T, MinimumOp<T>>;
      case BinaryOp::kBitwiseAnd: return loop2<T, T, AndOp<T>>;
      case BinaryOp::kBitwiseOr: return loop2<T, T, OrOp<T>>;
      case BinaryOp::kBitwiseXor: return loop2<T, T, XorOp<T>>;
      default: break;
    }
  }
  return nullptr;
}

// ---- one operand

#define TINE_OP(Name, T, expression)                  \
  template <class T>                                  \
  struct Name {                                       \
    auto operator()(T a) const { return expression; } \
  };
TINE_OP(NegOp, T, static_cast<T>(0 - Wrapping<T>(a)))
TINE_OP(AbsOp, T, static_cast<T>(a < T{} ? 0 - Wrapping<T>(a) : Wrapping<T>(a)))
TINE_OP(SignOp, T, static_cast<T>((a > T{}) - (a < T{})))
TINE_OP(SquareOp, T, static_cast<T>(Wrapping<T>(a) * Wrapping<T>(a)))
TINE_OP(ReluOp, T, a < T{} ? T{} : a)
TINE_OP(SinOp, T, std::sin(a))
TINE_OP(CosOp, T, std::cos(a))
TINE_OP(LogicalNotOp, T, a == T{})
TINE_OP(BitwiseNotOp, T, static_cast<T>(~a))
TINE_OP(IsNanOp, T, a != a)
TINE_OP(IsFiniteOp, T, a - a == T{})
TINE_OP(SameOp, T, a)
#undef TINE_OP

template <class T>
UnaryLoop choose_unary(UnaryOp op) noexcept {
  constexpr bool kFloat = std::is_floating_point_v<T>;
  if (op == UnaryOp::kLogicalNot) return loop1<T, bool, LogicalNotOp<T>>;
  if (op == UnaryOp::kIsNan) return loop1<T, bool, IsNanOp<T>>;
  if (op == UnaryOp::kIsFinite) return loop1<T, bool, IsFiniteOp<T>>;
  if constexpr (std::is_same_v<T, bool>) {
    if (op == UnaryOp::kBitwiseNot) return loop1<T, T, LogicalNotOp<T>>;
    if (op == UnaryOp::kSign) return loop1<T, T, SameOp<T>>;
  } else {
    if (op == UnaryOp::kSign) return loop1<T, T, SignOp<T>>;
    if constexpr (kFloat) {
      if (op == UnaryOp::kSin) return loop1<T, T, SinOp<T>>;
      if (op == UnaryOp::kCos) return loop1<T, T, CosOp<T>>;
    } else {
      switch (op) {
        case UnaryOp::kNeg: return loop1<T, T, NegOp<T>>;
        case UnaryOp::kAbs: return loop1<T, T, AbsOp<T>>;
        case UnaryOp::kSquare: return loop1<T, T, SquareOp<T>>;
        case UnaryOp::kRelu: return loop1<T, T, ReluOp<T>>;
        case UnaryOp::kBitwiseNot: return loop1<T, T, BitwiseNotOp<T>>;
        case UnaryOp::kFloor:
        case UnaryOp::kCeil:
        case UnaryOp::kRound:
        case UnaryOp::kTrunc: return loop1<T, T, SameOp<T>>;
        default: break;
      }
    }
  }
  return nullptr;
}

template <class From, class To>
struct ConvertOp {
  To operator()(From v) const {
    if constexpr (std::is_same_v<To, bool>) return v != From{};
    if constexpr (std::is_same_v<To, uint8_t> && std::is_floating_point_v<From>)
      // Through int64, so that 300.0 and -1.0 wrap as in PyTorch. Straight to uint8 they would be undefined.
      return static_cast<To>(static_cast<int64_t>(v));
    return static_cast<To>(v);
  }
};

template <class T>
void copy_loop(char* out, const char* a, int64_t so, int64_t sa, int64_t n) {
  if (so == static_cast<int64_t>(sizeof(T)) && sa == so) {
    std::memcpy(out, a, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  loop1<T, T, SameOp<T>>(out, a, so, sa, n);
}

}  // namespace

BinaryLoop plain_binary(BinaryOp op, DType dtype) noexcept {
  return with_type(dtype, [&]<class T>(T) { return choose_binary<T>(op); });
}

BinaryLoop plain_add_scaled(DType dtype) noexcept {
  return with_type(dtype, [&]<class T>(T) -> BinaryLoop { return loop2<T, T, AddScaledOp<T>>; });
}

UnaryLoop plain_unary(UnaryOp op, DType dtype) noexcept {
  return with_type(dtype, [&]<class T>(T) { return choose_unary<T>(op); });
}

UnaryLoop convert_loop(DType from, DType to) noexcept {
  return with_type(from, [&]<class From>(From) {
    return with_type(to, [&]<class To>(To) -> UnaryLoop {
      if constexpr (std::is_same_v<From, To>) return copy_loop<From>;
      return loop1<From, To, ConvertOp<From, To>>;
    });
  });
}

}  // namespace tine::tensor
