// The state that a Promise and its Futures share.
//
// State      Pending -> done, exactly once. One word holds everything that threads race for:
//              bits 0..2  outcome: 0 pending, 1 value, 2 error, 3 cancelled, 4 deadline exceeded,
//                         5 inherited over fork(2)
//              the rest   pending: the callbacks added so far, newest first
//                         done:    null when idle; while callbacks run (draining), those added
//                                  meanwhile, newest first, ending in kTail
// Threads    subscribe, done, wait, cancel: any. The payload is written by the one producer (Promise is
//            unique; a state that several may complete has them claim() first) before it moves the
//            word off pending with a release; readers acquire the word before they read the payload.
// Ordering   Callbacks run in the order in which they were subscribed. One thread drains at a time: it
//            who moved the word to draining. It leaves by moving kTail to null; if that fails, new
//            callbacks came and it goes on. So a callback added while others run, on any thread,
//            runs behind them. Waiting threads are woken before any callback runs.
// Ownership  Intrusive count. A subscribed node belongs to the state until it is run. The reference rule: the one who
//            passes `owning` holds a reference that no other thread uses; without it any reference will do.
// Errors     None thrown from completion; a callback's exceptions are its own node's affair. Without memory for the
//            queue of a callback that must wait (nested too deep, or gated) the process ends: it is owed to its user.
// Cost       complete: one compare-and-swap without callbacks, two with; none when the producer is `owning` and
//            the only owner (count 1, acquired: nobody is left who could subscribe or look). Without `owning` the
//            state is kept for the call: two more on the count. A chain of continuations is run in a loop, not
//            nested. No mutex until a thread really blocks (hub).
// Source     Treiber's stack for the list; kj and folly for continuation nodes inside the result.
//            docs/spec/future.md has the state machines and their invariants.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>
#include <variant>

#include "tine/detail/block.h"
#include "tine/detail/context.h"
#include "tine/detail/export.h"
#include "tine/detail/ref.h"
#include "tine/detail/state_word.h"
#include "tine/error.h"
#include "tine/executor.h"

namespace tine {
class Value;
}

namespace tine::detail {

class StateBase;
class Node;

// A state that a callback has completed, with the callbacks that now have to run, newest first (none: null), and
// one reference to it.
struct Chained {
  StateBase* state = nullptr;
  Node* newest = nullptr;
};

struct NodeOps {
  // Runs the callback and gives the node up. `done` is alive for the call.
  void (*run)(Node* node, StateBase& done) noexcept;
  // A user's callback never runs under a CallbackGate. Internal ones are short, take no user lock and
  // run no user code.
  bool user;
  // It only keeps books: an error that reaches nothing else counts as unobserved.
  bool books = false;
  // In place of run, where the callback's last act is to complete a state: what waits for that is left to the
  // caller, who goes on with it in a loop. So a chain nests no deeper than one link.
  Chained (*run_chained)(Node* node, StateBase& done) noexcept = nullptr;
};

class Node {
 public:
  explicit constexpr Node(const NodeOps* ops) noexcept : ops_(ops) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  void become(const NodeOps* ops) noexcept { ops_ = ops; }  // only while it is in no list
  // For the sole owner of the state whose list it is in: a binding's garbage collector looks.
  [[nodiscard]] const NodeOps* ops() const noexcept { return ops_; }
  [[nodiscard]] Node* next() const noexcept { return next_; }

 private:
  friend class StateBase;
  template <class, template <class> class>
  friend class StateWord;
  const NodeOps* ops_;
  Node* next_ = nullptr;
};

// Runs run(a, b) now, or, nested deeper than 64, when the outermost such call on this thread returns (or when
// the thread waits for a future).
TINE_API void enter_trampoline(void (*run)(void* a, void* b), void* a, void* b) noexcept;

enum class Outcome : uintptr_t { kPending, kValue, kError, kCancelled, kDeadline, kForked };

// The reference rule above, as an argument.
struct Owning {};
inline constexpr Owning owning;

// Runs what a run_chained left, and gives the reference up.
TINE_API void run_chain(Chained chained) noexcept;

class TINE_API StateBase : public RefCounted {
 public:
  ~StateBase() override {
    if (Hub* const hub = hub_.load(std::memory_order_relaxed)) [[unlikely]]
      delete_hub(hub);
  }
  static void* operator new(size_t bytes) { return allocate_block(bytes); }
  static void* operator new(size_t bytes, std::align_val_t align) { return ::operator new(bytes, align); }
  static void operator delete(void* state, size_t bytes) noexcept { free_block(state, bytes); }
  // Clang 16 declares no sized form of its own.
  static void operator delete(void* state, size_t, std::align_val_t align) noexcept {
    ::operator delete(state, align);
  }

  [[nodiscard]] Outcome outcome(std::memory_order order = std::memory_order_acquire) const noexcept {
    return static_cast<Outcome>(word_.load(order) & kOutcome);
  }
  [[nodiscard]] bool done() const noexcept { return outcome() != Outcome::kPending; }
  // The same for whoever asks from outside: one that waits for the parent process of a fork(2) fails here.
  bool ready() noexcept { return done() || (is_inherited() && fail_in_child()); }

