// A deterministic tester of lock-free protocols: it runs real code under every order of its atomic operations.
//
// A scenario's threads are fibres of the calling thread. They change only at operations of Atomic and in block_until. A
// scenario is made afresh for each run. The tester finds wrong orders of steps; it does not find missing fences, because its
// memory is sequentially consistent. Few preemptions find most errors (CHESS; Musuvathi and Qadeer, PLDI 2007). A switch costs
// about half a microsecond.
//
// A run fails when require() does, when every unfinished fibre is blocked, or after 100,000 steps. Its choices are in the
// report, and replay it. Fibres that a failed run leaves in the middle of their work are not unwound.
#pragma once

#include <ucontext.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tine::interleave {

struct Scenario {
  std::vector<std::function<void()>> threads;
  std::function<void()> check;  // when all threads are through; calls require
};

struct Report {
  size_t runs = 0;
  bool exhausted = false;  // there are no other orders within the bound of preemptions
  std::string failure;     // empty: none
  std::vector<uint8_t> choices;
};

// For the log: how many orders were run.
inline void tell(const char* what, const Report& deep, const Report& wide) {
  std::printf("%s: %zu interleavings depth first%s, %zu at random\n", what, deep.runs,
              deep.exhausted ? " (all there are)" : "", wide.runs);
}

class Explorer {
 public:
  // Depth first through all orders with at most that many preemptions, at most `runs` of them.
  static Report exhaustive(const std::function<Scenario()>& make, size_t runs, int preemptions);
  // That many runs with random choices.
  static Report random(const std::function<Scenario()>& make, size_t runs, uint64_t seed);

  static void step();  // another fibre may go on here
  static void block_until(std::function<bool()> condition);
  static void fail(const std::string& what);

 private:
  static constexpr size_t kStack = size_t{128} << 10;
  static constexpr size_t kMaxSteps = 100'000;
  static Explorer*& active() noexcept {
    static thread_local Explorer* now = nullptr;
    return now;
  }
  struct Fibre {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    std::function<void()> body;
    std::function<bool()> blocked_until;
    bool finished = false;
  };
  struct Choice {
    uint8_t taken;
    uint8_t of;
  };

  Explorer() = default;
  bool run_once(const std::function<Scenario()>& make);
  void prepare(Fibre& fibre, std::function<void()> body);
  bool next_schedule();
  int pick(int current);
  size_t choose(size_t of);
  void switch_from(Fibre& fibre);
  Report report(size_t runs, bool exhausted) const;
  static void enter(unsigned low, unsigned high);

  std::vector<std::unique_ptr<Fibre>> fibres_;
  ucontext_t main_{};
  int current_ = -1;
  int chosen_ = -1;
  int preemptions_ = 0;
  int max_preemptions_ = 0;
  uint64_t random_ = 0;  // 0: depth first
  std::vector<Choice> choices_;
  size_t depth_ = 0;
  size_t steps_ = 0;
  std::string failure_;
};

inline void require(bool condition, const char* what) {
  if (!condition) Explorer::fail(what);
}

// Stands in for std::atomic.
template <class T>
class Atomic {
 public:
  Atomic() noexcept = default;
  constexpr Atomic(T value) noexcept : value_(value) {}

  T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
    Explorer::step();
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    return std::exchange(value_, value);
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    return std::exchange(value_, value_ + value);
  }
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    return std::exchange(value_, value_ - value);
  }
  T fetch_and(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    return std::exchange(value_, static_cast<T>(value_ & value));
  }
  T fetch_or(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    return std::exchange(value_, static_cast<T>(value_ | value));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    Explorer::step();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = desired;
    return true;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order a = std::memory_order_seq_cst,
                             std::memory_order b = std::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, a, b);
  }

 protected:
  T value_{};
};

// Broken on purpose: its compare-and-swap can be interrupted between the two. A tester that lets a protocol
// over it pass is not a tester.
template <class T>
class TornAtomic : public Atomic<T> {
 public:
  using Atomic<T>::Atomic;
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    if (const T seen = this->load(); seen != expected) {
      expected = seen;
      return false;
    }
    this->store(desired);
    return true;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order a = std::memory_order_seq_cst,
                             std::memory_order b = std::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, a, b);
  }
};

inline void Explorer::enter(unsigned low, unsigned high) {
  auto* const self = reinterpret_cast<Explorer*>(uintptr_t{low} | uintptr_t{high} << 32);
  for (;;) {
    Fibre& fibre = *self->fibres_[static_cast<size_t>(self->current_)];
    fibre.body();
    fibre.finished = true;
    self->chosen_ = self->pick(-1);
    self->switch_from(fibre);
  }
}

inline void Explorer::switch_from(Fibre& fibre) { swapcontext(&fibre.context, &main_); }

inline void Explorer::step() {
  Explorer* const self = active();
  if (!self || self->current_ < 0) return;
  const int before = self->current_;
  if (++self->steps_ > kMaxSteps) fail("more than 100,000 steps: the threads go round in circles");
  self->chosen_ = self->failure_.empty() ? self->pick(before) : -1;
  if (self->chosen_ != before) self->switch_from(*self->fibres_[static_cast<size_t>(before)]);
}

