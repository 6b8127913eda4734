// Crew: an Executor of threads that are started when none is idle, so what blocks holds up nobody.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "src/base/thread.h"
#include "tine/executor.h"

namespace tine::chaos {

class Crew final : public Executor {
 public:
  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    wake_.notify_all();
    threads_.clear();
  }
  void post(Task& task) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(&task);
      if (tasks_.size() > idle_)
        threads_.push_back(std::make_unique<Thread>("chaos-crew", [this] { work(); }));
    }
    wake_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      while (!ends_ && tasks_.empty()) wake_.wait(lock);
      --idle_;
      if (tasks_.empty()) return;
      Task* const task = tasks_.front();
      tasks_.pop_front();
      lock.unlock();
      task->run();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;
  size_t idle_ = 0;
  std::deque<Task*> tasks_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace tine::chaos
