// Future<T>, Promise<T>: a value that is not there yet, and the right to provide it.
//
// State      Pending, then done with a value or an error, exactly once.
// Threads    Every member of Future from any thread. One thread at a time uses a Promise.
// Ordering   Callbacks run in the order in which they were added, inline on the thread that completes
//            the future. On a future that is done they run at once, inline on the adding thread, but
//            behind those that are still being run. Nested deeper than 64 they run when the outermost
//            completion on the thread returns (or when this thread waits).
// Ownership  Futures share the state. A callback lives until it has run. A Promise that dies unset
//            completes its future with Abandoned.
//            wait(), wait_for() and error() look at the future alone; get() ends with the Context, too.
// Errors     A callback's exception becomes the error of the future that then() returned; it never
//            reaches the completing thread. get() rethrows the very exception that was set. An error that
//            nobody looked at is reported when its future goes (unobserved.h).
// Cost       One allocation for a state, none for a `then` beyond its result; one read-modify-write to
//            complete without callbacks. Blocking in wait() first helps: runs the awaited task if it has
//            not started, polls the connection that will bring it.
// Source     torch.futures for the rules; kj::Promise and P2300 for what a C++ programmer expects.
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

  Future() noexcept = default;  // no state: only valid() and assignment make sense
  explicit Future(detail::Ref<detail::State<T>> state) noexcept : state_(std::move(state)) {}

  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] bool ready() const noexcept { return state_->ready(); }
  void wait() const noexcept { state_->wait(); }
  // False: not ready yet, which is no error.
  [[nodiscard]] bool wait_until(TimePoint deadline) const noexcept { return state_->wait_until(deadline); }
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> time) const noexcept {
    return state_->wait_until(Clock::now() + std::chrono::ceil<Clock::duration>(time));
  }

  // Waits; the value, or the error thrown. In a Context that stops first: Cancelled or DeadlineExceeded. From an
  // rvalue that is the only owner the value is moved, and a task that this thread forked last is run at about half
  // the price: `std::move(future).get()`, where no other thread uses this Future object any more.
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
  // Waits, whatever the Context; null when there is a value.
  [[nodiscard]] std::exception_ptr error() const noexcept {
    state_->wait();
    return state_->error();
  }

  // Completes it with Cancelled unless it is done; true when this call did. Whoever produces the value
  // finds out when they deliver it.
  bool cancel() const noexcept { return state_->cancel(); }

  // f(Future<T>) always runs, after success and failure; what it returns is held as it is.
  template <class F>
  auto then(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto then(Executor& executor, F&& f, std::source_location where = std::source_location::current()) const;
  // f(const T&) runs on success; a failure is forwarded; a Future that f returns is flattened.
  template <class F>
  auto and_then(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto and_then(Executor& executor, F&& f,
                std::source_location where = std::source_location::current()) const;
  // f(std::exception_ptr) runs on failure and returns a T or Future<T>; a value is forwarded.
  template <class F>
  auto or_else(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto or_else(Executor& executor, F&& f, std::source_location where = std::source_location::current()) const;
  // f() always runs; the outcome is forwarded unless f throws.
  template <class F>
  auto finally(F&& f, std::source_location where = std::source_location::current()) const;
  template <class F>
  auto finally(Executor& executor, F&& f, std::source_location where = std::source_location::current()) const;

  [[nodiscard]] detail::State<T>* state() const noexcept { return state_.get(); }
  [[nodiscard]] detail::State<T>* leak_state() noexcept { return state_.leak(); }
  friend bool operator==(const Future& a, const Future& b) noexcept = default;

 private:
  detail::Ref<detail::State<T>> state_;
};

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

  // Whether its future has been cancelled, by cancel() or by its Context: then nobody needs the value any more. False
  // once the value or error is set.
  [[nodiscard]] bool cancelled() const noexcept { return state_ && state_->done(); }

  // Before the value or error is set: then the Promise gives its share of the state up, so that the thread
  // that waits may destroy the Promise at once.
  [[nodiscard]] Future<T> future() const {
    if (!state_) throw Error("Promise::future: its value or error has been set; take the Future before");
    return Future<T>(state_);
  }

  // False when the future was cancelled meanwhile. A second call throws Error. When building the value
  // throws, the exception passes through and the promise can still be set.
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

// Done when all inputs are; holds the very futures passed in. When any failed it fails with the
// error of the first failed one in input order.
template <class T>
[[nodiscard]] Future<std::vector<Future<T>>> collect_all(
    std::vector<Future<T>> futures, std::source_location where = std::source_location::current());

// Waits for all and returns the values. Throws as soon as any input has failed, whichever it is, or the Context stops.
template <class T>
auto wait_all(std::span<const Future<T>> futures);
template <class T>
auto wait_all(const std::vector<Future<T>>& futures) {
  return wait_all(std::span<const Future<T>>(futures));
}

}  // namespace tine

#include "tine/detail/combine.h"
#include "tine/detail/continuation.h"
