// let_go: frees memory where nobody waits for that.
//
// State      None.
// Threads    Any. One under a CallbackGate reads connections, and to give a gigabyte back to the system takes 0.2 s: there a
//            large block goes to the gate's executor.
// Ordering   None.
// Ownership  Takes the block; `free` gets it with its bytes.
// Errors     None: without memory for that, or an executor that takes it, the block is freed here.
// Cost       A load more than free() without a gate.
// Source     src/rpc/placement.h says what a thread that reads may do.
#pragma once

#include <cstddef>

#include "tine/executor.h"

namespace tine::detail {

// Where the innermost CallbackGate of this thread sends callbacks; null: there is none.
inline constinit thread_local Executor* gate = nullptr;

// This is a thread that reads. Inline: each tensor that goes asks.
[[nodiscard]] inline bool is_gated() noexcept { return gate != nullptr; }

inline constexpr size_t kLargeBlock = size_t{1} << 20;
TINE_API void let_go(void* block, size_t bytes, void (*free)(void*, size_t)) noexcept;

}  // namespace tine::detail
