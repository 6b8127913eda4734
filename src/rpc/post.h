// post_to: posts a function as a task that owns it. If the executor has closed, or there is no memory for the task, the
// function runs in place, because it must run in any case.
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
