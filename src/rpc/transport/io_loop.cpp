#include "src/rpc/transport/io_loop.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/rpc/transport/endpoint.h"
#include "src/rpc/transport/poll_policy.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr int kEventsAtOnce = 64;
constexpr std::chrono::seconds kLastGrace{1};  // for what runs when the grace is over

[[noreturn]] void fail(std::string_view what) {
  throw SystemError(
      fmt::format("the input and output thread cannot be set up: {}: {}", what, std::strerror(errno)));
}

// A page that the kernel empties in a forked child: asking "am I the child" costs one load.
class ForkMark {
 public:
  ForkMark() {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) fail("mmap");
    word_ = static_cast<std::atomic<int>*>(page);
    // Where the kernel cannot do that the process id is compared instead.
    wiped_ = ::madvise(page, 4096, MADV_WIPEONFORK) == 0;
    word_->store(::getpid(), std::memory_order_relaxed);
  }
  ~ForkMark() { ::munmap(word_, 4096); }
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;
  [[nodiscard]] bool forked() const noexcept {
    const int mark = word_->load(std::memory_order_relaxed);
    return mark == 0 || (!wiped_ && mark != ::getpid());
  }

 private:
  std::atomic<int>* word_;
  bool wiped_;
};

}  // namespace

struct Loop::Impl {
  explicit Impl(const Options& options)
      : options(options), recycler(options.recycler ? *options.recycler : Recycler::of_process()) {}
  ~Impl() { close_own(); }

  static void start(const std::shared_ptr<Impl>& self);
  void close_own() noexcept {
    for (auto* own : {&epoll_fd, &wake_fd}) {
      if (const int fd = own->exchange(-1); fd >= 0) close_followed(fd);
    }
  }
  void run() noexcept;
  bool run_posted() noexcept;
  bool run_timers() noexcept;
  int wait_for_events(bool may_poll) noexcept;
  int timeout_ms() noexcept;
  void handle(int count) noexcept;
  void wake() noexcept;

  const Options options;
  Recycler& recycler;
  std::atomic<int> pollers{0};
  ForkMark fork_mark;
  std::atomic<int> epoll_fd{-1};
  std::atomic<int> wake_fd{-1};
  std::thread thread;
  std::thread::id thread_id;

  std::mutex mutex;
  std::condition_variable has_ended;
  std::vector<std::function<void()>> posted;                               // guarded by mutex
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> timers;  // guarded by mutex
  uint64_t last_timer = 0;                                                 // guarded by mutex
  std::unordered_map<int, detail::Ref<Pollable>> watched;                  // guarded by mutex
  std::vector<detail::Ref<Pollable>>
      forgotten;                      // guarded by mutex; events of theirs may still be in the batch
  bool stopped = false;               // guarded by mutex
  bool ended = false;                 // guarded by mutex; the thread has nothing more to do
  std::chrono::milliseconds grace{};  // guarded by mutex

  std::mutex stop_mutex;     // one stop() at a time
  bool left_behind = false;  // guarded by stop_mutex
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
  } turn;
};

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
  // Signals belong to threads that the program made.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::lock_guard lock(self->mutex);
    self->thread = std::thread([self] { self->run(); });
    self->thread_id = self->thread.get_id();
  } catch (const std::system_error& e) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = e.code().value();
    fail("pthread_create");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(self->thread.native_handle(), "tine-io");
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
  {
    std::lock_guard lock(mutex);
    std::swap(turn.running, posted);
    has_posted.store(false, std::memory_order_relaxed);
  }
  for (auto& work : turn.running) {
    work();
    work = nullptr;
  }
  turn.running.clear();
  return true;
}

bool Loop::Impl::run_timers() noexcept {
  bool any = false;
  // As many as were there at the beginning, at most: a timer that renews itself must not keep the loop.
  for (size_t left = 256; left > 0; --left) {
    std::function<void()> work;
    {
      std::lock_guard lock(mutex);
      if (timers.empty()) break;
      auto first = timers.begin();
      if (first->first.first > Clock::now()) break;
      work = std::move(first->second);
      timers.erase(first);
    }
    work();
    any = true;
  }
  return any;
}

// Called with the mutex held. epoll counts in whole milliseconds: rounded up, or it would spin to the end.
int Loop::Impl::timeout_ms() noexcept {
  if (!posted.empty()) return 0;
  TimePoint next = timers.empty() ? kNoDeadline : timers.begin()->first.first;
  if (next == kNoDeadline) return -1;
  const auto left = next - Clock::now();
  if (left <= Clock::duration::zero()) return 0;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<int64_t>(ms, 60'000));
}

int Loop::Impl::wait_for_events(bool may_poll) noexcept {
  int n = ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, 0);
  if (n > 0) return n;
  const auto budget = options.poll_budget;
  if (may_poll && budget.count() > 0 && pollers.load(std::memory_order_relaxed) == 0 &&
      turn.policy.should_poll()) {
    PollTurn polling(budget);
    bool gave_up = true;
    while (polling.yield()) {
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
    }
    if (gave_up) turn.policy.miss();
  }
  asleep.store(true, std::memory_order_release);
  int timeout;
  {
    std::lock_guard lock(mutex);
    timeout = timeout_ms();
  }
  n = ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, timeout);
  asleep.store(false, std::memory_order_relaxed);
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
  std::vector<detail::Ref<Pollable>> drop;
  {
    std::lock_guard lock(mutex);
    drop.swap(forgotten);
  }
}

