#include "src/sched/scheduler.h"
#include "src/base/polling.h"
#include "src/base/thread.h"
#include "src/sched/steal_rules.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

namespace tine {

using namespace std::chrono_literals;

namespace sched {

constexpr unsigned kOthersTurn = 64;  // each 64th task is not the newest of the worker's own

// A counter is written by one thread only, so no read-modify-write is needed.
inline void bump(std::atomic<uint64_t>& counter) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

class PoolThread final : public detail::WaitHelper {
 public:
  PoolThread(Scheduler::Impl& pool, Scheduler& scheduler, int index)
      : pool_(pool), scheduler_(scheduler), victims_(pool.seed_, index) {
    thread_ = Thread(fmt::format("tine-w{}", index), [this] { main(); });
  }
  void join() { thread_.join(); }

  void help(detail::StateBase& state, TimePoint deadline) noexcept override {
    if (pool_.run_own_child(seat_, state) || state.run_here()) {
      bump(run_count);
      if (state.done()) return;
    }
    if (!state.task()) return;
    // Another worker runs it, and will probably be done before this thread could fall asleep and be woken.
    PollTurn turn(PollTimes::kTask, deadline);
    while (!state.done() && turn.yield()) continue;
  }
  void help_alone(detail::StateBase& state) noexcept override {
    Task* const wanted = state.task();
    if (!wanted || !pool_.take_own(seat_, *wanted)) return;
    bump(run_count);
    state.run_alone();
  }
  void about_to_block(detail::Sleeper* sleeper) noexcept override;
  void unblocked() noexcept override;
  bool called() noexcept override { return called_.load(std::memory_order_acquire); }
  void run_called() noexcept override;
  // The caller holds the pool's threads_mutex_, under which it took this worker out of callable_: so the sleeper is still
  // there. (The analysis cannot tell that its pool is this one's.)
  void call() noexcept {
    called_.store(true, std::memory_order_release);
    sleeper_->wake();
  }

  Seat& seat() noexcept { return seat_; }
  Scheduler& scheduler() noexcept { return scheduler_; }

  void unpark() noexcept {
    {
      const MutexLock lock(parker_.mutex);
      parker_.woken = true;
    }
    parker_.wake.notify_one();
  }

  std::atomic<uint64_t> run_count{0};
  std::atomic<uint64_t> steal_count{0};

 private:
  void main() noexcept;
  void park() noexcept;
  Task* search() noexcept;
  Task* try_steal() noexcept;
  Task* steal_again() noexcept;
  Task* steal_from(Deque<Task>& victim, size_t slot, TimePoint now) noexcept;
  void execute(Task* task) noexcept {
    bump(run_count);
    task->run();
  }

  Scheduler::Impl& pool_;
  Scheduler& scheduler_;
  Seat seat_;
  VictimOrder victims_;
  Scheduler::Impl::Parker parker_;
  Deque<Task>* victim_ = nullptr;  // that from which the last successful theft was
  std::array<FreshRule, kMaxThreads + kMaxGuests> fresh_;
  // The sleeper of the wait in which this thread sleeps; null if the thread cannot be called back. Written by this thread under
  // the pool's threads_mutex_, so this thread reads it without, and others read it with the mutex.
  detail::Sleeper* sleeper_ = nullptr;
  int blocks_ =
      0;  // calls of about_to_block() without their unblocked(): they nest, and each takes one off `running`
  std::atomic<bool> called_{false};
  // These are guarded by the pool's threads_mutex_, as the list in which they link.
  PoolThread* callable_before_ = nullptr;
  PoolThread* callable_after_ = nullptr;
  bool callable_ = false;
  friend class Scheduler::Impl;
  Thread thread_;
};

}  // namespace sched

// How a guest waits: it runs the task for which it waits, and never another one.
class GuestHelper final : public detail::WaitHelper {
 public:
  void help(detail::StateBase& state, TimePoint) noexcept override {
    if (Scheduler::Impl* pool = life->pool.load(std::memory_order_acquire))
      (void)pool->run_own_child(*seat, state);
  }
  void help_alone(detail::StateBase& state) noexcept override {
    Scheduler::Impl* const pool = life->pool.load(std::memory_order_acquire);
    Task* const wanted = state.task();
    if (pool && wanted && pool->take_own(*seat, *wanted)) state.run_alone();
  }
  std::shared_ptr<Scheduler::Impl::Life> life;
  sched::Seat* seat = nullptr;
};

// A guest's seat in one pool, given back when the thread ends or forks into another pool.
struct GuestSeat {
  sched::Seat* seat = nullptr;
  GuestHelper helper;
  Birth birth;  // of the pool

