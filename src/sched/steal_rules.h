// Whom a thief tries first, and what it leaves alone. Each thief has its own.
#pragma once

#include <chrono>
#include <cstdint>

#include "tine/executor.h"

namespace tine::sched {

// A sequence of random numbers (Marsaglia's xorshift, seeded by splitmix64). The same seed and index give the same one.
class VictimOrder {
 public:
  // That of the index-th worker of a pool with that seed.
  VictimOrder(uint64_t seed, int index) noexcept {
    uint64_t z = seed + 0x9e3779b97f4a7c15u * (static_cast<uint64_t>(index) + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    state_ = (z ^ (z >> 31)) | 1;  // xorshift never leaves 0
  }
  uint64_t next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  uint64_t state_;
};

// Whether a thief leaves a victim's single entry alone. The entry is fresh for 2 us after the thief saw it first. Its owner
// will most likely wait for it at once; if the thief took it, a fork and its wait would cost a trip to another core.
class FreshRule {
 public:
  static constexpr auto kFresh = std::chrono::microseconds(2);

  // For a victim that has a single entry and has pushed `pushes` in all.
  [[nodiscard]] bool leave_alone(uint64_t pushes, TimePoint now) noexcept {
    if (pushes_ != pushes) {
      pushes_ = pushes;
      since_ = now;
      return true;
    }
    return now - since_ < kFresh;
  }

 private:
  uint64_t pushes_ = 0;
  TimePoint since_;
};

}  // namespace tine::sched
