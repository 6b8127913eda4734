// What a child of fork(2) does with what it inherits, and whether something is inherited. (The count of forks:
// include/tine/executor.h.)
//
// State      A table of the process: one bit a descriptor.
// Threads    Any, also while others fork: who makes or closes a followed descriptor holds an UnforkedScope meanwhile.
// Ordering   Descriptors are closed before fork() returns in the child; then forks_behind has counted.
// Ownership  A descriptor stays its owner's, who closes it with close_followed().
// Errors     None. Descriptors from 65,536 on are not followed: a child keeps them open.
// Cost       A few atomic operations and a clock's reading. fork(2) waits for other threads' scopes, a scope for fork(2),
//            each for 1 s at most. In the child: a close(2) for each, no lock, no allocation.
// Source     pthread_atfork(3), signal-safety(7).
#pragma once

#include <cstdint>

#include "tine/executor.h"

namespace tine {

// Of an object: the process that made it. In a child its threads, connections and locks are the parent's. Who keeps one has
// called detail::watch_forks().
class Birth {
 public:
  [[nodiscard]] bool inherited() const noexcept { return generation_ != detail::fork_generation(); }

 private:
  uint8_t generation_ = detail::fork_generation();
};

// While one lives, another thread's fork(2) waits: no child gets a descriptor between its making and its mark, or between
// the end of its mark and its closing. For a system call or two that do not block.
class UnforkedScope {
 public:
  UnforkedScope() noexcept;
  ~UnforkedScope();
  UnforkedScope(const UnforkedScope&) = delete;
  UnforkedScope& operator=(const UnforkedScope&) = delete;

 private:
  const Birth birth_;  // a child forked within one has none
};

// Each child of fork(2) closes the descriptor, so that who is at its other end sees the parent's death.
void close_in_children(int fd) noexcept;
// Before it is given away.
void keep_in_children(int fd) noexcept;
// Forgets and closes it.
void close_followed(int fd) noexcept;

}  // namespace tine
