#include "src/sched/scheduler.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

namespace tine {
namespace sched {

using namespace std::chrono_literals;

constexpr auto kFresh = 2us;          // how long a single new entry is left to its owner
constexpr auto kSearch = 50us;        // how long a worker looks before it sleeps
constexpr auto kSpinForChild = 20us;  // how long a worker watches a child that another worker runs

// Counters are written by their owner only, so no read-modify-write is needed.
inline void bump(std::atomic<uint64_t>& counter) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

class Worker final : public detail::WaitHelper {
 public:
  Worker(Scheduler::Impl& pool, Scheduler& scheduler, int index)
      : pool_(pool), scheduler_(scheduler), random_(0x9e3779b97f4a7c15u * static_cast<uint64_t>(index + 1)) {
    thread_ = std::thread([this, index] { main(index); });
  }
  void join() { thread_.join(); }

  void help(detail::StateBase& state, TimePoint deadline) noexcept override {
    if (pool_.run_own_child(seat_, state) || state.run_inline()) {
      bump(run_count);
      if (state.done()) return;
    }
    if (!state.task()) return;
    // Another worker runs it: it will probably be done before a sleep would be over.
    const TimePoint end = std::min(deadline, Clock::now() + kSpinForChild);
    while (!state.done() && Clock::now() < end) sched_yield();
  }
  void about_to_block() noexcept override {
    pool_.blocked_.fetch_add(1, std::memory_order_relaxed);
    pool_.counts_.leave();
    if (pool_.anything_queued()) pool_.wake_one();
  }
  void unblocked() noexcept override {
    pool_.counts_.run();
    pool_.blocked_.fetch_sub(1, std::memory_order_relaxed);
  }

  Seat& seat() noexcept { return seat_; }
  Scheduler& scheduler() noexcept { return scheduler_; }
  bool belongs_to(const Scheduler::Impl* pool) const noexcept { return &pool_ == pool; }

  void unpark() noexcept {
    {
      const std::lock_guard lock(parker_.mutex);
      parker_.woken = true;
    }
    parker_.wake.notify_one();
  }

  std::atomic<uint64_t> run_count{0};
  std::atomic<uint64_t> steal_count{0};

 private:
  void main(int index) noexcept;
  bool park() noexcept;
  Task* search() noexcept;
  Task* try_steal() noexcept;
  Task* steal_from(Deque<Task>& victim, size_t slot, TimePoint now) noexcept;
  void execute(Task* task) noexcept {
    bump(run_count);
    task->run();
  }
  uint64_t random() noexcept {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  Scheduler::Impl& pool_;
  Scheduler& scheduler_;
  Seat seat_;
  uint64_t random_;
  Scheduler::Impl::Parker parker_;
  // What a victim's single entry looked like, and since when: see kFresh.
  struct Sight {
    uint64_t pushes = 0;
    TimePoint since;
  };
  std::array<Sight, kMaxThreads + kMaxGuests> sights_;
  std::thread thread_;
};

}  // namespace sched

// How an outside thread waits: it runs the task it waits for, never another.
class GuestHelper final : public detail::WaitHelper {
 public:
  void help(detail::StateBase& state, TimePoint) noexcept override {
    if (Scheduler::Impl* pool = life->pool.load(std::memory_order_acquire))
      (void)pool->run_own_child(*seat, state);
  }
  std::shared_ptr<Scheduler::Impl::Life> life;
  sched::Seat* seat = nullptr;
};

// An outside thread's deque in one pool; given back when the thread ends.
struct GuestSeat {
  sched::Seat* seat = nullptr;
  GuestHelper helper;

