// The interpreter loop. Each instruction ends in an indirect jump of its own to the next one (labels as values, which GCC
// and Clang have), so the branch predictor keeps a history for each instruction.
//
// What holds between instructions:
//   1. `frame` is task_->top; `function`, `r` and `k` are its function, registers and constants; `pc` is the instruction
//      at work. frame->pc is older: an instruction that may throw or give the thread up writes it first (SAVE).
//   2. A scalar register owns nothing, so it is overwritten by placement new; every other register holds a Value, and is
//      assigned to.
//   3. No object with a destructor is in scope at a NEXT or GO: a computed jump does not run destructors.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <typeinfo>
#include <utility>
#include <vector>

#include "src/future/run_limits.h"
#include "src/value/cost.h"
#include "src/value/op_context.h"
#include "src/vm/access.h"
#include "src/vm/fuel.h"
#include "src/vm/numbers.h"
#include "src/vm/slow_paths.h"
#include "src/vm/task.h"
#include "tine/detail/fits.h"

#pragma GCC diagnostic ignored "-Wpedantic"  // labels as values

namespace tine::vm {
namespace {

using code::CallSite;
using code::Function;
using code::Instruction;
using code::Opcode;
using code::Word;
using detail::StateBase;

ScriptTask* as_script_task(StateBase* state, const Machine& machine) noexcept {
  if (typeid(*state) != typeid(ScriptTask)) return nullptr;
  auto* const task = static_cast<ScriptTask*>(state);
  return &task->machine == &machine ? task : nullptr;
}

// Claims a child that has not started for this thread. The executor returns the child's entry only if it is the newest
// live one of this thread. Otherwise the child is started while its entry stays in the deque, spent: the thread that
// finds the entry drops it. `stale` counts these entries, so that the next take_back() also drops those below its own.
bool take_child(ScriptTask& child, ThreadNotes& notes) noexcept {
  if (child.started()) return false;
  if (child.machine.executor().take_back(*child.task(), notes.stale > 0)) {
    notes.stale = 0;
    if (child.start()) {
      child.owned = true;  // the entry's reference
      return true;
    }
    child.release();
    return false;
  }
  // The entry lies below another one, or on another thread.
  if (!child.start()) return false;
  ++notes.stale;
  return true;
}

// The operands of a call, from number `first` on, into the first registers of the callee, where it expects its parameters.
[[gnu::always_inline]] inline void pass(const uint16_t* operands, int first, int n, Value* r, const Value* k,
                                        Value* to) {
  for (int i = first; i < n; ++i) {
    const uint16_t operand = operands[i];
    if (operand & code::kConstOperand) {
      new (&to[i]) Value(k[operand & code::kOperandMask]);
    } else if (operand & code::kLastUse) {
      new (&to[i]) Value(std::move(r[operand & code::kOperandMask]));
    } else {
      new (&to[i]) Value(static_cast<const Value&>(r[operand & code::kOperandMask]));
    }
  }
}

// Its parameters and its pc are unset.
[[gnu::always_inline]] inline Frame* new_frame(const Function& callee, Frame* caller, uint16_t return_to) {
  auto* const frame = static_cast<Frame*>(detail::allocate_block(frame_bytes(callee)));
  frame->caller = caller;
  frame->function = &callee;
  frame->depth = caller->depth + 1;
  frame->return_to = return_to;
  frame->in_task = false;
  Value* const r = frame->registers();
  for (size_t i = callee.object_params; i < callee.object_registers.size(); ++i)
    new (&r[callee.object_registers[i]]) Value();
  return frame;
}

class Interpreter {
 public:
  explicit Interpreter(const Stay& stay) noexcept
      : poll_(stay.poll),
        sliced_(stay.slice.count() > 0),
        notes_(ThreadNotes::here()),
        running_(notes_.running()) {
    if (!sliced_) return;
    slice_end_ = Clock::now() + stay.slice;
    slice_left_ = stay.slice.count();
  }

  void run(ScriptTask* task) noexcept {
    const detail::ContextSwap swap(task->context);
    if (task->context.get()) [[unlikely]]
      limits_ = detail::run_limits(*task->context.get());
    while (task) {
      try {
        // cancel(), or the end of the run's context, completed the future before the run began or while it waited: the run
        // must not continue.
        task_ = task;
        if ((task->done() || task->machine.ended()) && !task->unwinds()) [[unlikely]]
          throw_ended();
        if (limits_) take_steps(1);
        loop();
        task = nullptr;
      } catch (...) {
        task = task_->fail_with(std::current_exception());
      }
    }
  }

