// Thread: a thread of tine's own.
//
// State      Empty, or one thread that runs or has run its body and is to be joined.
// Threads    A Thread object by one thread at a time.
// Ordering   Signals are blocked before the body's first instruction.
// Ownership  The destructor joins, as join() does. In a child of fork(2) an inherited one is nobody's: nothing happens.
// Errors     The constructor throws SystemError when the system gives no thread. A body must not throw.
// Cost       pthread_create.
// Source     pthreads(7). Signals belong to the threads of the program; those that a thread's own fault raises (SIGSEGV
//            and the like) stay open, so that a debugger's or a faulthandler's handler sees them.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "src/base/forks.h"
#include "tine/executor.h"

namespace tine {

class Thread {
 public:
  Thread() noexcept = default;
  // The name is cut to 15 bytes. `stack_bytes`: 0 for the system's usual stack; else one of that size, of which only
  // what is touched costs memory, also where the system makes large pages by itself.
  Thread(std::string_view name, std::function<void()> body, size_t stack_bytes = 0);
  Thread(Thread&& other) noexcept
      : id_(other.id_),
        birth_(other.birth_),
        joinable_(std::exchange(other.joinable_, false)),
        stack_(std::exchange(other.stack_, nullptr)),
        stack_bytes_(other.stack_bytes_) {}
  Thread& operator=(Thread&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(birth_, other.birth_);
    std::swap(joinable_, other.joinable_);
    std::swap(stack_, other.stack_);
    std::swap(stack_bytes_, other.stack_bytes_);
    return *this;
  }
  ~Thread() { join(); }

  // There is a thread to be joined, of this process.
  [[nodiscard]] bool joinable() const noexcept { return joinable_ && !birth_.inherited(); }
  void join() noexcept;
  // False when its body has not returned by then.
  [[nodiscard]] bool join_until(TimePoint bound) noexcept;

 private:
  void joined() noexcept;

  pthread_t id_{};
  Birth birth_;
  bool joinable_ = false;
  void* stack_ = nullptr;  // its own, given back once it has ended
  size_t stack_bytes_ = 0;
};

}  // namespace tine
