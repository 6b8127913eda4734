// What replaces an error is of the type of the value.
#include <string>

#include "tine/future.h"

auto wrong(const tine::Future<int>& number) {
#ifdef TINE_MISUSE
  return number.or_else([](const std::exception_ptr&) { return std::string("none"); });
#else
  return number.or_else([](const std::exception_ptr&) { return 0; });
#endif
}
