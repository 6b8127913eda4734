#include "src/rpc/transport/io_loop.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/forks.h"
#include "src/base/thread.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr int kEventsAtOnce = 64;
constexpr size_t kLookedAt = 8;
constexpr std::chrono::microseconds kLooking{200};  // before the loop asks for descriptors
constexpr std::chrono::seconds kLastGrace{1};       // for what runs when the grace is over

[[noreturn]] void fail(std::string_view what) {
  throw SystemError(
      fmt::format("the input and output thread cannot be set up: {}: {}", what, std::strerror(errno)));
}

}  // namespace

struct Loop::Impl : std::enable_shared_from_this<Impl> {
  Impl(const Options& options, Timer& timer)
      : options(options), timer(timer), recycler(recycler_of(options)) {}
  ~Impl();
  static Recycler& recycler_of(const Options& options) noexcept {
    return options.recycler ? *options.recycler : Recycler::of_process();
  }

  static void start(const std::shared_ptr<Impl>& self);
  void close_own() noexcept {
    for (auto* own : {&epoll_fd, &wake_fd}) {
      if (const int fd = own->exchange(-1); fd >= 0) close_followed(fd);
    }
  }
  void run() noexcept;
  [[nodiscard]] bool on_own_thread() const noexcept { return std::this_thread::get_id() == thread_id.load(); }
  bool post(std::function<void()> work);
  bool post(Errand& errand) noexcept;
  static Errand* take_next(Errand& errand) noexcept { return std::exchange(errand.next_, nullptr); }
  void came(Due& due) noexcept;
  bool run_posted() noexcept;
  [[nodiscard]] bool nothing_posted() const noexcept TINE_REQUIRES(mutex) {
    return posted.empty() && !first_errand && !first_due && !first_guard;
  }
  // Handles what has come for the Pollables that the loop looks at.
  [[nodiscard]] bool look() noexcept;
  // False: something has come for one of them, so the loop goes on.
  [[nodiscard]] bool stop_looking() noexcept;
  // True: something has been handled.
  [[nodiscard]] bool turn_once(bool may_poll) noexcept;
  [[nodiscard]] int wait_for_events(bool may_poll, bool* looked) noexcept;
  // Those that have been looked after are put before `rest`.
  [[nodiscard]] static detail::Ref<Guard> look_after(detail::Ref<Guard> guards,
                                                     detail::Ref<Guard> rest) noexcept;
  void look_after_guarded() noexcept;
  void drop_timers() noexcept;
  void handle(int count) noexcept;
  void wake() noexcept;

  const Options options;
  Timer& timer;
  Recycler& recycler;
  std::atomic<int> pollers{0};
  const Birth birth;
  std::atomic<int> epoll_fd{-1};
  std::atomic<int> wake_fd{-1};
  Thread thread;
  std::atomic<std::thread::id> thread_id{};  // set by the thread itself

  Mutex mutex;
  Condition has_ended;
  detail::Ref<Due> first_due TINE_GUARDED_BY(mutex);  // timers whose time has come
  Due* last_due TINE_GUARDED_BY(mutex) = nullptr;
  std::vector<std::function<void()>> posted TINE_GUARDED_BY(mutex);
  detail::Ref<Guard> first_guard TINE_GUARDED_BY(mutex);  // new ones
  Errand* first_errand TINE_GUARDED_BY(mutex) = nullptr;
  Errand* last_errand TINE_GUARDED_BY(mutex) = nullptr;
  // Neither run nor cancelled.
  std::unordered_map<Timer::Entry*, detail::Ref<Timer::Entry>> timers TINE_GUARDED_BY(mutex);
  std::map<int, detail::Ref<Pollable>> watched TINE_GUARDED_BY(mutex);
  // Their events may still be in the batch. A node of `watched` moves here: to forget takes no memory.
  std::multimap<int, detail::Ref<Pollable>> forgotten TINE_GUARDED_BY(mutex);
  bool stopped TINE_GUARDED_BY(mutex) = false;
  bool ended TINE_GUARDED_BY(mutex) = false;  // the thread has nothing more to do
  std::chrono::milliseconds grace TINE_GUARDED_BY(mutex){};

  Mutex stop_mutex TINE_ACQUIRED_BEFORE(mutex);  // one stop() at a time
  bool left_behind TINE_GUARDED_BY(stop_mutex) = false;
  std::atomic<bool> stopping{false};
  std::atomic<bool> has_posted{false};
  // True from before the loop looks at `posted` for the last time until it is awake: who posts meanwhile and
  // turns it off has to write to wake_fd. The mutex orders that look against the push.
  std::atomic<bool> asleep{false};

