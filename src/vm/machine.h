// Machine: runs script functions. Each run is a ScriptTask (task.h) with frames on the heap.
//
// Any number of threads may run functions at once. One task runs on one thread at a time, and may continue on another
// thread after each wait. A Machine has no state but its limits, and whether it has ended. It borrows its Executor and its
// services, and the functions borrow their Library: all of these must outlive the futures of unfinished runs.
//
// An error of the function reaches the future with its trail: the script lines, innermost first, then the place of the
// fork. The machine adds RuntimeError when the depth limit is exceeded, and NameError and TypeError for calls that do not
// link.
//
// A call takes one frame from the thread's free list. A fork is one object that is task, future and first frame. A wait
// that suspends is one subscription and allocates nothing. A child that has not started is run in place by the task that
// waits for it, as in the joins of Cilk and libfork.
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

// A run notices within this time that its future was cancelled, and asks its Poll as often. A single operator may take
// longer: it is not interrupted.
inline constexpr std::chrono::milliseconds kInterruption{50};

// What a thread asks regularly while it runs scripts. Python's main thread looks for Ctrl-C.
class Poll {
 public:
  // An exception that it throws becomes the error of the running task.
  virtual void poll() = 0;

 protected:
  ~Poll() = default;
};

struct Limits {
  uint32_t depth = 1'000'000;  // nested calls and forks; a frame takes 32 bytes and 16 for each register
};

class Machine {
 public:
  Machine(Executor& executor, const OpContext& services, Limits limits = {}) noexcept
      : executor_(executor), services_(services), limits_(limits) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Runs on this thread until the function is done or waits for a future that is pending; the rest runs on the executor.
  // REQUIRES: the arguments fit the function's parameter types (callers outside scripts bind() them first).
  [[nodiscard]] Future<Value> start(const code::Function& function, std::span<const Value> args,
                                    Poll* poll = nullptr);
  // For a thread that others wait for. The run stays on it for `slice`. It moves to the executor before an operator whose
  // cost (src/value/cost.h) does not fit into the time left, or when the time is up, at the next iteration or call.
  [[nodiscard]] Future<Value> start_for(std::chrono::nanoseconds slice, const code::Function& function,
                                        std::span<const Value> args);
  // Runs all of it on the executor.
  [[nodiscard]] Future<Value> post(const code::Function& function, std::span<const Value> args);
  // start() and wait; throws what the function raised.
  Value call(const code::Function& function, std::span<const Value> args, Poll* poll = nullptr);

  // Ends every run, with Abandoned, at its next look at the clock or before it goes on after a wait. For good.
  void end() noexcept { ended_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_relaxed); }

  [[nodiscard]] Executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const OpContext& services() const noexcept { return services_; }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  Executor& executor_;
  const OpContext services_;
  const Limits limits_;
  std::atomic<bool> ended_{false};
};

}  // namespace tine::vm