 private:
  void loop();
  bool interrupted();
  bool fits_the_slice(const Cost& cost, const Value* args, size_t n);
  // Room for the arguments of an operator that has more of them than fit on the stack.
  Value* more_arguments(size_t n) {
    more_.resize(std::max(more_.size(), n * sizeof(Value)));
    return reinterpret_cast<Value*>(more_.data());
  }

  const Function& method_of(const Function& caller, const CallSite& site, const Value& object);

  // A run with a slice must notice its end within a fraction of the slice. All others only look for interruptions, so they
  // look at the clock as seldom as possible.
  [[nodiscard]] Fuel fuel() const noexcept {
    if (limits_) [[unlikely]] {
      Fuel limited(sliced_ ? kSlice / 8 : kInterruption / 2, kLimitedTurns, kLimitedTurns);
      limited.cap(limits_->left());
      return limited;
    }
    return sliced_ ? Fuel(kSlice / 8, 64) : Fuel(kInterruption / 2, 1024);
  }

  void take_steps(int64_t steps) const;
  [[noreturn]] void throw_ended() const;

  // With limits the steps are counted at least so often.
  static constexpr int32_t kLimitedTurns = 1024;

  Poll* const poll_;
  detail::RunLimits* limits_ = nullptr;  // of the context that all tasks of this run have
  const bool sliced_;
  TimePoint slice_end_;
  int64_t slice_left_ =
      0;  // in ns: what was left at the last look at the clock, minus the estimates of all calls since
  ThreadNotes& notes_;
  RunningCount& running_;
  ScriptTask* task_ = nullptr;
  // What calls through interfaces have found. No code goes away while a run lasts.
  struct Method {
    const CallSite* site = nullptr;
    const ObjectType* of = nullptr;
    const Function* found = nullptr;
  };
  static constexpr size_t kMethods = 16;  // a power of two
  std::vector<Method> methods_;
  std::vector<std::byte> more_;
};

[[gnu::cold, gnu::noinline]] void Interpreter::take_steps(int64_t steps) const {
  if (!limits_->take(steps))
    throw Error(fmt::format("the script was ended after {} steps, the limit of its context (script::Limits)",
                            limits_->steps()));
}

[[gnu::cold, gnu::noinline]] void Interpreter::throw_ended() const {
  if (task_->done()) throw Cancelled("the script function was cancelled");
  throw Abandoned("the script function was ended: the Runtime that runs it is being destroyed");
}

// Returns true if the task gave this thread up; `task_` is then the next task for this thread, or null.
[[gnu::cold, gnu::noinline]] bool Interpreter::interrupted() {
  if (task_->done() || task_->machine.ended()) throw_ended();
  if (poll_) poll_->poll();
  if (!sliced_) return false;
  slice_left_ = std::chrono::nanoseconds(slice_end_ - Clock::now()).count();
  if (slice_left_ > 0) return false;
  task_ = task_->yield();
  return true;
}

// Charges the estimate of a call to the slice. Returns false if the call does not fit: the task then gave this thread up,
// as in interrupted(), and makes the call on the executor. The clock is read only when the estimates have used the slice
// up, because most calls take less time than estimated.
[[gnu::noinline]] bool Interpreter::fits_the_slice(const Cost& cost, const Value* args, size_t n) {
  const int64_t bound = nanoseconds(cost, args, n);
  if (bound > slice_left_) {
    slice_left_ = std::chrono::nanoseconds(slice_end_ - Clock::now()).count();
    if (bound > slice_left_) {
      task_ = task_->yield();
      return false;
    }
  }
  slice_left_ -= bound;
  return true;
}

// A type of which code knows is not freed before the code, so that its address stays its own.
[[gnu::noinline]] const Function& Interpreter::method_of(const Function& caller, const CallSite& site,
                                                         const Value& object) {
  const ObjectType* const type = object.as_object().type.get();
  methods_.resize(kMethods);
  const size_t mixed =
      reinterpret_cast<uintptr_t>(&site) / sizeof(CallSite) ^ reinterpret_cast<uintptr_t>(type) / 64;
  Method& method = methods_[mixed % kMethods];
  if (method.site != &site || method.of != type) {
    const Function& found = find_method(caller, site, object);
    if (found.params[0].get() != type) return found;
    method = {&site, type, &found};
  }
  return *method.found;
}

#define RA r[in.a]
#define RB r[in.b]
#define RC r[in.c]
#define KC k[in.c]
#define KB k[in.b]
#define SET(v) new (&RA) Value(v)

// To the next instruction.
#define NEXT()                                 \
  do {                                         \
    in = (++pc)->instruction;                  \
    goto* kLabels[static_cast<size_t>(in.op)]; \
  } while (0)
#define GO()                                   \
  do {                                         \
    in = pc->instruction;                      \
    goto* kLabels[static_cast<size_t>(in.op)]; \
  } while (0)
// Jumps by `distance` from the next instruction. A jump backwards uses fuel: every loop has one, so no loop runs for long
// without a look at the clock.
#define BRANCH(distance)                          \
  do {                                            \
    const int32_t far_ = (distance);              \
    pc += far_ + 1;                               \
    if (far_ < 0 && --fuel.left < 0) [[unlikely]] \
      goto out_of_fuel;                           \
    GO();                                         \
  } while (0)
// frame->pc gives the place of an error, and says where the run continues after it gave the thread up.
#define SAVE() frame->pc = pc
// Before an instruction that walks a whole value, whose time depends on the value.
#define CHECK_SLICE(value)                                              \
  do {                                                                  \
    if (sliced_) [[unlikely]] {                                         \
      SAVE();                                                           \
      if (!fits_the_slice(cost::kCompare, &(value), 1)) goto next_task; \
    }                                                                   \
  } while (0)
#define ENTER_FRAME()               \
  do {                              \
    frame = task_->top;             \
    function = frame->function;     \
    r = frame->registers();         \
    k = function->constants.data(); \
    pc = frame->pc;                 \
  } while (0)

// Begins with a frame on top of this one, which goes on after its call.
#define START_FRAME(next)                       \
  do {                                          \
    frame->pc = pc + 1 + code::words_for(in.c); \
    task_->top = frame = (next);                \
    function = callee;                          \
    r = frame->registers();                     \
    k = callee->constants.data();               \
    pc = callee->code.data();                   \
    GO();                                       \
  } while (0)

#define INT_BINARY(name, expression) \
  name : {                           \
    const int64_t x = RB.as_int();   \
    const int64_t y = RC.as_int();   \
    SET(expression);                 \
    NEXT();                          \
  }                                  \
  name##_K : {                       \
    const int64_t x = RB.as_int();   \
    const int64_t y = KC.as_int();   \
    SET(expression);                 \
    NEXT();                          \
  }
// The same for operations that may throw.
#define INT_BINARY_SAVED(name, expression) \
  name : {                                 \
    const int64_t x = RB.as_int();         \
    const int64_t y = RC.as_int();         \
    SAVE();                                \
    SET(expression);                       \
    NEXT();                                \
  }                                        \
  name##_K : {                             \
    const int64_t x = RB.as_int();         \
    const int64_t y = KC.as_int();         \
    SAVE();                                \
    SET(expression);                       \
    NEXT();                                \
  }
