// Coroutines: a function that returns Future<T> may co_await futures and co_return its value.
//
// State      The coroutine's frame holds the future's state: one allocation for both.
// Threads    A coroutine starts on the calling thread and runs until it first waits. It resumes on the thread
//            that completes what it awaits, or on the executor given to resume_on().
// Ordering   Several coroutines that await one future resume in the order in which they began to wait.
// Ownership  The frame lives until it has finished and its last Future is gone. Parameters by reference and a
//            lambda's captures must outlive the coroutine: see docs/hazards.md.
// Errors     An exception that leaves the coroutine is its future's error; co_await rethrows the awaited
//            future's very exception. In a Context that stops first it throws Cancelled or DeadlineExceeded, and the
//            awaited future is left as it is. Cleanup that must wait does so in a ContextScope of an empty Context.
// Cost       One frame; a wait is one node in it; in a Context that can stop two allocations. Starts and resumptions nested deeper than 64 are queued, so
//            that any depth of calls needs a bounded stack.
// Source     C++20 [dcl.fct.def.coroutine]; cppcoro and folly::coro for the habits.
#pragma once

#include <coroutine>

#include "tine/future.h"

namespace tine {
namespace detail {

// Resumes it in that context; what the coroutine left set is undone behind it.
inline void resume_in(std::coroutine_handle<> handle, ContextRef context) noexcept {
  const ContextSwap swap(std::move(context));
  handle.resume();
}
inline void resume_nested(std::coroutine_handle<> handle, ContextRef context) noexcept {
  enter_trampoline(
      [](void* address, void* owned) {
        ContextRef context(static_cast<ContextData*>(owned));
        if (owned) release_context(static_cast<ContextData*>(owned));
        resume_in(std::coroutine_handle<>::from_address(address), std::move(context));
      },
      handle.address(), context.leak());
}

template <class T>
class Awaiter final : private Node, private Task {
 public:
  Awaiter(Ref<State<T>> state, Executor* executor) noexcept
      : Node(executor ? &kPostOps : &kOps), state_(std::move(state)), executor_(executor) {}
  // Awaiters are moved before they are awaited, never after.
  Awaiter(Awaiter&& o) noexcept : Awaiter(std::move(o.state_), o.executor_) {}

  [[nodiscard]] bool await_ready() const noexcept { return !executor_ && state_->done(); }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    context_ = ContextRef::current();
    if (context_.get() && can_stop(*context_.get())) [[unlikely]] {
      stop_ = until_stopped(*state_, *context_.get());
      stop_->subscribe(this);
      return;
    }
    // From here on the coroutine may run, and end, on another thread: nothing of this object is touched.
    state_->subscribe(this);
  }
  decltype(auto) await_resume() {
    if (stop_ && stop_->outcome() != Outcome::kValue) throw_stopped(stop_->outcome());
    if constexpr (std::is_void_v<T>) {
      (void)state_->get();
    } else {
      return Future<T>(std::move(state_)).get();
    }
  }

 private:
  static void run_node(Node* node, StateBase&) noexcept {
    auto* const self = static_cast<Awaiter*>(node);
    resume_in(self->handle_, std::move(self->context_));
  }
  static void post_node(Node* node, StateBase&) noexcept {
    auto* self = static_cast<Awaiter*>(node);
    self->executor_->post(*self);
  }
  void run() noexcept override { resume_nested(handle_, std::move(context_)); }
  // The coroutine must come to its end, so it goes on here.
  void abandon() noexcept override { resume_nested(handle_, std::move(context_)); }
  static constexpr NodeOps kOps{&Awaiter::run_node, true};
  static constexpr NodeOps kPostOps{&Awaiter::post_node, false};

  Ref<State<T>> state_;
  Executor* executor_;
  std::coroutine_handle<> handle_;
  ContextRef context_;
  Ref<State<void>> stop_;  // what is waited for instead in a context that can stop
};

// Runs the body inside await_suspend, where the coroutine counts as suspended: so its start can be queued.
struct StartAwaiter {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept {
    resume_nested(handle, ContextRef::current());
  }
  void await_resume() const noexcept {}
};

// The state of a coroutine's future, inside the coroutine's frame. Two references: the Future's and the
// running body's. The last one destroys the frame. A member and not a base of the promise, whose operator delete
// the compiler would take for the frame's.
template <class T>
class FrameState final : public State<T> {
 public:
  explicit FrameState(std::coroutine_handle<> frame) noexcept : State<T>(task_helper(), 2), frame_(frame) {}
  static void operator delete(FrameState* self, std::destroying_delete_t) { self->frame_.destroy(); }

  template <class U>
  void keep(U&& value) {
    this->construct(std::forward<U>(value));
    has_value_ = true;
  }
  void keep_failure() noexcept { failure_ = std::current_exception(); }
  // The body is over and its locals are gone. Afterwards the frame may be, too.
  void finish_body() noexcept {
    if (failure_) {
      // The value was there, then a local's destructor threw.
      if (has_value_) std::destroy_at(&this->value());
      this->fail(owning, std::move(failure_));
    } else {
      this->publish(owning);
    }
    this->release();
  }

 private:
  std::coroutine_handle<> frame_;
  std::exception_ptr failure_;
  bool has_value_ = false;
};

struct FinishAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) const noexcept {
    handle.promise().state.finish_body();
  }
  void await_resume() const noexcept {}
};

template <class T, class Self>
struct CoroutinePromiseBase {
  static void* operator new(size_t bytes) { return allocate_block(bytes); }
  static void operator delete(void* frame, size_t bytes) noexcept { free_block(frame, bytes); }

  // The default argument's place is the coroutine's.
  Future<T> get_return_object(std::source_location where = std::source_location::current()) {
    state.made_at(where);
    join_current_context(state);
    return Future<T>(Ref<State<T>>::adopt(&state));
  }
  StartAwaiter initial_suspend() const noexcept { return {}; }
  FinishAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { state.keep_failure(); }

  FrameState<T> state{std::coroutine_handle<Self>::from_promise(static_cast<Self&>(*this))};
};

template <class T>
struct CoroutinePromise final : CoroutinePromiseBase<T, CoroutinePromise<T>> {
  template <class U = T>
  requires std::convertible_to<U&&, T>
  void return_value(U&& value) { this->state.keep(std::forward<U>(value)); }
};
template <>
struct CoroutinePromise<void> final : CoroutinePromiseBase<void, CoroutinePromise<void>> {
  void return_void() { state.keep(Unit{}); }
};

}  // namespace detail

template <class T>
[[nodiscard]] detail::Awaiter<T> operator co_await(const Future<T>& future) noexcept {
  return {detail::Ref<detail::State<T>>::share(future.state()), nullptr};
}
template <class T>
[[nodiscard]] detail::Awaiter<T> operator co_await(Future<T>&& future) noexcept {
  return {detail::Ref<detail::State<T>>::adopt(future.leak_state()), nullptr};
}

// co_await resume_on(executor, future): as co_await future, but goes on as a task of the executor.
template <class T>
[[nodiscard]] detail::Awaiter<T> resume_on(Executor& executor, Future<T> future) noexcept {
  return {detail::Ref<detail::State<T>>::adopt(future.leak_state()), &executor};
}
// co_await schedule_on(executor): goes on as a task of the executor.
[[nodiscard]] inline detail::Awaiter<void> schedule_on(Executor& executor) {
  return resume_on(executor, make_ready());
}

}  // namespace tine

template <class T, class... Args>
struct std::coroutine_traits<tine::Future<T>, Args...> {
  using promise_type = tine::detail::CoroutinePromise<T>;
};
