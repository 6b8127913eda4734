// A callback takes what the future holds.
#include <string>

#include "tine/future.h"

auto wrong(const tine::Future<int>& number) {
#ifdef TINE_MISUSE
  return number.and_then([](const std::string& text) { return text.size(); });
#else
  return number.and_then([](int n) { return n + 1; });
#endif
}
