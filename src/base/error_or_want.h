// error_or_want: an error whose words need memory.
#pragma once

#include <exception>
#include <utility>

namespace tine {

// The error that make() returns. Where there is no memory for it, the want of memory is the error.
template <class Make>
[[nodiscard]] std::exception_ptr error_or_want(Make&& make) noexcept {
  try {
    return std::forward<Make>(make)();
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace tine
