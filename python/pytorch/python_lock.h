// Gives the interpreter's lock up for a scope, if the thread holds it.
#pragma once

#include <Python.h>

#include "interpreter.h"

namespace tine::pytorch {

class LockReleased {
 public:
  LockReleased() noexcept : thread_(holds_lock() ? PyEval_SaveThread() : nullptr) {}
  ~LockReleased() {
    if (thread_) parked_when_killed([this] { PyEval_RestoreThread(thread_); });
  }
  LockReleased(const LockReleased&) = delete;
  LockReleased& operator=(const LockReleased&) = delete;

 private:
  PyThreadState* thread_;
};

}  // namespace tine::pytorch
