// ScriptTask: one run of a script function. It is the run's future, it has the run's frames, and it is what the executor
// knows the run by.
//
// A task goes through the states queued -> running <-> suspended -> done. When a task waits for a child that has not
// started, its thread runs the child: `below` links the child to the waiting task, which continues when the child
// returns.
//
// One thread runs a task at a time, because
//   1. start() succeeds once, so one thread begins it;
//   2. each suspension has one subscription, whose callback posts the task once;
//   3. subscribing is the last thing that a thread does with a task that it suspends: from then on the task may be
//      running on another thread.
//
// `owned` means that the running or suspended side holds a reference of its own. A task that runs in place needs none
// until it suspends: the register of the task that waits for it, or the caller's future, keeps it alive.
//
// An error unwinds all frames of the task, and gets a hop for each of them and one for the fork. A task keeps the Context
// in which its run was started, and hands it to the tasks that it forks.
#pragma once

#include <exception>
#include <memory>
#include <vector>

#include "src/vm/frame.h"
#include "src/vm/machine.h"
#include "tine/detail/state.h"

namespace tine::vm {

// A task is posted to the executor as a StartTask when it is forked, and as a ResumeTask after each wait; at most one of
// the two is live. They are separate objects because a spent StartTask may still lie in a deque when the ResumeTask is
// posted.
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

// How long a run may stay on the thread that drives it.
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
  // A task with `references` references for the caller to hand out. The frame of `function` is made, and its parameters are
  // still unset. The task counts in `running` from here on until it has no frame.
  static ScriptTask* make(Machine& machine, const code::Function& function, uint32_t depth,
                          uint32_t references, RunningCount& running);
  ~ScriptTask() override;

  bool run_inline() noexcept override;
  Task* task() noexcept override { return static_cast<StartTask*>(this); }

  // Runs the task and those that it is linked with until this thread has nothing left to do for them. Takes over the
  // task's reference if `owned` is set.
  static void drive(ScriptTask* task, const Stay& stay) noexcept;

  // Where the fork was written: the forking function and its FORK instruction.
  void forked_at(const code::Function& function, const code::Word* pc) noexcept {
    fork_function_ = &function;
    fork_pc_ = pc;
  }

  Machine& machine;
  Frame* top = nullptr;
  // The context of the run, or null. All tasks that are linked on one thread have the same one.
  detail::ContextRef context;
  // Joins the context `in`. REQUIRES: no other thread knows the task yet.
  void enter(const detail::ContextRef& in) {
    context = in;
    detail::join_context(*this, *in.get());
  }
  // The task that this thread continues with when this one is done or suspends.
  ScriptTask* below = nullptr;
  enum class Link : uint8_t {
    kWaits,   // `below` waits for this one: when this suspends, it subscribes
    kPaused,  // `below` only gave the thread up: when this suspends, `below` continues
  };
  Link link = Link::kWaits;
  bool owned = false;

  // Suspends this task and the tasks below that wait for it, until `awaited` is done or the context stops; of the context an
  // `__exit__` that an error calls takes no notice. Returns the next task for this thread, or null. `this` may be running on
  // another thread, or be gone, when it returns.
  ScriptTask* suspend(detail::StateBase& awaited);
  // The same, but the task continues as soon as the executor has a thread for it.
  ScriptTask* yield() noexcept;
  // Unwinds the frames, or completes the future with the result. Returns the next task for this thread, or null. Where an error
  // leaves a `with`, this task is the next one: it runs `__exit__`, whose own error is dropped, and then goes on unwinding.
  ScriptTask* fail_with(std::exception_ptr error) noexcept;
  ScriptTask* finish_with(Value result) noexcept;
  // `object` is in a `with` of the top frame from here on; `exit` is its `__exit__`.
  void enter_with(Value object, const code::Function& exit);
  void leave_with() noexcept;
  // Whether a `with` is being left because of an error, and that error.
  [[nodiscard]] bool unwinds() const noexcept { return withs_ && withs_->error; }
  [[noreturn]] void go_on_unwinding() const { std::rethrow_exception(withs_->error); }
  void post_resumption() noexcept { machine.executor().post(static_cast<ResumeTask&>(*this)); }

 private:
  friend class StartTask;
  friend class ResumeTask;
  ScriptTask(Machine& m, uint32_t references) noexcept;
  void own() noexcept;
  ScriptTask* detach(detail::StateBase* awaited) noexcept;
  [[nodiscard]] std::exception_ptr with_trail(const std::exception_ptr& error) const;
  void drop_frames() noexcept;
  void drop_frames_above(const Frame* kept) noexcept;
  [[nodiscard]] ScriptTask* leave() noexcept;

  struct Withs {
    struct Entered {
      Frame* frame;
      Value object;
      const code::Function* exit;
    };
    std::vector<Entered> entered;  // the innermost last
    std::exception_ptr error;      // with its trail, while an error unwinds them
  };
  [[nodiscard]] bool run_exit();
  ScriptTask* end_with(std::exception_ptr error) noexcept;

  static const detail::NodeOps kResume;

  const code::Function* fork_function_ = nullptr;
  const code::Word* fork_pc_ = nullptr;
  std::unique_ptr<Withs> withs_;  // null until the first one

 public:
  static constexpr size_t kFrameInTask = sizeof(Frame) + 11 * sizeof(Value);
  alignas(16) std::byte frame_in_task[kFrameInTask];
};

// The interpreter proper (interpreter.cpp): runs `task` and those it switches to; returns when this thread has
// nothing left to run.
void interpret(ScriptTask* task, const Stay& stay) noexcept;

}  // namespace tine::vm
