// Fuel: decides when a running script looks at the clock. Reading the clock at each iteration of a loop would be slower
// than the iteration.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tine/executor.h"

namespace tine::vm {

// Counts loop iterations and calls down to the next look at the clock. The count adapts to the time that they take, so
// that the clock is read about once in an interval.
class Fuel {
 public:
  Fuel(Clock::duration interval, int32_t first) noexcept : left(first), interval_(interval), quota_(first) {}
  int32_t left;

  // True when it is time to poll.
  bool refill() noexcept {
    const TimePoint now = Clock::now();
    const auto spent = now - last_;
    // Up by a factor of 2, down by a factor of 4: a late look is worse than an early one.
    if (spent < interval_ / 4 && quota_ < kMost) {
      quota_ *= 2;
    } else if (spent > interval_ * 2 && quota_ > 1) {
      quota_ = std::max(1, quota_ / 4);
    }
    left = quota_;
    last_ = now;
    if (now < due_) return false;
    due_ = now + interval_;
    return true;
  }

 private:
  static constexpr int32_t kMost = 1 << 22;
  const Clock::duration interval_;
  int32_t quota_;
  TimePoint last_ = Clock::now();
  TimePoint due_ = last_;
};

}  // namespace tine::vm