  // It was made before a fork(2), of which this process is the child.
  [[nodiscard]] bool of_parent() const noexcept { return generation_ != fork_generation(); }
  // In the child: fails it if it is pending. Its callbacks are the parent's and are dropped, not run; its sleepers do
  // not exist here. No lock. Always true.
  bool fail_in_child() noexcept;

  // Runs the node when the state is done: at once when it is already and no other callback is
  // running or waiting to run, else behind those. The caller's reference may go as soon as the node runs.
  void subscribe(Node* node) noexcept;

  // What a wait does before it blocks, as far as that takes no time: runs its task if nobody has begun it.
  void help_once() noexcept;
  // What a wait does before it blocks. True: it is done.
  bool help_until(TimePoint deadline) noexcept;
  // True once it is done; false when the deadline passed first. Helps before it blocks.
  bool wait_until(TimePoint deadline) noexcept;
  void wait() noexcept {
    if (!done()) wait_until(kNoDeadline);
  }
  // The same for one that is `owning`, as std::move(future).get() is.
  void wait_alone() noexcept {
    if (done()) return;
    if (WaitHelper* const mine = thread_helper()) {
      mine->help_alone(*this);
      if (done()) return;
    }
    wait_until(kNoDeadline);
  }

  // For states that more than one party may complete: true for the first caller only.
  [[nodiscard]] bool claim() noexcept {
    return (flags_.fetch_or(kClaimed, std::memory_order_acq_rel) & kClaimed) == 0;
  }
  [[nodiscard]] bool claimed() const noexcept {
    return (flags_.load(std::memory_order_acquire) & kClaimed) != 0;
  }

  // The producer's failure. False when a cancellation came first; then the error is dropped. With `later` the
  // callbacks are not run but handed out (null: none), as everywhere below.
  bool fail(std::exception_ptr error) noexcept {
    const Ref<StateBase> mine = Ref<StateBase>::share(this);
    return fail(owning, std::move(error));
  }
  bool fail(Owning, std::exception_ptr error, Node** later = nullptr) noexcept;
  // No payload, any thread, races with the producer: true for the one who wins.
  bool cancel(Outcome outcome = Outcome::kCancelled) noexcept {
    if (is_inherited()) [[unlikely]] {
      fail_in_child();
      return false;
    }
    const Ref<StateBase> mine = Ref<StateBase>::share(this);
    return cancel(owning, outcome);
  }
  bool cancel(Owning, Outcome outcome, Node** later = nullptr) noexcept {
    return finish(owning, outcome, later);
  }

  // The error of a done and failed state, null otherwise. A cancelled state makes one.
  [[nodiscard]] std::exception_ptr error() const noexcept;

  // A forked task that nobody has started yet is run by the thread that waits for it. True: this call
  // ran it. run_here() keeps the state for the call and asks run_inline(). `task` is what it was posted as,
  // null for states that are not tasks.
  virtual bool run_inline() noexcept;
  bool run_here() noexcept;
  [[nodiscard]] virtual Task* task() noexcept;
  // Runs the task, just taken from its queue by a thread in wait_alone(). If the count is 2 both references, the
  // queue's and the Future's, are that thread's: nobody else can start it, look or subscribe, so
  // the starting, the giving up of the queue's reference and the completion need no read-modify-write. (The
  // task itself may hand out copies of its Future: then the count says so when it completes.)
  virtual void run_alone() noexcept;

  // Of a pending state: the callback added last, null when there is none. Only its sole owner may look
  // further, and only the sole owner's answer stays true.
  [[nodiscard]] Node* newest_callback() const noexcept {
    const uintptr_t word = word_.load(std::memory_order_acquire);
    return (word & kOutcome) ? nullptr : reinterpret_cast<Node*>(word);
  }
  // The error of a state that failed with one, in place; null for every other outcome.
  [[nodiscard]] const std::exception_ptr* stored_error() const noexcept {
    const std::exception_ptr* const error = peek_error();
    if (error) observe();
    return error;
  }
  // The same for one who only passes by (a collector, a repr): that is not looking.
  [[nodiscard]] const std::exception_ptr* peek_error() const noexcept {
    return outcome() == Outcome::kError ? &error_ : nullptr;
  }
  // Somebody has looked at the error, or passed it on. Of a pending one: its owner will, or has no use for it, so that
  // its error is never reported.
  void observe() const noexcept { flags_.fetch_or(kObserved, std::memory_order_relaxed); }
  // A language binding shows it to its users: from then on its error is reported, as that of any future is.
  void show() noexcept {
    if (sole_owner()) {
      flags_.store(flags_.load(std::memory_order_relaxed) | kShown, std::memory_order_relaxed);
    } else {
      flags_.fetch_or(kShown, std::memory_order_relaxed);
    }
  }
  // Where it was made, for the report of an error that nobody looks at; before it is shared.
  void made_at(const std::source_location& where) noexcept { where_ = where; }
  [[nodiscard]] const std::source_location& where() const noexcept { return where_; }

