// Scheduler: a pool of worker threads for code that computes.
//
//   Scheduler pool;                                       // as many threads as this process has cores
//   Future<int> answer = fork(pool, [] { return 6 * 7; });
//   pool.parallel_for(n, 1024, [&](int64_t begin, int64_t end) { ... });
//
// Each worker has a queue. It runs its own tasks newest first, and when it has none takes the oldest of another's. Threads
// start with the first task; an idle pool sleeps. A worker that blocks in a wait lets a spare thread run in its place, so
// tasks that wait for each other do not deadlock. If the pool has `max_threads` threads, or the system gives it no more,
// blocked waits run queued tasks: any of them, on top of the wait.
//
// All functions but the destructor may be called from any thread. post() never fails: with 1,048,576 tasks in its queue the
// posting thread runs the task itself. The destructor waits for the tasks that run and abandons those that have not begun
// (their futures fail with Abandoned). In a child after fork(2) the pool has no threads: tasks posted there are abandoned at
// once.
//
// A post is one push. It wakes a thread only while fewer than num_threads() run and none is looking for work.
#pragma once

#include <cstdint>
#include <memory>

#include "tine/executor.h"
#include "tine/fork.h"
#include "tine/timer.h"

namespace tine {

struct SchedulerOptions {
  int num_threads = 0;     // that run at once; 0: usable_cores()
  int max_threads = 1024;  // with the spares
  uint64_t seed = 1;       // for the order in which a worker tries the queues of others
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
  // Throws ValueError unless 1 <= num_threads <= max_threads <= 1024.
  explicit Scheduler(const SchedulerOptions& options);
  explicit Scheduler(int num_threads = 0) : Scheduler(SchedulerOptions{.num_threads = num_threads}) {}
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void post(Task& task) noexcept override;
  bool take_back(Task& task, bool sweep) noexcept override;

  [[nodiscard]] int num_threads() const noexcept;
  // Takes effect as threads become idle. Throws ValueError unless 1 <= n <= max_threads, and Error in a child of fork(2).
  void set_num_threads(int n);
  [[nodiscard]] SchedulerCounters counters() const noexcept;

  // Splits [0, n) into pieces of at least `grain` and calls body(state, begin, end) for each, on this thread and on idle
  // workers. Returns when all are done. After the first error pieces that have not begun are left out, and the error is
  // rethrown.
  void parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* state);
  template <class F>
  void parallel_for(int64_t n, int64_t grain, F&& f) {
    parallel_for(
        n, grain, [](void* s, int64_t b, int64_t e) { (*static_cast<std::remove_reference_t<F>*>(s))(b, e); },
        const_cast<void*>(static_cast<const void*>(std::addressof(f))));
  }

  // For sleeps and deadlines. Callbacks of users run on this pool and not on the timer's thread.
  [[nodiscard]] Timer& timer() noexcept;

  // The pool whose worker the calling thread is; null on any other thread.
  [[nodiscard]] static Scheduler* current() noexcept;
  // The cores that this process may use, by its affinity and the quota of its cgroup.
  [[nodiscard]] static int usable_cores() noexcept;

  class TINE_LOCAL Impl;  // src/sched/scheduler.h

 private:
  std::unique_ptr<Impl> impl_;
  Timer timer_{*this};  // declared last, so that it ends first: it posts to the pool
};

}  // namespace tine
