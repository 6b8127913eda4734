// post_to: a function as a task.
//
// State      None.
// Threads    Any.
// Ordering   As the executor's.
// Ownership  The task owns the function.
// Errors     An executor that has closed, and one for which there is no memory, has it run in place: it is owed in any case.
// Cost       An allocation.
// Source     include/tine/executor.h.
#pragma once

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "tine/executor.h"

namespace tine::rpc {

template <class F>
void post_to(Executor& executor, F f) noexcept {
  class Posted final : public Task {
   public:
    explicit Posted(F g) : f_(std::move(g)) {}
    void run() noexcept override {
      const std::unique_ptr<Posted> self(this);
      f_();
    }
    void abandon() noexcept override { run(); }

   private:
    F f_;
  };
  if (auto* const posted = new (std::nothrow) Posted(std::move(f))) return executor.post(*posted);
  f();
}

}  // namespace tine::rpc
