#include "src/sched/blocking_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

#include "src/base/forks.h"
#include "src/base/thread.h"
#include "tine/detail/context.h"
#include "tine/error.h"

namespace tine::sched {

using namespace std::chrono_literals;

namespace {

constexpr auto kLook = 2ms;            // while tasks queue: has one been begun?
constexpr auto kStall = 1ms;           // if not, and no thread has worked for so long: more threads
constexpr auto kBusyStall = 50ms;      // without a task begun, though they work: one more
constexpr auto kRefusalStall = 100ms;  // at the limit, with neither: there is nobody to wait for
constexpr auto kIdle = 10s;
constexpr auto kSurplusIdle = 1s;
constexpr size_t kSampled = 64;

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
  void set_limits(int eager, int max_threads);
  int close_and_join(TimePoint bound) noexcept;
  BlockingCounters counters() const noexcept;
  [[nodiscard]] bool inherited() const noexcept { return birth_.inherited(); }

 private:
  // A thread of the pool. It lends its place to another while it waits for a future.
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
    int waits = 0;  // its own: scopes nest
    // The rest is the pool's lock's. Called without it, when the member may have ended meanwhile: one that is woken with the
    // lock taken goes to sleep again, which costs two switches where both share a core.
    const std::shared_ptr<std::condition_variable> wake = std::make_shared<std::condition_variable>();
    bool called = false;
    bool idle = false;
    bool known = false;  // `handle` is
    pthread_t handle{};
    std::chrono::nanoseconds sampled{0};
    bool in_sample = false;
    Thread thread;
    bool assigned = false;  // `thread` is
  };
  using Members = std::list<Member>;

  // What is to be done once the lock is released.
  struct Later {
    std::vector<Members::iterator> start;
    std::shared_ptr<std::condition_variable> wake;
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

  // With the lock.
  [[nodiscard]] int threads() const noexcept { return static_cast<int>(members_.size()); }
  [[nodiscard]] int running() const noexcept { return threads() - static_cast<int>(idle_.size()) - blocked_; }
  [[nodiscard]] bool nobody_comes() const noexcept { return queued_ > coming_; }
  [[nodiscard]] bool full() const noexcept { return threads() >= options_.max_threads || no_thread_; }
  void reserve(Later& later) noexcept;
  void see_to_queue(Later& later) noexcept;
  bool refuse_queued(Later& later) noexcept;  // false: they wait
  [[nodiscard]] Task* take() noexcept;
  void sample(size_t most) noexcept;
  [[nodiscard]] std::chrono::nanoseconds worked_since_sample() noexcept;

  BlockingOptions options_;
  const Birth birth_;
  mutable std::mutex mutex_;
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  size_t queued_ = 0;
  size_t coming_ = 0;   // threads started or called for a task that they have not looked for yet
  uint64_t taken_ = 0;  // tasks begun
  Members members_;
  std::vector<Member*> idle_;  // the last to become idle is the first to be called: its memory is warm
  int blocked_ = 0;
  int peak_ = 0;
  int numbers_ = 0;  // for names
  size_t refused_ = 0;
  bool no_thread_ = false;  // the system gave none when one was asked for last
  bool closed_ = false;
  std::condition_variable ended_;
  std::condition_variable assigned_;
  Members over_;  // to be joined
  std::condition_variable watch_wake_;
  bool watching_ = false;
  bool watch_sleeps_ = false;
  Thread watch_;
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

// For the task queued last.
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
    std::unique_lock lock(mutex_);
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
      const std::lock_guard lock(mutex_);
      watch_ = std::move(watch);
    } catch (const std::exception&) {
      // Nobody would see that the others don't get on.
      const std::lock_guard lock(mutex_);
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
      const std::lock_guard lock(mutex_);
      number = numbers_++;
    }
    Thread thread(
        fmt::format("{}-{}", options_.name, number), [this, member] { main(member); }, options_.stack_bytes);
    const std::lock_guard lock(mutex_);
    no_thread_ = false;
    member->thread = std::move(thread);
    member->assigned = true;
    assigned_.notify_all();
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    no_thread_ = true;
    --coming_;
    members_.erase(member);
    ended_.notify_all();
    // Those that run may take it; otherwise the watching thread finds out.
    if (!closed_) see_to_queue(later);
  }
  carry_out(later);
}

