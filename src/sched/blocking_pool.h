// BlockingPool: threads for code that may block or sleep: Python handlers, users' callbacks.
//
// Who gets a thread. A task is begun at once by an idle thread, or by a new one while fewer than `eager` run; a thread
// inside a wait of tine's does not count as running. Past that tasks queue for as long as those threads get on. When
// none has begun a task for a while, because they sleep or wait for something that tine does not see, more are started,
// up to `max_threads`: so a queued task gets a thread whatever the others do, and a burst of short ones does not get a
// thread each. At the limit, with every thread blocked, nobody is left to run what is queued, and it may be what
// they wait for: a pool that `refuses` says so at once.
//
// State      Open until closed or destroyed. In a child of fork(2) it refuses every task and its destructor leaves what
//            there is.
// Threads    post from any thread.
// Ordering   Tasks start in the order in which they were posted.
// Ownership  The pool owns and joins its threads. Destroying it abandons what has not started.
// Errors     A task that is refused is told why. Without `refuses` it waits instead.
// Cost       A lock and a wake-up a task. Idle threads end after 10 s, those above `eager` after 1 s. A thread costs
//            its stack, of which the system keeps what was touched (some 30 KiB under a Python handler). What the
//            watching thread does while tasks queue: a look each 2 ms.
// Source     DESIGN "Who runs what".
#pragma once

#include <memory>
#include <string>

#include "tine/executor.h"

namespace tine::sched {

struct BlockingOptions {
  std::string name = "tine-b";  // of the threads, with a number behind it
  int eager = 16;
  int max_threads = 4096;
  bool refuses = true;
  std::string limit_name = "max_threads";  // what users know it as
  std::string advice;                      // what to do about it, for the error
  // As other threads have: a Python function that nests a thousand calls through C code takes several MiB.
  size_t stack_bytes = size_t{8} << 20;
};

struct BlockingCounters {
  int threads = 0;
  int idle = 0;
  int blocked = 0;  // in a wait of tine's
  int peak = 0;     // threads at most so far
  size_t queued = 0;
  size_t refused = 0;
};

class BlockingPool final : public Executor {
 public:
  static constexpr int kMostThreads = 32768;

  // ValueError unless 1 <= eager <= max_threads <= kMostThreads.
  explicit BlockingPool(BlockingOptions options = {});
  ~BlockingPool();
  void post(Task& task) noexcept override;
  // Also while it runs. Threads above a lower limit go on.
  void set_limits(int eager, int max_threads);
  // Abandons what is queued, waits until the threads have ended; later posts abandon their task. Past the bound the
  // threads whose task does not return are left to themselves, and the pool must not be destroyed any more:
  // how many those are.
  int close_and_join(TimePoint bound = kNoDeadline) noexcept;
  [[nodiscard]] BlockingCounters counters() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tine::sched
