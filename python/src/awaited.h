// Awaited: a state that a thread without the interpreter's lock may complete while a Future is its only owner.
//
// The garbage collector walks the callbacks of a state that a Future alone owns. Any other such state is completed by
// nobody, or under the interpreter's lock. Here the mutex makes the one who completes it wait until the collector is through.
#pragma once

#include <tine/detail/mutex.h>

#include "python/src/future.h"

namespace tine::python {

class Awaited final : public ValueState {
 public:
  using ValueState::ValueState;

  // Completes it: once, by one thread, with or without the interpreter's lock.
  void come() noexcept {
    {
      const tine::detail::MutexLock lock(mutex_);
      coming_ = true;
    }
    this->emplace();
  }
  // Once it is coming its callbacks are that thread's: nothing to visit.
  [[nodiscard]] int traverse_pending(visitproc visit, void* arg) {
    const tine::detail::MutexLock lock(mutex_);
    return coming_ ? 0 : traverse_callbacks(*this, visit, arg);
  }

 private:
  tine::detail::Mutex mutex_;
  bool coming_ TINE_GUARDED_BY(mutex_) = false;
};

}  // namespace tine::python
