// A coroutine yields what its stream holds.
#include <string>

#include "tine/stream.h"

tine::Stream<std::string> texts() {
#ifdef TINE_MISUSE
  co_yield 1;
#else
  co_yield std::to_string(1);
#endif
}
