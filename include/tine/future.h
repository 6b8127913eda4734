// Future<T> and Promise<T>: a value that is not there yet, and the right to provide it.
//
//   Promise<int> promise;
//   Future<std::string> text = promise.future().and_then([](int n) { return std::to_string(n); });
//   promise.set_value(42);                        // runs the callback, here
//   std::string s = std::move(text).get();        // "42"
//
// A future is pending, then done: with a value, with an error, or cancelled. It becomes done exactly once. Futures are handles:
// copies share one state, and every member may be called from any thread. A Promise belongs to one thread at a time.
//
// Callbacks run in the order in which they were added, on the thread that completes the future. If the future is done already,
// the callback runs at once on the adding thread, but after those that are still being run. Where completions would nest more
// than 64 deep, the rest runs when the outermost one on that thread returns, or when the thread waits. A callback lives until
// it has run. What it throws becomes the error of the future that `then` returned and never reaches the completing thread.
//
// A wait helps before it blocks: it runs the awaited task if nobody has begun it, or polls the connection that will bring the
// answer. So the awaited function may run on the waiting thread, under whatever locks that thread holds: docs/hazards.md.
//
// An error that nobody looked at is reported when the last Future of it goes: unobserved.h.
//
// A state is one allocation, and so is the result of a `then` together with its callback. To complete a future that has no
// callbacks is one read-modify-write.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tine/detail/state.h"
#include "tine/detail/stoppable.h"

namespace tine {

template <class T>
class Future;
template <class T>
class Promise;

namespace detail {
template <class T>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<Future<T>> = true;
}  // namespace detail

template <class T>
class [[nodiscard]] Future {
  static_assert(!std::is_reference_v<T>, "a Future holds a value, use a pointer or reference_wrapper");

 public:
  using value_type = T;

