// UnitRunner: a ScriptUnit as RPC sees it.
//
// State      The functions that came from other workers, by the hash of their code.
// Threads    Any.
// Ordering   A call that names code only by its hash finds what a call before it brought, also while that is still read.
// Ownership  Borrows the unit, which outlives the executor's tasks.
// Errors     run throws what bind throws, and Error for a hash that never came with its code; what is wrong with code
//            is the future's error.
// Cost       run: one lookup. Code is read, and a function of one's own compared with it, on the executor: that takes
//            as long as the code is. The call stays on the thread at hand for one slice (kSlice), then goes on
//            in the pool.
// Source     DESIGN "Who runs what".
#pragma once

#include <memory>

#include "src/runtime/rpc.h"
#include "src/runtime/script.h"

namespace tine {

class UnitRunner final : public ScriptRunner {
 public:
  explicit UnitRunner(ScriptUnit& unit);
  ~UnitRunner();
  Future<Value> run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                    std::vector<std::pair<std::string, Value>> kwargs) override;
  std::shared_ptr<const rpc::ScriptCode> code_of(const std::string& name) override;

 private:
  struct Functions;
  const std::shared_ptr<Functions> functions_;  // tasks that still read code hold it, too
};

}  // namespace tine
