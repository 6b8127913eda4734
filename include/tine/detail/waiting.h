// What a thread does in a wait: it helps, then it sleeps, and its pool may call it back for work.
//
//   help(state)                  runs the awaited task, or looks for a moment at what others are about to complete
//   about_to_block(sleeper)      from here on the thread counts as asleep, and the pool may let another stand in for it
//     ... asleep; whenever it wakes and called() is true:  run_called(), and back to sleep ...
//   unblocked()                  the thread goes on with its own work
#pragma once

#include "tine/detail/export.h"
#include "tine/detail/thread_state.h"
#include "tine/executor.h"

namespace tine::detail {

class StateBase;

// A thread asleep in a wait, as its pool sees it.
class TINE_API Sleeper {
 public:
  // Wakes the thread, which then asks its helper's called().
  virtual void wake() noexcept = 0;

 protected:
  ~Sleeper() = default;
};

// A worker of a pool has one for itself, and so has an outside thread that forks into a pool. A future can carry one, too: that
// of a remote call polls the connection on which the answer comes.
class TINE_API WaitHelper {
 public:
  // Helps until `state` is done, `deadline` has passed, or there is nothing left to help with.
  virtual void help(StateBase& state, TimePoint deadline) noexcept = 0;
  // The same for a caller that consumes the only Future. Called before help().
  virtual void help_alone(StateBase&) noexcept {}
  // The sleep follows. `about_to_block` may start a thread to stand in. With a `sleeper`, the pool may wake the thread to run a
  // task for which it has no other thread. Calls nest.
  virtual void about_to_block(Sleeper* sleeper) noexcept { (void)sleeper; }
  virtual void unblocked() noexcept {}
  // Returns true if the pool woke this thread (between `about_to_block` and `unblocked`) to run a task. The thread must then
  // call `run_called()`.
  [[nodiscard]] virtual bool called() noexcept { return false; }
  virtual void run_called() noexcept {}

 protected:
  ~WaitHelper() = default;
};

// The helper of futures that only a pool's task completes. It looks at the state for some 20 us and gives way to others
// meanwhile, because to wake a sleeper on another core costs more. A thread whose looks are mostly in vain mostly sleeps at
// once. A state with a helper is also known to have its producer in this process (see forks.h).
class TINE_API TaskHelper final : public WaitHelper {
 public:
  void help(StateBase&, TimePoint) noexcept override;
};
TINE_API extern TaskHelper the_task_helper;
inline WaitHelper* task_helper() noexcept { return &the_task_helper; }

// This thread's helper. Null on a thread that tine did not start, until it forks into a pool.
[[nodiscard]] inline WaitHelper* thread_helper() noexcept { return thread_state.helper; }
inline void set_thread_helper(WaitHelper* helper) noexcept { thread_state.helper = helper; }

// While one is alive on a thread, callbacks of users are posted to `executor` instead of being run by this thread when it
// completes a future. The thread that reads a connection has one, and so has the timer's.
class TINE_API CallbackGate {
 public:
  explicit CallbackGate(Executor& executor) noexcept;
  ~CallbackGate();
  CallbackGate(const CallbackGate&) = delete;
  CallbackGate& operator=(const CallbackGate&) = delete;

 private:
  Executor* before_;
};

}  // namespace tine::detail
