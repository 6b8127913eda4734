// What a forked function is given it must take.
#include "tine/runtime.h"

int half(int n) { return n / 2; }

auto wrong() {
#ifdef TINE_MISUSE
  return tine::fork(half, "four");
#else
  return tine::fork(half, 4);
#endif
}
