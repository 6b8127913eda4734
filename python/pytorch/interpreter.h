// Threads of tine's pools and the interpreter: what makes its lock cheap there, and its end safe.
//
// The gate is open from import to the atexit hook; after that no thread makes or drops its record of the interpreter. Any
// thread may call these functions, and none throws. PyTorch takes the lock with pybind11, which makes and drops a
// thread's record each time (some 20 us) unless the thread has one already. prepare_thread() makes that record once;
// later calls are a thread-local read.
#pragma once

#include <exception>
#include <utility>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace tine::pytorch {

// Gives this thread its record of the interpreter, until it ends.
void prepare_thread() noexcept;
// The atexit hook, after the end of all agents: waits, without the lock, for threads that are making or dropping theirs,
// and up to a second for those that are busy.
void close_interpreter() noexcept;
// This thread runs what may need the lock.
class Busy {
 public:
  Busy() noexcept;
  ~Busy();
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
};
// Before close_interpreter().
[[nodiscard]] bool interpreter_open() noexcept;
// Whether this thread holds the interpreter's lock.
[[nodiscard]] bool holds_lock() noexcept;
// For good.
[[noreturn]] void park() noexcept;

// Calls f(). An interpreter that finalizes ends a thread that asks for its lock by unwinding the stack, which would end the
// process. Such a thread sleeps here for good instead.
template <class F>
decltype(auto) parked_when_killed(F&& f) {
#ifdef __GLIBCXX__
  try {
    return std::forward<F>(f)();
  } catch (abi::__forced_unwind&) {
    park();
  }
#else
  return std::forward<F>(f)();
#endif
}

}  // namespace tine::pytorch
