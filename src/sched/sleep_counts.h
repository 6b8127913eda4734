// Who looks for work and who runs: the numbers by which a poster decides whether to wake somebody.
//
// State      Two counts.
// Threads    Any.
// Ordering   All seq_cst: the argument in scheduler.h needs one order over these and the queues.
// Ownership  None.
// Errors     None.
// Cost       A poster reads one or two words that only sleepers write.
// Source     scheduler.h, "Sleep protocol". A template over the atomics, so that the tests run it under every
//            interleaving.
#pragma once

#include <atomic>

namespace tine::sched {

template <template <class> class Atomic = std::atomic>
class SleepCounts {
 public:
  // By who has made a task visible: is it theirs to wake a sleeper?
  [[nodiscard]] bool must_wake(int target) const noexcept {
    if (searchers_.load(std::memory_order_seq_cst) > 0) return false;
    return running_.load(std::memory_order_seq_cst) < target;
  }
  void begin_search() noexcept { searchers_.fetch_add(1, std::memory_order_seq_cst); }
  // True for the last searcher: if it found something, it looks for more and wakes the next.
  [[nodiscard]] bool end_search() noexcept { return searchers_.fetch_sub(1, std::memory_order_seq_cst) == 1; }

  [[nodiscard]] int running() const noexcept { return running_.load(std::memory_order_seq_cst); }
  void run(int more = 1) noexcept { running_.fetch_add(more, std::memory_order_seq_cst); }
  // Whoever leaves looks at the queues once more before it sleeps.
  void leave() noexcept { running_.fetch_sub(1, std::memory_order_seq_cst); }

 private:
  Atomic<int> searchers_{0};
  Atomic<int> running_{0};
};

}  // namespace tine::sched
