#include "src/sched/blocking_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <utility>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/base/thread.h"
#include "tine/detail/context.h"
#include "tine/detail/thread_state.h"
#include "tine/detail/waiting.h"
#include "tine/error.h"

namespace tine::sched {

using namespace std::chrono_literals;

namespace {

// While tasks queue, the watching thread looks after this time whether a task has been begun.
constexpr auto kLook = 2ms;
// If not, and the threads did no work for this long, it starts more.
constexpr auto kStall = 1ms;
// If they work, or wait for their turn, but have begun no task for this long, it starts one more.
constexpr auto kBusyStall = 50ms;
// At the limit, if they neither work nor begin a task for this long, it refuses.
constexpr auto kRefusalStall = 100ms;
constexpr auto kIdle = 10s;
constexpr auto kSurplusIdle = 1s;
constexpr size_t kSampled = 64;  // so many threads are asked for their processor time

std::chrono::nanoseconds processor_time(pthread_t thread) noexcept {
  clockid_t clock{};
  timespec used{};
  if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0ns;
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void check(int eager, int max_threads, const std::string& limit_name) {
  if (max_threads < 1 || max_threads > BlockingPool::kMostThreads) {
    throw ValueError(
        fmt::format("{}: expected 1 to {}, got {}", limit_name, BlockingPool::kMostThreads, max_threads));
  }
  if (eager < 1 || eager > max_threads) {
    throw ValueError(fmt::format("threads kept for handlers: expected 1 to {} ({}), got {}", max_threads,
                                 limit_name, eager));
  }
}

}  // namespace

class BlockingPool::Impl {
 public:
  explicit Impl(BlockingOptions options) : options_(std::move(options)) {
    check(options_.eager, options_.max_threads, options_.limit_name);
  }

  void post(Task& task) noexcept;
  [[nodiscard]] bool has_waiting() const noexcept {
    const MutexLock lock(mutex_);
    return closed_ || nobody_comes();
  }
  void set_limits(int eager, int max_threads);
  int close_and_join(TimePoint bound) noexcept;
  BlockingCounters counters() const noexcept;
  [[nodiscard]] bool inherited() const noexcept { return birth_.inherited(); }

 private:
  // A thread of the pool. While it waits for a future it lends its place to another.
  struct Member final : detail::WaitHelper {
    explicit Member(Impl& p) : pool(p) {}
    void help(detail::StateBase&, TimePoint) noexcept override {}
    void about_to_block(detail::Sleeper*) noexcept override {
      if (waits++ == 0) pool.member_blocks();
    }
    void unblocked() noexcept override {
      if (--waits == 0) pool.member_goes_on();
    }

    Impl& pool;
    int waits = 0;  // used by the thread itself only: waits nest
    // Notified after the lock is released, when the member may have ended: so it is shared. A member that is woken while the
    // lock is taken goes to sleep again, which costs two switches where both share a core.
    const std::shared_ptr<Condition> wake = std::make_shared<Condition>();
    // The rest is guarded by pool.mutex_.
    bool called = false;
    bool idle = false;
    bool known = false;  // the next two are
    pthread_t handle{};
    const std::atomic<bool>* waits_for_turn =
        nullptr;  // the thread's own, which lives as long as it is a member
    std::chrono::nanoseconds sampled{0};
    bool in_sample = false;
    Thread thread;
    bool assigned = false;  // `thread` is
  };
  using Members = std::list<Member>;

  // What is to be done after the lock is released, by carry_out(): to start threads takes long, and a refused task runs code of
  // others.
  struct Later {
    std::vector<Members::iterator> start;
    std::shared_ptr<Condition> wake;
    bool start_watch = false;
    Task* refused = nullptr;
    std::exception_ptr why;
  };

  void member_blocks() noexcept;
  void member_goes_on() noexcept;
  void main(Members::iterator self) noexcept;
  void watch() noexcept;
  void carry_out(Later& later) noexcept;
  void start(Members::iterator member) noexcept;

