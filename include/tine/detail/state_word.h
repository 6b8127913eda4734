// The word that everybody races for on a future, apart from what hangs on it: see state.h for its values and the
// rules. A template over the atomics, so that the tests run these very lines under every interleaving.
#pragma once

#include <atomic>
#include <cstdint>

namespace tine::detail {

// N has a member next_ of type N*. `tail` is the mark that ends a list made while callbacks run; the same node in
// every call.
template <class N, template <class> class Atomic = std::atomic>
class StateWord {
 public:
  static constexpr uintptr_t kOutcome = 7;

  [[nodiscard]] uintptr_t load(std::memory_order order) const noexcept { return word_.load(order); }
  [[nodiscard]] static N* node_in(uintptr_t word) noexcept { return reinterpret_cast<N*>(word & ~kOutcome); }

  // Adds a callback. True: the state is done and idle, and this thread now drains: it runs the node, then
  // leaves.
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

  // Moves pending to `code`. False when it was done. `*newest` is the list this thread then has to drain, null
  // for none. `alone()`: nobody else can add, finish or sleep; then it needs no read-modify-write.
  // seq_cst with the sleeper's second look: it sees the outcome or we see its hub.
  template <class Alone>
  [[nodiscard]] bool finish(uintptr_t code, N* tail, Alone alone, N** newest) noexcept {
    uintptr_t word = word_.load(std::memory_order_relaxed);
    if (word & kOutcome) return false;
    if (alone()) {
      // The acquire in alone() ordered those who were there before.
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

  // By the only owner: true when it was pending without callbacks and is now `code`.
  [[nodiscard]] bool finish_alone(uintptr_t code) noexcept {
    if (word_.load(std::memory_order_relaxed) != 0) return false;
    word_.store(code, std::memory_order_release);
    return true;
  }

  // The drainer has run all it had. True: nothing came meanwhile and the word is idle. Else `*more` is what
  // came, newest first, ending in the tail, and this thread goes on.
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
    // Only this thread drains, so what was seen can only have grown; take it all.
    word = word_.exchange(bits(tail) | code, std::memory_order_acq_rel);
    *more = node_in(word);
    return false;
  }

 private:
  static uintptr_t bits(const N* p) noexcept { return reinterpret_cast<uintptr_t>(p); }
  Atomic<uintptr_t> word_{0};
};

}  // namespace tine::detail
