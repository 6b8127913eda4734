// For tests: what a call is refused with.
#pragma once

#include <string>
#include <utility>

#include "tine/error.h"

namespace tine {

// The message of the Error that f() throws, else "no error".
template <class F>
[[nodiscard]] std::string error_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (const Error& e) {
    return e.message();
  }
  return "no error";
}

// describe() of whatever f() throws, else "no error".
template <class F>
[[nodiscard]] std::string refusal(F&& f) {
  try {
    static_cast<void>(std::forward<F>(f)());
  } catch (...) {
    return describe(std::current_exception());
  }
  return "no error";
}

}  // namespace tine