  ~GuestSeat();
  void leave() noexcept {
    if (!seat) return;
    detail::set_thread_helper(nullptr);
    if (!birth.inherited()) {
      // The pool's destructor takes the mutex first of all: so the pool that is found here stays until this thread has left.
      const MutexLock lock(helper.life->mutex);
      if (Scheduler::Impl* pool = helper.life->pool) pool->leave_guest_seat(seat);
    }
    seat = nullptr;
    helper.life = nullptr;
  }
};

namespace {

constinit thread_local sched::PoolThread* this_worker = nullptr;
// The pool in which this thread has a seat, and the seat. The pool is known by its Life: while the seat holds that, no other
// pool can have the same address.
constinit thread_local const void* seat_pool = nullptr;
constinit thread_local sched::Seat* own_seat = nullptr;
// True once the seat's destructor has run. Destructors of other thread-locals may run after it and still post.
constinit thread_local bool seat_ended = false;

GuestSeat& own_guest_seat() {
  thread_local GuestSeat seat;
  return seat;
}

}  // namespace

GuestSeat::~GuestSeat() {
  leave();
  seat_pool = nullptr;
  own_seat = nullptr;
  seat_ended = true;
}

namespace sched {

void PoolThread::main() noexcept {
  this_worker = this;
  seat_pool = pool_.life_.get();
  own_seat = &seat_;
  seat_.counted = true;
  detail::set_thread_helper(this);
  detail::note_stack();
  // A worker that was woken and takes a task wakes the next one if more is queued: the thread that woke it has left that to it.
  // A new thread counts as woken.
  bool woken = true;
  for (unsigned turn = 0;;) {
    const bool stopping = pool_.stopping_.load(std::memory_order_acquire);
    // More run than should (after an unblock, or a smaller num_threads): this one parks, and the others take its tasks.
    const bool too_many =
        !stopping && pool_.counts_.running() > pool_.target_.load(std::memory_order_relaxed);
    Task* task = nullptr;
    // Now and then take the oldest task of others, or of its own: else a task that posts a task for ever would keep those
    // waiting.
    if (!too_many && ++turn % kOthersTurn == 0) {
      task = try_steal();
      if (!task) task = seat_.deque.steal();
    }
    if (!task && !too_many) task = seat_.deque.pop();
    if (!task && stopping) break;
    if (!task && !too_many) task = steal_again();
    if (task && woken) pool_.wake_next();
    woken = false;
    if (!task && !too_many) task = search();
    if (task) {
      execute(task);
    } else {
      park();
      woken = true;
    }
  }
  detail::set_thread_helper(nullptr);
  this_worker = nullptr;
  const MutexLock lock(pool_.threads_mutex_);
  --pool_.live_;
  pool_.ended_.notify_one();
}

void PoolThread::about_to_block(detail::Sleeper* sleeper) noexcept {
  ++blocks_;
  seat_.counted = false;
  pool_.blocked_.fetch_add(1, std::memory_order_relaxed);
  {
    const MutexLock lock(pool_.threads_mutex_);
    sleeper_ = sleeper;
    // Under the lock together: a wake that sees this thread leave finds it in the list.
    if (sleeper) pool_.add_callable(*this);
    pool_.counts_.leave();
  }
  pool_.look_again();
}

void PoolThread::unblocked() noexcept {
  pool_.blocked_.fetch_sub(1, std::memory_order_relaxed);
  bool missed = false;
  {
    const MutexLock lock(pool_.threads_mutex_);
    if (callable_) pool_.remove_callable(*this);
    // The one who called this thread has counted it as running already.
    missed = called_.exchange(false, std::memory_order_relaxed);
    if (!missed) pool_.counts_.run();
    sleeper_ = nullptr;
  }
  seat_.counted = --blocks_ == 0;
  // The call was for a task that this thread will not run now, so another one must.
  if (missed) pool_.look_again(1);
}

void PoolThread::run_called() noexcept {
  seat_.counted = --blocks_ == 0;
  detail::Sleeper* const mine = sleeper_;
  called_.store(false, std::memory_order_relaxed);
  pool_.blocked_.fetch_sub(1, std::memory_order_relaxed);
  {
    const detail::ContextSwap no_context;  // the waiting task's is not the other's
    Task* task = seat_.deque.pop();
    if (!task) task = try_steal();
    if (task) {
      pool_.wake_next();
      execute(task);
    }
  }
  about_to_block(mine);  // and looks at the queues, as every thread does that stops running
}

Task* PoolThread::steal_from(Deque<Task>& victim, size_t slot, TimePoint now) noexcept {
  const int64_t size = victim.size();
  if (size == 0) return nullptr;
  if (size == 1 && fresh_[slot].leave_alone(victim.pushes(), now)) return nullptr;  // its owner will want it
  Task* const task = victim.steal();
  if (!task) return nullptr;
  bump(steal_count);
  victim_ = &victim;
  return task;
}

// Steals again from the last victim without registering as a searcher: every change of the searcher count takes its cache line
// away from all threads that post.
Task* PoolThread::steal_again() noexcept {
  Task* const task = victim_ && victim_->size() > 1 ? victim_->steal() : nullptr;
  if (task) {
    bump(steal_count);
  } else {
    victim_ = nullptr;
  }
  return task;
}

Task* PoolThread::try_steal() noexcept {
  if (Task* task = pool_.take_injected()) return task;
  const TimePoint now = Clock::now();
  const auto workers = static_cast<size_t>(pool_.worker_count_.load(std::memory_order_acquire));
  const auto guests = static_cast<size_t>(pool_.guest_count_.load(std::memory_order_acquire));
  const size_t all = workers + guests;
  if (all == 0) return nullptr;
  const size_t start = victims_.next() % all;
  for (size_t k = 0; k < all; ++k) {
    const size_t i = (start + k) % all;
    if (i < workers) {
      PoolThread* const other = pool_.workers_[i].load(std::memory_order_acquire);
      if (other == this || !other) continue;
      if (Task* task = steal_from(other->seat_.deque, i, now)) return task;
    } else {
      const size_t guest = i - workers;
      if (Task* task = steal_from(pool_.guests_[guest]->deque, kMaxThreads + guest, now)) return task;
    }
  }
  return nullptr;
}

Task* PoolThread::search() noexcept {
  pool_.counts_.begin_search();
  PollTurn turn(PollTimes::kSearch);
  Task* task = nullptr;
  do {
    task = try_steal();
    if (task || pool_.stopping_.load(std::memory_order_relaxed)) break;
  } while (turn.yield());
  // Posters left their tasks to this searcher. If it found nothing it parks, which looks again. If it found one, and is not the
  // last, another searcher looks.
  const bool last = pool_.counts_.end_search();
  if (task && last && pool_.counts_.running() < pool_.target_.load(std::memory_order_relaxed)) {
    pool_.look_again(1);
  }
  return task;
}

void PoolThread::park() noexcept {
  {
    const MutexLock lock(pool_.threads_mutex_);
    seat_.counted = false;
    pool_.asleep_.push_back(this);
    pool_.counts_.leave();
  }
  // This may wake this very worker: then `woken` is set before it waits.
  pool_.look_again();
  // The pool's destructor sets `stopping_` before it wakes all in asleep_. Either it found this worker there, or this load sees
  // it.
  if (pool_.stopping_.load(std::memory_order_seq_cst)) pool_.wake_one();
  pool_.parks_.fetch_add(1, std::memory_order_relaxed);  // an addition, as all workers count here
  const MutexLock lock(parker_.mutex);
  while (!parker_.woken) parker_.wake.wait(parker_.mutex);
  parker_.woken = false;
  seat_.counted = true;
}

}  // namespace sched

Scheduler::Impl::Impl(Scheduler& owner, const SchedulerOptions& options)
    : owner_(owner),
      max_threads_(options.max_threads),
      seed_(options.seed),
      target_(options.num_threads),
      life_(std::make_shared<Life>()) {
  detail::watch_forks();
  // In a child the forking thread has no seat and is not a worker: its pool's threads are the parent's.
  [[maybe_unused]] static const int once = pthread_atfork(nullptr, nullptr, [] {
    this_worker = nullptr;
    seat_pool = nullptr;
    own_seat = nullptr;
  });
  life_->pool = this;
}

void Scheduler::Impl::abandon_queued() noexcept {
  while (Task* task = take_injected()) task->abandon();
  for (int i = 0; i < guest_count_.load(std::memory_order_acquire); ++i) {
    while (Task* task = guests_[static_cast<size_t>(i)]->deque.steal()) task->abandon();
  }
  for (int i = 0; i < worker_count_.load(std::memory_order_acquire); ++i) {
    sched::PoolThread* const worker = workers_[static_cast<size_t>(i)].load(std::memory_order_acquire);
    while (Task* task = worker->seat().deque.steal()) task->abandon();
  }
}

Scheduler::Impl::~Impl() {
  {
    const MutexLock lock(life_->mutex);
    life_->pool = nullptr;
  }
  stopping_.store(true, std::memory_order_seq_cst);
  int count = 0;
  {
    const MutexLock lock(threads_mutex_);
    count = worker_count_.load();
    for (sched::PoolThread* worker : asleep_) worker->unpark();
    counts_.run(static_cast<int>(asleep_.size()));
    asleep_.clear();
  }
  // A task that still runs may wait for a queued one, or queue more. So abandon what is queued again and again until all ended.
  for (bool over = false; !over;) {
    abandon_queued();
    const MutexLock lock(threads_mutex_);
    if (live_ > 0) (void)ended_.wait_until(threads_mutex_, Clock::now() + 1ms);
    over = live_ == 0;
  }
  for (int i = 0; i < count; ++i) workers_[static_cast<size_t>(i)].load()->join();
  abandon_queued();
  for (int i = 0; i < count; ++i) delete workers_[static_cast<size_t>(i)].load();
}

void Scheduler::Impl::inject(Task& task) noexcept {
  // Full: the poster pays. The bound is not exact, because others may add at the same moment.
  if (injected_size_.load(std::memory_order_relaxed) >= sched::kMaxInjected) {
    task.run();
    return;
  }
  task.next_task = nullptr;
  {
    const MutexLock lock(injected_mutex_);
    (injected_last_ ? injected_last_->next_task : injected_first_) = &task;
    injected_last_ = &task;
    injected_size_.fetch_add(1, std::memory_order_seq_cst);
  }
  announce(nullptr);
}

Task* Scheduler::Impl::take_injected() noexcept {
  if (injected_size_.load(std::memory_order_seq_cst) == 0)
    return nullptr;  // without the lock: this is the usual case
  const MutexLock lock(injected_mutex_);
  Task* const task = injected_first_;
  if (!task) return nullptr;
  injected_first_ = task->next_task;
  if (!injected_first_) injected_last_ = nullptr;
  injected_size_.fetch_sub(1, std::memory_order_seq_cst);
  return task;
}

bool Scheduler::Impl::anything_queued() noexcept {
  if (injected_size_.load(std::memory_order_seq_cst) > 0) return true;
  const int workers = worker_count_.load(std::memory_order_acquire);
  for (int i = 0; i < workers; ++i) {
    sched::PoolThread* const worker = workers_[static_cast<size_t>(i)].load(std::memory_order_acquire);
    if (worker && worker->seat().deque.size() > 0) return true;
  }
  const int guests = guest_count_.load(std::memory_order_acquire);
  for (int i = 0; i < guests; ++i) {
    if (guests_[static_cast<size_t>(i)]->deque.size() > 0) return true;
  }
  return false;
}

void Scheduler::Impl::wake_one() noexcept {
  sched::PoolThread* chosen = nullptr;
  {
    const MutexLock lock(threads_mutex_);
    const bool stopping = stopping_.load(std::memory_order_relaxed);
    // Changes of `running` upwards happen under this lock, so no two wakes fill the same place. A pool that ends wakes
    // everybody.
    if (!stopping && counts_.running() >= target_.load(std::memory_order_relaxed)) return;
    if (!asleep_.empty()) {
      chosen = asleep_.back();
      asleep_.pop_back();
      counts_.run();
    } else if (!stopping && !start_thread() && callable_) {
      sched::PoolThread& called = *callable_;
      remove_callable(called);
      counts_.run();
      called.call();
    }
  }
  if (chosen) {
    wakes_.fetch_add(1, std::memory_order_relaxed);
    chosen->unpark();
  }
}

bool Scheduler::Impl::start_thread() noexcept {
  const int index = worker_count_.load(std::memory_order_relaxed);
  if (index == max_threads_) return false;
  counts_.run();
  ++live_;
  try {
    auto* worker = new sched::PoolThread(*this, owner_, index);
    workers_[static_cast<size_t>(index)].store(worker, std::memory_order_release);
    worker_count_.store(index + 1, std::memory_order_release);
    return true;
  } catch (const std::exception&) {
    // The system gives no thread now. The task stays queued for the threads that exist, or for a thread that waits for it.
    --live_;
    counts_.leave();
    return false;
  }
}

void Scheduler::Impl::add_callable(sched::PoolThread& worker) noexcept {
  worker.callable_ = true;
  worker.callable_before_ = nullptr;
  worker.callable_after_ = callable_;
  if (callable_) callable_->callable_before_ = &worker;
  callable_ = &worker;
}

void Scheduler::Impl::remove_callable(sched::PoolThread& worker) noexcept {
  worker.callable_ = false;
  (worker.callable_before_ ? worker.callable_before_->callable_after_ : callable_) = worker.callable_after_;
  if (worker.callable_after_) worker.callable_after_->callable_before_ = worker.callable_before_;
}

void Scheduler::Impl::post(Task& task) noexcept {
  if (seat_pool != life_.get()) [[unlikely]] {
    if (inherited()) {
      task.abandon();
      return;
    }
    // A worker of another pool has its seat there, and posts here through the shared queue.
    if (this_worker || !take_guest_seat()) {
      inject(task);
      return;
    }
  }
  if (!own_seat->deque.push(&task)) [[unlikely]] {
    task.run();
    return;
  }
  announce(own_seat);
}

bool Scheduler::Impl::take_own_below(sched::Seat& seat, const Task& wanted) noexcept {
  // Only spent entries may lie above it. Run them, which drops them. Anything else means that `wanted` is not to be had.
  do {
    Task* const task = seat.deque.pop();
    if (!task) return false;
    if (!task->spent()) {
      put_back(seat, *task);
      return false;
    }
    task->run();
  } while (!seat.deque.pop_if(&wanted));
  return true;
}

void Scheduler::Impl::put_back(sched::Seat& seat, Task& task) noexcept {
  (void)seat.deque.push(&task);  // there is room: it has just been popped
  // A worker on its way to sleep may have looked at the queues while the task was out.
  announce(&seat);
}

bool Scheduler::Impl::run_own_child(sched::Seat& seat, detail::StateBase& state) noexcept {
  Task* const wanted = state.task();
  if (!wanted || !take_own(seat, *wanted)) return false;
  wanted->run();
  return true;
}

bool Scheduler::Impl::take_back(Task& wanted, bool sweep) noexcept {
  sched::Seat* const seat = seat_pool == life_.get() ? own_seat : nullptr;
  if (!seat || !take_own(*seat, wanted)) return false;
  while (sweep) {
    Task* const task = seat->deque.pop();
    if (!task) break;
    if (!task->spent()) {
      put_back(*seat, *task);
      break;
    }
    task->run();
  }
  return true;
}

sched::Seat* Scheduler::Impl::take_guest_seat() noexcept {
  if (seat_ended) return nullptr;
  // A thread that has another helper belongs to another kind of pool and gets no seat here.
  GuestSeat& own = own_guest_seat();
  if (detail::thread_helper() && detail::thread_helper() != &own.helper) return nullptr;
  // One seat for each thread: the one in another pool is given up.
  seat_pool = nullptr;
  own.leave();
  const MutexLock lock(threads_mutex_);
  for (size_t i = 0; i < guests_.size(); ++i) {
    if (!guests_[i]) {
      guests_[i] = std::make_unique<sched::Seat>();
      guest_count_.store(static_cast<int>(i) + 1, std::memory_order_release);
    }
    if (guests_[i]->taken.exchange(true)) continue;
    own.birth = birth_;
    own.helper.life = life_;
    own.seat = guests_[i].get();
    own.helper.seat = own.seat;
    detail::set_thread_helper(&own.helper);
    detail::note_stack();
    seat_pool = life_.get();
    own_seat = own.seat;
    return own.seat;
  }
  return nullptr;
}

void Scheduler::Impl::leave_guest_seat(sched::Seat* seat) noexcept {
  // Its tasks must not wait for the next owner of the seat.
  while (Task* task = seat->deque.pop()) inject(*task);
  seat->taken.store(false, std::memory_order_release);
}

void Scheduler::Impl::resize(int n) {
  if (n < 1 || n > max_threads_) {
    throw ValueError(fmt::format("set_num_threads: expected 1 to {} threads, got {}", max_threads_, n));
  }
  if (inherited()) {
    throw Error(
        "set_num_threads: this pool's threads are in the parent process of a fork(2); make a new one here");
  }
  // As a leaver (sleep_counts.h): L1 is the change of the target, ordered by a read-modify-write of the counts.
  target_.store(n, std::memory_order_seq_cst);
  counts_.run(0);
  fence_.heavy();
  // Wakes as many as there is room for. One alone would not wake the next while it runs what lies in its own queue.
  for (int i = 0; i < n && counts_.running() < n && anything_queued(); ++i) wake_one();
}

SchedulerCounters Scheduler::Impl::counters() const noexcept {
  SchedulerCounters c;
  const int workers = worker_count_.load(std::memory_order_acquire);
  for (int i = 0; i < workers; ++i) {
    const sched::PoolThread* worker = workers_[static_cast<size_t>(i)].load(std::memory_order_acquire);
    c.tasks_run += worker->run_count.load(std::memory_order_relaxed);
    c.tasks_stolen += worker->steal_count.load(std::memory_order_relaxed);
  }
  c.parks = parks_.load(std::memory_order_relaxed);
  c.wakes = wakes_.load(std::memory_order_relaxed);
  c.threads = workers;
  c.spare_threads = std::max(0, workers - target());
  c.blocked_threads = blocked_.load(std::memory_order_relaxed);
  return c;
}

Scheduler::Scheduler(const SchedulerOptions& options) {
  SchedulerOptions o = options;
  if (o.max_threads < 1 || o.max_threads > sched::kMaxThreads) {
    throw ValueError(
        fmt::format("Scheduler: max_threads: expected 1 to {}, got {}", sched::kMaxThreads, o.max_threads));
  }
  if (o.num_threads == 0) o.num_threads = std::min(usable_cores(), o.max_threads);
  if (o.num_threads < 1 || o.num_threads > o.max_threads) {
    throw ValueError(
        fmt::format("Scheduler: expected 1 to {} threads, got {}", o.max_threads, o.num_threads));
  }
  impl_ = std::make_unique<Impl>(*this, o);
}
Scheduler::~Scheduler() {
  if (!impl_ || !impl_->inherited()) return;
  // In a child: leaked, because its threads, and what they had locked, are the parent's.
  (void)impl_.release();
  timer_.leave_in_child();
}

void Scheduler::post(Task& task) noexcept { impl_->post(task); }
bool Scheduler::take_back(Task& task, bool sweep) noexcept { return impl_->take_back(task, sweep); }
int Scheduler::num_threads() const noexcept { return impl_->target(); }
void Scheduler::set_num_threads(int n) { impl_->resize(n); }
Timer& Scheduler::timer() noexcept { return timer_; }
SchedulerCounters Scheduler::counters() const noexcept { return impl_->counters(); }
Scheduler* Scheduler::current() noexcept { return this_worker ? &this_worker->scheduler() : nullptr; }

int Scheduler::usable_cores() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  // cgroup v2: "max 100000" or "150000 100000" (quota and period in microseconds).
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (file >> quota >> period && quota != "max" && period > 0) {
    try {
      cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(std::stod(quota) / period))));
    } catch (const std::exception&) {
      // Not a number: there is no quota to go by.
    }
  }
  return std::clamp(cores, 1, sched::kMaxThreads);
}

}  // namespace tine
