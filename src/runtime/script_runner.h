// UnitRunner: a ScriptStore as RPC sees it. It runs the store's functions for other workers, and keeps the functions that
// came from other workers by the hash of their code.
//
// Any thread may use it. It borrows the store and the timer, which must outlive the tasks of the executor. A call that
// names code by its hash alone finds the code that an earlier call brought, even while that code is still being read.
//
// The run of a function belongs to its call: a caller that gives up, or is gone, ends it and all that it started. run()
// throws what bind() throws, and Error for a hash whose code never came. An error in the code itself answers the call. A
// call stays on the calling thread for one slice (kSlice) and then continues in the pool. Reading code, and comparing it
// with a function of this worker, is done on the executor, because it takes time in proportion to the code
// (docs/spec/agent.md, "Placement").
#pragma once

#include <memory>

#include "src/runtime/script.h"
#include "src/runtime/worker_parts.h"

namespace tine {

class UnitRunner final : public ScriptRunner {
 public:
  UnitRunner(ScriptStore& store, Timer& timer);
  ~UnitRunner();
  // The function of that name, or of the code if there is any; pending while the code is read.
  [[nodiscard]] Future<script::Function> function(const std::string& name, const rpc::ScriptCode& code);
  void run(rpc::IncomingCall call) override;
  std::shared_ptr<const rpc::ScriptCode> exported_code(const std::string& name) override;

 private:
  struct Functions;
  const std::shared_ptr<Functions> functions_;  // tasks that still read code hold it, too
};

}  // namespace tine
