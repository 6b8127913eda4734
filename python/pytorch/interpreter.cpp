#include "interpreter.h"

#include <Python.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace tine::pytorch {
namespace {

// Threads that outlive static destruction may use this, so it is constant-initialized and trivially destroyed.
constinit std::atomic<bool> closed{false};
constinit std::atomic<int> inside{0};
constinit std::atomic<int> busy{0};

bool enter() noexcept {
  // seq_cst with close_interpreter(): either it sees us inside or we see it closed.
  inside.fetch_add(1, std::memory_order_seq_cst);
  if (!closed.load(std::memory_order_seq_cst) && Py_IsInitialized()) return true;
  inside.fetch_sub(1, std::memory_order_release);
  return false;
}
void leave() noexcept { inside.fetch_sub(1, std::memory_order_release); }

struct Record {
  bool kept = false;
  ~Record() {
    if (!kept || !enter()) return;
    (void)PyGILState_Ensure();
    PyGILState_Release(PyGILState_LOCKED);    // this time's
    PyGILState_Release(PyGILState_UNLOCKED);  // the one of prepare_thread(), with which the record goes
    leave();
  }
};
thread_local Record record;

}  // namespace

void prepare_thread() noexcept {
  if (record.kept || PyGILState_GetThisThreadState() || !enter()) return;
  (void)PyGILState_Ensure();
  (void)PyEval_SaveThread();
  record.kept = true;
  leave();
}

void close_interpreter() noexcept {
  closed.store(true, std::memory_order_seq_cst);
  PyThreadState* const here = PyEval_SaveThread();
  // They only wait for the lock, which is free now.
  const timespec turn{0, 200'000};
  while (inside.load(std::memory_order_acquire) > 0) ::nanosleep(&turn, nullptr);
  // After the end of the interpreter, a thread that asks for the lock is killed, also inside PyTorch's destructors.
  for (int left = 5000; left > 0 && busy.load(std::memory_order_acquire) > 0; --left)
    ::nanosleep(&turn, nullptr);
  PyEval_RestoreThread(here);
}

Busy::Busy() noexcept { busy.fetch_add(1, std::memory_order_relaxed); }
Busy::~Busy() { busy.fetch_sub(1, std::memory_order_release); }

bool interpreter_open() noexcept { return !closed.load(std::memory_order_seq_cst); }

bool holds_lock() noexcept { return Py_IsInitialized() && PyGILState_Check(); }

void park() noexcept {
  for (;;) ::pause();
}

}  // namespace tine::pytorch
