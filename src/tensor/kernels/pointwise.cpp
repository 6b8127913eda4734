#include "src/tensor/kernels/pointwise.h"

#include <fmt/format.h>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/plain.h"
#include "src/tensor/promote.h"

namespace tine::tensor {
namespace {

BinaryLoop loop_for(BinaryOp op, DType dtype) noexcept {
  const BinaryLoop fast = simd_binary(op, dtype);
  return fast ? fast : plain_binary(op, dtype);
}

[[noreturn]] void throw_not_implemented(std::string_view op, DType dtype) {
  throw TypeError(
      fmt::format("\"{}\" not implemented for '{}'; convert with .to(...) first", op, name_of(dtype)));
}

// The dtype to compute in, from the one that promotion gives.
DType compute_type(BinaryOp op, DType promoted) {
  // The quotient of ints is a float of PyTorch's default dtype.
  if (op == BinaryOp::kDiv && !is_floating(promoted)) return DType::kFloat32;
  return promoted;
}

[[noreturn]] void throw_no_loop(BinaryOp op, DType dtype) {
  if (op == BinaryOp::kSub && dtype == DType::kBool)
    throw TypeError(
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
        "`logical_xor()` "
        "operator instead.");
  throw_not_implemented(name_of(op), dtype);
}

// a op b of operands that are in `dtype` already; `loop` was chosen for it.
// Not inlined, like the other functions below that walk along strides: their frames are large, and most calls do not need
// them.
[[gnu::noinline]] Tensor compute(const KernelContext& c, BinaryLoop loop, const void* param, const Operand& a,
                                 const Operand& b, DType result) {
  const DimVector shape = broadcast(a.sizes, b.sizes);
  const Order order = order_of(shape, std::array{a, b});
  Tensor out = make(shape, order, result);
  const Plan<3> plan(shape, {Operand::of(known(out)), a, b}, &order);
  plan.run(c, [&](const std::array<char*, 3>& p, const std::array<int64_t, 3>& s, int64_t n) {
    loop(p[0], p[1], p[2], s.data(), n, param);
  });
  return out;
}

// Writes into self, in its own dtype, along the order of self, which names each element once.
[[gnu::noinline]] void compute_into(const KernelContext& c, BinaryLoop loop, const void* param,
                                    const Impl& self, const Operand& b) {
  const Operand into = Operand::of(self);
  const Order order = order_of(self.sizes(), std::array{into, b});
  const Plan<3> plan(self.sizes(), {into, into, b}, &order);
  plan.run(c, [&](const std::array<char*, 3>& p, const std::array<int64_t, 3>& s, int64_t n) {
    loop(p[0], p[1], p[2], s.data(), n, param);
  });
}

[[gnu::noinline]] Tensor general(const KernelContext& c, BinaryLoop loop, const void* param, const Tensor& a,
                                 const Tensor& b, DType dtype, DType result) {
  Number na, nb;
  Tensor ha, hb;
  const Operand x = operand(c, a, dtype, na, ha);
  const Operand y = operand(c, b, dtype, nb, hb);
  return compute(c, loop, param, x, y, result);
}

[[gnu::noinline]] Tensor with_number(const KernelContext& c, BinaryLoop loop, const Tensor& a,
                                     const Number& b, DType dtype, DType result) {
  Number number, copy = b;
  Tensor hold;
  return compute(c, loop, nullptr, operand(c, a, dtype, number, hold), Operand::number(copy.bytes), result);
}

[[gnu::always_inline]] inline bool small_and_straight(const Impl& a) noexcept {
  return a.contiguous() && a.numel() <= kGrain;
}

// Operands that lie side by side, or one number (stride 0), in memory: no plan.
void straight_into(const Impl& out, const Impl& a, const void* b, int64_t b_stride, BinaryLoop loop,
                   const void* param) {
  const int64_t strides[3] = {static_cast<int64_t>(size_of(out.dtype())),
                              static_cast<int64_t>(size_of(a.dtype())), b_stride};
  loop(static_cast<char*>(out.data()), static_cast<const char*>(a.data()), static_cast<const char*>(b),
       strides, a.numel(), param);
}

Tensor straight(const Impl& a, const void* b, int64_t b_stride, BinaryLoop loop, const void* param,
                DType result) {
  Tensor out = make(a.sizes(), result);
  straight_into(known(out), a, b, b_stride, loop, param);
  return out;
}

[[noreturn]] void throw_bad_result_shape(Sizes self, Sizes result) {
  throw ShapeError(fmt::format("output with shape {} doesn't match the broadcast shape {}", to_string(self),
                               to_string(result)));
}

void check_in_place(const Impl& self, Sizes other, DType result, std::string_view name) {
  check_writable(self, name);
  if (!can_cast(result, self.dtype()))
    throw TypeError(fmt::format("result type {} can't be cast to the desired output type {} (in-place {})",
                                name_of(result), name_of(self.dtype()), name));
  const DimVector shape = broadcast(self.sizes(), other);
  if (!same_sizes(shape, self.sizes())) throw_bad_result_shape(self.sizes(), shape);
}

void check_alpha(DType result, Scalar alpha) {
  if (alpha.is_float() && !is_floating(result))
    throw TypeError("For integral input tensors, argument alpha must not be a floating point number.");
  if (alpha.kind() == Scalar::Kind::kBool && result != DType::kBool)
    throw TypeError("Boolean alpha only supported for Boolean results.");
}

bool is_one(Scalar s) noexcept { return s.kind() == Scalar::Kind::kInt && s.as<int64_t>() == 1; }

BinaryLoop add_scaled_loop(DType dtype) noexcept {
  const BinaryLoop fast = simd_add_scaled(dtype);
  return fast ? fast : plain_add_scaled(dtype);
}

void refuse_bool_sub(DType a, DType b) {
  if (a == DType::kBool && b == DType::kBool) throw_no_loop(BinaryOp::kSub, DType::kBool);
  if (a == DType::kBool || b == DType::kBool)
    throw TypeError(
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
        "mask, use "
        "the `~` or `logical_not()` operator instead.");
}

Scalar negated(Scalar s) {
  if (s.is_float()) return -s.as<double>();
  // Unsigned, because the smallest int has no negative.
  return static_cast<int64_t>(0 - static_cast<uint64_t>(s.as<int64_t>()));
}

// a + alpha * b where `negative` flips alpha's sign.
Tensor add_scaled(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha, bool negative) {
  const DType dtype = result_type(a, b);
  check_alpha(dtype, alpha);
  if (negative) alpha = negated(alpha);
  const Number param = Number::of(alpha, dtype);
  return general(c, add_scaled_loop(dtype), param.bytes, a, b, dtype, dtype);
}

// alpha * b as one number, exact for integers.
Scalar scaled(Scalar alpha, Scalar b) {
  if (is_one(alpha)) return b;
  if (alpha.is_float() || b.is_float()) return alpha.as<double>() * b.as<double>();
  return static_cast<int64_t>(alpha.as<uint64_t>() * b.as<uint64_t>());
}

}  // namespace

std::string_view name_of(BinaryOp op) noexcept {
  constexpr std::string_view kNames[] = {
      "add",     "sub",     "mul",         "div",        "floor_divide", "remainder",  "pow",
      "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor",  "eq",         "ne",
      "lt",      "le",      "gt",          "ge",         "logical_and",  "logical_or", "logical_xor"};
  return kNames[static_cast<size_t>(op)];
}

std::string_view name_of(UnaryOp op) noexcept {
  constexpr std::string_view kNames[] = {
      "neg",   "abs",        "sign",        "square",      "relu",  "exp",     "log",   "sqrt",
      "rsqrt", "reciprocal", "sin",         "cos",         "tanh",  "sigmoid", "floor", "ceil",
      "round", "trunc",      "logical_not", "bitwise_not", "isnan", "isfinite"};
  return kNames[static_cast<size_t>(op)];
}

Tensor binary(const KernelContext& c, BinaryOp op, const Tensor& a, const Tensor& b) {
  const Impl& x = impl_of(a);
  const Impl& y = impl_of(b);
  // The common case of small contiguous tensors of one dtype and shape: one call of the loop, without a plan, promotion or
  // broadcasting.
  if (x.dtype() == y.dtype() && small_and_straight(x) && y.contiguous() && same_sizes(x.sizes(), y.sizes()) &&
      compute_type(op, x.dtype()) == x.dtype()) {
    if (const BinaryLoop loop = loop_for(op, x.dtype()))
      return straight(x, y.data(), static_cast<int64_t>(size_of(x.dtype())), loop, nullptr,
                      yields_bool(op) ? DType::kBool : x.dtype());
  }
  const DType dtype = compute_type(op, result_type(a, b));
  const BinaryLoop loop = loop_for(op, dtype);
  if (!loop) throw_no_loop(op, dtype);
  return general(c, loop, nullptr, a, b, dtype, yields_bool(op) ? DType::kBool : dtype);
}

Tensor binary(const KernelContext& c, BinaryOp op, const Tensor& a, Scalar b) {
  const DType dtype = compute_type(op, result_type(a, b));
  if (op == BinaryOp::kPow) {
    if (is_floating(dtype)) {
      const double e = b.as<double>();
      // These exponents have faster loops; the general one calls pow() for each element.
      if (e == 2) return unary(c, UnaryOp::kSquare, to(c, a, dtype));
      if (e == 0.5) return unary(c, UnaryOp::kSqrt, to(c, a, dtype));
      if (e == -1) return unary(c, UnaryOp::kReciprocal, to(c, a, dtype));
      if (e == 3) return binary(c, BinaryOp::kMul, unary(c, UnaryOp::kSquare, to(c, a, dtype)), a);
    } else if (b.kind() == Scalar::Kind::kInt && b.as<int64_t>() < 0) {
      throw ValueError("Integers to negative integer powers are not allowed.");
    }
  }
  const BinaryLoop loop = loop_for(op, dtype);
  if (!loop) throw_no_loop(op, dtype);
  const Number n = Number::of(b, dtype);
  const DType result = yields_bool(op) ? DType::kBool : dtype;
  if (known(a).dtype() == dtype && small_and_straight(known(a)))
    return straight(known(a), n.bytes, 0, loop, nullptr, result);
  return with_number(c, loop, a, n, dtype, result);
}

Tensor binary(const KernelContext& c, BinaryOp op, Scalar a, const Tensor& b) {
  const DType dtype = compute_type(op, result_type(b, a));
  const BinaryLoop loop = loop_for(op, dtype);
  if (!loop) throw_no_loop(op, dtype);
  Number n = Number::of(a, dtype);
  Number nb;
  Tensor hold;
  return compute(c, loop, nullptr, Operand::number(n.bytes), operand(c, b, dtype, nb, hold),
                 yields_bool(op) ? DType::kBool : dtype);
}

const Tensor& binary_(const KernelContext& c, BinaryOp op, const Tensor& self, const Tensor& other) {
  const Impl& x = impl_of(self);
  const Impl& y = impl_of(other);
  const DType dtype = compute_type(op, result_type(self, other));
  const BinaryLoop loop = loop_for(op, dtype);
  if (!loop) throw_no_loop(op, dtype);
  const DType result = yields_bool(op) ? DType::kBool : dtype;
  check_in_place(x, y.sizes(), result, name_of(op));
  // Computed in another dtype than self has: the result is made apart and converted.
  if (result != x.dtype() || dtype != x.dtype()) return copy_(c, self, binary(c, op, self, other));
  if (small_and_straight(x) && y.contiguous() && y.dtype() == dtype && same_sizes(x.sizes(), y.sizes()) &&
      !clashes(x, y)) {
    straight_into(x, x, y.data(), static_cast<int64_t>(size_of(dtype)), loop, nullptr);
    return self;
  }
  Number n;
  Tensor hold;
  // `x += x.t()` would read elements that have been written already.
  if (clashes(x, y)) return binary_(c, op, self, clone(c, other));
  compute_into(c, loop, nullptr, x, operand(c, other, dtype, n, hold));
  return self;
}

const Tensor& binary_(const KernelContext& c, BinaryOp op, const Tensor& self, Scalar other) {
  const Impl& x = impl_of(self);
  const DType dtype = compute_type(op, result_type(self, other));
  const BinaryLoop loop = loop_for(op, dtype);
  if (!loop) throw_no_loop(op, dtype);
  const DType result = yields_bool(op) ? DType::kBool : dtype;
  check_in_place(x, {}, result, name_of(op));
  // pow() too is computed apart: binary() knows faster exponents, and refuses negative ones of ints.
  if (result != x.dtype() || dtype != x.dtype() || op == BinaryOp::kPow)
    return copy_(c, self, binary(c, op, self, other));
  Number n = Number::of(other, dtype);
  if (small_and_straight(x)) {
    straight_into(x, x, n.bytes, 0, loop, nullptr);
  } else {
    compute_into(c, loop, nullptr, x, Operand::number(n.bytes));
  }
  return self;
}

Tensor add(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha) {
  if (is_one(alpha)) return binary(c, BinaryOp::kAdd, a, b);
  return add_scaled(c, a, b, alpha, false);
}

Tensor add(const KernelContext& c, const Tensor& a, Scalar b, Scalar alpha) {
  check_alpha(result_type(a, b), alpha);
  return binary(c, BinaryOp::kAdd, a, scaled(alpha, b));
}

Tensor sub(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha) {
  refuse_bool_sub(impl_of(a).dtype(), impl_of(b).dtype());
  if (is_one(alpha)) return binary(c, BinaryOp::kSub, a, b);
  return add_scaled(c, a, b, alpha, true);
}

Tensor sub(const KernelContext& c, const Tensor& a, Scalar b, Scalar alpha) {
  refuse_bool_sub(impl_of(a).dtype(), b.dtype());
  check_alpha(result_type(a, b), alpha);
  return binary(c, BinaryOp::kSub, a, scaled(alpha, b));
}

Tensor rsub(const KernelContext& c, const Tensor& a, const Tensor& b, Scalar alpha) {
  return sub(c, b, a, alpha);
}

Tensor rsub(const KernelContext& c, const Tensor& a, Scalar b, Scalar alpha) {
  refuse_bool_sub(impl_of(a).dtype(), b.dtype());
  if (is_one(alpha)) return binary(c, BinaryOp::kSub, b, a);
  const DType dtype = result_type(a, b);
  check_alpha(dtype, alpha);
  return binary(c, BinaryOp::kSub, b, binary(c, BinaryOp::kMul, to(c, a, dtype), alpha));
}

namespace {

const Tensor& add_scaled_(const KernelContext& c, const Tensor& self, const Tensor& b, Scalar alpha,
                          bool negative) {
  const Impl& x = impl_of(self);
  const DType dtype = result_type(self, b);
  check_alpha(dtype, alpha);
  check_in_place(x, impl_of(b).sizes(), dtype, negative ? "sub" : "add");
  if (dtype != x.dtype()) return copy_(c, self, add_scaled(c, self, b, alpha, negative));
  if (clashes(x, known(b))) return add_scaled_(c, self, clone(c, b), alpha, negative);
  const Number param = Number::of(negative ? negated(alpha) : alpha, dtype);
  Number n;
  Tensor hold;
  compute_into(c, add_scaled_loop(dtype), param.bytes, x, operand(c, b, dtype, n, hold));
  return self;
}

}  // namespace

const Tensor& add_(const KernelContext& c, const Tensor& self, const Tensor& b, Scalar alpha) {
  if (is_one(alpha)) return binary_(c, BinaryOp::kAdd, self, b);
  return add_scaled_(c, self, b, alpha, false);
}

const Tensor& add_(const KernelContext& c, const Tensor& self, Scalar b, Scalar alpha) {
  check_alpha(result_type(self, b), alpha);
  return binary_(c, BinaryOp::kAdd, self, scaled(alpha, b));
}

const Tensor& sub_(const KernelContext& c, const Tensor& self, const Tensor& b, Scalar alpha) {
  refuse_bool_sub(impl_of(self).dtype(), impl_of(b).dtype());
  if (is_one(alpha)) return binary_(c, BinaryOp::kSub, self, b);
  return add_scaled_(c, self, b, alpha, true);
}

const Tensor& sub_(const KernelContext& c, const Tensor& self, Scalar b, Scalar alpha) {
  refuse_bool_sub(impl_of(self).dtype(), b.dtype());
  check_alpha(result_type(self, b), alpha);
  return binary_(c, BinaryOp::kSub, self, scaled(alpha, b));
}

namespace {

bool floats_only(UnaryOp op) noexcept { return op >= UnaryOp::kExp && op <= UnaryOp::kSigmoid; }

UnaryLoop loop_for(UnaryOp op, DType dtype) {
  if (const UnaryLoop fast = simd_unary(op, dtype)) return fast;
  if (const UnaryLoop plain = plain_unary(op, dtype)) return plain;
  if (op == UnaryOp::kNeg && dtype == DType::kBool)
    throw TypeError(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
        "use the "
        "`~` or `logical_not()` operator instead.");
  throw_not_implemented(name_of(op), dtype);
}

[[gnu::noinline]] void run_strided(const KernelContext& c, UnaryLoop loop, const Impl& out,
                                   const Operand& a) {
  const std::array both{Operand::of(out), a};
  const Order order = order_of(out.sizes(), both);
  const Plan<2> plan(out.sizes(), both, &order);
  plan.run(c, [&](const std::array<char*, 2>& p, const std::array<int64_t, 2>& s, int64_t n) {
    loop(p[0], p[1], s[0], s[1], n);
  });
}

void run_unary(const KernelContext& c, UnaryLoop loop, const Impl& out, const Impl& a) {
  const int64_t wo = static_cast<int64_t>(size_of(out.dtype()));
  const int64_t wa = static_cast<int64_t>(size_of(a.dtype()));
  if (out.contiguous() && a.contiguous() && out.numel() == a.numel()) {
    split(c, a.numel(), kGrain, [&](int64_t begin, int64_t end) {
      loop(static_cast<char*>(out.data()) + begin * wo, static_cast<const char*>(a.data()) + begin * wa, wo,
           wa, end - begin);
    });
    return;
  }
  run_strided(c, loop, out, Operand::of(a));
}

}  // namespace

Tensor unary(const KernelContext& c, UnaryOp op, const Tensor& a) {
  const Impl& x = impl_of(a);
  if (floats_only(op) && !is_floating(x.dtype())) return unary(c, op, to(c, a, DType::kFloat32));
  // The square of a bool is an int64, as in PyTorch.
  if (op == UnaryOp::kSquare && x.dtype() == DType::kBool) return unary(c, op, to(c, a, DType::kInt64));
  const UnaryLoop loop = loop_for(op, x.dtype());
  Tensor out = make_like(x, yields_bool(op) ? DType::kBool : x.dtype());
  run_unary(c, loop, known(out), x);
  return out;
}

const Tensor& unary_(const KernelContext& c, UnaryOp op, const Tensor& self) {
  const Impl& x = impl_of(self);
  check_writable(x, name_of(op));
  if (floats_only(op) && !is_floating(x.dtype()))
    throw TypeError(
        fmt::format("result type float32 can't be cast to the desired output type {} (in-place {})",
                    name_of(x.dtype()), name_of(op)));
  if (yields_bool(op)) return copy_(c, self, unary(c, op, self));
  run_unary(c, loop_for(op, x.dtype()), x, x);
  return self;
}

Tensor clamp(const KernelContext& c, const Tensor& a, std::optional<Scalar> min, std::optional<Scalar> max) {
  if (!min && !max) throw ValueError("clamp: at least one of 'min' or 'max' must not be None");
  // The upper bound comes last: if min > max, the result is max, as in PyTorch.
  Tensor r = a;
  if (min) check_holds(*min, result_type(a, *min));
  if (max) check_holds(*max, result_type(a, *max));
  if (min) r = binary(c, BinaryOp::kMaximum, r, *min);
  if (max) r = binary(c, BinaryOp::kMinimum, r, *max);
  return r;
}

Tensor where(const KernelContext& c, const Tensor& condition, const Tensor& a, const Tensor& b) {
  const Impl& m = impl_of(condition);
  if (m.dtype() != DType::kBool && m.dtype() != DType::kUInt8)
    throw TypeError(
        fmt::format("where expected condition to be a boolean tensor, but got a tensor with dtype {}",
                    name_of(m.dtype())));
  const DType dtype = result_type(a, b);
  Number na, nb;
  Tensor ha, hb;
  const Operand x = operand(c, a, dtype, na, ha);
  const Operand y = operand(c, b, dtype, nb, hb);
  const DimVector shape = broadcast(m.sizes(), broadcast(x.sizes, y.sizes));
  const Operand chosen = Operand::of(m);
  const Order order = order_of(shape, std::array{chosen, x, y});
  Tensor out = make(shape, order, dtype);
  const Plan<4> plan(shape, {Operand::of(known(out)), chosen, x, y}, &order);
  plan.run(c, [&](std::array<char*, 4> p, const std::array<int64_t, 4>& s, int64_t n) {
    with_type(dtype, [&]<class T>(T) {
      for (int64_t i = 0; i < n; ++i) {
        // A bool and a uint8 are one byte, and any but 0 chooses `a`.
        *reinterpret_cast<T*>(p[0]) = *reinterpret_cast<const T*>(*p[1] ? p[2] : p[3]);
        for (size_t k = 0; k < 4; ++k) p[k] += s[k];
      }
    });
  });
  return out;
}

const Tensor& copy_(const KernelContext& c, const Tensor& self, const Tensor& source) {
  const Impl& x = impl_of(self);
  const Impl& y = impl_of(source);
  if (&x == &y) return self;
  check_writable(x, "copy_");
  const DimVector shape = broadcast(x.sizes(), y.sizes());
  if (!same_sizes(shape, x.sizes())) throw_bad_result_shape(x.sizes(), shape);
  if (clashes(x, y)) return copy_(c, self, clone(c, source));
  run_unary(c, convert_loop(y.dtype(), x.dtype()), x, y);
  return self;
}

const Tensor& fill_(const KernelContext& c, const Tensor& self, Scalar value) {
  const Impl& x = impl_of(self);
  check_writable(x, "fill_");
  check_holds(value, x.dtype());
  Number n = Number::of(value, x.dtype());
  const UnaryLoop loop = convert_loop(x.dtype(), x.dtype());
  if (small_and_straight(x)) {
    loop(static_cast<char*>(x.data()), n.bytes, static_cast<int64_t>(size_of(x.dtype())), 0, x.numel());
    return self;
  }
  run_strided(c, loop, x, Operand::number(n.bytes));
  return self;
}

const Tensor& zero_(const KernelContext& c, const Tensor& self) { return fill_(c, self, 0); }

Tensor clone(const KernelContext& c, const Tensor& a) {
  const Impl& x = impl_of(a);
  Tensor out = make_like(x, x.dtype());
  run_unary(c, convert_loop(x.dtype(), x.dtype()), known(out), x);
  return out;
}

Tensor packed(const KernelContext& c, const Tensor& a) {
  const Impl& x = impl_of(a);
  Tensor out = make(x.sizes(), x.dtype());
  run_unary(c, convert_loop(x.dtype(), x.dtype()), known(out), x);
  return out;
}

Tensor to(const KernelContext& c, const Tensor& a, DType dtype) {
  const Impl& x = impl_of(a);
  if (x.dtype() == dtype) return a;
  Tensor out = make_like(x, dtype);
  run_unary(c, convert_loop(x.dtype(), dtype), known(out), x);
  return out;
}

}  // namespace tine::tensor
