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
  Fuel(Clock::duration interval, int32_t first, int32_t most = 1 << 22) noexcept
      : left(first), interval_(interval), most_(most), quota_(first) {}
  int32_t left;

  // What was used up since the last refill.
  [[nodiscard]] int32_t used() const noexcept { return quota_ - left; }
  // The next look happens after so many at the latest.
  void cap(int64_t most) noexcept { left = quota_ = static_cast<int32_t>(std::min<int64_t>(quota_, most)); }

  // True when it is time to poll.
  bool refill() noexcept {
    const TimePoint now = Clock::now();
    const auto spent = last_ == TimePoint() ? interval_ : now - last_;
    // Up by a factor of 2, down by a factor of 4: a late look is worse than an early one.
    if (spent < interval_ / 4 && quota_ < most_) {
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
  const Clock::duration interval_;
  const int32_t most_;
  int32_t quota_;
  // The clock is not read before the first look, which a short run never reaches.
  TimePoint last_;
  TimePoint due_;
};

}  // namespace tine::vm
