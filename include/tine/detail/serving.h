// How a C++ function serves calls: its arguments from Values, its result as a future Value. Included by rpc.h.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tine/rpc.h"

namespace tine::detail {

template <>
struct Conversion<rpc::RRef> {
  static Value to(const rpc::RRef& v) noexcept { return v; }
  static rpc::RRef from(Value&& v) { return rpc::RRef::from(v); }
};

TINE_API void check_count(const rpc::Invocation& call, size_t parameters);
[[noreturn]] TINE_API void refuse_argument(const rpc::Invocation& call, size_t index, const Error& why);

template <class T>
T argument(rpc::Invocation& call, size_t index) {
  try {
    return from_value<T>(std::move(call.args[index]));
  } catch (const Error& e) {
    refuse_argument(call, index, e);
  }
}

// What a served function returned, as the future of its answer.
template <class T>
Future<Value> answer_of(T result) {
  return make_ready(to_value(std::move(result)));
}
inline Future<Value> answer_of(Future<Value> result) { return result; }
template <class T>
Future<Value> answer_of(Future<T> result) {
  if constexpr (std::is_void_v<T>) {
    return result.and_then([] { return Value(); });
  } else {
    return result.and_then([](const T& value) { return to_value(value); });
  }
}

template <class F, class... Args>
Future<Value> answer(const F& f, Args&&... args) {
  if constexpr (std::is_void_v<std::invoke_result_t<const F&, Args...>>) {
    f(std::forward<Args>(args)...);
    return make_ready(Value());
  } else {
    return answer_of(f(std::forward<Args>(args)...));
  }
}

template <class R, class... Params>
rpc::Served served(std::function<R(Params...)> f) {
  if constexpr (std::is_same_v<std::tuple<std::decay_t<Params>...>, std::tuple<rpc::Invocation>>) {
    return [f = std::move(f)](rpc::Invocation call) { return answer(f, std::move(call)); };
  } else {
    return [f = std::move(f)](rpc::Invocation call) {
      check_count(call, sizeof...(Params));
      return [&]<size_t... I>(std::index_sequence<I...>) {
        return answer(f, argument<std::decay_t<Params>>(call, I)...);
      }
      (std::index_sequence_for<Params...>());
    };
  }
}

}  // namespace tine::detail
