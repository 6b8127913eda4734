// Frame: one activation of a function, in a recycled block (tine/detail/block.h): a header, then the registers. It belongs to
// the thread that runs its task, and owns its registers' values until release_registers().
#pragma once

#include <cstddef>
#include <cstdint>

#include "src/code/function.h"
#include "src/vm/running.h"
#include "tine/detail/block.h"
#include "tine/value.h"

namespace tine::vm {

class ScriptTask;

struct Frame {
  Frame* caller;  // null: the task's first frame
  const code::Function* function;
  const code::Word*
      pc;  // saved: the instruction at work in the top frame, the one to return to in the others
  uint32_t depth;
  uint16_t return_to;  // the caller's register
  bool in_task;        // lies inside its ScriptTask
  // 16-byte registers follow.
  [[nodiscard]] Value* registers() noexcept { return reinterpret_cast<Value*>(this + 1); }
};
static_assert(sizeof(Frame) == 32 && alignof(Frame) <= 16);

[[nodiscard]] inline size_t frame_bytes(const code::Function& f) noexcept {
  return sizeof(Frame) + sizeof(Value) * static_cast<size_t>(f.registers);
}

// Releases the values of the registers. Scalar registers own nothing.
inline void release_registers(Frame& frame) noexcept {
  Value* const r = frame.registers();
  for (const uint16_t i : frame.function->object_registers) r[i].~Value();
}

// What each thread that runs scripts keeps between its tasks.
struct ThreadNotes {
  // How many spent entries this thread may have in its deque (take_child() in interpreter.cpp).
  uint32_t stale = 0;
  // The child that this thread is posting. If the executor runs it inside post(), StartTask::run() sees it here and sets
  // asked_to_run instead of recursing.
  ScriptTask* posting = nullptr;
  bool asked_to_run = false;
  RunningCount* counts = nullptr;

  [[nodiscard]] RunningCount& running() {
    if (!counts) [[unlikely]]
      counts = RunningCount::claim();
    return *counts;
  }
  [[nodiscard]] static ThreadNotes& here() noexcept;
};

}  // namespace tine::vm
