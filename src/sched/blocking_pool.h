// BlockingPool: threads for code that may block or sleep: Python handlers, users' callbacks.
//
// A task is begun at once by an idle thread, or by a new one while fewer than `eager` threads run. A thread
// inside a wait of tine's does not count as running. When `eager` threads run, tasks queue. A watching thread looks each 2 ms
// while tasks queue. If no task has been begun meanwhile, because the threads sleep or wait for something that tine does not
// see, it starts more, up to `max_threads`. So a queued task gets a thread whatever the others do, and a burst of short ones
// does not get a thread each.
//
// Threads that wait for their turn at a lock that tine knows (the Python interpreter's; detail::WaitForTurn) neither work nor
// sleep: more of them would only wait, too. While more than half of the pool's threads that run wait so, the pool grows by one
// thread each 50 ms in which no task has been begun, and refuses nothing.
//
// At the limit, with every thread blocked, no thread is left to run what is queued, and it may be what the others wait for. A
// pool that `refuses` then refuses the queued tasks and says why; without `refuses` they wait.
//
// Tasks start in the order in which they were posted, from any thread. The pool owns and joins its threads. Idle threads end
// after 10 s, those above `eager` after 1 s. A task costs a lock and a wake-up; a thread costs the part of its stack that was
// touched (some 30 KiB under a Python handler).
//
// In a child of fork(2) the pool refuses every task, and its destructor leaves what there is.
#pragma once

#include <memory>
#include <string>

#include "tine/executor.h"

namespace tine::sched {

struct BlockingOptions {
  std::string name = "tine-b";  // the threads' name; a number follows
  int eager = 16;
  int max_threads = 4096;
  bool refuses = true;
  std::string limit_name = "max_threads";  // the name under which users know max_threads, for errors
  std::string advice;                      // the end of the error of a refused task: what to do
  // As large as other threads have: a Python function that nests a thousand calls through C code takes several MiB.
  size_t stack_bytes = size_t{8} << 20;
};

struct BlockingCounters {
  int threads = 0;
  int idle = 0;
  int blocked = 0;  // in a wait of tine's
  int peak = 0;     // the most threads so far
  size_t queued = 0;
  size_t refused = 0;
};

class BlockingPool final : public Executor {
 public:
  static constexpr int kMostThreads = 32768;

  // Throws ValueError unless 1 <= eager <= max_threads <= kMostThreads.
  explicit BlockingPool(BlockingOptions options = {});
  // close_and_join() without a bound.
  ~BlockingPool();
  void post(Task& task) noexcept override;
  [[nodiscard]] bool has_waiting() const noexcept override;
  // Also while it runs. Threads above a lowered limit go on until they are idle.
  void set_limits(int eager, int max_threads);
  // Abandons what is queued and waits until the threads have ended. Later posts abandon their task. Returns how many threads
  // were still in a task at the bound. If there are any, they are left to themselves, and the pool must never be destroyed.
  int close_and_join(TimePoint bound = kNoDeadline) noexcept;
  [[nodiscard]] BlockingCounters counters() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tine::sched
