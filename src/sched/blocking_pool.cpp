#include "src/sched/blocking_pool.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <utility>

namespace tine::sched {

using namespace std::chrono_literals;

// A thread that waits for a future lends its place to another.
class BlockingPool::Helper final : public detail::WaitHelper {
 public:
  explicit Helper(BlockingPool& pool) : pool_(pool) {}
  void help(detail::StateBase&, TimePoint) noexcept override {}
  void about_to_block(detail::Sleeper*) noexcept override {
    const std::lock_guard lock(pool_.mutex_);
    ++pool_.blocked_;
    pool_.start_thread_if_needed();
  }
  void unblocked() noexcept override {
    const std::lock_guard lock(pool_.mutex_);
    --pool_.blocked_;
  }

 private:
  BlockingPool& pool_;
};

BlockingPool::BlockingPool(std::string name, int max_threads, size_t max_queued)
    : name_(std::move(name)), max_threads_(max_threads), max_queued_(max_queued) {}

BlockingPool::~BlockingPool() { close_and_join(); }

void BlockingPool::post(Task& task) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && queued_ < max_queued_) {
      task.next_task = nullptr;
      (last_ ? last_->next_task : first_) = &task;
      last_ = &task;
      ++queued_;
      if (idle_ > 0) wake_.notify_one();
      start_thread_if_needed();
      return;
    }
  }
  task.abandon();
}

void BlockingPool::start_thread_if_needed() noexcept {
  const int running = static_cast<int>(threads_.size());
  if (closed_ || queued_ <= static_cast<size_t>(idle_) || running - blocked_ >= max_threads_ ||
      running >= kHardLimit)
    return;
  try {
    threads_.emplace_front();
    const auto self = threads_.begin();
    *self = std::thread([this, self, n = started_++] {
      pthread_setname_np(pthread_self(), fmt::format("{}-{}", name_, n).substr(0, 15).c_str());
      main(self);
    });
  } catch (const std::exception&) {
    // No thread to be had: the task waits for one of those that run.
    if (!threads_.empty() && !threads_.front().joinable()) threads_.pop_front();
  }
}

void BlockingPool::main(std::list<std::thread>::iterator self) noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  Helper helper(*this);
  detail::set_thread_helper(&helper);
  std::list<std::thread> ended;
  {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (first_ && !closed_) {
        Task* const task = first_;
        first_ = task->next_task;
        if (!first_) last_ = nullptr;
        --queued_;
        lock.unlock();
        task->run();
        lock.lock();
      }
      if (closed_) break;
      ++idle_;
      const bool timed_out = wake_.wait_for(lock, 10s) == std::cv_status::timeout;
      --idle_;
      if (timed_out && !first_) break;
    }
    ended.swap(over_);
    over_.splice(over_.end(), threads_, self);
    ended_.notify_all();
  }
  for (std::thread& thread : ended) thread.join();
  detail::set_thread_helper(nullptr);
}

int BlockingPool::close_and_join(TimePoint bound) noexcept {
  Task* left = nullptr;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    left = std::exchange(first_, nullptr);
    last_ = nullptr;
    queued_ = 0;
    wake_.notify_all();
  }
  while (left) {
    Task* const task = std::exchange(left, left->next_task);
    task->abandon();
  }
  std::list<std::thread> ended;
  {
    std::unique_lock lock(mutex_);
    const auto all_over = [this] { return threads_.empty(); };
    if (bound == kNoDeadline) {
      ended_.wait(lock, all_over);
    } else {
      ended_.wait_until(lock, bound, all_over);
    }
    ended.swap(over_);
  }
  for (std::thread& thread : ended) thread.join();
  return threads();
}

int BlockingPool::threads() const noexcept {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(threads_.size());
}

}  // namespace tine::sched
