// The pool of tine::Scheduler.
//
// Let Q say that a task is queued, R be the number of workers counted as running (neither asleep nor blocked in a wait), S the
// number that search, and T the target, num_threads(). The pool keeps
//
//   I1   if Q and R < T then: S > 0, or some thread is about to look, or a wake is on its way.
//
// "About to look" means: a thread has changed R or S and has not yet looked at the queues after that. The transitions:
//
//   post      the task becomes visible; then the poster reads R and S. If R < T and S = 0 it wakes a thread. If S > 0 it does
//             not: a searcher will find the task.
//   search    S <- S + 1; looks for some 50 us; S <- S - 1. A searcher that found nothing parks, and so looks again. One that
//             found a task looks again if now S = 0 and R < T, and may leave that out otherwise: another one searches, or as
//             many run as should.
//   park      R <- R - 1; looks at every queue; wakes a thread (perhaps itself) if there is a task; sleeps on its own Parker.
//   block     the same in front of a wait, in which the thread sleeps.
//   unblock   R <- R + 1, at once. So R > T is possible until some worker has finished its task, sees that, and parks.
//   wake      if R < T: R <- R + 1 for a sleeper, which wakes; or for a new thread. A worker that was woken and has taken a
//             task wakes the next one if more is queued. So wakes spread one by one and are not all the poster's work, and as
//             many tasks run at once as the pool has threads for, also when each of them blocks outside tine.
//   call      a wake that finds no sleeper and may start no thread. R <- R + 1 for a worker that sleeps in a wait; it leaves
//             `callable_` and looks up. It runs one task on top of its wait, then blocks again. If its future is done meanwhile
//             it goes on with its own work, and looks at the queues: the call was for a task that it will not run now.
//
// That a poster and a thread that leaves cannot miss each other is proven in sleep_counts.h.
//
// Locks: threads_mutex_ guards the lists of threads. Under it a Parker's mutex, or the mutex of a sleeper's wait, may be
// taken.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/sched/asymmetric_fence.h"
#include "src/sched/deque.h"
#include "src/sched/sleep_counts.h"
#include "tine/scheduler.h"

namespace tine::sched {

constexpr int kMaxThreads = 1024;  // workers and spares, whatever the options say
constexpr int kMaxGuests = 64;     // outside threads that have a deque of their own at one time
constexpr size_t kMaxInjected = size_t{1} << 20;

// The place of a thread that may hold tasks: a worker, or an outside thread (a guest) that has forked.
struct Seat {
  Deque<Task> deque;
  std::atomic<bool> taken{false};
  // Used by the owner only. It is a worker and counted as running, so it may post the cheap way (sleep_counts.h).
  bool counted = false;
};

class PoolThread;

}  // namespace tine::sched

namespace tine {

class Scheduler::Impl {
 public:
  Impl(Scheduler& owner, const SchedulerOptions& options);
  ~Impl();
  // True in a child after fork(2).
  [[nodiscard]] bool inherited() const noexcept { return birth_.inherited(); }

  void post(Task& task) noexcept;
  bool take_back(Task& task, bool sweep) noexcept;
  // Runs the awaited task if it is the newest in this thread's own deque that nobody has begun. Any other task stays where it
  // is: it could wait for something that this very thread does after its wait.
  bool run_own_child(sched::Seat& seat, detail::StateBase& state) noexcept;
  void resize(int n);
  SchedulerCounters counters() const noexcept;
  int target() const noexcept { return target_.load(std::memory_order_relaxed); }

 private:
  friend class sched::PoolThread;
  friend class GuestHelper;
  friend struct GuestSeat;

  struct Life {
    Mutex mutex;  // held while a guest leaves, and while the pool goes
    std::atomic<Impl*> pool{nullptr};
  };
  struct Parker {
    Mutex mutex;
    Condition wake;
    bool woken TINE_GUARDED_BY(mutex) = false;
  };

  void inject(Task& task) noexcept;
  Task* take_injected() noexcept;
  // One look at every queue.
  bool anything_queued() noexcept;
  // For a thread that has just stopped running or searching: L2 and L3 of sleep_counts.h. `counted` is 1 if the caller still
  // counts as running, else 0.
  void look_again(int counted = 0) noexcept {
    if (counts_.running() != counted) fence_.heavy();
    if (anything_queued()) wake_one();
  }
  // Called by a worker that was woken and has taken a task. It wakes the next worker if more tasks are queued.
  void wake_next() noexcept {
    if (counts_.running() < target_.load(std::memory_order_relaxed) && anything_queued()) wake_one();
  }
  // For a thread that has just queued a task, in its own seat or (null) in the shared queue.
  void announce(const sched::Seat* seat) noexcept {
    if (counts_.must_wake(target_, fence_.cheap() && seat && seat->counted)) [[unlikely]]
      wake_one();
  }
  bool take_own(sched::Seat& seat, const Task& wanted) noexcept {
    return seat.deque.pop_if(&wanted) || take_own_below(seat, wanted);
  }
  bool take_own_below(sched::Seat& seat, const Task& wanted) noexcept;
  void put_back(sched::Seat& seat, Task& task) noexcept;
  void wake_one() noexcept;
  // False: there is no thread to be had.
  bool start_thread() noexcept TINE_REQUIRES(threads_mutex_);
  void abandon_queued() noexcept;
  void add_callable(sched::PoolThread& worker) noexcept TINE_REQUIRES(threads_mutex_);
  void remove_callable(sched::PoolThread& worker) noexcept TINE_REQUIRES(threads_mutex_);
  sched::Seat* take_guest_seat() noexcept;
  void leave_guest_seat(sched::Seat* seat) noexcept;

  Scheduler& owner_;
  const int max_threads_;
  const uint64_t seed_;
  const Birth birth_;
  std::atomic<int> target_;
  const sched::AsymmetricFence fence_;
  alignas(64) sched::SleepCounts<> counts_;
  std::atomic<int> blocked_{0};
  std::atomic<bool> stopping_{false};

  alignas(64) std::atomic<size_t> injected_size_{0};
  Mutex injected_mutex_;
  Task* injected_first_ TINE_GUARDED_BY(injected_mutex_) = nullptr;
  Task* injected_last_ TINE_GUARDED_BY(injected_mutex_) = nullptr;

  std::array<std::unique_ptr<sched::Seat>, sched::kMaxGuests> guests_;
  std::atomic<int> guest_count_{0};

  mutable Mutex threads_mutex_;
  std::array<std::atomic<sched::PoolThread*>, sched::kMaxThreads> workers_{};
  std::atomic<int> worker_count_{0};
  std::vector<sched::PoolThread*> asleep_ TINE_GUARDED_BY(threads_mutex_);
  // Workers asleep in waits, newest first.
  sched::PoolThread* callable_ TINE_GUARDED_BY(threads_mutex_) = nullptr;
  int live_ TINE_GUARDED_BY(threads_mutex_) = 0;  // threads that have not ended
  Condition ended_;

  std::atomic<uint64_t> parks_{0};
  std::atomic<uint64_t> wakes_{0};
  // Outlives the pool while a guest's thread has a seat: so the guest can find out whether the pool is still there.
  std::shared_ptr<Life> life_;
};

}  // namespace tine
