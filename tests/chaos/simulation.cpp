#include "tests/chaos/simulation.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

// The linker's: where the executable's data begins and ends.
extern "C" char __data_start, _end;

namespace tine::chaos {

struct Simulation::Thread {
  enum class State : uint8_t { kReady, kBlocked, kEnded } state = State::kReady;
  uint32_t number = 0;
  int worker = -1;
  pthread_t handle{};
  void* (*body)(void*) = nullptr;
  void* argument = nullptr;
  Simulation* simulation = nullptr;
  std::atomic<uint32_t> turn{0};  // 1: it is this thread's
  int locks = 0;                  // that it holds
  const void* on = nullptr;
  TimePoint until = kNoDeadline;
  bool in_time = true;
  int epoll_fd = -1;  // it waits for events of that
  epoll_event* events = nullptr;
  int most_events = 0, came = 0;
};

namespace {

constinit thread_local Simulation::Thread* self = nullptr;
constinit thread_local Simulation* of_this_thread = nullptr;

// The system's own, under the versions that programs are linked against.
template <class F>
F* system_function(const char* name, const char* version) {
  void* found = ::dlvsym(RTLD_NEXT, name, version);
  if (!found) found = ::dlsym(RTLD_NEXT, name);
  if (!found) std::abort();
  return reinterpret_cast<F*>(found);
}
struct System {
  decltype(::pthread_create)* create =
      system_function<decltype(::pthread_create)>("pthread_create", "GLIBC_2.34");
  decltype(::pthread_join)* join = system_function<decltype(::pthread_join)>("pthread_join", "GLIBC_2.34");
  decltype(::pthread_timedjoin_np)* timed_join =
      system_function<decltype(::pthread_timedjoin_np)>("pthread_timedjoin_np", "GLIBC_2.34");
  decltype(::pthread_mutex_lock)* lock =
      system_function<decltype(::pthread_mutex_lock)>("pthread_mutex_lock", "GLIBC_2.2.5");
  decltype(::pthread_mutex_trylock)* try_lock =
      system_function<decltype(::pthread_mutex_trylock)>("pthread_mutex_trylock", "GLIBC_2.34");
  decltype(::pthread_mutex_unlock)* unlock =
      system_function<decltype(::pthread_mutex_unlock)>("pthread_mutex_unlock", "GLIBC_2.2.5");
  decltype(::pthread_cond_wait)* wait =
      system_function<decltype(::pthread_cond_wait)>("pthread_cond_wait", "GLIBC_2.3.2");
  decltype(::pthread_cond_timedwait)* timed_wait =
      system_function<decltype(::pthread_cond_timedwait)>("pthread_cond_timedwait", "GLIBC_2.3.2");
  decltype(::pthread_cond_clockwait)* clock_wait =
      system_function<decltype(::pthread_cond_clockwait)>("pthread_cond_clockwait", "GLIBC_2.34");
  decltype(::pthread_cond_signal)* signal =
      system_function<decltype(::pthread_cond_signal)>("pthread_cond_signal", "GLIBC_2.3.2");
  decltype(::pthread_cond_broadcast)* broadcast =
      system_function<decltype(::pthread_cond_broadcast)>("pthread_cond_broadcast", "GLIBC_2.3.2");
};
// Looked up at the first use, which may come before main(), on one thread.
const System& the_system() {
  static const System all;
  return all;
}

void wait_at(std::atomic<uint32_t>& word) noexcept {
  while (word.load(std::memory_order_acquire) == 0)
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  word.store(0, std::memory_order_relaxed);
}
void open(std::atomic<uint32_t>& word) noexcept {
  word.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}
int poll_descriptors(int epoll_fd, epoll_event* events, int most, int timeout_ms) noexcept {
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll_fd, events, most, timeout_ms, nullptr, 8));
}
// Locks of the whole process guard caches, which are as earlier simulations left them. How often they are taken is no matter of
// the seed's, so nobody is put aside at one.
bool is_of_the_process(const void* address) noexcept {
  return address >= static_cast<const void*>(&__data_start) && address < static_cast<const void*>(&_end);
}
TimePoint time_of(const timespec& at) noexcept {
  return TimePoint(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

}  // namespace

// The first thread_local of each thread, and so the last to be destroyed: its thread ends for the simulation when the others
// are gone, too.
struct AtThreadEnd {
  ~AtThreadEnd() {
    if (self) of_this_thread->end_of(*self);
  }
  void begin() noexcept {}
};
static thread_local AtThreadEnd at_thread_end;

Simulation* simulation() noexcept { return of_this_thread; }

Simulation::Simulation(Options options)
    : options_(options), random_state_(options.seed * 0x9E3779B97F4A7C15U + 1) {
  for (int i = 0; i < 4; ++i) (void)random();  // seeds that lie side by side begin alike
}
Simulation::~Simulation() = default;

// xorshift64*
uint64_t Simulation::random() noexcept {
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return (random_state_ * 0x2545F4914F6CDD1DU) >> 16;
}

void Simulation::run(std::function<void()> body) {
  pthread_t first;
  // The first is started by a thread that is not of the simulation.
  threads_.push_back(std::make_unique<Thread>());
  Thread& thread = *threads_.back();
  thread.number = threads_made_++;
  thread.simulation = this;
  thread.body = [](void* f) -> void* {
    (*static_cast<std::function<void()>*>(f))();
    return nullptr;
  };
  thread.argument = &body;
  if (the_system().create(&first, nullptr, &Simulation::thread_main, &thread) != 0) std::abort();
  thread.handle = first;
  open(thread.turn);
  wait_at(over_);
  the_system().join(first, nullptr);
}

void* Simulation::thread_main(void* given) noexcept {
  auto* const thread = static_cast<Thread*>(given);
  at_thread_end.begin();
  wait_at(thread->turn);
  of_this_thread = thread->simulation;
  self = thread;
  return thread->body(thread->argument);
}

void Simulation::end_of(Thread& thread) noexcept {
  thread.state = Thread::State::kEnded;
  wake(&thread);
  self = nullptr;
  of_this_thread = nullptr;
  if (std::all_of(threads_.begin(), threads_.end(),
                  [](const auto& t) { return t->state == Thread::State::kEnded; }))
    return open(over_);
  open(next().turn);
}

int Simulation::start(pthread_t* handle, const pthread_attr_t* attributes, void* (*body)(void*),
                      void* argument) noexcept {
  auto made = std::make_unique<Thread>();
  made->number = threads_made_++;
  made->worker = self->worker;
  made->simulation = this;
  made->body = body;
  made->argument = argument;
  const int error = the_system().create(&made->handle, attributes, &Simulation::thread_main, made.get());
  if (error != 0) return error;
  *handle = made->handle;
  threads_.push_back(std::move(made));
  make_turn();
  return 0;
}

bool Simulation::join(pthread_t handle, TimePoint until) noexcept {
  const auto found = std::find_if(threads_.begin(), threads_.end(),
                                  [&](const auto& t) { return pthread_equal(t->handle, handle) != 0; });
  if (found == threads_.end()) std::abort();
  Thread* const thread = found->get();
  while (thread->state != Thread::State::kEnded) {
    if (now_ >= until) return false;
    block(thread, until);
  }
  the_system().join(handle, nullptr);
  std::erase_if(threads_, [&](const auto& t) { return t.get() == thread; });
  return true;
}

void Simulation::belong_to(int worker) noexcept { self->worker = worker; }
void Simulation::stop(int worker, TimePoint until) noexcept { stopped_[worker] = until; }
bool Simulation::is_stopped(const Thread& thread) const noexcept {
  if (stopped_.empty() || thread.locks > 0) return false;
  const auto found = stopped_.find(thread.worker);
  return found != stopped_.end() && found->second > now_;
}

Simulation::Thread& Simulation::next() {
  if (++turns_ > options_.most_turns) hang("it goes on without end");
  now_ += std::chrono::microseconds(1);
  for (;;) {
    if (now_ - began_ > options_.longest) hang("its time is over");
    candidates_.clear();
    TimePoint earliest = kNoDeadline;
    const bool look = std::exchange(look_, false);
    for (const auto& t : threads_) {
      if (t->state == Thread::State::kEnded) continue;
      if (t->state == Thread::State::kBlocked) {
        if (look && t->epoll_fd >= 0) {
          t->came = poll_descriptors(t->epoll_fd, t->events, t->most_events, 0);
          if (t->came > 0) t->state = Thread::State::kReady;
        }
        if (t->state == Thread::State::kBlocked && t->until <= now_) {
          t->in_time = false;
          t->state = Thread::State::kReady;
        }
      }
      if (t->state != Thread::State::kReady) {
        earliest = std::min(earliest, t->until);
      } else if (is_stopped(*t)) {
        earliest = std::min(earliest, stopped_.at(t->worker));
      } else {
        candidates_.push_back(t.get());
      }
    }
    if (!candidates_.empty()) return *candidates_[pick(static_cast<uint32_t>(candidates_.size()))];
    if (earliest == kNoDeadline) hang("nobody can go on");
    now_ = std::max(now_, earliest);
  }
}

void Simulation::pass_on(Thread& from) noexcept {
  Thread& to = next();
  if (&to == &from) return;
  open(to.turn);
  wait_at(from.turn);
}

void Simulation::block(const void* address, TimePoint until) noexcept {
  Thread& mine = *self;
  mine.state = Thread::State::kBlocked;
  mine.on = address;
  mine.until = until;
  mine.in_time = true;
  pass_on(mine);
  mine.on = nullptr;
  mine.until = kNoDeadline;
}

bool Simulation::wait(const void* address, TimePoint until) noexcept {
  block(address, until);
  return self->in_time;
}

void Simulation::wake(const void* address) noexcept {
  for (const auto& t : threads_) {
    if (t->state == Thread::State::kBlocked && t->on == address) t->state = Thread::State::kReady;
  }
}

void Simulation::make_turn() noexcept {
  if (options_.turn_at_one_in != 0 && one_in(options_.turn_at_one_in)) pass_on(*self);
}
void Simulation::yield(Clock::duration time) noexcept {
  now_ += time;
  pass_on(*self);
}

void Simulation::lock(pthread_mutex_t* mutex) noexcept {
  if (!is_of_the_process(mutex)) make_turn();
  while (the_system().try_lock(mutex) == EBUSY) {
    ++lock_waiters_;
    block(mutex, kNoDeadline);
    --lock_waiters_;
  }
  ++self->locks;
}
bool Simulation::try_lock(pthread_mutex_t* mutex) noexcept {
  if (!is_of_the_process(mutex)) make_turn();
  if (the_system().try_lock(mutex) == EBUSY) return false;
  ++self->locks;
  return true;
}
void Simulation::unlock(pthread_mutex_t* mutex) noexcept {
  the_system().unlock(mutex);
  --self->locks;
  if (lock_waiters_ > 0) wake(mutex);
  if (!is_of_the_process(mutex)) make_turn();
}

bool Simulation::wait_for(pthread_cond_t* condition, pthread_mutex_t* mutex, TimePoint until) noexcept {
  the_system().unlock(mutex);
  --self->locks;
  if (lock_waiters_ > 0) wake(mutex);
  block(condition, until);
  const bool in_time = self->in_time;
  while (the_system().try_lock(mutex) == EBUSY) {
    ++lock_waiters_;
    block(mutex, kNoDeadline);
    --lock_waiters_;
  }
  ++self->locks;
  return in_time;
}

void Simulation::notify(pthread_cond_t* condition, bool all) noexcept {
  if (all) {
    wake(condition);
  } else {
    // Which of them is the system's choice: here the seed's.
    Thread* chosen = nullptr;
    uint32_t seen = 0;
    for (const auto& t : threads_) {
      if (t->state == Thread::State::kBlocked && t->on == condition && one_in(++seen)) chosen = t.get();
    }
    if (chosen) chosen->state = Thread::State::kReady;
  }
  make_turn();
}

int Simulation::wait_for_events(int epoll_fd, epoll_event* events, int most, int timeout_ms) noexcept {
  if (timeout_ms == 0) {
    make_turn();
    return poll_descriptors(epoll_fd, events, most, 0);
  }
  if (const int came = poll_descriptors(epoll_fd, events, most, 0); came != 0) return came;
  Thread& mine = *self;
  mine.epoll_fd = epoll_fd;
  mine.events = events;
  mine.most_events = most;
  mine.came = 0;
  block(nullptr, timeout_ms < 0 ? kNoDeadline : now_ + std::chrono::milliseconds(timeout_ms));
  mine.epoll_fd = -1;
  return mine.came;
}

void Simulation::trace(std::string line) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now_ - began_).count();
  trace_.push_back(fmt::format("{:>12.3f} ms  {}", static_cast<double>(us) / 1000, line));
  for (const char c : trace_.back()) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211U;
}