void BlockingPool::Impl::member_blocks() noexcept {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    ++blocked_;
    if (!closed_) see_to_queue(later);
  }
  carry_out(later);
}

void BlockingPool::Impl::member_goes_on() noexcept {
  const std::lock_guard lock(mutex_);
  --blocked_;
}

void BlockingPool::Impl::main(Members::iterator self) noexcept {
  detail::set_thread_helper(&*self);
  detail::note_stack();
  Members ended;
  {
    std::unique_lock lock(mutex_);
    self->handle = pthread_self();
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
      if (self->wake->wait_for(lock, patience, [&] { return self->called || closed_; })) {
        if (self->called) --coming_;
        continue;
      }
      break;
    }
    if (self->idle) std::erase(idle_, &*self);
    assigned_.wait(lock, [&] { return self->assigned; });
    ended.swap(over_);
    over_.splice(over_.end(), members_, self);
    ended_.notify_all();
  }
  for (Member& member : ended) member.thread.join();
  detail::set_thread_helper(nullptr);
}

// What of the threads that run tasks uses a processor is found out from a sample of them.
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

void BlockingPool::Impl::watch() noexcept {
  std::unique_lock lock(mutex_);
  uint64_t taken = taken_;
  TimePoint since = Clock::now();  // nothing has been begun
  const auto looked_up = [this] { return closed_ || !nobody_comes(); };
  while (!closed_) {
    if (!nobody_comes()) {
      watch_sleeps_ = true;
      watch_wake_.wait(lock);
      watch_sleeps_ = false;
      since = Clock::now();
      continue;
    }
    if (std::exchange(taken, taken_) != taken_) since = Clock::now();
    if (watch_wake_.wait_for(lock, kLook, looked_up) || taken_ != taken) continue;
    const bool at_limit = threads() >= options_.max_threads;
    const Clock::duration span = at_limit ? Clock::duration(kRefusalStall) : Clock::duration(kStall);
    sample(at_limit ? members_.size() : kSampled);
    if (watch_wake_.wait_for(lock, span, looked_up) || taken_ != taken) continue;
    const bool works = worked_since_sample() * 4 > span;
    const Clock::duration stalled = Clock::now() - since;
    Later later;
    if (!works && stalled >= kRefusalStall && full()) (void)refuse_queued(later);
    if (nobody_comes() && !at_limit && (!works || stalled >= kBusyStall)) {
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
    const std::lock_guard lock(mutex_);
    options_.eager = eager;
    options_.max_threads = max_threads;
    if (!closed_) see_to_queue(later);
  }
  carry_out(later);
}

int BlockingPool::Impl::close_and_join(TimePoint bound) noexcept {
  Task* left = nullptr;
  {
    const std::lock_guard lock(mutex_);
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
    std::unique_lock lock(mutex_);
    const auto all_over = [this] { return members_.empty(); };
    if (bound == kNoDeadline) {
      ended_.wait(lock, all_over);
    } else {
      ended_.wait_until(lock, bound, all_over);
    }
    ended.swap(over_);
    watch = std::move(watch_);
  }
  for (Member& member : ended) member.thread.join();
  watch.join();
  return counters().threads;
}

BlockingCounters BlockingPool::Impl::counters() const noexcept {
  const std::lock_guard lock(mutex_);
  return {threads(), static_cast<int>(idle_.size()), blocked_, peak_, queued_, refused_};
}

BlockingPool::BlockingPool(BlockingOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

BlockingPool::~BlockingPool() {
  // In a child of fork(2) its threads, and whatever they had locked, are the parent's.
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

void BlockingPool::set_limits(int eager, int max_threads) { impl_->set_limits(eager, max_threads); }

int BlockingPool::close_and_join(TimePoint bound) noexcept {
  return impl_->inherited() ? 0 : impl_->close_and_join(bound);
}

BlockingCounters BlockingPool::counters() const noexcept {
  return impl_->inherited() ? BlockingCounters{} : impl_->counters();
}

}  // namespace tine::sched
