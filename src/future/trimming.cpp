#include "src/future/trimming.h"

#include <utility>

#include "src/base/mutex.h"

namespace tine {

// It is called under the Recycler's lock (wanted()), and calls the timer under its own: docs/spec/threads.md has the order.
class Trimming::Keeper final : public Recycler::Keeper, public detail::RefCounted {
 public:
  Keeper(Recycler& recycler, Timer& timer, std::chrono::milliseconds interval) noexcept
      : recycler_(recycler), timer_(timer), interval_(interval) {}

  bool wanted() noexcept override { return begin_interval(); }

  void end() noexcept {
    recycler_.remove(*this);
    detail::Ref<Timer::Entry> last;
    {
      const MutexLock lock(mutex_);
      ended_ = true;
      last = std::move(interval_now_);
    }
    if (last) last->stop();
  }

 private:
  // A timer's entry is started once, so each interval has its own.
  class Interval final : public Timer::Entry {
   public:
    explicit Interval(Keeper& keeper) : keeper_(detail::Ref<Keeper>::share(&keeper)) {}

   private:
    void fire() noexcept override {
      if (!keeper_->recycler_.trim() || keeper_->begin_interval()) return;
      // There is no memory for another interval, or this is the end: what is kept goes now.
      while (keeper_->recycler_.trim()) continue;
    }
    void abandon() noexcept override {}

    const detail::Ref<Keeper> keeper_;
  };

  bool begin_interval() noexcept {
    try {
      auto next = detail::make_ref<Interval>(*this);
      const MutexLock lock(mutex_);
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
  Mutex mutex_;
  bool ended_ TINE_GUARDED_BY(mutex_) = false;
  detail::Ref<Timer::Entry> interval_now_ TINE_GUARDED_BY(mutex_);
};

Trimming::Trimming(Recycler& recycler, Timer& timer, std::chrono::milliseconds interval)
    : recycler_(recycler), keeper_(detail::make_ref<Keeper>(recycler, timer, interval)) {
  recycler_.add(*keeper_);
}
Trimming::~Trimming() { keeper_->end(); }

}  // namespace tine
