// Scalar: a number that a program wrote beside a tensor: bool, int or float.
//
// State      A kind and its value.
// Threads    A value type.
// Ordering   None.
// Ownership  None.
// Errors     None; conversions are C++'s.
// Cost       16 bytes.
// Source     PyTorch's Scalar; it promotes by category only (src/tensor/promote.h).
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "tine/tensor.h"

namespace tine {

class Scalar {
 public:
  enum class Kind : uint8_t { kBool, kInt, kFloat };

  Scalar(bool v) noexcept : kind_(Kind::kBool) { i_ = v; }
  template <std::integral T>
  requires(!std::same_as<T, bool>) Scalar(T v)
  noexcept : kind_(Kind::kInt) { i_ = static_cast<int64_t>(v); }
  template <std::floating_point T>
  Scalar(T v) noexcept : kind_(Kind::kFloat) {
    d_ = static_cast<double>(v);
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_float() const noexcept { return kind_ == Kind::kFloat; }
  template <class T>
  [[nodiscard]] T as() const noexcept {
    if constexpr (std::same_as<T, bool>) return kind_ == Kind::kFloat ? d_ != 0 : i_ != 0;
    return kind_ == Kind::kFloat ? static_cast<T>(d_) : static_cast<T>(i_);
  }
  // The dtype of a tensor made from it: bool, int64, or float32, the default float.
  [[nodiscard]] DType dtype() const noexcept {
    return kind_ == Kind::kBool ? DType::kBool : kind_ == Kind::kInt ? DType::kInt64 : DType::kFloat32;
  }

 private:
  Kind kind_;
  union {
    int64_t i_;
    double d_;
  };
};

}  // namespace tine
