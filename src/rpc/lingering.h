// Lingering: a handler thread that has run a call reads the caller's connection for a while, and runs the next call of a
// handler itself. So a call costs no hand-over from the thread that reads to a handler thread.
//
// Durations remembers which functions have been short of late: by a hash of their names, in a fixed table. Any thread may use
// it; two functions that share a place are short when both are.
#pragma once

#include <array>
#include <atomic>
#include <string_view>

#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class IncomingState;

class Durations {
 public:
  static constexpr std::chrono::microseconds kShort{20};
  static constexpr uint8_t kEnough = 8;  // short ones in a row

  [[nodiscard]] bool is_short(size_t hash) const noexcept {
    return short_in_a_row_[hash % kFunctions].load(std::memory_order_relaxed) >= kEnough;
  }
  void note(size_t hash, Clock::duration took) noexcept {
    auto& place = short_in_a_row_[hash % kFunctions];
    const uint8_t before = place.load(std::memory_order_relaxed);
    if (took > kShort) {
      place.store(0, std::memory_order_relaxed);
    } else if (before < kEnough) {
      place.store(static_cast<uint8_t>(before + 1), std::memory_order_relaxed);
    }
  }

 private:
  static constexpr size_t kFunctions = 1024;
  std::array<std::atomic<uint8_t>, kFunctions> short_in_a_row_{};
};

class Lingering final : public Lingerer {
 public:
  // Runs the call's handler and notes how long that took.
  static TimePoint run(detail::Ref<IncomingState> call, size_t hash, Durations& durations) noexcept;
  [[nodiscard]] static size_t hash_of(const IncomingState& call) noexcept;
  // By a handler thread that has run a call of that connection.
  static void at(Connection& connection, Durations& durations, const Executor& pool) noexcept;
  // Leaves the call with this thread, if it lingers and has none. Otherwise false.
  [[nodiscard]] static bool take(IncomingState& call) noexcept;

  bool has_work() const noexcept override { return static_cast<bool>(call_); }
  // At the latest a millisecond after tasks began to wait for a thread of its pool.
  bool has_enough() noexcept override;
  bool is_short() const noexcept override;
  void run() noexcept override;

 private:
  Lingering(Durations& durations, const Executor& pool) noexcept;
  ~Lingering();

  static constexpr std::chrono::milliseconds kBetweenLooks{1};

  Durations& durations_;
  const Executor& pool_;  // of this thread
  TimePoint looked_at_ = Clock::now();
  TimePoint now_ = looked_at_;  // when the last call ended
  detail::Ref<IncomingState> call_;
  size_t hash_ = 0;
};

}  // namespace tine::rpc
