// TaskGroup: tasks that end before the scope that started them.
//
//   TaskGroup group(pool);
//   for (Part& part : parts) group.run([&part] { part.solve(); });
//   group.wait();                        // rethrows the first error
//
// The first error in time cancels the group: tasks that have not begun are not run, and the Context of those that run stops.
// wait() rethrows that error. If no wait() does, the destructor gives it to the hook of unobserved.h.
//
// run() and cancel() may be called from any thread, also from the group's own tasks; wait() by one thread at a time. wait()
// and the destructor wait for all tasks, also for those that tasks add meanwhile, and run those that have not begun on their
// own thread. After wait() the group can be used again. A task costs a fork and 8 bytes.
#pragma once

#include <source_location>
#include <vector>

#include "tine/context.h"
#include "tine/detail/mutex.h"
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

  // Forks f(), which runs in the group's Context: that of the group's making, with a token of the group. Its result is dropped.
  template <class F>
  requires std::invocable<std::decay_t<F>>
  void run(F&& f) {
    // Forked without the Context: that would complete the future before its task is over, and join() would return too early.
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
      const detail::MutexLock lock(mutex_);
      // Those that are done make room before the list grows: so a group that lives long does not grow without end.
      if (tasks_.size() == tasks_.capacity()) {
        std::erase_if(tasks_, [&lost](const Future<void>& t) {
          if (!t.ready()) return false;
          if (!lost) lost = t.error();
          return true;
        });
      }
      tasks_.push_back(task);
    } catch (...) {
      task.wait();  // no task may outlive the group, and join() does not know this one
      throw;
    }
    if (lost) fail(lost);
  }

  // Waits for all tasks; rethrows the first error.
  void wait() {
    join();
    std::exception_ptr error;
    {
      const detail::MutexLock lock(mutex_);
      error = std::exchange(error_, nullptr);
    }
    if (error) std::rethrow_exception(std::move(error));
  }
  // Tasks that have not begun are not run. The Context of those that run stops.
  void cancel() { source_.cancel(); }
  [[nodiscard]] bool cancelled() const noexcept { return source_.cancelled(); }

 private:
  void fail(std::exception_ptr error) noexcept {
    {
      const detail::MutexLock lock(mutex_);
      if (!error_) error_ = std::move(error);
    }
    source_.cancel();
  }
  void join() noexcept {
    for (;;) {
      Future<void> newest;
      {
        const detail::MutexLock lock(mutex_);
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
  detail::Mutex mutex_;
  std::exception_ptr error_ TINE_GUARDED_BY(mutex_);
  std::vector<Future<void>> tasks_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine
