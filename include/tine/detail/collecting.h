// The machine of collect_all, collect_all_settled, collect_any, gather and wait_all: which input decides, and until when
// the inputs are kept. docs/spec/future.md draws it and numbers its invariants. C++ and Python run these very lines,
// and so do the tests of interleavings.
#pragma once

#include <atomic>
#include <cstddef>

namespace tine::detail {

enum class Rule : unsigned char {
  kAll,      // when all are done: the futures, or the first failure in input order
  kSettled,  // when all are done: the futures
  kAny,      // with the first that is done: its index and itself
  kGather,  // when all have values: those; with the first failure in time: that, and the others are cancelled
  kFailFast,  // the same, but the others go on
};

// Self is the result and has, for input i,
//   failed(i)       whether it failed; it is done
//   keep(i)         takes a reference to it; it is done and alive
//   drop(i)         gives that up
//   cancel(i)       cancels it, unless it is done; it is alive
// and of its own
//   decided_by(i)   completes the result by input i alone
//   decided()       completes the result by all inputs, which are kept
//   cancel_rest()   calls cancel_each(), where that is allowed
//   kHeldByEach     whether each input's node keeps this object by a reference of its own; else one keeps it for all
//   let_go()        gives up the reference of one input's node, or the one for all
template <class Self, template <class> class Atomic = std::atomic>
class Collecting {
 public:
  explicit Collecting(size_t inputs) noexcept : size_(inputs), present_(inputs) {}

  [[nodiscard]] size_t size() const noexcept { return size_; }

  // Input i is done: called once for each, on any thread.
  void arrive(size_t i) noexcept {
    auto& self = this->self();
    const Rule rule = self.rule();
    self.keep(i);
    if (decides_alone(rule, i) && decide()) {
      self.decided_by(i);
      // The only one present is the last: there is nothing left to cancel.
      if (rule == Rule::kGather && present_.load(std::memory_order_relaxed) > 1) self.cancel_rest();
    }
    leave();
  }

  // The result was cancelled, on any thread: kGather's inputs are cancelled, too.
  void give_up() noexcept {
    if (!decide() || !enter()) return;
    self().cancel_rest();
    leave();
  }

  void cancel_each() noexcept {
    // An input is alive while this thread is present: until it has arrived by its producer, then by keep().
    for (size_t i = 0; i < size_; ++i) self().cancel(i);
  }

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  [[nodiscard]] bool decides_alone(Rule rule, size_t i) noexcept {
    if (rule == Rule::kAny) return true;
    return (rule == Rule::kGather || rule == Rule::kFailFast) && self().failed(i);
  }
  // True for the first caller.
  [[nodiscard]] bool decide() noexcept { return decided_.exchange(1, std::memory_order_acq_rel) == 0; }

  // True: nobody is the last before this thread has left. False: all have left, and nothing is kept.
  [[nodiscard]] bool enter() noexcept {
    size_t present = present_.load(std::memory_order_acquire);
    while (present != 0) {
      if (present_.compare_exchange_weak(present, present + 1, std::memory_order_acquire,
                                         std::memory_order_acquire)) {
        return true;
      }
    }
    return false;
  }
  void leave() noexcept {
    auto& self = this->self();
    const bool last = present_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    if (last) {
      const Rule rule = self.rule();
      const bool waits_for_all = rule == Rule::kAll || rule == Rule::kSettled;
      if (waits_for_all || decide()) self.decided();
      for (size_t i = 0; i < size_; ++i) self.drop(i);
    }
    // Where one reference stands for all, this object may be gone unless this was the last.
    if (Self::kHeldByEach || last) self.let_go();
  }

  const size_t size_;
  Atomic<size_t> present_;  // inputs that have not left, and callers of give_up()
  Atomic<unsigned char> decided_{0};
};

}  // namespace tine::detail
