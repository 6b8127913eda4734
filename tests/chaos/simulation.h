// Simulation: threads, time and chance of a test, in the hands of a seed.
//
//   Simulation simulation({.seed = 7});
//   simulation.run([&] { ... whole agents, their loops, their timers, real locks ... });
//
// Of the threads that run() starts, and of those that they start, one at a time runs. It runs until it blocks, and at times
// is put aside at a lock; the seed says who is next. Time stands while somebody can run, but for a microsecond a turn. When
// nobody can, it jumps to the next deadline. So hours cost nothing, a run is the same each time, and a hang is seen at once:
// nobody can run and nobody has a deadline.
//
// The seam is the system's own: simulation.cpp defines the functions through which threads block, wake and read the clock
// (pthread_mutex_lock, pthread_cond_wait, epoll_wait, steady_clock::now and so on), and this executable's definitions come
// before those of the libraries. What is tested is the code that is shipped, without a line for the test. Threads that are
// not of a simulation get the system's functions. What blocks in any other way would stop the simulation: a test finds that at
// once.
//
// One simulation at a time. The members may be called by its threads only, but for run() and what is said of its end.
#pragma once

#include <pthread.h>
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tine/executor.h"

namespace tine::chaos {

class Simulation {
 public:
  struct Options {
    uint64_t seed = 1;
    // At one of so many locks another thread goes first. 0: at none.
    uint32_t turn_at_one_in = 64;
    std::chrono::seconds longest{3600};  // of its own time
    uint64_t most_turns = 1'000'000;
  };
  explicit Simulation(Options options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Returns when `body` and all threads that it started have ended. A hang prints the trace and what each thread waits for,
  // and ends the process.
  void run(std::function<void()> body);

  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  [[nodiscard]] uint64_t random() noexcept;
  [[nodiscard]] uint32_t pick(uint32_t n) noexcept { return static_cast<uint32_t>(random() % n); }
  [[nodiscard]] bool one_in(uint32_t n) noexcept { return pick(n) == 0; }

  // Waits at any address; wake() there ends it. False: `until` came first.
  bool wait(const void* address, TimePoint until) noexcept;
  void wake(const void* address) noexcept;
  void sleep(Clock::duration time) noexcept { (void)wait(nullptr, now_ + time); }

  // This thread, and those that it starts from now on, belong to that worker.
  void belong_to(int worker) noexcept;
  // Its threads do not run until then, as after SIGSTOP. (One that holds a lock goes on until it has released it: the test's
  // workers share locks that processes do not.)
  void stop(int worker, TimePoint until) noexcept;

  // What happened, in order. It is kept for whoever asks, and its hash tells whether two runs were the same.
  void trace(std::string line);
  [[nodiscard]] const std::vector<std::string>& traced() const noexcept { return trace_; }
  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] uint64_t turns() const noexcept { return turns_; }

  // For the functions of the system.
  struct Thread;
  void make_turn() noexcept;             // at times
  void yield(Clock::duration) noexcept;  // always, and that time passes
  TimePoint look_at_clock() noexcept { return now_ += std::chrono::nanoseconds(50); }
  int start(pthread_t* handle, const pthread_attr_t* attributes, void* (*body)(void*),
            void* argument) noexcept;
  bool join(pthread_t handle, TimePoint until) noexcept;
  int wait_for_events(int epoll_fd, epoll_event* events, int most, int timeout_ms) noexcept;
  void lock(pthread_mutex_t* mutex) noexcept;
  bool try_lock(pthread_mutex_t* mutex) noexcept;
  void unlock(pthread_mutex_t* mutex) noexcept;
  bool wait_for(pthread_cond_t* condition, pthread_mutex_t* mutex, TimePoint until) noexcept;
  void notify(pthread_cond_t* condition, bool all) noexcept;
  void look_at_descriptors() noexcept { look_ = true; }

 private:
  friend struct AtThreadEnd;
  static void* thread_main(void* thread) noexcept;
  void block(const void* address, TimePoint until) noexcept;
  void pass_on(Thread& self) noexcept;
  [[nodiscard]] Thread& next();
  [[nodiscard]] bool is_stopped(const Thread& thread) const noexcept;
  void end_of(Thread& self) noexcept;
  [[noreturn]] void hang(const char* why);

  const Options options_;
  uint64_t random_state_;
  TimePoint now_{std::chrono::hours(1)};
  const TimePoint began_ = now_;
  uint64_t turns_ = 0;
  bool look_ = false;  // somebody who waits for a descriptor may have one
  size_t lock_waiters_ = 0;
  uint32_t threads_made_ = 0;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Thread*> candidates_;
  std::map<int, TimePoint> stopped_;  // workers
  std::vector<std::string> trace_;
  uint64_t hash_ = 14695981039346656037U;
  std::atomic<uint32_t> over_{0};
};

// Of the thread that asks; null outside of any.
[[nodiscard]] Simulation* simulation() noexcept;

}  // namespace tine::chaos
