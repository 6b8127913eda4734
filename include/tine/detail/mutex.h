// Mutex, MutexLock and Condition: those of the standard library, with what Clang needs to check the lock discipline.
//
//   Mutex mutex_;
//   std::deque<Job> jobs_ TINE_GUARDED_BY(mutex_);      // touched while mutex_ is held, never otherwise
//   void push(Job job) TINE_REQUIRES(mutex_);           // the caller holds it
//   void run_all() TINE_EXCLUDES(mutex_);               // the caller must not hold it
//
// `tools/check_locks` compiles each file that locks with -Wthread-safety -Werror; to any other compiler the annotations are
// nothing. A capability need not be a mutex: where one thread at a time may do something, a Role names it, and functions
// that only its holder may call require it.
//
// The analysis does not look into lambdas. So a Condition has no predicates: write the loop. It does not follow a lock that
// moves either: hand out what is guarded, or call a function under the lock, but do not return one.
#pragma once

#include <condition_variable>
#include <mutex>

#include "tine/executor.h"

#if defined(__clang__)
#define TINE_THREAD_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define TINE_THREAD_ATTRIBUTE(...)
#endif
// On a type.
#define TINE_CAPABILITY(name) TINE_THREAD_ATTRIBUTE(capability(name))
#define TINE_SCOPED_CAPABILITY TINE_THREAD_ATTRIBUTE(scoped_lockable)
// On a member: it, or what it points to, is guarded.
#define TINE_GUARDED_BY(...) TINE_THREAD_ATTRIBUTE(guarded_by(__VA_ARGS__))
#define TINE_PT_GUARDED_BY(...) TINE_THREAD_ATTRIBUTE(pt_guarded_by(__VA_ARGS__))
// On a mutex: where two are held, which one is locked first.
#define TINE_ACQUIRED_BEFORE(...) TINE_THREAD_ATTRIBUTE(acquired_before(__VA_ARGS__))
#define TINE_ACQUIRED_AFTER(...) TINE_THREAD_ATTRIBUTE(acquired_after(__VA_ARGS__))
// On a function: what its caller holds, or must not hold; what it locks, unlocks, or returns.
#define TINE_REQUIRES(...) TINE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define TINE_EXCLUDES(...) TINE_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define TINE_ACQUIRE(...) TINE_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TINE_TRY_ACQUIRE(...) TINE_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define TINE_RELEASE(...) TINE_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TINE_ASSERT_HELD(...) TINE_THREAD_ATTRIBUTE(assert_capability(__VA_ARGS__))
#define TINE_RETURNS_CAPABILITY(x) TINE_THREAD_ATTRIBUTE(lock_returned(x))
// The last resort. Its reason stands beside each use.
#define TINE_NO_THREAD_SAFETY_ANALYSIS TINE_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace tine::detail {

class TINE_CAPABILITY("mutex") Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() TINE_ACQUIRE() { mutex_.lock(); }
  void unlock() TINE_RELEASE() { mutex_.unlock(); }
  [[nodiscard]] bool try_lock() TINE_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  // Where a function object runs under a lock that its caller holds: tells the analysis so. Does nothing.
  void assert_held() const TINE_ASSERT_HELD() {}

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds a mutex for a scope. unlock() and lock() open a gap in it. The tests of interleavings have a mutex of their own.
template <class M = Mutex>
class TINE_SCOPED_CAPABILITY MutexLock {
 public:
  [[nodiscard]] explicit MutexLock(M& mutex) TINE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() TINE_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() TINE_RELEASE() {
    mutex_.unlock();
    held_ = false;
  }
  void lock() TINE_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  M& mutex_;
  bool held_ = true;
};

// Waits are bounded by a time, or another thread ends them. They may return for no reason: wait in a loop.
class Condition {
 public:
  // Not condition_variable::wait(): that of GCC 12 binds what is built to its libstdc++, and Red Hat 9 has an older one.
  void wait(Mutex& mutex) TINE_REQUIRES(mutex) {
    ::pthread_cond_wait(wake_.native_handle(), mutex.mutex_.native_handle());
  }
  // False once `deadline` has passed; kNoDeadline never does.
  bool wait_until(Mutex& mutex, TimePoint deadline) TINE_REQUIRES(mutex) {
    if (deadline == kNoDeadline) {
      wait(mutex);
      return true;
    }
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = wake_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void notify_one() noexcept { wake_.notify_one(); }
  void notify_all() noexcept { wake_.notify_all(); }

 private:
  std::condition_variable wake_;
};

// "Only the holder of this role ...": a permission that is not a lock. begin() and end() say who has it; they cost nothing.
class TINE_CAPABILITY("role") Role {
 public:
  void begin() TINE_ACQUIRE() {}
  void end() TINE_RELEASE() {}
  // For a function that its caller's caller has given the role to, out of the analysis's sight.
  void assert_held() const TINE_ASSERT_HELD() {}
};

}  // namespace tine::detail
