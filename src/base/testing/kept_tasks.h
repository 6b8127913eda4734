// KeptTasks: an executor whose tasks run when a test says so, on its thread.
#pragma once

#include <deque>

#include "tine/executor.h"

namespace tine {

class KeptTasks final : public Executor {
 public:
  void post(Task& task) noexcept override { tasks.push_back(&task); }
  void run_one() {
    Task* const task = tasks.front();
    tasks.pop_front();
    task->run();
  }
  // Those too that are posted meanwhile.
  void run_all() {
    while (!tasks.empty()) run_one();
  }
  std::deque<Task*> tasks;
};

}  // namespace tine
