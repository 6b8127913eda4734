// Awaited: a state that threads without the interpreter's lock complete, while a Future is its only owner.
//
// State      Pending; about to come; done.
// Threads    come() from one thread, once, with or without the lock. lock_callbacks() with it.
// Ordering   While lock_callbacks() holds, come() waits: the list stays as the collector sees it.
// Ownership  Counted.
// Errors     None.
// Cost       A lock more than any other state.
// Source     CPython's "Supporting Cyclic Garbage Collection".
#pragma once

#include <mutex>

#include "python/src/future.h"

namespace tine::python {

class Awaited final : public ValueState {
 public:
  using ValueState::ValueState;

  void come() noexcept {
    {
      const std::lock_guard lock(mutex_);
      coming_ = true;
    }
    this->emplace();
  }
  [[nodiscard]] bool lock_callbacks(std::unique_lock<std::mutex>* lock) {
    *lock = std::unique_lock(mutex_);
    return !coming_;
  }

 private:
  std::mutex mutex_;
  bool coming_ = false;  // mutex_
};

}  // namespace tine::python
