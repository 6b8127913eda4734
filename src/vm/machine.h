// Machine: runs script functions.
//
// State      A Machine has no state of its own but its limits; each run is a task (src/vm/task.h)
//            with frames on the heap.
// Threads    Any number of threads run functions at once. One task runs on one thread at a time, and may go
//            on on another after each wait.
// Ordering   Within a task program order; between tasks what their futures say.
// Ownership  The Machine borrows its Executor and services, the functions borrow their Library; all must outlive the
//            futures of unfinished runs.
// Errors     Whatever the function raises, with its trail: the script lines, innermost first, then the place of the fork.
//            RuntimeError past the depth limit. NameError, TypeError at calls that do not link.
// Cost       A call one frame from the thread's free list; a fork one object that is task, future and first
//            frame; a wait that suspends one subscription, without allocation.
// Source     DESIGN "Scripts"; lazy claiming of forked children as in Cilk's and libfork's join.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>

#include "src/code/function.h"
#include "src/value/op_context.h"
#include "tine/executor.h"
#include "tine/future.h"

namespace tine::vm {

class ScriptTask;

// Within this a run has seen that its future was cancelled, and asked its Poll; one operator may take longer.
inline constexpr std::chrono::milliseconds kInterruption{50};

// What the thread that runs scripts asks meanwhile: Ctrl-C on Python's main thread.
class Poll {
 public:
  // What it throws becomes the error of the running task.
  virtual void poll() = 0;

 protected:
  ~Poll() = default;
};

struct Limits {
  uint32_t depth = 1'000'000;  // nested calls and forks; a frame takes 32 bytes and 16 for each register
};

class TINE_API Machine {
 public:
  Machine(Executor& executor, const OpContext& services, Limits limits = {}) noexcept
      : executor_(executor), services_(services), limits_(limits) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // The arguments must fit the function's parameter types: callers outside scripts bind() them first.
  // Runs on this thread until the function is done or waits for something that is not there; then the rest
  // runs on the executor.
  [[nodiscard]] Future<Value> start(const code::Function& function, std::span<const Value> args,
                                    Poll* poll = nullptr);
  // For a thread that others wait for: the run stays on it for `slice`, and goes on on the executor before an
  // operator whose cost (src/value/cost.h) does not fit into what is left, or at a loop's turn or a call past it.
  [[nodiscard]] Future<Value> start_for(std::chrono::nanoseconds slice, const code::Function& function,
                                        std::span<const Value> args);
  // Runs all of it on the executor.
  [[nodiscard]] Future<Value> post(const code::Function& function, std::span<const Value> args);
  // start() and wait; throws what the function raised.
  Value call(const code::Function& function, std::span<const Value> args, Poll* poll = nullptr);

  [[nodiscard]] Executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const OpContext& services() const noexcept { return services_; }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  Executor& executor_;
  const OpContext services_;
  const Limits limits_;
};

}  // namespace tine::vm
