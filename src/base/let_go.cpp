#include "src/base/let_go.h"

#include <new>
#include <utility>

namespace tine::detail {

CallbackGate::CallbackGate(Executor& executor) noexcept : before_(std::exchange(gate, &executor)) {}
CallbackGate::~CallbackGate() { gate = before_; }

void let_go(void* block, size_t bytes, void (*free)(void*, size_t)) noexcept {
  struct Free final : Task {
    void run() noexcept override {
      free(block, bytes);
      delete this;
    }
    void abandon() noexcept override { run(); }
    void* block = nullptr;
    size_t bytes = 0;
    void (*free)(void*, size_t) = nullptr;
  };
  Free* const task = gate && bytes >= kLargeBlock ? new (std::nothrow) Free : nullptr;
  if (!task) return free(block, bytes);
  task->block = block;
  task->bytes = bytes;
  task->free = free;
  gate->post(*task);
}

}  // namespace tine::detail
