// What the functions of tine/functions.h are made of: one row of the table, called with C++ values that need no choice and
// no check.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tine/detail/call_values.h"
#include "tine/operators.h"

namespace tine::detail {

// Of the default Runtime, whose rows are never destroyed: a function keeps its row.
[[nodiscard]] TINE_API const Op& builtin(std::string_view full_name);
[[nodiscard]] TINE_API OpContext& default_context();

// An int[] of a schema.
class IntList {
 public:
  IntList() : IntList(std::initializer_list<int64_t>()) {}
  template <std::integral T>
  IntList(T number) : IntList({static_cast<int64_t>(number)}) {}
  IntList(std::initializer_list<int64_t> numbers) : IntList(std::span(numbers.begin(), numbers.size())) {}
  IntList(const std::vector<int64_t>& numbers) : IntList(std::span(numbers)) {}
  IntList(std::span<const int64_t> numbers) : value_(to_value(numbers)) {}

  [[nodiscard]] const Value& value() const noexcept { return value_; }

 protected:
  explicit IntList(std::nullopt_t) noexcept {}

 private:
  Value value_;
};
// An int[]?.
class OptionalIntList : public IntList {
 public:
  OptionalIntList(std::nullopt_t none = std::nullopt) noexcept : IntList(none) {}
  using IntList::IntList;
};

class TypedCall {
 public:
  explicit TypedCall(const Op& op) noexcept : op_(op) {}

  template <class R, class... Args>
  R run(const Args&... args) {
    static_assert(sizeof...(Args) <= CallValues::kMost);
    (add(args), ...);
    return from_value<R>(op_.kernel(default_context(), values_.data()));
  }

 private:
  void add(const Tensor& tensor) {
    if (!tensor.defined()) [[unlikely]]
      refuse_undefined();
    values_.lend(tensor);
  }
  void add(const std::optional<Tensor>& tensor) { tensor ? add(*tensor) : values_.number({}); }
  void add(bool v) { values_.number(v); }
  void add(int64_t v) { values_.number(v); }
  void add(double v) { values_.number(v); }
  void add(const Scalar& v) { values_.number(to_value(v)); }
  template <class T>
  void add(const T& v) {
    if constexpr (std::derived_from<T, IntList>) {
      values_.own(v.value());
    } else {
      values_.own(to_value(v));
    }
  }
  [[noreturn]] TINE_API void refuse_undefined() const;  // the argument that would come next

  const Op& op_;
  CallValues values_;
};

}  // namespace tine::detail
