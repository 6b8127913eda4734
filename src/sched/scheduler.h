// The pool behind tine::Scheduler.
//
// Sleep protocol. A worker that finds nothing takes itself out of the running, passes the heavy fence, looks at every
// queue once more, then sleeps on its own parker. Whoever queues a task makes it visible, then looks who
// searches and who runs. One of the two sees the other (sleep_counts.h): either the sleeper's second look finds the
// task, or the poster sees that it has left, and wakes a sleeper. A poster that sees a searcher leaves the
// task to it: the same holds for a searcher that uncounts itself and looks again, as it does unless it has found
// something and either others still search or nobody may be woken, because as many run as should; who leaves those
// looks, too. Whoever is woken and takes a task, by whatever way, wakes the next if more is queued: so as many tasks run
// at once as the pool has threads for, also when each of them blocks outside of tine.
//
// Who counts as running. It is the number of workers neither asleep nor blocked in a wait. A wake
// happens only while fewer than target_ run; a worker that is about to block gives its place up first and
// lets a sleeper (or a new spare thread) take it when work is queued. After the wait it goes on at once,
// so more than target_ may run until some worker finishes its task, sees that, and goes to sleep.
//
// When no thread can be had. A worker asleep in a wait for a future stands in callable_. A wake that finds no sleeper
// and may start no thread calls one of those: counts it as running, takes it out, makes it look up. It runs one task on
// top of its wait, then does what every sleeper does: goes back, uncounts itself, looks at the queues once more. One
// that was called but whose future is done goes on with its own work; if something is queued it calls the next.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "src/base/forks.h"
#include "src/sched/asymmetric_fence.h"
#include "src/sched/deque.h"
#include "src/sched/sleep_counts.h"
#include "tine/scheduler.h"

namespace tine::sched {

constexpr int kMaxThreads = 1024;  // workers and spares, whatever the options say
constexpr int kMaxGuests = 64;     // outside threads with a deque of their own
constexpr size_t kMaxInjected = size_t{1} << 20;

// A thread that may hold tasks: a worker, or an outside thread that forked.
struct Seat {
  Deque<Task> deque;
  std::atomic<bool> taken{false};
  // The owner's: it is a worker and counted as running, so that it may post the cheap way (sleep_counts.h).
  bool counted = false;
};

class PoolThread;

}  // namespace tine::sched

namespace tine {

class Scheduler::Impl {
 public:
  Impl(Scheduler& owner, const SchedulerOptions& options);
  ~Impl();
  // In a child after fork(2).
  [[nodiscard]] bool inherited() const noexcept { return birth_.inherited(); }

  void post(Task& task) noexcept;
  bool take_back(Task& task, bool sweep) noexcept;
  // Runs the awaited task if it is the newest that nobody has begun in this thread's own deque. Anything else stays
  // where it is: it could wait for something that this very thread does after its wait.
  bool run_own_child(sched::Seat& seat, detail::StateBase& state) noexcept;
  void resize(int n);
  SchedulerCounters counters() const noexcept;
  int target() const noexcept { return target_.load(std::memory_order_relaxed); }

 private:
  friend class sched::PoolThread;
  friend class GuestHelper;
  friend struct GuestSeat;

  struct Life {
    std::mutex mutex;  // held while a guest leaves
    std::atomic<Impl*> pool{nullptr};
  };
  struct Parker {
    std::mutex mutex;
    std::condition_variable wake;
    bool woken = false;
  };

  void inject(Task& task) noexcept;
  Task* take_injected() noexcept;
  // One look at every queue.
  bool anything_queued() noexcept;
  // By who has just stopped running or searching: wakes somebody if there is work. `counted`: 1 if the caller still
  // counts as running, else 0.
  void look_again(int counted = 0) noexcept {
    if (counts_.running() != counted) fence_.heavy();
    if (anything_queued()) wake_one();
  }
  // By who was woken and has taken a task: as much as the one before has seen is for it to pass on.
  void wake_next() noexcept {
    if (counts_.running() < target_.load(std::memory_order_relaxed) && anything_queued()) wake_one();
  }
  // A task has been queued, in this seat of the calling thread's or (null) in none.
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
  bool start_thread() noexcept;  // threads_mutex_ held; false: there is none to be had
  void abandon_queued() noexcept;
  // threads_mutex_ held.
  void add_callable(sched::PoolThread& worker) noexcept;
  void remove_callable(sched::PoolThread& worker) noexcept;
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
  std::mutex injected_mutex_;
  Task* injected_first_ = nullptr;
  Task* injected_last_ = nullptr;

  std::array<std::unique_ptr<sched::Seat>, sched::kMaxGuests> guests_;
  std::atomic<int> guest_count_{0};

  mutable std::mutex threads_mutex_;
  std::array<std::atomic<sched::PoolThread*>, sched::kMaxThreads> workers_{};
  std::atomic<int> worker_count_{0};
  std::vector<sched::PoolThread*> asleep_;  // threads_mutex_
  // Workers asleep in waits, newest first; threads_mutex_.
  sched::PoolThread* callable_ = nullptr;
  int live_ = 0;  // threads that have not ended; threads_mutex_
  std::condition_variable ended_;

  std::atomic<uint64_t> parks_{0};
  std::atomic<uint64_t> wakes_{0};
  // Guests hold it to find out whether the pool is still there.
  std::shared_ptr<Life> life_;
};

}  // namespace tine
