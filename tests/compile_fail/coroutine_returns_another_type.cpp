// A coroutine gives back what its future holds.
#include <string>

#include "tine/coroutine.h"

tine::Future<std::string> wrong(tine::Future<int> number) {
#ifdef TINE_MISUSE
  co_return co_await number;
#else
  co_return std::to_string(co_await number);
#endif
}