#define FLOAT_BINARY(name, expression) \
  name : {                             \
    const double x = RB.as_float();    \
    const double y = RC.as_float();    \
    SET(expression);                   \
    NEXT();                            \
  }                                    \
  name##_K : {                         \
    const double x = RB.as_float();    \
    const double y = KC.as_float();    \
    SET(expression);                   \
    NEXT();                            \
  }
#define INT_BRANCH(name, op)                           \
  name : {                                             \
    if (RA.as_int() op RB.as_int()) BRANCH(in.near()); \
    NEXT();                                            \
  }                                                    \
  name##_K : {                                         \
    if (RA.as_int() op KB.as_int()) BRANCH(in.near()); \
    NEXT();                                            \
  }
#define FLOAT_BRANCH(name, condition) \
  name : {                            \
    const double x = RA.as_float();   \
    const double y = RB.as_float();   \
    if (condition) BRANCH(in.near()); \
    NEXT();                           \
  }

// NOLINTNEXTLINE(readability-function-size): one function, so that the registers stay in registers
void Interpreter::loop() {
  static const void* const kLabels[] = {
#define TINE_LABEL(name, form, picture) &&name,
      TINE_OPCODES(TINE_LABEL)
#undef TINE_LABEL
  };

  Fuel fuel = this->fuel();
  OpContext context = task_->machine.services();
  const uint32_t depth_limit =
      limits_ ? std::min(limits_->depth(), task_->machine.limits().depth) : task_->machine.limits().depth;
  Frame* frame;
  const Function* function;
  Value* r;
  const Value* k;
  const Word* pc;
  Instruction in;
  const Function* callee;

  ENTER_FRAME();
  GO();

MOVE : {
  relocate(&RA, &RB);
  NEXT();
}
COPY : {
  RA = RB;
  NEXT();
}
TAKE : {
  RA = std::move(RB);
  NEXT();
}
RELEASE : {
  RA = Value();
  NEXT();
}
LOAD_SCALAR : {
  relocate(&RA, &KB);
  NEXT();
}
LOAD : {
  RA = KB;
  NEXT();
}
LOAD_FRESH : {
  SAVE();
  RA = fresh_copy(KB);
  NEXT();
}

  INT_BINARY(ADD_INT, wrapping_add(x, y))
  INT_BINARY(SUB_INT, wrapping_sub(x, y))
  INT_BINARY(MUL_INT, wrapping_mul(x, y))
  INT_BINARY_SAVED(FLOORDIV_INT, floor_div(x, y))
  INT_BINARY_SAVED(MOD_INT, floor_mod(x, y))
  INT_BINARY(DIV_INT, static_cast<double>(x) / static_cast<double>(y))
  INT_BINARY(LT_INT, x < y)
  INT_BINARY(LE_INT, x <= y)
  INT_BINARY(GT_INT, x > y)
  INT_BINARY(GE_INT, x >= y)
  INT_BINARY(EQ_INT, x == y)
  INT_BINARY(NE_INT, x != y)
  FLOAT_BINARY(ADD_FLOAT, x + y)
  FLOAT_BINARY(SUB_FLOAT, x - y)
  FLOAT_BINARY(MUL_FLOAT, x * y)
  FLOAT_BINARY(DIV_FLOAT, x / y)
  FLOAT_BINARY(LT_FLOAT, x < y)
  FLOAT_BINARY(LE_FLOAT, x <= y)
  FLOAT_BINARY(GT_FLOAT, x > y)
  FLOAT_BINARY(GE_FLOAT, x >= y)
  FLOAT_BINARY(EQ_FLOAT, x == y)
  FLOAT_BINARY(NE_FLOAT, x != y)
NEG_INT : {
  SET(wrapping_sub(0, RB.as_int()));
  NEXT();
}
NEG_FLOAT : {
  SET(-RB.as_float());
  NEXT();
}
NOT : {
  SET(!RB.as_bool());
  NEXT();
}
INT_TO_FLOAT : {
  SET(static_cast<double>(RB.as_int()));
  NEXT();
}
FLOAT_TO_INT : {
  SAVE();
  SET(to_integer(RB.as_float()));
  NEXT();
}

JUMP : { BRANCH(in.far()); }
JUMP_IF : {
  if (RA.as_bool()) BRANCH(in.far());
  NEXT();
}
JUMP_UNLESS : {
  if (!RA.as_bool()) BRANCH(in.far());
  NEXT();
}
  INT_BRANCH(JUMP_LT_INT, <)
  INT_BRANCH(JUMP_LE_INT, <=)
  INT_BRANCH(JUMP_GT_INT, >)
  INT_BRANCH(JUMP_GE_INT, >=)
  INT_BRANCH(JUMP_EQ_INT, ==)
  INT_BRANCH(JUMP_NE_INT, !=)
  FLOAT_BRANCH(JUMP_LT_FLOAT, x < y)
  FLOAT_BRANCH(JUMP_LE_FLOAT, x <= y)
  FLOAT_BRANCH(JUMP_EQ_FLOAT, x == y)
  FLOAT_BRANCH(JUMP_NOT_LT_FLOAT, !(x < y))
  FLOAT_BRANCH(JUMP_NOT_LE_FLOAT, !(x <= y))
  FLOAT_BRANCH(JUMP_NE_FLOAT, x != y)
LOOP : {
  const int64_t turn = RA.as_int() + 1;
  SET(turn);
  if (turn < RB.as_int()) BRANCH(in.near());
  NEXT();
}
LOOP_K : {
  const int64_t turn = RA.as_int() + 1;
  SET(turn);
  if (turn < KB.as_int()) BRANCH(in.near());
  NEXT();
}

CALL_OP:
CALL_OP_SCALAR:
CALL_OP_DROP : {
  constexpr int kInline = 12;
  alignas(Value) std::byte space[kInline * sizeof(Value)];
  auto* args = reinterpret_cast<Value*>(space);
  const int n = in.c;
  SAVE();
  if (n > kInline) [[unlikely]]
    args = more_arguments(static_cast<size_t>(n));
  const uint16_t* const operands = pc[1].operands;
  bool last_uses = false;
  for (int i = 0; i < n; ++i) {
    const uint16_t operand = operands[i];
    const Value* const from =
        operand & code::kConstOperand ? &k[operand & code::kOperandMask] : &r[operand & code::kOperandMask];
    relocate(&args[i], from);  // lent: the register still owns it
    last_uses |= (operand & code::kLastUse) != 0;
  }
  fuel.left -= 8;  // a kernel takes longer than an iteration of a loop
  if (sliced_ && !fits_the_slice(function->ops[in.b]->traits.cost, args, static_cast<size_t>(n))) [[unlikely]]
    goto next_task;
  {
    // The arguments have no owner of their own, so they are not destroyed. The registers that die here are released before
    // the result is written, because the result may go into one of them.
    Value result = call(*function->ops[in.b], context, args);
    if (last_uses) {
      for (int i = 0; i < n; ++i) {
        if (operands[i] & code::kLastUse) r[operands[i] & code::kOperandMask] = Value();
      }
    }
    if (in.op == Opcode::CALL_OP) {
      RA = std::move(result);
    } else if (in.op == Opcode::CALL_OP_SCALAR) {
      new (&RA) Value(std::move(result));
    }
  }
  pc += code::words_for(n);
  NEXT();
}

// A method: its object stays in the register of the caller, which waits meanwhile.
CALL_ON:
CALL_ON_SCALAR : {
  const CallSite& site = function->calls[in.b];
  callee = site.target.load(std::memory_order_acquire);
  if (!callee || frame->depth >= depth_limit || --fuel.left < 0) [[unlikely]] {
    SAVE();
    if (!callee) callee = &link_method(*function, site);
    if (frame->depth >= depth_limit) throw_too_deep(*callee, depth_limit);
    if (fuel.left < 0) goto out_of_fuel;
  }
  Frame* const next = new_frame(*callee, frame, in.a);
  const uint16_t* const operands = pc[1].operands;
  relocate(&next->registers()[0], &r[operands[0]]);
  pass(operands, 1, in.c, r, k, next->registers());
  if (in.op == Opcode::CALL_ON) RA = Value();
  START_FRAME(next);
}

CALL_METHOD:
CALL_METHOD_SCALAR : {
  SAVE();
  callee = &method_of(*function, function->calls[in.b], r[pc[1].operands[0] & code::kOperandMask]);
  if (frame->depth >= depth_limit) [[unlikely]]
    throw_too_deep(*callee, depth_limit);
  if (--fuel.left < 0) [[unlikely]]
    goto out_of_fuel;
  in.op = in.op == Opcode::CALL_METHOD ? Opcode::CALL : Opcode::CALL_SCALAR;
  goto make_call;
}

CALL:
CALL_SCALAR : {
  const CallSite& site = function->calls[in.b];
  callee = site.target.load(std::memory_order_acquire);
  if (!callee || frame->depth >= depth_limit || --fuel.left < 0) [[unlikely]] {
    SAVE();
    if (!callee) callee = &link(*function, site);
    if (frame->depth >= depth_limit) throw_too_deep(*callee, depth_limit);
    if (fuel.left < 0) goto out_of_fuel;  // comes back to this instruction, whose call has not been made
  }
}
make_call : {
  Frame* const next = new_frame(*callee, frame, in.a);
  pass(pc[1].operands, 0, in.c, r, k, next->registers());
  // RETURN writes the result by placement new, so the register must own nothing by then.
  if (in.op == Opcode::CALL) RA = Value();
  START_FRAME(next);
}

// The result is moved out before the registers are released: it may be the last reference to its object.
RETURN : {
  Value result = std::move(RA);
  release_registers(*frame);
  Frame* const caller = frame->caller;
  if (!caller) {
    task_->top = nullptr;
    if (!frame->in_task) detail::free_block(frame, frame_bytes(*function));
    running_.end();
    task_ = task_->finish_with(std::move(result));
    goto next_task;
  }
  new (&caller->registers()[frame->return_to]) Value(std::move(result));
  goto leave_frame;
}
RETURN_SCALAR : {
  if (!frame->caller) {
    Value result = RA;
    release_registers(*frame);
    task_->top = nullptr;
    if (!frame->in_task) detail::free_block(frame, frame_bytes(*function));
    running_.end();
    task_ = task_->finish_with(std::move(result));
    goto next_task;
  }
  relocate(&frame->caller->registers()[frame->return_to], &RA);
  release_registers(*frame);
  goto leave_frame;
}
RETURN_K : {
  Value result = k[in.a];
  release_registers(*frame);
  if (!frame->caller) {
    task_->top = nullptr;
    if (!frame->in_task) detail::free_block(frame, frame_bytes(*function));
    running_.end();
    task_ = task_->finish_with(std::move(result));
    goto next_task;
  }
  new (&frame->caller->registers()[frame->return_to]) Value(std::move(result));
  goto leave_frame;
}
leave_frame : {
  Frame* const caller = frame->caller;
  detail::free_block(frame, frame_bytes(*function));
  task_->top = caller;
  ENTER_FRAME();
  GO();
}

FORK : {
  const CallSite& site = function->calls[in.b];
  callee = site.target.load(std::memory_order_acquire);
  SAVE();
  if (!callee) [[unlikely]]
    callee = &link(*function, site);
  if (frame->depth >= depth_limit) [[unlikely]]
    throw_too_deep(*callee, depth_limit);
  if (--fuel.left < 0) [[unlikely]]
    goto out_of_fuel;  // the fork is made when the task goes on
  ScriptTask* const child = ScriptTask::make(task_->machine, *callee, frame->depth + 1, 2, running_);
  child->forked_at(*function, pc);  // for the trail of its errors
  pass(pc[1].operands, 0, in.c, r, k, child->top->registers());
  // The register must hold its reference before the child is posted: when post() returns, the child may be done and the
  // reference of its entry gone.
  RA = Value(Future<Value>(detail::Ref<detail::State<Value>>::adopt(child)));
  if (task_->context.get()) [[unlikely]]
    child->enter(task_->context);
  pc += 1 + code::words_for(in.c);
  notes_.posting = child;
  task_->machine.executor().post(*child->task());
  notes_.posting = nullptr;
  // An executor that is full, or runs tasks in place, has called StartTask::run() inside post(). Running the child there
  // would use the thread's stack for each nested fork, so run() only left a note, and the child runs here on the heap.
  if (notes_.asked_to_run) [[unlikely]] {
    notes_.asked_to_run = false;
    SAVE();
    if (child->start()) {
      child->owned = true;
      child->below = task_;
      child->link = ScriptTask::Link::kPaused;
      task_ = child;
      ENTER_FRAME();
      GO();
    }
    child->release();
  }
  GO();
}

WAIT:
WAIT_SCALAR : {
  detail::State<Value>* const state = RB.as_future_state();
  if (!state->done()) {
    SAVE();
    // The usual case: no thread has started the child, so this thread runs it, on top of this task. A child of another
    // context must not run here, because this thread has the context of this task.
    ScriptTask* const child = as_script_task(state, task_->machine);
    if (child && child->context.get() == task_->context.get() && take_child(*child, notes_)) {
      child->below = task_;
      child->link = ScriptTask::Link::kWaits;
      task_ = child;
      ENTER_FRAME();
      GO();
    }
    // take_child() fails if another thread has started the child, which may be done by now.
    if (!state->done()) {
      task_ = task_->suspend(*state);
      goto next_task;
    }
  }
  if (state->outcome() != detail::Outcome::kValue) [[unlikely]] {
    SAVE();
    std::rethrow_exception(state->error());
  }
  // A future may come from anywhere (Python, another worker), so its value is checked against the type that the code was
  // compiled for.
  if (const Type& type = *function->types[in.c >> 1]; !fits_at_once(state->value(), type)) [[unlikely]] {
    CHECK_SLICE(state->value());
    SAVE();
    check_arrived(state->value(), function->types[in.c >> 1]);
  }
  {
    // If this register held the last reference, nobody else can look at the value: it is moved instead of copied.
    const bool last_use = (in.c & 1) != 0;
    Value result = last_use && state->sole_owner() ? std::move(state->value()) : state->value();
    if (last_use) RB = Value();
    if (in.op == Opcode::WAIT) {
      RA = std::move(result);
    } else {
      new (&RA) Value(std::move(result));
    }
  }
  NEXT();
}

GET_SLOT : {
  SAVE();
  RA = slot(RB, function->slots[in.c]);
  NEXT();
}
GET_SLOT_SCALAR : {
  SAVE();
  new (&RA) Value(slot(RB, function->slots[in.c]));
  NEXT();
}
GET_FIELD : {
  SAVE();
  RA = field(RB, function->slots[in.c]);
  NEXT();
}
GET_FIELD_SCALAR : {
  SAVE();
  new (&RA) Value(field(RB, function->slots[in.c]));
  NEXT();
}
OBJECT : {
  SAVE();
  RA = new_object(function->types[in.b]);
  NEXT();
}
ENTER : {
  SAVE();
  const CallSite& site = function->calls[in.b];
  const Function* exit = site.target.load(std::memory_order_acquire);
  task_->enter_with(RA, exit ? *exit : link(*function, site));
  NEXT();
}
LEAVE : {
  task_->leave_with();
  NEXT();
}
UNWIND : {
  SAVE();
  task_->go_on_unwinding();
}
SET_SLOT : {
  SAVE();
  const uint16_t operand = pc[1].operands[0];
  slot(RA, function->slots[in.b]) = operand & code::kConstOperand
                                        ? k[operand & code::kOperandMask]
                                        : static_cast<const Value&>(r[operand & code::kOperandMask]);
  ++pc;
  NEXT();
}

TUPLE:
NAMED_TUPLE : {
  SAVE();
  build_tuple(in, pc[1].operands, *function, k, r);
  pc += code::words_for(in.c);
  NEXT();
}

LIST:
DICT : {
  SAVE();
  build(in, pc[1].operands, k, r);
  pc += code::words_for(in.c);
  NEXT();
}

TUPLE_INDEX : {
  RA = Value(element(RB, in.c));
  NEXT();
}
TUPLE_INDEX_SCALAR : {
  new (&RA) Value(element(RB, in.c));
  NEXT();
}
UNPACK_LIST : {
  if (const size_t found = RA.as_list().items.size(); found != in.b) [[unlikely]] {
    SAVE();
    throw_wrong_length(in.b, found);
  }
  NEXT();
}
LIST_ITEM : {
  SAVE();
  RA = Value(list_item(RB, RC.as_int()));
  NEXT();
}
LIST_ITEM_SCALAR : {
  SAVE();
  new (&RA) Value(list_item(RB, RC.as_int()));
  NEXT();
}
LIST_LENGTH : {
  SET(static_cast<int64_t>(RB.as_list().items.size()));
  NEXT();
}
IS_NONE : {
  SET(RB.is_none());
  NEXT();
}
IS_INSTANCE : {
  CHECK_SLICE(RB);
  SET(fits(RB, function->types[in.c]));
  NEXT();
}
CHECK_TYPE : {
  CHECK_SLICE(RA);
  if (const TypePtr& type = function->types[in.b]; !fits(RA, type)) [[unlikely]] {
    SAVE();
    throw TypeError(fmt::format("expected a value of type {}, got {}", type->str(), type_of(RA)->str()));
  }
  NEXT();
}
CHECK_PRESENT : {
  if (RA.is_none()) [[unlikely]] {
    SAVE();
    throw TypeError("expected a value, got None: the value was assumed to be present here");
  }
  NEXT();
}
RAISE : {
  SAVE();
  std::rethrow_exception(make_error(static_cast<ErrorKind>(in.b), RA.to_string()));
}
RAISE_K : {
  SAVE();
  std::rethrow_exception(make_error(static_cast<ErrorKind>(in.b), k[in.a].to_string()));
}

out_of_fuel : {
  SAVE();
  if (limits_) [[unlikely]]
    take_steps(fuel.used());
  const bool look = fuel.refill();
  if (limits_) [[unlikely]]
    fuel.cap(limits_->left());
  if (look && interrupted()) goto next_task;
  GO();
}

next_task : {
  if (!task_) {
    if (limits_) [[unlikely]]
      (void)limits_->take(fuel.used());
    return;
  }
  ENTER_FRAME();
  GO();
}
}

}  // namespace

void interpret(ScriptTask* task, const Stay& stay) noexcept { Interpreter(stay).run(task); }

}  // namespace tine::vm
