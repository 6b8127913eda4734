// fork(): run a function on an executor, get its Future.
//
// State      Queued, started, done.
// Threads    From any thread. The function runs on one thread: a worker, or the thread that waits for it
//            if it has not started by then.
// Ordering   None between forks. What happened before fork() is visible to the function.
// Ownership  The closure lives in the future's state and is destroyed when it has run.
// Errors     What the function throws is the future's error. A task cancelled before it starts is not
//            run. An executor that shuts down first abandons it.
// Cost       One allocation; four read-modify-writes for fork, run and wait on one thread.
// Source     Cilk's fork/join; torch.jit.fork for the name.
#pragma once

#include <tuple>

#include "tine/future.h"

namespace tine {
namespace detail {

template <class R, class F>
class ForkState final : public State<R>, private Task {
 public:
  template <class G>
  explicit ForkState(G&& f) : State<R>(task_helper(), 2), f_(std::forward<G>(f)) {}
  ~ForkState() override {}
  Task* task() noexcept override { return this; }

  bool run_inline() noexcept override {
    if (!this->start()) return false;
    execute();
    return true;
  }

 private:
  void run() noexcept override {
    if (this->start()) execute();
    this->release();
  }
  void abandon() noexcept override {
    if (this->start()) {
      this->fail(make_error(ErrorKind::kAbandoned, "the executor shut down before it ran the task"));
      f_.~F();
    }
    this->release();
  }
  bool spent() const noexcept override { return this->started(); }

  void execute() noexcept {
    if (!this->done()) complete_with<R>(*this, f_);
    f_.~F();
  }
  union {
    F f_;  // destroyed by whoever starts the task
  };
};

}  // namespace detail

template <class F>
requires std::invocable<std::decay_t<F>>
[[nodiscard]] auto fork(Executor& executor, F&& f) {
  using R = std::invoke_result_t<std::decay_t<F>>;
  auto* state = new detail::ForkState<R, std::decay_t<F>>(std::forward<F>(f));
  Future<R> future(detail::Ref<detail::State<R>>::adopt(state));
  executor.post(*state->task());
  return future;
}

template <class F, class... Args>
requires(sizeof...(Args) > 0) [[nodiscard]] auto fork(Executor& executor, F&& f, Args&&... args) {
  return fork(executor,
              [f = std::forward<F>(f), bound = std::make_tuple(std::forward<Args>(args)...)]() mutable {
                return std::apply(std::move(f), std::move(bound));
              });
}

}  // namespace tine
