// Deadlines: one timer for the deadlines of all calls of a worker (docs/spec/agent.md, "Deadline"). It is set to the
// earliest deadline that it was told. A call whose deadline is not the earliest costs one load; each sweep looks at all
// calls.
//
// share() comes before the first watch(), which any thread may call and which throws what the loop throws. Sweeps run on
// the loop's thread, and share the owner of the Deadlines meanwhile.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

class Deadlines final : private Loop::Errand {
 public:
  // Ends what is over by `now`; returns the earliest deadline of the rest. It does not throw.
  using Sweep = std::function<TimePoint(TimePoint now)>;
  // `loop` is asked with the first deadline.
  Deadlines(std::function<Loop&()> loop, Sweep sweep) : loop_(std::move(loop)), sweep_(std::move(sweep)) {}

  // `owner` keeps it alive.
  void share(std::weak_ptr<void> owner) { owner_ = std::move(owner); }
  // After this call the sweep comes in time for that deadline, also for other threads' calls where it throws. REQUIRES: the
  // sweep can find the call by now.
  void watch(TimePoint deadline);

 private:
  void sweep(std::shared_ptr<void> owner) noexcept;
  // A sweep at the loop's next turn, for which an errand needs no memory.
  void come_back() noexcept;
  [[nodiscard]] std::shared_ptr<void> take_errand() noexcept;
  void run_errand() noexcept override { sweep(take_errand()); }
  void drop_errand() noexcept override { const auto last = take_errand(); }

  const std::function<Loop&()> loop_;
  const Sweep sweep_;
  std::weak_ptr<void> owner_;
  std::atomic<bool> errand_posted_{false};
  std::shared_ptr<void> errands_owner_;   // of the thread that set errand_posted_, then of the errand
  std::atomic<int64_t> next_{INT64_MAX};  // ticks of the clock
};

}  // namespace tine::rpc
