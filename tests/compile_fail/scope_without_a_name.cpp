// A ContextScope without a name ends at once.
#include "tine/context.h"

void wrong(const tine::Context& context) {
#ifdef TINE_MISUSE
  tine::ContextScope{context};
#else
  const tine::ContextScope scope(context);
#endif
}
