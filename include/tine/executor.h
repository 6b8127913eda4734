// Executor: a place where work runs. Task: a piece of work.
//
//   class Loop final : public Executor {                      // one's own event loop takes tine's callbacks
//     void post(Task& task) noexcept override { queue_.push(&task); wake_loop(); }
//   };
//   Future<void> drawn = future.then(loop, [](Future<int> done) { ... });
//
// Executors are given wherever something is to run elsewhere: to fork(), to then() and its like, to resume_on(). Scheduler
// (scheduler.h) is the one that computes; InlineExecutor runs everything at once.
//
// post() hands a task over. The executor then calls exactly one of run(), abandon() and refuse(), once, on one thread. After
// that the task may be gone; the poster keeps nothing. post() may be called from any thread and does not throw: an executor
// that is full or closed runs the task in place, abandons it or refuses it. Tasks run in no promised order. A post is one push:
// tasks are linked through `next_task` and need no allocation of the executor's.
#pragma once

#include <chrono>
#include <exception>

#include "tine/detail/export.h"

namespace tine {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
inline constexpr TimePoint kNoDeadline = TimePoint::max();

class TINE_API Task {
 public:
  Task() noexcept = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  // Does the work. Errors go to the task's own future.
  virtual void run() noexcept = 0;
  // The executor has closed and will not run the task, which completes its future with an error.
  virtual void abandon() noexcept = 0;
  // The executor stays open but has no thread that could run the task, and says why.
  virtual void refuse(const std::exception_ptr& why) noexcept {
    (void)why;
    abandon();
  }
  // True once another thread has begun it (the one that waits for it): run() would then only give a reference back.
  [[nodiscard]] virtual bool spent() const noexcept { return false; }

  Task* next_task = nullptr;  // for the use of the executor that holds it

 protected:
  ~Task() = default;
};

class TINE_API Executor {
 public:
  virtual void post(Task& task) noexcept = 0;
  // Gives a task back to the thread that posted it. True: the task is no longer posted, and the caller runs it. Only the newest
  // task of this thread that is not spent can be had back, and only while no other thread has taken it. With `sweep`, spent
  // tasks below it are dropped as well. An executor need not be able to do this.
  virtual bool take_back(Task& task, bool sweep) noexcept {
    (void)task;
    (void)sweep;
    return false;
  }
  // Whether posted tasks wait for a thread, or for the executor's end. A task that uses its thread for more than it was posted
  // for asks this from time to time. An executor that does not know says true.
  [[nodiscard]] virtual bool has_waiting() const noexcept { return true; }

 protected:
  ~Executor() = default;
};

// Runs each task at once, on the thread that posts it.
class TINE_API InlineExecutor final : public Executor {
 public:
  void post(Task& task) noexcept override { task.run(); }
};

namespace detail {
class WaitHelper;
}

// While one is alive, this thread says that it blocks outside tine: in a system call, or on a lock that a task may hold. Its
// pool lets a spare thread run in its place, as it does for a thread in Future::wait(). On a thread of no pool it does nothing.
class TINE_API BlockingScope {
 public:
  BlockingScope() noexcept;
  ~BlockingScope();
  BlockingScope(const BlockingScope&) = delete;
  BlockingScope& operator=(const BlockingScope&) = delete;

 private:
  detail::WaitHelper* const helper_;
};

}  // namespace tine
