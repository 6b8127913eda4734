#include "src/vm/task.h"
#include "tine/detail/stoppable.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace tine::vm {
ThreadNotes& ThreadNotes::here() noexcept {
  static constinit thread_local ThreadNotes notes;
  return notes;
}

ScriptTask::ScriptTask(Machine& m, uint32_t references) noexcept
    : State<Value>(detail::task_helper(), references), Node(&kResume), machine(m) {}

ScriptTask* ScriptTask::make(Machine& machine, const code::Function& function, uint32_t depth,
                             uint32_t references, RunningCount& running) {
  // The task must be freed if the allocation of its frame throws.
  std::unique_ptr<ScriptTask> owner(new ScriptTask(machine, references));
  const size_t bytes = frame_bytes(function);
  void* const memory = bytes > kFrameInTask ? detail::allocate_block(bytes) : owner->frame_in_task;
  ScriptTask* const task = owner.release();
  task->top = new (memory) Frame{nullptr, &function, function.code.data(), depth, 0, bytes <= kFrameInTask};
  Value* const r = task->top->registers();
  // Scalar registers are written before they are read, so they need nothing.
  for (const uint16_t i : function.object_registers) new (&r[i]) Value();
  running.begin();
  return task;
}

ScriptTask::~ScriptTask() { drop_frames(); }

void ScriptTask::drop_frames() noexcept {
  if (!top) return;
  drop_frames_above(nullptr);
  ThreadNotes::here().running().end();
}

// A loop and not recursion: there may be a million frames.
void ScriptTask::drop_frames_above(const Frame* kept) noexcept {
  while (top != kept) {
    Frame* const frame = std::exchange(top, top->caller);
    release_registers(*frame);
    if (!frame->in_task) detail::free_block(frame, frame_bytes(*frame->function));
  }
}

// ---- the executor's side

bool StartTask::spent() const noexcept { return static_cast<const ScriptTask*>(this)->started(); }

void StartTask::run() noexcept {
  ScriptTask& task = static_cast<ScriptTask&>(*this);
  ThreadNotes& notes = ThreadNotes::here();
  if (notes.posting == &task) {
    // The executor is full or runs tasks in place. The forking task switches to this one after post() has returned, so
    // that nested forks do not use the thread's stack.
    notes.asked_to_run = true;
    return;
  }
  // The task that waits for this one has started it. This entry is spent and only has its reference to drop.
  if (!task.start()) {
    task.release();
    return;
  }
  task.owned = true;
  ScriptTask::drive(&task, {});
}

void StartTask::abandon() noexcept {
  ScriptTask& task = static_cast<ScriptTask&>(*this);
  if (task.start()) {
    task.owned = true;
    task.drop_frames();
    task.fail(
        make_error(ErrorKind::kAbandoned, "the executor shut down before it ran the forked script function"));
  }
  task.release();
}

void ResumeTask::run() noexcept { ScriptTask::drive(static_cast<ScriptTask*>(this), {}); }

void ResumeTask::abandon() noexcept {
  ScriptTask& task = static_cast<ScriptTask&>(*this);
  const std::exception_ptr error = task.with_trail(
      make_error(ErrorKind::kAbandoned, "the executor shut down while the script function was waiting"));
  task.drop_frames();
  task.fail(error);
  task.release();
}

bool ScriptTask::run_inline() noexcept {
  if (!start()) return false;
  drive(this, {});
  return true;
}

const detail::NodeOps ScriptTask::kResume = {[](detail::Node* node, detail::StateBase&) noexcept {
                                               static_cast<ScriptTask*>(node)->post_resumption();
                                             },
                                             false};

void ScriptTask::drive(ScriptTask* task, const Stay& stay) noexcept { interpret(task, stay); }

// ---- suspension

void ScriptTask::own() noexcept {
  if (owned) return;
  retain();
  owned = true;
}

