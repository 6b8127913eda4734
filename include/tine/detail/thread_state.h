// Everything that the hot paths ask of the running thread, in one thread-local.
#pragma once

#include <cstddef>

#include "tine/detail/export.h"

namespace tine::detail {

class ContextData;
class WaitHelper;
struct BlockCache;

struct ThreadState {
  ContextData* context = nullptr;     // owned; null: none
  const char* stack_limit = nullptr;  // tasks nested in waits are refused below; null: unknown
  WaitHelper* helper = nullptr;       // what it does in a wait; null: nothing
  BlockCache* blocks = nullptr;       // what it freed; null: nothing yet, or it is about to end
};
// initial-exec: its address is one addition also from inside a shared library.
TINE_API extern constinit thread_local ThreadState thread_state [[gnu::tls_model("initial-exec")]];

}  // namespace tine::detail
