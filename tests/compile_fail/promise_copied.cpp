// The right to complete a future is one.
#include "tine/future.h"

void wrong(tine::Promise<int> promise) {
#ifdef TINE_MISUSE
  tine::Promise<int> second = promise;
#else
  tine::Promise<int> second = std::move(promise);
#endif
  second.set_value(1);
}
