#include "src/runtime/script_runner.h"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>

#include "tine/fork.h"

namespace tine {

struct UnitRunner::Functions : std::enable_shared_from_this<Functions> {
  using Function = const ScriptFunction*;

  explicit Functions(ScriptUnit& u) : unit(u) {}

  // Ready but for code that has not been read yet.
  Future<Function> function_for(const std::string& name, const rpc::ScriptCode& code) {
    if (code.hash.empty()) {
      if (const Function f = unit.function(name)) return make_ready(f);
      throw AttributeError(fmt::format("this worker has no script function \"{}\"", name));
    }
    Promise<Function> promise;
    {
      const std::lock_guard lock(mutex);
      if (const auto it = received.find(code.hash); it != received.end()) return it->second;
      if (code.text.empty() && !unit.function(name))
        throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
      received.emplace(code.hash, promise.future());
    }
    Future<Function> function = promise.future();
    (void)fork(unit.executor(),
               [self = shared_from_this(), name, code, promise = std::move(promise)]() mutable {
                 try {
                   promise.set_value(self->read(name, code));
                 } catch (...) {
                   {
                     const std::lock_guard lock(self->mutex);
                     self->received.erase(code.hash);  // another call may bring it whole
                   }
                   promise.set_error(std::current_exception());
                 }
               });
    return function;
  }

  Function read(const std::string& name, const rpc::ScriptCode& code) {
    // The same program is usually here, too: then its own function is as good.
    if (const Function own = unit.function(name)) {
      const auto known = code_of(name);
      if (known && known->hash == code.hash) return own;
    }
    if (code.text.empty())
      throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
    return &unit.import_code(code.hash, code.text);
  }

  std::shared_ptr<const rpc::ScriptCode> code_of(const std::string& name) {
    const Function f = unit.function(name);
    if (!f) return nullptr;
    {
      const std::lock_guard lock(mutex);
      if (const auto it = exported.find(f); it != exported.end()) return it->second;
    }
    const auto code = unit.export_code(*f);
    auto shared = std::make_shared<const rpc::ScriptCode>(rpc::ScriptCode{code->hash, code->text});
    const std::lock_guard lock(mutex);
    return exported.try_emplace(f, std::move(shared)).first->second;
  }

  ScriptUnit& unit;
  std::mutex mutex;
  std::unordered_map<std::string, Future<Function>> received;  // by hash
  std::unordered_map<Function, std::shared_ptr<const rpc::ScriptCode>> exported;
};

UnitRunner::UnitRunner(ScriptUnit& unit) : functions_(std::make_shared<Functions>(unit)) {}
UnitRunner::~UnitRunner() = default;

Future<Value> UnitRunner::run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                              std::vector<std::pair<std::string, Value>> kwargs) {
  const Future<const ScriptFunction*> function = functions_->function_for(name, code);
  auto start = [&unit = functions_->unit, args = std::move(args),
                kwargs = std::move(kwargs)](const ScriptFunction* f) {
    const std::vector<Keyword> keywords(kwargs.begin(), kwargs.end());
    return unit.start_slice(*f, unit.bind(*f, args, keywords));
  };
  if (function.ready()) return start(function.get());
  return function.and_then(std::move(start));
}

std::shared_ptr<const rpc::ScriptCode> UnitRunner::code_of(const std::string& name) {
  return functions_->code_of(name);
}

}  // namespace tine