  // What only the loop's thread touches.
  struct Turn {
    PollPolicy policy;
    std::vector<std::function<void()>> running;
    std::array<epoll_event, kEventsAtOnce> events{};
    std::array<detail::Ref<Pollable>, kLookedAt> looked_at;  // the first `count` of them
    size_t count = 0;
    TimePoint looking_since{};  // and finding something, without a look at the descriptors
    detail::Ref<Guard> first_guard;
    TimePoint guarded_at{};
  } turn;
};

// A timer that is due. The loop takes it to run it, or cancel() takes it: the first of them has it.
class Loop::Due final : public Timer::Entry {
 public:
  Due(std::shared_ptr<Loop::Impl> loop, std::function<void()> work)
      : loop_(std::move(loop)), work_(std::move(work)) {}

  detail::Ref<Due> next;  // in the loop's list from first_due on, guarded by its mutex

  // On the loop's thread.
  void run() {
    if (!take()) return;
    const auto work = std::move(work_);
    work();
  }
  bool cancel() noexcept {
    if (!take()) return false;
    stop();
    work_ = nullptr;
    return true;
  }

 private:
  // Takes it out of the loop's timers.
  bool take() noexcept {
    detail::Ref<Timer::Entry> mine;
    const MutexLock lock(loop_->mutex);
    const auto found = loop_->timers.find(this);
    if (found == loop_->timers.end()) return false;
    mine = std::move(found->second);
    loop_->timers.erase(found);
    return true;
  }
  void fire() noexcept override { loop_->came(*this); }
  void abandon() noexcept override {}

  const std::shared_ptr<Loop::Impl> loop_;
  std::function<void()> work_;
};

Loop::Impl::~Impl() { close_own(); }

// Without an allocation: a deadline must not be lost where there is no memory.
void Loop::Impl::came(Due& due) noexcept {
  {
    const MutexLock lock(mutex);
    if (stopped) return;
    auto mine = detail::Ref<Due>::share(&due);
    Due* const last = last_due;
    last_due = &due;
    (last ? last->next : first_due) = std::move(mine);
    has_posted.store(true, std::memory_order_release);
  }
  wake();
}

