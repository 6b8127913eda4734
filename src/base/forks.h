// What a child of fork(2) does with what it inherits, and whether something is inherited. (The count of forks:
// include/tine/detail/forks.h.)
//
// The process has a table with one bit for each descriptor. In a child, before fork() returns, all marked descriptors are
// closed, by system calls alone: no lock, no allocation. So the process at the other end sees the parent's death. Descriptors
// from 65,536 on are not followed, and a child keeps them open. fork(2) waits for UnforkedScopes of other threads, and those
// for fork(2), each for 1 s at most.
#pragma once

#include <cstdint>

#include "tine/detail/forks.h"

namespace tine {

// Says whether an object was made by this process. In a child the object's threads, connections and locks are the parent's. An
// object that has a Birth must have called detail::watch_forks().
class Birth {
 public:
  [[nodiscard]] bool inherited() const noexcept { return generation_ != detail::forks_so_far(); }

 private:
  uint8_t generation_ = detail::forks_so_far();
};

// While one is alive, another thread's fork(2) waits. A thread holds one while it makes a descriptor and marks it, or unmarks
// and closes it: so no child gets an unmarked one. For a system call or two that do not block.
class UnforkedScope {
 public:
  UnforkedScope() noexcept;
  ~UnforkedScope();
  UnforkedScope(const UnforkedScope&) = delete;
  UnforkedScope& operator=(const UnforkedScope&) = delete;

 private:
  const Birth birth_;  // a child that was forked within the scope does not count it
};

// Marks a descriptor: each child of fork(2) closes it. The descriptor stays its owner's, who closes it with close_followed().
void close_in_children(int fd) noexcept;
// Unmarks it, before it is given away.
void keep_in_children(int fd) noexcept;
// Unmarks and closes it.
void close_followed(int fd) noexcept;

}  // namespace tine