void Simulation::hang(const char* why) {
  std::fprintf(stderr, "\nseed %llu: %s. What happened:\n", static_cast<unsigned long long>(options_.seed),
               why);
  for (const std::string& line : trace_) std::fprintf(stderr, "%s\n", line.c_str());
  for (const auto& t : threads_) {
    if (t->state == Thread::State::kEnded) continue;
    char name[16] = "";
    (void)pthread_getname_np(t->handle, name, sizeof name);
    const auto left = std::chrono::duration<double, std::milli>(t->until - now_).count();
    std::fprintf(stderr, "  thread %u (%s) of worker %d: %s %p%s\n", t->number, name, t->worker,
                 t->state == Thread::State::kReady ? "can run"
                 : t->epoll_fd >= 0                ? "waits for events"
                                                   : "waits at",
                 t->on, t->until == kNoDeadline ? "" : fmt::format(", {:.3f} ms more", left).c_str());
  }
  std::fprintf(stderr, "replay it: TINE_CHAOS_SEED=%llu %s\n", static_cast<unsigned long long>(options_.seed),
               ::program_invocation_name);
  std::fflush(stderr);
  std::_Exit(1);
}

}  // namespace tine::chaos

// --- the functions of the system, as the threads of a simulation have them

using tine::TimePoint;
using tine::chaos::of_this_thread;
using tine::chaos::the_system;

