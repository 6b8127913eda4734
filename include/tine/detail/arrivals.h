// The machine of as_completed: the inputs that are done and not handed out, in the order in which they became done.
// docs/spec/future.md numbers its invariants. C++ and Python run these very lines, and so do the tests of interleavings.
#pragma once

#include <utility>
#include <vector>

#include "tine/detail/mutex.h"
#include "tine/detail/state.h"

namespace tine::detail {

// While inputs are pending they keep this, and their producers keep them: so an input that its producer drops is done,
// and is handed out as failed. Kind is what a language has to say about it:
//   Input                  the type of the inputs' states
//   Kept                   keeps an input that is done; made of its state
//   Signal, Waited         keeps the state that those who wait for the next one wait on; the same for one that waits
//   waited(signal)         a Waited of a Signal
//   complete(signal)       the next one has come
//   hold(arrivals, size)   the nodes of all inputs begin to keep this
//   kHeldByEach            whether each of them does by a reference of its own; else by one together
//   let_go(arrivals)       gives up one such reference
template <class Kind, class M = Mutex>
class Arrivals final : public RefCounted {
  using State = typename Kind::Input;
  using Kept = typename Kind::Kept;
  using Signal = typename Kind::Signal;
  using Waited = typename Kind::Waited;

 public:
  template <class... Args>
  explicit Arrivals(size_t inputs, Args&&... args)
      : kind_(std::forward<Args>(args)...), left_(inputs), inputs_(inputs), done_(inputs) {}

  // Called once. state_of(i) is the state of input i. The caller keeps the inputs and this for the call.
  template <class StateOf>
  void start(StateOf state_of) noexcept {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i].owner = this;
      inputs_[i].pending = state_of(i);
    }
    if (!inputs_.empty()) kind_.hold(*this, inputs_.size());
    for (size_t i = 0; i < inputs_.size(); ++i) state_of(i)->subscribe(&inputs_[i]);
  }

  // The next one that is done; empty when there is none, at the moment or at all.
  [[nodiscard]] Kept take() {
    const MutexLock lock(mutex_);
    if (taken_ == arrived_) return {};
    --left_;
    return std::move(done_[taken_++]);
  }
  // How many have not been handed out.
  [[nodiscard]] size_t left() const {
    const MutexLock lock(mutex_);
    return left_;
  }
  // Done as soon as there is one to take, or when none will come. `fresh` is a pending signal, for when there is none.
  [[nodiscard]] Waited arrival(Signal fresh) {
    Waited waited = kind_.waited(fresh);
    {
      const MutexLock lock(mutex_);
      if (taken_ == arrived_ && left_ > 0) {
        // One that is done already was cancelled by its user.
        if (awaited_ && !awaited_->done()) return kind_.waited(awaited_);
        std::swap(awaited_, fresh);
        return waited;
      }
    }
    fresh->emplace();
    return waited;
  }
  // For a signal: that of an input that is pending.
  [[nodiscard]] WaitHelper* helper() {
    const MutexLock lock(mutex_);
    while (first_pending_ < inputs_.size() && !inputs_[first_pending_].pending) ++first_pending_;
    // It is alive: its producer keeps it until it is done, and it arrives before it goes.
    return first_pending_ < inputs_.size() ? inputs_[first_pending_].pending->helper() : nullptr;
  }

  [[nodiscard]] Kind& kind() noexcept { return kind_; }
  // Null for a node that is not an input of such arrivals.
  [[nodiscard]] static Arrivals* of_input(Node* node) noexcept {
    return node->ops() == &Input::kOps ? static_cast<Input*>(node)->owner : nullptr;
  }
  // Calls look() with whatever is kept here, for a garbage collector, until that returns other than 0.
  template <class Look>
  [[nodiscard]] int look_at_kept(Look look) {
    const MutexLock lock(mutex_);
    if (const int stop = look(awaited_)) return stop;
    for (size_t i = taken_; i < arrived_; ++i) {
      if (const int stop = look(done_[i])) return stop;
    }
    return 0;
  }

 private:
  struct Input final : Node {
    Input() noexcept : Node(&kOps) {}
    static void run(Node* node, StateBase& done) noexcept {
      auto* const input = static_cast<Input*>(node);
      input->owner->arrive(*input, static_cast<State&>(done));
    }
    static constexpr NodeOps kOps{&Input::run, false};
    Arrivals* owner = nullptr;
    State* pending = nullptr;  // guarded by owner->mutex_
  };

  void arrive(Input& input, State& done) noexcept {
    Signal awaited;
    bool last;
    {
      const MutexLock lock(mutex_);
      input.pending = nullptr;
      done_[arrived_++] = Kept(done);
      last = arrived_ == done_.size();
      awaited = std::exchange(awaited_, Signal());
    }
    if (awaited) Kind::complete(awaited);
    if (Kind::kHeldByEach || last) kind_.let_go(*this);  // as in Collecting
  }

  Kind kind_;
  mutable M mutex_;
  size_t arrived_ TINE_GUARDED_BY(mutex_) = 0;  // inputs in done_
  size_t taken_ TINE_GUARDED_BY(mutex_) = 0;    // of those, how many are handed out
  size_t left_ TINE_GUARDED_BY(mutex_);
  size_t first_pending_ TINE_GUARDED_BY(mutex_) = 0;
  std::vector<Input> inputs_;
  std::vector<Kept> done_ TINE_GUARDED_BY(mutex_);
  Signal awaited_ TINE_GUARDED_BY(mutex_);  // pending, or cancelled
};

// --- in C++

template <class T>
struct ArrivalKind {
  using Input = State<T>;
  // As Ref, made of the state itself.
  class Kept : public Ref<State<T>> {
   public:
    Kept() noexcept = default;
    explicit Kept(State<T>& state) noexcept : Ref<State<T>>(Ref<State<T>>::share(&state)) {}
  };
  using Signal = Ref<State<void>>;
  using Waited = Ref<State<void>>;
  static Waited waited(const Signal& signal) noexcept { return signal; }
  static void complete(const Signal& signal) noexcept { signal->emplace(); }
  static constexpr bool kHeldByEach = false;
  static void hold(RefCounted& arrivals, size_t) noexcept { arrivals.retain(); }
  static void let_go(RefCounted& arrivals) noexcept { arrivals.release(); }
};

}  // namespace tine::detail
