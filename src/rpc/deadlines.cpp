#include "src/rpc/deadlines.h"

namespace tine::rpc {
namespace {

int64_t ticks(TimePoint t) noexcept { return t.time_since_epoch().count(); }

}  // namespace

void Deadlines::watch(TimePoint deadline) {
  if (deadline == kNoDeadline) return;
  int64_t next = next_.load(std::memory_order_seq_cst);
  while (ticks(deadline) < next) {
    if (!next_.compare_exchange_weak(next, ticks(deadline), std::memory_order_seq_cst)) continue;
    try {
      (void)loop_().schedule_at(deadline, [weak = owner_, this] {
        if (auto owner = weak.lock()) sweep(std::move(owner));
      });
    } catch (...) {
      // Others may have seen the mark meanwhile, and rely on it.
      next_.store(INT64_MAX, std::memory_order_seq_cst);
      come_back();
      throw;
    }
    return;
  }
}

void Deadlines::sweep([[maybe_unused]] std::shared_ptr<void> owner) noexcept {
  // A call that is added from here on sees the mark and schedules its own sweep, or is seen below.
  next_.store(INT64_MAX, std::memory_order_seq_cst);
  try {
    watch(sweep_(Clock::now()));
  } catch (const std::exception&) {
    // watch() has called come_back(): the loop sweeps again in its next turn, and so on until there is memory for a timer.
  }
}

void Deadlines::come_back() noexcept {
  if (errand_posted_.exchange(true, std::memory_order_acq_rel)) return;
  errands_owner_ = owner_.lock();
  bool posted = false;
  try {
    posted = errands_owner_ && loop_().post(*this);
  } catch (const std::exception&) {
    // There is no loop yet, and none can be made: the caller hears of it from watch().
  }
  if (!posted) (void)take_errand();
}

std::shared_ptr<void> Deadlines::take_errand() noexcept {
  auto owner = std::move(errands_owner_);
  errand_posted_.store(false, std::memory_order_release);
  return owner;
}

}  // namespace tine::rpc
