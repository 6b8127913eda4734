// Frame: one activation of a function. FramePool: this thread's free frames.
//
// State      Fixed layout, registers behind the header.
// Threads    A frame belongs to the thread that runs its task. A pool belongs to one thread; a frame may be
//            returned to another pool than it came from.
// Ordering   None.
// Ownership  A frame owns its registers' values from init() to release().
// Errors     std::bad_alloc.
// Cost       Taking and giving back a frame is a pop and a push; a pool keeps at most 4 MiB.
// Source     Segregated free lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "src/code/function.h"
#include "tine/value.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TINE_VM_POOLS 0  // the sanitizer must see each frame's own life
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TINE_VM_POOLS 0
#endif
#endif
#ifndef TINE_VM_POOLS
#define TINE_VM_POOLS 1
#endif

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

// Releases what the registers hold; scalar registers hold nothing.
inline void release_registers(Frame& frame) noexcept {
  Value* const r = frame.registers();
  for (const uint16_t i : frame.function->object_registers) r[i].~Value();
}

class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool() {
    for (Free* list : free_) {
      while (list) std::free(std::exchange(list, list->next));
    }
  }

  [[nodiscard]] void* take(size_t bytes) {
    const size_t size_class = class_of(bytes);
    if (TINE_VM_POOLS && size_class < kClasses) [[likely]] {
      if (Free* block = free_[size_class]) [[likely]] {
        free_[size_class] = block->next;
        kept_ -= (size_class + 1) * kStep;
        return block;
      }
    }
    void* block = std::malloc((size_class + 1) * kStep);
    if (!block) throw std::bad_alloc();
    return block;
  }
  void give(void* block, size_t bytes) noexcept {
    const size_t size_class = class_of(bytes);
    if (TINE_VM_POOLS && size_class < kClasses && kept_ < kMostKept) [[likely]] {
      auto* const free = static_cast<Free*>(block);
      free->next = free_[size_class];
      free_[size_class] = free;
      kept_ += (size_class + 1) * kStep;
      return;
    }
    std::free(block);
  }

  // Forked tasks that were run in place while their entry stayed in the executor: see ScriptTask.
  uint32_t stale = 0;
  // The task that this thread is posting: an executor that runs it in place would recurse.
  ScriptTask* posting = nullptr;
  bool asked_to_run = false;

  // This thread's.
  [[nodiscard]] static FramePool& here();

 private:
  static constexpr size_t kStep = 64;
  static constexpr size_t kClasses = 32;  // up to 2 KiB
  static constexpr size_t kMostKept = size_t{4} << 20;
  struct Free {
    Free* next;
  };
  static size_t class_of(size_t bytes) noexcept { return (bytes - 1) / kStep; }

  Free* free_[kClasses] = {};
  size_t kept_ = 0;
};

}  // namespace tine::vm
