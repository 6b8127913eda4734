// What a child of fork(2) does with what it inherits. (The count of forks: include/tine/executor.h.)
//
// State      A table of the process: one bit a descriptor.
// Threads    Any.
// Ordering   Descriptors are closed before fork() returns in the child; then forks_behind has counted.
// Ownership  A descriptor stays its owner's: who closes it forgets it first.
// Errors     None. Descriptors from 65,536 on are not followed: a child keeps them open.
// Cost       One atomic operation. In the child: a close(2) for each, no lock, no allocation.
// Source     pthread_atfork(3), signal-safety(7).
#pragma once

namespace tine {

// Each child of fork(2) closes the descriptor, so that who is at its other end sees the parent's death.
void close_in_children(int fd) noexcept;
// Before it is closed or given away.
void keep_in_children(int fd) noexcept;

}  // namespace tine
