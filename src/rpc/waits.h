// How a thread of a user's waits for other workers in join(), leave() and the like: by slices, between which it may be
// interrupted; with a word on the log when it takes long; and by naps where nobody tells it.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "tine/error.h"
#include "tine/executor.h"

namespace tine::rpc {

// Says on the log, once, what a wait is for that takes long: a person who looks on would not know.
class LongWait {
 public:
  explicit LongWait(const std::function<void(const std::string&)>& log) : log_(log) {}
  // Called again and again while it lasts; what() is the text, or empty where it has just ended.
  template <class F>
  void look(F&& what) {
    if (told_ || !log_ || Clock::now() < from_) return;
    const std::string text = what();
    if (text.empty()) return;
    told_ = true;
    log_(text);
  }

 private:
  static constexpr std::chrono::seconds kLong{5};
  const std::function<void(const std::string&)>& log_;
  const TimePoint from_ = Clock::now() + kLong;
  bool told_ = false;
};

// Calls slice(until) until it says true; false when the deadline passed first. Asks between slices of 100 ms at
// most whether to go on: Cancelled is thrown when not.
template <class Slice>
bool wait_interruptible(TimePoint deadline, const std::function<bool()>& interrupted, const char* what,
                        Slice slice) {
  for (;;) {
    const TimePoint now = Clock::now();
    if (slice(std::min(deadline, now + std::chrono::milliseconds(100)))) return true;
    if (interrupted && interrupted()) throw Cancelled(std::string(what) + " was interrupted");
    if (Clock::now() >= deadline) return false;
  }
}

// For what tells nobody when it changes: looked at after 1 ms, then after twice as long each time, up to 32 ms.
class Naps {
 public:
  // As for wait_interruptible().
  Naps(const std::function<bool()>& interrupted, const char* what) : interrupted_(interrupted), what_(what) {}
  void nap() {
    nap_until(Clock::now() + next_, interrupted_, what_);
    next_ = std::min(next_ * 2, std::chrono::milliseconds(32));
  }
  [[nodiscard]] Clock::duration next() const noexcept { return next_; }

  static void nap_until(TimePoint end, const std::function<bool()>& interrupted, const char* what) {
    (void)wait_interruptible(end, interrupted, what, [](TimePoint until) {
      std::this_thread::sleep_until(until);
      return false;
    });
  }

 private:
  const std::function<bool()>& interrupted_;
  const char* const what_;
  std::chrono::milliseconds next_{1};
};

}  // namespace tine::rpc
