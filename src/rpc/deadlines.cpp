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
      (void)loop_.schedule_at(deadline, [weak = owner_, this] {
        if (auto owner = weak.lock()) sweep(std::move(owner));
      });
    } catch (...) {
      next_.store(INT64_MAX, std::memory_order_seq_cst);  // the next call's has to see to the others, too
      throw;
    }
    return;
  }
}

void Deadlines::sweep(std::shared_ptr<void> owner) noexcept {
  // A call that is added from here on sees the mark and schedules its own sweep, or is seen below.
  next_.store(INT64_MAX, std::memory_order_seq_cst);
  try {
    watch(sweep_(Clock::now()));
  } catch (const std::bad_alloc&) {
    // A timer needs memory, an errand none: the loop comes back here in each of its turns until there is some.
    if (again_) return;
    again_ = std::move(owner);
    if (!loop_.post(*this)) owner = std::move(again_);
  }
}

}  // namespace tine::rpc
