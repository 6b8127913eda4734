// Context: what travels with the work instead of with its arguments: deadline, cancellation, trace id, values.
//
// State      A Context is an immutable value; with_...() makes another. A CancelSource is raised once.
// Threads    Any.
// Ordering   Cancelling completes a token's pending futures in the order in which they were made.
// Ownership  A ContextScope sets the thread's context until its end. fork, then & co and coroutines take the
//            context along in which they were made, and run in it wherever they run; work made without one
//            runs without one. A token owns a pending future until it is done.
// Errors     Cancelling completes the pending futures that were made in the context (by fork, then & co,
//            Promise, a coroutine, a combinator, a sleep) with Cancelled, a passed deadline with DeadlineExceeded.
//            Work that has not begun is not begun. Work that has goes on: it asks stopped() or calls check(); a
//            get(), wait_all() or co_await in it throws that error, also when what it waits for was made elsewhere.
//            wait(), wait_for() and error() wait for the future itself.
// Cost       Without a context: one thread-local load a fork or then. With one: an allocation each.
// Source     Go's context package: deadlines are absolute and only shrink; P2175's stop tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tine/detail/context.h"
#include "tine/executor.h"

namespace tine {

class Timer;

namespace detail {
class StopState;
}

// Asks whether its source was raised.
class TINE_API CancelToken {
 public:
  CancelToken() noexcept = default;  // of no source: never raised
  explicit CancelToken(std::shared_ptr<detail::StopState> state) noexcept : state_(std::move(state)) {}
  [[nodiscard]] bool raised() const noexcept;
  [[nodiscard]] const std::shared_ptr<detail::StopState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::StopState> state_;
};

class TINE_API CancelSource {
 public:
  CancelSource();
  [[nodiscard]] CancelToken token() const noexcept { return CancelToken(state_); }
  // True for the call that raised it. Callbacks of the futures it completes run on this thread.
  bool cancel() const noexcept;
  [[nodiscard]] bool cancelled() const noexcept { return token().raised(); }

 private:
  std::shared_ptr<detail::StopState> state_;
};

class TINE_API Context {
 public:
  Context() noexcept = default;  // empty: no deadline, no token, no values
  explicit Context(detail::ContextRef data) noexcept : data_(std::move(data)) {}
  [[nodiscard]] static Context current() noexcept { return Context(detail::ContextRef::current()); }

  // The earlier of this deadline and the one there is. The timer completes the pending futures when it has
  // passed; one that is destroyed before does so no more.
  [[nodiscard]] Context with_deadline(Timer& timer, TimePoint deadline) const;
  template <class Rep, class Period>
  [[nodiscard]] Context with_timeout(Timer& timer, std::chrono::duration<Rep, Period> time) const {
    return with_deadline(timer, Clock::now() + std::chrono::ceil<Clock::duration>(time));
  }
  // Cancelled when the token is, besides what cancels it already.
  [[nodiscard]] Context with_token(const CancelToken& token) const;
  [[nodiscard]] Context with_trace_id(std::string id) const;
  [[nodiscard]] Context with(std::string key, std::string value) const;

  [[nodiscard]] TimePoint deadline() const noexcept;  // kNoDeadline: none
  [[nodiscard]] std::string_view trace_id() const noexcept;
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
  // Cancelled, or past its deadline.
  [[nodiscard]] bool stopped() const noexcept;
  // Throws Cancelled or DeadlineExceeded when it is.
  void check() const;

  [[nodiscard]] const detail::ContextRef& data() const noexcept { return data_; }

 private:
  detail::ContextRef data_;
};

// This thread's context, for a scope.
class [[nodiscard]] ContextScope {
 public:
  [[nodiscard]] explicit ContextScope(const Context& context) noexcept : swap_(context.data()) {}

 private:
  detail::ContextSwap swap_;
};

}  // namespace tine