#pragma GCC visibility push(default)  // the libraries find them, too

std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
  if (of_this_thread) return of_this_thread->look_at_clock();
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC, &at);
  return tine::chaos::time_of(at);
}

extern "C" {

int pthread_create(pthread_t* handle, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) noexcept {
  if (of_this_thread) return of_this_thread->start(handle, attributes, body, argument);
  return the_system().create(handle, attributes, body, argument);
}
int pthread_join(pthread_t handle, void** result) {
  if (!of_this_thread) return the_system().join(handle, result);
  return of_this_thread->join(handle, tine::kNoDeadline) ? 0 : EINVAL;
}
int pthread_timedjoin_np(pthread_t handle, void** result, const timespec* until) {
  if (!of_this_thread) return the_system().timed_join(handle, result, until);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto left = tine::chaos::time_of(*until) - tine::chaos::time_of(now);
  return of_this_thread->join(handle, of_this_thread->now() + left) ? 0 : ETIMEDOUT;
}
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  if (!of_this_thread) return the_system().lock(mutex);
  of_this_thread->lock(mutex);
  return 0;
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  if (!of_this_thread) return the_system().try_lock(mutex);
  return of_this_thread->try_lock(mutex) ? 0 : EBUSY;
}
int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  if (!of_this_thread) return the_system().unlock(mutex);
  of_this_thread->unlock(mutex);
  return 0;
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (!of_this_thread) return the_system().wait(condition, mutex);
  (void)of_this_thread->wait_for(condition, mutex, tine::kNoDeadline);
  return 0;
}
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  if (!of_this_thread) return the_system().timed_wait(condition, mutex, until);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto left = tine::chaos::time_of(*until) - tine::chaos::time_of(now);
  return of_this_thread->wait_for(condition, mutex, of_this_thread->now() + left) ? 0 : ETIMEDOUT;
}
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  if (!of_this_thread) return the_system().clock_wait(condition, mutex, clock, until);
  return of_this_thread->wait_for(condition, mutex, tine::chaos::time_of(*until)) ? 0 : ETIMEDOUT;
}
int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  if (!of_this_thread) return the_system().signal(condition);
  of_this_thread->notify(condition, false);
  return 0;
}
int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  if (!of_this_thread) return the_system().broadcast(condition);
  of_this_thread->notify(condition, true);
  return 0;
}
int epoll_wait(int epoll_fd, epoll_event* events, int most, int timeout_ms) {
  if (!of_this_thread) return tine::chaos::poll_descriptors(epoll_fd, events, most, timeout_ms);
  return of_this_thread->wait_for_events(epoll_fd, events, most, timeout_ms);
}
ssize_t write(int fd, const void* bytes, size_t count) {
  if (of_this_thread) of_this_thread->look_at_descriptors();
  return ::syscall(SYS_write, fd, bytes, count);
}
int sched_yield() noexcept {
  if (!of_this_thread) return static_cast<int>(::syscall(SYS_sched_yield));
  of_this_thread->yield(std::chrono::microseconds(5));
  return 0;
}
int nanosleep(const timespec* time, timespec* left) {
  if (!of_this_thread) return static_cast<int>(::syscall(SYS_nanosleep, time, left));
  of_this_thread->sleep(tine::chaos::time_of(*time).time_since_epoch());
  return 0;
}
int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
  if (!of_this_thread) return ::syscall(SYS_clock_nanosleep, clock, flags, time, left) == 0 ? 0 : errno;
  const auto given = tine::chaos::time_of(*time);
  of_this_thread->sleep(flags == TIMER_ABSTIME ? given - of_this_thread->now() : given.time_since_epoch());
  return 0;
}
ssize_t getrandom(void* bytes, size_t count, unsigned flags) {
  if (!of_this_thread) return ::syscall(SYS_getrandom, bytes, count, flags);
  for (size_t i = 0; i < count; ++i)
    static_cast<unsigned char*>(bytes)[i] = static_cast<unsigned char>(of_this_thread->random());
  return static_cast<ssize_t>(count);
}

}  // extern "C"

#pragma GCC visibility pop
