// Everything that the hot paths ask of the running thread, in one thread-local.
#pragma once

#include <atomic>
#include <cstddef>

#include "tine/detail/export.h"

namespace tine::detail {

class ContextData;
class WaitHelper;
struct BlockCache;

struct ThreadState {
  ContextData* context = nullptr;           // owned; null: none
  const char* stack_limit = nullptr;        // tasks nested in waits are refused below; null: unknown
  WaitHelper* helper = nullptr;             // what it does in a wait; null: nothing
  BlockCache* blocks = nullptr;             // what it freed; null: nothing yet, or it is about to end
  std::atomic<bool> waits_for_turn{false};  // WaitForTurn; other threads look
};
// initial-exec: its address is one addition also from inside a shared library.
TINE_API extern constinit thread_local ThreadState thread_state [[gnu::tls_model("initial-exec")]];

// While one lives, this thread waits for its turn at a lock of a language whose code runs on one thread at a time. A pool with
// many such threads starts others more slowly: they would only wait, too. One at a time.
class WaitForTurn {
 public:
  WaitForTurn() noexcept { thread_state.waits_for_turn.store(true, std::memory_order_relaxed); }
  ~WaitForTurn() { thread_state.waits_for_turn.store(false, std::memory_order_relaxed); }
  WaitForTurn(const WaitForTurn&) = delete;
  WaitForTurn& operator=(const WaitForTurn&) = delete;
};

}  // namespace tine::detail
