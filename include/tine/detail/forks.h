// How many times this process and its ancestors have gone through fork(2).
//
// A state remembers the count of its making. If a pool or a connection was to complete it, it cannot become done in a child,
// whose only thread is the one that forked: waiting for it there fails at once.
#pragma once

#include <atomic>
#include <cstdint>

#include "tine/detail/export.h"

namespace tine::detail {

// Modulo 256.
TINE_API extern std::atomic<uint8_t> fork_count;
inline uint8_t forks_so_far() noexcept { return fork_count.load(std::memory_order_relaxed); }
// From the first call on, each child of fork(2) counts.
TINE_API void watch_forks();

}  // namespace tine::detail
