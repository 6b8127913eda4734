// Waiting for a future in a Context that may stop first: for get() and co_await. Included by future.h.
//
// A callback cannot be taken back from the future's list. So the waiting thread hangs on a state of its own, which either the
// future or the Context completes. If the Context was first, 100 bytes of that state stay in the future's list until the
// future is done.
#pragma once

#include "tine/detail/state.h"

namespace tine::detail {

// Done with a value when `source` is done, whatever its outcome; else as the context stopped. Throws std::bad_alloc.
[[nodiscard]] TINE_API Ref<State<void>> until_stopped(StateBase& source, ContextData& context);
// The error of a wait for `source` that the context ended.
[[noreturn]] TINE_API void throw_stopped(Outcome how, const StateBase& source);
// wait(), but throws Cancelled or DeadlineExceeded when this thread's context stops first.
TINE_API void wait_in_context_slowly(StateBase& state, TimePoint deadline);
inline void wait_in_context(StateBase& state, TimePoint deadline = kNoDeadline) {
  if (!state.done()) wait_in_context_slowly(state, deadline);
}
// The same for a caller that consumes the only Future: see StateBase::wait_alone.
inline void wait_alone_in_context(StateBase& state) {
  if (state.done()) return;
  if (current_context()) [[unlikely]] {
    wait_in_context_slowly(state, kNoDeadline);
  } else {
    state.wait_alone();
  }
}

}  // namespace tine::detail
