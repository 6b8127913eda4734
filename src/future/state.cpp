#include "tine/detail/state.h"
#include "tine/unobserved.h"

#include "src/base/error_or_want.h"
#include "src/base/left_over.h"
#include "src/base/let_go.h"
#include "src/base/mutex.h"
#include "src/base/polling.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

namespace tine::detail {
namespace {

constexpr NodeOps kTailOps{nullptr, false};
constinit Node tail_node(&kTailOps);

// Callbacks and coroutines that would nest too deep wait here until the outermost one returns. A thread that is about to wait
// runs them first, because what it waits for may be among them.
struct Trampoline {
  struct Job {
    void (*run)(void* a, void* b);
    void* a;
    void* b;
  };
  int depth;
  LeftOver<Job> jobs;

  // Runs the job now, or leaves it to the outermost call of this thread.
  void enter(Job job) noexcept {
    if (depth == kDeepestCall) {
      jobs.push(job);
      return;
    }
    ++depth;
    job.run(job.a, job.b);
    if (depth == 1 && jobs.end) [[unlikely]] {
      Job next;
      while (jobs.pop_first(&next)) next.run(next.a, next.b);
      jobs.free_if_empty();
    }
    --depth;
  }
};
constinit thread_local Trampoline trampoline{};

}  // namespace

namespace {
constinit thread_local PollPolicy polling;
}  // namespace

void TaskHelper::help(StateBase& state, TimePoint deadline) noexcept {
  PollTurn turn(PollTimes::kTask, deadline);
  if (deadline <= turn.now() || !polling.should_poll()) return;
  do {
    if (state.done()) return polling.hit();
  } while (turn.yield());
  polling.miss();
}
constinit TaskHelper the_task_helper;

// Where threads sleep that wait for the state. The first of them makes it.
struct StateBase::Hub {
  Mutex mutex;
  Condition wake;

  void wake_all() noexcept {
    // A sleeper looks at the state under the lock and then waits. After this empty section each one that saw the state pending
    // is in its wait, so the notification reaches it.
    { const MutexLock lock(mutex); }
    wake.notify_all();
  }
};

void StateBase::report_unless_observed() const noexcept {
  // The parent of a fork(2) reports what failed before it.
  if ((flags_.load(std::memory_order_relaxed) & kObserved) == 0 && !of_parent())
    report_unobserved(error_, where_);
}

void StateBase::delete_hub(Hub* hub) noexcept { delete hub; }

bool StateBase::run_inline() noexcept { return false; }
bool StateBase::run_here() noexcept {
  if (!task()) return false;
  // The task completes itself as `owning`, by the queue's reference, which another thread may give up meanwhile.
  const Ref<StateBase> mine = Ref<StateBase>::share(this);
  return run_inline();
}
Task* StateBase::task() noexcept { return nullptr; }
void StateBase::run_alone() noexcept {
  if (Task* const mine = task()) mine->run();
}

Node* StateBase::tail() noexcept { return &tail_node; }

// The rest of a drain. It is posted when a user's callback comes up under a gate.
class DrainTask final : public Task {
 public:
  DrainTask(StateBase* state, Node* oldest) noexcept
      : state_(Ref<StateBase>::share(state)), oldest_(oldest) {}
  // If this runs under the gate, the gate's executor is full or closed and ran or abandoned the task in post(). Then the
  // callbacks run here, because they are owed in any case and would otherwise be posted for ever.
  void run() noexcept override {
    const std::unique_ptr<DrainTask> self(this);
    Executor* const lifted = std::exchange(gate, nullptr);
    state_->run_all(oldest_);
    gate = lifted;
  }
  // The callbacks are owed to their users in any case.
  void abandon() noexcept override { run(); }

