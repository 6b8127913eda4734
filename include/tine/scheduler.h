// Scheduler: the pool of worker threads; work stealing, helping, spares while workers block.
//
// State      Running until destroyed. Threads start with the first task.
// Threads    Everything from any thread, but for the destructor.
// Ordering   A thread runs its own tasks newest first; others take the oldest.
// Ownership  The Scheduler owns and joins its threads. Destroying it abandons tasks that have not
//            started (their futures fail) and waits for those that run.
//            A worker that blocks in a wait is stood in for by a spare thread. At the bound of threads, or when
//            the system has none to give, blocked waits run what is queued: any task, on top of the wait.
// Errors     post() never fails: past the queue's limit the task runs in place. In a child after fork(2) the pool
//            has no threads: tasks posted there are abandoned at once (their futures fail).
// Cost       post: one push, and a wake-up only when nobody is looking for work. An idle pool sleeps.
// Source     Chase and Lev, SPAA 2005; Le, Pop, Cohen and Nardelli, PPoPP 2013 (the deque).
#pragma once

#include <cstdint>
#include <memory>

#include "tine/executor.h"
#include "tine/fork.h"
#include "tine/timer.h"

namespace tine {

struct SchedulerOptions {
  int num_threads = 0;     // workers; 0: the cores this process may use (affinity and cgroup quota)
  int max_threads = 1024;  // workers and spares
  uint64_t seed = 1;       // of the order in which a worker tries its victims
};

struct SchedulerCounters {
  uint64_t tasks_run = 0;  // by workers, also inside their waits
  uint64_t tasks_stolen = 0;
  uint64_t parks = 0;       // times a worker went to sleep
  uint64_t wakes = 0;       // times one was woken
  int threads = 0;          // started and not joined
  int spare_threads = 0;    // of those, beyond num_threads()
  int blocked_threads = 0;  // workers inside a blocking wait now
};

class TINE_API Scheduler final : public Executor {
 public:
  // ValueError unless 1 <= num_threads <= max_threads <= 1024.
  explicit Scheduler(const SchedulerOptions& options);
  explicit Scheduler(int num_threads = 0) : Scheduler(SchedulerOptions{.num_threads = num_threads}) {}
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void post(Task& task) noexcept override;
  bool take_back(Task& task, bool sweep) noexcept override;

  [[nodiscard]] int num_threads() const noexcept;
  // Takes effect as threads become idle. Between 1 and max_threads; ValueError otherwise.
  void set_num_threads(int n);
  [[nodiscard]] SchedulerCounters counters() const noexcept;

  // Splits [0, n) into pieces of at least `grain`, runs them on this thread and on idle workers, returns
  // when all are done, rethrows the first error.
  void parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* state);
  template <class F>
  void parallel_for(int64_t n, int64_t grain, F&& f) {
    parallel_for(
        n, grain, [](void* s, int64_t b, int64_t e) { (*static_cast<std::remove_reference_t<F>*>(s))(b, e); },
        const_cast<void*>(static_cast<const void*>(std::addressof(f))));
  }

  // For sleeps and deadlines; callbacks of what it completes run on this pool.
  [[nodiscard]] Timer& timer() noexcept;

  // The pool of the calling worker, null on other threads.
  [[nodiscard]] static Scheduler* current() noexcept;
  [[nodiscard]] static int usable_cores() noexcept;

  class Impl;  // src/sched/scheduler.h

 private:
  std::unique_ptr<Impl> impl_;
  Timer timer_{*this};  // ends first
};

}  // namespace tine
