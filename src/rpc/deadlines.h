// Deadlines: one timer for the deadlines of all calls of a worker (docs/spec/agent.md, "Deadline"). It is set to the
// earliest deadline that it was told. A call whose deadline is not the earliest costs one load; each sweep looks at all
// calls.
//
// share() comes before the first watch(), which any thread may call and which throws what the timer throws. Sweeps run on
// the loop's thread, and share the owner of the Deadlines meanwhile.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "tine/executor.h"

namespace tine::rpc {

class Deadlines {
 public:
  using Schedule = std::function<void(TimePoint when, std::function<void()> work)>;
  // Ends what is over by `now`; returns the earliest deadline of the rest.
  using Sweep = std::function<TimePoint(TimePoint now)>;
  Deadlines(Schedule schedule, Sweep sweep) : schedule_(std::move(schedule)), sweep_(std::move(sweep)) {}

  // `owner` keeps it alive.
  void share(std::weak_ptr<void> owner) { owner_ = std::move(owner); }
  // After this call the sweep comes in time for that deadline. REQUIRES: the sweep can find the call by now.
  void watch(TimePoint deadline);

 private:
  void sweep() noexcept;

  const Schedule schedule_;
  const Sweep sweep_;
  std::weak_ptr<void> owner_;
  std::atomic<int64_t> next_{INT64_MAX};  // ticks of the clock
};

}  // namespace tine::rpc
