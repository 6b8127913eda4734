// A forked task whose future is dropped loses its error: it must be said.
#include "tine/fork.h"

void wrong(tine::Executor& executor) {
#ifdef TINE_MISUSE
  tine::fork(executor, [] { return 1; });
#else
  (void)tine::fork(executor, [] { return 1; });
#endif
}