void Loop::Impl::run() noexcept {
  bool active = false;
  bool told = false;
  TimePoint give_up = kNoDeadline;
  for (;;) {
    active |= run_posted();
    active |= run_timers();
    if (stopping.load(std::memory_order_acquire)) {
      if (!told) {
        told = true;
        std::vector<detail::Ref<Pollable>> all;
        std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> dropped;
        {
          std::lock_guard lock(mutex);
          give_up = Clock::now() + grace;
          dropped.swap(timers);
          for (auto& [fd, pollable] : watched) all.push_back(pollable);
        }
        for (auto& pollable : all) pollable->on_events(0);
        continue;
      }
      std::unique_lock lock(mutex);
      if (Clock::now() >= give_up || (watched.empty() && posted.empty())) {
        stopped = true;
        break;
      }
      lock.unlock();
      // Somebody's reader role is still out: they post when they give it back.
      handle(std::max(0, ::epoll_wait(epoll_fd, turn.events.data(), kEventsAtOnce, 1)));
      continue;
    }
    const int count = wait_for_events(active);
    active = count > 0;
    handle(count);
  }
  // Outside the lock: what is dropped may hold the last reference to something that calls us.
  std::vector<std::function<void()>> dropped_work;
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> dropped_timers;
  std::unordered_map<int, detail::Ref<Pollable>> dropped_watched;
  std::vector<detail::Ref<Pollable>> dropped;
  {
    std::lock_guard lock(mutex);
    dropped_work.swap(posted);
    dropped_timers.swap(timers);
    dropped_watched.swap(watched);
    dropped.swap(forgotten);
  }
  dropped_work.clear();
  dropped_timers.clear();
  dropped_watched.clear();
  dropped.clear();
  const std::lock_guard lock(mutex);
  ended = true;
  has_ended.notify_all();
}

struct IoLoop::Timing {
  explicit Timing(const Options& options, Recycler& recycler)
      : timer(options.callbacks ? *options.callbacks : here),
        trimming(recycler, timer, options.trim_interval) {}

  InlineExecutor here;
  Timer timer;
  Trimming trimming;
};

IoLoop::IoLoop(Options options) : Loop(std::make_shared<Impl>(options)) {
  if (!options.timer) timing_ = std::make_unique<Timing>(options, recycler());
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
  std::lock_guard lock(impl_->stop_mutex);
  timing_.reset();
  if (!impl_->thread.joinable()) return !impl_->left_behind;
  {
    const std::lock_guard inner(impl_->mutex);
    impl_->grace = grace;
  }
  impl_->stopping.store(true, std::memory_order_release);
  impl_->asleep.store(true, std::memory_order_release);
  impl_->wake();
  {
    std::unique_lock inner(impl_->mutex);
    impl_->left_behind =
        !impl_->has_ended.wait_for(inner, grace + kLastGrace, [this] { return impl_->ended; });
  }
  if (impl_->left_behind) {
    impl_->thread.detach();
    return false;
  }
  impl_->thread.join();
  // Not before: who outlives the loop must not keep descriptors open.
  const std::lock_guard inner(impl_->mutex);
  impl_->close_own();
  return true;
}

bool Loop::on_loop_thread() const noexcept { return std::this_thread::get_id() == impl_->thread_id; }
bool Loop::forked() const noexcept { return impl_->fork_mark.forked(); }

bool Loop::post(std::function<void()> work) {
  if (forked()) return false;
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return false;
    impl_->posted.push_back(std::move(work));
    impl_->has_posted.store(true, std::memory_order_release);
  }
  if (!on_loop_thread()) impl_->wake();
  return true;
}

TimerId Loop::schedule_at(TimePoint when, std::function<void()> work) {
  if (forked()) return {};
  TimerId id;
  bool first;
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopped || impl_->stopping.load(std::memory_order_relaxed)) return {};
    id = {when, ++impl_->last_timer};
    auto place = impl_->timers.emplace(std::pair(when, id.number), std::move(work)).first;
    first = place == impl_->timers.begin();
  }
  if (first && !on_loop_thread()) impl_->wake();
  return id;
}

bool Loop::cancel(TimerId id) noexcept {
  if (!id || forked()) return false;
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>>::node_type node;
  std::lock_guard lock(impl_->mutex);
  auto found = impl_->timers.find({id.when, id.number});
  if (found == impl_->timers.end()) return false;
  node = impl_->timers.extract(found);  // destroyed after the lock is released
  return true;
}

void Loop::watch(int fd, Pollable& pollable, uint32_t epoll_events) {
  if (forked()) throw Cancelled("this is a forked child: it has no connections of its own yet");
  std::lock_guard lock(impl_->mutex);
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
  std::lock_guard lock(impl_->mutex);
  if (!pollable.watched_.exchange(false, std::memory_order_acq_rel)) return;
  ::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
  auto found = impl_->watched.find(fd);
  if (found == impl_->watched.end()) return;
  impl_->forgotten.push_back(std::move(found->second));
  impl_->watched.erase(found);
}

Recycler& Loop::recycler() const noexcept { return impl_->recycler; }
std::chrono::microseconds Loop::poll_budget() const noexcept { return impl_->options.poll_budget; }
void Loop::begin_polling() noexcept { impl_->pollers.fetch_add(1, std::memory_order_relaxed); }
void Loop::end_polling() noexcept { impl_->pollers.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace tine::rpc
