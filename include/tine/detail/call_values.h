// CallValues: the arguments of a call, on the stack. A tensor is lent: whoever owns its reference keeps it through the call,
// so that it is counted neither up nor down. Other values are the call's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "tine/value.h"

namespace tine::detail {

class CallValues {
 public:
  static constexpr size_t kMost = 16;

  CallValues() noexcept = default;
  ~CallValues() { clear(); }
  CallValues(const CallValues&) = delete;
  CallValues& operator=(const CallValues&) = delete;

  void lend(const Tensor& tensor) noexcept { new (place()) Value(Tensor::adopt(tensor.impl())); }
  void own(Value value) noexcept {
    owned_ |= 1u << size_;
    new (place()) Value(std::move(value));
  }
  void number(Value value) noexcept { new (place()) Value(std::move(value)); }  // nothing to destroy
  void clear() noexcept {
    for (size_t i = 0; i < size_; ++i) {
      if (owned_ >> i & 1) at(i).~Value();
    }
    owned_ = 0;
    size_ = 0;
  }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] const Value* data() const noexcept { return reinterpret_cast<const Value*>(storage_); }
  [[nodiscard]] std::span<const Value> span() const noexcept { return {data(), size_}; }

 private:
  Value& at(size_t i) noexcept { return reinterpret_cast<Value*>(storage_)[i]; }
  void* place() noexcept { return storage_ + sizeof(Value) * size_++; }

  alignas(Value) std::byte storage_[sizeof(Value) * kMost];
  uint32_t owned_ = 0;
  size_t size_ = 0;
};

}  // namespace tine::detail
