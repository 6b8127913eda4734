// Context: what travels with the work instead of with its arguments: a deadline, cancellation, a trace id, values.
//
//   const CancelSource source;
//   const Context context = Context::current().with_timeout(pool.timer(), 2s).with_token(source.token());
//   const ContextScope scope(context);
//   Future<int> answer = fork(pool, ask);   // runs in `context`, and is cancelled with it
//
// A Context is an immutable value; each with_...() makes another one. A ContextScope makes it the thread's for a scope. `fork`,
// `then` and its like, and coroutines remember the Context in which they were made and run in it, on whatever thread. Work made
// without a Context runs without one.
//
// A Context stops when its token is cancelled or its deadline passes. This completes the pending futures that were made in it
// (by fork, then and its like, a Promise, a coroutine, a combinator, a sleep) with Cancelled or DeadlineExceeded, in the order
// in which they were made. Work that has not begun is not begun. Work that runs already goes on: it asks stopped() or calls
// check(). get(), wait_all() and co_await in it throw the same error, also when they wait for a future made elsewhere. wait(),
// wait_for() and error() are about the future itself and do not look at the Context.
//
// The token keeps a pending future until it is done. Without a Context all this costs one thread-local load for each fork or
// then; with one it costs an allocation for each.
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

// A copyable handle that says whether its CancelSource was raised.
class TINE_API CancelToken {
 public:
  CancelToken() noexcept = default;  // of no source: never raised
  explicit CancelToken(std::shared_ptr<detail::StopState> state) noexcept : state_(std::move(state)) {}
  [[nodiscard]] bool raised() const noexcept;
  [[nodiscard]] const std::shared_ptr<detail::StopState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::StopState> state_;
};

// Copies share one source. It can be raised once.
class TINE_API CancelSource {
 public:
  CancelSource();
  [[nodiscard]] CancelToken token() const noexcept { return CancelToken(state_); }
  // Cancels every Context that has a token of this source. Callbacks of the futures that this completes run on this thread,
  // before it returns. True for the call that raised it.
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

  // A Context whose deadline is the earlier of this one and the one there is. The timer completes the pending futures when it
  // has passed, on the timer's thread; callbacks of users run on the timer's executor. After the timer is destroyed, waits
  // still end at the deadline, but pending futures are not completed by it.
  [[nodiscard]] Context with_deadline(Timer& timer, TimePoint deadline) const;
  template <class Rep, class Period>
  [[nodiscard]] Context with_timeout(Timer& timer, std::chrono::duration<Rep, Period> time) const {
    return with_deadline(timer, Clock::now() + std::chrono::ceil<Clock::duration>(time));
  }
  // A Context that stops when the token is raised, or when this one stops.
  [[nodiscard]] Context with_token(const CancelToken& token) const;
  [[nodiscard]] Context with_trace_id(std::string id) const;
  [[nodiscard]] Context with(std::string key, std::string value) const;

  [[nodiscard]] TimePoint deadline() const noexcept;  // kNoDeadline: none
  [[nodiscard]] std::string_view trace_id() const noexcept;
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
  // True if it was cancelled or its deadline has passed.
  [[nodiscard]] bool stopped() const noexcept;
  // Throws Cancelled or DeadlineExceeded if stopped().
  void check() const;

  [[nodiscard]] const detail::ContextRef& data() const noexcept { return data_; }

 private:
  detail::ContextRef data_;
};

// Makes a Context this thread's for a scope, then restores the one before. In a coroutine the scope may end on another thread
// than it began on.
class [[nodiscard]] ContextScope {
 public:
  [[nodiscard]] explicit ContextScope(const Context& context) noexcept : swap_(context.data()) {}

 private:
  detail::ContextSwap swap_;
};

}  // namespace tine