  [[nodiscard]] int threads() const noexcept TINE_REQUIRES(mutex_) {
    return static_cast<int>(members_.size());
  }
  [[nodiscard]] int running() const noexcept TINE_REQUIRES(mutex_) {
    return threads() - static_cast<int>(idle_.size()) - blocked_;
  }
  [[nodiscard]] bool nobody_comes() const noexcept TINE_REQUIRES(mutex_) { return queued_ > coming_; }
  [[nodiscard]] bool full() const noexcept TINE_REQUIRES(mutex_) {
    return threads() >= options_.max_threads || no_thread_;
  }
  void reserve(Later& later) noexcept TINE_REQUIRES(mutex_);
  void see_to_queue(Later& later) noexcept TINE_REQUIRES(mutex_);
  bool refuse_queued(Later& later) noexcept TINE_REQUIRES(mutex_);  // false: they wait
  [[nodiscard]] Task* take() noexcept TINE_REQUIRES(mutex_);
  void sample(size_t most) noexcept TINE_REQUIRES(mutex_);
  [[nodiscard]] std::chrono::nanoseconds worked_since_sample() noexcept TINE_REQUIRES(mutex_);
  [[nodiscard]] int waiting_for_turn() const noexcept TINE_REQUIRES(mutex_);
  // For the watching thread: waits for so long, or until there is nothing to wait for. True then.
  [[nodiscard]] bool looked_up_within(Clock::duration span) noexcept TINE_REQUIRES(mutex_);