void Loop::Impl::start(const std::shared_ptr<Impl>& self) {
  auto& epoll_fd = self->epoll_fd;
  auto& wake_fd = self->wake_fd;
  {
    const UnforkedScope scope;
    epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
    close_in_children(epoll_fd);
    if (epoll_fd >= 0) wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    close_in_children(wake_fd);
  }
  if (epoll_fd < 0) fail("epoll_create1");
  if (wake_fd < 0) fail("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) fail("epoll_ctl");
  self->thread = Thread("tine-io", [self] {
    self->thread_id = std::this_thread::get_id();
    self->run();
  });
}

void Loop::Impl::wake() noexcept {
  if (!asleep.exchange(false, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  ssize_t n;
  do {
    n = ::write(wake_fd, &one, sizeof one);
  } while (n < 0 && errno == EINTR);
}

bool Loop::Impl::run_posted() noexcept {
  if (!has_posted.load(std::memory_order_acquire)) return false;
  Errand* errand = nullptr;
  detail::Ref<Guard> fresh;
  {
    MutexLock lock(mutex);
    std::swap(turn.running, posted);
    errand = std::exchange(first_errand, nullptr);
    fresh = std::move(first_guard);
    has_posted.store(false, std::memory_order_relaxed);
  }
  turn.first_guard = look_after(std::move(fresh), std::move(turn.first_guard));
  for (auto& work : turn.running) {
    work();
    work = nullptr;
  }
  turn.running.clear();
  while (errand) {
    Errand& one = *errand;
    errand = take_next(one);  // first: it may be posted again, or be gone
    one.run_errand();
  }
  // No more than there were: a timer that renews itself must not keep the loop.
  detail::Ref<Due> due;
  {
    const MutexLock lock(mutex);
    due = std::move(first_due);
    last_due = nullptr;
  }
  while (due) {
    due->run();
    auto next = std::move(due->next);
    due = std::move(next);
  }
  return true;
}

void Loop::Impl::drop_timers() noexcept {
  for (;;) {
    detail::Ref<Timer::Entry> next;
    {
      const MutexLock lock(mutex);
      if (timers.empty()) return;
      next = timers.begin()->second;
    }
    static_cast<Due&>(*next).cancel();
  }
}

bool Loop::Impl::look() noexcept {
  bool any = false;
  for (size_t i = 0; i < turn.count;) {
    Pollable& pollable = *turn.looked_at[i];
    if (!pollable.watched_.load(std::memory_order_acquire)) {
      turn.looked_at[i] = std::move(turn.looked_at[--turn.count]);
      continue;
    }
    any |= pollable.look();
    ++i;
  }
  return any;
}

bool Loop::Impl::stop_looking() noexcept {
  size_t kept = 0;
  for (size_t i = 0; i < turn.count; ++i) {
    const detail::Ref<Pollable> pollable = std::move(turn.looked_at[i]);
    if (pollable->watched_.load(std::memory_order_acquire) && pollable->loop_sleeps())
      turn.looked_at[kept++] = pollable;
  }
  turn.count = kept;
  return kept == 0;
}

bool Loop::keep_looking(Pollable& pollable) noexcept {
  auto& turn = impl_->turn;
  if (turn.count == kLookedAt) return false;
  turn.looked_at[turn.count++] = detail::Ref<Pollable>::share(&pollable);
  return true;
}

bool Loop::guard(detail::Ref<Guard> guard) noexcept {
  Impl& impl = *impl_;
  if (forked()) return false;
  {
    const MutexLock lock(impl.mutex);
    if (impl.stopped || impl.stopping.load(std::memory_order_relaxed)) return false;
    guard->next_ = std::move(impl.first_guard);
    impl.first_guard = std::move(guard);
    impl.has_posted.store(true, std::memory_order_release);
  }
  if (!impl.on_own_thread()) impl.wake();
  return true;
}

detail::Ref<Loop::Guard> Loop::Impl::look_after(detail::Ref<Guard> guards, detail::Ref<Guard> rest) noexcept {
  while (guards) {
    auto next = std::move(guards->next_);
    if (guards->look_after()) {
      guards->next_ = std::move(rest);
      rest = std::move(guards);
    }
    guards = std::move(next);
  }
  return rest;
}

void Loop::Impl::look_after_guarded() noexcept {
  if (!turn.first_guard) return;
  const TimePoint now = Clock::now();
  if (now - turn.guarded_at < kGuardInterval) return;
  turn.guarded_at = now;
  turn.first_guard = look_after(std::move(turn.first_guard), {});
}

bool Loop::Impl::turn_once(bool may_poll) noexcept {
  look_after_guarded();
  if (turn.count != 0 && look()) {
    // Descriptors are asked about all the same, now and then.
    const TimePoint now = Clock::now();
    if (turn.looking_since == TimePoint{}) turn.looking_since = now;
    if (now - turn.looking_since < kLooking) return true;
  }
  turn.looking_since = {};
  bool looked = false;
  const int count = wait_for_events(may_poll, &looked);
  handle(count);
  return looked || count > 0;
}

int Loop::Impl::wait_for_events(bool may_poll, bool* looked) noexcept {
  int n = ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, 0);
  if (n > 0) return n;
  const auto budget = options.poll_budget;
  if (may_poll && budget.count() > 0 && pollers.load(std::memory_order_relaxed) == 0 &&
      turn.policy.should_poll()) {
    PollTurn polling(budget);
    bool gave_up = true;
    int looks = turn.count != 0 ? kLooksInARow : 0;
    for (size_t i = 0; i < turn.count; ++i) looks = std::min(looks, turn.looked_at[i]->looks_in_a_row());
    do {
      for (int i = 0; i < looks && !*looked; ++i) {
        *looked = look();
        pause_briefly();
      }
      if (*looked) {
        turn.policy.hit();
        return 0;
      }
      n = ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, 0);
      if (n > 0) {
        turn.policy.hit();
        return n;
      }
      // No verdict on polling when there is other work, or a waiting thread polls in our place.
      if (has_posted.load(std::memory_order_acquire) || pollers.load(std::memory_order_relaxed) != 0) {
        gave_up = false;
        break;
      }
    } while (polling.yield());
    if (gave_up) turn.policy.miss();
  }
  if (!stop_looking()) {
    *looked = true;
    return 0;
  }
  const bool skipped = turn.policy.skip() != 0;
  const TimePoint since = skipped ? Clock::now() : TimePoint{};
  asleep.store(true, std::memory_order_release);
  int timeout;
  {
    MutexLock lock(mutex);
    timeout = !nothing_posted() ? 0 : turn.first_guard ? static_cast<int>(kGuardInterval.count()) : -1;
  }
  n = ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, timeout);
  asleep.store(false, std::memory_order_relaxed);
  if (skipped && n > 0 && Clock::now() - since < budget) turn.policy.would_have_hit();
  return std::max(n, 0);
}

