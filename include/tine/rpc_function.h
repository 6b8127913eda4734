// Function<R(Params...)>: the name and signature of a function that a worker serves, declared once for both sides.
//
//   // shared.h, which server and clients include:
//   inline constexpr tine::rpc::Function<double(double, int64_t)> power{"power"};
//   inline constexpr tine::rpc::Function<tine::Stream<int64_t>(int64_t)> countdown{"countdown"};
//
// The server serves a function that fits it: worker.serve(power, [](double x, int64_t n) { return std::pow(x, n); }). A client
// calls it: worker.call(power, "server", 2.0, 10) is a Future<double>. A function, or arguments, that do not fit do not
// compile. Nothing of this travels: on the wire it is a call by name, which a worker in Python or one that was built from
// another declaration may make and serve, too. There the usual errors say at run time what does not fit.
//
// R is void, or a type of the table in tine/convert.h, or a Stream of one (Worker::stream()). The parameters are of such types;
// a const T& counts as a T. A function that answers by a Future<R> or is a coroutine fits a Function of R.
#pragma once

#include <concepts>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "tine/convert.h"
#include "tine/detail/typed_answer.h"
#include "tine/stream.h"

namespace tine::rpc {

template <class Signature>
class Function;

template <class R, class... Params>
class Function<R(Params...)> {
  static_assert(
      detail::kTravels<detail::ItemOf<R>>,
      "rpc::Function: the result is void, a type of the table in tine/convert.h, or a Stream of one");
  static_assert(
      (detail::kTravels<std::decay_t<Params>> && ...),
      "rpc::Function: the parameters are of types of the table in tine/convert.h (std::string for text)");
  static_assert(((!std::is_reference_v<Params> || std::is_const_v<std::remove_reference_t<Params>>)&&...),
                "rpc::Function: a parameter is a T or a const T&: nothing comes back by a reference");

 public:
  // As for Worker::serve(), which says what a name must not be.
  constexpr explicit Function(std::string_view name) noexcept : name_(name) {}
  [[nodiscard]] constexpr std::string_view name() const noexcept { return name_; }

 private:
  std::string_view name_;
};

}  // namespace tine::rpc

namespace tine::detail {

// An argument fits where it converts without losing what kind of thing it is: no fraction to an integer, no pointer to a bool.
template <class Arg, class Param>
inline constexpr bool kFits = std::is_convertible_v<Arg, Param> &&
                              !(std::is_floating_point_v<std::decay_t<Arg>> && std::is_integral_v<Param>)&&!(
                                  std::is_pointer_v<std::decay_t<Arg>> && std::is_same_v<Param, bool>);

template <class Params, class Args>
inline constexpr bool kAllFit = false;
template <class... Params, class... Args>
requires(sizeof...(Params) ==
         sizeof...(Args)) inline constexpr bool kAllFit<std::tuple<Params...>, std::tuple<Args...>> =
    (kFits<Args, std::decay_t<Params>> && ...);

// What a function returned is a result of an rpc::Function of R: an R, or the future of one.
template <class Returned, class R>
inline constexpr bool kAnswers = std::is_convertible_v<Returned, R>;
template <class Returned>
inline constexpr bool kAnswers<Returned, void> = std::is_void_v<Returned>;
template <class Returned, class R>
inline constexpr bool kAnswers<Future<Returned>, R> = std::is_convertible_v<Returned, R>;
template <>
inline constexpr bool kAnswers<Future<void>, void> = true;

}  // namespace tine::detail