  [[nodiscard]] WaitHelper* helper() const noexcept { return helper_; }
  void set_helper(WaitHelper* helper) noexcept { helper_ = helper; }  // before it is shared

 protected:
  explicit StateBase(WaitHelper* helper = nullptr, uint32_t references = 1) noexcept
      : RefCounted(references), generation_(fork_generation()), helper_(helper) {}
  // For states that are tasks: true for the one who is to run it.
  [[nodiscard]] bool start() noexcept {
    return (flags_.fetch_or(kStarted, std::memory_order_acq_rel) & kStarted) == 0;
  }
  // Only where nobody else can look.
  void start_alone() noexcept {
    flags_.store(flags_.load(std::memory_order_relaxed) | kStarted, std::memory_order_relaxed);
  }
  [[nodiscard]] bool started() const noexcept {
    return (flags_.load(std::memory_order_acquire) & kStarted) != 0;
  }
  // Moves pending to that outcome and runs the callbacks; false when it was done already.
  bool finish(Owning, Outcome outcome, Node** later = nullptr) noexcept {
    if (sole_owner() && word_.finish_alone(static_cast<uintptr_t>(outcome))) return true;
    return finish_pending(outcome, later);
  }
  [[nodiscard]] bool shown() const noexcept { return (flags_.load(std::memory_order_relaxed) & kShown) != 0; }
  // For the destructor of a failed state.
  void report_unless_observed() const noexcept;

 private:
  friend class DrainTask;
  friend void run_chain(Chained chained) noexcept;
  struct Hub;
  static constexpr uintptr_t kOutcome = StateWord<Node>::kOutcome;
  static constexpr uint8_t kClaimed = 1;
  static constexpr uint8_t kStarted = 2;
  static constexpr uint8_t kObserved = 4;
  static constexpr uint8_t kShown = 8;

  static Node* tail() noexcept;
  // In a child after fork(2), where nothing completes it: its producer is a thread or a connection of the parent process.
  [[nodiscard]] bool is_inherited() const noexcept { return helper_ && of_parent(); }
  static void delete_hub(Hub* hub) noexcept;
  bool finish_pending(Outcome outcome, Node** later) noexcept;
  bool leave(Node** more) noexcept;
  bool sleep_until(TimePoint deadline) noexcept;
  // Both by one that is `owning`.
  void drain(Node* newest) noexcept;
  void run_all(Node* oldest) noexcept;
  void wake_sleepers() noexcept;

  mutable std::atomic<uint8_t> flags_{0};  // this and the next lie in RefCounted's padding
  uint8_t generation_;
  StateWord<Node> word_;
  std::atomic<Hub*> hub_{nullptr};
  WaitHelper* helper_;
  std::exception_ptr error_;
  std::source_location where_;
};

using Unit = std::monostate;  // the payload of a Future<void>
template <class T>
using Payload = std::conditional_t<std::is_void_v<T>, Unit, T>;

// What a language binding keeps beside the state: nothing, but for the dynamic Future<Value> the object
// that shows it there. Read and written under that language's lock only; the object owns the state,
// never the other way round.
template <class T>
struct BindingSlot {};
template <>
struct BindingSlot<Value> {
  void* binding = nullptr;
};

template <class T>
class State : public StateBase, public BindingSlot<T> {
 public:
  explicit State(WaitHelper* helper = nullptr, uint32_t references = 1) noexcept
      : StateBase(helper, references) {}
  ~State() override {
    const Outcome how = outcome(std::memory_order_relaxed);
    if (how == Outcome::kValue) [[likely]] {
      value_.~P();
    } else if (how == Outcome::kError) {
      // Dynamic futures are the insides of scripts and calls as well: those report what a user was shown.
      if (!std::is_same_v<T, Value> || this->shown()) this->report_unless_observed();
    }
  }

  // The producer's result. False when a cancellation came first; then the value is dropped. When
  // building the value throws, the exception passes through and the state stays pending.
  template <class... Args>
  bool emplace(Args&&... args) {
    construct(std::forward<Args>(args)...);
    const Ref<StateBase> mine = Ref<StateBase>::share(this);
    return publish(owning);
  }
  template <class... Args>
  bool emplace(Owning, Args&&... args) {
    construct(std::forward<Args>(args)...);
    return publish(owning);
  }

  // emplace in two steps, for a producer that must do something in between.
  template <class... Args>
  void construct(Args&&... args) {
    std::construct_at(&value_, std::forward<Args>(args)...);
  }
  bool publish(Owning, Node** later = nullptr) noexcept {
    if (this->finish(owning, Outcome::kValue, later)) return true;
    value_.~P();
    return false;
  }

  // Only when outcome() is kValue.
  [[nodiscard]] Payload<T>& value() noexcept { return value_; }
  [[nodiscard]] const Payload<T>& value() const noexcept { return value_; }

  // The value, or the error thrown; only when done.
  [[nodiscard]] Payload<T>& get() {
    if (outcome() != Outcome::kValue) [[unlikely]]
      std::rethrow_exception(error());
    return value_;
  }

 private:
  using P = Payload<T>;
  union {
    P value_;
  };
};

}  // namespace tine::detail