void Loop::Impl::handle(int count) noexcept {
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = turn.events[static_cast<size_t>(i)];
    if (event.data.ptr == nullptr) {
      uint64_t counter;
      static_cast<void>(!::read(wake_fd, &counter, sizeof counter));
      continue;
    }
    auto* pollable = static_cast<Pollable*>(event.data.ptr);
    if (pollable->watched_.load(std::memory_order_acquire)) pollable->on_events(event.events);
  }
  std::multimap<int, detail::Ref<Pollable>> drop;
  {
    MutexLock lock(mutex);
    drop.swap(forgotten);
  }
}

void Loop::Impl::run() noexcept {
  bool active = false;
  bool told = false;
  TimePoint give_up = kNoDeadline;
  for (;;) {
    active |= run_posted();
    if (stopping.load(std::memory_order_acquire)) {
      if (!told) {
        told = true;
        {
          MutexLock lock(mutex);
          give_up = Clock::now() + grace;
        }
        drop_timers();
        for (int fd = -1;;) {
          detail::Ref<Pollable> next;
          {
            const MutexLock lock(mutex);
            const auto at = watched.upper_bound(fd);
            if (at == watched.end()) break;
            fd = at->first;
            next = at->second;
          }
          next->on_events(0);
        }
        continue;
      }
      MutexLock lock(mutex);
      if (Clock::now() >= give_up || (watched.empty() && nothing_posted())) {
        stopped = true;
        break;
      }
      lock.unlock();
      // Somebody's reader role is still out: they post when they give it back.
      handle(std::max(0, ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, 1)));
      continue;
    }
    active = turn_once(active);
  }
  turn.looked_at = {};
  turn.count = 0;
  detail::Ref<Guard> guards = std::move(turn.first_guard), new_guards;
  // Outside the lock: what is dropped may hold the last reference to something that calls us.
  std::vector<std::function<void()>> dropped_work;
  detail::Ref<Due> dropped_due;
  Errand* dropped_errand = nullptr;
  std::map<int, detail::Ref<Pollable>> dropped_watched;
  std::multimap<int, detail::Ref<Pollable>> dropped;
  {
    MutexLock lock(mutex);
    dropped_work.swap(posted);
    dropped_errand = std::exchange(first_errand, nullptr);
    dropped_due = std::move(first_due);
    last_due = nullptr;
    new_guards = std::move(first_guard);
    dropped_watched.swap(watched);
    dropped.swap(forgotten);
  }
  dropped_work.clear();
  while (dropped_errand) {
    Errand& one = *dropped_errand;
    dropped_errand = take_next(one);
    one.drop_errand();
  }
  while (dropped_due) {
    auto next = std::move(dropped_due->next);
    dropped_due = std::move(next);
  }
  dropped_watched.clear();
  dropped.clear();
  for (auto* first : {&guards, &new_guards}) {
    while (*first) *first = std::move((*first)->next_);
  }
  const MutexLock lock(mutex);
  ended = true;
  has_ended.notify_all();
}

struct IoLoop::Timing {
  explicit Timing(const Options& options)
      : timer(options.callbacks ? *options.callbacks : here),
        trimming(Impl::recycler_of(options), timer, options.trim_interval) {}

  InlineExecutor here;
  Timer timer;
  Trimming trimming;
};

IoLoop::IoLoop(Options options)
    : IoLoop(options, options.timer ? nullptr : std::make_unique<Timing>(options)) {}

IoLoop::IoLoop(const Options& options, std::unique_ptr<Timing> timing)
    : Loop(std::make_shared<Impl>(options, timing ? timing->timer : *options.timer)),
      timing_(std::move(timing)) {
  Impl::start(impl_);
}

IoLoop::~IoLoop() {
  if (forked()) {
    // The threads are the parent's; their locks are as the fork found them. Leaked on purpose.
    static_cast<void>(new std::shared_ptr<Impl>(std::move(impl_)));
    static_cast<void>(timing_.release());
    return;
  }
  stop();
}

