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
  Deadlines(Loop& loop, Sweep sweep) : loop_(loop), sweep_(std::move(sweep)) {}

  // `owner` keeps it alive.
  void share(std::weak_ptr<void> owner) { owner_ = std::move(owner); }
  // After this call the sweep comes in time for that deadline. REQUIRES: the sweep can find the call by now.
  void watch(TimePoint deadline);

 private:
  void sweep(std::shared_ptr<void> owner) noexcept;
  void run_errand() noexcept override { sweep(std::move(again_)); }
  void drop_errand() noexcept override { const auto last = std::move(again_); }

  Loop& loop_;
  const Sweep sweep_;
  std::weak_ptr<void> owner_;
  std::shared_ptr<void> again_;           // the owner, while the errand is posted; the loop's thread alone
  std::atomic<int64_t> next_{INT64_MAX};  // ticks of the clock
};

}  // namespace tine::rpc
