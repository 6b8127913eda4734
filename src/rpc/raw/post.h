// post_to: a function as a task.
//
// State      None.
// Threads    Any.
// Ordering   As the executor's.
// Ownership  The task owns the function.
// Errors     An executor that has closed runs it in place: what is posted here is owed in any case.
// Cost       An allocation.
// Source     include/tine/executor.h.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "tine/executor.h"

namespace tine::rpc {

template <class F>
void post_to(Executor& executor, F f) {
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
  executor.post(*new Posted(std::move(f)));
}

}  // namespace tine::rpc
