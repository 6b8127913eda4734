// The state that a Promise and its Futures share. docs/spec/future.md has the machine, with its invariants S1 to S5.
//
// One word w holds everything that threads race for: the outcome in its lowest three bits, a list of nodes in the rest.
//
//   pending:   outcome = 0     the list: callbacks added so far, newest first
//   draining:  outcome != 0    the list: callbacks added since, newest first, then the tail
//   idle:      outcome != 0    the list: null
//
// The producer writes the payload (value_ or error_) before it moves w off pending with a release; readers acquire w before
// they read the payload. A state that several parties may complete has them claim() first, so that one of them writes.
//
// The reference rule: the one who passes `owning` to a completion holds a reference that no other thread uses; without
// `owning` any reference will do. A completion without it takes a reference for the call. A completion with it may find that
// the count is 1, which means that nobody else can add, look or sleep: then plain stores take the place of the
// compare-and-swaps.
//
// A node belongs to the state from its subscribe() until it runs. Sleeping threads are woken before any callback runs.
// Completion throws nothing. If there is no memory for the queue of a callback that has to wait (nested too deep, or gated),
// the process ends, because the callback is owed to its user.
//
// To complete a state is one compare-and-swap without callbacks and two with them. A chain of continuations runs in a loop and
// not nested. There is no mutex until a thread really blocks (Hub).
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "tine/detail/block.h"
#include "tine/detail/context.h"
#include "tine/detail/export.h"
#include "tine/detail/forks.h"
#include "tine/detail/ref.h"
#include "tine/detail/state_word.h"
#include "tine/detail/waiting.h"
#include "tine/error.h"
#include "tine/executor.h"

namespace tine {
class Value;
}

namespace tine::detail {

class StateBase;
class Node;

// A state that a callback has completed, a reference to it, and the callbacks that now have to run, newest first (null: none).
struct Chained {
  StateBase* state = nullptr;
  Node* newest = nullptr;
};

struct NodeOps {
  // Runs the callback, after which the node may be gone. The caller keeps `done` for the call.
  void (*run)(Node* node, StateBase& done) noexcept;
  // It runs code of a user, and so never under a CallbackGate. Any other callback is short and takes no lock of a user's.
  bool user;
  // True for callbacks that only count. If such callbacks are the only ones that saw an error, the error still counts as
  // unobserved.
  bool books = false;
  // Used instead of `run` by callbacks whose last act is to complete a state. They leave that state's callbacks to the caller,
  // which runs them in a loop. So a chain nests no deeper than one link.
  Chained (*run_chained)(Node* node, StateBase& done) noexcept = nullptr;
};

class Node {
 public:
  explicit constexpr Node(const NodeOps* ops) noexcept : ops_(ops) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  void become(const NodeOps* ops) noexcept { ops_ = ops; }  // only while it is in no list
  // For the sole owner of the state in whose list it is: the garbage collector of a binding.
  [[nodiscard]] const NodeOps* ops() const noexcept { return ops_; }
  [[nodiscard]] Node* next() const noexcept { return next_; }

 private:
  friend class StateBase;
  template <class, template <class> class>
  friend class StateWord;
  const NodeOps* ops_;
  Node* next_ = nullptr;
};

// Runs run(a, b) now, or, where such calls nest more than 64 deep, when the outermost of them on this thread returns or the
// thread waits for a future.
TINE_API void enter_trampoline(void (*run)(void* a, void* b), void* a, void* b) noexcept;

enum class Outcome : uintptr_t { kPending, kValue, kError, kCancelled, kDeadline, kInherited };

// An argument that says: by the reference rule above, no other thread uses this caller's reference.
struct Owning {};
inline constexpr Owning owning;

// Runs what a run_chained() has left, then gives the reference up.
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
  // The same for users. A state that only the parent process of a fork(2) could complete fails here.
  bool ready() noexcept { return done() || (is_inherited() && fail_in_child()); }

  // It was made before the fork(2) that made this process.
  [[nodiscard]] bool of_parent() const noexcept { return generation_ != forks_so_far(); }
  // In the child: fails it if it is pending, and returns true. The callbacks that it inherited are the parent's and are not
  // run; its sleepers do not exist here. Takes no lock, because a thread of the parent may have held it.
  bool fail_in_child() noexcept;

  // Runs the node when the state is done. If it is done already the node runs here and now, unless other callbacks run or wait
  // to run: then after those. The caller's reference must stay until the node runs.
  void subscribe(Node* node) noexcept;

  // A wait without the waiting: helps once, and runs the task of the state if nobody has begun it.
  void help_once() noexcept;
  // What a wait does before it blocks. Returns done().
  bool help_until(TimePoint deadline) noexcept;
  // True once it is done; false when the deadline passed first. Helps before it blocks.
  bool wait_until(TimePoint deadline) noexcept;
  void wait() noexcept {
    if (!done()) wait_until(kNoDeadline);
  }
  // wait() by a caller that is `owning`: std::move(future).get().
  void wait_alone() noexcept {
    if (done()) return;
    if (WaitHelper* const mine = thread_helper()) {
      mine->help_alone(*this);
      if (done()) return;
    }
    wait_until(kNoDeadline);
  }

  // For states that several parties may complete. True for the first caller, which may write the payload.
  [[nodiscard]] bool claim() noexcept {
    return (flags_.fetch_or(kClaimed, std::memory_order_acq_rel) & kClaimed) == 0;
  }
  [[nodiscard]] bool claimed() const noexcept {
    return (flags_.load(std::memory_order_acquire) & kClaimed) != 0;
  }

