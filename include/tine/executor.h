// Executor: where work runs. Task: one piece of it.
//
// State      An Executor accepts tasks until it is shut down.
// Threads    post() from any thread. A task runs on exactly one thread.
// Ordering   None promised between tasks.
// Ownership  post() hands the task over: the executor calls exactly one of run(), abandon() and refuse(), once,
//            after which the task may be gone. The poster keeps nothing.
// Errors     post() does not throw: a full or closed executor runs the task in place, abandons or refuses it.
// Cost       A post is one push; a Task is intrusive and needs no allocation of its own.
// Source     DESIGN "Scheduler"; P2300's idea that a place to run is a value.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>

#include "tine/detail/export.h"
#include "tine/detail/thread_state.h"

namespace tine {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
inline constexpr TimePoint kNoDeadline = TimePoint::max();

class TINE_API Task {
 public:
  Task() noexcept = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  // Does the work. Reports errors through its own future.
  virtual void run() noexcept = 0;
  // The executor closed before the task could run: complete its future with an error.
  virtual void abandon() noexcept = 0;
  // The executor, which stays open, has nobody to run it, and says why.
  virtual void refuse(const std::exception_ptr& why) noexcept {
    (void)why;
    abandon();
  }
  // Somebody else has run it already: run() would only give the reference back.
  [[nodiscard]] virtual bool spent() const noexcept { return false; }

  Task* next_task = nullptr;  // for the executor that holds it

 protected:
  ~Task() = default;
};

class TINE_API Executor {
 public:
  virtual void post(Task& task) noexcept = 0;
  // Hands a task that this thread posted back to it, if it is the newest that is not spent and nobody
  // has taken it: then it is the caller's to run. `sweep`: spent ones below it are dropped, too.
  virtual bool take_back(Task& task, bool sweep) noexcept {
    (void)task;
    (void)sweep;
    return false;
  }

 protected:
  ~Executor() = default;
};

// Runs a task on the posting thread, at once.
class TINE_API InlineExecutor final : public Executor {
 public:
  void post(Task& task) noexcept override { task.run(); }
};

namespace detail {

class StateBase;

// A thread asleep in a wait, as its pool sees it.
class TINE_API Sleeper {
 public:
  // Makes the thread look up: it asks its helper whether it is called.
  virtual void wake() noexcept = 0;

 protected:
  ~Sleeper() = default;
};

// What a thread does while it waits for a future. A worker thread installs one for itself (it runs
// other tasks, and replaces itself by a spare while it sleeps); a future can carry one (an RPC's
// future polls the connection its reply comes from).
class TINE_API WaitHelper {
 public:
  // Help until `state` is done, `deadline` has passed, or there is nothing left to help with.
  virtual void help(StateBase& state, TimePoint deadline) noexcept = 0;
  // The same for the holder of the only Future, who gives it up: before help().
  virtual void help_alone(StateBase&) noexcept {}
  // Brackets the sleep that follows. `about_to_block` may start a spare thread. With a `sleeper` the pool may call
  // the thread back for work that nobody else is there to do.
  virtual void about_to_block(Sleeper* sleeper) noexcept { (void)sleeper; }
  virtual void unblocked() noexcept {}
  // For a thread between the two that has been woken: whether it was called. Then it has to call run_called().
  [[nodiscard]] virtual bool called() noexcept { return false; }
  virtual void run_called() noexcept {}

 protected:
  ~WaitHelper() = default;
};

// The helper of futures that only a pool's task completes: it looks at them for some 20 us, giving way to others, since
// waking a sleeper on another core costs more; a thread that mostly looks in vain mostly sleeps at once. And it
// tells that their producer lives in this process alone (see fork_generation).
class TINE_API TaskHelper final : public WaitHelper {
 public:
  void help(StateBase&, TimePoint) noexcept override;
};
TINE_API extern TaskHelper the_task_helper;
inline WaitHelper* task_helper() noexcept { return &the_task_helper; }

// Counts the forks(2) behind this process, modulo 256. A state remembers the count of its making: one that a
// pool or a connection was to complete can't complete in a child, so waiting for it there fails.
TINE_API extern std::atomic<uint8_t> forks_behind;
inline uint8_t fork_generation() noexcept { return forks_behind.load(std::memory_order_relaxed); }
// From the first call on, each child of fork(2) counts.
TINE_API void watch_forks();

// This thread's helper, null on threads that tine did not start. Set by the scheduler.
[[nodiscard]] inline WaitHelper* thread_helper() noexcept { return thread_state.helper; }
inline void set_thread_helper(WaitHelper* helper) noexcept { thread_state.helper = helper; }

// While one is alive on a thread, callbacks of users are posted to `executor` instead of being run by
// the thread that completes a future. Whoever holds a connection's reader role has one.
class TINE_API CallbackGate {
 public:
  explicit CallbackGate(Executor& executor) noexcept;
  ~CallbackGate();
  CallbackGate(const CallbackGate&) = delete;
  CallbackGate& operator=(const CallbackGate&) = delete;

 private:
  Executor* before_;
};

// Tells this thread's helper that the thread blocks outside tine for the time of the scope.
class TINE_API BlockingScope {
 public:
  BlockingScope() noexcept : helper_(thread_helper()) {
    if (helper_) helper_->about_to_block(nullptr);
  }
  ~BlockingScope() {
    if (helper_) helper_->unblocked();
  }
  BlockingScope(const BlockingScope&) = delete;
  BlockingScope& operator=(const BlockingScope&) = delete;

 private:
  WaitHelper* helper_;
};

}  // namespace detail
using detail::BlockingScope;

}  // namespace tine