// Subscribes this task to `awaited` (or posts it, for null), and each task below that waits to the task above it. A task
// is own()ed before it is subscribed: afterwards another thread may run it to its end.
ScriptTask* ScriptTask::detach(detail::StateBase* awaited) noexcept {
  ScriptTask* task = this;
  for (;;) {
    ScriptTask* const next = std::exchange(task->below, nullptr);
    const Link how = task->link;
    task->own();
    if (awaited) {
      awaited->subscribe(task);
    } else {
      task->post_resumption();
    }
    if (!next) return nullptr;
    if (how == Link::kPaused) return next;
    // `task` cannot go away before `next` subscribes to it: the register on which `next` waits holds a reference.
    awaited = task;
    task = next;
  }
}

ScriptTask* ScriptTask::suspend(detail::StateBase& awaited) {
  // An `__exit__` that an error calls waits to the end: that the context has stopped may be this error.
  if (!unwinds() && context.get() && detail::can_stop(*context.get())) [[unlikely]] {
    // Without this the frames would stay until `awaited` is done, even after the context was cancelled.
    const auto stopped = detail::until_stopped(awaited, *context.get());
    return detach(stopped.get());
  }
  return detach(&awaited);
}
ScriptTask* ScriptTask::yield() noexcept { return detach(nullptr); }

// Unlinks this task. Returns the task with which this thread continues.
ScriptTask* ScriptTask::leave() noexcept { return std::exchange(below, nullptr); }

ScriptTask* ScriptTask::finish_with(Value result) noexcept {
  ScriptTask* const next = leave();
  if (!owned) {
    // It ran in place without a reference of its own; its waiter's register keeps it.
    this->emplace(detail::owning, std::move(result));
  } else if (next && link == Link::kWaits) {
    // The register of the waiting task keeps the state, so this reference can be dropped first. That usually makes the
    // register the only owner, and completing a state with one owner needs no atomic exchange.
    owned = false;
    this->release();
    this->emplace(detail::owning, std::move(result));
  } else {
    owned = false;
    this->emplace(detail::owning, std::move(result));
    this->release();
  }
  return next;
}

ScriptTask* ScriptTask::fail_with(std::exception_ptr error) noexcept {
  if (withs_ && withs_->error) error = withs_->error;  // and not that of an __exit__
  try {
    if (!unwinds()) error = with_trail(error);
    if (withs_) {
      withs_->error = error;
      if (run_exit()) return this;
    }
  } catch (...) {
    // Out of memory for the trail or for the frames of an __exit__: the error itself is what matters.
  }
  return end_with(std::move(error));
}

namespace {

// What calls an `__exit__` on behalf of an error.
const code::Function& unwinding() {
  static const code::Function& function = *[] {
    auto* const made = new code::Function;
    made->name = "with";
    made->registers = 1;
    made->object_registers = {0};
    made->code.push_back({.instruction = {code::Opcode::UNWIND}});
    return made;
  }();
  return function;
}

}  // namespace

// Drops the frames inside the innermost `with` and puts the call of its __exit__ on top of the frame that it is in. False
// where no `with` is left.
bool ScriptTask::run_exit() {
  if (withs_->entered.empty()) return false;
  const Withs::Entered with = std::move(withs_->entered.back());
  withs_->entered.pop_back();
  drop_frames_above(with.frame);
  const auto push = [&](const code::Function& function) {
    void* const memory = detail::allocate_block(frame_bytes(function));
    top = new (memory) Frame{top, &function, function.code.data(), top->depth + 1, 0, false};
    for (const uint16_t i : function.object_registers) new (&top->registers()[i]) Value();
  };
  push(unwinding());
  push(*with.exit);
  Value* const arguments = top->registers();
  arguments[0] = with.object;
  for (size_t i = 1; i < with.exit->params.size(); ++i) new (&arguments[i]) Value();
  return true;
}

void ScriptTask::enter_with(Value object, const code::Function& exit) {
  if (!withs_) withs_ = std::make_unique<Withs>();
  withs_->entered.push_back({top, std::move(object), &exit});
}

void ScriptTask::leave_with() noexcept { withs_->entered.pop_back(); }

