// Conversions: C++ values to Values and back, for whatever is called by name.
//
//   const tine::Value sizes = tine::to_value(std::vector{2, 3});                // a list of two ints
//   const auto back = tine::from_value<std::vector<int64_t>>(sizes);            // {2, 3}
//   const auto none = tine::from_value<std::optional<double>>(tine::Value());  // nullopt
//
// | C++                                         | Value                               |
// |---------------------------------------------|-------------------------------------|
// | bool; integers; float, double; Scalar       | bool; int; float; what it holds     |
// | std::string, std::string_view, const char*  | str                                 |
// | Tensor, Future<Value>                       | the same object                     |
// | DType                                       | int, as schemas have it             |
// | std::vector<T>, std::span<T>                | list; from_value() also takes tuples |
// | std::pair, std::tuple                       | tuple                               |
// | std::optional<T>, std::nullopt              | None, or what is in it              |
// | Value                                       | itself                              |
//
// A type that is not in the table does not compile. Elements are copied; tensors are not, they stay handles on one storage.
#pragma once

#include <concepts>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tine/future.h"
#include "tine/scalar.h"
#include "tine/value.h"

namespace tine {

// An argument given by its name: Keyword("alpha", 2).
using Keyword = std::pair<std::string_view, Value>;

namespace detail {

template <class T>
struct Conversion;  // no such conversion: see the table at the head of tine/convert.h

[[noreturn]] TINE_API void refuse_length(const Value& value, size_t expected);
[[noreturn]] TINE_API void refuse_number(const Value& value, size_t bits);
[[noreturn]] TINE_API void refuse_unsigned(uint64_t number);
[[nodiscard]] TINE_API std::span<const Value> items_of(const Value& value);  // of a list or tuple; TypeError
[[nodiscard]] TINE_API DType to_dtype(int64_t number);  // ValueError for a number that no dtype has

// The tensor's own reference, without a count up and down; nothing is left of the value.
[[nodiscard]] inline Tensor take_tensor(Value&& value) noexcept {
  Tensor tensor = Tensor::adopt(value.as_tensor().impl());
  new (&value) Value();
  return tensor;
}

}  // namespace detail

// The Value that stands for `x`. Throws ValueError for an integer of more than 64 bits with a sign.
template <class T>
[[nodiscard]] Value to_value(T&& x) {
  return detail::Conversion<std::remove_cvref_t<T>>::to(std::forward<T>(x));
}

// What `value` is in C++. Throws TypeError when it is something else, with what it is, and ValueError for a number beyond T or
// a tuple of another length. As everywhere a bool counts as an int and an int as a float.
template <class T>
[[nodiscard]] T from_value(Value value) {
  return detail::Conversion<T>::from(std::move(value));
}

namespace detail {

template <>
struct Conversion<Value> {
  static Value to(Value v) noexcept { return v; }
  static Value from(Value&& v) noexcept { return std::move(v); }
};
template <>
struct Conversion<void> {
  static void from(Value&&) noexcept {}
};
template <>
struct Conversion<bool> {
  static Value to(bool v) noexcept { return v; }
  static bool from(Value&& v) { return v.to_bool(); }
};
template <std::integral T>
struct Conversion<T> {
  static Value to(T v) {
    if constexpr (std::is_unsigned_v<T> && sizeof v == 8) {
      if (v > static_cast<uint64_t>(INT64_MAX)) refuse_unsigned(v);
    }
    return static_cast<int64_t>(v);
  }
  static T from(Value&& v) {
    const int64_t number = v.to_int();
    if (!std::in_range<T>(number)) refuse_number(v, sizeof(T) * 8);
    return static_cast<T>(number);
  }
};
template <std::floating_point T>
struct Conversion<T> {
  static Value to(T v) noexcept { return static_cast<double>(v); }
  static T from(Value&& v) { return static_cast<T>(v.to_float()); }
};
template <>
struct Conversion<Scalar> {
  static Value to(const Scalar& s) noexcept {
    if (s.is_float()) return s.as<double>();
    return s.kind() == Scalar::Kind::kBool ? Value(s.as<bool>()) : Value(s.as<int64_t>());
  }
  static Scalar from(Value&& v) {
    return v.is_bool() ? Scalar(v.as_bool()) : v.is_int() ? Scalar(v.as_int()) : Scalar(v.to_float());
  }
};
template <>
struct Conversion<DType> {
  static Value to(DType v) noexcept { return static_cast<int64_t>(v); }
  static DType from(Value&& v) { return to_dtype(v.to_int()); }
};
template <>
struct Conversion<std::string> {
  static Value to(std::string v) { return Value(std::move(v)); }
  static std::string from(Value&& v) { return v.to_string(); }
};
template <>
struct Conversion<std::string_view> {
  static Value to(std::string_view v) { return Value(v); }
};
template <>
struct Conversion<const char*> {
  static Value to(const char* v) { return Value(v); }
};
template <>
struct Conversion<char*> : Conversion<const char*> {};
template <size_t N>
struct Conversion<char[N]> : Conversion<const char*> {};
template <>
struct Conversion<Tensor> {
  static Value to(Tensor v) noexcept { return Value(std::move(v)); }
  static Tensor from(Value&& v) {
    (void)v.to_tensor();
    return take_tensor(std::move(v));
  }
};
template <>
struct Conversion<Future<Value>> {
  static Value to(Future<Value> v) noexcept { return Value(std::move(v)); }
  static Future<Value> from(Value&& v) { return v.to_future(); }
};
template <>
struct Conversion<std::nullopt_t> {
  static Value to(std::nullopt_t) noexcept { return {}; }
};
template <class T>
struct Conversion<std::optional<T>> {
  static Value to(const std::optional<T>& v) { return v ? to_value(*v) : Value(); }
  static std::optional<T> from(Value&& v) {
    if (v.is_none()) return std::nullopt;
    return from_value<T>(std::move(v));
  }
};

template <class Range>
Value list_of(const Range& range) {
  std::vector<Value> items;
  items.reserve(range.size());
  for (const auto& item : range) items.push_back(to_value(item));
  return Value(make_ref<List>(std::move(items)));
}
template <class T, size_t N>
struct Conversion<std::span<T, N>> {
  static Value to(std::span<T, N> v) { return list_of(v); }
};
template <class T>
struct Conversion<std::vector<T>> {
  static Value to(const std::vector<T>& v) { return list_of(v); }
  static std::vector<T> from(Value&& v) {
    std::vector<T> out;
    const std::span<const Value> items = items_of(v);
    out.reserve(items.size());
    for (const Value& item : items) out.push_back(from_value<T>(item));
    return out;
  }
};
template <>
struct Conversion<std::vector<bool>> {
  static Value to(const std::vector<bool>& v) {
    std::vector<Value> items;
    for (const bool item : v) items.emplace_back(item);
    return Value(make_ref<List>(std::move(items)));
  }
  static std::vector<bool> from(Value&& v) {
    std::vector<bool> out;
    for (const Value& item : items_of(v)) out.push_back(item.to_bool());
    return out;
  }
};

template <class Tuples, size_t... I>
struct TupleConversion {
  static Value to(const Tuples& v) {
    std::vector<Value> items;
    items.reserve(sizeof...(I));
    (items.push_back(to_value(std::get<I>(v))), ...);
    return Value(make_ref<Tuple>(std::move(items)));
  }
  static Tuples from(Value&& v) {
    const std::span<const Value> items = items_of(v);
    if (items.size() != sizeof...(I)) refuse_length(v, sizeof...(I));
    return Tuples(from_value<std::tuple_element_t<I, Tuples>>(items[I])...);
  }
};
template <class Tuples, size_t... I>
TupleConversion<Tuples, I...> tuple_conversion(std::index_sequence<I...>);
template <class... T>
struct Conversion<std::tuple<T...>>
    : decltype(tuple_conversion<std::tuple<T...>>(std::index_sequence_for<T...>())) {};
template <class A, class B>
struct Conversion<std::pair<A, B>>
    : decltype(tuple_conversion<std::pair<A, B>>(std::make_index_sequence<2>())) {};

}  // namespace detail
}  // namespace tine