inline void Explorer::block_until(std::function<bool()> condition) {
  Explorer* const self = active();
  Fibre& fibre = *self->fibres_[static_cast<size_t>(self->current_)];
  fibre.blocked_until = std::move(condition);
  self->chosen_ = self->pick(self->current_);
  if (self->chosen_ != self->current_) self->switch_from(fibre);
  fibre.blocked_until = nullptr;
}

inline void Explorer::fail(const std::string& what) {
  if (active()->failure_.empty()) active()->failure_ = what;
}

// The fibre that goes on: -1 when there is none.
inline int Explorer::pick(int current) {
  int ready[8];
  size_t count = 0;
  const auto look = [&](int i) {
    const Fibre& fibre = *fibres_[static_cast<size_t>(i)];
    if (!fibre.finished && (!fibre.blocked_until || fibre.blocked_until())) ready[count++] = i;
  };
  const int saved = std::exchange(current_, -1);  // conditions read atomics, which is not a step
  if (current >= 0) look(current);
  const bool preempts = count == 1;
  if (!preempts || preemptions_ < max_preemptions_) {
    for (int i = 0; i < static_cast<int>(fibres_.size()); ++i) {
      if (i != current) look(i);
    }
  }
  current_ = saved;
  if (count == 0) {
    for (const auto& fibre : fibres_) {
      if (!fibre->finished) fail("every thread that is not through is blocked: a wake-up was lost");
    }
    return -1;
  }
  const size_t choice = count == 1 ? 0 : choose(count);
  if (preempts && choice != 0) ++preemptions_;
  return ready[choice];
}

inline size_t Explorer::choose(size_t of) {
  if (random_ != 0) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const size_t taken = random_ % of;
    choices_.push_back({static_cast<uint8_t>(taken), static_cast<uint8_t>(of)});
    return taken;
  }
  if (depth_ == choices_.size()) choices_.push_back({0, static_cast<uint8_t>(of)});
  return choices_[depth_++].taken;
}

inline void Explorer::prepare(Fibre& fibre, std::function<void()> body) {
  fibre.body = std::move(body);
  fibre.finished = false;
  if (fibre.stack) return;  // it waits at the end of enter's loop
  fibre.stack = std::make_unique<char[]>(kStack);
  getcontext(&fibre.context);
  fibre.context.uc_stack.ss_sp = fibre.stack.get();
  fibre.context.uc_stack.ss_size = kStack;
  fibre.context.uc_link = nullptr;
  const auto address = reinterpret_cast<uintptr_t>(this);
  makecontext(&fibre.context, reinterpret_cast<void (*)()>(&Explorer::enter), 2,
              static_cast<unsigned>(address), static_cast<unsigned>(address >> 32));
}

inline bool Explorer::run_once(const std::function<Scenario()>& make) {
  depth_ = steps_ = 0;
  preemptions_ = 0;
  const Scenario scenario = make();
  fibres_.resize(scenario.threads.size());
  for (size_t i = 0; i < fibres_.size(); ++i) {
    if (!fibres_[i]) fibres_[i] = std::make_unique<Fibre>();
    Fibre& fibre = *fibres_[i];
    prepare(fibre, scenario.threads[i]);
  }
  for (chosen_ = pick(-1); chosen_ >= 0;) {
    current_ = chosen_;
    swapcontext(&main_, &fibres_[static_cast<size_t>(current_)]->context);
  }
  current_ = -1;
  if (failure_.empty()) scenario.check();
  return failure_.empty();
}

// The next order, depth first. False: that was the last.
inline bool Explorer::next_schedule() {
  while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().of) choices_.pop_back();
  if (choices_.empty()) return false;
  ++choices_.back().taken;
  return true;
}

inline Report Explorer::report(size_t runs, bool exhausted) const {
  Report result{runs, exhausted, failure_, {}};
  if (!failure_.empty()) {
    for (const Choice& choice : choices_) result.choices.push_back(choice.taken);
    result.failure += " (run " + std::to_string(runs) + ", " + std::to_string(choices_.size()) + " choices)";
  }
  return result;
}

inline Report Explorer::exhaustive(const std::function<Scenario()>& make, size_t runs, int preemptions) {
  Explorer explorer;
  explorer.max_preemptions_ = preemptions;
  active() = &explorer;
  size_t done = 0;
  bool more = true;
  while (more && done < runs) {
    ++done;
    if (!explorer.run_once(make)) break;
    more = explorer.next_schedule();
  }
  active() = nullptr;
  return explorer.report(done, !more);
}

inline Report Explorer::random(const std::function<Scenario()>& make, size_t runs, uint64_t seed) {
  Explorer explorer;
  explorer.max_preemptions_ = std::numeric_limits<int>::max();
  explorer.random_ = seed | 1;
  active() = &explorer;
  size_t done = 0;
  while (done < runs) {
    ++done;
    explorer.choices_.clear();
    if (!explorer.run_once(make)) break;
  }
  active() = nullptr;
  return explorer.report(done, false);
}

}  // namespace tine::interleave