  // Completes it with an error. False when a cancellation came first; then the error is dropped. With `later`, here and below,
  // the callbacks are not run but handed out, newest first (null: none).
  bool fail(std::exception_ptr error) noexcept {
    const Ref<StateBase> mine = Ref<StateBase>::share(this);
    return fail(owning, std::move(error));
  }
  bool fail(Owning, std::exception_ptr error, Node** later = nullptr) noexcept;
  // Completes it without a payload. Any thread may try, also while the producer completes it: true for the one that did.
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

  // The error of a state that is done without a value, else null. For a cancelled state it is made now. This is looking.
  [[nodiscard]] std::exception_ptr error() const noexcept;
  // What the errors of a state that is cancelled or given up speak of: "the future", or what it stands for.
  [[nodiscard]] virtual std::string subject() const;

  // A forked task that nobody has begun is run by the thread that waits for it. task() is what was posted to the executor, null
  // for a state that is not a task. run_inline() returns true if this call ran it; run_here() is the same and keeps the state
  // for the call.
  virtual bool run_inline() noexcept;
  bool run_here() noexcept;
  [[nodiscard]] virtual Task* task() noexcept;
  // Runs the task, which a thread in wait_alone() has just taken out of its queue. If the count is 2, the calling thread has
  // both references: the queue's and the Future's. Then nobody else can start it, look or subscribe, and three steps need no
  // read-modify-write: to start it, to give up the queue's reference, to complete it. (The task itself may hand out copies of
  // its Future. The count shows that when it completes.)
  virtual void run_alone() noexcept;

  // The callback added last to a pending state; null for none, and for a state that is done. Only the sole owner of the state
  // may follow next() from there, and only the sole owner's answer stays true.
  [[nodiscard]] Node* newest_callback() const noexcept {
    const uintptr_t word = word_.load(std::memory_order_acquire);
    return (word & kOutcome) ? nullptr : reinterpret_cast<Node*>(word);
  }
  // The error of a state that failed with one, in place; null for any other outcome. This is looking.
  [[nodiscard]] const std::exception_ptr* stored_error() const noexcept {
    const std::exception_ptr* const error = peek_error();
    if (error) observe();
    return error;
  }
  // The same for a garbage collector or a repr, which do not count as looking.
  [[nodiscard]] const std::exception_ptr* peek_error() const noexcept {
    return outcome() == Outcome::kError ? &error_ : nullptr;
  }
  // Marks the error as looked at, or passed on: it is not reported. On a pending state it says that its error never need be.
  void observe() const noexcept { flags_.fetch_or(kObserved, std::memory_order_relaxed); }
  [[nodiscard]] bool observed() const noexcept {
    return (flags_.load(std::memory_order_relaxed) & kObserved) != 0;
  }
  // A user is handed it, by a language binding or as the result of a call. From then on its error is reported if nobody looks
  // at it.
  void show() noexcept {
    if (sole_owner()) {
      flags_.store(flags_.load(std::memory_order_relaxed) | kShown, std::memory_order_relaxed);
    } else {
      flags_.fetch_or(kShown, std::memory_order_relaxed);
    }
  }
  // The place where it was made, for the report of an unobserved error. Set before its future is handed out.
  void made_at(const std::source_location& where) noexcept { where_ = where; }
  [[nodiscard]] const std::source_location& where() const noexcept { return where_; }

  [[nodiscard]] WaitHelper* helper() const noexcept { return helper_; }

 protected:
  explicit StateBase(WaitHelper* helper = nullptr, uint32_t references = 1) noexcept
      : RefCounted(references), generation_(forks_so_far()), helper_(helper) {}
  // For states that are tasks. True for the first caller, which then runs the task.
  [[nodiscard]] bool start() noexcept {
    return (flags_.fetch_or(kStarted, std::memory_order_acq_rel) & kStarted) == 0;
  }
  // The same where no other thread can look.
  void start_alone() noexcept {
    flags_.store(flags_.load(std::memory_order_relaxed) | kStarted, std::memory_order_relaxed);
  }
  [[nodiscard]] bool started() const noexcept {
    return (flags_.load(std::memory_order_acquire) & kStarted) != 0;
  }
  // Moves the word from pending to that outcome and runs the callbacks. False when it was done already.
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
  struct TINE_LOCAL Hub;
  static constexpr uintptr_t kOutcome = StateWord<Node>::kOutcome;
  static constexpr uint8_t kClaimed = 1;
  static constexpr uint8_t kStarted = 2;
  static constexpr uint8_t kObserved = 4;
  static constexpr uint8_t kShown = 8;

  static Node* tail() noexcept;
  // True in a child of fork(2) if the state's producer is a thread or a connection of the parent.
  [[nodiscard]] bool is_inherited() const noexcept { return helper_ && of_parent(); }
  static void delete_hub(Hub* hub) noexcept;
  bool finish_pending(Outcome outcome, Node** later) noexcept;
  bool leave(Node** more) noexcept;
  bool sleep_until(TimePoint deadline) noexcept;
  // Both require the caller to be `owning`, and this thread to be the one that drains.
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

// What a language binding keeps beside the state: for the dynamic Future<Value> the object that shows it, for others nothing.
// It is read and written under that language's lock only. The object owns the state, never the other way round.
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
      // Scripts and calls use dynamic futures inside. Of those, only one that a user was shown reports its error.
      if (!std::is_same_v<T, Value> || this->shown()) this->report_unless_observed();
    }
  }

  // Completes it with a value built from the arguments. False when a cancellation came first; then the value is dropped. If
  // building it throws, the exception passes through and the state stays pending.
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

  // emplace() in two steps, for a producer that has something to do in between.
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

  // Only when done: returns the value or throws the error.
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
