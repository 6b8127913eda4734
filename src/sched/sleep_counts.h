// Who looks for work and who runs: the numbers by which a poster decides whether to wake somebody.
//
// State      Two counts in one word, so that a poster's one look sees both as they were together.
// Threads    Any.
// Ordering   A poster makes its task visible, then calls must_wake(). Whoever stops searching or running changes
//            the count, then, unless nobody else is counted as running, calls AsymmetricFence::heavy(), then
//            looks at the queues. One of the two sees the other:
//             - not cheap: must_wake() reads by a read-modify-write. It comes either after the change in the
//               word's order and reads it, or before: then the change, itself a read-modify-write,
//               synchronizes with it, and the look finds the task.
//             - cheap, which only threads counted as running may be: the heavy fence makes every running
//               thread of the process pass a full barrier. If the poster passes it before it reads the word,
//               it reads the changed count (changed before the fence began). If it passes it later, its task
//               was visible before the fence ended, and the look finds it.
//             - cheap, and no fence, because after the change nobody else was counted: the poster either was
//               uncounted before that, by a read-modify-write behind its post, with which the change
//               synchronizes: the look finds the task. Or it is counted later, and posts after that: it reads
//               the changed count.
// Ownership  None.
// Errors     None.
// Cost       A poster reads one word that only sleepers and searchers write.
// Source     scheduler.h, "Sleep protocol". A template over the atomics, so that the tests run it under every
//            interleaving.
#pragma once

#include <atomic>
#include <cstdint>

namespace tine::sched {

template <template <class> class Atomic = std::atomic>
class SleepCounts {
 public:
  // By who has made a task visible: is it theirs to wake a sleeper? Not while somebody searches.
  // `target`: an int, or an atomic one, then read behind the fence: who raises it looks at the queues, as sleepers do.
  template <class Target>
  [[nodiscard]] bool must_wake(const Target& target, bool cheap) noexcept {
    int64_t word = 0;
    if (cheap) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
      word = word_.load(std::memory_order_seq_cst);
    } else {
      word = word_.fetch_add(0, std::memory_order_seq_cst);
    }
    const int running = running_in(word);
    return running < target && word == running;
  }
  void begin_search() noexcept { word_.fetch_add(kSearcher, std::memory_order_seq_cst); }
  // True for the last searcher: if it found something, it looks for more and wakes the next.
  [[nodiscard]] bool end_search() noexcept {
    const int64_t word = word_.fetch_sub(kSearcher, std::memory_order_seq_cst);
    return word - running_in(word) == kSearcher;
  }

  [[nodiscard]] int running() const noexcept { return running_in(word_.load(std::memory_order_seq_cst)); }
  void run(int more = 1) noexcept { word_.fetch_add(more, std::memory_order_seq_cst); }
  // Whoever leaves looks at the queues once more before it sleeps.
  void leave() noexcept { word_.fetch_sub(1, std::memory_order_seq_cst); }

 private:
  static constexpr int64_t kSearcher = int64_t{1} << 32;
  // Below zero for moments, where a thread says twice that it blocks: so the word is a sum, not two fields.
  [[nodiscard]] static int running_in(int64_t word) noexcept { return static_cast<int>(word & 0xffffffff); }

  Atomic<int64_t> word_{0};
};

}  // namespace tine::sched
