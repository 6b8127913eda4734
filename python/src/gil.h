// The interpreter and its lock: taking it, releasing it, and the gate that closes at exit.
//
// The gate is open from import to the atexit hook. After that, threads that Python does not know are refused, and once
// the interpreter finalizes no thread is let in. close_gate() returns when every thread that was let in has left, or at
// its bound.
//
// Any thread may make a Gil; a refused one is false. GilRelease is for a thread that holds the lock. PyRef owns one
// reference and needs the lock to drop it. Nothing here throws. A Gil on a thread that holds the lock already costs one
// thread-local read. A thread that takes the lock keeps the interpreter's record of it until the thread ends, so a thread
// that holds the lock must not join it (PEP 311, "Non-Python created threads").
#pragma once

#include <chrono>
#include <utility>

#include "python/src/python.h"

namespace tine::python {

// True when this thread holds the lock of an interpreter, which may be finalizing.
[[nodiscard]] inline bool has_lock() noexcept {
#ifdef Py_LIMITED_API
  // From 3.12 on each thread has a current state of its own, and none without the lock: then this is null.
  return PyThreadState_GetDict() != nullptr;
#else
  return PyGILState_Check() != 0;
#endif
}
// True when this thread holds the lock of an interpreter that is still alive.
[[nodiscard]] inline bool holds_gil() noexcept { return Py_IsInitialized() && has_lock(); }

class PyRef {
 public:
  PyRef() noexcept = default;
  [[nodiscard]] static PyRef adopt(PyObject* p) noexcept {
    PyRef r;
    r.p_ = p;
    return r;
  }
  [[nodiscard]] static PyRef share(PyObject* p) noexcept { return adopt(Py_XNewRef(p)); }
  PyRef(const PyRef& o) noexcept : p_(Py_XNewRef(o.p_)) {}
  PyRef(PyRef&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  PyRef& operator=(PyRef o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~PyRef() { Py_XDECREF(p_); }
  [[nodiscard]] PyObject* get() const noexcept { return p_; }
  [[nodiscard]] PyObject* leak() noexcept { return std::exchange(p_, nullptr); }
  explicit operator bool() const noexcept { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};

// Holds the lock for its scope, on any thread; false when the gate refused.
class Gil {
 public:
  Gil() noexcept;
  ~Gil();
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;
  explicit operator bool() const noexcept { return how_ != How::kRefused; }

 private:
  enum class How : unsigned char { kRefused, kHeldAlready, kTaken, kTakenFirst };
  How how_;
  PyGILState_STATE before_ = PyGILState_UNLOCKED;
};

// Gives the lock up for its scope.
class GilRelease {
 public:
  GilRelease() noexcept : thread_(PyEval_SaveThread()) {}
  ~GilRelease();
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* thread_;
};

// An interpreter that finalizes ends threads that ask for its lock by unwinding their stacks, which would end the process
// in the first noexcept frame. A thread inside the scope of one of these is parked for good instead. Set `returned` after
// the call. Only for functions that are not noexcept.
struct ParkKilledThread {
  bool returned = false;
  ~ParkKilledThread();
};
// PyObject_Call* of one argument, or of none when it is null, for code whose caller is noexcept. New reference, or
// null and an error.
[[nodiscard]] PyObject* call_one(PyObject* callable, PyObject* argument);

// Saves the error indicator for its scope and restores it afterwards.
class ErrorAside {
 public:
#if PY_VERSION_HEX < 0x030C0000
  ErrorAside() noexcept { PyErr_Fetch(&type_, &value_, &traceback_); }
  ~ErrorAside() { PyErr_Restore(type_, value_, traceback_); }
#else
  ErrorAside() noexcept : error_(PyErr_GetRaisedException()) {}
  ~ErrorAside() { PyErr_SetRaisedException(error_); }
#endif
  ErrorAside(const ErrorAside&) = delete;
  ErrorAside& operator=(const ErrorAside&) = delete;

 private:
#if PY_VERSION_HEX < 0x030C0000
  PyObject *type_, *value_, *traceback_;
#else
  PyObject* error_;
#endif
};

// Drops a reference on any thread: at once with the lock, else soon, on a thread that has it. Leaks once
// the interpreter is going.
void drop_anywhere(PyObject* object) noexcept;
// Drops the objects that were dropped without the lock. The caller holds it.
void drain_drops() noexcept;
namespace detail {
struct Orphan {
  Orphan* next;
  PyObject* object;                       // loses a reference
  void (*run)(Orphan* orphan) = nullptr;  // in place of that; gives the memory back
};
// The memory comes from ::operator new and goes back to it.
void push_orphan(Orphan* orphan) noexcept;
}  // namespace detail

// The atexit hook: refuses threads from then on and waits, without the lock, for those inside.
void close_gate(std::chrono::steady_clock::time_point bound) noexcept;
[[nodiscard]] bool gate_closed() noexcept;
// Two system calls, once for each thread. In a child of fork(2), the thread that forked is the main thread.
[[nodiscard]] bool on_main_thread() noexcept;

// This thread came through the gate and has not left: close_gate() waits for it.
[[nodiscard]] bool inside_gate() noexcept;
[[nodiscard]] int threads_inside_gate() noexcept;
// In the child of a fork: no other thread of the parent lives on.
void reset_after_fork() noexcept;

}  // namespace tine::python
