// UnitRunner: a ScriptUnit as RPC sees it.
//
// State      The functions that came from other workers, by the hash of their code.
// Threads    Any.
// Ordering   None.
// Ownership  Borrows the unit.
// Errors     run throws what bind and import_code throw; a hash that never came with its code: Error.
// Cost       run: one lookup. The call stays on the thread at hand for one slice (kSlice), then goes on in the pool.
// Source     DESIGN "Who runs what".
#pragma once

#include <mutex>
#include <unordered_map>

#include "src/runtime/rpc.h"
#include "src/runtime/script.h"

namespace tine {

class UnitRunner final : public ScriptRunner {
 public:
  explicit UnitRunner(ScriptUnit& unit) : unit_(unit) {}
  Future<Value> run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                    std::vector<std::pair<std::string, Value>> kwargs) override;
  std::shared_ptr<const rpc::ScriptCode> code_of(const std::string& name) override;

 private:
  const ScriptFunction& function_for(const std::string& name, const rpc::ScriptCode& code);

  ScriptUnit& unit_;
  std::mutex mutex_;
  std::unordered_map<std::string, const ScriptFunction*> received_;  // by hash
  std::unordered_map<const ScriptFunction*, std::shared_ptr<const rpc::ScriptCode>> exported_;
};

}  // namespace tine
