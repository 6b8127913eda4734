// Functions: the operators on tensors as C++ functions.
//
//   const tine::Tensor x = tine::ones({2, 3});
//   const tine::Tensor w = tine::full({3}, 0.5);
//   const tine::Tensor y = tine::add(tine::matmul(x, w), 1, /*alpha=*/2);  // 3.5, 3.5
//   const auto [values, indices] = tine::max(y, 0);
//   const double mean = tine::mean(y).item_as_double();
//
// tools/functions writes this file out of the operator table (tine/operators.h), and a test holds it to the table. Above each
// function is the schema that it calls. Arguments have the order, the names and the defaults of the schema, those that
// Python takes by name only among them. An int[] is a number, a list as {2, 3}, a std::vector or what sizes() returns;
// `std::nullopt` is None. Where two overloads would take the same arguments, the later one lacks a default.
//
// Each function runs in the default Runtime, on the calling thread, and may be called from any thread; large tensors are
// split over its pool. It throws what the operator throws: ShapeError, IndexError, ValueError, TypeError for a dtype, and
// TypeError for an undefined tensor. A name that ends in `_` writes into its first argument and returns it; a
// `Tensor(a)` result shares memory with its argument. A call costs 5 ns beside the operator.
#pragma once

// clang-format off

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tine/detail/typed_call.h"

