#include "src/rpc/worker_hooks.h"

#include <deque>
#include <new>

#include "src/base/mutex.h"
#include "src/rpc/post.h"
#include "tine/error.h"

namespace tine::rpc {

struct WorkerHooks::Queue {
  const std::function<void(const std::string&)> log;
  Mutex mutex;
  std::deque<std::function<void()>> events TINE_GUARDED_BY(mutex);
  bool running TINE_GUARDED_BY(mutex) = false;
  bool closed TINE_GUARDED_BY(mutex) = false;

  void work_off() {
    for (;;) {
      std::function<void()> event;
      {
        const MutexLock lock(mutex);
        if (events.empty()) {
          running = false;
          return;
        }
        event = std::move(events.front());
        events.pop_front();
      }
      try {
        event();
      } catch (...) {
        if (log) log("a hook for workers failed: " + describe(std::current_exception()));
      }
    }
  }
};

WorkerHooks::WorkerHooks(Joined joined, Lost lost, Executor& executor,
                         std::function<void(const std::string&)> log)
    : joined_(std::move(joined)),
      lost_(std::move(lost)),
      executor_(executor),
      queue_(new Queue{std::move(log), {}, {}}) {}

void WorkerHooks::push(std::function<void()> event) {
  {
    const MutexLock lock(queue_->mutex);
    if (queue_->closed) return;
    queue_->events.push_back(std::move(event));
    if (std::exchange(queue_->running, true)) return;
  }
  post_to(executor_, [queue = queue_] { queue->work_off(); });
}

void WorkerHooks::joined(const WorkerInfo& worker) noexcept {
  if (!joined_) return;
  try {
    push([f = joined_, worker] { f(worker); });
  } catch (const std::bad_alloc&) {
    // The world goes on; the program is not told.
  }
}

void WorkerHooks::lost(const WorkerInfo& worker, const std::exception_ptr& cause) noexcept {
  if (!lost_) return;
  try {
    push([f = lost_, worker, cause] { f(worker, cause); });
  } catch (const std::bad_alloc&) {
    // As above.
  }
}

void WorkerHooks::close() noexcept {
  std::deque<std::function<void()>> dropped;  // outside of the lock: they hold a user's functions
  const MutexLock lock(queue_->mutex);
  queue_->closed = true;
  dropped.swap(queue_->events);
}

}  // namespace tine::rpc
