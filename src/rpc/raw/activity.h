// Activity: counts the calls of user code that have been entered or are owed, for a thread that waits until they are
// over.
//
// It is open, and then closed: from then on enter() returns false. Any thread may use it, and it must outlive what it
// counts. Everything that ended before wait() returned happens before that return. A thread that waits inside a counted
// call does not wait for that call. Each operation is one atomic operation; the lock is taken only while a thread waits.
#pragma once

#include <atomic>
#include <cstddef>

#include "src/base/mutex.h"
#include "tine/executor.h"

namespace tine::rpc {

class Activity {
 public:
  void begin() noexcept { count_.fetch_add(1, std::memory_order_seq_cst); }
  // False, and nothing begun: closed.
  [[nodiscard]] bool enter() noexcept {
    begin();
    if (!closed_.load(std::memory_order_seq_cst)) return true;
    end();
    return false;
  }
  void end() noexcept {
    count_.fetch_sub(1, std::memory_order_seq_cst);
    if (!awaited_.load(std::memory_order_seq_cst)) return;
    const MutexLock lock(mutex_);
    changed_.notify_all();
  }
  void close() noexcept { closed_.store(true, std::memory_order_seq_cst); }
  [[nodiscard]] size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  // Until nothing is going on but what this thread is in. False: the deadline came.
  bool wait(TimePoint deadline) {
    MutexLock lock(mutex_);
    awaited_.store(true, std::memory_order_seq_cst);
    const size_t own = Inside::count_of(*this);
    // end() sees awaited_ or this sees its count; both are seq_cst.
    while (count_.load(std::memory_order_seq_cst) > own) {
      if (!changed_.wait_until(mutex_, deadline)) return count_.load(std::memory_order_seq_cst) <= own;
    }
    return true;
  }

  // This thread is in something that is counted.
  class Inside {
   public:
    explicit Inside(const Activity& activity) noexcept : activity_(activity), outer_(innermost) {
      innermost = this;
    }
    ~Inside() { innermost = outer_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    [[nodiscard]] static size_t count_of(const Activity& activity) noexcept {
      size_t n = 0;
      for (const Inside* i = innermost; i; i = i->outer_) n += &i->activity_ == &activity;
      return n;
    }

   private:
    static inline constinit thread_local const Inside* innermost = nullptr;
    const Activity& activity_;
    const Inside* const outer_;
  };

 private:
  std::atomic<size_t> count_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> awaited_{false};
  Mutex mutex_;
  Condition changed_;
};

}  // namespace tine::rpc
