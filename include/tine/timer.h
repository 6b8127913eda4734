// Timer: futures and deadlines that come with time.
//
// State      Runs until destroyed; its thread, "tine-timer", starts with the first entry.
// Threads    Any, but for the destructor.
// Ordering   Entries fire in the order of their times; equal times in no order.
// Ownership  An entry is counted: the timer holds it until it fires, is stopped or is abandoned.
// Errors     Destroying the timer fails sleeping futures with Abandoned. So fails a sleep begun in a child after
//            fork(2) with a timer of the parent's.
// Cost       A heap of entries: O(log n) to add, to stop and to fire. One thread, asleep until the next time.
// Source     The classic indexed binary heap.
#pragma once

#include <memory>

#include "tine/future.h"

namespace tine {

class TINE_API Timer {
  struct Core;

 public:
  class TINE_API Entry : public detail::RefCounted {
   public:
    // Takes it out. False when it has fired, fires now, or was never in.
    bool stop() noexcept;

   protected:
    friend class Timer;
    virtual void fire() noexcept = 0;     // on the timer's thread; short, takes no user's lock
    virtual void abandon() noexcept = 0;  // the timer ends first

   private:
    std::shared_ptr<Core> core_;
    TimePoint when_{};
    size_t place_ = 0;  // in the heap, from 1; 0: not in
  };

  // Users' callbacks of what fires are posted there: none holds up the timer's thread.
  explicit Timer(Executor& callbacks);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // An entry is started once.
  void start(const detail::Ref<Entry>& entry, TimePoint when);

  // Done then; cancel() takes it out.
  [[nodiscard]] Future<void> sleep_until(TimePoint when);
  template <class Rep, class Period>
  [[nodiscard]] Future<void> sleep_for(std::chrono::duration<Rep, Period> time) {
    return sleep_until(Clock::now() + std::chrono::ceil<Clock::duration>(time));
  }
  [[nodiscard]] size_t size() const noexcept;  // entries that have not fired

  // In the child after fork(2): its thread is not there. Nothing of it is touched any more.
  void leave_in_child() noexcept;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace tine