  BlockingOptions options_;  // of which mutex_ guards the limits
  const Birth birth_;
  mutable Mutex mutex_;
  Task* first_ TINE_GUARDED_BY(mutex_) = nullptr;
  Task* last_ TINE_GUARDED_BY(mutex_) = nullptr;
  size_t queued_ TINE_GUARDED_BY(mutex_) = 0;
  // Threads started or called for a task that they have not looked for yet.
  size_t coming_ TINE_GUARDED_BY(mutex_) = 0;
  uint64_t taken_ TINE_GUARDED_BY(mutex_) = 0;  // tasks begun
  Members members_ TINE_GUARDED_BY(mutex_);
  // The last to become idle is the first to be called: its memory is warm.
  std::vector<Member*> idle_ TINE_GUARDED_BY(mutex_);
  int blocked_ TINE_GUARDED_BY(mutex_) = 0;
  int peak_ TINE_GUARDED_BY(mutex_) = 0;
  int numbers_ TINE_GUARDED_BY(mutex_) = 0;  // for names
  size_t refused_ TINE_GUARDED_BY(mutex_) = 0;
  bool no_thread_ TINE_GUARDED_BY(mutex_) = false;  // the system gave none when one was asked for last
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  Condition ended_;
  Condition assigned_;
  Members over_ TINE_GUARDED_BY(mutex_);  // to be joined
  Condition watch_wake_;
  bool watching_ TINE_GUARDED_BY(mutex_) = false;
  bool watch_sleeps_ TINE_GUARDED_BY(mutex_) = false;
  Thread watch_ TINE_GUARDED_BY(mutex_);
};

void BlockingPool::Impl::reserve(Later& later) noexcept {
  try {
    later.start.reserve(later.start.size() + 1);
    idle_.reserve(members_.size() + 1);
    members_.emplace_front(*this);
  } catch (const std::bad_alloc&) {
    no_thread_ = true;
    return;
  }
  later.start.push_back(members_.begin());
  ++coming_;
  peak_ = std::max(peak_, threads());
}

// Finds a thread for the task queued last: an idle one, a new one, or, when enough run, the next that is through.
void BlockingPool::Impl::see_to_queue(Later& later) noexcept {
  if (!nobody_comes()) return;
  if (!idle_.empty()) {
    Member* const member = idle_.back();
    idle_.pop_back();
    member->idle = false;
    member->called = true;
    ++coming_;
    later.wake = member->wake;
    return;
  }
  if (running() < options_.eager && threads() < options_.max_threads) return reserve(later);
  if (full() && running() == 0 && refuse_queued(later)) return;
  if (!watching_) {
    watching_ = later.start_watch = true;
  } else if (std::exchange(watch_sleeps_, false)) {
    watch_wake_.notify_one();
  }
}

bool BlockingPool::Impl::refuse_queued(Later& later) noexcept {
  if (!options_.refuses && threads() > 0) return false;
  later.refused = std::exchange(first_, nullptr);
  last_ = nullptr;
  refused_ += std::exchange(queued_, 0);
  later.why = make_error(
      ErrorKind::kRuntime,
      threads() >= options_.max_threads
          ? fmt::format("{} handler threads blocked ({}={}){}", threads(), options_.limit_name,
                        options_.max_threads, options_.advice)
          : fmt::format(
                "{} handler threads blocked, and the system gives it no more (see ulimit -u and the pids.max "
                "of its cgroup; {}={})",
                threads(), options_.limit_name, options_.max_threads));
  return true;
}

Task* BlockingPool::Impl::take() noexcept {
  Task* const task = first_;
  first_ = task->next_task;
  if (!first_) last_ = nullptr;
  --queued_;
  ++taken_;
  return task;
}

void BlockingPool::Impl::post(Task& task) noexcept {
  Later later;
  {
    MutexLock lock(mutex_);
    if (closed_) {
      lock.unlock();
      return task.abandon();
    }
    task.next_task = nullptr;
    (last_ ? last_->next_task : first_) = &task;
    last_ = &task;
    ++queued_;
    see_to_queue(later);
  }
  carry_out(later);
}

void BlockingPool::Impl::carry_out(Later& later) noexcept {
  if (later.wake) later.wake->notify_one();
  for (const Members::iterator member : later.start) start(member);
  if (later.start_watch) {
    try {
      Thread watch(
          options_.name + "-watch", [this] { this->watch(); }, size_t{128} << 10);
      const MutexLock lock(mutex_);
      watch_ = std::move(watch);
    } catch (const std::exception&) {
      // Without it nobody would see that the others make no progress.
      const MutexLock lock(mutex_);
      watching_ = false;
      no_thread_ = true;
      refuse_queued(later);
    }
  }
  for (Task* task = std::exchange(later.refused, nullptr); task;) {
    Task* const next = task->next_task;
    task->refuse(later.why);
    task = next;
  }
}

void BlockingPool::Impl::start(Members::iterator member) noexcept {
  Later later;
  try {
    int number = 0;
    {
      const MutexLock lock(mutex_);
      number = numbers_++;
    }
    Thread thread(
        fmt::format("{}-{}", options_.name, number), [this, member] { main(member); }, options_.stack_bytes);
    const MutexLock lock(mutex_);
    no_thread_ = false;
    member->thread = std::move(thread);
    member->assigned = true;
    assigned_.notify_all();
  } catch (const std::exception&) {
    const MutexLock lock(mutex_);
    no_thread_ = true;
    --coming_;
    members_.erase(member);
    ended_.notify_all();
    // The threads that run may take the task. If they make no progress the watching thread sees it.
    if (!closed_) see_to_queue(later);
  }
  carry_out(later);
}

void BlockingPool::Impl::member_blocks() noexcept {
  Later later;
  {
    const MutexLock lock(mutex_);
    ++blocked_;
    if (!closed_) see_to_queue(later);
  }
  carry_out(later);
}

void BlockingPool::Impl::member_goes_on() noexcept {
  const MutexLock lock(mutex_);
  --blocked_;
}

void BlockingPool::Impl::main(Members::iterator self) noexcept {
  detail::set_thread_helper(&*self);
  detail::note_stack();
  Members ended;
  {
    MutexLock lock(mutex_);
    self->handle = pthread_self();
    self->waits_for_turn = &detail::thread_state.waits_for_turn;
    self->known = true;
    --coming_;
    for (;;) {
      while (first_ && !closed_) {
        Task* const task = take();
        lock.unlock();
        task->run();
        lock.lock();
      }
      if (closed_) break;
      const auto patience =
          threads() > options_.eager ? Clock::duration(kSurplusIdle) : Clock::duration(kIdle);
      self->idle = true;
      self->called = false;
      idle_.push_back(&*self);
      const TimePoint until = Clock::now() + patience;
      while (!self->called && !closed_) {
        if (!self->wake->wait_until(mutex_, until)) break;
      }
      // A call that comes with the end of its patience counts: the caller has taken it out of idle_.
      if (!self->called && !closed_) break;
      if (self->called) --coming_;
    }
    if (self->idle) std::erase(idle_, &*self);
    // start() may not have stored this thread's handle yet, by which it is joined.
    while (!self->assigned) assigned_.wait(mutex_);
    // A thread cannot join itself. It leaves itself to the next one that ends, and joins those that have left themselves to it.
    ended.swap(over_);
    over_.splice(over_.end(), members_, self);
    ended_.notify_all();
  }
  for (Member& member : ended) member.thread.join();
  detail::set_thread_helper(nullptr);
}

// Whether the threads work is found out from a sample of them: what processor time each has used since.
void BlockingPool::Impl::sample(size_t most) noexcept {
  for (Member& member : members_) {
    member.in_sample = most > 0 && member.known && !member.idle && member.thread.joinable();
    if (!member.in_sample) continue;
    --most;
    member.sampled = processor_time(member.handle);
  }
}

std::chrono::nanoseconds BlockingPool::Impl::worked_since_sample() noexcept {
  std::chrono::nanoseconds worked{0};
  for (Member& member : members_) {
    if (member.in_sample) worked += processor_time(member.handle) - member.sampled;
  }
  return worked;
}

int BlockingPool::Impl::waiting_for_turn() const noexcept {
  return static_cast<int>(std::count_if(members_.begin(), members_.end(), [](const Member& member) {
    return member.known && member.waits_for_turn->load(std::memory_order_relaxed);
  }));
}

bool BlockingPool::Impl::looked_up_within(Clock::duration span) noexcept {
  const TimePoint until = Clock::now() + span;
  for (bool in_time = true; !closed_ && nobody_comes();) {
    if (!in_time) return false;
    in_time = watch_wake_.wait_until(mutex_, until);
  }
  return true;
}

void BlockingPool::Impl::watch() noexcept {
  MutexLock lock(mutex_);
  uint64_t taken = taken_;
  TimePoint since = Clock::now();  // the time since which no task has been begun
  while (!closed_) {
    if (!nobody_comes()) {
      watch_sleeps_ = true;
      watch_wake_.wait(mutex_);
      watch_sleeps_ = false;
      since = Clock::now();
      continue;
    }
    if (std::exchange(taken, taken_) != taken_) since = Clock::now();
    if (looked_up_within(kLook) || taken_ != taken) continue;
    const bool at_limit = threads() >= options_.max_threads;
    const Clock::duration span = at_limit ? Clock::duration(kRefusalStall) : Clock::duration(kStall);
    sample(at_limit ? members_.size() : kSampled);
    if (looked_up_within(span) || taken_ != taken) continue;
    const bool works = worked_since_sample() * 4 > span ||  // a quarter of one processor
                       (running() > 0 && waiting_for_turn() * 2 > running());
    const Clock::duration stalled = Clock::now() - since;
    Later later;
    if (!works && stalled >= kRefusalStall && full()) (void)refuse_queued(later);
    if (nobody_comes() && !at_limit && (!works || stalled >= kBusyStall)) {
      // Threads that sleep are met by a quarter more at a time, threads that work by one: those would only share the
      // processors.
      const size_t most = works ? 1 : std::max<size_t>(1, members_.size() / 4);
      const size_t room = static_cast<size_t>(options_.max_threads) - members_.size();
      for (size_t n = std::min({queued_ - coming_, most, room}); n > 0; --n) reserve(later);
    }
    lock.unlock();
    carry_out(later);
    lock.lock();
  }
}

void BlockingPool::Impl::set_limits(int eager, int max_threads) {
  check(eager, max_threads, options_.limit_name);
  Later later;
  {
    const MutexLock lock(mutex_);
    options_.eager = eager;
    options_.max_threads = max_threads;
    if (!closed_) see_to_queue(later);
  }
  carry_out(later);
}

int BlockingPool::Impl::close_and_join(TimePoint bound) noexcept {
  Task* left = nullptr;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    left = std::exchange(first_, nullptr);
    last_ = nullptr;
    queued_ = 0;
    for (Member* const member : idle_) member->wake->notify_one();
    watch_wake_.notify_one();
  }
  while (left) {
    Task* const task = std::exchange(left, left->next_task);
    task->abandon();
  }
  Members ended;
  Thread watch;
  {
    const MutexLock lock(mutex_);
    while (!members_.empty()) {
      if (!ended_.wait_until(mutex_, bound)) break;
    }
    ended.swap(over_);
    watch = std::move(watch_);
  }
  for (Member& member : ended) member.thread.join();
  watch.join();
  return counters().threads;
}

BlockingCounters BlockingPool::Impl::counters() const noexcept {
  const MutexLock lock(mutex_);
  return {threads(), static_cast<int>(idle_.size()), blocked_, peak_, queued_, refused_};
}

BlockingPool::BlockingPool(BlockingOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

BlockingPool::~BlockingPool() {
  // In a child of fork(2) the threads, and what they had locked, are the parent's.
  if (impl_->inherited()) {
    (void)impl_.release();
  } else {
    impl_->close_and_join(kNoDeadline);
  }
}

void BlockingPool::post(Task& task) noexcept {
  if (impl_->inherited()) [[unlikely]] {
    return task.refuse(make_error(ErrorKind::kAbandoned,
                                  "the threads that would run it are in the parent process of a fork(2)"));
  }
  impl_->post(task);
}
bool BlockingPool::has_waiting() const noexcept { return impl_->inherited() || impl_->has_waiting(); }

void BlockingPool::set_limits(int eager, int max_threads) { impl_->set_limits(eager, max_threads); }

int BlockingPool::close_and_join(TimePoint bound) noexcept {
  return impl_->inherited() ? 0 : impl_->close_and_join(bound);
}

BlockingCounters BlockingPool::counters() const noexcept {
  return impl_->inherited() ? BlockingCounters{} : impl_->counters();
}

}  // namespace tine::sched