ScriptTask* ScriptTask::end_with(std::exception_ptr error) noexcept {
  ScriptTask* const next = leave();
  const bool mine = std::exchange(owned, false);
  drop_frames();
  // The program holds the future of a fork, so its error is reported if nobody looks at it.
  if (fork_function_) this->show();
  this->fail(detail::owning, std::move(error));
  if (mine) this->release();
  return next;
}

// The error with a hop for each frame, innermost first. Of a very deep recursion only both ends are kept.
std::exception_ptr ScriptTask::with_trail(const std::exception_ptr& error) const {
  constexpr size_t kEnd = 16;
  std::vector<Hop> hops;
  std::vector<const Frame*> frames;
  for (const Frame* frame = top; frame; frame = frame->caller) frames.push_back(frame);
  for (size_t i = 0; i < frames.size(); ++i) {
    if (frames.size() > 2 * kEnd && i == kEnd) {
      i = frames.size() - kEnd;
      hops.push_back({Hop::Kind::kNote, fmt::format("{} more calls", frames.size() - 2 * kEnd), {}, 0});
    }
    const Frame& frame = *frames[i];
    auto at = static_cast<size_t>(frame.pc - frame.function->code.data());
    if (i > 0) --at;  // the pc of a caller is the instruction after its call
    const SourceSpan place = frame.function->place_of(at);
    hops.push_back(
        {Hop::Kind::kScript, frame.function->name, place.source ? place.source->name : "", place.line});
  }
  if (fork_function_) {
    const SourceSpan place =
        fork_function_->place_of(static_cast<size_t>(fork_pc_ - fork_function_->code.data()));
    hops.push_back(
        {Hop::Kind::kFork, fork_function_->name, place.source ? place.source->name : "", place.line});
  }
  try {
    std::rethrow_exception(error);
  } catch (Error& original) {
    // The hops are added to a clone, because other threads may be reading the original.
    const std::exception_ptr clone = original.to_exception_ptr();
    try {
      std::rethrow_exception(clone);
    } catch (Error& fresh) {
      for (Hop& hop : hops) fresh.add_hop(std::move(hop));
    }
    return clone;
  } catch (...) {
    return error;
  }
}

// ---- entries

namespace {

ScriptTask* prepare(Machine& machine, const code::Function& function, std::span<const Value> args,
                    uint32_t references) {
  if (args.size() != function.params.size()) {
    throw TypeError(fmt::format("{}() takes {} arguments, but {} were given", function.name,
                                function.params.size(), args.size()));
  }
  ScriptTask* const task = ScriptTask::make(machine, function, 1, references, ThreadNotes::here().running());
  Value* const r = task->top->registers();
  for (size_t i = 0; i < args.size(); ++i) new (&r[i]) Value(args[i]);
  if (detail::ContextData* const context = detail::current_context()) [[unlikely]] {
    task->enter(detail::ContextRef(context));
  }
  return task;
}

Future<Value> start_here(Machine& machine, const code::Function& function, std::span<const Value> args,
                         const Stay& stay) {
  // One reference is enough: the caller's future keeps the task alive while it runs here.
  ScriptTask* const task = prepare(machine, function, args, 1);
  Future<Value> future(detail::Ref<detail::State<Value>>::adopt(task));
  (void)task->start();
  ScriptTask::drive(task, stay);
  return future;
}

}  // namespace

Future<Value> Machine::start(const code::Function& function, std::span<const Value> args, Poll* poll) {
  return start_here(*this, function, args, {.poll = poll});
}

Future<Value> Machine::start_for(std::chrono::nanoseconds slice, const code::Function& function,
                                 std::span<const Value> args) {
  return start_here(*this, function, args, {.slice = slice});
}

Future<Value> Machine::post(const code::Function& function, std::span<const Value> args) {
  ScriptTask* const task = prepare(*this, function, args, 2);  // the future's and the entry's
  Future<Value> future(detail::Ref<detail::State<Value>>::adopt(task));
  executor_.post(*task->task());
  return future;
}

Value Machine::call(const code::Function& function, std::span<const Value> args, Poll* poll) {
  return start(function, args, poll).get();
}

}  // namespace tine::vm
