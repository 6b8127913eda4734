// wait_for() answers whether it is there: not ready is a value, not an error, so it must be looked at.
#include <chrono>

#include "tine/future.h"

void wrong(const tine::Future<int>& number) {
#ifdef TINE_MISUSE
  number.wait_for(std::chrono::seconds(1));
#else
  if (!number.wait_for(std::chrono::seconds(1))) return;
#endif
}
