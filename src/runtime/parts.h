// The parts that a Runtime owns, in the order in which they are made. Only src/runtime includes this.
#pragma once

#include <optional>

#include "src/base/forks.h"
#include "src/future/trimming.h"
#include "src/runtime/script.h"
#include "src/runtime/script_runner.h"
#include "src/runtime/worker_parts.h"
#include "src/sched/blocking_pool.h"
#include "src/tensor/generator.h"
#include "src/value/op_context.h"
#include "tine/operators.h"
#include "tine/runtime.h"

namespace tine {

// The pool as the operators see it.
class PoolSplitter final : public Splitter {
 public:
  explicit PoolSplitter(Scheduler& pool) : pool_(pool) {}
  void parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* state) override {
    pool_.parallel_for(n, grain, body, state);
  }
  int cores() const noexcept override { return pool_.num_threads(); }

 private:
  Scheduler& pool_;
};

void add_foreign_operators(OpTable& table);

struct Runtime::Parts {
  Parts(Runtime& runtime, const RuntimeOptions& options);
  // Handlers use what is made after their threads: they end first. A thread that runs a script returns in time.
  ~Parts() {
    rpc.leave_now();
    scripts->end();
    (void)handlers.close_and_join(kNoDeadline);
  }

  const Birth birth;
  OpTable ops;
  Generator generator;
  std::optional<ScriptStore> scripts;  // tasks that the pool abandons at its end still name their functions
  Scheduler scheduler;
  Trimming trimming;
  PoolSplitter splitter;
  OpContext context;
  sched::BlockingPool callbacks;
  sched::BlockingPool handlers;
  std::optional<UnitRunner> script_runner;
  rpc::Worker rpc;
};

}  // namespace tine
