// What future.h, fork.h and coroutine.h need of contexts. The public side is context.h.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "tine/detail/export.h"
#include "tine/detail/ref.h"
#include "tine/detail/thread_state.h"

namespace tine::detail {

class StateBase;

[[nodiscard]] inline ContextData* current_context() noexcept { return thread_state.context; }

// Measures this thread's stack, once, for low_stack().
TINE_API void note_stack() noexcept;
[[nodiscard]] inline bool low_stack() noexcept {
  return static_cast<const char*>(__builtin_frame_address(0)) < thread_state.stack_limit;
}
[[nodiscard]] TINE_API std::exception_ptr too_deep_error(const std::source_location& forked) noexcept;

TINE_API void retain_context(ContextData* context) noexcept;
TINE_API void release_context(ContextData* context) noexcept;
// From now on the future belongs to the context's token and is cancelled with it.
TINE_API void join_context(StateBase& state, ContextData& context);

inline void join_current_context(StateBase& state) {
  if (ContextData* const context = current_context()) join_context(state, *context);
}
// True if it has a token or a deadline.
[[nodiscard]] TINE_API bool can_stop(const ContextData& context) noexcept;

class ContextRef {
 public:
  ContextRef() noexcept = default;
  [[nodiscard]] static ContextRef current() noexcept { return ContextRef(current_context()); }
  explicit ContextRef(ContextData* p) noexcept : p_(p) {
    if (p_) retain_context(p_);
  }
  ContextRef(const ContextRef& o) noexcept : ContextRef(o.p_) {}
  ContextRef(ContextRef&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  ContextRef& operator=(ContextRef o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~ContextRef() {
    if (p_) release_context(p_);
  }
  [[nodiscard]] ContextData* get() const noexcept { return p_; }
  [[nodiscard]] ContextData* leak() noexcept { return std::exchange(p_, nullptr); }

 private:
  ContextData* p_ = nullptr;
};

// Sets this thread's context for a scope, then restores the one before. The thread owns its context, so a coroutine may end a
// scope on another thread than it began on.
class ContextSwap {
 public:
  explicit ContextSwap(ContextRef next) noexcept : before_(thread_state.context) {
    thread_state.context = next.leak();
  }
  // No std::exchange: GCC 12's UBSan takes a reference to a thread-local of another file for a null one.
  ContextSwap() noexcept : before_(thread_state.context) { thread_state.context = nullptr; }
  ~ContextSwap() {
    ContextData* const mine = thread_state.context;
    thread_state.context = before_;
    if (mine) release_context(mine);
  }
  ContextSwap(const ContextSwap&) = delete;
  ContextSwap& operator=(const ContextSwap&) = delete;

 private:
  ContextData* const before_;
};

// A closure that runs in the context in which it was made.
template <class F>
class InContext {
 public:
  template <class G>
  InContext(ContextRef context, G&& f) : context_(std::move(context)), f_(std::forward<G>(f)) {}
  template <class... Args>
  requires std::is_invocable_v<F, Args...>
  decltype(auto) operator()(Args&&... args) {
    const ContextSwap swap(std::move(context_));
    return std::invoke(std::move(f_), std::forward<Args>(args)...);
  }

 private:
  ContextRef context_;
  F f_;
};

}  // namespace tine::detail
