#include "src/future/trimming.h"

#include <mutex>
#include <utility>

namespace tine {

// Locks nest so: the Recycler's, mutex_, the timer's.
class Trimming::Keeper final : public Recycler::Keeper, public detail::RefCounted {
 public:
  Keeper(Recycler& recycler, Timer& timer, std::chrono::milliseconds interval) noexcept
      : recycler_(recycler), timer_(timer), interval_(interval) {}

  bool wanted() noexcept override { return begin_interval(); }

  void end() noexcept {
    recycler_.remove(*this);
    detail::Ref<Timer::Entry> last;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      last = std::move(interval_now_);
    }
    if (last) last->stop();
  }

 private:
  // A timer's entry is started once.
  class Interval final : public Timer::Entry {
   public:
    explicit Interval(Keeper& keeper) : keeper_(detail::Ref<Keeper>::share(&keeper)) {}

   private:
    void fire() noexcept override {
      if (!keeper_->recycler_.trim() || keeper_->begin_interval()) return;
      // No memory for another one, or the end: what is kept goes now.
      while (keeper_->recycler_.trim()) continue;
    }
    void abandon() noexcept override {}

    const detail::Ref<Keeper> keeper_;
  };

  bool begin_interval() noexcept {
    try {
      auto next = detail::make_ref<Interval>(*this);
      const std::lock_guard lock(mutex_);
      if (ended_) return false;
      timer_.start(next, Clock::now() + interval_);
      interval_now_ = std::move(next);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  Recycler& recycler_;
  Timer& timer_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  bool ended_ = false;                      // guarded by mutex_
  detail::Ref<Timer::Entry> interval_now_;  // guarded by mutex_
};

Trimming::Trimming(Recycler& recycler, Timer& timer, std::chrono::milliseconds interval)
    : recycler_(recycler), keeper_(detail::make_ref<Keeper>(recycler, timer, interval)) {
  recycler_.add(*keeper_);
}
Trimming::~Trimming() { keeper_->end(); }

}  // namespace tine
