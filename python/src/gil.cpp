#include "python/src/gil.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <new>
#include <thread>

#include "tine/detail/forks.h"
#include "tine/detail/thread_state.h"

namespace tine::python {
namespace {

using detail::Orphan;

// Threads that outlive static destruction may use all of this, so it is constant-initialized and trivially destroyed.
constinit std::atomic<bool> closed{false};
constinit std::atomic<int> inside{0};
constinit std::atomic<Orphan*> orphans{nullptr};

int drain_pending(void*) {
  drain_drops();
  return 0;
}

bool enter() noexcept {
  // seq_cst with close_gate: either it sees us inside or we see it closed.
  inside.fetch_add(1, std::memory_order_seq_cst);
  if (!closed.load(std::memory_order_seq_cst)) return true;
  inside.fetch_sub(1, std::memory_order_release);
  return false;
}

// Functions of their own, neither noexcept nor inlined: the compiler drops the cleanup of a frame that it knows to be
// inside a noexcept one.
[[gnu::noinline]] void take_back(PyThreadState* thread) {
  ParkKilledThread park;
  const tine::detail::WaitForTurn waits;
  PyEval_RestoreThread(thread);
  park.returned = true;
}
[[gnu::noinline]] PyGILState_STATE take() {
  ParkKilledThread park;
  const tine::detail::WaitForTurn waits;
  const PyGILState_STATE before = PyGILState_Ensure();
  park.returned = true;
  return before;
}

// The interpreter's record of this thread. It is kept from the first time that the thread takes the lock until the thread
// ends, because making one costs more than most callbacks.
struct ThreadRecord {
  bool kept = false;
  ~ThreadRecord() {
    if (!kept || !Py_IsInitialized() || !enter()) return;
    (void)take();
    PyGILState_Release(PyGILState_LOCKED);    // this time's: the lock is kept for
    PyGILState_Release(PyGILState_UNLOCKED);  // the first time's, which ends the record and gives the lock up
    inside.fetch_sub(1, std::memory_order_release);
  }
};
thread_local ThreadRecord record;
constinit thread_local int depth = 0;  // of Gil scopes that came through the gate

}  // namespace

ParkKilledThread::~ParkKilledThread() {
  if (returned) return;
  for (;;) ::pause();
}

Gil::Gil() noexcept : how_(How::kRefused) {
  if (!Py_IsInitialized()) return;
  if (has_lock()) {
    how_ = How::kHeldAlready;
    return;
  }
  if (!enter()) return;
  const bool unknown = !PyGILState_GetThisThreadState();
  before_ = take();
  how_ = unknown ? How::kTakenFirst : How::kTaken;
  ++depth;
  drain_drops();
}

Gil::~Gil() {
  if (how_ != How::kTakenFirst && how_ != How::kTaken) return;
  if (how_ == How::kTakenFirst) {
    record.kept = true;
    PyEval_SaveThread();
  } else {
    PyGILState_Release(before_);
  }
  --depth;
  inside.fetch_sub(1, std::memory_order_release);
}

GilRelease::~GilRelease() {
  take_back(thread_);
  drain_drops();
}

[[gnu::noinline]] PyObject* call_one(PyObject* callable, PyObject* argument) {
  ParkKilledThread park;
  PyObject* const result = argument ? PyObject_CallOneArg(callable, argument) : PyObject_CallNoArgs(callable);
  park.returned = true;
  return result;
}

void detail::push_orphan(Orphan* orphan) noexcept {
  Orphan* head = orphans.load(std::memory_order_relaxed);
  do {
    orphan->next = head;
  } while (
      !orphans.compare_exchange_weak(head, orphan, std::memory_order_release, std::memory_order_relaxed));
  // Only the first object in the queue asks the main thread to drain it. If the list of pending calls is full, nothing is
  // lost: the next thread that takes the lock in tine drains the queue as well.
  if (!head && !closed.load(std::memory_order_relaxed)) Py_AddPendingCall(&drain_pending, nullptr);
}

void drop_anywhere(PyObject* object) noexcept {
  if (!object || !Py_IsInitialized()) return;
  if (has_lock()) {
    Py_DECREF(object);
    return;
  }
  void* const memory = ::operator new(sizeof(Orphan), std::nothrow);
  if (memory) detail::push_orphan(new (memory) Orphan{nullptr, object});
}

void drain_drops() noexcept {
  if (!orphans.load(std::memory_order_relaxed)) return;
  Orphan* all = orphans.exchange(nullptr, std::memory_order_acquire);
  Orphan* oldest = nullptr;
  while (all) {
    Orphan* const next = all->next;
    all->next = oldest;
    oldest = all;
    all = next;
  }
  while (oldest) {
    Orphan* const orphan = oldest;
    oldest = orphan->next;
    if (orphan->run) {
      orphan->run(orphan);
      continue;
    }
    PyObject* const object = orphan->object;
    ::operator delete(orphan);
    Py_DECREF(object);
  }
}

void close_gate(std::chrono::steady_clock::time_point bound) noexcept {
  closed.store(true, std::memory_order_seq_cst);
  // A callback that never returns must not keep the process alive: past the bound its thread is parked
  // when it asks for the lock again.
  const GilRelease release;
  // Threads leave by one instruction and wake nobody, so this one looks again every millisecond.
  while (inside.load(std::memory_order_acquire) > 0 && std::chrono::steady_clock::now() < bound) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool gate_closed() noexcept { return closed.load(std::memory_order_acquire); }

bool on_main_thread() noexcept {
  struct Known {
    int generation = -1;
    bool main = false;
  };
  static thread_local Known known;
  const int now = tine::detail::forks_so_far();
  if (known.generation != now) known = {now, ::getpid() == ::gettid()};
  return known.main;
}

bool inside_gate() noexcept { return depth > 0; }

int threads_inside_gate() noexcept { return inside.load(std::memory_order_relaxed); }

void reset_after_fork() noexcept {
  inside.store(0, std::memory_order_relaxed);
  orphans.store(nullptr, std::memory_order_relaxed);  // the parent drops and reports these
}

}  // namespace tine::python
