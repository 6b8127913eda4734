// How a C++ function serves calls: its arguments from Values, its result as a future Value. Included by rpc.h.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tine/detail/keeping.h"
#include "tine/rpc.h"

namespace tine::detail {

TINE_API void check_count(const rpc::Invocation& call, size_t parameters);
[[noreturn]] TINE_API void refuse_argument(const rpc::Invocation& call, size_t index, const Error& why);
// A stream as the value that a call answers with: only Worker::stream() can read it.
[[nodiscard]] TINE_API Value served_stream(Stream<Value> items);

template <class T>
T argument(rpc::Invocation& call, size_t index) {
  try {
    return from_value<T>(std::move(call.args[index]));
  } catch (const Error& e) {
    refuse_argument(call, index, e);
  }
}

// The items of a stream as Values.
template <class T>
class ItemsAsValues final : public StreamSource<Value> {
 public:
  explicit ItemsAsValues(Stream<T> items) noexcept : items_(items.leak_source()) {}
  Future<std::optional<Value>> next() override {
    Future<std::optional<T>> item = items_->next();
    if (item.ready() && !item.error()) return make_ready(converted(std::move(item).get()));
    return item.and_then([](const std::optional<T>& i) { return converted(i); });
  }
  void close() noexcept override { items_->close(); }

 private:
  static std::optional<Value> converted(std::optional<T> item) {
    return item ? std::optional(to_value(*std::move(item))) : std::nullopt;
  }
  const Ref<StreamSource<T>> items_;
};

// What a served function returned, as the future of its answer.
template <class T>
Future<Value> answer_of(T result) {
  return make_ready(to_value(std::move(result)));
}
inline Future<Value> answer_of(Future<Value> result) { return result; }
template <class T>
Future<Value> answer_of(Future<T> result) {
  if (!result.valid()) return {};
  if constexpr (std::is_void_v<T>) {
    return result.and_then([] { return Value(); });
  } else {
    return result.and_then([](const T& value) { return to_value(value); });
  }
}
template <class T>
Future<Value> answer_of(Stream<T> items) {
  if (!items.valid()) return {};
  if constexpr (std::is_same_v<T, Value>) {
    return make_ready(served_stream(std::move(items)));
  } else {
    return make_ready(served_stream(Stream<Value>(make_ref<ItemsAsValues<T>>(std::move(items)))));
  }
}

template <class T>
inline constexpr bool kGoesOn = is_future<T> || is_stream<T>;

// Calls f with what `args` holds: moved into its parameters, or lent to those that are references.
template <class... Params, class F, class Args>
Future<Value> answer(const F& f, Args& args) {
  return std::apply(
      [&](auto&... arg) {
        if constexpr (std::is_void_v<std::invoke_result_t<const F&, Params...>>) {
          f(static_cast<Params&&>(arg)...);
          return make_ready(Value());
        } else {
          return answer_of(f(static_cast<Params&&>(arg)...));
        }
      },
      args);
}

template <class... Params, class F, class Args>
Future<Value> answer_and_keep(const std::shared_ptr<const F>& f, Args args) {
  if constexpr (kGoesOn<std::invoke_result_t<const F&, Params...>>) {
    // It goes on after it has returned, and may use its captures and parameters then.
    using Kept = std::pair<std::shared_ptr<const F>, Args>;
    const auto kept = std::make_shared<Kept>(f, std::move(args));
    const ContextSwap swap(keeping(ContextRef::current(), kept));
    return answer<Params...>(*f, kept->second);
  } else {
    return answer<Params...>(*f, args);
  }
}

template <class... Params, class F>
rpc::Served served(F function) {
  auto f = std::make_shared<const F>(std::move(function));
  if constexpr (std::is_same_v<std::tuple<std::decay_t<Params>...>, std::tuple<rpc::Invocation>>) {
    return [f = std::move(f)](rpc::Invocation call) {
      return answer_and_keep<Params...>(f, std::tuple(std::move(call)));
    };
  } else {
    return [f = std::move(f)](rpc::Invocation call) {
      check_count(call, sizeof...(Params));
      return [&]<size_t... I>(std::index_sequence<I...>) {
        // In braces: the arguments are read in order, so the first that is wrong is named.
        return answer_and_keep<Params...>(
            f, std::tuple<std::decay_t<Params>...>{argument<std::decay_t<Params>>(call, I)...});
      }
      (std::index_sequence_for<Params...>());
    };
  }
}

template <class R, class... Params>
rpc::Served served_as(std::function<R(Params...)> f) {
  return served<Params...>(std::move(f));
}

// A function that fits an rpc::Function of that signature.
template <class R, class... Params, class F>
rpc::Served served_fitting(F f) {
  using Returned = std::invoke_result_t<const F&, Params...>;
  if constexpr (kGoesOn<Returned> || std::is_same_v<Returned, R>) {
    return served<Params...>(std::move(f));
  } else {
    return served<Params...>([f = std::move(f)](Params&&... args) -> R { return f(std::move(args)...); });
  }
}

}  // namespace tine::detail
