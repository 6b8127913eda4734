// Timer: futures and deadlines that come with time. Scheduler::timer() is one.
//
//   Future<void> rung = pool.timer().sleep_for(100ms).then([](Future<void>) { ... });
//
// A Timer runs until it is destroyed. Its thread, "tine-timer", starts with the first entry and sleeps until the next time.
// All functions but the destructor may be called from any thread. Entries fire in the order of their times; equal times in any
// order.
//
// Destroying the timer fails sleeping futures with Abandoned. In a child after fork(2) a sleep on a timer of the parent fails
// in the same way. To add, stop or fire an entry takes O(log n) of n entries.
#pragma once

#include <memory>

#include "tine/future.h"

namespace tine {

class TINE_API Timer {
  struct TINE_LOCAL Core;

 public:
  // Something that is to happen at a time. The timer keeps it until it fires, is stopped or is abandoned.
  class TINE_API Entry : public detail::RefCounted {
   public:
    // Takes it out of its timer. False if it has fired, is firing now, or was never started.
    bool stop() noexcept;

   protected:
    friend class Timer;
    // Called once, on the timer's thread: it must be short and take no lock of a user's.
    virtual void fire() noexcept = 0;
    // Called instead if the timer ends first, on the thread that destroys it.
    virtual void abandon() noexcept = 0;

   private:
    std::shared_ptr<Core> core_;
    TimePoint when_{};
    size_t place_ = 0;  // in the heap, from 1; 0: not in
  };

  // Callbacks of users that hang on what fires are posted to `callbacks`, so that none holds up the timer's thread.
  explicit Timer(Executor& callbacks);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Starts an entry, which may be done once for each. An entry whose time has passed fires at once, on the timer's thread.
  void start(const detail::Ref<Entry>& entry, TimePoint when);

  // A future that becomes done at that time. Like any future it belongs to the caller's Context. cancel() takes it out of the
  // timer.
  [[nodiscard]] Future<void> sleep_until(TimePoint when);
  template <class Rep, class Period>
  [[nodiscard]] Future<void> sleep_for(std::chrono::duration<Rep, Period> time) {
    return sleep_until(Clock::now() + std::chrono::ceil<Clock::duration>(time));
  }
  // How many entries have not fired.
  [[nodiscard]] size_t size() const noexcept;

  // For the owner, in a child after fork(2), where the timer's thread is not: leaks what that thread may have locked.
  void leave_in_child() noexcept;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace tine
