// ScriptTask: one run of a script function: its future, its frames, and what the executor knows it by.
//
// State      queued -> running <-> suspended -> done. A task that another one waits for may be run by that one's
//            thread: it is linked (`below`) and its parent goes on when it returns.
// Threads    One thread runs it at a time. start() decides who is first, its subscription who goes on after a
//            wait: each suspension has one subscription and its callback posts the task once.
// Ordering   The subscription is the last thing a thread does with a task that it suspends.
// Ownership  `owned` says that the running (or suspended) side holds a reference of its own; a task run in place
//            is kept alive by its parent's register until it suspends.
//            A task keeps the Context in which its run was started, and hands it to what it forks.
// Errors     A failing task unwinds all of its frames; the error gets a hop for each, and one for the fork.
// Cost       One block for state, task, node and a first frame of up to 11 registers.
// Source     DESIGN "Scripts".
#pragma once

#include <exception>

#include "src/vm/frame.h"
#include "src/vm/machine.h"
#include "tine/detail/state.h"

namespace tine::vm {

// The task as the executor knows it: once when it is forked, and again (never twice at a time) after waits. An entry of
// the first kind may still lie in a deque, spent, while the second kind is posted, so they are two.
class StartTask : public Task {
 public:
  void run() noexcept final;
  void abandon() noexcept final;
  [[nodiscard]] bool spent() const noexcept final;
};
class ResumeTask : public Task {
 public:
  void run() noexcept final;
  void abandon() noexcept final;
};

// How a run is on the thread that drives it.
struct Stay {
  Poll* poll = nullptr;
  std::chrono::nanoseconds slice = std::chrono::nanoseconds::zero();  // zero: as long as it takes
};

class ScriptTask final : public detail::State<Value>,
                         public detail::Node,
                         public StartTask,
                         public ResumeTask {
 public:
  using State<Value>::start;
  using State<Value>::started;
  // With `references` to hand out. `function`'s frame is made, its parameters are still unset.
  static ScriptTask* make(Machine& machine, const code::Function& function, uint32_t depth,
                          uint32_t references);
  ~ScriptTask() override;

  bool run_inline() noexcept override;
  Task* task() noexcept override { return static_cast<StartTask*>(this); }

  // Runs it and whatever it is linked with until nothing is left to do for this thread. Takes over the
  // reference when `owned` is set.
  static void drive(ScriptTask* task, const Stay& stay) noexcept;

  // Where a fork was written: the forking function and the instruction behind the fork.
  void forked_at(const code::Function& function, const code::Word* pc) noexcept {
    fork_function_ = &function;
    fork_pc_ = pc;
  }

  Machine& machine;
  Frame* top = nullptr;
  // The same in all that are linked on one thread. Null: none.
  detail::ContextRef context;
  // Before it is shared.
  void enter(const detail::ContextRef& in) {
    context = in;
    detail::join_context(*this, *in.get());
  }
  // The task that goes on on this thread when this one is done or suspends.
  ScriptTask* below = nullptr;
  enum class Link : uint8_t {
    kWaits,   // `below` waits for this one: when this suspends, it subscribes
    kPaused,  // `below` only gave the thread up: when this suspends, it goes on
  };
  Link link = Link::kWaits;
  bool owned = false;

  // Suspends this task and those that wait for it below until `awaited` is done or the context stops. The next one for this
  // thread, or null. `this` may be running elsewhere when it returns.
  ScriptTask* suspend(detail::StateBase& awaited);
  // The same, but it goes on as soon as the executor has a thread.
  ScriptTask* yield() noexcept;
  // Unwinds. The next task for this thread, or null.
  ScriptTask* fail_with(std::exception_ptr error) noexcept;
  ScriptTask* finish_with(Value result) noexcept;
  void post_resumption() noexcept { machine.executor().post(static_cast<ResumeTask&>(*this)); }

 private:
  friend class StartTask;
  friend class ResumeTask;
  ScriptTask(Machine& m, uint32_t references) noexcept;
  void own() noexcept;
  ScriptTask* detach(detail::StateBase* awaited) noexcept;
  [[nodiscard]] std::exception_ptr with_trail(const std::exception_ptr& error) const;
  void drop_frames() noexcept;
  [[nodiscard]] ScriptTask* leave() noexcept;

  static const detail::NodeOps kResume;

  const code::Function* fork_function_ = nullptr;
  const code::Word* fork_pc_ = nullptr;

 public:
  static constexpr size_t kFrameInTask = sizeof(Frame) + 11 * sizeof(Value);
  alignas(16) std::byte frame_in_task[kFrameInTask];
};

// The interpreter proper (interpreter.cpp): runs `task` and those it switches to; returns when this thread has
// nothing left to run.
void interpret(ScriptTask* task, const Stay& stay) noexcept;

}  // namespace tine::vm
