// Coroutines: a function that returns Future<T> may co_await futures and co_return its value.
//
//   Future<int> sum(Executor& pool, Future<int> a, Future<int> b) {
//     const int x = co_await a;
//     co_await schedule_on(pool);          // goes on as a task of the pool
//     co_return x + co_await b;
//   }
//
// A coroutine starts on the calling thread and runs there until it first has to wait. It goes on on the thread that completes
// what it awaits, or on the executor given to resume_on(). Coroutines that await one future go on in the order in which they
// began to wait. While it waits it holds no thread and no stack.
//
// co_await returns the value or throws the very exception of the awaited future. What leaves the coroutine as an exception is
// the error of its own future. In a Context that stops first, co_await throws Cancelled or DeadlineExceeded and leaves the
// awaited future as it is. Cleanup that has to wait does so in a ContextScope of an empty Context.
//
// The frame lives until the coroutine has finished and its last Future is gone. Parameters taken by reference, and the
// captures of a lambda, must outlive it: docs/hazards.md. The frame and the future's state are one allocation. A wait is a
// node inside it, and in a Context that can stop two allocations more. Starts and resumptions that would nest more than 64
// deep are queued, so the stack stays bounded however deep the calls go.
#pragma once

#include <coroutine>

#include "tine/future.h"

namespace tine {
namespace detail {

// Resumes it in that context, then restores this thread's own, whatever the coroutine has left set.
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
    // After this call the coroutine may run, and end, on another thread: nothing of this object may be touched.
    state_->subscribe(this);
  }
  decltype(auto) await_resume() {
    if (stop_ && stop_->outcome() != Outcome::kValue) throw_stopped(stop_->outcome(), *state_);
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
  // The executor will not run it. A coroutine must come to its end, so it goes on here.
  void abandon() noexcept override { resume_nested(handle_, std::move(context_)); }
  static constexpr NodeOps kOps{&Awaiter::run_node, true};
  static constexpr NodeOps kPostOps{&Awaiter::post_node, false};

  Ref<State<T>> state_;
  Executor* executor_;
  std::coroutine_handle<> handle_;
  ContextRef context_;
  Ref<State<void>> stop_;  // what is waited for instead in a context that can stop
};

// Runs the body from inside await_suspend, where the coroutine counts as suspended. So its start can be queued, too.
struct StartAwaiter {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept {
    resume_nested(handle, ContextRef::current());
  }
  void await_resume() const noexcept {}
};

// The state of a coroutine's future, inside the coroutine's frame. It begins with two references, that of the Future and that
// of the running body; when the last goes, the frame is destroyed. FrameState is a member of the promise and not its base: a
// base's operator delete would be the one by which the compiler frees the frame.
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
  // The body is over and its locals are gone. When this returns the frame may be gone, too.
  void finish_body() noexcept {
    if (failure_) {
      // The body had returned its value when a local's destructor threw.
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

  // The compiler calls this without arguments: so `where` is the coroutine's place.
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

// The value is copied from a future that others share, and moved from one that is consumed: co_await std::move(future).
template <class T>
[[nodiscard]] detail::Awaiter<T> operator co_await(const Future<T>& future) noexcept {
  return {detail::Ref<detail::State<T>>::share(future.state()), nullptr};
}
template <class T>
[[nodiscard]] detail::Awaiter<T> operator co_await(Future<T>&& future) noexcept {
  return {detail::Ref<detail::State<T>>::adopt(future.leak_state()), nullptr};
}

// co_await resume_on(executor, future): the same, but the coroutine goes on as a task of the executor, also if the future is
// done already. If the executor abandons the task it goes on on the thread that says so.
template <class T>
[[nodiscard]] detail::Awaiter<T> resume_on(Executor& executor, Future<T> future) noexcept {
  return {detail::Ref<detail::State<T>>::adopt(future.leak_state()), &executor};
}
// co_await schedule_on(executor): the coroutine goes on as a task of the executor.
[[nodiscard]] inline detail::Awaiter<void> schedule_on(Executor& executor) {
  return resume_on(executor, make_ready());
}

}  // namespace tine

template <class T, class... Args>
struct std::coroutine_traits<tine::Future<T>, Args...> {
  using promise_type = tine::detail::CoroutinePromise<T>;
};
