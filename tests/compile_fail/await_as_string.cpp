// A future of int is no future of string.
#include <string>

#include "tine/coroutine.h"

tine::Future<std::string> wrong(tine::Future<int> number) {
#ifdef TINE_MISUSE
  const std::string text = co_await number;
#else
  const std::string text = std::to_string(co_await number);
#endif
  co_return text;
}
