// TaskGroup: tasks that end before the scope that started them.
//
// State      Open until destroyed; wait() may be called again after more tasks were added.
// Threads    run() and cancel() from any thread, also from the group's own tasks; wait() from one at a time.
// Ordering   None between tasks.
// Ownership  The group outlives its tasks: wait() and the destructor wait for them all, also for those
//            that tasks add meanwhile.
// Errors     The first error in time cancels the tasks that have not begun, tells those that run (their
//            Context stops), and is rethrown by wait(). One that no wait() rethrew goes to the hook of
//            unobserved.h.
// Cost       A fork and 8 bytes a task; a wait runs what has not begun on its own thread.
// Source     Structured concurrency: Nathaniel Smith's nurseries, TBB's task_group.
#pragma once

#include <mutex>
#include <source_location>
#include <vector>

#include "tine/context.h"
#include "tine/fork.h"
#include "tine/unobserved.h"

namespace tine {

class TaskGroup {
 public:
  explicit TaskGroup(Executor& executor, std::source_location where = std::source_location::current())
      : executor_(executor), where_(where), context_(Context::current().with_token(source_.token())) {}
  ~TaskGroup() {
    join();
    if (error_) detail::report_unobserved(error_, where_);
  }
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  template <class F>
  requires std::invocable<std::decay_t<F>>
  void run(F&& f) {
    // Forked without the context, which would complete the future before its task is over.
    const detail::ContextSwap outside;
    auto task = fork(detail::ExecutorAt(executor_, where_), [this, f = std::forward<F>(f)]() mutable {
      if (source_.cancelled()) return;
      const ContextScope scope(context_);
      try {
        (void)std::move(f)();
      } catch (...) {
        fail(std::current_exception());
      }
    });
    std::exception_ptr lost;
    try {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() == tasks_.capacity()) {
        std::erase_if(tasks_, [&lost](const Future<void>& t) {
          if (!t.ready()) return false;
          if (!lost) lost = t.error();
          return true;
        });
      }
      tasks_.push_back(task);
    } catch (...) {
      task.wait();  // no task outlives the group
      throw;
    }
    if (lost) fail(lost);
  }

  // Waits for all; rethrows the first error.
  void wait() {
    join();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }
  // Tasks that have not begun do not, the Context of those that run stops.
  void cancel() { source_.cancel(); }
  [[nodiscard]] bool cancelled() const noexcept { return source_.cancelled(); }

 private:
  void fail(std::exception_ptr error) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::move(error);
    }
    source_.cancel();
  }
  void join() noexcept {
    for (;;) {
      Future<void> newest;
      {
        const std::lock_guard lock(mutex_);
        if (tasks_.empty()) return;
        newest = std::move(tasks_.back());
        tasks_.pop_back();
      }
      // A task fails by itself only when its executor shut down or its thread's stack was used up.
      if (newest.error()) fail(newest.error());
    }
  }

  Executor& executor_;
  const std::source_location where_;
  const CancelSource source_;
  const Context context_;
  std::mutex mutex_;
  std::exception_ptr error_;  // mutex_
  std::vector<Future<void>> tasks_;
};

}  // namespace tine
