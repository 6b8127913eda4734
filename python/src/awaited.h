// Awaited: a state that a thread without the interpreter's lock may complete while a Future is its only owner.
//
// One thread calls come(), once, with or without the interpreter's lock. The collector, which has it, calls
// lock_callbacks() and keeps the mutex while it looks at the list of callbacks: come() waits for the mutex, so the list
// stays as the collector has seen it (CPython's "Supporting Cyclic Garbage Collection").
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