  // Without a state: only valid(), assignment and destruction are allowed.
  Future() noexcept = default;
  // For tine's own use.
  explicit Future(detail::Ref<detail::State<T>> state) noexcept : state_(std::move(state)) {}

  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] bool ready() const noexcept { return state_->ready(); }
  // Waits until it is done, whatever the Context. Throws nothing: not what the future failed with either.
  void wait() const noexcept { state_->wait(); }
  // The same for a limited time. False: it is not done yet, which does not change it.
  [[nodiscard]] bool wait_until(TimePoint deadline) const noexcept { return state_->wait_until(deadline); }
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> time) const noexcept {
    return state_->wait_until(Clock::now() + std::chrono::ceil<Clock::duration>(time));
  }

  // Waits, then returns the value, or throws the very exception that was set. When this thread's Context stops first it
  // throws Cancelled or DeadlineExceeded and leaves the future as it is.
  // `std::move(future).get()` consumes the future: a value that no other Future shares is moved out, and a task that this
  // thread forked last runs at about half the price. No other thread may use this Future object any more.
  decltype(auto) get() const& {
    detail::wait_in_context(*state_);
    if constexpr (std::is_void_v<T>) {
      (void)state_->get();
    } else {
      return static_cast<const T&>(state_->get());
    }
  }
  T get() && {
    detail::wait_alone_in_context(*state_);
    if constexpr (std::is_void_v<T>) {
      (void)state_->get();
    } else if constexpr (std::is_trivially_copyable_v<T>) {
      return state_->get();
    } else if constexpr (std::is_copy_constructible_v<T>) {
      T& value = state_->get();
      return state_->sole_owner() ? T(std::move(value)) : T(value);
    } else {
      return T(std::move(state_->get()));
    }
  }
  // Waits, whatever the Context, and returns the error; null when there is a value. This counts as looking at the error.
  [[nodiscard]] std::exception_ptr error() const noexcept {
    state_->wait();
    return state_->error();
  }

  // Completes it with Cancelled unless it is done. True when this call did so; its callbacks then run here. The producer is
  // not stopped. It finds out when it delivers (Promise::set_value returns false) or asks (Promise::cancelled).
  bool cancel() const noexcept { return state_->cancel(); }

  // The four below return the future of what the callback f returns, and copy or move f into it. f runs on the thread that
  // completes this future, or, with an executor, as a task of it. It runs in the Context in which it was added, and the result
  // is cancelled with that Context; then f is not called. If the executor closes or refuses, the result fails and f is not
  // called either (but finally: its f then runs on the thread that tells). `where` is for the report of an unobserved error.
  //
  // then: f(Future<T>) runs after success and failure. If it returns a Future<U> the result is a Future<Future<U>>.
  template <class F>
  auto then(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto then(Executor& executor, F&& f, std::source_location where = std::source_location::current()) const;
  // and_then: f(const T&), or f() for Future<void>, runs on success; a failure is passed on. If f returns a Future<U> the
  // result is a Future<U> that becomes what that one becomes.
  template <class F>
  auto and_then(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto and_then(Executor& executor, F&& f,
                std::source_location where = std::source_location::current()) const;
  // or_else: f(std::exception_ptr) runs on failure and returns a T or a Future<T>; a value is passed on.
  template <class F>
  auto or_else(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto or_else(Executor& executor, F&& f, std::source_location where = std::source_location::current()) const;
  // finally: f() runs after success and failure, also when the result has been cancelled. The outcome is passed on, unless f
  // throws: then its exception is the outcome.
  template <class F>
  auto finally(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto finally(Executor& executor, F&& f, std::source_location where = std::source_location::current()) const;

  // For tine's own use.
  [[nodiscard]] detail::State<T>* state() const noexcept { return state_.get(); }
  [[nodiscard]] detail::State<T>* leak_state() noexcept { return state_.leak(); }
  friend bool operator==(const Future& a, const Future& b) noexcept = default;

 private:
  detail::Ref<detail::State<T>> state_;
};

// The producer's end. If it is destroyed unset, its future fails with Abandoned. A promise made in a Context belongs to it: the
// Context's end completes the future.
template <class T>
class Promise {
 public:
  explicit Promise(std::source_location where = std::source_location::current())
      : state_(detail::make_ref<detail::State<T>>()) {
    state_->made_at(where);
    detail::join_current_context(*state_);
  }
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    Promise moved(std::move(other));
    std::swap(state_, moved.state_);
    return *this;
  }
  ~Promise() {
    // Without a Future and a callback there is nobody to tell.
    if (state_ && !state_->done() && !(state_->sole_owner() && !state_->newest_callback())) {
      state_->fail(detail::owning,
                   make_error(ErrorKind::kAbandoned,
                              "the promise was dropped before it was given a value or an error"));
    }
  }

  // True if the future has been cancelled, by cancel() or by its Context: then nobody needs the value any more. False once
  // the value or error is set.
  [[nodiscard]] bool cancelled() const noexcept { return state_ && state_->done(); }

  // A future of this promise. Throws Error once the value or error is set: the Promise then gives up its share of the
  // state, so that the thread that waits may destroy the Promise at once.
  [[nodiscard]] Future<T> future() const {
    if (!state_) throw Error("Promise::future: its value or error has been set; take the Future before");
    return Future<T>(state_);
  }

  // Builds the value from the arguments, completes the future and runs its callbacks on this thread. Returns false, and drops
  // the value, if the future was cancelled before. Throws Error if a value or error was set before. If building the value
  // throws, that exception passes through and the promise can still be set.
  template <class... Args>
  bool set_value(Args&&... args) {
    auto state = take();
    try {
      return state->emplace(detail::owning, std::forward<Args>(args)...);
    } catch (...) {
      state_ = std::move(state);
      throw;
    }
  }
  // The same with an error; ValueError for a null pointer.
  bool set_error(std::exception_ptr error) {
    if (!error) throw ValueError("Promise::set_error: expected an exception, got a null pointer");
    return take()->fail(detail::owning, std::move(error));
  }
  template <class E>
  requires std::derived_from<std::remove_cvref_t<E>, std::exception>
  bool set_error(E&& error) { return set_error(std::make_exception_ptr(std::forward<E>(error))); }

 private:
  detail::Ref<detail::State<T>> take() {
    if (!state_) throw Error("Future can only be marked completed once");
    return std::move(state_);
  }
  detail::Ref<detail::State<T>> state_;  // null once set
};

// Futures that are done from the start.
template <class T>
[[nodiscard]] Future<std::decay_t<T>> make_ready(T&& value) {
  auto state = detail::make_ref<detail::State<std::decay_t<T>>>();
  state->emplace(detail::owning, std::forward<T>(value));
  return Future<std::decay_t<T>>(std::move(state));
}
[[nodiscard]] inline Future<void> make_ready() {
  auto state = detail::make_ref<detail::State<void>>();
  state->emplace(detail::owning);
  return Future<void>(std::move(state));
}
template <class T>
[[nodiscard]] Future<T> make_failed(std::exception_ptr error,
                                    std::source_location where = std::source_location::current()) {
  if (!error) throw ValueError("make_failed: expected an exception, got a null pointer");
  auto state = detail::make_ref<detail::State<T>>();
  state->made_at(where);
  state->fail(detail::owning, std::move(error));
  return Future<T>(std::move(state));
}

// Becomes done when all inputs are; its value is the very futures passed in. If any failed it fails with the error of the
// first failed one in input order. Throws ValueError if an input has no state. (More combinators: combinators.h.)
template <class T>
[[nodiscard]] Future<std::vector<Future<T>>> collect_all(
    std::vector<Future<T>> futures, std::source_location where = std::source_location::current());

// Waits for all inputs and returns copies of their values. As soon as any of them has failed it throws that error; the others
// go on. Throws Cancelled or DeadlineExceeded when the Context stops first, and ValueError if an input has no state. Inputs
// that nobody has begun are run on this thread, the newest first.
template <class T>
auto wait_all(std::span<const Future<T>> futures);
template <class T>
auto wait_all(const std::vector<Future<T>>& futures) {
  return wait_all(std::span<const Future<T>>(futures));
}

}  // namespace tine

#include "tine/detail/combine.h"
#include "tine/detail/continuation.h"
