// The word of a state, for which threads race, apart from everything that hangs on it. state.h says what is in it, and
// docs/spec/future.md what may happen to it. It is a template over the atomics, so that the tests run these very lines under
// every interleaving.
#pragma once

#include <atomic>
#include <cstdint>

namespace tine::detail {

// N has a member next_ of type N*. `tail` is the node that ends a list made while callbacks run. It is the same in every call.
template <class N, template <class> class Atomic = std::atomic>
class StateWord {
 public:
  static constexpr uintptr_t kOutcome = 7;

  [[nodiscard]] uintptr_t load(std::memory_order order) const noexcept { return word_.load(order); }
  [[nodiscard]] static N* node_in(uintptr_t word) noexcept { return reinterpret_cast<N*>(word & ~kOutcome); }

  // Adds a callback. True if the state was done and idle: then this thread drains from now on. It runs the node, then leave()s.
  [[nodiscard]] bool add(N* node, N* tail) noexcept {
    uintptr_t word = word_.load(std::memory_order_acquire);
    for (;;) {
      const uintptr_t code = word & kOutcome;
      N* const head = node_in(word);
      if (code && !head) {
        if (word_.compare_exchange_weak(word, bits(tail) | code, std::memory_order_acquire,
                                        std::memory_order_acquire)) {
          node->next_ = nullptr;
          return true;
        }
        continue;
      }
      node->next_ = head;
      if (word_.compare_exchange_weak(word, bits(node) | code, std::memory_order_release,
                                      std::memory_order_acquire)) {
        return false;
      }
    }
  }

  // Moves pending to `code`; false if it was done. `*newest` is the list that this thread then has to drain, null for none.
  // If alone() returns true, nobody else can add, finish or sleep, and no read-modify-write is needed.
  //
  // A thread that is about to sleep stores its hub, then reads the word; the finisher changes the word, then reads the hub. All
  // four are seq_cst, so at least one of the two sees the other, and no wake-up is lost.
  template <class Alone>
  [[nodiscard]] bool finish(uintptr_t code, N* tail, Alone alone, N** newest) noexcept {
    uintptr_t word = word_.load(std::memory_order_relaxed);
    if (word & kOutcome) return false;
    if (alone()) {
      // alone() acquired what threads that are gone now did to the word: look again.
      word = word_.load(std::memory_order_relaxed);
      if (word & kOutcome) return false;
      word_.store(word ? bits(tail) | code : code, std::memory_order_release);
    } else {
      while (!word_.compare_exchange_weak(word, word ? bits(tail) | code : code, std::memory_order_seq_cst,
                                          std::memory_order_relaxed)) {
        if (word & kOutcome) return false;
      }
    }
    *newest = node_in(word);
    return true;
  }

  // finish() by the only owner, for the usual case. True if it was pending without callbacks; now it is `code`.
  [[nodiscard]] bool finish_alone(uintptr_t code) noexcept {
    if (word_.load(std::memory_order_relaxed) != 0) return false;
    word_.store(code, std::memory_order_release);
    return true;
  }

  // This thread has run all callbacks it had. True: none came meanwhile, and the word is idle. False: `*more` is what came,
  // newest first, ending in the tail, and this thread drains that.
  template <class Alone>
  [[nodiscard]] bool leave(uintptr_t code, N* tail, Alone alone, N** more) noexcept {
    uintptr_t word = bits(tail) | code;
    if (alone() && word_.load(std::memory_order_relaxed) == word) {
      word_.store(code, std::memory_order_release);
      return true;
    }
    if (word_.compare_exchange_strong(word, code, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return true;
    }
    // Others may only add, so the list is not empty: take all of it and leave the tail.
    word = word_.exchange(bits(tail) | code, std::memory_order_acq_rel);
    *more = node_in(word);
    return false;
  }

 private:
  static uintptr_t bits(const N* p) noexcept { return reinterpret_cast<uintptr_t>(p); }
  Atomic<uintptr_t> word_{0};
};

}  // namespace tine::detail
