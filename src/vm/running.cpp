#include "src/vm/running.h"

#include <utility>

#include "src/base/mutex.h"
#include "src/vm/frame.h"

namespace tine::vm {

// Process-wide by nature: a thread runs tasks of any Machine. Never destroyed: threads end after it.
struct RunningCount::List {
  Mutex mutex;
  RunningCount* first TINE_GUARDED_BY(mutex) = nullptr;  // and with it next_ and taken_ of each

  static List& get() {
    static auto* const list = new List;
    return *list;
  }
};

struct RunningCount::Claim {
  RunningCount* mine = nullptr;
  ~Claim() {
    if (!mine) return;
    ThreadNotes::here().counts = nullptr;
    const MutexLock lock(List::get().mutex);
    std::exchange(mine, nullptr)->taken_ = false;
  }
};

RunningCount* RunningCount::claim() {
  static thread_local Claim claim;
  if (claim.mine) return claim.mine;
  List& list = List::get();
  const MutexLock lock(list.mutex);
  // One that a thread which has ended left, with its sums: so there are as many as threads at one time.
  for (RunningCount* one = list.first; one; one = one->next_) {
    if (one->taken_) continue;
    one->taken_ = true;
    return claim.mine = one;
  }
  auto* const made = new RunningCount;
  made->next_ = list.first;
  list.first = made;
  return claim.mine = made;
}

bool RunningCount::nothing_runs() noexcept {
  List& list = List::get();
  const MutexLock lock(list.mutex);
  // The ends first: a task that begins in between only makes the two differ, and is not overlooked.
  uint64_t begun = 0, ended = 0;
  for (const RunningCount* one = list.first; one; one = one->next_)
    ended += one->ended_.load(std::memory_order_acquire);
  for (const RunningCount* one = list.first; one; one = one->next_)
    begun += one->begun_.load(std::memory_order_acquire);
  return begun == ended;
}

}  // namespace tine::vm
