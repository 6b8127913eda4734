// What the tensor tests share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/shape.h"
#include "src/tensor/tensor_impl.h"
#include "tine/error.h"

namespace tine::tensor {

using Dims1 = std::vector<int64_t>;

// tensor([...]) of a flat list.
inline Tensor T(std::initializer_list<Scalar> values, Dims1 sizes = {-1}, std::optional<DType> dtype = {}) {
  const std::vector<Scalar> v(values);
  if (sizes == Dims1{-1}) sizes = {static_cast<int64_t>(v.size())};
  return from_scalars(v, sizes, dtype);
}

// The elements in row-major order, one index at a time: slow and plain, to check the fast ways against.
inline std::vector<double> elements(const Tensor& t) {
  std::vector<double> out;
  const auto sizes = t.sizes();
  const auto strides = t.strides();
  for (int64_t i = 0; i < t.numel(); ++i) {
    int64_t rest = i, at = 0;
    for (size_t d = sizes.size(); d-- > 0;) {
      at += rest % sizes[d] * strides[d];
      rest /= sizes[d];
    }
    out.push_back(with_type(t.dtype(), [&]<class E>(E) { return static_cast<double>(t.data_as<E>()[at]); }));
  }
  return out;
}

// A tensor of random small numbers, of a random layout: contiguous, transposed, sliced or expanded.
class Arbitrary {
 public:
  explicit Arbitrary(uint64_t seed) : random_(seed) {}
  int64_t number(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
  }
  Dims1 sizes(int64_t most = 4) {
    Dims1 s;
    for (int64_t n = number(0, most); n > 0; --n) s.push_back(number(0, 15) == 0 ? 0 : number(1, 5));
    return s;
  }
  Tensor of(const Dims1& sizes, DType dtype) {
    Dims1 wide = sizes;
    const bool padded = number(0, 2) == 0;
    if (padded)
      for (int64_t& n : wide) n = 2 * n + 1;
    std::vector<size_t> order(sizes.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (number(0, 1)) std::shuffle(order.begin(), order.end(), random_);
    Dims1 memory, back(sizes.size());
    for (size_t i = 0; i < order.size(); ++i) {
      memory.push_back(wide[order[i]]);
      back[order[i]] = static_cast<int64_t>(i);
    }
    Tensor t = Tensor::empty(memory, dtype);
    with_type(dtype, [&]<class E>(E) {
      for (int64_t i = 0; i < t.numel(); ++i) {
        const int64_t quarter = number(-20, 20);
        if constexpr (std::is_floating_point_v<E>)
          t.data_as<E>()[i] = static_cast<E>(static_cast<double>(quarter) / 4);
        else
          t.data_as<E>()[i] = static_cast<E>(std::is_same_v<E, bool> ? quarter & 1 : quarter);
      }
    });
    t = permute(t, back);
    if (padded)
      for (size_t d = 0; d < sizes.size(); ++d) t = slice(t, static_cast<int64_t>(d), 1, 1 + 2 * sizes[d], 2);
    return t;
  }
  std::mt19937_64& engine() { return random_; }

 private:
  std::mt19937_64 random_;
};

// Runs the pieces one after the other, in reverse: kernels may not depend on the order.
class ReverseSplitter final : public Splitter {
 public:
  void parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* state) override {
    ++calls;
    const int64_t pieces = std::min<int64_t>(7, std::max<int64_t>(1, n / std::max<int64_t>(grain, 1)));
    for (int64_t p = pieces; p-- > 0;) body(state, n * p / pieces, n * (p + 1) / pieces);
  }
  [[nodiscard]] int cores() const noexcept override { return 7; }
  int calls = 0;
};

template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    if constexpr (std::is_same_v<E, Error>) {
      return e.message();
    } else if (dynamic_cast<const E*>(&e)) {
      return e.message();
    }
    return "another error: " + std::string(name_of(e.kind())) + ": " + e.message();
  }
  return "no error";
}

}  // namespace tine::tensor
