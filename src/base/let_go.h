// let_go(): frees a block of memory where no thread waits for that.
//
// A thread under a CallbackGate reads connections or fires timers, and to give a gigabyte back to the system takes 0.2 s.
// There a large block goes to the gate's executor. Without memory for that the block is freed here. Without a gate this costs
// a load more than calling `free`, which gets the block and its bytes.
#pragma once

#include <cstddef>

#include "tine/detail/waiting.h"

namespace tine::detail {

// The executor of this thread's innermost CallbackGate; null: there is none.
inline constinit thread_local Executor* gate = nullptr;

// True on a thread that reads. Inline, because each tensor that goes asks.
[[nodiscard]] inline bool is_gated() noexcept { return gate != nullptr; }

inline constexpr size_t kLargeBlock = size_t{1} << 20;
void let_go(void* block, size_t bytes, void (*free)(void*, size_t)) noexcept;

}  // namespace tine::detail