bool IoLoop::stop(std::chrono::milliseconds grace) noexcept {
  if (forked()) return true;
  Impl& impl = *impl_;
  const MutexLock once(impl.stop_mutex);
  if (!impl.thread.joinable()) return !impl.left_behind;
  {
    const MutexLock lock(impl.mutex);
    impl.grace = grace;
    impl.stopping.store(true, std::memory_order_release);  // no timer is started from here on
  }
  impl.asleep.store(true, std::memory_order_release);
  impl.wake();
  {
    const TimePoint bound = Clock::now() + grace + kLastGrace;
    const MutexLock lock(impl.mutex);
    while (!impl.ended) {
      if (!impl.has_ended.wait_until(impl.mutex, bound)) break;
    }
    impl.left_behind = !impl.ended;
  }
  if (impl.left_behind) {
    static_cast<void>(new Thread(std::move(impl.thread)));
    timing_.reset();
    return false;
  }
  impl.thread.join();
  timing_.reset();
  // Not before: what outlives the loop must not keep descriptors open.
  const MutexLock lock(impl.mutex);
  impl.close_own();
  return true;
}

bool Loop::on_loop_thread() const noexcept { return impl_->on_own_thread(); }
bool Loop::forked() const noexcept { return impl_->birth.inherited(); }

bool Loop::Impl::post(std::function<void()> work) {
  if (birth.inherited()) return false;
  {
    MutexLock lock(mutex);
    if (stopped) return false;
    posted.push_back(std::move(work));
    has_posted.store(true, std::memory_order_release);
  }
  if (!on_own_thread()) wake();
  return true;
}

bool Loop::Impl::post(Errand& errand) noexcept {
  if (birth.inherited()) return false;
  {
    const MutexLock lock(mutex);
    if (stopped) return false;
    (first_errand ? last_errand->next_ : first_errand) = &errand;
    last_errand = &errand;
    has_posted.store(true, std::memory_order_release);
  }
  if (!on_own_thread()) wake();
  return true;
}

bool Loop::post(std::function<void()> work) { return impl_->post(std::move(work)); }
bool Loop::post(Errand& errand) noexcept { return impl_->post(errand); }

TimerId Loop::schedule_at(TimePoint when, std::function<void()> work) {
  if (forked() || impl_->stopping.load(std::memory_order_acquire)) return {};
  auto due = detail::make_ref<Due>(impl_, std::move(work));
  const MutexLock lock(impl_->mutex);
  if (impl_->stopped || impl_->stopping.load(std::memory_order_relaxed)) return {};
  impl_->timers.emplace(due.get(), due);
  try {
    impl_->timer.start(due, when);
  } catch (...) {
    impl_->timers.erase(due.get());
    throw;
  }
  return TimerId(std::move(due));
}

bool Loop::cancel(const TimerId& id) noexcept {
  return id && !forked() && static_cast<Due*>(id.due_.get())->cancel();
}

void Loop::watch(int fd, Pollable& pollable, uint32_t epoll_events) {
  if (forked()) throw Cancelled("this is a forked child: it has no connections of its own yet");
  MutexLock lock(impl_->mutex);
  if (impl_->stopped || impl_->stopping.load(std::memory_order_relaxed)) {
    throw Cancelled("the input and output thread has been stopped");
  }
  const auto [place, added] = impl_->watched.emplace(fd, detail::Ref<Pollable>::share(&pollable));
  if (!added) throw SystemError(fmt::format("descriptor {} is watched already", fd));
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &pollable;
  pollable.watched_.store(true, std::memory_order_release);
  if (::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    pollable.watched_.store(false, std::memory_order_release);
    impl_->watched.erase(place);
    throw SystemError(fmt::format("descriptor {} cannot be watched: {}", fd, std::strerror(error)));
  }
}

void Loop::change(int fd, Pollable& pollable, uint32_t epoll_events) noexcept {
  if (forked() || !pollable.watched_.load(std::memory_order_acquire)) return;
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &pollable;
  ::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd, Pollable& pollable) noexcept {
  if (forked()) return;
  MutexLock lock(impl_->mutex);
  if (!pollable.watched_.exchange(false, std::memory_order_acq_rel)) return;
  ::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
  auto found = impl_->watched.find(fd);
  if (found == impl_->watched.end()) return;
  impl_->forgotten.insert(impl_->watched.extract(found));
}

Recycler& Loop::recycler() const noexcept { return impl_->recycler; }
std::chrono::microseconds Loop::poll_budget() const noexcept { return impl_->options.poll_budget; }
void Loop::begin_polling() noexcept { impl_->pollers.fetch_add(1, std::memory_order_relaxed); }
void Loop::end_polling() noexcept { impl_->pollers.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace tine::rpc
