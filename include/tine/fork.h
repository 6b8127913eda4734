// fork(): runs a function on an executor and returns its Future.
//
//   Future<int> left = fork(pool, fib, n - 1);
//   int right = fib(n - 2);
//   return std::move(left).get() + right;
//
// The function runs on one thread: one of the executor's, or the thread that waits for the future, if nobody has begun it by
// then. What happened before fork() is visible to it. Forks are not ordered among each other. The function and its arguments
// are moved or copied into the future's state. They are destroyed when it has run, before the future is done. It runs in the
// Context of the caller, whose end cancels the future.
//
// What the function throws is the error of its future. A future that is cancelled before the function has begun is enough: it
// is not run. If the executor shuts down first the future fails with Abandoned. A function that would run inside a wait with
// less than 256 KiB of stack left is not run; its future fails and says so.
//
// A fork is one recycled block. Fork, run and wait on one thread cost one read-modify-write when the Future is consumed by
// `std::move(future).get()` and has no copies, and four otherwise.
#pragma once

#include <source_location>
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
  void run_alone() noexcept override {
    if (this->started() || !this->release_one_of_two()) return run();
    this->start_alone();
    execute();
  }

 private:
  void run() noexcept override {
    if (this->start()) execute();
    this->release();
  }
  void abandon() noexcept override {
    refuse(make_error(ErrorKind::kAbandoned, "the executor shut down before it ran the task"));
  }
  void refuse(const std::exception_ptr& why) noexcept override {
    if (this->start()) {
      f_.~F();
      this->fail(owning, why);
    }
    this->release();
  }
  bool spent() const noexcept override { return this->started(); }

  void execute() noexcept {
    const ContextSwap no_context;  // the closure brings its own
    if (low_stack()) [[unlikely]] {
      f_.~F();
      this->fail(owning, too_deep_error(this->where()));
    } else if (this->done()) {
      f_.~F();
    } else if (auto error = construct_from(*this, f_)) [[unlikely]] {
      this->fail(owning, std::move(error));
    } else {
      this->publish(owning);
    }
  }
  union {
    F f_;  // destroyed by the thread that wins start()
  };
};

// An executor and the place of the call. As a parameter it records the caller's place, whatever arguments follow.
struct ExecutorAt {
  ExecutorAt(Executor& e, std::source_location w = std::source_location::current()) noexcept
      : executor(e), where(w) {}
  Executor& executor;
  std::source_location where;
};

template <class F, class... Args>
auto post_new(const ExecutorAt& at, Args&&... args) {
  using R = std::invoke_result_t<F>;
  auto* state = new ForkState<R, F>(std::forward<Args>(args)...);
  state->made_at(at.where);
  Future<R> future(Ref<State<R>>::adopt(state));
  at.executor.post(*state->task());
  return future;
}

}  // namespace detail

// `at` is made of an Executor&, which must outlive the task. May throw std::bad_alloc, or what copying the arguments throws.
template <class F>
requires std::invocable<std::decay_t<F>>
[[nodiscard]] auto fork(detail::ExecutorAt at, F&& f) {
  if (detail::ContextData* context = detail::current_context()) [[unlikely]] {
    using G = detail::InContext<std::decay_t<F>>;
    auto future = detail::post_new<G>(at, G(detail::ContextRef(context), std::forward<F>(f)));
    detail::join_context(*future.state(), *context);
    return future;
  }
  return detail::post_new<std::decay_t<F>>(at, std::forward<F>(f));
}

template <class F, class... Args>
requires(sizeof...(Args) > 0) [[nodiscard]] auto fork(detail::ExecutorAt at, F&& f, Args&&... args) {
  return fork(at, [f = std::forward<F>(f), bound = std::make_tuple(std::forward<Args>(args)...)]() mutable {
    return std::apply(std::move(f), std::move(bound));
  });
}

}  // namespace tine