 private:
  Ref<StateBase> state_;
  Node* oldest_;
};

namespace {

// Oldest first. `newest` ends in null (a pending list) or in the tail (one made while draining).
template <class Next>
Node* reversed(Node* newest, Next next_of) noexcept {
  Node* oldest = nullptr;
  while (newest && newest != &tail_node) {
    Node* next = next_of(newest);
    next_of(newest) = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

}  // namespace

void StateBase::subscribe(Node* node) noexcept {
  if (is_inherited()) [[unlikely]]
    fail_in_child();
  if (!word_.add(node, tail())) return;  // from here on the node may have run, and the state may be gone
  const Ref<StateBase> mine = Ref<StateBase>::share(this);
  drain(node);
}

bool StateBase::finish_pending(Outcome outcome, Node** later) noexcept {
  const auto code = static_cast<uintptr_t>(outcome);
  Node* newest = nullptr;
  bool alone = false;
  if (!word_.finish(
          code, tail(), [&] { return alone = sole_owner(); }, &newest)) {
    return false;
  }
  if (!alone) wake_sleepers();  // before the callbacks: they may take long
  if (later) {
    *later = newest;
  } else if (newest) {
    drain(newest);
  }
  return true;
}

bool StateBase::fail(Owning, std::exception_ptr error, Node** later) noexcept {
  assert(error);
  if (done()) return false;  // others may be reading the error that is there
  error_ = std::move(error);
  if (finish(owning, Outcome::kError, later)) return true;
  error_ = nullptr;
  return false;
}

std::exception_ptr StateBase::error() const noexcept {
  switch (outcome()) {
    case Outcome::kPending:
    case Outcome::kValue: return nullptr;
    case Outcome::kError: observe(); return error_;
    case Outcome::kCancelled:
      return error_or_want(
          [this] { return make_error(ErrorKind::kCancelled, subject() + " was cancelled"); });
    case Outcome::kDeadline:
      return error_or_want([this] {
        return make_error(ErrorKind::kDeadlineExceeded,
                          "the deadline passed before " + subject() + " was done");
      });
    case Outcome::kInherited:
      return error_or_want([] {
        return make_error(ErrorKind::kAbandoned,
                          "this future was made before the process forked: what completes it runs in the "
                          "parent only; wait for it there, or start the work again in the child");
      });
  }
  return nullptr;
}

std::string StateBase::subject() const { return "the future"; }

void StateBase::drain(Node* newest) noexcept {
  Node* const oldest = reversed(newest, [](Node* n) -> Node*& { return n->next_; });
  Trampoline& t = trampoline;
  if (t.depth == kDeepestCall) {
    retain();
    t.jobs.push({[](void* state, void* nodes) {
                   static_cast<StateBase*>(state)->run_all(static_cast<Node*>(nodes));
                   static_cast<StateBase*>(state)->release();
                 },
                 this, oldest});
    return;
  }
  t.enter(
      {[](void* state, void* nodes) { static_cast<StateBase*>(state)->run_all(static_cast<Node*>(nodes)); },
       this, oldest});
}

void enter_trampoline(void (*run)(void*, void*), void* a, void* b) noexcept { trampoline.enter({run, a, b}); }

// True: this thread has run all callbacks, and the state is idle. False: `*more` came meanwhile.
inline bool StateBase::leave(Node** more) noexcept {
  return word_.leave(
      word_.load(std::memory_order_relaxed) & kOutcome, tail(), [&] { return sole_owner(); }, more);
}

// Runs a chain of states in a loop. Invariant at the head of the outer loop: this thread drains `state`, and `oldest` is the
// list of what it has not run yet, oldest first. When the last callback of a state completes another state (`chained`), the
// loop leaves the first and goes on with the other, so a chain of any length needs one stack frame.
void StateBase::run_all(Node* oldest) noexcept {
  const auto next_of = [](Node* n) -> Node*& { return n->next_; };
  // A callback runs in the context in which it was added, never in that of the thread that completes the state.
  const ContextSwap no_context;
  StateBase* state = this;
  Ref<StateBase> kept;  // `state`, once it is not this one
  for (Node* more = nullptr;;) {
    const bool failed = state->outcome(std::memory_order_relaxed) == Outcome::kError;
    bool left = false;
    while (oldest) {
      const NodeOps& ops = *oldest->ops_;
      if (ops.user && gate) [[unlikely]] {
        gate->post(*new DrainTask(state, oldest));
        return;
      }
      if (failed && !ops.books) state->observe();
      Node* const next = oldest->next_;  // the node may be gone after it has run
      if (!ops.run_chained) {
        ops.run(oldest, *state);
        oldest = next;
        continue;
      }
      const Chained chained = ops.run_chained(oldest, *state);
      oldest = next;
      if (!chained.state) continue;
      auto reference = Ref<StateBase>::adopt(chained.state);
      if (!chained.newest) continue;
      if (!oldest) left = state->leave(&more);
      if (left) {
        state = chained.state;
        kept = std::move(reference);
        oldest = reversed(chained.newest, next_of);
        break;
      }
      // This state has more callbacks. Those of the chained state run first, as they would inside a call.
      chained.state->drain(chained.newest);
      if (!oldest) oldest = reversed(std::exchange(more, nullptr), next_of);
    }
    if (left) continue;
    if (state->leave(&more)) return;
    oldest = reversed(std::exchange(more, nullptr), next_of);
  }
}

void run_chain(Chained chained) noexcept {
  const auto state = Ref<StateBase>::adopt(chained.state);
  if (chained.newest) state->drain(chained.newest);
}

bool StateBase::fail_in_child() noexcept {
  if (done()) return true;
  hub_.store(nullptr,
             std::memory_order_relaxed);  // leaked, because a thread of the parent may have held its lock
  Node* parents = nullptr;
  const auto code = static_cast<uintptr_t>(Outcome::kInherited);
  // The parent's callbacks are leaked as well. Those that this process adds from here on run.
  if (word_.finish(
          code, tail(), [] { return false; }, &parents) &&
      parents) {
    const Ref<StateBase> mine = Ref<StateBase>::share(this);
    run_all(nullptr);
  }
  return true;
}

void StateBase::help_once() noexcept {
  if (is_inherited()) {
    fail_in_child();
    return;
  }
  if (WaitHelper* const mine = thread_helper()) mine->help(*this, TimePoint::min());
  if (!done()) run_here();
}

bool StateBase::wait_until(TimePoint deadline) noexcept {
  return help_until(deadline) || sleep_until(deadline);
}

bool StateBase::help_until(TimePoint deadline) noexcept {
  if (ready()) return true;
  WaitHelper* const mine = thread_helper();
  if (mine) mine->help(*this, deadline);
  if (!done() && run_here() && done()) return true;
  Trampoline::Job job;
  while (!done() && trampoline.jobs.pop_first(&job)) {
    job.run(job.a, job.b);
  }
  if (!done() && helper_ && helper_ != mine) helper_->help(*this, deadline);
  return done();
}

bool StateBase::sleep_until(TimePoint deadline) noexcept {
  if (deadline != kNoDeadline && deadline <= Clock::now()) return done();
  Hub* hub = hub_.load(std::memory_order_acquire);
  if (!hub) {
    Hub* const fresh = new Hub;
    if (hub_.compare_exchange_strong(hub, fresh, std::memory_order_seq_cst)) {
      hub = fresh;
    } else {
      delete fresh;
    }
  }
  // The second look of state_word.h's finish(): after the hub is there. So either this sees the outcome, or the finisher the
  // hub.
  if (outcome(std::memory_order_seq_cst) != Outcome::kPending) return true;
  struct AtHub final : Sleeper {
    explicit AtHub(Hub& h) noexcept : hub(h) {}
    void wake() noexcept override { hub.wake_all(); }
    Hub& hub;
  } sleeper(*hub);
  WaitHelper* const mine = thread_helper();
  if (mine) mine->about_to_block(&sleeper);
  {
    MutexLock lock(hub->mutex);
    while (!done()) {
      if (mine && mine->called()) [[unlikely]] {
        // The pool has a task and no thread for it. The task may take this state's mutex.
        lock.unlock();
        mine->run_called();
        lock.lock();
      } else if (!hub->wake.wait_until(hub->mutex, deadline)) {
        break;
      }
    }
  }
  if (mine) mine->unblocked();
  return done();
}

void StateBase::wake_sleepers() noexcept {
  if (Hub* const hub = hub_.load(std::memory_order_seq_cst)) hub->wake_all();
}

}  // namespace tine::detail

namespace tine {

BlockingScope::BlockingScope() noexcept : helper_(detail::thread_helper()) {
  if (helper_) helper_->about_to_block(nullptr);
}
BlockingScope::~BlockingScope() {
  if (helper_) helper_->unblocked();
}

}  // namespace tine
