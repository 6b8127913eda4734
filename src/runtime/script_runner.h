// UnitRunner: a ScriptStore as RPC sees it. It runs the store's functions for other workers, and keeps the functions that
// came from other workers by the hash of their code.
//
// Any thread may use it. It borrows the store, which must outlive the tasks of the executor. A call that names code by its
// hash alone finds the code that an earlier call brought, even while that code is still being read.
//
// run() throws what bind() throws, and Error for a hash whose code never came. An error in the code itself is the error
// of the future. A call stays on the calling thread for one slice (kSlice) and then continues in the pool. Reading code,
// and comparing it with a function of this worker, is done on the executor, because it takes time in proportion to the
// code (docs/spec/agent.md, "Placement").
#pragma once

#include <memory>

#include "src/runtime/script.h"
#include "src/runtime/worker_parts.h"

namespace tine {

class UnitRunner final : public ScriptRunner {
 public:
  explicit UnitRunner(ScriptStore& store);
  ~UnitRunner();
  Future<Value> run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                    std::vector<std::pair<std::string, Value>> kwargs) override;
  std::shared_ptr<const rpc::ScriptCode> exported_code(const std::string& name) override;

 private:
  struct Functions;
  const std::shared_ptr<Functions> functions_;  // tasks that still read code hold it, too
};

}  // namespace tine
