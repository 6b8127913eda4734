// Thread: a thread of tine's own, which its owner joins.
//
// Signals are blocked before its first instruction: they belong to the threads of the program. Those that a thread's own fault
// raises (SIGSEGV and the like) stay open, so that a debugger or a faulthandler sees them.
//
// The destructor joins. In a child of fork(2) an inherited Thread does nothing, because there is no such thread. One thread at
// a time uses a Thread object.
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
  // Starts a thread that runs `body`, which must not throw. Throws SystemError when the system gives no thread. The name is cut
  // to 15 bytes. `stack_bytes` is 0 for the system's usual stack. A stack of another size costs memory only where it is
  // touched, also where the system makes large pages by itself.
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

  // True if there is a thread of this process to be joined.
  [[nodiscard]] bool joinable() const noexcept { return joinable_ && !birth_.inherited(); }
  void join() noexcept;
  // False if its body has not returned by then.
  [[nodiscard]] bool join_until(TimePoint bound) noexcept;

 private:
  void joined() noexcept;

  pthread_t id_{};
  Birth birth_;
  bool joinable_ = false;
  void* stack_ = nullptr;  // made by the constructor; given back once the thread has ended
  size_t stack_bytes_ = 0;
};

}  // namespace tine