  ~GuestSeat() { leave(); }
  void leave() noexcept {
    if (!seat) return;
    detail::thread_helper() = nullptr;
    {
      const std::lock_guard lock(helper.life->mutex);
      if (Scheduler::Impl* pool = helper.life->pool) pool->leave_guest_seat(seat);
    }
    seat = nullptr;
    helper.life = nullptr;
  }
};

namespace {

constinit thread_local sched::Worker* this_worker = nullptr;
// The pool in which this thread sits as a guest (its Life: an address that no later pool can have while the
// seat holds it) and the seat; plain copies for the fast path.
constinit thread_local const void* guest_pool = nullptr;
constinit thread_local sched::Seat* guest_seat = nullptr;

GuestSeat& own_guest_seat() {
  thread_local GuestSeat seat;
  return seat;
}

}  // namespace

namespace sched {

void Worker::main(int index) noexcept {
  pthread_setname_np(pthread_self(), fmt::format("tine-w{}", index).c_str());
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  this_worker = this;
  detail::thread_helper() = this;
  detail::note_stack();
  for (;;) {
    while (Task* task = seat_.deque.pop()) execute(task);
    if (pool_.stopping_.load(std::memory_order_acquire)) break;
    const bool too_many = pool_.counts_.running() > pool_.target_.load(std::memory_order_relaxed);
    Task* const task = too_many ? nullptr : search();
    if (task) {
      execute(task);
    } else if (!park()) {
      break;
    }
  }
  detail::thread_helper() = nullptr;
  this_worker = nullptr;
}

Task* Worker::steal_from(Deque<Task>& victim, size_t slot, TimePoint now) noexcept {
  const int64_t size = victim.size();
  if (size == 0) return nullptr;
  if (size == 1) {
    Sight& sight = sights_[slot];
    const uint64_t pushes = victim.pushes();
    if (sight.pushes != pushes) {
      sight = {pushes, now};
      return nullptr;
    }
    if (now - sight.since < kFresh) return nullptr;
  }
  Task* const task = victim.steal();
  if (task) bump(steal_count);
  return task;
}

Task* Worker::try_steal() noexcept {
  if (Task* task = pool_.take_injected()) return task;
  const TimePoint now = Clock::now();
  const auto workers = static_cast<size_t>(pool_.worker_count_.load(std::memory_order_acquire));
  const auto guests = static_cast<size_t>(pool_.guest_count_.load(std::memory_order_acquire));
  const size_t all = workers + guests;
  if (all == 0) return nullptr;
  const size_t start = random() % all;
  for (size_t k = 0; k < all; ++k) {
    const size_t i = (start + k) % all;
    if (i < workers) {
      Worker* const other = pool_.workers_[i].load(std::memory_order_acquire);
      if (other == this || !other) continue;
      if (Task* task = steal_from(other->seat_.deque, i, now)) return task;
    } else {
      const size_t guest = i - workers;
      if (Task* task = steal_from(pool_.guests_[guest]->deque, kMaxThreads + guest, now)) return task;
    }
  }
  return nullptr;
}

Task* Worker::search() noexcept {
  pool_.counts_.begin_search();
  const TimePoint end = Clock::now() + kSearch;
  Task* task = nullptr;
  do {
    task = try_steal();
    if (task || pool_.stopping_.load(std::memory_order_relaxed)) break;
    sched_yield();
  } while (Clock::now() < end);
  const bool last = pool_.counts_.end_search();
  if (task && last && pool_.anything_queued()) pool_.wake_one();
  return task;
}

// False when the pool stops.
bool Worker::park() noexcept {
  {
    const std::lock_guard lock(pool_.threads_mutex_);
    parker_.woken = false;
    pool_.asleep_.push_back(this);
    pool_.counts_.leave();
  }
  // The second look of the sleep protocol. wake_one() may well wake this very worker.
  if (pool_.stopping_.load(std::memory_order_seq_cst) || pool_.anything_queued()) pool_.wake_one();
  bump(pool_.parks_);
  std::unique_lock lock(parker_.mutex);
  parker_.wake.wait(lock, [this] { return parker_.woken; });
  return true;
}

}  // namespace sched

Scheduler::Impl::Impl(int num_threads) : target_(num_threads), life_(std::make_shared<Life>()) {
  life_->pool = this;
}

Scheduler::Impl::~Impl() {
  {
    const std::lock_guard lock(life_->mutex);
    life_->pool = nullptr;
  }
  stopping_.store(true, std::memory_order_seq_cst);
  int count = 0;
  {
    const std::lock_guard lock(threads_mutex_);
    count = worker_count_.load();
    for (sched::Worker* worker : asleep_) worker->unpark();
    counts_.run(static_cast<int>(asleep_.size()));
    asleep_.clear();
  }
  for (int i = 0; i < count; ++i) workers_[static_cast<size_t>(i)].load()->join();
  // What is left was posted by threads that are gone or by guests; its futures must not hang.
  while (Task* task = take_injected()) task->abandon();
  for (auto& seat : guests_) {
    if (!seat) continue;
    while (Task* task = seat->deque.steal()) task->abandon();
  }
  for (int i = 0; i < count; ++i) {
    sched::Worker* const worker = workers_[static_cast<size_t>(i)].load();
    while (Task* task = worker->seat().deque.steal()) task->abandon();
    delete worker;
  }
}

void Scheduler::Impl::inject(Task& task) noexcept {
  if (injected_size_.load(std::memory_order_relaxed) >= sched::kMaxInjected) {
    task.run();
    return;
  }
  task.next_task = nullptr;
  {
    const std::lock_guard lock(injected_mutex_);
    (injected_last_ ? injected_last_->next_task : injected_first_) = &task;
    injected_last_ = &task;
    injected_size_.fetch_add(1, std::memory_order_seq_cst);
  }
  announce();
}

Task* Scheduler::Impl::take_injected() noexcept {
  if (injected_size_.load(std::memory_order_seq_cst) == 0) return nullptr;
  const std::lock_guard lock(injected_mutex_);
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
    sched::Worker* const worker = workers_[static_cast<size_t>(i)].load(std::memory_order_acquire);
    if (worker && worker->seat().deque.size() > 0) return true;
  }
  const int guests = guest_count_.load(std::memory_order_acquire);
  for (int i = 0; i < guests; ++i) {
    if (guests_[static_cast<size_t>(i)]->deque.size() > 0) return true;
  }
  return false;
}

void Scheduler::Impl::announce() noexcept {
  if (counts_.must_wake(target_.load(std::memory_order_relaxed))) wake_one();
}

void Scheduler::Impl::wake_one() noexcept {
  sched::Worker* chosen = nullptr;
  {
    const std::lock_guard lock(threads_mutex_);
    const bool stopping = stopping_.load(std::memory_order_relaxed);
    if (!stopping && counts_.running() >= target_.load(std::memory_order_relaxed)) return;
    if (!asleep_.empty()) {
      chosen = asleep_.back();
      asleep_.pop_back();
      counts_.run();
    } else if (!stopping) {
      start_thread();
    }
  }
  if (chosen) {
    wakes_.fetch_add(1, std::memory_order_relaxed);
    chosen->unpark();
  }
}

void Scheduler::Impl::start_thread() noexcept {
  const int index = worker_count_.load(std::memory_order_relaxed);
  if (index == sched::kMaxThreads) return;
  counts_.run();
  try {
    auto* worker = new sched::Worker(*this, *owner, index);
    workers_[static_cast<size_t>(index)].store(worker, std::memory_order_release);
    worker_count_.store(index + 1, std::memory_order_release);
  } catch (const std::exception&) {
    // No thread to be had now: the task stays queued for the threads that exist, or for who waits for it.
    counts_.leave();
  }
}

void Scheduler::Impl::post(Task& task) noexcept {
  if (this_worker && this_worker->belongs_to(this)) {
    if (!this_worker->seat().deque.push(&task)) {
      task.run();
      return;
    }
    announce();
    return;
  }
  if (guest_pool != life_.get()) [[unlikely]] {
    sched::Seat* const seat = this_worker ? nullptr : take_guest_seat();
    if (!seat) {
      inject(task);
      return;
    }
  }
  if (!guest_seat->deque.push(&task)) {
    task.run();
    return;
  }
  announce();
}

bool Scheduler::Impl::take_own(sched::Seat& seat, const Task* wanted) noexcept {
  while (const Task* newest = seat.deque.newest()) {
    // What was seen may have been stolen since, so only its address counts until it is popped.
    Task* const task = seat.deque.pop();
    if (!task) return false;
    if (newest == wanted) return true;
    if (!task->spent()) {
      put_back(seat, *task);
      return false;
    }
    task->run();
  }
  return false;
}

void Scheduler::Impl::put_back(sched::Seat& seat, Task& task) noexcept {
  (void)seat.deque.push(&task);  // there is room: it has just been popped
  // A worker on its way to sleep may have looked while the task was away.
  announce();
}

bool Scheduler::Impl::run_own_child(sched::Seat& seat, detail::StateBase& state) noexcept {
  Task* const wanted = state.task();
  if (!wanted || !take_own(seat, wanted)) return false;
  wanted->run();
  return true;
}

bool Scheduler::Impl::take_back(Task& wanted, bool sweep) noexcept {
  sched::Seat* const seat = this_worker && this_worker->belongs_to(this) ? &this_worker->seat()
                            : guest_pool == life_.get()                  ? guest_seat
                                                                         : nullptr;
  if (!seat || !take_own(*seat, &wanted)) return false;
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
  // Threads of other pools of ours have a helper of their own already.
  GuestSeat& own = own_guest_seat();
  if (detail::thread_helper() && detail::thread_helper() != &own.helper) return nullptr;
  guest_pool = nullptr;
  own.leave();
  const std::lock_guard lock(threads_mutex_);
  for (size_t i = 0; i < guests_.size(); ++i) {
    if (!guests_[i]) {
      guests_[i] = std::make_unique<sched::Seat>();
      guest_count_.store(static_cast<int>(i) + 1, std::memory_order_release);
    }
    if (guests_[i]->taken.exchange(true)) continue;
    own.helper.life = life_;
    own.seat = guests_[i].get();
    own.helper.seat = own.seat;
    detail::thread_helper() = &own.helper;
    detail::note_stack();
    guest_pool = life_.get();
    guest_seat = own.seat;
    return own.seat;
  }
  return nullptr;
}

void Scheduler::Impl::leave_guest_seat(sched::Seat* seat) noexcept {
  while (Task* task = seat->deque.pop()) inject(*task);
  seat->taken.store(false, std::memory_order_release);
}

void Scheduler::Impl::resize(int n) {
  if (n < 1 || n > sched::kMaxThreads) {
    throw ValueError(fmt::format("set_num_threads: expected 1 to {} threads, got {}", sched::kMaxThreads, n));
  }
  target_.store(n, std::memory_order_seq_cst);
  if (anything_queued()) wake_one();
}

SchedulerCounters Scheduler::Impl::counters() const noexcept {
  SchedulerCounters c;
  const int workers = worker_count_.load(std::memory_order_acquire);
  for (int i = 0; i < workers; ++i) {
    const sched::Worker* worker = workers_[static_cast<size_t>(i)].load(std::memory_order_acquire);
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

Scheduler::Scheduler(int num_threads) {
  const int n = num_threads == 0 ? usable_cores() : num_threads;
  if (n < 1 || n > sched::kMaxThreads) {
    throw ValueError(fmt::format("Scheduler: expected 1 to {} threads, got {}", sched::kMaxThreads, n));
  }
  impl_ = std::make_unique<Impl>(n);
  impl_->owner = this;
}
Scheduler::~Scheduler() = default;

void Scheduler::post(Task& task) noexcept { impl_->post(task); }
bool Scheduler::take_back(Task& task, bool sweep) noexcept { return impl_->take_back(task, sweep); }
int Scheduler::num_threads() const noexcept { return impl_->target(); }
void Scheduler::set_num_threads(int n) { impl_->resize(n); }
void Scheduler::leave_in_child() noexcept {
  this_worker = nullptr;
  impl_->leave_in_child();
  timer_.leave_in_child();
}
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
    }
  }
  return std::clamp(cores, 1, sched::kMaxThreads);
}

}  // namespace tine
