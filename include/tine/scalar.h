// Scalar: a number beside a tensor: a bool, an int or a float.
//
//   tine::Tensor y = tine::add(x, 1);       // an int: y has the dtype of x
//   tine::Tensor z = tine::mul(x, 0.5);     // a float: z is floating, whatever x is
//
// It is a value of 16 bytes and converts as C++'s numbers do. In the promotion of dtypes it counts by its kind alone, as in
// PyTorch: a float beside a float32 tensor leaves it float32.
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
