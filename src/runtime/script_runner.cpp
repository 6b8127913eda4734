#include "src/runtime/script_runner.h"

#include <fmt/format.h>

namespace tine {

Future<Value> UnitRunner::run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                              std::vector<std::pair<std::string, Value>> kwargs) {
  const ScriptFunction& f = function_for(name, code);
  const std::vector<Keyword> keywords(kwargs.begin(), kwargs.end());
  const std::vector<Value> bound = unit_.bind(f, args, keywords);
  return unit_.start_slice(f, bound);
}

const ScriptFunction& UnitRunner::function_for(const std::string& name, const rpc::ScriptCode& code) {
  if (code.hash.empty()) {
    if (const ScriptFunction* f = unit_.function(name)) return *f;
    throw AttributeError(fmt::format("this worker has no script function \"{}\"", name));
  }
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = received_.find(code.hash); it != received_.end()) return *it->second;
  }
  // The same program is usually here, too: then its own function is as good.
  const ScriptFunction* f = unit_.function(name);
  if (f) {
    const auto own = code_of(name);
    if (!own || own->hash != code.hash) f = nullptr;
  }
  if (!f) {
    if (code.text.empty()) {
      throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
    }
    f = &unit_.import_code(code.hash, code.text);
  }
  const std::lock_guard lock(mutex_);
  return *received_.try_emplace(code.hash, f).first->second;
}

std::shared_ptr<const rpc::ScriptCode> UnitRunner::code_of(const std::string& name) {
  const ScriptFunction* const f = unit_.function(name);
  if (!f) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = exported_.find(f); it != exported_.end()) return it->second;
  }
  const auto code = unit_.export_code(*f);
  auto shared = std::make_shared<const rpc::ScriptCode>(rpc::ScriptCode{code->hash, code->text});
  const std::lock_guard lock(mutex_);
  return exported_.try_emplace(f, std::move(shared)).first->second;
}

}  // namespace tine
