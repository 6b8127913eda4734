// WorkerHooks: tells a program who has joined and who is lost, one after the other in the order in which it happened, on threads
// where users' callbacks run. Any thread may call any member; none of them waits. After close() nothing more begins.
// What a hook throws is logged.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tine/executor.h"
#include "tine/rpc.h"

namespace tine::rpc {

class WorkerHooks {
 public:
  using Joined = std::function<void(const WorkerInfo&)>;
  using Lost = std::function<void(const WorkerInfo&, const std::exception_ptr& cause)>;
  // Each may be empty.
  WorkerHooks(Joined joined, Lost lost, Executor& executor, std::function<void(const std::string&)> log);

  void joined(const WorkerInfo& worker) noexcept;
  void lost(const WorkerInfo& worker, const std::exception_ptr& cause) noexcept;
  void close() noexcept;

 private:
  struct Queue;
  void push(std::function<void()> event);

  const Joined joined_;
  const Lost lost_;
  Executor& executor_;
  const std::shared_ptr<Queue> queue_;  // shared by who works it off
};

}  // namespace tine::rpc
