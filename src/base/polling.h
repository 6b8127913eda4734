// PollPolicy and PollTurn: when polling pays, and for how long. Everything in tine that polls does it with these.
//
// To wake a peer that sleeps on another core costs 85 us; one that polls answers in 5. But if more threads spin than there are
// cores, spinning costs milliseconds. So a turn of polling is bounded and gives way to others. Where it did not pay it is
// tried ever more rarely: after 1, 2, 4 ... 1,024 messages; a hit halves that number. A turn reads the clock once for each
// yield. One thread at a time uses either object.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "tine/executor.h"

namespace tine {

// How long each of them polls at most.
struct PollTimes {
  using us = std::chrono::microseconds;
  static constexpr us kTask{20};        // a waiter looks at what a pool's task completes
  static constexpr us kSearch{50};      // an idle worker looks for work
  static constexpr us kConnection{50};  // a waiter, and the loop after it had work: an option of both
};

class PollPolicy {
 public:
  static constexpr uint32_t kMaxSkip = 1024;

  // Asked once for each message (or wait).
  [[nodiscard]] bool should_poll() noexcept {
    if (left_ == 0) return true;
    --left_;
    return false;
  }
  void hit() noexcept { skip_ /= 2; }
  // What came after so short a sleep would have been a hit.
  void would_have_hit() noexcept { skip_ = left_ = 0; }
  // For one who does not see what comes when it does not poll: the thread that reads it in its place says came().
  [[nodiscard]] bool should_poll(TimePoint now) noexcept {
    const bool poll = should_poll();
    skipped_at_ = poll ? TimePoint{} : now;
    return poll;
  }
  void came(TimePoint now, std::chrono::microseconds budget) noexcept {
    if (skipped_at_ == TimePoint{}) return;
    if (now - skipped_at_ < budget) would_have_hit();
    skipped_at_ = {};
  }
  void miss() noexcept {
    skip_ = std::clamp<uint32_t>(2 * skip_, 1, kMaxSkip);
    left_ = skip_;
  }
  [[nodiscard]] uint32_t skip() const noexcept { return skip_; }

 private:
  uint32_t skip_ = 0;
  uint32_t left_ = 0;
  TimePoint skipped_at_{};  // the last time that should_poll(now) said no, and nothing has come since
};

// Between two looks at memory that another core writes.
inline void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

// How often whoever polls looks at memory that another processor writes, which costs no system call, before it gives way to
// other threads.
inline constexpr int kLooksInARow = 64;

class PollTurn {
 public:
  static constexpr std::chrono::microseconds kLongYield{200};

  explicit PollTurn(std::chrono::microseconds budget, TimePoint deadline = kNoDeadline) noexcept
      : now_(Clock::now()), budget_(budget), deadline_(deadline), until_(std::min(now_ + budget, deadline)) {}
  // Lets another thread have this processor. False: the budget is spent, or another thread kept the processor for long.
  [[nodiscard]] bool yield() noexcept {
    if (now_ >= until_) return false;
    const TimePoint before = now_;
    ::sched_yield();
    now_ = Clock::now();
    return now_ - before <= kLongYield;
  }
  void restart() noexcept {
    now_ = Clock::now();
    until_ = std::min(now_ + budget_, deadline_);
  }
  [[nodiscard]] TimePoint now() const noexcept { return now_; }

 private:
  TimePoint now_;
  std::chrono::microseconds budget_;
  TimePoint deadline_;
  TimePoint until_;
};

}  // namespace tine