namespace tine {

// aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
inline Tensor add(const Tensor& self, const Tensor& other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::add.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor
inline Tensor add(const Tensor& self, Scalar other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::add.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::add.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor add(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::add.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
inline Tensor sub(const Tensor& self, const Tensor& other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::sub.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor
inline Tensor sub(const Tensor& self, Scalar other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::sub.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::sub.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor sub(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::sub.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
inline Tensor rsub(const Tensor& self, const Tensor& other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::rsub.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor
inline Tensor rsub(const Tensor& self, Scalar other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::rsub.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)
inline Tensor add_(const Tensor& self, const Tensor& other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::add_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)
inline Tensor add_(const Tensor& self, Scalar other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::add_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)
inline Tensor sub_(const Tensor& self, const Tensor& other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::sub_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::sub_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)
inline Tensor sub_(const Tensor& self, Scalar other, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::sub_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other, alpha);
}

// aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor
inline Tensor pow(const Tensor& self, const Tensor& exponent) {
  static const Op& row = detail::builtin("aten::pow.Tensor_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, exponent);
}

// aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor
inline Tensor pow(const Tensor& self, Scalar exponent) {
  static const Op& row = detail::builtin("aten::pow.Tensor_Scalar");
  return detail::TypedCall(row).run<Tensor>(self, exponent);
}

// aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor
inline Tensor pow(Scalar self, const Tensor& exponent) {
  static const Op& row = detail::builtin("aten::pow.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, exponent);
}

// aten::maximum(Tensor self, Tensor other) -> Tensor
inline Tensor maximum(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::maximum");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::minimum(Tensor self, Tensor other) -> Tensor
inline Tensor minimum(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::minimum");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor
inline Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, Scalar value = 1) {
  static const Op& row = detail::builtin("aten::addcmul");
  return detail::TypedCall(row).run<Tensor>(self, tensor1, tensor2, value);
}

// aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor
inline Tensor div(const Tensor& self, const Tensor& other, std::optional<std::string_view> rounding_mode) {
  static const Op& row = detail::builtin("aten::div.Tensor_mode");
  return detail::TypedCall(row).run<Tensor>(self, other, rounding_mode);
}

// aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor
inline Tensor div(const Tensor& self, Scalar other, std::optional<std::string_view> rounding_mode) {
  static const Op& row = detail::builtin("aten::div.Scalar_mode");
  return detail::TypedCall(row).run<Tensor>(self, other, rounding_mode);
}

// aten::mul.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor mul(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::mul.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::mul.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor mul(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::mul.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::mul.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor mul(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::mul.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::div.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor div(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::div.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::div.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor div(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::div.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::div.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor div(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::div.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::floor_divide.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor floor_divide(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::floor_divide.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor floor_divide(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::floor_divide.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::floor_divide.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor floor_divide(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::floor_divide.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor remainder(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::remainder.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor remainder(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::remainder.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor remainder(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::remainder.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)
inline Tensor mul_(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::mul_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)
inline Tensor mul_(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::mul_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)
inline Tensor div_(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::div_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)
inline Tensor div_(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::div_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::floor_divide_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)
inline Tensor floor_divide_(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::floor_divide_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::floor_divide_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)
inline Tensor floor_divide_(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::floor_divide_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::remainder_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)
inline Tensor remainder_(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::remainder_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::remainder_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)
inline Tensor remainder_(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::remainder_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::pow_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)
inline Tensor pow_(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::pow_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::pow_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)
inline Tensor pow_(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::pow_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::eq.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor eq(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::eq.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::eq.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor eq(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::eq.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::eq.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor eq(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::eq.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::ne.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor ne(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::ne.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::ne.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor ne(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::ne.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::ne.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor ne(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::ne.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::lt.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor lt(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::lt.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::lt.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor lt(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::lt.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::lt.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor lt(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::lt.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::le.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor le(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::le.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::le.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor le(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::le.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::le.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor le(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::le.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::gt.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor gt(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::gt.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::gt.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor gt(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::gt.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::gt.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor gt(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::gt.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::ge.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor ge(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::ge.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::ge.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor ge(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::ge.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::ge.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor ge(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::ge.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor bitwise_and(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::bitwise_and.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor bitwise_and(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::bitwise_and.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_and.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor bitwise_and(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::bitwise_and.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor bitwise_or(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::bitwise_or.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor bitwise_or(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::bitwise_or.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_or.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor bitwise_or(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::bitwise_or.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor
inline Tensor bitwise_xor(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::bitwise_xor.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor
inline Tensor bitwise_xor(const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::bitwise_xor.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::bitwise_xor.Scalar_Tensor(Scalar self, Tensor other) -> Tensor
inline Tensor bitwise_xor(Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::bitwise_xor.Scalar_Tensor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::logical_and(Tensor self, Tensor other) -> Tensor
inline Tensor logical_and(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::logical_and");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::logical_or(Tensor self, Tensor other) -> Tensor
inline Tensor logical_or(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::logical_or");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::logical_xor(Tensor self, Tensor other) -> Tensor
inline Tensor logical_xor(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::logical_xor");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::neg(Tensor self) -> Tensor
inline Tensor neg(const Tensor& self) {
  static const Op& row = detail::builtin("aten::neg");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::abs(Tensor self) -> Tensor
inline Tensor abs(const Tensor& self) {
  static const Op& row = detail::builtin("aten::abs");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sign(Tensor self) -> Tensor
inline Tensor sign(const Tensor& self) {
  static const Op& row = detail::builtin("aten::sign");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::square(Tensor self) -> Tensor
inline Tensor square(const Tensor& self) {
  static const Op& row = detail::builtin("aten::square");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::relu(Tensor self) -> Tensor
inline Tensor relu(const Tensor& self) {
  static const Op& row = detail::builtin("aten::relu");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::exp(Tensor self) -> Tensor
inline Tensor exp(const Tensor& self) {
  static const Op& row = detail::builtin("aten::exp");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::log(Tensor self) -> Tensor
inline Tensor log(const Tensor& self) {
  static const Op& row = detail::builtin("aten::log");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sqrt(Tensor self) -> Tensor
inline Tensor sqrt(const Tensor& self) {
  static const Op& row = detail::builtin("aten::sqrt");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::rsqrt(Tensor self) -> Tensor
inline Tensor rsqrt(const Tensor& self) {
  static const Op& row = detail::builtin("aten::rsqrt");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::reciprocal(Tensor self) -> Tensor
inline Tensor reciprocal(const Tensor& self) {
  static const Op& row = detail::builtin("aten::reciprocal");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sin(Tensor self) -> Tensor
inline Tensor sin(const Tensor& self) {
  static const Op& row = detail::builtin("aten::sin");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::cos(Tensor self) -> Tensor
inline Tensor cos(const Tensor& self) {
  static const Op& row = detail::builtin("aten::cos");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::tanh(Tensor self) -> Tensor
inline Tensor tanh(const Tensor& self) {
  static const Op& row = detail::builtin("aten::tanh");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sigmoid(Tensor self) -> Tensor
inline Tensor sigmoid(const Tensor& self) {
  static const Op& row = detail::builtin("aten::sigmoid");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::floor(Tensor self) -> Tensor
inline Tensor floor(const Tensor& self) {
  static const Op& row = detail::builtin("aten::floor");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::ceil(Tensor self) -> Tensor
inline Tensor ceil(const Tensor& self) {
  static const Op& row = detail::builtin("aten::ceil");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::round(Tensor self) -> Tensor
inline Tensor round(const Tensor& self) {
  static const Op& row = detail::builtin("aten::round");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::trunc(Tensor self) -> Tensor
inline Tensor trunc(const Tensor& self) {
  static const Op& row = detail::builtin("aten::trunc");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::logical_not(Tensor self) -> Tensor
inline Tensor logical_not(const Tensor& self) {
  static const Op& row = detail::builtin("aten::logical_not");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::bitwise_not(Tensor self) -> Tensor
inline Tensor bitwise_not(const Tensor& self) {
  static const Op& row = detail::builtin("aten::bitwise_not");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::isnan(Tensor self) -> Tensor
inline Tensor isnan(const Tensor& self) {
  static const Op& row = detail::builtin("aten::isnan");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::isfinite(Tensor self) -> Tensor
inline Tensor isfinite(const Tensor& self) {
  static const Op& row = detail::builtin("aten::isfinite");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::neg_(Tensor(a!) self) -> Tensor(a!)
inline Tensor neg_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::neg_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::abs_(Tensor(a!) self) -> Tensor(a!)
inline Tensor abs_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::abs_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::square_(Tensor(a!) self) -> Tensor(a!)
inline Tensor square_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::square_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::relu_(Tensor(a!) self) -> Tensor(a!)
inline Tensor relu_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::relu_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::exp_(Tensor(a!) self) -> Tensor(a!)
inline Tensor exp_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::exp_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::log_(Tensor(a!) self) -> Tensor(a!)
inline Tensor log_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::log_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sqrt_(Tensor(a!) self) -> Tensor(a!)
inline Tensor sqrt_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::sqrt_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::reciprocal_(Tensor(a!) self) -> Tensor(a!)
inline Tensor reciprocal_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::reciprocal_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::tanh_(Tensor(a!) self) -> Tensor(a!)
inline Tensor tanh_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::tanh_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sigmoid_(Tensor(a!) self) -> Tensor(a!)
inline Tensor sigmoid_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::sigmoid_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::floor_(Tensor(a!) self) -> Tensor(a!)
inline Tensor floor_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::floor_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::round_(Tensor(a!) self) -> Tensor(a!)
inline Tensor round_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::round_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor
inline Tensor clamp(const Tensor& self, std::optional<Scalar> min = std::nullopt, std::optional<Scalar> max = std::nullopt) {
  static const Op& row = detail::builtin("aten::clamp");
  return detail::TypedCall(row).run<Tensor>(self, min, max);
}

// aten::clamp_min(Tensor self, Scalar min) -> Tensor
inline Tensor clamp_min(const Tensor& self, Scalar min) {
  static const Op& row = detail::builtin("aten::clamp_min");
  return detail::TypedCall(row).run<Tensor>(self, min);
}

// aten::clamp_max(Tensor self, Scalar max) -> Tensor
inline Tensor clamp_max(const Tensor& self, Scalar max) {
  static const Op& row = detail::builtin("aten::clamp_max");
  return detail::TypedCall(row).run<Tensor>(self, max);
}

// aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor
inline Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::where.self");
  return detail::TypedCall(row).run<Tensor>(condition, self, other);
}

// aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor
inline Tensor where(const Tensor& condition, const Tensor& self, Scalar other) {
  static const Op& row = detail::builtin("aten::where.ScalarOther");
  return detail::TypedCall(row).run<Tensor>(condition, self, other);
}

// aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor
inline Tensor where(const Tensor& condition, Scalar self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::where.ScalarSelf");
  return detail::TypedCall(row).run<Tensor>(condition, self, other);
}

// aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor
inline Tensor where(const Tensor& condition, Scalar self, Scalar other) {
  static const Op& row = detail::builtin("aten::where.Scalar");
  return detail::TypedCall(row).run<Tensor>(condition, self, other);
}

// aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor
inline Tensor masked_fill(const Tensor& self, const Tensor& mask, Scalar value) {
  static const Op& row = detail::builtin("aten::masked_fill.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, mask, value);
}

// aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)
inline Tensor copy_(const Tensor& self, const Tensor& src, bool non_blocking = false) {
  static const Op& row = detail::builtin("aten::copy_");
  return detail::TypedCall(row).run<Tensor>(self, src, non_blocking);
}

// aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)
inline Tensor fill_(const Tensor& self, Scalar value) {
  static const Op& row = detail::builtin("aten::fill_.Scalar");
  return detail::TypedCall(row).run<Tensor>(self, value);
}

// aten::fill_.Tensor(Tensor(a!) self, Tensor value) -> Tensor(a!)
inline Tensor fill_(const Tensor& self, const Tensor& value) {
  static const Op& row = detail::builtin("aten::fill_.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, value);
}

// aten::zero_(Tensor(a!) self) -> Tensor(a!)
inline Tensor zero_(const Tensor& self) {
  static const Op& row = detail::builtin("aten::zero_");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor sum(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::sum");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
inline Tensor sum(const Tensor& self, const detail::OptionalIntList& dim, bool keepdim = false, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::sum.dim_IntList");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim, dtype);
}

// aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor mean(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::mean");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
inline Tensor mean(const Tensor& self, const detail::OptionalIntList& dim, bool keepdim = false, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::mean.dim");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim, dtype);
}

// aten::prod(Tensor self) -> Tensor
inline Tensor prod(const Tensor& self) {
  static const Op& row = detail::builtin("aten::prod");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::prod.dim_int(Tensor self, int dim, bool keepdim=False) -> Tensor
inline Tensor prod(const Tensor& self, int64_t dim, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::prod.dim_int");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim);
}

// aten::any(Tensor self) -> Tensor
inline Tensor any(const Tensor& self) {
  static const Op& row = detail::builtin("aten::any");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor
inline Tensor any(const Tensor& self, int64_t dim, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::any.dim");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim);
}

// aten::all(Tensor self) -> Tensor
inline Tensor all(const Tensor& self) {
  static const Op& row = detail::builtin("aten::all");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor
inline Tensor all(const Tensor& self, int64_t dim, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::all.dim");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim);
}

// aten::max(Tensor self) -> Tensor
inline Tensor max(const Tensor& self) {
  static const Op& row = detail::builtin("aten::max");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
inline std::tuple<Tensor, Tensor> max(const Tensor& self, int64_t dim, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::max.dim");
  return detail::TypedCall(row).run<std::tuple<Tensor, Tensor>>(self, dim, keepdim);
}

// aten::max.other(Tensor self, Tensor other) -> Tensor
inline Tensor max(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::max.other");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::min(Tensor self) -> Tensor
inline Tensor min(const Tensor& self) {
  static const Op& row = detail::builtin("aten::min");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
inline std::tuple<Tensor, Tensor> min(const Tensor& self, int64_t dim, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::min.dim");
  return detail::TypedCall(row).run<std::tuple<Tensor, Tensor>>(self, dim, keepdim);
}

// aten::min.other(Tensor self, Tensor other) -> Tensor
inline Tensor min(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::min.other");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor
inline Tensor argmax(const Tensor& self, std::optional<int64_t> dim = std::nullopt, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::argmax");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim);
}

// aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor
inline Tensor argmin(const Tensor& self, std::optional<int64_t> dim = std::nullopt, bool keepdim = false) {
  static const Op& row = detail::builtin("aten::argmin");
  return detail::TypedCall(row).run<Tensor>(self, dim, keepdim);
}

// aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor
inline Tensor softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::softmax.int");
  return detail::TypedCall(row).run<Tensor>(self, dim, dtype);
}

// aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor
inline Tensor log_softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::log_softmax.int");
  return detail::TypedCall(row).run<Tensor>(self, dim, dtype);
}

// aten::equal(Tensor self, Tensor other) -> bool
inline bool equal(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::equal");
  return detail::TypedCall(row).run<bool>(self, other);
}

// aten::allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool
inline bool allclose(const Tensor& self, const Tensor& other, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) {
  static const Op& row = detail::builtin("aten::allclose");
  return detail::TypedCall(row).run<bool>(self, other, rtol, atol, equal_nan);
}

// aten::matmul(Tensor self, Tensor other) -> Tensor
inline Tensor matmul(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::matmul");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::mm(Tensor self, Tensor mat2) -> Tensor
inline Tensor mm(const Tensor& self, const Tensor& mat2) {
  static const Op& row = detail::builtin("aten::mm");
  return detail::TypedCall(row).run<Tensor>(self, mat2);
}

// aten::bmm(Tensor self, Tensor mat2) -> Tensor
inline Tensor bmm(const Tensor& self, const Tensor& mat2) {
  static const Op& row = detail::builtin("aten::bmm");
  return detail::TypedCall(row).run<Tensor>(self, mat2);
}

// aten::mv(Tensor self, Tensor vec) -> Tensor
inline Tensor mv(const Tensor& self, const Tensor& vec) {
  static const Op& row = detail::builtin("aten::mv");
  return detail::TypedCall(row).run<Tensor>(self, vec);
}

// aten::dot(Tensor self, Tensor tensor) -> Tensor
inline Tensor dot(const Tensor& self, const Tensor& tensor) {
  static const Op& row = detail::builtin("aten::dot");
  return detail::TypedCall(row).run<Tensor>(self, tensor);
}

// aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor
inline Tensor linear(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias = std::nullopt) {
  static const Op& row = detail::builtin("aten::linear");
  return detail::TypedCall(row).run<Tensor>(input, weight, bias);
}

// aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
inline Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, Scalar beta = 1, Scalar alpha = 1) {
  static const Op& row = detail::builtin("aten::addmm");
  return detail::TypedCall(row).run<Tensor>(self, mat1, mat2, beta, alpha);
}

// aten::nll_loss(Tensor self, Tensor target, int reduction=1) -> Tensor
inline Tensor nll_loss(const Tensor& self, const Tensor& target, int64_t reduction = 1) {
  static const Op& row = detail::builtin("aten::nll_loss");
  return detail::TypedCall(row).run<Tensor>(self, target, reduction);
}

// aten::nll_loss.functional(Tensor input, Tensor target, *, str reduction) -> Tensor
inline Tensor nll_loss(const Tensor& input, const Tensor& target, std::string_view reduction) {
  static const Op& row = detail::builtin("aten::nll_loss.functional");
  return detail::TypedCall(row).run<Tensor>(input, target, reduction);
}

// aten::cross_entropy(Tensor self, Tensor target, int reduction=1) -> Tensor
inline Tensor cross_entropy(const Tensor& self, const Tensor& target, int64_t reduction = 1) {
  static const Op& row = detail::builtin("aten::cross_entropy");
  return detail::TypedCall(row).run<Tensor>(self, target, reduction);
}

// aten::cross_entropy.functional(Tensor input, Tensor target, *, str reduction) -> Tensor
inline Tensor cross_entropy(const Tensor& input, const Tensor& target, std::string_view reduction) {
  static const Op& row = detail::builtin("aten::cross_entropy.functional");
  return detail::TypedCall(row).run<Tensor>(input, target, reduction);
}

// aten::cross_entropy_loss(Tensor self, Tensor target, int reduction=1) -> Tensor
inline Tensor cross_entropy_loss(const Tensor& self, const Tensor& target, int64_t reduction = 1) {
  static const Op& row = detail::builtin("aten::cross_entropy_loss");
  return detail::TypedCall(row).run<Tensor>(self, target, reduction);
}

// aten::cross_entropy_loss.functional(Tensor input, Tensor target, *, str reduction) -> Tensor
inline Tensor cross_entropy_loss(const Tensor& input, const Tensor& target, std::string_view reduction) {
  static const Op& row = detail::builtin("aten::cross_entropy_loss.functional");
  return detail::TypedCall(row).run<Tensor>(input, target, reduction);
}

// aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor
inline Tensor mse_loss(const Tensor& self, const Tensor& target, int64_t reduction = 1) {
  static const Op& row = detail::builtin("aten::mse_loss");
  return detail::TypedCall(row).run<Tensor>(self, target, reduction);
}

// aten::mse_loss.functional(Tensor input, Tensor target, *, str reduction) -> Tensor
inline Tensor mse_loss(const Tensor& input, const Tensor& target, std::string_view reduction) {
  static const Op& row = detail::builtin("aten::mse_loss.functional");
  return detail::TypedCall(row).run<Tensor>(input, target, reduction);
}

// aten::one_hot(Tensor self, int num_classes=-1) -> Tensor
inline Tensor one_hot(const Tensor& self, int64_t num_classes = -1) {
  static const Op& row = detail::builtin("aten::one_hot");
  return detail::TypedCall(row).run<Tensor>(self, num_classes);
}

// aten::view(Tensor(a) self, int[] size) -> Tensor(a)
inline Tensor view(const Tensor& self, const detail::IntList& size) {
  static const Op& row = detail::builtin("aten::view");
  return detail::TypedCall(row).run<Tensor>(self, size);
}

// aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)
inline Tensor view_as(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::view_as");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::reshape(Tensor(a) self, int[] shape) -> Tensor(a)
inline Tensor reshape(const Tensor& self, const detail::IntList& shape) {
  static const Op& row = detail::builtin("aten::reshape");
  return detail::TypedCall(row).run<Tensor>(self, shape);
}

// aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)
inline Tensor flatten(const Tensor& self, int64_t start_dim = 0, int64_t end_dim = -1) {
  static const Op& row = detail::builtin("aten::flatten.using_ints");
  return detail::TypedCall(row).run<Tensor>(self, start_dim, end_dim);
}

// aten::contiguous(Tensor(a) self) -> Tensor(a)
inline Tensor contiguous(const Tensor& self) {
  static const Op& row = detail::builtin("aten::contiguous");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::detach(Tensor(a) self) -> Tensor(a)
inline Tensor detach(const Tensor& self) {
  static const Op& row = detail::builtin("aten::detach");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::squeeze(Tensor(a) self) -> Tensor(a)
inline Tensor squeeze(const Tensor& self) {
  static const Op& row = detail::builtin("aten::squeeze");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)
inline Tensor squeeze(const Tensor& self, int64_t dim) {
  static const Op& row = detail::builtin("aten::squeeze.dim");
  return detail::TypedCall(row).run<Tensor>(self, dim);
}

// aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)
inline Tensor unsqueeze(const Tensor& self, int64_t dim) {
  static const Op& row = detail::builtin("aten::unsqueeze");
  return detail::TypedCall(row).run<Tensor>(self, dim);
}

// aten::expand(Tensor(a) self, int[] size) -> Tensor(a)
inline Tensor expand(const Tensor& self, const detail::IntList& size) {
  static const Op& row = detail::builtin("aten::expand");
  return detail::TypedCall(row).run<Tensor>(self, size);
}

// aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)
inline Tensor expand_as(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::expand_as");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)
inline Tensor permute(const Tensor& self, const detail::IntList& dims) {
  static const Op& row = detail::builtin("aten::permute");
  return detail::TypedCall(row).run<Tensor>(self, dims);
}

// aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)
inline Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  static const Op& row = detail::builtin("aten::transpose.int");
  return detail::TypedCall(row).run<Tensor>(self, dim0, dim1);
}

// aten::t(Tensor(a) self) -> Tensor(a)
inline Tensor t(const Tensor& self) {
  static const Op& row = detail::builtin("aten::t");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::numpy_T(Tensor(a) self) -> Tensor(a)
inline Tensor numpy_T(const Tensor& self) {
  static const Op& row = detail::builtin("aten::numpy_T");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)
inline Tensor select(const Tensor& self, int64_t dim, int64_t index) {
  static const Op& row = detail::builtin("aten::select.int");
  return detail::TypedCall(row).run<Tensor>(self, dim, index);
}

// aten::slice.Tensor(Tensor(a) self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor(a)
inline Tensor slice(const Tensor& self, int64_t dim = 0, std::optional<int64_t> start = std::nullopt, std::optional<int64_t> end = std::nullopt, int64_t step = 1) {
  static const Op& row = detail::builtin("aten::slice.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, dim, start, end, step);
}

// aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)
inline Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  static const Op& row = detail::builtin("aten::narrow");
  return detail::TypedCall(row).run<Tensor>(self, dim, start, length);
}

// aten::unbind.int(Tensor(a) self, int dim=0) -> Tensor(a)[]
inline std::vector<Tensor> unbind(const Tensor& self, int64_t dim = 0) {
  static const Op& row = detail::builtin("aten::unbind.int");
  return detail::TypedCall(row).run<std::vector<Tensor>>(self, dim);
}

// aten::split.Tensor(Tensor(a) self, int split_size, int dim=0) -> Tensor(a)[]
inline std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim = 0) {
  static const Op& row = detail::builtin("aten::split.Tensor");
  return detail::TypedCall(row).run<std::vector<Tensor>>(self, split_size, dim);
}

// aten::chunk(Tensor(a) self, int chunks, int dim=0) -> Tensor(a)[]
inline std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim = 0) {
  static const Op& row = detail::builtin("aten::chunk");
  return detail::TypedCall(row).run<std::vector<Tensor>>(self, chunks, dim);
}

// aten::cat(Tensor[] tensors, int dim=0) -> Tensor
inline Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0) {
  static const Op& row = detail::builtin("aten::cat");
  return detail::TypedCall(row).run<Tensor>(tensors, dim);
}

// aten::concat(Tensor[] tensors, int dim=0) -> Tensor
inline Tensor concat(const std::vector<Tensor>& tensors, int64_t dim = 0) {
  static const Op& row = detail::builtin("aten::concat");
  return detail::TypedCall(row).run<Tensor>(tensors, dim);
}

// aten::stack(Tensor[] tensors, int dim=0) -> Tensor
inline Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0) {
  static const Op& row = detail::builtin("aten::stack");
  return detail::TypedCall(row).run<Tensor>(tensors, dim);
}

// aten::index_select(Tensor self, int dim, Tensor index) -> Tensor
inline Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  static const Op& row = detail::builtin("aten::index_select");
  return detail::TypedCall(row).run<Tensor>(self, dim, index);
}

// aten::gather(Tensor self, int dim, Tensor index) -> Tensor
inline Tensor gather(const Tensor& self, int64_t dim, const Tensor& index) {
  static const Op& row = detail::builtin("aten::gather");
  return detail::TypedCall(row).run<Tensor>(self, dim, index);
}

// aten::masked_select(Tensor self, Tensor mask) -> Tensor
inline Tensor masked_select(const Tensor& self, const Tensor& mask) {
  static const Op& row = detail::builtin("aten::masked_select");
  return detail::TypedCall(row).run<Tensor>(self, mask);
}

// aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor
inline Tensor index(const Tensor& self, const std::vector<std::optional<Tensor>>& indices) {
  static const Op& row = detail::builtin("aten::index.Tensor");
  return detail::TypedCall(row).run<Tensor>(self, indices);
}

// aten::index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor(a!)
inline Tensor index_put_(const Tensor& self, const std::vector<std::optional<Tensor>>& indices, const Tensor& values, bool accumulate = false) {
  static const Op& row = detail::builtin("aten::index_put_");
  return detail::TypedCall(row).run<Tensor>(self, indices, values, accumulate);
}

// aten::nonzero(Tensor self) -> Tensor
inline Tensor nonzero(const Tensor& self) {
  static const Op& row = detail::builtin("aten::nonzero");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::nonzero_numpy(Tensor self) -> Tensor[]
inline std::vector<Tensor> nonzero_numpy(const Tensor& self) {
  static const Op& row = detail::builtin("aten::nonzero_numpy");
  return detail::TypedCall(row).run<std::vector<Tensor>>(self);
}

// aten::clone(Tensor self) -> Tensor
inline Tensor clone(const Tensor& self) {
  static const Op& row = detail::builtin("aten::clone");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::size(Tensor self) -> int[]
inline std::vector<int64_t> size(const Tensor& self) {
  static const Op& row = detail::builtin("aten::size");
  return detail::TypedCall(row).run<std::vector<int64_t>>(self);
}

// aten::size.int(Tensor self, int dim) -> int
inline int64_t size(const Tensor& self, int64_t dim) {
  static const Op& row = detail::builtin("aten::size.int");
  return detail::TypedCall(row).run<int64_t>(self, dim);
}

// aten::stride(Tensor self) -> int[]
inline std::vector<int64_t> stride(const Tensor& self) {
  static const Op& row = detail::builtin("aten::stride");
  return detail::TypedCall(row).run<std::vector<int64_t>>(self);
}

// aten::dim(Tensor self) -> int
inline int64_t dim(const Tensor& self) {
  static const Op& row = detail::builtin("aten::dim");
  return detail::TypedCall(row).run<int64_t>(self);
}

// aten::numel(Tensor self) -> int
inline int64_t numel(const Tensor& self) {
  static const Op& row = detail::builtin("aten::numel");
  return detail::TypedCall(row).run<int64_t>(self);
}

// aten::len.Tensor(Tensor t) -> int
inline int64_t len(const Tensor& t) {
  static const Op& row = detail::builtin("aten::len.Tensor");
  return detail::TypedCall(row).run<int64_t>(t);
}

// aten::is_contiguous(Tensor self) -> bool
inline bool is_contiguous(const Tensor& self) {
  static const Op& row = detail::builtin("aten::is_contiguous");
  return detail::TypedCall(row).run<bool>(self);
}

// aten::is_floating_point(Tensor self) -> bool
inline bool is_floating_point(const Tensor& self) {
  static const Op& row = detail::builtin("aten::is_floating_point");
  return detail::TypedCall(row).run<bool>(self);
}

// aten::zeros(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor zeros(const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::zeros");
  return detail::TypedCall(row).run<Tensor>(size, dtype, device);
}

// aten::ones(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor ones(const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::ones");
  return detail::TypedCall(row).run<Tensor>(size, dtype, device);
}

// aten::full(int[] size, Scalar fill_value, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor full(const detail::IntList& size, Scalar fill_value, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::full");
  return detail::TypedCall(row).run<Tensor>(size, fill_value, dtype, device);
}

// aten::empty(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor empty(const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::empty");
  return detail::TypedCall(row).run<Tensor>(size, dtype, device);
}

// aten::zeros_like(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor zeros_like(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::zeros_like");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::ones_like(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor ones_like(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::ones_like");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None) -> Tensor
inline Tensor full_like(const Tensor& self, Scalar fill_value, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::full_like");
  return detail::TypedCall(row).run<Tensor>(self, fill_value, dtype);
}

// aten::empty_like(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor empty_like(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::empty_like");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::arange(Scalar end, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor arange(Scalar end, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::arange");
  return detail::TypedCall(row).run<Tensor>(end, dtype, device);
}

// aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor arange(Scalar start, Scalar end, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::arange.start");
  return detail::TypedCall(row).run<Tensor>(start, end, dtype, device);
}

// aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor arange(Scalar start, Scalar end, Scalar step, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::arange.start_step");
  return detail::TypedCall(row).run<Tensor>(start, end, step, dtype, device);
}

// aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor linspace(Scalar start, Scalar end, int64_t steps, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::linspace");
  return detail::TypedCall(row).run<Tensor>(start, end, steps, dtype, device);
}

// aten::eye(int n, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor eye(int64_t n, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::eye");
  return detail::TypedCall(row).run<Tensor>(n, dtype, device);
}

// aten::eye.m(int n, int m, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor eye(int64_t n, int64_t m, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::eye.m");
  return detail::TypedCall(row).run<Tensor>(n, m, dtype, device);
}

// aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None) -> Tensor
inline Tensor scalar_tensor(Scalar s, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::scalar_tensor");
  return detail::TypedCall(row).run<Tensor>(s, dtype);
}

// aten::rand(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor rand(const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::rand");
  return detail::TypedCall(row).run<Tensor>(size, dtype, device);
}

// aten::randn(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor randn(const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::randn");
  return detail::TypedCall(row).run<Tensor>(size, dtype, device);
}

// aten::randint(int high, int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor randint(int64_t high, const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::randint");
  return detail::TypedCall(row).run<Tensor>(high, size, dtype, device);
}

// aten::randint.low(int low, int high, int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor
inline Tensor randint(int64_t low, int64_t high, const detail::IntList& size, std::optional<DType> dtype = std::nullopt, std::optional<std::string_view> device = std::nullopt) {
  static const Op& row = detail::builtin("aten::randint.low");
  return detail::TypedCall(row).run<Tensor>(low, high, size, dtype, device);
}

// aten::randperm(int n) -> Tensor
inline Tensor randperm(int64_t n) {
  static const Op& row = detail::builtin("aten::randperm");
  return detail::TypedCall(row).run<Tensor>(n);
}

// aten::rand_like(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor rand_like(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::rand_like");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::randn_like(Tensor self, *, ScalarType? dtype=None) -> Tensor
inline Tensor randn_like(const Tensor& self, std::optional<DType> dtype = std::nullopt) {
  static const Op& row = detail::builtin("aten::randn_like");
  return detail::TypedCall(row).run<Tensor>(self, dtype);
}

// aten::uniform_(Tensor(a!) self, float from=0.0, float to=1.0) -> Tensor(a!)
inline Tensor uniform_(const Tensor& self, double from = 0.0, double to = 1.0) {
  static const Op& row = detail::builtin("aten::uniform_");
  return detail::TypedCall(row).run<Tensor>(self, from, to);
}

// aten::normal_(Tensor(a!) self, float mean=0.0, float std=1.0) -> Tensor(a!)
inline Tensor normal_(const Tensor& self, double mean = 0.0, double std = 1.0) {
  static const Op& row = detail::builtin("aten::normal_");
  return detail::TypedCall(row).run<Tensor>(self, mean, std);
}

// aten::dropout(Tensor input, float p=0.5, bool train=True) -> Tensor
inline Tensor dropout(const Tensor& input, double p = 0.5, bool train = true) {
  static const Op& row = detail::builtin("aten::dropout");
  return detail::TypedCall(row).run<Tensor>(input, p, train);
}

// aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False) -> Tensor(a)
inline Tensor to(const Tensor& self, DType dtype, bool non_blocking = false, bool copy = false) {
  static const Op& row = detail::builtin("aten::to.dtype");
  return detail::TypedCall(row).run<Tensor>(self, dtype, non_blocking, copy);
}

// aten::to.device(Tensor(a) self, Device device) -> Tensor(a)
inline Tensor to(const Tensor& self, std::string_view device) {
  static const Op& row = detail::builtin("aten::to.device");
  return detail::TypedCall(row).run<Tensor>(self, device);
}

// aten::to.device_dtype(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False) -> Tensor(a)
inline Tensor to(const Tensor& self, std::string_view device, DType dtype, bool non_blocking = false, bool copy = false) {
  static const Op& row = detail::builtin("aten::to.device_dtype");
  return detail::TypedCall(row).run<Tensor>(self, device, dtype, non_blocking, copy);
}

// aten::to.other(Tensor(a) self, Tensor other) -> Tensor(a)
inline Tensor to(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::to.other");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::type_as(Tensor(a) self, Tensor other) -> Tensor(a)
inline Tensor type_as(const Tensor& self, const Tensor& other) {
  static const Op& row = detail::builtin("aten::type_as");
  return detail::TypedCall(row).run<Tensor>(self, other);
}

// aten::byte(Tensor(a) self) -> Tensor(a)
inline Tensor byte(const Tensor& self) {
  static const Op& row = detail::builtin("aten::byte");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::cpu(Tensor(a) self) -> Tensor(a)
inline Tensor cpu(const Tensor& self) {
  static const Op& row = detail::builtin("aten::cpu");
  return detail::TypedCall(row).run<Tensor>(self);
}

// aten::item(Tensor self) -> Scalar
inline Scalar item(const Tensor& self) {
  static const Op& row = detail::builtin("aten::item");
  return detail::TypedCall(row).run<Scalar>(self);
}

}  // namespace tine
