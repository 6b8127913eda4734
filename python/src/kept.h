// Kept: one reference to a future, held by C++ code that Python's collector must see through.
//
// Two owners of one state would hide from the collector what hangs on the state; two owners of one Python object do not.
// So a Kept holds the Future that shows the state if there is one and the lock is held, and the state otherwise. It may
// be made, moved and dropped on any thread; traverse() needs the lock.
#pragma once

#include <utility>

#include "python/src/future.h"

namespace tine::python {

class Kept {
 public:
  Kept() noexcept = default;
  explicit Kept(ValueState& future) noexcept {
    if (auto* const shown = holds_gil() ? static_cast<PyObject*>(future.binding) : nullptr;
        shown && Py_REFCNT(shown) > 0) {  // at 0 it is being torn down by its subclass
      shown_ = Py_NewRef(shown);
    } else {
      state_ = Ref<ValueState>::share(&future);
    }
  }
  Kept(Kept&& o) noexcept : shown_(std::exchange(o.shown_, nullptr)), state_(std::move(o.state_)) {}
  Kept& operator=(Kept o) noexcept {
    std::swap(shown_, o.shown_);
    std::swap(state_, o.state_);
    return *this;
  }
  ~Kept() {
    if (shown_) drop_anywhere(shown_);
  }

  [[nodiscard]] ValueState& operator*() const noexcept {
    return shown_ ? *reinterpret_cast<PyFuture*>(shown_)->state : *state_;
  }
  [[nodiscard]] ValueState* operator->() const noexcept { return &**this; }
  // The Future that shows it, a new reference; the lock is held.
  [[nodiscard]] PyObject* object() const { return shown_ ? Py_NewRef(shown_) : wrap_future(state_); }
  explicit operator bool() const noexcept { return shown_ || state_; }

  [[nodiscard]] int traverse(visitproc visit, void* arg) const {
    Py_VISIT(shown_);
    return state_ && state_->sole_owner() ? traverse_state(*state_, visit, arg) : 0;
  }

 private:
  PyObject* shown_ = nullptr;
  Ref<ValueState> state_;
};

}  // namespace tine::python
