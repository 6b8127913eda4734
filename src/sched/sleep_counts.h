// SleepCounts: how many threads run and how many search for work, the two numbers by which a poster decides whether to wake
// one.
//
// Both are in one word, w = 2^32 * searching + running, so that one look sees both as they were at one moment. Only sleepers
// and searchers write it; a poster reads it.
//
//   poster:  P1  makes its task visible in a queue      leaver:  L1  changes w: it searches, or runs, no more
//            P2  reads w; if nobody searches and                 L2  AsymmetricFence::heavy(), unless nobody else is counted
//                running < target, wakes a thread                L3  looks at every queue; wakes a thread if there is a task
//
// Claim: P2 sees L1, or L3 sees P1. So no task is left lying while a thread goes to sleep. There are three cases:
//
//   1. The poster is not cheap. Then P2 is a read-modify-write. If P2 comes after L1 in the order of w, it reads what L1 wrote.
//      If it comes before, L1 (also a read-modify-write) synchronizes with it, and L3 sees P1.
//   2. The poster is cheap (only a thread that is itself counted as running may be), and the leaver passed the fence. In L2
//      every running thread of the process passes a full barrier. If the poster passes it before P2, then P2 reads what L1
//      wrote, because L1 came before L2. If it passes it after P2, then P1 was visible before L2 ended, and L3 sees it.
//   3. The poster is cheap, and the leaver left the fence out because nobody else was counted. If the poster was counted before
//      L1, it stopped being counted by a read-modify-write after P1, with which L1 synchronizes: L3 sees P1. If it became
//      counted after L1, it did so by a read-modify-write after L1, and P2 reads what L1 wrote.
//
// It is a template over the atomics, so that the tests run it under every interleaving.
#pragma once

#include <atomic>
#include <cstdint>

namespace tine::sched {

template <template <class> class Atomic = std::atomic>
class SleepCounts {
 public:
  // P2, for a thread that has just made a task visible. True: it must wake a thread. `target` is an int or an atomic one. An
  // atomic one is read after w: the thread that raises it looks at the queues afterwards, as a sleeper does.
  template <class Target>
  [[nodiscard]] bool must_wake(const Target& target, bool cheap) noexcept {
    int64_t word = 0;
    if (cheap) {
      // Keeps the compiler from moving P2 before P1; the leaver's fence does the rest.
      std::atomic_signal_fence(std::memory_order_seq_cst);
      word = word_.load(std::memory_order_seq_cst);
    } else {
      word = word_.fetch_add(0, std::memory_order_seq_cst);
    }
    const int running = running_in(word);
    return running < target && word == running;  // word == running: nobody searches
  }
  void begin_search() noexcept { word_.fetch_add(kSearcher, std::memory_order_seq_cst); }
  // True for the last searcher. Posters have relied on it, so if it found a task it must look for more, and wake the next.
  [[nodiscard]] bool end_search() noexcept {
    const int64_t word = word_.fetch_sub(kSearcher, std::memory_order_seq_cst);
    return word - running_in(word) == kSearcher;
  }

  [[nodiscard]] int running() const noexcept { return running_in(word_.load(std::memory_order_seq_cst)); }
  void run(int more = 1) noexcept { word_.fetch_add(more, std::memory_order_seq_cst); }
  // L1. The caller goes on with L2 and L3.
  void leave() noexcept { word_.fetch_sub(1, std::memory_order_seq_cst); }

 private:
  static constexpr int64_t kSearcher = int64_t{1} << 32;
  // `running` can be negative for a moment, when a thread reports twice that it blocks. So the two counts are added into one
  // word rather than packed as bit fields.
  [[nodiscard]] static int running_in(int64_t word) noexcept { return static_cast<int>(word & 0xffffffff); }

  Atomic<int64_t> word_{0};
};

}  // namespace tine::sched
