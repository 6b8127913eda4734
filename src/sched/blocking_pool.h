// BlockingPool: threads, started on demand, for code that may block or sleep: Python handlers, users'
// callbacks.
//
// State      Open until destroyed. Up to `max_threads` threads run tasks; a thread inside a tine wait does
//            not count, so another may start (in all at most kHardLimit).
// Threads    post from any thread.
// Ordering   Tasks start in the order in which they were posted.
// Ownership  The pool owns and joins its threads. Destroying it abandons what has not started.
// Errors     Past `max_queued` tasks the posted task is abandoned: its future fails, nothing hangs.
// Cost       A lock and a wake-up a task. Threads idle for 10 s end.
// Source     DESIGN "Who runs what".
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "tine/executor.h"

namespace tine::sched {

class BlockingPool final : public Executor {
 public:
  static constexpr int kHardLimit = 1024;

  explicit BlockingPool(std::string name, int max_threads = 16, size_t max_queued = 65536);
  ~BlockingPool();
  void post(Task& task) noexcept override;
  // Abandons what is queued, waits until the threads have ended; later posts abandon their task. Past the bound the
  // threads whose task does not return are left to themselves, and the pool must not be destroyed any more:
  // how many those are.
  int close_and_join(TimePoint bound = kNoDeadline) noexcept;
  [[nodiscard]] int threads() const noexcept;

 private:
  class Helper;
  void main(std::list<std::thread>::iterator self) noexcept;
  void start_thread_if_needed() noexcept;  // mutex_ held

  const std::string name_;
  const int max_threads_;
  const size_t max_queued_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  size_t queued_ = 0;
  int idle_ = 0;
  int blocked_ = 0;
  int started_ = 0;  // for names
  bool closed_ = false;
  std::list<std::thread> threads_;
  std::list<std::thread> over_;  // to be joined
};

}  // namespace tine::sched
